# SPDX-License-Identifier: Apache-2.0
"""The clock in `weir eval`: what {"processing_time": N} lines move, and what they leave alone."""
import json
import os
import subprocess

import pytest

WEIR = os.environ.get("WEIR") or "./weir"
CLOCK = 1_700_000_000_000
RULES = """CREATE RULE absent AS SELECT card, n FROM s MATCH_RECOGNIZE (
  PARTITION BY card ORDER BY ts MEASURES A.id AS n PATTERN (A -> !B) WITHIN INTERVAL '60' SECOND
  DEFINE A AS kind = 'ask', B AS kind = 'ok');
CREATE RULE counted AS SELECT card, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY card, window_start, window_end;"""


def stream(options=""):
    return ("CREATE STREAM s (id BIGINT, ts TIMESTAMP(3), card STRING, kind STRING,"
            f" WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) {options};\n")


def ask(n, ts, card="c"):
    return {"id": n, "ts": ts, "card": card, "kind": "ask"}


def clock(ms):
    return {"processing_time": CLOCK + ms}


def run(folder, options, *inputs, args=("--no-end",)):
    (folder / "r.sql").write_text(stream(options) + RULES)
    given = []
    for n, events in enumerate(inputs):
        (folder / f"{n}.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
        given += ["--input", str(folder / f"{n}.jsonl")]
    done = subprocess.run([WEIR, "eval", str(folder / "r.sql"), *given, *args], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def found(results, rule):
    return [(r["kind"], r["row"].get("n")) for r in results if r["rule"] == rule]


@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_silent_stream_goes_on_by_the_clock(tmp_path, workers):
    events = [clock(0), ask(1, 5000), clock(9_999), clock(12_000), clock(62_000)]
    args = ("--no-end", "--workers", workers)
    option = "WITH ('idle-timeout'='10 s')"
    before = run(tmp_path, option, events[:3], args=args)
    assert before == []  # not idle yet
    at12 = run(tmp_path, option, events[:4], args=args)
    assert found(at12, "counted") == [("match", 1)] and found(at12, "absent") == []  # W = 3 s + 12 s
    at62 = run(tmp_path, option, events, args=args)
    assert found(at62, "absent") == [("match", 1)]  # W = 65 s, the minute is over
    assert run(tmp_path, "", events, args=args) == []  # without a timeout, never


def test_a_row_that_comes_to_an_idle_stream_is_late_by_the_clock(tmp_path):
    events = [clock(0), ask(1, 5000), clock(30_000), ask(2, 6000), ask(3, 40_000)]
    results = run(tmp_path, "WITH ('idle-timeout'='10 s')", events, args=())
    assert [r["place"] for r in results if r["kind"] == "late" and r["rule"] == "absent"] == [1]
    assert [f for f in found(results, "absent") if f[0] == "match"] == [("match", 1), ("match", 3)]


@pytest.mark.parametrize("batch", ["1", "7", "1024"])
def test_an_idle_input_goes_along_with_the_other(tmp_path, batch):
    one = [clock(0), ask(1, 1000, "a"), clock(11_000), ask(2, 15_000, "a"), ask(3, 90_000, "a"), ask(4, 95_000, "b")]
    other = [ask(5, 2000, "b")]
    args = ("--no-end", "--batch", batch)
    option = "WITH ('idle-timeout'='10 s')"
    # The other input has ended: with --no-end it is only silent.
    silent = run(tmp_path, "", one, other, args=args)
    assert silent == []  # it holds time back for ever
    moved = run(tmp_path, option, one, other, args=args)
    assert sorted(found(moved, "absent")) == [("match", 1), ("match", 2), ("match", 5)]


@pytest.mark.parametrize("time", ["ingestion", "processing"])
def test_events_have_the_time_of_the_clock(tmp_path, time):
    events = [clock(0), {"id": 1, "card": "c", "kind": "ask"}, clock(59_999), {"id": 2, "card": "d", "kind": "ask", "ts": 7},
              clock(60_001), {"id": 3, "card": "e", "kind": "other"}]
    results = run(tmp_path, f"WITH ('time'='{time}')", events)
    assert found(results, "absent") == [("match", 1)]
    assert [r["time"] for r in results if r["rule"] == "absent"] == ["2023-11-14T22:14:20.000Z"]
    assert all(r["kind"] == "match" for r in results)


def test_with_processing_time_the_clock_alone_moves_time(tmp_path):
    events = [clock(0), {"id": 1, "card": "c", "kind": "ask"}, clock(60_000)]
    assert found(run(tmp_path, "WITH ('time'='processing')", events), "absent") == [("match", 1)]
    assert found(run(tmp_path, "WITH ('time'='ingestion')", events), "absent") == []


def test_a_stream_of_files_has_event_time(tmp_path):
    (tmp_path / "r.sql").write_text(stream("WITH ('connector'='file', 'path'='x', 'time'='ingestion')") + RULES)
    done = subprocess.run([WEIR, "eval", str(tmp_path / "r.sql")], capture_output=True, text=True, check=False, input="")
    assert done.returncode == 1 and "does not tell when an event arrived" in done.stderr
