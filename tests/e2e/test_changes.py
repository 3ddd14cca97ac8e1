# SPDX-License-Identifier: Apache-2.0
"""Rules that are created, replaced, paused and deleted while events flow; what a replay makes of it is the same."""
import json
import os
import signal

import weirserver
from weirserver import Server, until

STREAM = """CREATE STREAM logins (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, user_name STRING, ok BOOLEAN,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)"""


def lines_of(first, n, **more):
    """Ten seconds of event time between one and the next."""
    return [json.dumps({"id": i, "ts": 1700000000000 + i * 10000, "user_name": f"u{i % 3}", "ok": False, **more}).encode()
            + b"\n" for i in range(first, first + n)]


def created(server, sql, **more):
    answer = server.post("/rules", {"sql": sql, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def ids_by_rule(server):
    found = {}
    for alert in server.pages("/alerts"):
        found.setdefault((alert["rule"], alert["version"]), []).append(alert["row"]["id"])
    return {rule: sorted(ids) for rule, ids in found.items()}


def kill_a_worker(server):
    before = until("the workers run", lambda: [w for w in server.workers() if w["state"] == "running"])
    os.kill(before[0]["pid"], signal.SIGKILL)
    until("they run again", lambda: all(w["state"] == "running" and w["attempt"] > before[0]["attempt"]
                                        for w in server.workers()))


def test_a_replaced_rule_begins_anew_where_it_was_replaced(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        first = created(server, "CREATE RULE failed AS SELECT id FROM logins WHERE NOT ok")
        server.post_lines(lines_of(0, 10), stream="logins")
        second = created(server, "CREATE OR REPLACE RULE failed AS SELECT id FROM logins WHERE NOT ok AND id > 14")
        assert (second["id"], second["version"]) == (first["id"], 2)
        server.post_lines(lines_of(10, 10), stream="logins")
        kill_a_worker(server)
        server.finish("logins")
        server.settled()
        assert ids_by_rule(server) == {("failed", 1): list(range(10)), ("failed", 2): list(range(15, 20))}
        server.kill()
        server.start()
        server.settled()
        assert ids_by_rule(server) == {("failed", 1): list(range(10)), ("failed", 2): list(range(15, 20))}


def test_a_replaced_pattern_goes_on_with_rows_that_it_had(tmp_path):
    pattern = """CREATE {}RULE pair AS SELECT id FROM logins MATCH_RECOGNIZE (PARTITION BY user_name ORDER BY ts
      MEASURES B.id AS id AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '1' HOUR
      DEFINE A AS id = 0 OR id = 12, B AS id {} 3)"""
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        created(server, pattern.format("", "="))
        server.post_lines(lines_of(0, 3), stream="logins")
        created(server, pattern.format("OR REPLACE ", ">"))
        server.post_lines(lines_of(3, 17), stream="logins")
        server.finish("logins")
        server.settled()
        assert ids_by_rule(server) == {("pair", 2): [6, 15]}  # A of 0 was the old version's, and is followed by 6 now; 12 by 15


def test_a_deleted_rule_ends_and_its_name_is_free(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        created(server, "SELECT id FROM logins", name="all_of_them")
        server.post_lines(lines_of(0, 5), stream="logins")
        until("its alerts are there", lambda: server.alerts_by_rule() == {"all_of_them": 5})
        assert server.session.delete(server.url + "/api/v1/rules/all_of_them", timeout=20).status_code == 204
        server.post_lines(lines_of(5, 5), stream="logins")
        assert server.post("/rules/all_of_them:pause").status_code == 404
        created(server, "SELECT id FROM logins", name="all_of_them")
        server.post_lines(lines_of(10, 5), stream="logins")
        kill_a_worker(server)
        server.finish("logins")
        assert server.settled() == {"all_of_them": 5}
        assert ids_by_rule(server) == {("all_of_them", 1): [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]}


def test_cooldown_raises_a_count_and_a_replay_counts_the_same(tmp_path):
    pattern = """CREATE RULE quiet WITH ('cooldown'='45 s') AS SELECT id FROM logins MATCH_RECOGNIZE (
      PARTITION BY user_name ORDER BY ts MEASURES A.id AS id AFTER MATCH NO SKIP PATTERN (A) WITHIN INTERVAL '1' HOUR
      DEFINE A AS NOT ok)"""
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        created(server, pattern)
        server.post_lines(lines_of(0, 12), stream="logins")  # each user every 30 s, four times
        server.finish("logins")
        server.settled()

        def counts():
            return sorted((a["row"]["id"], a["count"]) for a in server.pages("/alerts"))

        assert counts() == [(0, 2), (1, 2), (2, 2), (6, 2), (7, 2), (8, 2)]
        server.kill()
        server.start()
        server.settled()
        assert counts() == [(0, 2), (1, 2), (2, 2), (6, 2), (7, 2), (8, 2)]


def test_rules_deployed_while_events_flow_each_see_all_that_follows(tmp_path):
    rules, block = 12, 500
    with Server(tmp_path, workers=3) as server:
        server.create(stream=STREAM)
        for n in range(rules):
            created(server, f"SELECT id FROM logins WHERE id % {block} = {n}", name=f"rule_{n}")
            server.post_lines(lines_of(n * block, block), stream="logins")
            if n == rules // 2:
                kill_a_worker(server)
        server.finish("logins")
        assert server.settled() == {f"rule_{n}": rules - n for n in range(rules)}


def test_what_is_wrong_is_said_and_changes_nothing(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        assert server.post("/streams", {"sql": STREAM}).status_code == 409
        created(server, "SELECT id FROM logins", name="r")
        assert server.post("/rules", {"sql": "SELECT id FROM logins", "name": "r"}).status_code == 409
        answer = server.post("/rules", {"sql": "SELECT idd FROM logins", "name": "s"})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "unknown-column"
        files = STREAM.replace("logins", "files") + " WITH ('connector'='file', 'path'='/nonexistent/*.jsonl')"
        answer = server.post("/streams", {"sql": files})
        assert answer.status_code >= 400
        assert "no file fits" in answer.text
        assert [s["name"] for s in server.get("/streams")["data"]] == ["logins"]
        assert server.get("/workers")["exceptions"] == []
        assert weirserver.is_running(server.workers()[0]["pid"])
