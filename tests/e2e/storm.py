#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything at once while events flow: other numbers of workers, savepoints, going back, SIGKILL of workers and of the server,
orderly ends. The alerts are those of an undisturbed `weir eval`.

  tests/e2e/storm.py --seconds 60 [--seed N] [--backend NAME]"""
import argparse
import collections
import json
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

import requests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import crashing  # noqa: E402  # pylint: disable=wrong-import-position


class Storm:
    def __init__(self, folder, seed, backend, per_second):
        self.dice, self.taken = random.Random(seed), 0
        self.did = collections.Counter()
        self.crashes = crashing.Crashes(folder, self.dice, per_second, ["--state-backend", backend, "--restart-delay", "10 ms"], ())
        self.server = self.crashes.server
        self.all = [self.rescale, self.rescale, self.savepoint, self.restore, self.kill, self.end]
        self.first = [self.end, self.kill, self.restore, self.rescale, self.savepoint]  # each once, the last first

    def rescale(self):
        return self.server.post("/workers:rescale", {"workers": self.dice.randint(1, 4)}).status_code

    def savepoint(self):
        answer = self.server.post("/savepoints", {"name": f"s{self.taken}"})
        self.taken += answer.status_code == 201
        return answer.status_code

    def restore(self):
        if self.taken == 0:
            return "none"
        which = self.dice.randrange(max(0, self.taken - 2), self.taken)
        return self.server.post(f"/savepoints/s{which}:restore", {}).status_code

    def kill(self):
        pids = [w["pid"] for w in self.server.workers() if w["pid"] > 0]
        os.kill(self.dice.choice(pids), signal.SIGKILL)
        return "killed"

    def end(self):
        self.crashes.up.clear()
        (self.server.stop if self.dice.random() < 0.5 else self.server.kill)()
        if self.server.options[0] == "--workers":
            self.server.options = self.server.options[2:]  # as rescale has left it
        self.server.start()
        self.crashes.up.set()
        return "started"

    def blow(self):
        what = self.first.pop() if self.first else self.dice.choice(self.all)
        try:
            told = what()
        except (requests.RequestException, ProcessLookupError, IndexError) as e:
            told = type(e).__name__
        self.did[f"{what.__name__} {told}"] += 1


def run(folder, seconds, seed, backend, per_second=4000):
    """Raises AssertionError where something is lost or twice. Answers what was done."""
    storm = Storm(folder, seed, backend, per_second)
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert storm.crashes.source.failed is None, storm.crashes.source.failed
            storm.blow()
            time.sleep(storm.dice.uniform(0, 0.7))
        stored = storm.crashes.finish()
        expected = crashing.expected_alerts(crashing.evaluated(folder, storm.crashes.source.taken))
        lost, extra = expected - stored, stored - expected
        assert not lost and not extra, f"seed {seed}, {dict(storm.did)}: lost {sum(lost.values())} {list(lost)[:3]}, " \
                                       f"too many {sum(extra.values())} {list(extra)[:3]}"
        return {"did": dict(storm.did), "alerts": sum(expected.values())}
    finally:
        storm.crashes.source.ending.set()
        storm.server.stop()


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--seconds", type=float, default=60)
    parse.add_argument("--seed", type=int, default=int(time.time()))
    parse.add_argument("--backend", default="heap")
    args = parse.parse_args()
    print(f"seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="weir-storm-") as folder:
        print(json.dumps(run(pathlib.Path(folder), args.seconds, args.seed, args.backend)))


if __name__ == "__main__":
    main()
