# SPDX-License-Identifier: Apache-2.0
"""ALL ROWS PER MATCH on a running server: an alert for each row, with the row's own columns, the measures as of it, and
the events of the whole match; the ids are the same after kill -9 and on any number of workers."""
import json
import os
import subprocess

import pytest
from weirserver import Server

STREAM = """CREATE STREAM logins (id STRING NOT NULL, ts TIMESTAMP(3) NOT NULL, account STRING, ok BOOLEAN,
  WATERMARK FOR ts AS ts)"""
TRAIL = """CREATE RULE trail WITH ('title'='{account}: {n} of {all}') AS SELECT * FROM logins MATCH_RECOGNIZE (
  PARTITION BY account ORDER BY ts MEASURES CLASSIFIER() AS step, COUNT(*) AS n, FINAL COUNT(*) AS "all"
  ALL ROWS PER MATCH PATTERN (BAD{2,} GOOD) WITHIN INTERVAL '1' MINUTE
  DEFINE BAD AS NOT ok, GOOD AS ok)"""
ALONE = """CREATE RULE alone AS SELECT * FROM logins MATCH_RECOGNIZE (
  PARTITION BY account ORDER BY ts MEASURES MATCH_NUMBER() AS number
  ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (BAD GOOD) WITHIN INTERVAL '1' MINUTE
  DEFINE BAD AS NOT ok, GOOD AS ok)"""
EVENTS = [{"id": f"e{i}", "ts": 1000 * i, "account": f"a{i * i % 13}", "ok": i % 3 == 0} for i in range(900)]
LINES = [json.dumps(e).encode() + b"\n" for e in EVENTS]


@pytest.fixture(scope="module", name="wanted")
def what_eval_finds(tmp_path_factory):
    """By rule, the rows of results; `--no-end` would keep what the server finishes."""
    folder = tmp_path_factory.mktemp("eval")
    (folder / "rule.sql").write_text(f"{STREAM};\n{TRAIL};\n{ALONE};\n")
    (folder / "events.jsonl").write_bytes(b"".join(LINES))
    done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(folder / "rule.sql"), "--input", str(folder / "events.jsonl")],
                          capture_output=True, text=True, check=True, timeout=60)
    rows = {"trail": [], "alone": []}
    for line in map(json.loads, done.stdout.splitlines()):
        if line["kind"] == "match":
            rows[line["rule"]].append(line["row"])
    assert len(rows["trail"]) > 30 and any(r["number"] is None for r in rows["alone"])
    assert sorted(r["id"] for r in rows["alone"]) == sorted(e["id"] for e in EVENTS)
    return rows


def deploy(server):
    assert server.post("/streams", {"sql": STREAM}).status_code == 201
    for rule in (TRAIL, ALONE):
        assert server.post("/rules", {"sql": rule}).status_code == 201


def by_text(rows):
    return sorted(json.dumps(r, sort_keys=True) for r in rows)


@pytest.fixture(scope="module", name="ids")
def ids_on_one_worker(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("one"), workers=1) as server:
        deploy(server)
        server.post_lines(LINES, stream="logins")
        server.finish("logins")
        server.settled()
        return server.alert_ids()


def test_each_row_is_an_alert_with_its_own_columns(tmp_path, wanted, ids):
    with Server(tmp_path, workers=3) as server:
        deploy(server)
        server.post_lines(LINES, stream="logins")
        server.finish("logins")
        assert server.settled() == {rule: len(rows) for rule, rows in wanted.items()}
        assert server.alert_ids() == ids
        alerts = [server.get(f"/alerts/{alert['id']}") for alert in server.pages("/alerts")]
        for rule, rows in wanted.items():
            assert by_text(a["row"] for a in alerts if a["rule"] == rule) == by_text(rows)


def test_the_alert_of_a_row_shows_the_whole_match(tmp_path, wanted):
    with Server(tmp_path, workers=2) as server:
        deploy(server)
        server.post_lines(LINES, stream="logins")
        server.finish("logins")
        server.settled()
        for alert in server.pages("/alerts"):
            found = server.get(f"/alerts/{alert['id']}")
            row = found["row"]
            events = [(m["var"], e["event"]["id"]) for m in found["match"] for e in m["events"]]
            if found["rule"] == "trail":
                assert found["title"] == f"{row['account']}: {row['n']} of {row['all']}"
                assert len(events) == row["all"] and events[row["n"] - 1] == (row["step"], row["id"])
            elif row["number"] is None:
                assert events == [(None, row["id"])]
            else:
                assert [v for v, _ in events] == ["BAD", "GOOD"] and row["id"] in [i for _, i in events]


def test_ids_are_the_same_after_kill_9(tmp_path, wanted, ids):
    with Server(tmp_path) as server:
        deploy(server)
        for at in range(0, len(LINES), 300):
            server.post_lines(LINES[at:at + 300], stream="logins")
            server.kill_worker()
        server.finish("logins")
        assert server.settled() == {rule: len(rows) for rule, rows in wanted.items()}
        assert server.alert_ids() == ids
