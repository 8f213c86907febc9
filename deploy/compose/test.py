#!/usr/bin/env python3
"""Brings the platform up in containers, breaks it as its users will, and lets the oracle judge.

    deploy/compose/test.py [--keep] [--no-build]

Every step says what it saw. The first that is not as promised ends the test with 1; everything is taken
down either way, unless --keep asks for a look at it.
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
import roll  # noqa: E402

REPLICAS = {"user": 3, "product": 5, "order": 4, "payment": 2, "notification": 2, "gateway": 1, "provider": 1}
MOST_ADDED_MB = 60
ADDRESS = {"line1": "1 Main Street", "city": "Springfield", "country": "US"}


class Failed(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Failed(what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def say(text):
    print(f"{time.monotonic() - BEGAN:6.1f} s  {text}", flush=True)


def compose(*words, show=False):
    done = subprocess.run([*roll.COMPOSE, *words], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Failed(f"docker-compose {' '.join(words)}: {done.stdout[-2000:]}")
    if show:
        print(done.stdout.rstrip())
    return done.stdout


def docker(*words):
    return roll.run("docker", *words)


def ids(service):
    return compose("ps", "-q", service).split()


def address(container):
    found = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", container)
    return found.split()[0]


def admin(container, path):
    connection = http.client.HTTPConnection(address(container), 9000, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def breakers(upstream):
    """States of all order processes' breakers towards an upstream: 0 closed, 1 half-open, 2 open."""
    states = []
    for container in ids("order"):
        for line in admin(container, "/metrics").splitlines():
            if line.startswith("mesh_instance_breaker{") and f'upstream="{upstream}"' in line:
                states.append(int(line.split()[-1]))
    return states


def eventually(seconds, what, question, pause=0.25):
    end = time.monotonic() + seconds
    while True:
        found = question()
        if found:
            return found
        check(time.monotonic() < end, f"{what}: not within {seconds} s")
        time.sleep(pause)


class Shop:
    """A customer who is signed in."""

    def __init__(self, port):
        self.port = port
        person = {"email": f"{uuid.uuid4()}@example.com", "password": "correct horse battery staple", "name": "Ada"}
        status, _ = self.ask("POST", "/users", person)
        check(status == 201, f"registering: {status}")
        status, answer = self.ask("POST", "/users/login", person)
        check(status == 200, f"signing in: {status}")
        self.token = answer["access_token"]
        items = self.ask("GET", "/products?in_stock=true&limit=50")[1]["items"]
        self.products = [item["id"] for item in sorted(items, key=lambda item: -item.get("available", 0))]

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            fields = dict(headers or {})
            if hasattr(self, "token"):
                fields["authorization"] = f"Bearer {self.token}"
            if body is not None:
                fields["content-type"] = "application/json"
            connection.request(method, path, json.dumps(body) if body is not None else None, fields)
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else {}
        finally:
            connection.close()

    def check_out(self, key=None, wait=5, product=0):
        body = {
            "items": [{"product_id": self.products[product], "quantity": 1}],
            "payment_method": "pm_card_visa", "shipping_address": ADDRESS,
        }
        fields = {"idempotency-key": key or str(uuid.uuid4()), "prefer": f"wait={wait}" if wait else "respond-async"}
        return self.ask("POST", "/orders", body, fields)

    def status(self, order):
        return self.ask("GET", f"/orders/{order}")[1].get("status")


class Crowd:
    """Customers who check out without pause, and remember every order that was acknowledged.

    They stop when the `with` that they came with ends, whatever ended it.
    """

    def __init__(self, shop, workers=4, pause=0.3):
        self.shop, self.pause = shop, pause
        self.answers, self.orders = {}, set()
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(workers)
        self.running = [self.pool.submit(self.work) for _ in range(workers)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.pool.shutdown()

    def work(self):
        turn = 0
        while not self.stop.is_set():
            turn += 1
            key = str(uuid.uuid4())
            for _ in range(5):
                try:
                    status, answer = self.shop.check_out(key, product=turn % len(self.shop.products))
                except (OSError, http.client.HTTPException, ValueError):
                    status, answer = "no answer", {}
                with self.lock:
                    self.answers[status] = self.answers.get(status, 0) + 1
                    if status in (201, 202):
                        self.orders.add(answer["id"])
                if status in (201, 202, 402, 409, 422) or self.stop.is_set():
                    break
            self.stop.wait(self.pause)

    def end(self):
        """Sends them home; no order may be lost, and what they were told must be what was promised."""
        self.stop.set()
        for worker in self.running:
            worker.result()
        check(self.answers.get(201, 0) > 0, f"not one checkout was confirmed: {self.answers}")
        check(500 not in self.answers, f"something failed that nobody thought of: {self.answers}")
        end = time.monotonic() + 60
        missing = list(self.orders)
        while missing := [order for order in missing if not self.has_ended(order)]:
            check(time.monotonic() < end, f"{len(missing)} acknowledged orders are lost or have not ended: {missing[:3]}")
            time.sleep(0.25)
        return self.answers

    def has_ended(self, order):
        try:
            return self.shop.status(order) in ("confirmed", "rejected", "cancelled")
        except (OSError, http.client.HTTPException, ValueError):
            return False


# The steps, in order.


def images():
    began = time.monotonic()
    compose("build")
    say(f"images are built after {time.monotonic() - began:.0f} s")
    sizes()


def sizes():
    base = int(docker("image", "inspect", "-f", "{{.Size}}", "debian:bookworm-slim"))
    for service in REPLICAS:
        added = (int(docker("image", "inspect", "-f", "{{.Size}}", f"anyway-{service}")) - base) / 1e6
        say(f"image of {service}: {added:.1f} MB over its base")
        check(added <= MOST_ADDED_MB, f"that is more than {MOST_ADDED_MB} MB")


def up():
    began = time.monotonic()
    compose("up", "-d", "--no-build")
    for service, count in REPLICAS.items():
        check(len(ids(service)) == count, f"{service}: not {count} containers")
        roll.wait_healthy(ids(service))
    say(f"all are healthy after {time.monotonic() - began:.1f} s")


def hardened():
    for service in REPLICAS:
        container = ids(service)[0]
        text = docker("inspect", "-f", "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.Memory}}", container)
        user, is_read_only, dropped, memory = text.split()
        check(user not in ("", "root", "0") and is_read_only == "true" and dropped == "[ALL]" and int(memory) > 0, f"{service}: {text}")
    published = [line for line in docker("ps", "--format", "{{.Names}} {{.Ports}}", "--filter", f"label=com.docker.compose.project={PROJECT}").splitlines() if "->" in line]
    check(len(published) == 1 and published[0].count("127.0.0.1:") == published[0].count("->") == 2, f"published: {published}")
    say("not root, read-only, no capabilities, limited; only the gateway's two ports are published, on loopback")


def sells(shop):
    status, answer = shop.check_out()
    check(status == 201 and answer["status"] == "confirmed", f"checkout: {status} {answer}")
    say("a checkout by HTTP is confirmed")


def payment_dies(shop):
    killed = ids("payment")
    docker("kill", *killed)
    status, answer = shop.check_out(wait=2)
    check(status == 202 and answer["status"] == "pending", f"without payment: {status} {answer}")
    order = answer["id"]
    say("payment is killed: a checkout is 202, pending")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: shop.check_out(wait=0), range(120)))
    eventually(40, "no breaker towards payment opened", lambda: 2 in breakers("payment"))
    say(f"breakers of the order processes towards payment: {breakers('payment')} (2 is open)")
    eventually(60, "the saga did not compensate", lambda: shop.status(order) == "rejected")
    say("after its deadline the order is rejected, its stock given back")
    check(all(docker("inspect", "-f", "{{.State.Running}}", container) == "false" for container in killed), "what was killed came back by itself")
    docker("start", *killed)
    eventually(90, "no checkout was confirmed again", lambda: shop.check_out(wait=2)[0] == 201, pause=1)
    say("payment is back: a checkout is confirmed")


def database_dies(shop):
    (database,) = ids("order-postgres")
    docker("kill", database)
    status, answer = shop.check_out()
    check(status == 202 and answer["status"] == "saved", f"without order's database: {status} {answer}")
    say("order's database is killed: a checkout is 202, saved")
    docker("start", database)
    eventually(60, "the saved order was not placed", lambda: shop.status(answer["id"]) == "confirmed")
    say("the database is back: the saved order is confirmed")


def network_parts(shop):
    product = ids("product")[0]
    network = f"{PROJECT}_mesh"
    docker("network", "disconnect", network, product)
    answers = [shop.check_out()[0] for _ in range(20)]
    check(answers.count(201) == 20, f"with one product process cut off: {answers}")
    docker("network", "connect", "--alias", "product", network, product)
    say("one product process was cut off the network: 20 of 20 checkouts were confirmed")
    payments = ids("payment")
    data = f"{PROJECT}_payment-data"
    for container in payments:
        docker("network", "disconnect", data, container)
    status, answer = shop.check_out(wait=2)
    check(status == 202, f"with payment cut off its database: {status} {answer}")
    for container in payments:
        docker("network", "connect", data, container)
    ended = eventually(90, "the order did not end", lambda: shop.status(answer["id"]) in ("confirmed", "rejected") and shop.status(answer["id"]))
    eventually(90, "no checkout was confirmed again", lambda: shop.check_out(wait=2)[0] == 201, pause=1)
    say(f"payment was cut off its database: the order waited, and is {ended}")


def scales(shop):
    with Crowd(shop) as crowd:
        before = set(ids("order"))
        compose("up", "-d", "--no-deps", "--no-recreate", "--scale", "order=6", "order")
        new = set(ids("order")) - before
        check(len(new) == 2, f"new containers: {len(new)}")
        roll.wait_healthy(new)
        eventually(30, "the new ones get nothing to do", lambda: all("/orders" in admin(container, "/metrics") for container in new))
        answers = crowd.end()
    say(f"order was scaled from 4 to 6 under load, and the new ones work: {answers}, no acknowledged order lost")


def rolls(shop):
    with Crowd(shop) as crowd:
        roll.roll("order")
        roll.roll("payment")
        answers = crowd.end()
    say(f"order and payment were replaced one by one under load: {answers}, no acknowledged order lost")


def verify():
    compose("run", "--rm", "verify", show=True)
    say("the books add up")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--keep", action="store_true", help="leave everything up")
    parser.add_argument("--no-build", action="store_true", help="take the images that are there")
    options = parser.parse_args()
    # Whoever ends the test, and however politely, finds no containers left.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        sizes() if options.no_build else images()
        up()
        hardened()
        shop = Shop(int(os.environ["PORT"]))
        sells(shop)
        for step in (payment_dies, database_dies, network_parts, scales, rolls):
            step(shop)
        verify()
        say("everything held")
        return 0
    except (Failed, RuntimeError, OSError) as error:
        say(f"FAILED: {error}")
        return 1
    finally:
        # Once: what is being taken down goes on being taken down.
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if not options.keep:
            subprocess.run([*roll.COMPOSE, "down", "-v", "--remove-orphans", "-t", "5"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


BEGAN = time.monotonic()
# A project of its own: somebody's running shop is left alone.
PROJECT = os.environ.setdefault("COMPOSE_PROJECT_NAME", "anyway-test")
os.environ.setdefault("PORT", str(free_port()))
os.environ.setdefault("HTTPS_PORT", str(free_port()))
os.environ["FAULTS"] = "on"
if __name__ == "__main__":
    sys.exit(main())
