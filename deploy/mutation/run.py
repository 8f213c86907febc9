#!/usr/bin/env python3
"""Removes each guard in turn and shows that some test fails for it.

    deploy/mutation/run.py [NAME ...]     all mutants, or those whose name contains NAME

Mutants are in the JSON files beside this one: mutants.json has those of orders, stock, money and
events, mesh.json those of calls between services, gateway.json those of the gateway.

Works on a copy under .build/mutation, so the sources stay as they are. Prints a line a mutant and
exits 1 when one survives, 2 when one does not apply or does not compile.
"""

import functools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / ".build" / "mutation"
CHECK = ["--explicit-target-dependency-import-check", "error"]
# A test that hangs on a mutant has noticed it as well.
LIMIT_SECONDS = 300
# What is put behind the copy's manifest: the tests of the mutant at hand and what they need, nothing else.
NARROWED = """
var needed: Set<String> = [%s]
var count = 0
while count != needed.count {
    count = needed.count
    for target in package.targets where needed.contains(target.name) {
        for dependency in target.dependencies {
            if case .byNameItem(let name, _) = dependency { needed.insert(name) }
        }
    }
}
package.products = []
package.targets.removeAll { !needed.contains($0.name) }
"""
MANIFEST = (ROOT / "Package.swift").read_text()
FAILED = re.compile(r"✘ Test (.+?) (?:recorded|failed)")


def copy_sources():
    """Brings the copy up to date; unchanged files keep their times, so builds stay incremental."""
    COPY.mkdir(parents=True, exist_ok=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, names.decode().split("\0")):
        source, target = ROOT / name, COPY / name
        if not source.is_file():
            continue
        if not target.is_file() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    return set(filter(None, names.decode().split("\0")))


def remove_leftovers(names):
    """Drops from the copy what the sources no longer have."""
    for folder in ["Sources", "Tests", "gateway", "load"]:
        for path in (COPY / folder).rglob("*"):
            if path.is_file() and str(path.relative_to(COPY)) not in names:
                path.unlink()


@functools.cache
def targets(suites):
    """The names of the test targets in which suites are."""
    found = set()
    for suite in suites.split("|"):
        declared = re.compile(rf"struct `?{re.escape(suite)}\b")
        where = {
            path.relative_to(ROOT / "Tests").parts[0]
            for path in (ROOT / "Tests").rglob("*.swift") if declared.search(path.read_text())
        }
        # A whole target may be named as well.
        found |= where or {suite}
    return sorted(found)


def narrow(suites):
    """Leaves out of the copy what the suites do not need, so that little is compiled for each mutant."""
    names = ", ".join(f'"{name}"' for name in targets(suites))
    manifest = MANIFEST + NARROWED % names
    if (COPY / "Package.swift").read_text() != manifest:
        (COPY / "Package.swift").write_text(manifest)


def build():
    """Compiles the copy with its tests; returns what the compiler said, or None when it went well."""
    done = subprocess.run(
        ["swift", "build", "--build-tests", *CHECK], cwd=COPY, capture_output=True, text=True
    )
    return None if done.returncode == 0 else done.stdout[-2000:] + done.stderr[-2000:]


def family(pid):
    """A process and all that it started, with what those started: swift test runs tests in a child."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines())
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def failures(suites):
    """Runs suites; returns the names of the tests that failed."""
    command = ["swift", "test", "--skip-build", "--disable-xctest", "--no-parallel", *CHECK]
    running = subprocess.Popen(
        [*command, "--filter", suites], cwd=COPY, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said, _ = running.communicate(timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        for pid in family(running.pid):
            os.kill(pid, signal.SIGKILL)
        running.communicate()
        return ["(ran into the time limit)"]
    named = list(dict.fromkeys(FAILED.findall(said)))
    if running.returncode != 0 and not named:
        named = ["(the test process ended)"]
    if running.returncode == 0 and "Test run with 0 tests" in said:
        sys.exit(f"no test matches {suites}")
    return named


def mutate(mutant):
    """Applies one mutant; returns the tests that noticed it."""
    path = COPY / mutant["file"]
    original = path.read_text()
    count = original.count(mutant["old"])
    if count != mutant.get("count", 1):
        sys.exit(f"{mutant['name']}: '{mutant['old']}' occurs {count} times in {mutant['file']}")
    try:
        path.write_text(original.replace(mutant["old"], mutant["new"]))
        narrow(mutant["tests"])
        if trouble := build():
            print(trouble)
            sys.exit(f"{mutant['name']}: does not compile")
        return failures(mutant["tests"])
    finally:
        path.write_text(original)


def main():
    wanted = sys.argv[1:]
    files = sorted((ROOT / "deploy/mutation").glob("*.json"), key=lambda path: path.name != "mutants.json")
    table = [mutant for path in files for mutant in json.loads(path.read_text())]
    chosen = [m for m in table if not wanted or any(word in m["name"] for word in wanted)]
    if not chosen:
        sys.exit("no mutant has such a name; see deploy/mutation/*.json")
    # Those of the same targets one after the other: less is compiled anew.
    chosen.sort(key=lambda m: targets(m["tests"]))
    remove_leftovers(copy_sources())
    for suites in dict.fromkeys(m["tests"] for m in chosen):
        narrow(suites)
        if trouble := build():
            print(trouble)
            sys.exit("the sources themselves do not compile")
        if found := failures(suites):
            sys.exit(f"{suites} fails without any mutant: {found}")
    survivors = 0
    for mutant in chosen:
        start = time.monotonic()
        killers = mutate(mutant)
        survivors += not killers
        verdict = f"killed by {len(killers)}: {killers[0]}" if killers else "SURVIVED"
        print(f"{mutant['name']:<44} {time.monotonic() - start:5.0f} s  {verdict}", flush=True)
    print(f"{len(chosen)} mutants, {survivors} survived")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
