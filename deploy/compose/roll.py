#!/usr/bin/env python3
"""Replaces the containers of a service one after the other: an upgrade. A service of several never stops.

    deploy/compose/roll.py order [product …]

Each container is told to stop, finishes what is in flight, and is made anew from the current image; the
next one waits until the new one is healthy. Build the image first: docker-compose build order
"""

import shutil
import subprocess
import sys
import time

COMPOSE = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
HEALTH_SECONDS = 90


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def containers(service):
    return run(*COMPOSE, "ps", "-q", service).split()


def health(container):
    return run("docker", "inspect", "-f", "{{.State.Health.Status}}", container)


def wait_healthy(found):
    end = time.monotonic() + HEALTH_SECONDS
    waiting = list(found)
    while waiting:
        waiting = [container for container in waiting if health(container) != "healthy"]
        if waiting and time.monotonic() > end:
            raise RuntimeError(f"not healthy within {HEALTH_SECONDS} s: {' '.join(waiting)}")
        time.sleep(0.2)


def roll(service):
    old = containers(service)
    if not old:
        raise RuntimeError(f"no container of {service} is there; docker-compose up -d starts them")
    for container in old:
        run("docker", "stop", "-t", "35", container)
        run("docker", "rm", container)
        run(*COMPOSE, "up", "-d", "--no-deps", "--no-recreate", "--scale", f"{service}={len(old)}", service)
        wait_healthy(containers(service))
        print(f"{service}: {container[:12]} replaced", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    try:
        for name in sys.argv[1:]:
            roll(name)
    except RuntimeError as error:
        sys.exit(f"roll: {error}")
