# SPDX-License-Identifier: Apache-2.0
"""Dead letters and side outputs on a running server: looked at, grouped, put right, sent again, deleted; after kills too."""
import contextlib
import json
import sqlite3
import threading

import pytest

from conftest import Api
from weirserver import Server, until

NDJSON = {"content-type": "application/x-ndjson"}
STREAM = """CREATE STREAM payments (
  id STRING NOT NULL, card STRING NOT NULL, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts
) WITH ('partitions'='2')"""
PAIR = """SELECT a, b FROM payments MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts
  MEASURES A.id AS a, B.id AS b PATTERN (A -> B) WITHIN INTERVAL '10' SECOND DEFINE A AS amount < 2, B AS amount > 100)"""
SUM = """SELECT card, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
  GROUP BY card, window_start, window_end"""


def event(i, ts=None, **more):
    return {"id": f"t{i}", "card": "c1", "amount": 1, "ts": 1_700_000_000_000 + 1000 * (i if ts is None else ts), **more}


def letters(api, n, query=""):
    def found():
        page = api.call("GET", "/dead_letters?limit=500" + query, 200, "DeadLetterPage")["data"]
        return (page,) if len(page) == n else None
    return until(f"{n} dead letters", found)[0]


def refuse(api, *events, partition=0):
    body = b"".join((e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n" for e in events)
    taken = api.call("POST", f"/streams/payments/events?partition={partition}", 207, "Taken", data=body, headers=NDJSON)
    assert taken["rejected"] == len(events)


def recorded(api, partition=0):
    data = api.call("GET", f"/streams/payments/events?limit=200&partition={partition}", 200, "RecordedPage")["data"]
    return [(e["event"]["id"], e.get("dead_letter")) for e in reversed(data)]


def test_a_letter_is_put_right_and_sent_again_once(api):
    api.create_stream(STREAM)
    refuse(api, {"id": "t1", "card": "c1", "ts": 1_700_000_000_000, "amount": "x"}, partition=1)
    letter = letters(api, 1)[0]
    assert (letter["state"], letter["sendable"], letter["cut"], letter["rules"]) == ("waiting", True, False, [])
    path = f"/dead_letters/{letter['id']}"
    refused = api.problem("POST", path + ":replay?by=ann", 422, "invalid-event")  # as it came, it is refused again
    assert "'amount'" in refused["detail"]
    right = '{"id":"t1", "card":"c1", "ts":1700000000000, "amount":12.50}'
    edited = api.call("PATCH", path + "?by=ann", 200, "DeadLetter", data='{ "event": ' + right + " }",
                      headers={"content-type": "application/json"})
    assert (edited["edited"]["text"], edited["edited"]["by"], edited["tries"]) == (right, "ann", 1)  # digits stay as written
    assert edited["raw"] == letter["raw"]
    sent = api.call("POST", path + ":replay?by=bob", 200, "DeadLetter")
    assert (sent["state"], sent["sent"]["partition"], sent["sent"]["offset"], sent["sent"]["by"]) == ("sent", 1, 0, "bob")
    assert recorded(api, 1) == [("t1", letter["id"])]
    api.problem("POST", path + ":replay", 409, "conflict")
    api.problem("PATCH", path, 409, "conflict", json={"event": None})
    assert letters(api, 0) == [] and letters(api, 1, "&state=sent")[0]["id"] == letter["id"]
    overview = api.call("GET", "/overview", 200, "Overview")
    assert (overview["dead_letters"], overview["events_accepted"]) == (0, 1)
    assert api.server.metric("weir_dead_letters_sent_total") == 1 and api.server.metric("weir_dead_letters_kept") == 1


@pytest.mark.parametrize("body, status, code", [
    ({"event": [1]}, 422, "bad-field"), ({"event": "{}"}, 422, "bad-field"), ({}, 422, "bad-field"),
    ({"raw": {}}, 422, "bad-field"), ({"event": {"id": "x" * (1 << 20)}}, 413, "body-too-large")], ids=range(5))
def test_an_edit_that_is_no_event_changes_nothing(api, body, status, code):
    api.create_stream(STREAM)
    refuse(api, b"{")
    letter = letters(api, 1)[0]
    api.problem("PATCH", f"/dead_letters/{letter['id']}", status, code, json=body)
    assert letters(api, 1) == [letter]


def test_letters_that_are_not_there(api):
    for path in "/dead_letters/7", "/dead_letters/0", "/dead_letters/abc", "/dead_letters/99999999999999999999":
        api.problem("GET", path, 404, "not-found")
        api.problem("POST", path + ":replay", 404, "not-found")
        api.problem("DELETE", path, 404, "not-found")
        api.problem("PATCH", path, 404, "not-found", json={"event": {}})
    api.problem("GET", "/dead_letters?kind=odd", 400, "bad-parameter")
    api.problem("GET", "/dead_letters?state=odd", 400, "bad-parameter")
    api.problem("GET", "/dead_letters:groups?by=kind,odd", 400, "bad-parameter")
    api.problem("GET", "/dead_letters?stream=nothing", 404, "not-found")
    api.problem("DELETE", "/dead_letters", 400, "bad-parameter")
    for path in "/rules/none/late", "/rules/none/timeouts", "/rules/none/errors", "/streams/none/late", "/streams/none/errors":
        api.problem("GET", path, 404, "not-found")


def test_groups_filters_pages_and_deletion(api):
    api.create_stream(STREAM)
    refuse(api, *[{"id": f"m{i}"} for i in range(7)])
    refuse(api, b"{", b"nonsense", b'{"id":"c\xff"}', partition=1)
    letters(api, 10)
    groups = api.call("GET", "/dead_letters:groups?by=kind,stream,code", 200, "DeadLetterGroups")["data"]
    assert [(g["kind"], g["stream"], g["count"]) for g in groups][0] == ("error", "payments", 7) and sum(g["count"] for g in groups) == 10
    assert "reason" not in groups[0]
    by_reason = api.call("GET", "/dead_letters:groups?by=reason&limit=2", 200, "DeadLetterGroups")
    assert by_reason["has_more"] and len(by_reason["data"]) == 2
    missing = letters(api, 7, "&code=missing-field")
    assert [d["id"] for d in missing] == sorted((d["id"] for d in missing), reverse=True)
    first = api.call("GET", "/dead_letters?limit=4&code=missing-field", 200, "DeadLetterPage")
    rest = api.call("GET", f"/dead_letters?limit=4&code=missing-field&after={first['page']['next']}", 200, "DeadLetterPage")
    assert first["data"] + rest["data"] == missing and not rest["page"]["has_more"]
    assert [d["raw"] for d in letters(api, 1, "&contains=m3")] == ['{"id": "m3"}']
    assert api.call("GET", "/streams/payments/errors?limit=2", 200, "DeadLetterPage")["page"]["has_more"]
    newest = missing[3]["id"]
    deleted = api.call("DELETE", f"/dead_letters?code=missing-field&up_to={newest}&by=ann", 200)
    assert deleted == {"deleted": 4} and len(letters(api, 6)) == 6
    with contextlib.closing(sqlite3.connect(f"file:{api.server.data}/catalogue.db?mode=ro", uri=True)) as db:
        assert db.execute("SELECT name, more FROM audit WHERE what = 'dead letters deleted'").fetchall() == [("4", "ann")]
    api.call("DELETE", f"/dead_letters/{missing[0]['id']}", 204)
    api.problem("GET", f"/dead_letters/{missing[0]['id']}", 404, "not-found")
    assert len(letters(api, 5)) == 5


def test_a_group_is_sent_again(api):
    api.create_stream(STREAM)
    refuse(api, *[{"id": f"g{i}", "card": "c1", "ts": 1_700_000_000_000 + i, "amount": "?"} for i in range(5)])
    refuse(api, {"id": "h"})
    for letter in letters(api, 5, "&code=wrong-type")[:3]:
        right = {**json.loads(letter["raw"]), "amount": 5}
        api.call("PATCH", f"/dead_letters/{letter['id']}", 200, "DeadLetter", json={"event": right})
    answer = api.call("POST", "/dead_letters:replay?code=wrong-type&by=ann", 200, "DeadLettersSent")
    assert (answer["sent"], answer["refused"], answer["waiting"]) == (3, 2, 2) and "wrong-type" in answer["why"]
    assert [name for name, _ in recorded(api)] == ["g2", "g3", "g4"]  # the oldest first
    assert all(letter["tries"] == 1 for letter in letters(api, 2, "&code=wrong-type"))


def test_a_late_event_is_one_letter_for_all_rules(api):
    api.create_stream(STREAM.replace("'2'", "'1'"))
    for name, sql in ("pair", PAIR), ("total", SUM), ("seen", "SELECT id FROM payments WHERE amount < 100"):
        api.create_rule(sql, name)
    api.post([event(0), event(200), event(3), event(201)])
    late = letters(api, 1)[0]
    assert (late["kind"], sorted(late["rules"]), late["offset"]) == ("late", ["pair", "total"], 2)
    assert json.loads(late["raw"])["id"] == "t3"
    for path in "/rules/pair/late", "/rules/total/late", "/streams/payments/late":
        assert [d["id"] for d in api.call("GET", path, 200, "DeadLetterPage")["data"]] == [late["id"]]
    for path in "/rules/seen/late", "/streams/payments/errors", "/rules/pair/errors":
        assert api.call("GET", path, 200, "DeadLetterPage")["data"] == []
    groups = api.call("GET", "/dead_letters:groups?by=rule", 200, "DeadLetterGroups")["data"]
    assert sorted((g["rule"], g["count"]) for g in groups) == [("pair", 1), ("total", 1)]
    fresh = {**json.loads(late["raw"]), "ts": 1_700_000_300_000, "amount": 500}
    api.call("PATCH", f"/dead_letters/{late['id']}", 200, "DeadLetter", json={"event": fresh})
    api.call("POST", f"/dead_letters/{late['id']}:replay", 200, "DeadLetter")
    assert recorded(api)[-1] == ("t3", late["id"])
    api.call("DELETE", f"/dead_letters/{late['id']}", 204)
    api.server.kill()
    api.server.start()  # the replay finds the late row again, and that it was deleted
    api = Api(api.server)
    until("all is read again", lambda: all(p["taken"] == p["end"] for p in api.server.partitions()))
    until("and stored", lambda: api.server.metric("weir_results_waiting_bytes") == 0 and api.server.metric("weir_worker_rows_late_total{worker=\"0\"}") + api.server.metric("weir_worker_rows_late_total{worker=\"1\"}") == 1)
    assert letters(api, 0, "&state=all") == []


def test_timeouts_are_kept_with_a_limit(tmp_path):
    with Server(tmp_path, "--timeouts", "50", workers=2) as server:
        api = Api(server)
        api.create_stream(STREAM.replace("'2'", "'1'"))
        api.create_rule(PAIR, "pair")
        api.post([event(i, ts=20 * i, card=f"c{i % 7}") for i in range(400)])
        api.call("POST", "/streams/payments:finish", 200)
        server.settled()
        until("all have been told", lambda: server.metric("weir_timeouts_total") == 400)
        found = server.pages("/rules/pair/timeouts")
        page = api.call("GET", "/rules/pair/timeouts?limit=3", 200, "TimeoutPage")
        assert len(page["data"]) == 3 and page["page"]["has_more"]
        assert sorted(t["time"] for t in found)[0] == "2023-11-15T00:10:10.000Z"  # those of the latest fifty
        assert len(found) == 50 == server.metric("weir_timeouts_kept")
        last = max(found, key=lambda t: t["time"])
        assert last["row"] == {"a": "t399", "b": None} and last["key"] == {"card": "c0"}
        assert last["vars"] == {"A": [{"stream": "payments", "partition": 0, "offset": 399}]}
        server.kill()
        server.start()
        server.settled()
        assert sorted(t["id"] for t in server.pages("/rules/pair/timeouts")) == sorted(t["id"] for t in found)


@pytest.mark.parametrize("checkpoint", [False, True], ids=["replayed", "from a checkpoint"])
def test_rules_read_what_a_stream_refuses(api, checkpoint):
    api.create_stream(STREAM)
    api.create_rule("SELECT code, reason, raw, source_partition FROM payments.ERRORS WHERE code = 'missing-field'", "each")
    api.create_rule("""SELECT code, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE payments.ERRORS, DESCRIPTOR(rowtime), INTERVAL '1' SECOND))
      GROUP BY code, window_start, window_end""", "many")
    refuse(api, {"id": "a"}, {"id": "b"}, b"{", partition=1)
    rows = until("the filter's alerts", lambda: [a["row"] for a in api.call("GET", "/alerts?rule=each", 200, "AlertPage")["data"]][1:] and
                 [a["row"] for a in api.call("GET", "/alerts?rule=each", 200, "AlertPage")["data"]])
    assert sorted((r["raw"], r["source_partition"]) for r in rows) == [('{"id": "a"}', 1), ('{"id": "b"}', 1)]
    until("the window's, by the clock", lambda: sum(a["row"]["n"] for a in api.server.pages("/alerts") if a["rule"] == "many") == 3)
    before = api.server.pages("/alerts")
    detail = api.call("GET", f"/alerts/{[a['id'] for a in before if a['rule'] == 'each'][0]}", 200, "AlertDetail")
    assert detail["match"][0]["events"][0]["stream"] == "payments.ERRORS"
    assert detail["match"][0]["events"][0]["event"]["code"] == "missing-field"
    if checkpoint:
        assert api.server.post("/checkpoints").status_code < 300
    api.server.kill()
    api.server.start()
    api = Api(api.server)
    refuse(api, {"id": "c"})
    until("and goes on", lambda: sum(a["rule"] == "each" for a in api.server.pages("/alerts")) == 3)
    until("windows too", lambda: sum(a["row"]["n"] for a in api.server.pages("/alerts") if a["rule"] == "many") == 4)
    assert {a["id"] for a in before} <= {a["id"] for a in api.server.pages("/alerts")}
    assert len(letters(api, 4)) == 4


def test_what_is_too_old_is_let_go(tmp_path):
    with Server(tmp_path, workers=1) as server:
        api = Api(server)
        api.create_stream(STREAM)
        refuse(api, b"old")
        letters(api, 1)
        server.stop()
        server.options += ["--side-retention", "1 ms"]
        server.start()
        api = Api(server)
        refuse(api, b"[")  # it is looked at again when something comes, and each minute
        until("the old one is gone", lambda: not server.get("/dead_letters?contains=old")["data"])
        server.stop()
        server.start()
        assert not server.get("/dead_letters?contains=old")["data"]


def test_bad_rows_of_a_file_are_told_once_whatever_reads_it_again(tmp_path):
    path = tmp_path / "day.jsonl"
    path.write_text("".join(json.dumps(event(i)) + "\n" + ("nonsense\n" if i % 10 == 0 else "") for i in range(100)))
    stream = STREAM.replace("'partitions'='2'", f"'connector'='file', 'path'='{path}'")
    with Server(tmp_path, workers=2) as server:
        api = Api(server)
        api.create_stream(stream)
        api.create_rule("SELECT raw, source_offset FROM payments.ERRORS", "refused")
        api.create_rule("SELECT id FROM payments WHERE amount > 5", "none")
        wanted = until("the alerts", lambda: server.alerts_by_rule()["refused"] == 10 and server.alert_ids())
        api.create_rule("SELECT id FROM payments WHERE amount > 6", "again")  # the file is read from its beginning
        server.kill_worker()
        until("all is read", lambda: all(p["taken"] == p["end"] for p in server.partitions()))
        server.kill()
        server.start()
        until("all is read", lambda: all(p["taken"] == p["end"] for p in server.partitions()))
        assert server.alert_ids() == wanted
        api = Api(server)
        found = letters(api, 10)
        assert not any(d["sendable"] for d in found)
        assert "only events of streams with the connector 'http'" in api.problem(
            "POST", f"/dead_letters/{found[0]['id']}:replay", 409, "conflict")["detail"]


def test_no_letter_is_lost_and_none_sent_twice_through_kills(tmp_path):
    """Killed again and again while events are refused and letters are sent."""
    with Server(tmp_path, workers=1) as server:
        api = Api(server)
        api.create_stream(STREAM.replace("'2'", "'1'"))
        refused = 0
        for turn in range(5):
            for i in range(20):
                refuse(api, *[{"id": f"k{turn}-{i}-{j}", "card": "c1", "ts": 1_700_000_000_000, "amount": "?"} for j in range(5)])
                refused += 5
            server.kill()  # right after the answer
            server.start()
            api = Api(server)
            waiting = [d for d in letters(api, refused, "&state=all") if d["state"] == "waiting"]
            for letter in waiting[:40]:
                right = {**json.loads(letter["raw"]), "amount": 1}
                api.call("PATCH", f"/dead_letters/{letter['id']}", 200, "DeadLetter", json={"event": right})
            def send():
                try:
                    server.session.post(server.url + "/api/v1/dead_letters:replay?contains=%22amount%22:%201&by=x", timeout=30)
                except OSError:
                    pass
            sender = threading.Thread(target=send)
            sender.start()
            if turn % 2:
                until("something was sent", lambda: server.partitions()[0]["end"] > 0)
            server.kill()
            sender.join()
            server.start()
            api = Api(server)
        api.call("POST", "/dead_letters:replay?contains=%22amount%22:%201", 200, "DeadLettersSent")
        every = []
        after = ""
        while True:
            page = server.get(f"/dead_letters?state=all&limit=500{after}")
            every += page["data"]
            if not page["page"]["has_more"]:
                break
            after = f"&after={page['page']['next']}"
        assert len(every) == refused and len({json.loads(d["raw"])["id"] for d in every}) == refused
        sent = {(d["sent"]["partition"], d["sent"]["offset"]): d["id"] for d in every if d["state"] == "sent"}
        assert all(d["edited"] for d in every if d["state"] == "sent") and len(sent) == 200
        end = server.partitions()[0]["end"]
        assert end == 200 and sorted(sent) == [(0, i) for i in range(200)]
