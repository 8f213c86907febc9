"""What the benchmarks of servers have in common."""

import os
import re
import shutil
import socket
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
