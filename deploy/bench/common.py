"""What the benchmarks of servers have in common."""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

PATH = os.environ["PATH"] + ":/usr/sbin"
PACKAGES = {"nginx": "nginx-light", "wrk": "wrk", "haproxy": "haproxy"}


def install(*programs):
    """Fetches from Debian what is missing, and only that."""
    missing = [PACKAGES[program] for program in programs
               if not shutil.which(program, path=PATH)]
    if not missing:
        return
    print("installing:", *missing)
    root = [] if os.geteuid() == 0 else ["sudo"]
    subprocess.run(root + ["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(
        root + ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-yq",
                "--no-install-recommends", *missing],
        check=True, stdout=subprocess.DEVNULL)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(port):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def measure(url, seconds, connections, processor):
    """Requests a second and the 99th percentile in milliseconds."""
    text = subprocess.run(
        ["taskset", "-c", str(processor), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
         "--latency", url],
        check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(f"{url}: {text}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    return rate, milliseconds(re.search(r"^\s+99%\s+(\S+)", text, re.MULTILINE).group(1))


def take_turns(cases, url, options):
    """Measures each case for ours and for nginx, the one first in even rounds and the other in odd ones."""
    results = {case: {"ours": [], "nginx": []} for case in cases}
    for turn in range(options.rounds):
        order = ("ours", "nginx") if turn % 2 == 0 else ("nginx", "ours")
        for case in cases:
            for name in order:
                results[case][name].append(
                    measure(url(name, case), options.seconds, options.connections, options.load_processor))
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
    return results


def table(results):
    print("| case | ours, requests/s | nginx, requests/s | ratio | ours p99, ms | nginx p99, ms |")
    print("|---|---:|---:|---:|---:|---:|")
    for (name, _, _), found in results.items():
        ratios = [a[0] / b[0] for a, b in zip(found["ours"], found["nginx"])]
        ours, theirs = ([statistics.median(column) for column in zip(*found[who])]
                        for who in ("ours", "nginx"))
        print(f"| {name} | {ours[0]:,.0f} | {theirs[0]:,.0f} | {statistics.median(ratios):.2f} "
              f"| {ours[1]:.2f} | {theirs[1]:.2f} |")


def read_options(server):
    """What comparisons with nginx can be told; `server` is the program that they measure."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--server", default=server)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--seconds", type=int, default=3)
    arguments.add_argument("--connections", type=int, default=64)
    arguments.add_argument("--server-processor", type=int, default=0)
    arguments.add_argument("--load-processor", type=int, default=1)
    return arguments.parse_args()
