# SPDX-License-Identifier: Apache-2.0
"""Rows of hot keys that are summed up before they go to the key's owner: the same results as without, for any split."""
import json
import random
import subprocess

import pytest
from weirserver import WEIR

STREAM = """CREATE STREAM p (k STRING, j STRING, x BIGINT, d DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector'='inline', 'partitions'='2');"""
RULES = """
CREATE RULE a WITH ('two-phase'='{how}') AS
SELECT k, COUNT(*) AS n, SUM(x) AS s, AVG(d) AS av, MAX(x) AS m, FIRST(d) AS f, LAST(x) AS l, COUNT(x) FILTER (WHERE x > 900) AS big,
       APPROX_COUNT_DISTINCT(x) AS acd, APPROX_PERCENTILE(d, 0.9) AS p90
FROM TABLE(HOP(TABLE p, DESCRIPTOR(ts), INTERVAL '3' SECOND, INTERVAL '10' SECOND))
GROUP BY k, window_start, window_end HAVING COUNT(*) >= 4;
CREATE RULE b WITH ('two-phase'='{how}', 'allowed-lateness'='5 s') AS
SELECT k, window_start, COUNT(*) AS n, MIN(x) AS m FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(ts), INTERVAL '5' SECOND))
WHERE x < 990 GROUP BY k, window_start;
CREATE RULE c WITH ('two-phase'='{how}') AS
SELECT window_start, COUNT(*) AS n, SUM(d) AS m FROM TABLE(CUMULATE(TABLE p, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
CREATE RULE e WITH ('two-phase'='{how}') AS
SELECT j, MAX(k) AS k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY j, window_start;
"""
# Beside them a pattern by the same key as rule e, whose rows must be ordered: then nothing is summed up for that key.
PATTERN = """
CREATE RULE f AS SELECT j, s FROM p MATCH_RECOGNIZE (PARTITION BY j ORDER BY ts MEASURES SUM(A.x) AS s
  PATTERN (A{{3}}) DEFINE A AS x > 700);
"""
EVENTS = 12000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, rng, now = tmp_path_factory.mktemp("skewed"), random.Random(7), 1700000000000
    parts = [open(folder / f"{i}.jsonl", "w", encoding="utf-8") for i in range(2)]
    for i in range(EVENTS):
        now += rng.randrange(0, 20)
        event = {"k": "hot" if rng.random() < 0.5 else f"k{rng.randrange(600)}",
                 "j": f"warm{rng.randrange(3)}" if rng.random() < 0.3 else f"j{rng.randrange(300)}",
                 "x": rng.randrange(1000), "d": f"{rng.randrange(1000)}.{rng.randrange(100):02}",
                 "ts": now - rng.randrange(0, 1500)}
        parts[i % 2].write(json.dumps(event) + "\n")
    for p in parts:
        p.close()
    return [folder / f"{i}.jsonl" for i in range(2)]


def results(tmp_path, files, how, rules=RULES, workers=1):
    sql = tmp_path / f"{how}.sql"
    sql.write_text(STREAM + rules.format(how=how), encoding="utf-8")
    run = subprocess.run([WEIR, "eval", sql, "--workers", str(workers)] + [x for f in files for x in ("--input", f)],
                         stdout=subprocess.PIPE, check=True)
    lines = sorted(run.stdout.splitlines())
    assert len(lines) > 1000
    return lines


def test_sums_of_hot_keys_give_what_rows_give(tmp_path, files):
    want = results(tmp_path, files, "false")
    for how in ("auto", "true"):
        for workers in (1, 2, 3):
            assert results(tmp_path, files, how, workers=workers) == want, (how, workers)


def test_a_pattern_of_the_same_key_sees_all_rows(tmp_path, files):
    want = results(tmp_path, files, "false", RULES + PATTERN)
    for workers in (1, 2, 3):
        assert results(tmp_path, files, "auto", RULES + PATTERN, workers) == want


def test_batches_of_any_size_give_the_same(tmp_path, files):
    want = results(tmp_path, files, "false")
    sql = tmp_path / "auto.sql"
    sql.write_text(STREAM + RULES.format(how="auto"), encoding="utf-8")
    for batch in (64, 100, 500):
        run = subprocess.run([WEIR, "eval", sql, "--workers", "2", "--batch", str(batch), "--input", files[0],
                              "--input", files[1]], stdout=subprocess.PIPE, check=True)
        assert sorted(run.stdout.splitlines()) == want
