# SPDX-License-Identifier: Apache-2.0
"""weir bench: runs what it says and writes it down. How fast things are is for `make bench` to tell, not for a test."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR = os.environ.get("WEIR") or str(ROOT / "weir")


def bench(*args):
    return subprocess.run([WEIR, "bench", *map(str, args)], cwd=ROOT, capture_output=True, text=True, check=False,
                          timeout=120)


def test_a_table_and_a_file_with_the_same_queries(tmp_path):
    run = bench("--events", 20000, "--repeat", 2, "--dir", tmp_path, "filter", "seq", "rules1000")
    assert run.returncode == 0, run.stderr
    written = json.loads((tmp_path / "bench.json").read_text())
    assert written["events"] == 20000 and written["decoding"]["runs"] == 6
    assert list(written["queries"]) == ["filter", "seq", "rules1000"]
    for name, query in written["queries"].items():
        assert query["events_per_core_s"] > 0 and query["ratio"] > 0 and query["runs"] == 2
        assert any(line.startswith(name) for line in run.stdout.splitlines())
    assert written["queries"]["seq"]["floor"] == 0.2


def test_the_matches_are_those_of_eval(tmp_path):
    assert bench("--events", 50000, "--repeat", 1, "--dir", tmp_path, "travel").returncode == 0
    matches = json.loads((tmp_path / "bench.json").read_text())["queries"]["travel"]["matches"]
    queries = ROOT / "tests" / "bench" / "queries"
    run = subprocess.run([WEIR, "eval", queries / "payments.sql", queries / "travel.sql", "--input",
                          tmp_path / "payments-50000.jsonl"], capture_output=True, text=True, check=True)
    assert run.stdout.count('"kind":"match"') == matches > 100


def test_what_cannot_run_is_told(tmp_path):
    assert "nowhere" in bench("--dir", tmp_path / "nowhere" / "at" / "all", "filter").stderr
    assert bench("--events", "few").returncode == 2
    run = bench("--events", 2000, "--repeat", 1, "--dir", tmp_path, "--queries", tmp_path, "filter")
    assert "filter" in run.stdout and "does not compile" in run.stdout


def test_an_event_costs_what_can_move_not_what_waits(tmp_path):
    """Were all partial matches of a key looked at, 100,000 of them would cost thousands of times what 10 cost."""
    run = bench("--dir", tmp_path, "waiting")
    assert "100,000" in run.stdout
    rows = json.loads((tmp_path / "bench.json").read_text())["waiting"]
    assert {r["moves"] for r in rows} == {"none", "one", "all, a match"}
    for r in rows:
        if r["compares"]:
            continue
        assert r["ns_100000"] < 40 * r["ns_10"], r
        assert 0 < r["bytes"] < 600


def test_rows_hardly_wait_for_a_snapshot(tmp_path):
    """Were state copied when a snapshot begins, it would take 30 ms and more."""
    run = bench("--dir", tmp_path, "--state", 64, "snapshot")
    assert "none open" in run.stdout, run.stderr
    whole, changes, none = json.loads((tmp_path / "bench.json").read_text())["snapshot"]
    assert whole["begin_ms"] < 5 and changes["begin_ms"] < 5, (whole, changes)
    assert 0 < changes["bytes"] < 0.05 * whole["bytes"], (whole, changes)
    assert 0 < none["row_ns"]


def test_ten_times_the_rules_take_about_ten_times_as_long_to_compile(tmp_path):
    """Each rule was held against all before it: 10,000 took 30 to 70 times as long as 1,000."""
    run = bench("--dir", tmp_path, "--repeat", 3, "start")
    assert "1,000 in" in run.stdout, run.stderr
    start = json.loads((tmp_path / "bench.json").read_text())["start"]
    assert 0 < start["rules1000_s"] < start["rules10000_s"] < 22 * start["rules1000_s"], start
