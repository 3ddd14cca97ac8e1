# SPDX-License-Identifier: Apache-2.0
"""Why a rule of any kind has not fired: filters, windows, OVER, joins."""
import json

import pytest
from weirserver import Server, until

STREAM = """CREATE STREAM payments (id BIGINT NOT NULL, card STRING, status STRING, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"""
LOGINS = "CREATE STREAM logins (card STRING, country STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"
RULES = {
    "big": "SELECT id, card FROM payments WHERE amount > 3000 AND card IN LIST watched AND status = 'ok'",
    "spend": """SELECT card, SUM(amount) AS s FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '60' SECOND))
      GROUP BY card, window_start, window_end HAVING SUM(amount) >= 10000 AND COUNT(*) >= 2""",
    "hops": """SELECT card FROM TABLE(HOP(TABLE payments, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '60' SECOND))
      GROUP BY card, window_start, window_end HAVING COUNT(*) >= 4""",
    "sessions": """SELECT card FROM TABLE(SESSION(TABLE payments PARTITION BY card, DESCRIPTOR(ts), INTERVAL '30' SECOND))
      GROUP BY card, window_start, window_end HAVING COUNT(*) >= 3""",
    "threes": "SELECT card FROM TABLE(COUNT_TUMBLE(TABLE payments PARTITION BY card, 2)) GROUP BY card, window_start, window_end HAVING SUM(amount) > 9999999",
    "velocity": """SELECT id, COUNT(*) OVER (PARTITION BY card ORDER BY ts RANGE BETWEEN INTERVAL '60' SECOND PRECEDING AND CURRENT ROW) AS n
      FROM payments QUALIFY n >= 3 AND LAG(status, 1, 'none') OVER (PARTITION BY card ORDER BY ts) = 'ok'""",
    "abroad": """SELECT p.id FROM payments p JOIN logins l ON l.card = p.card AND l.ts BETWEEN p.ts - INTERVAL '30' SECOND AND p.ts
      AND l.country <> 'DE' AND p.amount > 100""",
}
T0 = 1700000040000  # a full minute


def event(second, card, status, amount, id=0):
    return {"id": id, "card": card, "status": status, "amount": amount, "ts": T0 + int(1000 * second)}


def login(second, card, country):
    return {"card": card, "country": country, "ts": T0 + int(1000 * second)}


def feed(server, stream, events):
    server.post_lines([json.dumps(e).encode() + b"\n" for e in events], stream=stream)


def why(server, rule, status=200, **body):
    answer = server.post(f"/rules/{rule}:why_not", body)
    assert answer.status_code == status, answer.text
    return answer.json()


def parts(verdict):
    return {c["text"]: c for c in verdict["conditions"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("kinds"), workers=2) as server:
        server.create(stream=STREAM)
        server.create(stream=LOGINS)
        assert server.post("/lists", {"sql": "CREATE LIST watched (card STRING PRIMARY KEY); INSERT INTO watched VALUES ('w')"}).status_code in (200, 201)
        for name, sql in RULES.items():
            answer = server.post("/rules", {"name": name, "sql": sql})
            assert answer.status_code == 201, (name, answer.text)
        feed(server, "logins", [login(0, "near", "FR"), login(0, "home", "DE"), login(1, "pair", "FR"), login(1, "far", "FR")])
        feed(server, "payments", [
            event(1, "near", "ok", 9000, 1), event(5, "home", "ok", 500, 2), event(6, "pair", "ok", 700, 3), event(7, "alone", "ok", 700, 4),
            event(10, "w", "ok", 2999.5, 5), event(11, "w", "ok", 4000, 6), event(12, "x", "ok", 4000, 7),
            event(20, "near", "ok", 980, 8), event(25, "rich", "ok", 9000, 9), event(26, "rich", "ok", 2000, 10), event(45, "near", "no", 1, 11), event(46, "far", "ok", 700, 16)])
        feed(server, "logins", [login(300, "z", "FR")])
        feed(server, "payments", [event(300, "z", "ok", 1, 12), event(31, "near", "ok", 50, 13), event(310, "open", "ok", 400, 14), event(313, "z", "ok", 1, 15), event(314, "new", "ok", 1, 16)])
        until("all is taken", lambda: sum(p["taken"] for s in ("payments", "logins") for p in server.partitions(s)) == 22)
        until("alerts are there", lambda: server.alerts_by_rule().get("abroad") == 3 and server.alerts_by_rule().get("sessions") == 1)
        yield server


def test_a_filter_says_which_condition_did_not_hold_and_what_the_list_answered(server):
    answer = why(server, "big", event_id="0/4")
    verdict = answer["verdict"]
    assert (answer["kind"], verdict["kind"], verdict["event"]["offset"]) == ("filter", "condition", 4), answer
    assert [c["true"] for c in verdict["conditions"]] == [False, True, True]
    assert "amount was 2999.50, off by 0.50" in verdict["text"] and verdict["conditions"][0]["missed_by"] == 0.5
    other = why(server, "big", event_id="0/6")["verdict"]
    assert other["kind"] == "condition" and "watched" in other["text"] and 'card was "x"' in other["text"]
    assert why(server, "big", event_id="0/5")["verdict"]["kind"] == "matched"
    nearest = why(server, "big", key={"card": "x"})
    assert (nearest["key"], nearest["events"], nearest["verdict"]["kind"]) == ({"card": "x"}, 1, "condition")
    assert why(server, "big")["verdict"]["kind"] == "matched"
    assert "column" in why(server, "big", 422, key={"nope": 1})["detail"]
    assert "object of columns" in why(server, "big", 422, key="x")["detail"]


def test_a_window_says_what_its_sums_were_and_by_how_much_they_missed(server):
    answer = why(server, "spend", key="near")
    verdict = answer["verdict"]
    assert (answer["kind"], verdict["kind"]) == ("window", "condition"), answer
    assert "SUM(amount) was 9981.00, off by 19.00" in verdict["text"] and "1 event came late and was not counted" in verdict["text"], verdict["text"]
    assert verdict["window"]["rows"] == 3 and verdict["window"]["left_out"]["late"] == 1
    assert verdict["window"]["aggregates"] == [{"aggregate": "SUM(amount)", "value": 9981.0}, {"aggregate": "COUNT(*)", "value": 3}]
    assert [s["taken"] for s in answer["steps"]] == ["yes", "yes", "yes", "late"]
    assert why(server, "spend", key="rich")["verdict"]["kind"] == "matched"
    waits = why(server, "spend", key="open")["verdict"]
    assert waits["kind"] == "waiting" and waits["window"]["open"] and "is not over yet" in waits["text"]
    assert why(server, "spend", key="new")["verdict"]["kind"] == "pending"
    late = why(server, "spend", event_id="0/13")["verdict"]
    assert late["kind"] == "late", late


def test_overlapping_windows_sessions_and_windows_of_counts_are_told_of(server):
    hops = why(server, "hops", key="near")
    assert hops["verdict"]["kind"] == "condition" and hops["verdict"]["conditions"][0]["missed_by"] == 1, hops["verdict"]
    assert len(hops["windows"]) + hops["earlier_windows"] >= 10
    session = why(server, "sessions", key="rich")["verdict"]
    assert session["kind"] == "condition" and session["window"]["rows"] == 2 and "COUNT(*) was 2, off by 1" in session["text"], session
    assert why(server, "sessions", key="near")["verdict"]["kind"] == "matched"
    count = why(server, "threes", key="near")["verdict"]
    assert count["kind"] in ("condition", "waiting") and "SUM(amount)" in count["text"], count


def test_over_says_what_was_in_the_frame(server):
    answer = why(server, "velocity", event_id="0/7")
    verdict = answer["verdict"]
    assert (answer["kind"], verdict["kind"]) == ("over", "condition"), answer
    assert verdict["frames"][0]["rows"] == 2 and verdict["frames"][0]["value"] == 2 and "off by 1" in verdict["text"], verdict
    assert [c["true"] for c in verdict["conditions"]] == [False, True]
    assert [s["found"] for s in answer["steps"]] == [False, False, True, False]
    assert why(server, "velocity", key="near")["verdict"]["kind"] == "matched"
    assert why(server, "velocity", event_id="0/13")["verdict"]["kind"] == "late"


def test_a_join_says_which_partner_came_nearest_and_what_was_in_the_way(server):
    home = why(server, "abroad", key="home")
    verdict = home["verdict"]
    assert (home["kind"], verdict["kind"]) == ("join", "condition"), home
    assert "country" in verdict["text"] and verdict["pair"]["in_time"] and verdict["pair"]["apart_ms"] == -5000, verdict
    assert why(server, "abroad", key="pair")["verdict"]["kind"] == "matched"
    time = why(server, "abroad", event_id="0/11", stream="payments")["verdict"]
    assert time["kind"] == "time" and time["late_by_ms"] == 15000, time
    alone = why(server, "abroad", key="alone")["verdict"]
    assert alone["kind"] == "no-partner", alone
    assert why(server, "abroad", event_id="0/1", stream="logins")["verdict"]["kind"] == "where"
    assert "'stream'" in why(server, "abroad", 422, key="x", stream="nope")["detail"]


def everyone(server, status=200, **body):
    answer = server.post("/streams/payments:why_not", body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_one_event_is_asked_of_every_rule(server):
    answer = everyone(server, where={"id": 8})
    assert (answer["stream"], answer["event_id"], answer["left_out"]) == ("payments", "0/7", 0), answer
    rules = {r["rule"]: r for r in answer["data"]}
    assert set(rules) == set(RULES)
    assert {n: r["verdict"] for n, r in rules.items()} == {
        "big": "condition", "spend": "condition", "hops": "condition", "sessions": "matched", "threes": "condition", "velocity": "condition",
        "abroad": "matched"}, {n: (r["verdict"], r["text"]) for n, r in rules.items()}
    assert rules["spend"]["key"] == {"card": "near"} and "off by 19.00" in rules["spend"]["text"]
    assert rules["abroad"]["alert"]["by"] == "match" and rules["sessions"]["alert"]["by"] == "match", rules
    assert server.get(f"/alerts/{rules['abroad']['alert']['id']}")["rule"] == "abroad"
    assert everyone(server, event_id="0/7")["data"][0]["verdict"] == "condition"
    assert "none of the last" in everyone(server, 404, where={"id": 777})["detail"]
    assert "no column" in everyone(server, 422, where={"nope": 7})["detail"]
    assert "event_id" in everyone(server, 422, event_id="x")["detail"]
    assert "event_id" in everyone(server, 422)["detail"]
    assert server.post("/streams/nope:why_not", {"event_id": "0/1"}).status_code == 404
    gone = everyone(server, event_id="0/999")
    assert {r["verdict"] for r in gone["data"]} == {"not-asked"} and "there is no event" in gone["data"][0]["text"]


def test_what_the_cooldown_held_back_is_told_with_its_alert(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        sql = "CREATE RULE calm WITH ('cooldown' = '10 min') AS SELECT card, id FROM payments WHERE amount > 100"
        assert server.post("/rules", {"sql": sql}).status_code == 201
        feed(server, "payments", [event(0, "a", "ok", 500, 1), event(60, "a", "ok", 600, 2)])
        until("both are counted", lambda: [a["count"] for a in server.get("/alerts?rule=calm")["data"]] == [2])
        first = why(server, "calm", event_id="0/0")
        held = why(server, "calm", event_id="0/1")
        assert (first["alert"]["by"], first["alert"]["count"], held["alert"]["by"]) == ("match", 2, "cooldown"), (first, held)
        assert held["alert"]["id"] == first["alert"]["id"] and held["alert"]["until"] == "2023-11-14T22:24:00.000Z", held["alert"]
