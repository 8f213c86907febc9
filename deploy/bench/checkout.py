#!/usr/bin/env python3
"""Checkouts a second beside pgbench, in turns, on one machine.

Starts a lean stack of its own (mutual TLS, PostgreSQL with fsync) and gives the same PostgreSQL a
database with the services' tables. Then takes turns: checkouts through the gateway, the same order's
SQL in four transactions statement by statement, and the same with each transaction as one pipeline.
Afterwards: latency at half the peak, checkouts that all want one product, and, with --old-orders,
latency with that many finished orders in the database. See checkout.sql for what pgbench runs.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MIGRATIONS = ROOT / "Sources/ProductService/Migrations"


def programs():
    """The newest PostgreSQL's folder."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    if not found:
        sys.exit("pgbench is missing: apt-get install postgresql")
    return found[-1].parent


class Stack:
    """A lean stack in a folder of its own."""

    def __init__(self, folder, options):
        self.data = folder / "data"
        self.build = pathlib.Path(options.build)
        self.port = options.port
        self.bin = programs()
        self.stack("up", "--lean", "--port", str(self.port), "--detach")
        listing = dict(line.split("=", 1) for line in self.stack("env").splitlines() if "=" in line)
        password = (self.data / "secrets/postgres-password").read_text().strip()
        self.environment = dict(
            os.environ, PGHOST="127.0.0.1", PGPORT=listing["POSTGRES_PORT"], PGUSER="postgres",
            PGPASSWORD=password)
        self.runs = 0

    def stack(self, command, *words, check=True):
        done = subprocess.run(
            [self.build / "stack", command, "--data", self.data, *words],
            capture_output=True, text=True)
        if check and done.returncode != 0:
            sys.exit(f"stack {command}: {done.stdout}{done.stderr}")
        return done.stdout

    def psql(self, database, script):
        done = subprocess.run(
            [self.bin / "psql", "-qXv", "ON_ERROR_STOP=1", "-d", database, "-f", "-"],
            input=script, env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"psql {database}: {done.stderr}")

    def make_bench_database(self):
        """The tables of all four services in one database, with fifty products."""
        self.psql("postgres", "CREATE DATABASE bench;")
        for service in ("order", "product", "payment", "provider"):
            schema = subprocess.run(
                [self.bin / "pg_dump", "--schema-only", "--no-owner", "--no-privileges", "-d",
                 service], env=self.environment, check=True, capture_output=True, text=True).stdout
            # Each service has a table of its migrations; one is enough here.
            subprocess.run(
                [self.bin / "psql", "-qX", "-d", "bench", "-f", "-"], input=schema,
                env=self.environment, check=True, capture_output=True, text=True)
        # One order at a time needs no array of orders: the function as it was for one.
        single = (MIGRATIONS / "v0004_create_stock_functions.sql").read_text()
        single = single[single.index("CREATE FUNCTION reserve_stock"):]
        single = single[:single.index("\n$$;") + 4].replace("CREATE", "CREATE OR REPLACE", 1)
        self.psql("bench", single)
        self.psql("bench", """
            CREATE FUNCTION bench_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
                AS $$ SELECT lpad(to_hex(n), 32, '0')::uuid $$;
            INSERT INTO products (id, title, brand, category, price_cents, description)
                SELECT bench_id(n), 'Hollowbeck Two In / Two Out Audio Interface', 'Hollowbeck',
                    'Audio', 15900, 'text' FROM generate_series(1, 50) n;
            INSERT INTO stock SELECT bench_id(n), 1000000000 FROM generate_series(1, 50) n;
            ANALYZE;""")

    def load(self, seconds, customers, *words):
        """Confirmed checkouts a second and the 99th percentile in ms, through the gateway."""
        done = subprocess.run(
            [self.build / "load", "checkout", "--url", f"http://127.0.0.1:{self.port}", "--users",
             str(customers), "--accounts", "4", "--seconds", str(seconds), "--data", self.data,
             "--json", *words], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"load: {done.stderr}")
        report = json.loads(done.stdout)
        failed = {k: v for k, v in report["outcomes"].items() if k != "201"}
        if failed:
            print(f"not confirmed: {failed}", file=sys.stderr)
        return report["confirmed_per_second"], report["p99_ms"], report["p50_ms"]

    def pgbench(self, seconds, clients, pipelined, hot=False):
        script = (HERE / "checkout.sql").read_text()
        if pipelined:
            script = re.sub(r"(?m)^BEGIN;", r"\\startpipeline\nBEGIN;", script)
            script = re.sub(r"(?m)^COMMIT;", r"COMMIT;\n\\endpipeline", script)
        path = self.data.parent / "script.sql"
        path.write_text(script)
        self.runs += 1
        done = subprocess.run(
            [self.bin / "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T",
             str(seconds), "-D", f"run={self.runs}", "-D", "n=0", "-D", f"hot={int(hot)}", "-f",
             path, "bench"], env=self.environment, capture_output=True, text=True)
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode != 0 or not found:
            sys.exit(f"pgbench: {done.stderr[:2000]}")
        return float(found.group(1))


def compare(stack, options):
    """Takes turns; prints rates and ratios, returns the median rate of checkouts."""
    seconds, customers = options.seconds, options.customers
    turns = {"checkouts": lambda: stack.load(seconds, customers)[0],
             "plain": lambda: stack.pgbench(seconds, options.clients, False),
             "pipelined": lambda: stack.pgbench(seconds, options.clients, True)}
    rates = {name: [] for name in turns}
    names = list(turns)
    for number in range(options.rounds):
        for name in names[number % 3:] + names[:number % 3]:
            rates[name].append(turns[name]())
        print(f"round {number + 1} of {options.rounds}: "
              + ", ".join(f"{name} {rates[name][-1]:,.0f}/s" for name in names), file=sys.stderr)
    print("| what | a second | checkouts / this |")
    print("|---|---:|---:|")
    for name, label in (("checkouts", f"checkouts through the gateway, {customers} customers"),
                        ("plain", "pgbench, the same order in 4 plain transactions"),
                        ("pipelined", "pgbench, in 4 pipelined transactions")):
        ratio = statistics.median(a / b for a, b in zip(rates["checkouts"], rates[name]))
        print(f"| {label} | {statistics.median(rates[name]):,.0f} | {ratio:.2f} |")
    return statistics.median(rates["checkouts"])


def half_the_peak(stack, options, rate, label):
    runs = [stack.load(options.seconds * 2, options.customers, "--rate", str(max(1, int(rate))))
            for _ in range(options.rounds)]
    p99 = statistics.median(run[1] for run in runs)
    p50 = statistics.median(run[2] for run in runs)
    print(f"{label}, {rate:,.0f}/s asked for: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return p99


def hot_item(stack, options):
    """Spread and hot in turns; spread orders have one line as well here."""
    ratios, rates = [], []
    for _ in range(options.rounds):
        spread = stack.load(options.seconds, options.customers, "--lines", "1")[0]
        hot = stack.load(options.seconds, options.customers, "--hot")[0]
        ratios.append(hot / spread)
        rates.append((hot, spread))
    hot, spread = (statistics.median(column) for column in zip(*rates))
    print(f"all want one product: {hot:,.0f}/s, spread over fifty: {spread:,.0f}/s, "
          f"ratio {statistics.median(ratios):.2f}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--build", default=str(ROOT / ".build/release"))
    arguments.add_argument("--port", type=int, default=18090)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=int, default=5)
    arguments.add_argument("--customers", type=int, default=64)
    arguments.add_argument("--clients", type=int, default=16, help="pgbench's")
    arguments.add_argument("--old-orders", type=int, default=0)
    arguments.add_argument("--folder", help="where the stack's data goes; kept if given")
    options = arguments.parse_args()
    folder = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="bench-checkout-"))
    folder.mkdir(parents=True, exist_ok=True)
    stack = Stack(folder, options)
    try:
        stack.make_bench_database()
        stack.load(2, options.customers)
        peak = compare(stack, options)
        p99 = half_the_peak(stack, options, peak / 2, "half the peak")
        hot_item(stack, options)
        print(stack.stack("verify", "--wait", "60", check=False).strip().splitlines()[-1])
        if options.old_orders:
            grow(stack, options, peak, p99)
    finally:
        stack.stack("down", "--wipe", check=False)
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)


def grow(stack, options, peak, p99):
    script = (HERE / "old_orders.sql").read_text()
    for database, part in re.findall(r"(?ms)^-- in (\w+)\n(.*?)(?=^-- in |\Z)", script):
        stack.psql(database, part.replace(":count", str(options.old_orders)))
    stack.load(2, options.customers)
    later = half_the_peak(
        stack, options, peak / 2, f"the same with {options.old_orders:,} old orders")
    print(f"p99 with old orders / without: {later / p99:.2f}")


if __name__ == "__main__":
    main()
