# SPDX-License-Identifier: Apache-2.0
"""`FROM stream.ERRORS` in `weir eval`: what a stream refuses is a stream, the same on any workers and in any batches; by the
clock of the input where it says one."""
import json
import os
import random
import subprocess

import pytest

WEIR = os.environ["WEIR"]
SQL = """
CREATE STREAM payments (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND);
CREATE RULE each AS SELECT code, reason, raw, source_partition, source_offset, rowtime FROM payments.ERRORS;
CREATE RULE many AS SELECT code, COUNT(*) AS n, window_start
  FROM TABLE(TUMBLE(TABLE payments.ERRORS, DESCRIPTOR(rowtime), INTERVAL '1' MINUTE)) GROUP BY code, window_start, window_end;
CREATE RULE twice AS SELECT a, b FROM payments.ERRORS MATCH_RECOGNIZE (PARTITION BY code ORDER BY rowtime
  MEASURES A.source_offset AS a, B.source_offset AS b AFTER MATCH SKIP PAST LAST ROW PATTERN (A B) DEFINE A AS TRUE);
CREATE RULE above AS SELECT code, COUNT(*) OVER (PARTITION BY code ORDER BY rowtime ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS n FROM each;
CREATE RULE good AS SELECT id FROM payments WHERE card = 'c1';
"""
START = 1_700_000_000_000


def evaluate(folder, lines, *options, sql=SQL, code=0):
    (folder / "rules.sql").write_text(sql)
    (folder / "in.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    run = subprocess.run([WEIR, "eval", folder / "rules.sql", "--input", folder / "in.jsonl", *options],
                         capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == code, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()] if code == 0 else run.stderr


def some_events(seed, n=2500):
    dice = random.Random(seed)
    lines = []
    for i in range(n):
        good = {"id": i, "ts": START + 200 * i, "card": f"c{dice.randrange(3)}"}
        lines.append(dice.choice([json.dumps(good).encode()] * 8 + [
            json.dumps({**good, "id": "x"}).encode(), json.dumps({"id": i}).encode(), b"{", b'{"id":1,"ts":5,"card":"\xff\xfe"}']))
    return lines


def results(found):
    return sorted(json.dumps(r) for r in found if r["rule"])


@pytest.mark.parametrize("options", [("--workers", "3"), ("--batch", "1"), ("--batch", "7", "--workers", "2"),
                                     ("--snapshot-every", "97"), ("--snapshot-every", "400", "--workers", "2")], ids=" ".join)
def test_what_is_refused_is_the_same_on_any_workers_batches_and_through_snapshots(tmp_path, options):
    lines = some_events(3)
    assert results(evaluate(tmp_path, lines, *options)) == results(evaluate(tmp_path, lines))


def test_each_row_is_an_event_that_was_refused(tmp_path):
    found = evaluate(tmp_path, some_events(4))
    refused = [r for r in found if r["rule"] is None]
    rows = [r["row"] for r in found if r["rule"] == "each"]
    assert len(refused) > 500
    assert [(r["code"], r["reason"], r["raw"], r["place"]) for r in refused] == \
        [(r["code"], r["reason"], r["raw"], r["source_offset"]) for r in rows]
    assert [r["rowtime"] for r in rows] == sorted(r["rowtime"] for r in rows)
    counts = {}
    for r in rows:
        counts[r["code"], r["rowtime"][:16]] = counts.get((r["code"], r["rowtime"][:16]), 0) + 1
    assert counts == {(r["row"]["code"], r["row"]["window_start"][:16]): r["row"]["n"] for r in found if r["rule"] == "many"}
    pairs = [(r["row"]["a"], r["row"]["b"]) for r in found if r["rule"] == "twice"]
    assert all(r["vars"] == {"A": [r["row"]["a"]], "B": [r["row"]["b"]]} for r in found if r["rule"] == "twice")
    by_code = {}
    for r in rows:
        by_code.setdefault(r["code"], []).append(r["source_offset"])
    assert sorted(pairs) == sorted((a[i], a[i + 1]) for a in by_code.values() for i in range(0, len(a) - 1, 2))


def test_time_goes_by_the_clock_of_the_input(tmp_path):
    def clock(seconds):
        return json.dumps({"processing_time": START + 1000 * seconds}).encode()
    lines = [clock(0), b"{", clock(30), b"{", clock(61), b"[", clock(200)]
    found = evaluate(tmp_path, lines, "--no-end")
    assert [r["row"]["rowtime"] for r in found if r["rule"] == "each"] == \
        ["2023-11-14T22:13:20.000Z", "2023-11-14T22:13:50.000Z", "2023-11-14T22:14:21.000Z"]
    assert sum(r["row"]["n"] for r in found if r["rule"] == "many") == 3  # the last window, too, is over by the clock


@pytest.mark.parametrize("sql, says", [
    ("SELECT id FROM payments.ERRORS", "no column id in stream payments.ERRORS"),
    ("SELECT code FROM payments.TIMEOUTS", "payments is a stream: TIMEOUTS are of rules"),
    ("SELECT code FROM payments.ERRORZ", "no side output"),
], ids=range(3))
def test_what_cannot_be_is_refused_where_it_stands(tmp_path, sql, says):
    said = evaluate(tmp_path, [], sql=SQL + f"CREATE RULE wrong AS {sql};", code=1)
    assert says in said
