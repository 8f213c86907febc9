#!/usr/bin/env python3
"""Compares pages from the gateway's cache with nginx proxy_cache: same load, in turns, one thread each.

    deploy/bench/cache.py [--rounds 7] [--seconds 3] [--server .build/release/gateway]

Both stand before the same origin (an nginx that answers a fixed page with `Cache-Control: max-age=3600`),
pinned to one processor, with wrk on another. Both write an access log to a file and count requests
against a limit that is never reached; ours also does all else that it does by default. In every round
each case is measured for each in turn, ours first in even rounds. The ratio is the median of the rounds'.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from common import PATH, free_ports, install, read_options, table, take_turns, wait_for

PAGES = [("a catalog page, 4 KiB", "/page", 4096), ("1 KiB", "/small", 1000), ("64 KiB", "/large", 65536)]
COMMON = """
worker_processes 1;
daemon off;
pid {home}/{name}.pid;
error_log {home}/{name}.error.log;
events {{ worker_connections 4096; }}
http {{
  server_tokens off;
  keepalive_requests 1000000000;
  keepalive_timeout 60s;
  client_body_temp_path {home}/{name}-body;
  proxy_temp_path {home}/{name}-proxy;
  fastcgi_temp_path {home}/{name}-fastcgi;
  uwsgi_temp_path {home}/{name}-uwsgi;
  scgi_temp_path {home}/{name}-scgi;
"""
ORIGIN = COMMON + """
  access_log off;
  server {{
    listen 127.0.0.1:{port};
    default_type application/json;
    root {home}/pages;
    add_header Cache-Control "public, max-age=3600";
  }}
}}
"""
CACHE = COMMON + """
  access_log {home}/{name}.log;
  limit_req_zone $binary_remote_addr zone=clients:1m rate=1000000r/s;
  proxy_cache_path {home}/{name}-cache keys_zone=pages:10m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      limit_req zone=clients burst=100000 nodelay;
      proxy_cache pages;
      add_header X-Cache-Status $upstream_cache_status;
      proxy_pass http://127.0.0.1:{origin};
    }}
  }}
}}
"""
ROUTES = """{{
  "upstreams": {{"origin": {{"endpoints": "127.0.0.1:{origin}", "tls": "none"}}}},
  "limits": {{"client": {{"user": {{"requests": 1000000}}, "address": {{"requests": 1000000}}}}}},
  "routes": [{{"prefix": "/", "methods": ["GET"], "upstream": "origin", "cache": "standard"}}]
}}
"""


def start(home, options):
    origin, theirs, ours, admin = free_ports(4)
    (home / "pages").mkdir()
    for _, path, size in PAGES:
        (home / "pages" / path[1:]).write_text('{"items":"' + "x" * (size - 12) + '"}')
    for path in [home, *home.rglob("*")]:
        path.chmod(0o755)
    nginx = shutil.which("nginx", path=PATH)
    (home / "routes.json").write_text(ROUTES.format(origin=origin))
    pin = ["taskset", "-c", str(options.server_processor)]
    processes = []
    for name, text, port in (("origin", ORIGIN, origin), ("cache", CACHE, theirs)):
        file = home / f"{name}.conf"
        file.write_text(text.format(home=home, name=name, port=port, origin=origin))
        processes.append(subprocess.Popen(pin + [nginx, "-p", home, "-c", file],
                                          stderr=subprocess.DEVNULL))
    processes.append(subprocess.Popen(
        pin + [options.server], stdout=open(home / "ours.log", "w"),
        env={**os.environ, "ROUTES": str(home / "routes.json"), "LISTEN": f"127.0.0.1:{ours}",
             "ADMIN_LISTEN": f"127.0.0.1:{admin}", "EVENT_LOOPS": "1"}))
    for port in (origin, theirs, ours):
        wait_for(port)
    return processes, {"ours": ours, "nginx": theirs}


def check(ports):
    """Both must answer from their caches before anything is measured."""
    for _, path, _ in PAGES:
        for name, field in (("ours", "Cache-Status"), ("nginx", "X-Cache-Status")):
            for _ in range(2):
                # Python's own client imports a module named as our http.py is.
                head = subprocess.run(
                    ["curl", "-sfD", "-", "-o", "/dev/null", f"http://127.0.0.1:{ports[name]}{path}"],
                    check=True, capture_output=True, text=True).stdout
            found = re.search(rf"(?im)^{field}: *(.*)$", head)
            status = found.group(1).strip() if found else "no such field"
            if "hit" not in status.lower():
                sys.exit(f"{name} does not answer {path} from its cache: {status}")


def main():
    options = read_options(".build/release/gateway")
    install("nginx", "wrk")
    with tempfile.TemporaryDirectory(prefix="bench-cache-") as name:
        processes, ports = start(pathlib.Path(name), options)
        try:
            check(ports)
            table(take_turns(
                PAGES, lambda name, page: f"http://127.0.0.1:{ports[name]}{page[1]}", options))
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


if __name__ == "__main__":
    main()
