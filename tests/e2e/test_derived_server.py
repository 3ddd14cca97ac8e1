# SPDX-License-Identifier: Apache-2.0
"""Rules that read rules on a running server: the same alerts on any number of workers and whoever is killed; what `weir eval`
finds; rules that are read cannot go, and those that read a replaced one begin anew with it."""
import json
import os
import random
import signal
import subprocess

import pytest
from weirserver import WEIR, Server, until

STREAM = """CREATE STREAM payments (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING NOT NULL, amount BIGINT, status STRING,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('partitions'='3')"""
RULES = ["""CREATE RULE per_card AS SELECT card, COUNT(*) AS n, SUM(amount) AS s, window_time AS t
  FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY card, window_start, window_end""",
         "CREATE RULE busy AS SELECT * FROM per_card WHERE n > 3",
         """CREATE RULE rising WITH ('title'='{card} rises', 'cooldown'='20 s') AS SELECT card, a, b, t1 FROM per_card
  MATCH_RECOGNIZE (PARTITION BY card ORDER BY t MEASURES A.n AS a, LAST(B.n) AS b, MATCH_ROWTIME() AS t1
  PATTERN (A B+) DEFINE B AS B.n > PREV(B.n))""",
         """CREATE RULE waves WITH ('mode'='shadow') AS SELECT COUNT(*) AS n, MAX(b) AS b
  FROM TABLE(TUMBLE(TABLE rising, DESCRIPTOR(t1), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end""",
         """CREATE RULE missed AS SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE per_card.LATE, DESCRIPTOR(rowtime),
  INTERVAL '20' SECOND)) GROUP BY window_start, window_end"""]
LATER = """CREATE RULE later AS SELECT x, y FROM busy MATCH_RECOGNIZE (PARTITION BY card ORDER BY rowtime
  MEASURES A.n AS x, B.n AS y AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '1' MINUTE DEFINE B AS B.s > A.s)"""
ROUNDS, ROWS, PARTITIONS = 36, 80, 3


def make_rounds(dice):
    rounds, n = [], 0
    for i in range(ROUNDS):
        lines = []
        for k in range(ROWS):
            n += 1
            back = dice.randrange(1500) if dice.random() < 0.2 else dice.randrange(30000) if dice.random() < 0.02 else 0
            lines.append({"id": n, "ts": 1700000000000 + (i * ROWS + k) * 60 - back, "card": f"c{dice.randrange(9)}",
                          "amount": dice.randrange(100), "status": "ok"})
        rounds.append((i % PARTITIONS, lines))
    return rounds


@pytest.fixture(scope="module")
def rounds():
    return make_rounds(random.Random(11))


def encoded(lines):
    return [json.dumps(e).encode() + b"\n" for e in lines]


def play(server, rounds, disturb=lambda at: None):
    assert server.post("/streams", {"sql": STREAM}).status_code == 201
    for sql in RULES:
        answer = server.post("/rules", {"sql": sql})
        assert answer.status_code == 201, answer.text
    for at, (partition, lines) in enumerate(rounds):
        if at == 10:
            assert server.post("/rules", {"sql": LATER}).status_code == 201
        if at == 15:
            assert server.post("/rules/rising:pause").status_code == 200
        if at == 22:
            assert server.post("/rules/rising:resume").status_code == 200
        disturb(at)
        server.post_lines(encoded(lines), partition=partition)
    server.finish()
    return server.settled(), {(a["id"], a["mode"]) for a in server.pages("/alerts")}


def running(server, workers):
    pids = [w["pid"] for w in server.workers() if w["state"] == "running"]
    return pids if len(pids) == workers else None


@pytest.fixture(scope="module")
def undisturbed(rounds, tmp_path_factory):
    with Server(tmp_path_factory.mktemp("undisturbed"), workers=1) as server:
        return play(server, rounds)


def test_a_server_finds_what_eval_finds(tmp_path, rounds, undisturbed):
    (tmp_path / "rules.sql").write_text(";\n".join([STREAM, *RULES]) + ";\n")
    inputs = []
    for p in range(PARTITIONS):
        path = tmp_path / f"{p}.jsonl"
        path.write_bytes(b"".join(line for at, lines in rounds if at == p for line in encoded(lines)))
        inputs += ["--input", str(path)]
    done = subprocess.run([WEIR, "eval", str(tmp_path / "rules.sql"), *inputs], capture_output=True, text=True, check=True, timeout=60)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for rule in ("per_card", "missed"):
        assert undisturbed[0][rule] == sum(x["rule"] == rule and x["kind"] == "match" for x in found) > 5
    assert undisturbed[0]["later"] > 5 and undisturbed[0]["rising"] > 20 and undisturbed[0]["busy"] > 9


@pytest.mark.parametrize("workers", [2, 3])
def test_more_workers_find_the_same_alerts(tmp_path, rounds, undisturbed, workers):
    with Server(tmp_path, workers=workers) as server:
        assert play(server, rounds) == undisturbed
        alerts = {a["id"]: a for a in server.pages("/alerts")}
        rising = server.get(f"/alerts/{next(i for i, a in alerts.items() if a['rule'] == 'rising')}")
        first, more = rising["match"]
        assert (first["var"], more["var"]) == ("A", "B") and rising["title"] == f"{rising['row']['card']} rises"
        for event in first["events"] + more["events"]:  # each is an alert of the rule that is read
            assert event["stream"] == "per_card" and event["event"] == alerts[event["alert"]]["row"]
            assert event["event"]["card"] == rising["key"]["card"] and event["time"] == event["event"]["t"]
        assert first["events"][0]["event"]["n"] == rising["row"]["a"] and more["events"][-1]["event"]["n"] == rising["row"]["b"]
        later = server.get(f"/alerts/{next(i for i, a in alerts.items() if a['rule'] == 'later')}")
        assert [m["events"][0]["event"]["n"] for m in later["match"]] == [later["row"]["x"], later["row"]["y"]]


@pytest.mark.parametrize("workers", [2, 3])
def test_killed_workers_lose_and_double_nothing(tmp_path, rounds, undisturbed, workers):
    with Server(tmp_path, workers=workers) as server:
        def kill_a_worker(at):
            if at in (9, 14, 25, 33):
                server.kill_worker(at)
        assert play(server, rounds, kill_a_worker) == undisturbed


def test_a_killed_server_goes_on(tmp_path, rounds, undisturbed):
    with Server(tmp_path, workers=2) as server:
        def kill_the_server(at):
            if at in (12, 24):
                server.kill()
                server.start()
        assert play(server, rounds, kill_the_server) == undisturbed


def test_a_rule_that_is_read_stays(tmp_path):
    with Server(tmp_path, workers=2) as server:
        assert server.post("/streams", {"sql": STREAM}).status_code == 201
        for sql in RULES:
            assert server.post("/rules", {"sql": sql}).status_code == 201
        def delete(rule):
            return server.session.delete(f"{server.url}/api/v1/rules/{rule}", timeout=30)
        refused = delete("per_card")
        assert refused.status_code == 409 and "busy, rising, missed" in refused.json()["detail"]
        other = server.post("/rules", {"sql": "CREATE OR REPLACE RULE per_card AS SELECT card FROM payments"})
        assert other.status_code == 409 and "busy, rising, missed" in other.json()["detail"]
        circle = server.post("/rules", {"sql": RULES[0].replace("CREATE RULE", "CREATE OR REPLACE RULE").replace("TABLE payments", "TABLE waves").replace("DESCRIPTOR(ts)", "DESCRIPTOR(rowtime)")})
        assert circle.status_code == 422 and "per_card -> waves -> rising -> per_card" in circle.text
        older = server.post("/rules", {"sql": "CREATE OR REPLACE RULE missed AS SELECT n FROM payment"})
        assert older.status_code == 422
        assert server.post("/rules", {"sql": "CREATE RULE payments AS SELECT card FROM busy"}).status_code == 409
        assert delete("waves").status_code == 204
        assert delete("rising").status_code == 204


def test_rules_over_a_replaced_one_begin_anew(tmp_path, rounds):
    found = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        with Server(folder, workers=workers) as server:
            def replace(at, server=server, workers=workers):
                if at == 18:
                    sql = RULES[0].replace("CREATE RULE", "CREATE OR REPLACE RULE").replace(" GROUP BY", " WHERE amount > 20 GROUP BY")
                    answer = server.post("/rules", {"sql": sql})
                    assert answer.status_code == 201, answer.text
                if at == 27 and workers == 2:
                    os.kill(until("all workers run", lambda: running(server, workers))[0], signal.SIGKILL)
            found.append(play(server, rounds, replace))
    assert found[0] == found[1] and found[0][0]["rising"] > 10
