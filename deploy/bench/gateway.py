#!/usr/bin/env python3
"""Compares our gateway with HAProxy doing the same and with nginx as a plain proxy.

    deploy/bench/gateway.py [--rounds 5] [--seconds 3] [--tokens 10000] [--gateway .build/release/gateway]

All stand before the same upstream: nginx that answers a small body at once, on two ports as two
instances. HAProxy and our gateway verify an ES256 token, limit each user's rate, route, balance and
write an access log; nginx does nothing but pass on. Each has one thread, pinned to one processor;
upstream and wrk share another. In every round each is measured in turn, in an order that turns too;
ratios are medians of the rounds' ratios. Processor time is that of the gateway's own processes for
each request, which a busy machine disturbs less than rates.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from common import PATH, free_ports, install, milliseconds, wait_for
from tokens import AUDIENCE, ISSUER, Signer

BODY = '{"id":"0192f0c1-7a3e-7c55-8a51-3f1f0c0de5a1","price_cents":1999,"title":"A kettle"}'
NGINX = """
worker_processes 1;
daemon off;
pid {home}/{name}.pid;
error_log {home}/{name}.error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 60s;
  default_type application/json;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  {rest}
}}
"""
UPSTREAM = """
  server {{
    listen 127.0.0.1:{first};
    listen 127.0.0.1:{second};
    location = /keys {{ return 200 '{keys}'; }}
    location = /orders {{ return 200 '{body}'; }}
    location = /products {{ add_header cache-control "public, max-age=60"; return 200 '{body}'; }}
  }}
"""
PROXY = """
  proxy_cache_path {home}/cache keys_zone=pages:1m;
  upstream origin {{
    server 127.0.0.1:{first};
    server 127.0.0.1:{second};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / {{ proxy_pass http://origin; }}
    location = /products {{ proxy_pass http://origin; proxy_cache pages; }}
  }}
"""
HAPROXY = """
global
  nbthread 1
  maxconn 4096
  log stdout len 1024 format raw local0 info
defaults
  mode http
  log global
  option http-keep-alive
  timeout connect 2s
  timeout client 60s
  timeout server 5s
  timeout http-request 10s
  retries 3
  option redispatch
frontend gate
  bind 127.0.0.1:{port}
  log-format '{{"time":"%tr","method":"%HM","path":"%HP","status":%ST,"ms":%Ta,"remote":"%ci","bytes":%B,"user":"%[var(txn.sub)]","upstream":"%b","upstream_instance":"%s","tries":%rc}}'
  stick-table type string len 36 size 1m expire 10s store http_req_rate(1s)
  http-request deny deny_status 401 unless {{ http_auth_bearer -m found }}
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str ES256 }}
  http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_verify(txn.alg,"{public}") 1 }}
  http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_payload_query('$.iss') -m str {issuer} }}
  http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_payload_query('$.aud') -m str {audience} }}
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}
  http-request set-var(txn.sub) http_auth_bearer,jwt_payload_query('$.sub')
  http-request track-sc0 var(txn.sub)
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 1000 }}
  http-request del-header authorization
  http-request del-header x-anyway- -m beg
  http-request set-header x-anyway-user %[var(txn.sub)]
  http-request set-header x-forwarded-for %[src]
  use_backend orders if {{ path /orders }}
  default_backend nowhere
backend orders
  balance random(2)
  http-reuse always
  server orders1 127.0.0.1:{first}
  server orders2 127.0.0.1:{second}
backend nowhere
  http-request deny deny_status 404
"""
LUA = """
local requests = {}
for line in io.lines("%s") do
  requests[#requests + 1] = wrk.format("GET", "/orders", {Host = "bench", Authorization = "Bearer " .. line})
end
local number = 0
request = function()
  number = number %% #requests + 1
  return requests[number]
end
"""
NAMES = {"ours": "our gateway", "haproxy": "HAProxy", "nginx": "nginx, plain proxy",
         "direct": "no proxy"}


class Bench:
    """The upstream and the three before it, each pinned."""

    def __init__(self, home, options):
        self.home, self.options = home, options
        self.processes = {}
        first, second, *ports = free_ports(5)
        self.instances = (first, second)
        self.ports = dict(zip(("ours", "haproxy", "nginx"), ports), direct=first)
        self.signer = Signer(home)
        self.tokens = list(self.signer.tokens(options.tokens))
        (home / "tokens").write_text("\n".join(self.tokens) + "\n")
        (home / "tokens.lua").write_text(LUA % (home / "tokens"))
        self.knows_cache = self._schema_knows_cache()

    def start(self):
        first, second = self.instances
        where = {"home": self.home, "first": first, "second": second}
        self._nginx("upstream", self.options.load_processor, UPSTREAM.format(
            keys=self.signer.key_set, body=BODY, **where))
        wait_for(first)
        processor = self.options.server_processor
        self._nginx("nginx", processor, PROXY.format(port=self.ports["nginx"], **where))
        configuration = self.home / "haproxy.conf"
        configuration.write_text(HAPROXY.format(
            port=self.ports["haproxy"], public=self.signer.public, issuer=ISSUER,
            audience=AUDIENCE, **where))
        self._run("haproxy", processor, [shutil.which("haproxy", path=PATH), "-db", "-f",
                                         configuration])
        routes = self.home / "routes.json"
        routes.write_text(json.dumps(self._routes()))
        self._run("ours", processor, [self.options.gateway], {
            "ROUTES": str(routes), "LISTEN": f"127.0.0.1:{self.ports['ours']}",
            "ADMIN_LISTEN": f"127.0.0.1:{free_ports(1)[0]}", "EVENT_LOOPS": "1"})
        for name in ("nginx", "haproxy", "ours"):
            wait_for(self.ports[name])
        time.sleep(1)  # Until the keys are there.

    def _routes(self):
        route = {"methods": ["GET"], "upstream": "orders"}
        orders = {"path": "/orders", "auth": "required", **route}
        products = {"path": "/products", "auth": "optional", "limit": "open", **route}
        if self.knows_cache:
            products["cache"] = {}
        anybody = {"requests": 1_000_000}
        return {
            "upstreams": {"orders": {
                "endpoints": ",".join(f"127.0.0.1:{port}" for port in self.instances),
                "tls": "none", "health": "/keys"}},
            "keys": {"upstream": "orders", "path": "/keys"},
            "limits": {
                "client": {"user": {"requests": 1000}, "address": {"requests": 100}},
                "open": {"user": anybody, "address": anybody}},
            "routes": [orders, products],
        }

    @staticmethod
    def _schema_knows_cache():
        schema = pathlib.Path(__file__).parents[2] / "docs" / "routes.schema.json"
        routes = json.loads(schema.read_text())["properties"]["routes"]
        return "cache" in routes["items"].get("properties", {})

    def _nginx(self, name, processor, rest):
        configuration = self.home / f"{name}.conf"
        configuration.write_text(NGINX.format(home=self.home, name=name, rest=rest))
        self._run(name, processor, [shutil.which("nginx", path=PATH), "-p", self.home, "-c",
                                    configuration])

    def _run(self, name, processor, command, environment=None):
        with open(self.home / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(
                ["taskset", "-c", str(processor), *command], stdout=log, stderr=log,
                env={**os.environ, **(environment or {})})

    def stop(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            process.wait()

    def processor_seconds(self, name):
        """Time on the processor of a process and its children."""
        if name not in self.processes:
            return 0
        wanted, total = {self.processes[name].pid}, 0
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(entry.parent.name) in wanted or int(fields[1]) in wanted:
                total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def measure(self, name, path):
        """Requests a second, p50 and p99 in ms, and processor microseconds a request."""
        options = self.options
        script = ["-s", self.home / "tokens.lua"] if path == "/orders" else []
        before = self.processor_seconds(name)
        text = subprocess.run(
            ["taskset", "-c", str(options.load_processor), "wrk", "-t1",
             f"-c{options.connections}", f"-d{options.seconds}s", "--latency", *script,
             f"http://127.0.0.1:{self.ports[name]}{path}"],
            check=True, capture_output=True, text=True).stdout
        used = self.processor_seconds(name) - before
        if "Non-2xx" in text or "Socket errors" in text:
            sys.exit(f"{NAMES[name]}: {text}")
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
        count = int(re.search(r"(\d+) requests in", text).group(1))
        quantiles = [milliseconds(re.search(rf"^\s+{each}%\s+(\S+)", text, re.MULTILINE).group(1))
                     for each in (50, 99)]
        return [rate, *quantiles, used / count * 1e6]

    def compare(self, names, path):
        found = {name: [] for name in names}
        for name in names:
            if name != "direct":
                self.measure(name, path)  # Each token is seen once before it counts.
        for turn in range(self.options.rounds):
            turned = names[turn % len(names):] + names[:turn % len(names)]
            for name in turned:
                found[name].append(self.measure(name, path))
            print(f"{path}: round {turn + 1} of {self.options.rounds}", file=sys.stderr)
        return found

    def latencies(self, names):
        """Median microseconds of a request on a quiet connection, asked for in turns."""
        request = (f"GET /orders HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer "
                   f"{self.tokens[0]}\r\n\r\n").encode()
        sockets = {}
        for name in names:
            sockets[name] = socket.create_connection(("127.0.0.1", self.ports[name]), 5)
            sockets[name].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found = {name: [] for name in names}
        for _ in range(self.options.samples):
            for name in names:
                started = time.perf_counter_ns()
                sockets[name].sendall(request)
                answer = sockets[name].recv(65536)
                found[name].append((time.perf_counter_ns() - started) / 1000)
                if not answer.startswith(b"HTTP/1.1 200"):
                    sys.exit(f"{NAMES[name]}: {answer[:80]}")
            time.sleep(0.001)
        for each in sockets.values():
            each.close()
        return {name: statistics.median(values) for name, values in found.items()}


def table(found, names):
    print("| | requests/s | p50, ms | p99, ms | processor µs a request | "
          "ours / this, requests/s | ours / this, processor time |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in names:
        rate, middle, tail, cost = (statistics.median(column) for column in zip(*found[name]))
        against = list(zip(found["ours"], found[name]))
        line = f"| {NAMES[name]} | {rate:,.0f} | {middle:.2f} | {tail:.2f} | "
        line += f"{cost:.1f} | " if name != "direct" else "| "
        if name in ("ours", "direct"):
            print(line + "| |")
        else:
            print(line + f"{statistics.median(a[0] / b[0] for a, b in against):.2f} | "
                         f"{statistics.median(a[3] / b[3] for a, b in against):.2f} |")


def run(bench, options):
    names = ["ours", "haproxy", "nginx"]
    table(bench.compare(names, "/orders") | {
        "direct": [bench.measure("direct", "/orders") for _ in range(2)]}, names + ["direct"])
    print()
    if bench.knows_cache:
        print("A cached catalog page (nginx: `proxy_cache`):\n")
        table(bench.compare(["ours", "nginx"], "/products"), ["ours", "nginx"])
    else:
        print("A cached catalog page: not there")
    print(f"\nAdded to the direct call at the median, one request at a time ({options.samples} each):\n")
    medians = bench.latencies(names + ["direct"])
    print("| | µs | added, µs |\n|---|---:|---:|")
    for name, median in medians.items():
        print(f"| {NAMES[name]} | {median:.0f} | {median - medians['direct']:.0f} |")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--gateway", default=".build/release/gateway")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=3)
    arguments.add_argument("--connections", type=int, default=64)
    arguments.add_argument("--tokens", type=int, default=10_000)
    arguments.add_argument("--samples", type=int, default=3000)
    arguments.add_argument("--server-processor", type=int, default=0)
    arguments.add_argument("--load-processor", type=int, default=1)
    options = arguments.parse_args()
    install("nginx", "wrk", "haproxy")
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as name:
        home = pathlib.Path(name)
        home.chmod(0o755)
        bench = Bench(home, options)
        try:
            bench.start()
            run(bench, options)
        except SystemExit:
            for log in home.glob("*.log"):
                print(f"{log.name}: {log.read_bytes()[-500:].decode(errors='replace')}", file=sys.stderr)
            raise
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
