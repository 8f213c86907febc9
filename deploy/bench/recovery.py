#!/usr/bin/env -S python3 -P
"""How long after a kill of every order process all sagas in flight have ended.

    deploy/bench/recovery.py [--sagas 1000] [--replicas 2] [--programs .build/release]

A stack of its own is brought up. Its payment process is paused, so that sagas pile up in the middle of
their charge; once there are enough, every order process gets SIGKILL, payment is resumed, and order is
started again. Printed is the time from that start until the last saga has ended, the order processes'
own start included, and whether everything adds up.
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ADDRESS = {"line1": "1 Loop Street", "city": "Localhost", "country": "US"}


def run(stack, *words):
    done = subprocess.run([stack, *words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"stack {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


class Shop:
    def __init__(self, port):
        self.port = port
        person = {"email": f"r-{time.time_ns()}@example.com", "password": "correct horse battery"}
        self.ask("POST", "/users", {**person, "name": "Recovery"})
        self.token = self.ask("POST", "/users/login", person)["access_token"]
        listing = self.ask("GET", "/products?in_stock=true&limit=50")
        self.products = [item["id"] for item in listing["items"]]

    def ask(self, method, path, body=None, token=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json", **(headers or {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 400:
            sys.exit(f"{method} {path}: {answer.status} {text[:300]}")
        return json.loads(text)

    def check_out(self, number):
        body = {
            "items": [{"product_id": self.products[number % len(self.products)], "quantity": 1}],
            "payment_method": "pm_card_visa",
            "shipping_address": ADDRESS,
        }
        headers = {"Idempotency-Key": f"recovery-{number}", "Prefer": "respond-async"}
        self.ask("POST", "/orders", body, self.token, headers)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sagas", type=int, default=1000)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--programs", default=".build/release")
    options = parser.parse_args()
    stack = f"{options.programs}/stack"
    data = pathlib.Path(tempfile.mkdtemp(prefix="anyway-recovery-", dir="/var/tmp"))
    home = str(data / "stack")
    port = 20000 + os.getpid() % 9000
    try:
        run(stack, "up", "--lean", "--replicas", f"order={options.replicas}", "--detach",
            "--port", str(port), "--data", home,
            # They wait for payment longer than a customer would, and are driven like any other.
            "--set", "CHECKOUT_DEADLINE=5m")
        environment = dict(
            line.split("=", 1) for line in run(stack, "env", "--data", home).splitlines()
        )

        def in_flight():
            query = "SELECT count(*) FROM saga_pending"
            psql = ["psql", "-tAc", query, environment["ORDER_DATABASE_URL"]]
            return int(subprocess.run(psql, capture_output=True, text=True, check=True).stdout)

        shop = Shop(port)
        shop.check_out(10**9)
        # One product is delivered plenty of; what sells out ends early and does not count.
        run(stack, "pause", "payment", "--data", home)
        number = 0
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            while (missing := options.sagas - in_flight()) > 0:
                list(pool.map(shop.check_out, range(number, number + missing)))
                number += missing
        before = in_flight()
        run(stack, "kill", "order", "--data", home)
        run(stack, "resume", "payment", "--data", home)
        began = time.monotonic()
        run(stack, "start", "order", "--data", home)
        ready = time.monotonic() - began
        while (left := in_flight()) > 0 and time.monotonic() - began < 120:
            time.sleep(0.02)
        took = time.monotonic() - began
        print(f"{before} sagas in flight, {options.replicas} order processes killed")
        print(f"order ready again after {ready:.2f} s, all sagas ended after {took:.2f} s, {left} left")
        print(run(stack, "verify", "--wait", "30", "--data", home).splitlines()[-1])
    finally:
        subprocess.run([stack, "down", "--wipe", "--data", home], capture_output=True)
        shutil.rmtree(data, ignore_errors=True)


main()
