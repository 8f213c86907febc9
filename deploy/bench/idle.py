#!/usr/bin/env python3
"""Counts what idle connections cost our server in memory, and what they cost the active ones.

    deploy/bench/idle.py [--server .build/release/HTTPBench] [--connections 10000]

Opens keep-alive connections, has a request answered on each, lets them rest, and divides the growth of the
process's private memory (smaps_rollup: Private_Clean + Private_Dirty) by their number. Then wrk
measures the plaintext route beside them and without them, in turns.
"""

import argparse
import re
import resource
import socket
import statistics
import subprocess
import sys
import time


def private(pid):
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024


def open_idle(port, count):
    """Connections on each of which one request was answered."""
    request = b"GET /plaintext HTTP/1.1\r\nhost: localhost\r\n\r\n"
    idle = []
    for number in range(count):
        # Each source address has its own range of ports.
        source = f"127.0.0.{2 + number // 20000}"
        each = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
        each.sendall(request)
        if not each.recv(4096).startswith(b"HTTP/1.1 200"):
            sys.exit("an answer was missing")
        idle.append(each)
    return idle


def rate(port, seconds, processor):
    text = subprocess.run(
        ["taskset", "-c", str(processor), "wrk", "-t1", "-c64", f"-d{seconds}s",
         f"http://127.0.0.1:{port}/plaintext"],
        check=True, capture_output=True, text=True).stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))


def start(server):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(["taskset", "-c", "0", server, str(port)])
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, port
        except OSError:
            time.sleep(0.05)
    sys.exit("the server does not listen")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--server", default=".build/release/HTTPBench")
    arguments.add_argument("--connections", type=int, default=10000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=2)
    options = arguments.parse_args()
    limit = options.connections + 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    busy, busy_port = start(options.server)
    quiet, quiet_port = start(options.server)
    try:
        for port in (busy_port, quiet_port):
            rate(port, 1, 1)
        time.sleep(2)
        before = private(busy.pid)
        idle = open_idle(busy_port, options.connections)
        time.sleep(3)
        grown = private(busy.pid) - before
        print(f"{len(idle)} idle connections: {grown / len(idle):.0f} bytes each")
        ratios = []
        for turn in range(options.rounds):
            ports = (busy_port, quiet_port) if turn % 2 == 0 else (quiet_port, busy_port)
            rates = {port: rate(port, options.seconds, 1) for port in ports}
            ratios.append(rates[busy_port] / rates[quiet_port])
        print(f"active beside idle: {statistics.median(ratios):.2f} of the rate without them")
    finally:
        for process in (busy, quiet):
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
