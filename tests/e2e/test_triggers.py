# SPDX-License-Identifier: Apache-2.0
"""Windows that fire before they are over do so at moments that the events decide: not the size of batches, nor the number of
workers, nor how many partitions the events come in (where rows are taken in order of time), nor a snapshot in between."""
import json
import random
import subprocess

import pytest
from weirserver import WEIR

START = 1700000000000
BOUNDED = "WATERMARK FOR ts AS ts - INTERVAL '1' SECOND"
PUNCTUATED = "WATERMARK FOR ts AS PUNCTUATED WHEN v = 0"
STREAM = """CREATE STREAM t (id BIGINT, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL, %s) WITH ('connector'='inline');"""
RULE = """CREATE RULE {name} WITH ({options}) AS SELECT k, COUNT(*) AS n, SUM(v) AS s, MAX(id) AS last{more}
FROM TABLE({of}) GROUP BY k{group};"""
TIMED = {"more": ", window_start", "group": ", window_start, window_end"}
TUMBLE = {"of": "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)", **TIMED}
SESSION = {"of": "SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '2' SECOND)", **TIMED}
GLOBAL = {"of": "GLOBAL(TABLE t)", "more": "", "group": ""}
BY_TIME = [
    RULE.format(name="a", options="'trigger'='punctuated'", **TUMBLE),
    RULE.format(name="b", options="'trigger'='punctuated', 'purge'='true', 'allowed-lateness'='2 s'", **TUMBLE),
    RULE.format(name="c", options="'trigger'='punctuated', 'evictor'='count 3'", **SESSION),
    RULE.format(name="d", options="'trigger'='punctuated', 'evictor'='time 3 s'", **GLOBAL),
    RULE.format(name="e", options="'trigger'='continuous 1 s', 'allowed-lateness'='1 s'", **TUMBLE),
    RULE.format(name="f", options="'trigger'='continuous 1 s', 'purge'='true'", **SESSION),
    "CREATE RULE m AS SELECT k, v FROM t WHERE v < 5;",
    """CREATE RULE n WITH ('trigger'='punctuated') AS SELECT k, COUNT(*) AS n, SUM(v) AS s FROM TABLE(TUMBLE(TABLE m, DESCRIPTOR(rowtime),
      INTERVAL '5' SECOND)) GROUP BY k, window_start;""",
    """CREATE RULE o AS SELECT k, COUNT(*) AS n, window_time FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND))
      GROUP BY k, window_start, window_end;""",
    """CREATE RULE p WITH ('trigger'='punctuated') AS SELECT SUM(n) AS n, COUNT(*) AS m FROM TABLE(GLOBAL(TABLE o)) GROUP BY k;""",
]
BY_ARRIVAL = [
    RULE.format(name="g", options="'trigger'='continuous 1 s'", **GLOBAL),
    RULE.format(name="h", options="'trigger'='continuous 700 ms', 'purge'='true'", **GLOBAL),
]
CUTS = [("--batch", "1"), ("--batch", "7"), ("--workers", "2", "--batch", "100"), ("--workers", "3"),
        ("--snapshot-every", "500"), ("--batch", "100", "--snapshot-every", "300:2")]


def events():
    rng, now = random.Random(3), START
    for i in range(2000):
        now += rng.randrange(0, 60)
        yield {"id": i, "k": rng.choice("abcdef"), "v": rng.randrange(40), "ts": now - rng.randrange(0, 1200)}


def run(folder, stream, rules, parts, *options):
    (folder / "rules.sql").write_text(STREAM % stream + "\n".join(rules), encoding="utf-8")
    given = []
    for n, part in enumerate(parts):
        (folder / f"{n}.jsonl").write_text("".join(json.dumps(e) + "\n" for e in part), encoding="utf-8")
        given += ["--input", folder / f"{n}.jsonl"]
    done = subprocess.run([WEIR, "eval", folder / "rules.sql", *given, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return sorted((r["rule"], r["kind"], r["time"], json.dumps(r.get("row"))) for r in found if r["kind"] in ("match", "update"))


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("stream", [BOUNDED, PUNCTUATED], ids=["bounded", "punctuated"])
def test_triggers_in_order_of_time_fire_at_moments_that_events_decide(tmp_path, stream, parts):
    split = [[e for e in events() if e["id"] % parts == n] for n in range(parts)]
    want = run(tmp_path, stream, BY_TIME, split)
    assert {rule for rule, *_ in want} == set("abcdefmnop")
    assert sum(rule == "a" for rule, *_ in want) > (500 if stream == BOUNDED else 100)
    for options in CUTS:
        assert run(tmp_path, stream, BY_TIME, split, *options) == want, options


@pytest.mark.parametrize("stream", [BOUNDED, PUNCTUATED], ids=["bounded", "punctuated"])
def test_global_windows_fire_at_multiples_that_events_decide(tmp_path, stream):
    want = run(tmp_path, stream, BY_ARRIVAL, [list(events())])
    assert {rule for rule, *_ in want} == set("gh") and len(want) > 300
    for options in CUTS:
        assert run(tmp_path, stream, BY_ARRIVAL, [list(events())], *options) == want, options


def test_each_rise_of_the_watermark_is_a_moment(tmp_path):
    rules = [RULE.format(name="a", options="'trigger'='punctuated'", **TUMBLE)]
    rows = [(0, 1), (1000, 2), (2000, 0), (1000, 9), (3000, 0), (4000, 3), (6000, 0)]
    given = [{"id": i, "k": "x", "v": v, "ts": START + ts} for i, (ts, v) in enumerate(rows)]
    found = run(tmp_path, PUNCTUATED, rules, [given])
    sums = [json.loads(row)["s"] for _, _, _, row in found]
    # W 2000: 1 + 2. W 3000: the punctuation of before, and the late row. W 6000: what is left of the window; then the next one.
    assert sorted(sums) == [0, 3, 12, 15]
