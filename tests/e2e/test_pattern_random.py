# SPDX-License-Identifier: Apache-2.0
"""Random patterns over random streams agree with the brute-force references, and with themselves when all state goes
through snapshots: the fixed seed of every day, or WEIR_SEED."""
import os
import pathlib
import subprocess
import sys

RANDOM = pathlib.Path(__file__).resolve().parents[1] / "random" / "patterns.py"
SEED = os.environ.get("WEIR_SEED", "1")
PAIRS = os.environ.get("WEIR_PAIRS", "2000")


def run(*options):
    done = subprocess.run([sys.executable, str(RANDOM), "--seed", SEED, "--pairs", PAIRS, *options], capture_output=True,
                          text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]


def test_random_patterns_find_what_trying_every_way_finds():
    run()


def test_snapshots_change_no_result_of_random_patterns():
    run("--snapshots")
