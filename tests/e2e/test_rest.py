# SPDX-License-Identifier: Apache-2.0
"""The API of a running server: every resource, and every answer as docs/openapi.yaml says."""
import json
import socket
import threading

import pytest
import requests

from conftest import STREAM, fits
from weirserver import until

BIG = "CREATE RULE big WITH ('severity'='high', 'title'='Big on {card}') AS SELECT id, card, amount FROM payments WHERE amount > 100"
TWICE = """SELECT card, n FROM payments MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES COUNT(A.*) AS n
  PATTERN (A -> B) WITHIN INTERVAL '10' MINUTE DEFINE A AS amount < 5, B AS amount > 100)"""


def event(i, card="c1", amount="1.00", **more):
    return {"id": f"t{i}", "card": card, "amount": amount, "ts": 1_700_000_000_000 + 1000 * i, **more}


def alerts(api, n, query=""):
    def enough():
        page = api.call("GET", f"/alerts{query}", 200, "AlertPage")["data"]
        return page if len(page) >= n else None
    return until(f"{n} alerts{query}", enough)


@pytest.mark.parametrize("server", [1, 2], indirect=True)
def test_events_become_alerts_with_their_events(api):
    api.create_stream()
    rule = api.create_rule(TWICE, "twice")
    assert (rule["kind"], rule["keys"], rule["stream"]) == ("pattern", ["card"], "payments")
    assert [s["kind"] for s in rule["nfa"]["states"]] == ["start", "state", "state", "final"]
    api.create_rule(BIG)
    api.post([event(0, amount="1.50"), event(1, amount="500.10"), event(2, card="c2")])
    api.call("POST", "/streams/payments:finish", 200, "Stream")
    found = {a["rule"]: a for a in alerts(api, 2)}
    assert found["big"]["title"] == "Big on c1" and found["big"]["severity"] == "high"
    assert found["twice"]["key"] == {"card": "c1"} and found["twice"]["row"] == {"card": "c1", "n": 1}
    whole = api.call("GET", f"/alerts/{found['twice']['id']}", 200, "AlertDetail")
    assert [(m["var"], [e["event"]["id"] for e in m["events"]]) for m in whole["match"]] == [("A", ["t0"]), ("B", ["t1"])]
    assert whole["rule_sql"] == TWICE
    assert api.call("GET", "/rules/twice", 200, "Rule")["alerts"] == 1


def test_decimals_keep_their_digits(api):
    api.create_stream()
    api.create_rule(BIG)
    text = '{"id":"t0","card":"c1","amount":500.10,"ts":1700000000000}'
    api.call("POST", "/streams/payments/events", 202, data=text, headers={"content-type": "application/json"})
    alerts(api, 1)
    raw = api.server.session.get(api.url + "/alerts", timeout=30).text
    assert '"amount":500.10' in raw
    assert text in api.server.session.get(api.url + "/streams/payments/events", timeout=30).text


def test_streams_show_columns_partitions_and_rules(api):
    made = api.create_stream()
    assert [c["type"] for c in made["columns"]] == ["STRING", "STRING", "DECIMAL(12,2)", "TIMESTAMP(3)"]
    assert made["time_column"] == "ts" and [p["partition"] for p in made["partitions"]] == [0, 1]
    api.create_rule(BIG)
    assert api.call("GET", "/streams/PAYMENTS", 200, "Stream")["rules"] == ["big"]
    assert [s["name"] for s in api.call("GET", "/streams", 200, "StreamPage")["data"]] == ["payments"]
    api.problem("POST", "/streams", 409, "already-exists", json={"sql": STREAM})


def test_events_in_three_forms(api):
    api.create_stream()
    one = api.post(event(0))
    assert one == {"accepted": 1, "rejected": 0, "partition": 0, "first_offset": 0, "last_offset": 0}
    assert api.post([event(1), event(2)])["last_offset"] == 2
    lines = "\n".join(json.dumps(event(i)) for i in range(3, 6)) + "\r\n\n"
    taken = api.call("POST", "/streams/payments/events?partition=1&wait=durable", 202, "Taken", data=lines,
                     headers={"content-type": "application/x-ndjson"})
    assert taken == {"accepted": 3, "rejected": 0, "partition": 1, "first_offset": 0, "last_offset": 2}
    recent = api.call("GET", "/streams/payments/events?limit=2", 200, "RecordedPage")["data"]
    assert [(r["offset"], r["event"]["id"]) for r in recent] == [(2, "t2"), (1, "t1")]
    assert api.post([event(6)], rows="all")["rows"] == [{"index": 0, "status": "accepted", "offset": 3}]


def test_rules_are_paused_resumed_and_deleted(api):
    api.create_stream()
    rule = api.create_rule(BIG)
    assert rule["id"] == "rul_000001" and rule["mode"] == "active" and rule["nfa"] is None
    assert api.call("POST", f"/rules/{rule['id']}:pause", 200, "Rule")["mode"] == "paused"
    assert api.call("POST", "/rules/BIG:pause", 200, "Rule")["mode"] == "paused"
    api.post(event(0, amount="200"))
    assert api.call("POST", "/rules/big:resume", 200, "Rule")["mode"] == "active"
    api.post(event(1, amount="300"))
    assert [a["row"]["id"] for a in alerts(api, 1)] == ["t1"]
    api.call("DELETE", "/rules/big", 204)
    api.problem("GET", "/rules/big", 404, "not-found")
    assert api.call("GET", "/rules", 200, "RulePage")["data"] == []
    assert api.call("GET", "/alerts", 200, "AlertPage")["data"][0]["rule"] == "big"
    assert api.create_rule(BIG)["id"] == "rul_000002"


def test_a_shadow_rule_makes_results_but_no_alerts(api):
    api.create_stream()
    api.create_rule(BIG.replace("'severity'='high'", "'mode'='shadow'"))
    api.post(event(0, amount="200"))
    assert len(alerts(api, 1, "?mode=shadow")) == 1
    assert api.call("GET", "/alerts?mode=active", 200, "AlertPage")["data"] == []
    rule = api.call("GET", "/rules/big", 200, "Rule")
    assert (rule["mode"], rule["alerts"], rule["shadow_alerts"]) == ("shadow", 0, 1)
    overview = api.call("GET", "/overview", 200, "Overview")
    assert (overview["alerts"], overview["shadow_alerts"], overview["rules"]["shadow"]) == (0, 1, 1)
    assert api.call("POST", "/rules/big:pause", 200, "Rule")["mode"] == "paused"
    assert api.call("POST", "/rules/big:resume", 200, "Rule")["mode"] == "shadow"


def test_every_rule_shows_its_own_partial_matches(api):
    api.create_stream()
    for name in ("one", "two", "three"):
        api.create_rule(TWICE, name)
    api.call("POST", "/streams/payments:finish?partition=1", 200, "Stream")
    api.post([event(0, amount="1.50"), event(60, amount="50")])
    until("each has begun a match", lambda: [r["partials"] for r in api.call("GET", "/rules", 200, "RulePage")["data"]] == [1, 1, 1])


def test_validation_changes_nothing(api):
    api.create_stream()
    good = api.call("POST", "/rules:validate", 200, "Validation", json={"sql": TWICE})
    assert good["valid"] and good["rule"]["variables"][0]["name"] == "A" and good["nfa"]["edges"] and good["explain"]
    bad = api.call("POST", "/rules:validate", 200, "Validation", json={"sql": TWICE.replace("amount < 5", "amout < 5")})
    assert not bad["valid"] and bad["errors"][0]["code"] == "unknown-column" and "amount" in bad["errors"][0]["hint"]
    column = TWICE.splitlines()[1].index("amount < 5") + 1
    assert (bad["errors"][0]["line"], bad["errors"][0]["column"]) == (2, column)
    assert api.call("GET", "/rules", 200, "RulePage")["data"] == []


def test_explain_shows_what_rules_share(api):
    api.create_stream()
    name = "twice"
    api.create_rule(f"CREATE RULE {name} AS {TWICE}")
    text = api.call("POST", "/rules:explain", 200, "Explanation", json={"rule": name})["explain"]
    assert "automaton\n" in text and "state\n" in text and "merged plan\n" in text
    again = {"sql": TWICE, "format": "json"}
    explained = api.call("POST", "/rules:explain", 200, "Explanation", json=again)["explain"]
    assert explained["merged"]["rules"] == 2 and explained["merged"]["conditions"][0]["with"] == [name]
    dot = api.call("POST", "/rules:explain", 200, "Explanation", json={"sql": f"EXPLAIN RULE {name} (FORMAT DOT)"})
    assert dot["format"] == "DOT" and dot["explain"].startswith("digraph pattern {")
    assert len(api.call("GET", "/rules", 200, "RulePage")["data"]) == 1
    api.call("POST", "/rules:explain", 404, "Problem", json={"rule": "nope"})
    api.call("POST", "/rules:explain", 422, "Problem", json={"sql": "SELECT nope FROM payments"})
    for body in ({}, {"rule": name, "sql": TWICE}, {"rule": name, "format": "PNG"}):
        api.call("POST", "/rules:explain", 422, "Problem", json=body)


def test_lists_go_on_from_their_cursor(api):
    api.create_stream()
    api.create_rule(BIG)
    api.post([event(i, card=f"c{i % 2}", amount="200") for i in range(7)])
    alerts(api, 7)
    seen, after = [], ""
    while True:
        page = api.call("GET", f"/alerts?limit=3{after}", 200, "AlertPage")
        seen += [a["seq"] for a in page["data"]]
        if not page["page"]["has_more"]:
            break
        after = f"&after={page['page']['next']}"
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert [a["seq"] for a in api.call("GET", "/alerts?order=asc&after=5", 200, "AlertPage")["data"]] == [6, 7]
    assert api.call("GET", "/alerts?rule=nothing", 200, "AlertPage")["data"] == []
    assert len(api.call("GET", "/alerts?severity=high&rule=Big", 200, "AlertPage")["data"]) == 7


def test_alerts_of_a_key(api):
    api.create_stream()
    api.create_rule(TWICE, "twice")
    api.post([event(i, card=f"c{i % 2}", amount="1" if i < 2 else "200") for i in range(4)])
    api.call("POST", "/streams/payments:finish", 200)
    alerts(api, 2)
    assert [a["key"] for a in api.call("GET", "/alerts?key=c1", 200, "AlertPage")["data"]] == [{"card": "c1"}]


def test_refused_rows_are_kept_with_their_reason(api):
    api.create_stream()
    api.post([event(0), {"id": "t1"}], 207)
    letter = until("the dead letter", lambda: api.call("GET", "/dead_letters", 200, "DeadLetterPage")["data"])[0]
    assert (letter["kind"], letter["stream"], letter["code"], letter["offset"]) == ("error", "payments", "missing-field", None)
    assert json.loads(letter["raw"]) == {"id": "t1"}
    assert api.call("GET", "/overview", 200, "Overview")["events_refused"] == 1


def test_status_pages(api):
    api.create_stream()
    api.post([event(0)])
    workers = api.call("GET", "/workers", 200, "Workers")["data"]
    assert [w["state"] for w in workers] == ["running", "running"] and len({w["pid"] for w in workers}) == 2
    marks = until("the row is taken", lambda: [m for m in api.call("GET", "/watermarks", 200, "Watermarks")["data"] if m["taken"]])
    assert marks[0]["end"] == 1 and not marks[0]["holds_back"]
    silent = [m for m in api.call("GET", "/watermarks", 200, "Watermarks")["data"] if not m["taken"]]
    assert silent[0]["holds_back"]
    metrics = api.server.session.get(api.server.url + "/metrics", timeout=30)
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "\nweir_events_accepted_total 1\n" in metrics.text
    assert 'weir_partition_end_offset{stream="payments",partition="0"} 1' in metrics.text


class Live:
    """A reader of server-sent events on a thread of its own."""

    def __init__(self, url, **headers):
        self.frames, self.answer = [], requests.get(url, stream=True, timeout=30, headers=headers)
        assert self.answer.headers["content-type"] == "text/event-stream"
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        frame = {}
        try:
            for line in self.answer.iter_lines(decode_unicode=True):
                key, _, value = line.partition(": ")
                if key:
                    frame[key] = value
                elif frame:
                    self.frames.append(frame)
                    frame = {}
        except (requests.RequestException, AttributeError, ValueError):
            pass  # closed

    def of(self, kind):
        return [f for f in self.frames if f.get("event") == kind]

    def close(self):
        """The reading thread holds the buffer's lock until something comes: the socket is ended under it."""
        self.answer.raw.connection.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.answer.close()


def test_alerts_live_and_again_from_a_cursor(api):
    api.create_stream()
    api.create_rule(BIG)
    live = Live(api.url + "/alerts/stream")
    api.post([event(i, amount="200") for i in range(3)])
    got = until("three alerts live", lambda: live.of("alert") if len(live.of("alert")) == 3 else None)
    assert [f["id"] for f in got] == ["1", "2", "3"]
    listed = api.call("GET", "/alerts?order=asc", 200, "AlertPage")["data"]
    for frame, alert in zip(got, listed):
        fits("Alert", json.loads(frame["data"]))
        assert json.loads(frame["data"]) == alert
    live.close()
    again = Live(api.url + "/alerts/stream", **{"Last-Event-ID": "1"})
    api.post([event(3, amount="200")])
    got = until("the rest", lambda: again.of("alert") if len(again.of("alert")) == 3 else None)
    assert [f["id"] for f in got] == ["2", "3", "4"]
    again.close()


def test_the_overview_comes_each_second(api):
    live = Live(api.url + "/overview/stream")
    got = until("three of them", lambda: live.of("overview") if len(live.of("overview")) >= 3 else None)
    fits("Overview", json.loads(got[-1]["data"]))
    live.close()


def test_a_restart_keeps_all(api):
    api.create_stream()
    api.create_rule(BIG)
    api.call("POST", "/rules/big:pause", 200)
    api.call("POST", "/rules/big:resume", 200)
    api.post([event(0, amount="200")])
    before = alerts(api, 1)
    api.server.stop()
    api.server.start()
    again = type(api)(api.server)
    assert again.call("GET", "/alerts", 200, "AlertPage")["data"] == before
    assert again.call("GET", "/rules/big", 200, "Rule")["mode"] == "active"
    again.post([event(1, amount="300")])
    assert [a["row"]["id"] for a in alerts(again, 2)] == ["t1", "t0"]


def test_load_creates_what_is_not_there(server, tmp_path):
    """Twice: the second time all exists."""
    from conftest import Api
    file = tmp_path / "rules.sql"
    file.write_text(f"-- ours\n{STREAM};\n{BIG};\nCREATE RULE other AS SELECT card FROM payments WHERE amount < 0;\n")
    server.options += ["--load", str(file)]
    for _ in range(2):
        server.stop()
        server.start()
        rules = Api(server).call("GET", "/rules", 200, "RulePage")["data"]
        assert [(r["id"], r["name"]) for r in rules] == [("rul_000001", "big"), ("rul_000002", "other")]
