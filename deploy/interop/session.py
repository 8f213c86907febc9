"""A session of requests: compressed text, an upload, a conditional request."""
import sys

import requests

base = f"http://127.0.0.1:{sys.argv[1]}"
session = requests.Session()
text = session.get(f"{base}/text", headers={"Accept-Encoding": "gzip"}, timeout=10)
upload = open(sys.argv[2], "rb").read()
echo = session.post(f"{base}/echo", data=upload, timeout=10)
known = session.get(f"{base}/text", headers={"If-None-Match": text.headers["ETag"]}, timeout=10)
size = len(echo.content) if echo.content == upload else "different"
print(text.status_code, len(text.text), text.headers.get("Content-Encoding"), echo.status_code, size,
      known.status_code)
