#!/usr/bin/env python3
"""Asks for up to three times what an upstream can do, and shows what the gateway makes of it.

    deploy/bench/overload.py [--seconds 10] [--workers 8] [--service-ms 20] [--gateway .build/release/gateway]

The upstream has so many workers and no more: what comes while all are busy waits its turn, first come,
first served, as long as it takes. Requests come at their own time (Poisson, from a seed), answered or
not, and each one's time counts from when it was due. First all requests are alike, at rising rates;
then half of what the upstream can do are checkouts and the rest is browsing, three times as much in all.
The gateway has one thread, pinned to one processor; upstream and client share another.

Ends with 1 when goodput at three times the capacity is below nine tenths of the peak, when 99 of 100
accepted requests take longer than --bound-ms, or when checkouts are refused that the upstream could do;
with 2 when the client itself was late, because then the figures say more about the machine.
"""

import argparse
import asyncio
import collections
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

from common import free_ports, wait_for

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Workers:
    """So many requests at once, the others in a row."""

    def __init__(self, count, mean):
        self.free, self.mean = count, mean
        self.waiting = collections.deque()
        self.random = random.Random(7)

    def take(self, connection):
        if self.free == 0:
            self.waiting.append(connection)
        else:
            self.free -= 1
            self._work(connection)

    def _work(self, connection):
        # Most take about as long, some twice that.
        seconds = self.mean * self.random.lognormvariate(-0.08, 0.4)
        asyncio.get_running_loop().call_later(seconds, self._done, connection)

    def _done(self, connection):
        connection.answer()
        # Whoever gave up meanwhile is still in the row: a service does not know.
        if self.waiting:
            self._work(self.waiting.popleft())
        else:
            self.free += 1


class Origin(asyncio.Protocol):
    """One connection to the upstream."""

    def __init__(self, workers):
        self.workers, self.bytes = workers, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.bytes += data
        while (end := self.bytes.find(b"\r\n\r\n")) >= 0:
            head, self.bytes = self.bytes[:end], self.bytes[end + 4:]
            if head.startswith(b"GET /health"):
                self.transport.write(ANSWER)
            else:
                self.workers.take(self)

    def answer(self):
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


async def serve(port, workers, seconds):
    room = Workers(workers, seconds)
    server = await asyncio.get_running_loop().create_server(
        lambda: Origin(room), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


class Client(asyncio.Protocol):
    """A kept-alive connection of a customer, who asks one thing at a time."""

    def __init__(self, crowd):
        self.crowd, self.bytes, self.asked = crowd, b"", None

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, kind, due):
        self.asked = (kind, due)
        self.transport.write(self.crowd.requests[kind])

    def data_received(self, data):
        self.bytes += data
        end = self.bytes.find(b"\r\n\r\n")
        if end < 0 or self.asked is None:
            return
        head = self.bytes[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15:].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.bytes) < end + 4 + length:
            return
        self.bytes = b""
        (kind, due), self.asked = self.asked, None
        self.crowd.answered(kind, int(head[9:12]), time.monotonic() - due)
        self.crowd.idle.append(self)

    def connection_lost(self, _):
        if self.asked:
            self.crowd.answered(self.asked[0], 0, 0)
        if self in self.crowd.idle:
            self.crowd.idle.remove(self)


class Crowd:
    """Customers who come whenever they like."""

    def __init__(self, port):
        self.port = port
        self.idle = []
        self.requests = {
            "checkout": f"POST /orders HTTP/1.1\r\nhost: a:{port}\r\ncontent-length: 0\r\n\r\n".encode(),
            "browse": f"GET /products HTTP/1.1\r\nhost: a:{port}\r\n\r\n".encode(),
        }

    def answered(self, kind, status, seconds):
        if self.counts:
            self.results[kind].append((status, seconds))

    async def come(self, rates, seconds, ignored):
        """Lets them come at these rates a second; the first `ignored` seconds are not counted."""
        self.results = {kind: [] for kind in rates}
        self.late, self.counts = [], False
        loop, chance = asyncio.get_running_loop(), random.Random(11)
        start = time.monotonic() + 0.1
        arrivals = []
        for kind, rate in rates.items():
            at = chance.expovariate(rate)
            while at < ignored + seconds:
                arrivals.append((at, kind))
                at += chance.expovariate(rate)
        for at, kind in sorted(arrivals):
            due = start + at
            wait = due - time.monotonic()
            if wait > 0.0005:
                await asyncio.sleep(wait)
            self.counts = at >= ignored
            self.late.append(time.monotonic() - due)
            if self.idle:
                self.idle.pop().ask(kind, due)
            else:
                _, fresh = await loop.create_connection(lambda: Client(self), "127.0.0.1", self.port)
                fresh.ask(kind, due)
        self.counts = True
        await asyncio.sleep(3)
        self.counts = False
        return self.results


def percentile(times, share):
    times = sorted(times)
    return 1000 * times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")


class Bench:
    """The upstream and the gateway before it."""

    def __init__(self, home, options):
        self.home, self.options = home, options
        self.port, self.admin, self.origin = free_ports(3)
        self.processes = []

    def start(self):
        options = self.options
        self._run(options.load_processor, [
            sys.executable, __file__, "--serve", str(self.origin), "--workers", str(options.workers),
            "--service-ms", str(options.service_ms)])
        wait_for(self.origin)
        anybody = {"requests": 1_000_000}
        routes = self.home / "routes.json"
        routes.write_text(json.dumps({
            "upstreams": {"shop": {"endpoints": f"127.0.0.1:{self.origin}", "tls": "none",
                                   "health": "/health"}},
            "limits": {"client": {"user": anybody, "address": anybody}},
            "routes": [
                {"path": "/orders", "methods": ["POST"], "upstream": "shop", "priority": "high"},
                {"path": "/products", "methods": ["GET"], "upstream": "shop", "priority": "low"},
            ],
        }))
        self._run(options.server_processor, [options.gateway], {
            "ROUTES": str(routes), "LISTEN": f"127.0.0.1:{self.port}", "EVENT_LOOPS": "1",
            "ADMIN_LISTEN": f"127.0.0.1:{self.admin}", "HTTP_MAX_CONNECTIONS_PER_ADDRESS": "20000"})
        wait_for(self.port)

    def _run(self, processor, command, environment=None):
        log = open(self.home / f"{len(self.processes)}.log", "wb")
        self.processes.append(subprocess.Popen(
            ["taskset", "-c", str(processor), *map(str, command)],
            env={**os.environ, **(environment or {})}, stdout=log, stderr=log))

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(10)

    @property
    def limit(self):
        # Not through urllib: http.py beside this file would take the place of what that needs.
        with socket.create_connection(("127.0.0.1", self.admin), 5) as stream:
            stream.sendall(b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            page = b"".join(iter(lambda: stream.recv(65536), b"")).decode()
        for line in page.splitlines():
            if line.startswith("gateway_concurrency_limit{"):
                return float(line.split()[-1])
        return float("nan")


def summary(crowd, results, seconds):
    good = [taken for status, taken in results if status == 200]
    refused = sum(1 for status, _ in results if status == 503)
    others = len(results) - len(good) - refused
    return {"offered": len(results) / seconds, "good": len(good) / seconds,
            "refused": refused / max(1, len(results)), "others": others,
            "p50": percentile(good, 0.5), "p99": percentile(good, 0.99),
            "late": percentile(crowd.late, 0.99)}


def line(name, found, limit):
    print(f"| {name} | {found['offered']:,.0f} | {found['good']:,.0f} | {100 * found['refused']:.1f} % "
          f"| {found['p50']:.0f} | {found['p99']:.0f} | {limit} | {found['others']} | {found['late']:.0f} |",
          flush=True)


def head():
    print("| | offered/s | answered with 200/s | refused | p50 of those, ms | p99, ms | limit | other answers "
          "| client late, p99 ms |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")


async def measure(bench, options):
    os.sched_setaffinity(0, {options.load_processor})
    capacity = options.workers * 1000 / options.service_ms
    crowd, seconds = Crowd(bench.port), options.seconds
    # What is usual is found out in calm.
    await crowd.come({"checkout": capacity / 20, "browse": capacity / 20}, 4, 0)
    head()
    alike = {}
    for factor in (0.5, 0.8, 0.9, 1.0, 1.2, 2.0, 3.0):
        found = await crowd.come({"browse": factor * capacity}, seconds, 3)
        alike[factor] = summary(crowd, found["browse"], seconds)
        line(f"{factor:g} × capacity", alike[factor], f"{bench.limit:.0f}")
    found = await crowd.come({"checkout": 0.5 * capacity, "browse": 2.5 * capacity}, seconds, 3)
    mixed = {kind: summary(crowd, results, seconds) for kind, results in found.items()}
    for kind in mixed:
        line(f"3 ×: {kind}", mixed[kind], f"{bench.limit:.0f}")
    return alike, mixed


def judge(alike, mixed, options):
    peak = max(found["good"] for found in alike.values())
    worst = alike[3.0]
    both = sum(found["good"] for found in mixed.values())
    slowest = max(worst["p99"], *(found["p99"] for found in mixed.values()))
    print(f"\npeak {peak:,.0f}/s; at three times the capacity {worst['good']:,.0f}/s "
          f"({worst['good'] / peak:.2f} of it), with checkouts among them {both:,.0f}/s ({both / peak:.2f})")
    faults = []
    if min(worst["good"], both) < 0.9 * peak:
        faults.append("goodput under overload is below nine tenths of the peak")
    if slowest > options.bound_ms:
        faults.append(f"99 of 100 accepted requests take up to {slowest:.0f} ms, more than {options.bound_ms}")
    if mixed["checkout"]["refused"] > 0.05:
        faults.append(f"{100 * mixed['checkout']['refused']:.1f} % of checkouts are refused, "
                      "though the upstream could do twice as many")
    late = max(found["late"] for found in [*alike.values(), *mixed.values()])
    if late > options.late_ms:
        print(f"The client was up to {late:.0f} ms late: the machine has too much else to do.")
        return 2
    print("\n".join(["FAIL", *faults]) if faults else "PASS")
    return 1 if faults else 0


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--gateway", type=pathlib.Path, default=".build/release/gateway")
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--workers", type=int, default=8)
    arguments.add_argument("--service-ms", type=float, default=20)
    arguments.add_argument("--bound-ms", type=float, default=500)
    arguments.add_argument("--late-ms", type=float, default=50)
    arguments.add_argument("--server-processor", type=int, default=0)
    arguments.add_argument("--load-processor", type=int, default=1)
    arguments.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.serve:
        return asyncio.run(serve(options.serve, options.workers, options.service_ms / 1000))
    with tempfile.TemporaryDirectory(prefix="anyway-overload-") as folder:
        bench = Bench(pathlib.Path(folder), options)
        try:
            bench.start()
            alike, mixed = asyncio.run(measure(bench, options))
        finally:
            bench.stop()
    sys.exit(judge(alike, mixed, options))


if __name__ == "__main__":
    main()
