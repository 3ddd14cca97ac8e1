# SPDX-License-Identifier: Apache-2.0
"""Why a rule has not fired: the nearest miss, and the steps to it, from what is recorded."""
import json
import random

import pytest
from weirserver import Server, until

STREAM = """CREATE STREAM payments (id BIGINT NOT NULL, card STRING, status STRING, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,
  big AS amount > 1000, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('partitions' = '2')"""
RULE = """CREATE RULE card_testing AS SELECT * FROM payments MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts
  MEASURES COUNT(A.id) AS n, LAST(B.amount) AS cashout ONE ROW PER MATCH AFTER MATCH NO SKIP
  PATTERN (A->{2} -> B) WITHIN INTERVAL '60' SECOND
  DEFINE A AS status = 'declined' AND amount < 2, B AS status = 'approved' AND amount > 500 AND amount > 10 * AVG(A.amount))"""
T0 = 1700000000000


def event(second, card, status, amount, id=0):
    return {"id": id, "card": card, "status": status, "amount": amount, "ts": T0 + int(1000 * second)}


def feed(server, events, partition=0):
    server.post_lines([json.dumps(e).encode() + b"\n" for e in events], stream="payments", partition=partition)


def why(server, status=200, rule="card_testing", **body):
    answer = server.post(f"/rules/{rule}:why_not", body)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("why"), workers=2) as server:
        server.create(stream=STREAM)
        feed(server, [event(-10, "old", "declined", 1), event(-9, "old", "declined", 1)])
        until("they are taken", lambda: sum(p["taken"] for p in server.partitions()) >= 0)
        assert server.post("/rules", {"sql": RULE}).status_code == 201
        feed(server, [event(-8, "old", "approved", 900)])
        small = [event(0, c, "declined", 1) for c in ("amount", "time", "few", "hit", "ratio", "status")]
        small += [event(1, c, "declined", 1) for c in ("amount", "time", "hit", "ratio", "status")]
        feed(server, small + [event(5, "amount", "approved", 499.5), event(6, "hit", "approved", 501), event(7, "status", "declined", 700)])
        feed(server, [event(8, "other", "approved", 20)], partition=1)
        feed(server, [event(74, "time", "approved", 800), event(20, "late", "declined", 1), event(100, "x", "approved", 1)])
        feed(server, [event(100, "x", "approved", 1)], partition=1)
        until("all is taken", lambda: server.alerts_by_rule().get("card_testing") == 1
              and server.get("/rules/card_testing")["partials"] == 0)
        yield server


def test_a_condition_that_failed_is_told_with_its_values(server):
    answer = why(server, key="amount")
    verdict = answer["verdict"]
    assert (verdict["kind"], verdict["variable"], verdict["matches"]) == ("condition", "B", False), verdict
    parts = {c["text"]: (c["true"], {v["of"]: v["value"] for v in c["values"]}) for c in verdict["conditions"]}
    assert parts["status = 'approved'"] == (True, {"status": "approved"})
    assert parts["amount > 500.00"] == (False, {"amount": 499.5}) or parts["amount > 500"] == (False, {"amount": 499.5}), parts
    ratio = next(v for k, v in parts.items() if "AVG" in k)
    assert ratio[0] is True and ratio[1]["amount"] == 499.5 and 10 in [float(x) for x in ratio[1].values()], parts
    assert verdict["partial"]["left"] == 1 and [r["variable"] for r in verdict["partial"]["rows"]] == ["A", "A"]
    assert "A, A were there; the time was over; event" in verdict["text"] and "does not hold" in verdict["text"]
    assert (answer["key"], answer["events"], answer["complete"]) == ({"card": "amount"}, 3, True)
    assert [s["taken"] for s in answer["steps"]] == ["yes"] * 3


def test_a_row_that_came_too_late_for_within_is_told_with_by_how_much(server):
    verdict = why(server, key={"card": "time"})["verdict"]
    assert (verdict["kind"], verdict["variable"], verdict["late_by_ms"]) == ("time", "B", 14000), verdict
    assert all(c["true"] for c in verdict["conditions"])
    assert "B came 14.000 s after the time was over" in verdict["text"]


def test_what_has_matched_what_is_unknown_and_what_came_too_early_or_late_is_said(server):
    assert why(server, key="hit")["verdict"]["kind"] == "matched"
    assert why(server, key="nobody")["verdict"]["kind"] == "no-events"
    few = why(server, key="few")["verdict"]
    assert (few["kind"], few["partial"]["left"], few["partial"]["waits_for"]) == ("time", 2, ["A"])
    old = why(server, key="old")
    assert [s["taken"] for s in old["steps"]] == ["before-rule", "before-rule", "yes"]
    assert old["verdict"]["kind"] == "nothing-began"
    late = why(server, key="late")
    assert [s["taken"] for s in late["steps"]] == ["late"]
    place = f"{late['steps'][0]['partition']}/{late['steps'][0]['offset']}"
    about = why(server, event_id=place)
    assert (about["verdict"]["kind"], about["key"]) == ("late", {"card": "late"})


def test_one_event_can_be_asked_about_and_steps_say_what_held(server):
    steps = why(server, key="status")["steps"]
    last = steps[-1]
    answer = why(server, event_id=f"{last['partition']}/{last['offset']}")
    assert answer["verdict"]["event"]["offset"] == last["offset"]
    assert answer["verdict"]["kind"] == "condition" and answer["verdict"]["variable"] == "B"
    assert [len(s["active"]) for s in steps] == [1, 2, 2]
    tries = [t for t in last["tries"] if t["variable"] == "B"]
    assert tries and not tries[0]["holds"]
    assert {c["text"].split(" ")[0]: c["true"] for c in tries[0]["conditions"]}["status"] is False
    assert last["values"] == {"id": 0, "card": "status", "status": "declined", "amount": 700, "ts": last["time"]} or last["values"]["amount"] == 700
    early = why(server, key="status", at=T0 + 1500)
    assert early["events"] == 2 and early["verdict"]["kind"] == "waiting"
    why(server, 409, key="few", event_id=f"{last['partition']}/{last['offset']}")
    why(server, 404, event_id="0/99999")


def test_what_cannot_be_asked_is_refused(server):
    assert server.post("/rules", {"name": "f", "sql": "SELECT id FROM payments WHERE amount > 90000"}).status_code == 201
    assert "an object of columns" in why(server, 422, rule="f", key="x")["detail"]
    assert "the key of rule card_testing" in why(server, 422, key={"a": 1})["detail"]
    assert "event_id" in why(server, 422, event_id="x")["detail"]
    assert "'at'" in why(server, 422, key="x", at="yesterday")["detail"]
    assert "'steps'" in why(server, 422, key="x", steps=0)["detail"]
    why(server, 422)


def test_where_lists_and_computed_columns_are_asked_as_the_rule_asks_them(tmp_path):
    rule = """CREATE RULE listed AS SELECT * FROM (SELECT * FROM payments WHERE status <> 'ignored') MATCH_RECOGNIZE (
      PARTITION BY card ORDER BY ts MEASURES A.id AS a AFTER MATCH SKIP PAST LAST ROW PATTERN (A B) WITHIN INTERVAL '60' SECOND
      DEFINE A AS card IN LIST watched, B AS big AND amount > PREV(amount))"""
    with Server(tmp_path, workers=2) as server:
        server.create(stream=STREAM)
        assert server.post("/lists", {"sql": "CREATE LIST watched (card STRING PRIMARY KEY); INSERT INTO watched VALUES ('in')"}).status_code in (200, 201)
        assert server.post("/rules", {"sql": rule}).status_code == 201
        feed(server, [event(0, "in", "x", 50), event(1, "in", "ignored", 5000), event(2, "in", "x", 900), event(3, "out", "x", 5000),
                      event(200, "z", "x", 1)])
        feed(server, [event(200, "z", "x", 1)], partition=1)
        until("all is taken", lambda: server.get("/rules/listed")["partials"] == 0 and sum(p["taken"] for p in server.partitions()) == 6)
        answer = why(server, rule="listed", key="in")
        assert [s["taken"] for s in answer["steps"]] == ["yes", "where", "yes"]
        assert answer["steps"][1]["where"][0]["true"] is False
        tries = {t["variable"]: t for t in answer["steps"][2]["tries"] if t["partial"] is not None}
        parts = {c["text"]: (c["true"], [v["value"] for v in c["values"]]) for c in tries["B"]["conditions"]}
        assert [v[0] for k, v in parts.items() if k.startswith("big")] == [False], parts
        assert [v for k, v in parts.items() if "PREV" in k] == [(True, [900, 50])], parts
        assert why(server, rule="listed", event_id="0/1")["verdict"]["kind"] == "where"
        out = why(server, rule="listed", key="out")["verdict"]
        assert out["kind"] == "nothing-began" and out["conditions"][0]["true"] is False, out


def test_a_rule_without_a_key_is_asked_without_one(tmp_path):
    rule = """CREATE RULE all_of_it AS SELECT * FROM payments MATCH_RECOGNIZE (ORDER BY ts MEASURES A.id AS a
      AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '60' SECOND DEFINE A AS amount = 1, B AS amount = 2)"""
    with Server(tmp_path, workers=2) as server:
        server.create(stream=STREAM)
        assert server.post("/rules", {"sql": rule}).status_code == 201
        feed(server, [event(0, "a", "x", 1), event(1, "b", "x", 3), event(5, "c", "x", 9)])
        feed(server, [event(5, None, "x", 9)], partition=1)
        until("it waits", lambda: server.get("/rules/all_of_it")["partials"] == 1)
        state = server.get("/rules/all_of_it/state")
        assert [(k["key"], len(k["partials"])) for k in state["data"]] == [({}, 1)]
        answer = why(server, rule="all_of_it")
        assert (answer["key"], answer["events"], answer["verdict"]["kind"]) == ({}, 4, "waiting")
        assert why(server, rule="all_of_it", event_id="0/1")["verdict"]["kind"] == "condition"
        assert why(server, rule="all_of_it", event_id="1/0")["verdict"]["kind"] in ("pending", "condition")


def test_an_old_event_is_found_where_it_came_and_only_so_much_is_looked_at(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        assert server.post("/rules", {"sql": RULE}).status_code == 201
        for chunk in range(20):
            for partition in (0, 1):
                key = "old" if chunk == 3 and partition == 0 else "rest"
                feed(server, [event(chunk * 10 + i / 50, key if i % 100 == 7 else f"n{i % 5}", "declined", 1 + partition) for i in range(500)], partition)
        answer = why(server, event_id="0/1707", scan=1000)
        assert (answer["key"], answer["complete"]) == ({"card": "old"}, False), answer["key"]
        places = [(s["partition"], s["offset"]) for s in answer["steps"]]
        assert (0, 1707) in places and set(places) <= {(0, 1507 + 100 * i) for i in range(5)}
        assert 0 < answer["scanned"] < 6000, "blocks near the event, of both partitions"
        assert why(server, key="old", scan=1000)["verdict"]["kind"] == "no-events"
        assert why(server, key="old")["events"] == 5


def test_what_it_goes_through_again_is_what_the_workers_have(tmp_path):
    """States after the last step are the partial matches of the live rule, for every key, with disorder and late events."""
    dice = random.Random(5)
    with Server(tmp_path, workers=2) as server:
        server.create(stream=STREAM)
        assert server.post("/rules", {"sql": RULE.replace("A->{2}", "A->{2,3}")}).status_code == 201
        for chunk in range(6):
            for partition in (0, 1):
                feed(server, [event(20 * chunk + i / 4 - dice.choice([0, 0, 1, 3]), f"c{dice.randrange(4)}",
                                    dice.choice(["declined", "declined", "approved"]), dice.choice([1, 1.5, 600, 700]))
                              for i in range(80)], partition)

        def places(partials):
            return sorted(tuple((r["variable"], r["partition"], r["offset"]) for r in p["rows"]) for p in partials)

        def same(key):
            answer = why(server, key=f"c{key}", steps=500)
            live = server.get(f"/rules/card_testing/partials?key=c{key}&items=1000")["data"]
            live = live[0]["partials"] if live else []
            matches = sum(r["kind"] == "match" for s in answer["steps"] + [answer["after"]] for r in s["results"])
            alerts = [a for a in server.pages("/alerts") if a["key"] == {"card": f"c{key}"}]
            fits = places(live) == places(answer["after"]["active"]) and matches == len(alerts) > 0 and answer["complete"]
            return fits and 1 + len(live)

        found = [until(f"key {key} is the same", lambda: same(key)) for key in range(4)]
        assert sum(found) > len(found), "some partial matches were compared"
