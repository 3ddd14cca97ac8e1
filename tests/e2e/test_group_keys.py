# SPDX-License-Identifier: Apache-2.0
"""A key that is computed in the query is the same key as a computed column of the stream: rules of every shape, with any number
of workers, rows of hot keys summed up or not, late rows too. And groups that are finer than what divides rows into windows."""
import datetime
import json
import random
import subprocess

import pytest
from weirserver import WEIR

STREAM = """CREATE STREAM p (id BIGINT, k STRING, x BIGINT, ts TIMESTAMP(3) NOT NULL, low AS LOWER(k), tens AS x / 10,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector'='inline', 'partitions'='2');"""
RULES = """
CREATE RULE t WITH ('two-phase'='auto') AS SELECT {low} AS a, {tens} AS b, window_start, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY {low}, {tens}, window_start HAVING COUNT(*) > 1;
CREATE RULE h WITH ('two-phase'='true', 'allowed-lateness'='500 ms') AS SELECT {low} AS a, MAX(x) AS n
FROM TABLE(HOP(TABLE p, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '5' SECOND)) GROUP BY {low}, window_start;
CREATE RULE s AS SELECT {low} AS a, COUNT(*) AS n, window_end
FROM TABLE(SESSION(TABLE p PARTITION BY ({low}), DESCRIPTOR(ts), INTERVAL '200' MILLISECOND)) GROUP BY {low}, window_start, window_end;
CREATE RULE o AS SELECT id, SUM(x) OVER (PARTITION BY {low}, {tens} ORDER BY ts ROWS 3 PRECEDING) AS n FROM p;
CREATE RULE m WITH ('state-ttl'='10 s') AS SELECT key, n FROM (SELECT *, {low} AS key FROM p)
MATCH_RECOGNIZE (PARTITION BY key ORDER BY ts MEASURES SUM(A.x) AS n PATTERN (A B) WITHIN INTERVAL '1' SECOND DEFINE B AS x > A.x);
CREATE RULE late AS SELECT x, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t.LATE, DESCRIPTOR(rowtime), INTERVAL '5' SECOND))
GROUP BY x, window_start;
"""
QUERY, COLUMNS = {"low": "LOWER(k)", "tens": "x / 10"}, {"low": "low", "tens": "tens"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, rng, now = tmp_path_factory.mktemp("keys"), random.Random(11), 1700000000000
    parts = [open(folder / f"{i}.jsonl", "w", encoding="utf-8") for i in range(2)]
    for i in range(6000):
        now += rng.randrange(0, 20)
        key = rng.choice(["hot", "Hot", "HOT"]) if rng.random() < 0.4 else rng.choice("abcdefghABCDEFGH") + str(rng.randrange(20))
        event = {"id": i, "k": None if rng.random() < 0.02 else key, "x": rng.randrange(100), "ts": now - rng.randrange(0, 1500)}
        parts[i % 2].write(json.dumps(event) + "\n")
    for part in parts:
        part.close()
    return [folder / f"{i}.jsonl" for i in range(2)]


def results(folder, files, keys, *options):
    sql = folder / "rules.sql"
    sql.write_text(STREAM + RULES.format(**keys), encoding="utf-8")
    run = subprocess.run([WEIR, "eval", sql, *options] + [x for f in files for x in ("--input", f)], stdout=subprocess.PIPE, check=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert {line["rule"] for line in lines} == {"t", "h", "s", "o", "m", "late"}
    assert any(line["kind"] == "late" for line in lines)
    for line in lines:
        if line["kind"] == "late":  # with the columns that the rule reads, at least
            del line["row"]
    return sorted(json.dumps(line) for line in lines)


@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--workers", "3", "--batch", "100"), ("--batch", "7"),
                                     ("--snapshot-every", "700:2")])
def test_a_computed_key_is_that_of_a_computed_column(tmp_path, files, options):
    assert results(tmp_path, files, QUERY, *options) == results(tmp_path, files, COLUMNS)


GROUPS = """CREATE STREAM p (id BIGINT, k STRING, x BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts) WITH ('connector'='inline');
CREATE RULE s AS SELECT k, x % 3 AS g, COUNT(*) AS n, SUM(x) AS t, window_start, window_end
FROM TABLE(SESSION(TABLE p PARTITION BY k, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY k, x % 3, window_start, window_end
HAVING COUNT(*) > 1;
CREATE RULE t AS SELECT x % 3 AS g, k, COUNT(*) AS n FROM TABLE(COUNT_TUMBLE(TABLE p PARTITION BY k, 7)) GROUP BY x % 3, k;
CREATE RULE h AS SELECT k, x, COUNT(*) AS n FROM TABLE(COUNT_HOP(TABLE p PARTITION BY k, 2, 5)) GROUP BY k, x HAVING x > 3;
"""


def in_groups(rows, value):
    groups = {}
    for row in rows:
        groups.setdefault(value(row), []).append(row)
    return groups.items()


def model(events):
    """What GROUPS must give: (rule, key, group, rows, sum) for each result."""
    found = []
    for key, rows in in_groups(events, lambda e: e["k"]):
        sessions = [[rows[0]]]
        for row in rows[1:]:
            if row["ts"] - sessions[-1][-1]["ts"] <= 3000:
                sessions[-1].append(row)
            else:
                sessions.append([row])
        for session in sessions:
            found += [("s", key, g, len(of), sum(e["x"] for e in of), session[0]["ts"], session[-1]["ts"] + 3000)
                      for g, of in in_groups(session, lambda e: e["x"] % 3) if len(of) > 1]
        for at in range(7, len(rows) + 1, 7):
            found += [("t", key, g, len(of)) for g, of in in_groups(rows[at - 7:at], lambda e: e["x"] % 3)]
        for at in range(2, len(rows) + 1, 2):
            found += [("h", key, g, len(of)) for g, of in in_groups(rows[max(0, at - 5):at], lambda e: e["x"]) if g > 3]
    return sorted(found)


@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--batch", "7"), ("--snapshot-every", "400:2")])
def test_windows_of_a_partition_are_divided_into_the_groups_of_group_by(tmp_path, options):
    rng, now, events = random.Random(5), 1700000000000, []
    for i in range(3000):
        now += rng.randrange(0, 400)
        events.append({"id": i, "k": rng.choice("abcdefghij"), "x": rng.randrange(6), "ts": now})
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    (tmp_path / "rules.sql").write_text(GROUPS, encoding="utf-8")
    run = subprocess.run([WEIR, "eval", tmp_path / "rules.sql", *options, "--input", tmp_path / "events.jsonl"], check=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    found = []
    for line in map(json.loads, run.stdout.splitlines()):
        row = line["row"]
        head = (line["rule"], row["k"], row.get("g", row.get("x")), row["n"])
        bounds = [int(datetime.datetime.fromisoformat(row[b]).timestamp() * 1000 + 0.5) for b in ("window_start", "window_end") if b in row]
        found.append(head + ((row["t"], *bounds) if line["rule"] == "s" else ()))
    assert sorted(found) == model(events)
    assert {f[0] for f in found} == {"s", "t", "h"}
