#!/usr/bin/env python3
"""Compares our HTTP server with Debian's nginx: same load, in turns, one server thread each.

    deploy/bench/http.py [--rounds 7] [--seconds 3] [--server .build/release/HTTPBench]

Both servers run side by side, pinned to one processor, and wrk to another. In every round each case
is measured for each server in turn, ours first in even rounds and nginx first in odd ones, so that
whatever else the machine does falls on both. The table shows medians; the ratio is the median of
the rounds' ratios, which a noisy minute disturbs less than a ratio of medians.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

from common import PATH, free_ports, install, read_options, table, take_turns, wait_for

JSON_BODY = (
    '{"currency":"USD","id":"0192f0c1-7a3e-7c55-8a51-3f1f0c0de5a1",'
    '"price_cents":1999,"quantity":3,"title":"A kettle that whistles"}'
)
CASES = [
    ("plaintext", "http", "/plaintext"),
    ("plaintext, in a task", "http", "/waiting"),
    ("JSON of a typed value", "http", "/json"),
    ("1 KiB", "http", "/kibibyte"),
    ("plaintext, TLS", "https", "/plaintext"),
    ("JSON, TLS", "https", "/json"),
]
NGINX = """
worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  server_tokens off;
  keepalive_requests 1000000000;
  keepalive_timeout 60s;
  default_type text/plain;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  server {{
    listen 127.0.0.1:{plain};
    listen 127.0.0.1:{secure} ssl;
    ssl_certificate {home}/cert.pem;
    ssl_certificate_key {home}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    location = /plaintext {{ return 200 "Hello, World!"; }}
    location = /waiting {{ return 200 "Hello, World!"; }}
    location = /json {{ default_type application/json; return 200 '{json}'; }}
    location = /kibibyte {{ default_type application/octet-stream; return 200 "{kibibyte}"; }}
  }}
}}
"""


def start(home, server, processor):
    """Starts both; their processes and their ports by name and scheme."""
    ours, ours_tls, theirs, theirs_tls = free_ports(4)
    key, cert = home / "key.pem", home / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    configuration = home / "nginx.conf"
    configuration.write_text(NGINX.format(
        home=home, plain=theirs, secure=theirs_tls, json=JSON_BODY, kibibyte="x" * 1024))
    pin = ["taskset", "-c", str(processor)]
    nginx = shutil.which("nginx", path=PATH)
    processes = [
        subprocess.Popen(pin + [server, str(ours), str(ours_tls), str(cert), str(key)]),
        subprocess.Popen(pin + [nginx, "-p", home, "-c", configuration],
                         stderr=subprocess.DEVNULL),
    ]
    ports = {
        "ours": {"http": ours, "https": ours_tls},
        "nginx": {"http": theirs, "https": theirs_tls},
    }
    for port in (ours, ours_tls, theirs, theirs_tls):
        wait_for(port)
    return processes, ports


def main():
    options = read_options(".build/release/HTTPBench")
    install("nginx", "wrk")
    with tempfile.TemporaryDirectory(prefix="bench-http-") as name:
        home = pathlib.Path(name)
        home.chmod(0o755)
        processes, ports = start(home, options.server, options.server_processor)
        try:
            table(take_turns(
                CASES, lambda name, case: f"{case[1]}://127.0.0.1:{ports[name][case[1]]}{case[2]}", options))
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


if __name__ == "__main__":
    main()
