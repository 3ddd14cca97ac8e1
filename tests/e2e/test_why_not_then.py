# SPDX-License-Identifier: Apache-2.0
"""Why a rule has not fired, as it was then: versions, pauses, the archive, a version beside it, dead letters, limits."""
import json

from weirserver import Server, until

STREAM = "CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)"
SPEND = """SELECT k, SUM(v) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY k, window_start, window_end HAVING SUM(v) >= {}"""
PATTERN = """SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS a ONE ROW PER MATCH AFTER MATCH NO SKIP
  PATTERN (A -> B) WITHIN INTERVAL '600' SECOND DEFINE A AS v = 1, B AS v >= {})"""
T0 = 1700000040000


def post(server, path, body, status=200):
    answer = server.post(path, body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.text else None


def feed(server, *rows):
    """(id, key, v, second); all is taken then."""
    server.post_lines([json.dumps({"id": i, "k": k, "v": v, "ts": T0 + 1000 * s}).encode() + b"\n" for i, k, v, s in rows], stream="t")
    end = server.partitions("t")[0]["end"]
    until("all is taken", lambda: server.partitions("t")[0]["taken"] == end)


def test_an_event_of_before_is_answered_by_the_version_of_then(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "spend", "sql": SPEND.format(100)}, 201)
        post(server, "/rules", {"name": "pairs", "sql": PATTERN.format(5)}, 201)
        feed(server, (1, "a", 60, 0), (2, "a", 1, 12), (3, "x", 0, 60))
        post(server, "/rules/spend/versions", {"sql": SPEND.format(50)}, 201)
        post(server, "/rules/spend:activate", {"version": 2})
        post(server, "/rules/pairs/versions", {"sql": PATTERN.format(2)}, 201)
        post(server, "/rules/pairs:activate", {"version": 2})
        feed(server, (4, "a", 40, 100), (5, "x", 0, 200))
        old = post(server, "/rules/spend:why_not", {"event_id": "0/0"})
        assert (old["version"], old["verdict"]["kind"]) == (1, "condition") and "off by 40" in old["verdict"]["text"], old
        assert old["then"]["version"] == 1 and old["then"]["next"] == 2 and "version 1 says, which was active then" in old["notes"][0], old
        by_time = post(server, "/rules/spend:why_not", {"key": "a", "at": T0 + 30000})
        assert (by_time["version"], by_time["events"], by_time["then"]["until"]) == (1, 2, old["then"]["until"]), by_time
        new = post(server, "/rules/spend:why_not", {"event_id": "0/3"})
        assert (new["version"], new["then"], new["notes"]) == (2, None, []) and "off by 10" in new["verdict"]["text"], new
        every = {r["rule"]: r for r in post(server, "/streams/t:why_not", {"where": {"id": 1}})["data"]}
        assert (every["spend"]["version"], every["spend"]["then"]["next"], every["pairs"]["version"]) == (1, 2, 1), every
        pair = post(server, "/rules/pairs:why_not", {"event_id": "0/1"})
        assert pair["version"] == 1 and pair["then"]["state_kept"], pair
        # The new version has the partial match of the old, and is told of it.
        assert post(server, "/rules/pairs:why_not", {"key": "a"})["verdict"]["kind"] == "matched"
        # A pause of a version that took over the state is one, too.
        post(server, "/rules/spend:pause", {})
        feed(server, (6, "a", 70, 300), (7, "x", 0, 400))
        assert post(server, "/rules/spend:why_not", {"event_id": "0/5"})["verdict"]["kind"] == "paused"


def test_a_rule_that_was_not_deployed_says_so(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "big", "sql": PATTERN.format(5)}, 201)
        post(server, "/rules", {"name": "spend", "sql": SPEND.format(50)}, 201)
        feed(server, (1, "a", 1, 0), (2, "x", 0, 60))
        assert server.post("/rules/big:archive", {"reason": "over"}).status_code == 204
        feed(server, (3, "a", 9, 100), (4, "x", 0, 200))
        gone = post(server, "/rules/big:why_not", {"event_id": "0/2"})
        assert gone["verdict"]["kind"] == "not-deployed" and "it is in the archive" in gone["verdict"]["text"], gone
        assert gone["then"] == {**gone["then"], "version": 1, "deployed": False} and gone["steps"] == []
        before = post(server, "/rules/big:why_not", {"key": "a", "at": T0 + 1000})
        assert (before["version"], before["verdict"]["kind"], before["then"]["deployed"]) == (1, "waiting", True), before
        assert server.post("/rules/big:why_not", {}).status_code == 200


def test_what_a_version_beside_it_told_is_said(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": PATTERN.format(5)}, 201)
        post(server, "/rules/r/versions", {"sql": PATTERN.format(2)}, 201)
        feed(server, (0, "x", 0, 0))
        post(server, "/rules/r:activate", {"version": 2, "rollout_percent": 50})
        keys = [f"k{i}" for i in range(30)]
        feed(server, *[(i, k, 1, 100) for i, k in enumerate(keys)], *[(100 + i, k, 3, 101) for i, k in enumerate(keys)], (999, "x", 0, 200))
        until("some are told", lambda: server.alerts_by_rule().get("r", 0) > 3)
        told = {a["key"]["k"] for a in server.get("/alerts?rule=r&limit=100")["data"]}
        for key in keys:
            answer = post(server, "/rules/r:why_not", {"key": key})
            assert answer["trial"] == {"version": 2, "percent": 50, "tells": 2 if key in told else 1}, (key, answer["trial"])
            assert f"version {answer['trial']['tells']} told what was found" in answer["notes"][-1], answer["notes"]


def test_dead_letters_are_found_by_their_place_and_by_what_stands_in_them(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "spend", "sql": SPEND.format(50)}, 201)
        feed(server, (1, "a", 1, 100), (2, "a", 1, 200), (3, "a", 60, 5))
        server.session.post(f"{server.url}/api/v1/streams/t/events", timeout=30, headers={"content-type": "application/x-ndjson"},
                            data=b'{"id":77,"k":"b","v":"many","ts":1700000250000}\n')
        until("both are letters", lambda: server.metric("weir_dead_letters") == 2)
        late = post(server, "/rules/spend:why_not", {"event_id": "0/2"})
        assert late["verdict"]["kind"] == "late" and late["dead_letter"]["kind"] == "late" and late["dead_letter"]["rules"] == ["spend"], late
        assert f"dead letter {late['dead_letter']['id']}" in late["notes"][0]
        refused = post(server, "/streams/t:why_not", {"where": {"id": 77, "k": "b"}}, 404)
        assert "but dead letter" in refused["detail"] and "not taken" in refused["detail"], refused
        assert "dead letter" not in post(server, "/streams/t:why_not", {"where": {"id": 77, "k": "c"}}, 404)["detail"]


def test_a_partial_match_that_a_limit_dropped_is_told(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"sql": "CREATE RULE few WITH ('max-partials-per-key' = '2') AS " + PATTERN.format(5).replace("B AS v >= 5", "B AS v = A.v + 99")}, 201)
        feed(server, *[(i, "a", 1, i) for i in range(3)], (9, "x", 0, 60))
        answer = post(server, "/rules/few:why_not", {"key": "a"})
        assert [e["why"] for s in answer["steps"] for e in s["ended"]] == ["limit"], answer["steps"]
        # Two wait still; asked as of the third event, what was dropped first is none of them.
        assert answer["verdict"]["kind"] == "waiting" and len(answer["after"]["active"]) == 2, answer["verdict"]
        longer = PATTERN.format(5).replace("(A -> B)", "(A -> B -> C)").replace("B AS v >= 5", "B AS v = 7, C AS v = 8")
        post(server, "/rules", {"sql": "CREATE RULE furthest WITH ('max-partials-per-key' = '3') AS " + longer}, 201)
        feed(server, (20, "b", 1, 100), (21, "b", 7, 101), *[(30 + i, "b", 1, 110 + i) for i in range(4)], (40, "x", 0, 200))
        verdict = post(server, "/rules/furthest:why_not", {"key": "b"})["verdict"]
        assert verdict["kind"] == "limit" and "A, B were there; it was dropped, since the key had more" in verdict["text"], verdict
        assert verdict["event"]["offset"] > 5


def test_a_rule_over_rules_says_which_rule_before_it_did_not_find_the_event(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"sql": "CREATE RULE big AS SELECT id, k, v, ts FROM t WHERE v > 50"}, 201)
        post(server, "/rules", {"sql": "CREATE RULE huge AS SELECT id, k, v, ts FROM big WHERE v > 70"}, 201)
        post(server, "/rules", {"sql": "CREATE RULE twice AS " + SPEND.format(500).replace("TABLE t", "TABLE huge")}, 201)
        feed(server, (1, "a", 20, 0), (2, "a", 60, 1), (3, "x", 0, 60))
        small = {r["rule"]: r for r in post(server, "/streams/t:why_not", {"event_id": "0/0"})["data"]}
        assert {n: (r["verdict"], r["upstream"]) for n, r in small.items()} == {
            "big": ("condition", None), "huge": ("upstream", "big"), "twice": ("upstream", "big")}, small
        assert "it reads what rule big finds, which did not find this event" in small["twice"]["text"] and "off by 30" in small["twice"]["text"]
        found = {r["rule"]: r for r in post(server, "/streams/t:why_not", {"event_id": "0/1"})["data"]}
        assert (found["big"]["verdict"], found["huge"]["verdict"], found["huge"]["upstream"]) == ("matched", "not-asked", "big"), found
        refused = post(server, "/rules/huge:why_not", {"key": {"k": "a"}}, 422)
        assert "rule big" in refused["hint"] and "/rules/big:why_not" in refused["hint"], refused


def test_a_version_of_before_that_asks_lists_is_refused(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/lists", {"sql": "CREATE LIST watched (k STRING PRIMARY KEY)"}, 201)
        post(server, "/rules", {"name": "seen", "sql": "SELECT id FROM t WHERE k IN LIST watched"}, 201)
        feed(server, (1, "a", 20, 0), (2, "x", 0, 60))
        post(server, "/rules/seen/versions", {"sql": "SELECT id FROM t WHERE v > 99"}, 201)
        post(server, "/rules/seen:activate", {"version": 2})
        feed(server, (3, "a", 20, 100), (4, "x", 0, 200))
        refused = post(server, "/rules/seen:why_not", {"event_id": "0/0"}, 422)
        assert "version 1" in refused["detail"] and "asks lists" in refused["detail"], refused
        assert post(server, "/rules/seen:why_not", {"event_id": "0/2"})["verdict"]["kind"] == "condition"
        one = post(server, "/streams/t:why_not", {"event_id": "0/0"})["data"][0]
        assert one["verdict"] == "not-asked" and "asks lists" in one["text"], one
