#!/usr/bin/env python3
"""Checkouts a second beside pgbench, in turns, on one machine.

Starts a lean stack of its own (mutual TLS, PostgreSQL with fsync) and gives the same PostgreSQL a
database with the services' tables. Then takes turns: checkouts through the gateway, the same order's
SQL in four transactions statement by statement, and the same with each transaction as one pipeline.
Rates on a busy machine say little, so the processor time that each order took is printed as well, with
PostgreSQL, load generator and pgbench included.
Afterwards: latency at half the peak, checkouts that all want one product, and, with --old-orders,
latency with that many finished orders in the database. See checkout.sql for what pgbench runs.
"""
import argparse
import json
import os
import pathlib
import re
import resource
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
        # Which day's partition events go to is a row, and rows are not in a schema.
        days = subprocess.run(
            [self.bin / "pg_dump", "--data-only", "-t", "outbox_days", "-t", "outbox_head", "-d",
             "order"], env=self.environment, check=True, capture_output=True, text=True).stdout
        self.psql("bench", days)
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

    def processor_seconds(self):
        """What the stack's processes and our own children have used so far; the user service is left
        out, which only hashes the passwords of the accounts that are made for each run."""
        hertz = os.sysconf("SC_CLK_TCK")
        lines = [line.split() for line in self.stack("ps").splitlines()[1:]]
        pids = {int(line[2]) for line in lines
                if len(line) > 3 and line[2].isdigit() and not line[0].startswith("user")}
        ticks = 0
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                name, rest = path.read_text().rsplit(")", 1)
            except OSError:
                continue
            fields = rest.split()
            if int(name.split(" ", 1)[0]) in pids:
                # Backends that ended are counted with the server that waited for them.
                ticks += sum(map(int, fields[11:15]))
            elif int(fields[1]) in pids:
                ticks += sum(map(int, fields[11:13]))
        return ticks / hertz

    def costs(self, turn, seconds):
        """A turn's rate, and the processor milliseconds that each of its orders took."""
        before, ours = self.processor_seconds(), resource.getrusage(resource.RUSAGE_CHILDREN)
        rate = turn()
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = self.processor_seconds() - before
        used += own.ru_utime + own.ru_stime - ours.ru_utime - ours.ru_stime
        return rate, used * 1e3 / (rate * seconds)

    def load(self, seconds, customers, *words):
        """Confirmed checkouts a second and the 99th percentile in ms, through the gateway."""
        done = subprocess.run(
            [self.build / "load", "checkout", "--url", f"http://127.0.0.1:{self.port}", "--users",
             str(customers), "--accounts", "4", "--seconds", str(seconds), "--json", *words], capture_output=True, text=True)
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
    rates, costs = {name: [] for name in turns}, {name: [] for name in turns}
    names = list(turns)
    for number in range(options.rounds):
        for name in names[number % 3:] + names[:number % 3]:
            rate, cost = stack.costs(turns[name], seconds)
            rates[name].append(rate)
            costs[name].append(cost)
        print(f"round {number + 1} of {options.rounds}: "
              + ", ".join(f"{name} {rates[name][-1]:,.0f}/s" for name in names), file=sys.stderr)
    print("| what | a second | checkouts / this | processor ms an order | this / checkouts |")
    print("|---|---:|---:|---:|---:|")
    for name, label in (("checkouts", f"checkouts through the gateway, {customers} customers"),
                        ("plain", "pgbench, the same order in 4 plain transactions"),
                        ("pipelined", "pgbench, in 4 pipelined transactions")):
        ratio = statistics.median(a / b for a, b in zip(rates["checkouts"], rates[name]))
        cost = statistics.median(a / b for a, b in zip(costs[name], costs["checkouts"]))
        print(f"| {label} | {statistics.median(rates[name]):,.0f} | {ratio:.2f} "
              f"| {statistics.median(costs[name]):.2f} | {cost:.2f} |")
    return statistics.median(rates["checkouts"])


def half_the_peak(stack, options, rate, label):
    """The median 99th percentile, and what an order cost."""
    seconds, runs, costs = options.seconds * 2, [], []

    def turn():
        runs.append(stack.load(seconds, options.customers, "--rate", str(max(1, int(rate)))))
        return runs[-1][0]

    for _ in range(options.rounds):
        costs.append(stack.costs(turn, seconds)[1])
    p99 = statistics.median(run[1] for run in runs)
    p50 = statistics.median(run[2] for run in runs)
    cost = statistics.median(costs)
    print(f"{label}, {rate:,.0f}/s asked for: p50 {p50:.1f} ms, p99 {p99:.1f} ms, "
          f"{cost:.2f} processor ms an order")
    return p99, cost


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
        # Warms up, and delivers stock for all runs.
        stack.load(2, options.customers, "--data", stack.data)
        peak = compare(stack, options)
        before = half_the_peak(stack, options, peak / 2, "half the peak")
        hot_item(stack, options)
        print(stack.stack("verify", "--wait", "60", check=False).strip().splitlines()[-1])
        if options.old_orders:
            grow(stack, options, peak, before)
    finally:
        stack.stack("down", "--wipe", check=False)
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)


def grow(stack, options, peak, before):
    script = (HERE / "old_orders.sql").read_text()
    for database, part in re.findall(r"(?ms)^-- in (\w+)\n(.*?)(?=^-- in |\Z)", script):
        stack.psql(database, part.replace(":count", str(options.old_orders)))
    stack.load(2, options.customers)
    after = half_the_peak(
        stack, options, peak / 2, f"the same with {options.old_orders:,} old orders")
    print(f"with old orders / without: p99 {after[0] / before[0]:.2f}, "
          f"processor time {after[1] / before[1]:.2f}")


if __name__ == "__main__":
    main()
