# SPDX-License-Identifier: Apache-2.0
"""Windows on a running server: what late events change is the same alert, whatever the number of workers, and once only
when the log is replayed."""
import datetime
import json
import os
import subprocess

import pytest
from weirserver import Server

STREAM = """CREATE STREAM logins (id STRING NOT NULL, ts TIMESTAMP(3) NOT NULL, account STRING, amount BIGINT,
  WATERMARK FOR ts AS ts)"""
BUSY = """CREATE RULE busy WITH ('allowed-lateness'='1 min') AS SELECT account, window_end, COUNT(*) AS n, SUM(amount) AS total
  FROM TABLE(HOP(TABLE logins, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
  GROUP BY account, window_start, window_end HAVING SUM(amount) BETWEEN 3 AND 20"""
VISITS = """CREATE RULE visits WITH ('allowed-lateness'='1 min') AS SELECT account, window_start, window_end, COUNT(*) AS n
  FROM TABLE(SESSION(TABLE logins PARTITION BY account, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY account, window_start, window_end"""


def make_events():
    """Every seventh comes some seconds after its time."""
    events = []
    for i in range(900):
        late = 8000 + 500 * (i % 40) if i % 7 == 3 else 0
        events.append({"id": f"e{i}", "ts": 100000 + 700 * (i // 3) - late, "account": f"a{i * i % 11}", "amount": i % 9 - 2})
    return events


def last_words(folder, rule, events):
    """The last result of each window that `weir eval` finds: of (account, window_end) what the alert is to say."""
    (folder / "rule.sql").write_text(f"{STREAM};\n{rule};\n")
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(folder / "rule.sql"), "--input", str(folder / "events.jsonl")],
                          capture_output=True, text=True, check=True, timeout=60)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    updates = [r for r in results if r["kind"] == "update"]
    assert updates
    words = {}
    for r in results:
        if r["kind"] in ("match", "update"):
            words[(r["row"]["account"], r["row"]["window_end"])] = (r["row"], r.get("revision", 0), r.get("retracted", False))
    return words, results


def alerts_of(server):
    found, after = [], None
    while True:
        page = server.session.get(server.url + "/api/v1/alerts", params={"limit": 500, **({"after": after} if after else {})},
                                  timeout=30).json()
        found += page["data"]
        after = page["page"].get("next")
        if not after:
            return found


def said(alerts):
    return {(a["row"]["account"], a["row"]["window_end"]): (a["row"], a["revision"], a["retracted"]) for a in alerts}


@pytest.mark.parametrize("workers", [1, 3])
def test_late_events_change_the_alert_that_is_there(tmp_path, workers):
    events = make_events()
    words, results = last_words(tmp_path, BUSY, events)
    assert any(r.get("retracted") for r in results)
    with Server(tmp_path, workers=workers) as server:
        assert server.post("/streams", {"sql": STREAM}).status_code == 201
        assert server.post("/rules", {"sql": BUSY}).status_code == 201
        server.post_lines([json.dumps(e).encode() + b"\n" for e in events], stream="logins")
        server.finish("logins")
        server.settled()
        alerts = alerts_of(server)
        assert len({a["id"] for a in alerts}) == len(alerts)
        assert said(alerts) == words
        changed = max(alerts, key=lambda a: a["revision"])
        detail = server.session.get(f"{server.url}/api/v1/alerts/{changed['id']}", timeout=30).json()
        assert [r["revision"] for r in detail["revisions"]] == list(range(changed["revision"]))
        wanted = [(r["row"], r.get("retracted", False)) for r in results if r["kind"] in ("match", "update")
                  and (r["row"]["account"], r["row"]["window_end"]) == (changed["row"]["account"], changed["row"]["window_end"])]
        assert [(r["row"], r["retracted"]) for r in detail["revisions"]] == wanted[:-1]


def test_a_replay_changes_no_alert_again(tmp_path):
    events = make_events()
    words, _ = last_words(tmp_path, BUSY, events)
    lines = [json.dumps(e).encode() + b"\n" for e in events]
    with Server(tmp_path, workers=2) as server:
        assert server.post("/streams", {"sql": STREAM}).status_code == 201
        assert server.post("/rules", {"sql": BUSY}).status_code == 201
        server.post_lines(lines[:600], stream="logins")
        server.kill()
        server.start()
        server.post_lines(lines[600:], stream="logins")
        server.finish("logins")
        server.settled()
        assert said(alerts_of(server)) == words
        seqs = {a["id"]: a["seq"] for a in alerts_of(server)}
        server.kill()
        server.start()
        server.settled()
        assert {a["id"]: a["seq"] for a in alerts_of(server)} == seqs


def test_sessions_that_become_one_are_one_alert(tmp_path):
    def at(second, account="a"):
        return {"id": f"{account}{second}", "ts": 1000 * second, "account": account, "amount": 1}
    events = [at(100), at(101), at(105), at(120, "b"), at(103)]  # 103 joins [100, 104) and [105, 108)
    with Server(tmp_path, workers=2) as server:
        assert server.post("/streams", {"sql": STREAM}).status_code == 201
        assert server.post("/rules", {"sql": VISITS}).status_code == 201
        server.post_lines([json.dumps(e).encode() + b"\n" for e in events], stream="logins")
        server.finish("logins")
        server.settled()
        of_a = sorted((a for a in alerts_of(server) if a["row"]["account"] == "a"), key=lambda a: a["row"]["window_start"])
        assert [a["row"]["n"] for a in of_a] == [4, 1]
        assert of_a[0]["revision"] == 1 and of_a[0]["replaces"] == [of_a[1]["id"]]
        assert of_a[1]["retracted"] and of_a[1]["replaced_by"] == of_a[0]["id"]
        end = datetime.datetime.fromisoformat(of_a[0]["window"]["end"].replace("Z", "+00:00"))
        assert end.timestamp() == 108
