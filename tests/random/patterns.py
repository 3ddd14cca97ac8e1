#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random patterns over random streams: the program against the brute-force reference.

  tests/random/patterns.py [--seed N] [--pairs N] [--from N] [--snapshots]

With --snapshots the program is held against itself: all state goes through snapshots again and again, into other numbers
of tasks, and no result may change.

Prints the seed, and each disagreement shrunk, as a conformance case. WEIR names the program (default: ./weir)."""
import argparse
import collections
import random
import resource
import sys
import time

import comparing
from isorule import IsoMaker
from randrule import Maker, make_events
from shrinking import shrink

STREAMS, RULES = 20, 5          # of one process


def make_batch(seed, number):
    """[(cases, events)]: streams, each with its rules."""
    groups = []
    for g in range(STREAMS):
        dice = random.Random(f"{seed}.{number}.{g}")
        if g % 4 == 3:
            cases = [IsoMaker(dice).case() for _ in range(RULES)]
        else:
            cases = [Maker(dice).case() for _ in range(RULES)]
        for c in cases:
            c["delay"] = cases[0]["delay"]
        groups.append((cases, make_events(dice, cases[0]["delay"])))
    return groups


def check_batch(groups, tally):
    """(case, events) of each disagreement."""
    bad = []
    found = comparing.run(groups)
    for g, (cases, events) in enumerate(groups):
        for c, case in enumerate(cases):
            got = found[g, c]
            try:
                want = comparing.wanted(case, events)
            except comparing.TooLong:
                tally["too long"] += 1
                continue
            if isinstance(got, str):
                tally["refused"] += 1
                if "-v" in sys.argv and want is not None:
                    print("refused", got, comparing.match_clause(case))
            elif want is None:
                tally["refused by the reference"] += 1
                if "-v" in sys.argv:
                    print("ref refused", comparing.match_clause(case))
            else:
                tally["pairs"] += 1
                tally["with results"] += bool(want)
                tally["of the ISO part"] += bool(case.get("iso"))
                tally["of the ISO part, with results"] += bool(case.get("iso")) and bool(want)
                if comparing.difference(case, want, got):
                    bad.append((case, events))
    return bad


def snapshot_options(seed, number):
    dice = random.Random(f"{seed}.{number}.snapshots")
    return ["--batch", str(dice.choice([1, 1, 3])),
            "--snapshot-every", f"{dice.choice([1, 2, 7, 50])}:{dice.choice([1, 2, 3])}"]


def check_snapshots(groups, options, tally):
    """(case, events) of each rule that finds something else when its state goes through snapshots."""
    bad = []
    want, got = comparing.run(groups), comparing.run(groups, options)
    for g, (cases, events) in enumerate(groups):
        for c, case in enumerate(cases):
            tally["refused" if isinstance(want[g, c], str) else "pairs"] += 1
            tally["with results"] += bool(want[g, c]) and not isinstance(want[g, c], str)
            if want[g, c] != got[g, c]:
                bad.append((case, events))
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--snapshots", action="store_true")
    parser.add_argument("--show", type=int, default=10)
    parser.add_argument("-v", action="store_true")
    a = parser.parse_args()
    tally, bad, number, begun = collections.Counter(), 0, a.first, time.process_time()
    print(f"seed {a.seed}", flush=True)
    while tally["pairs"] < a.pairs:
        groups = make_batch(a.seed, number)
        options = snapshot_options(a.seed, number) if a.snapshots else []
        for case, events in check_snapshots(groups, options, tally) if a.snapshots else check_batch(groups, tally):
            bad += 1
            if bad <= a.show and a.snapshots:
                print(f"DIFFERS seed {a.seed} batch {number} {options}", flush=True)
                print(comparing.stream_text(case) + comparing.rule_text(case), events, sep="\n")
            elif bad <= a.show:
                print(f"DIFFERS seed {a.seed} batch {number}", flush=True)
                case, events, diff = shrink(case, events, comparing.differing)
                print(comparing.text_of(case, events, diff) if diff else "  alone it agrees", flush=True)
        number += 1
        if number % 100 == 0:
            print(f"seed {a.seed}: {number} batches, {tally['pairs']} pairs, {bad} differ", flush=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"seed {a.seed}: {dict(tally)}, {bad} differ, {time.process_time() - begun:.0f} s of processor time in the references, "
          f"{used.ru_utime + used.ru_stime:.0f} s in the program")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
