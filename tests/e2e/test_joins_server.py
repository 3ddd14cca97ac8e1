# SPDX-License-Identifier: Apache-2.0
"""Joins on a running server: what `weir eval` finds, on any number of workers, whoever is killed; cuts in both streams."""
import json
import random
import subprocess
import time

import pytest
from weirserver import WEIR, Server, is_running, until

COLUMNS = "id STRING NOT NULL, card STRING, country STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND"
STREAMS = {"logins": f"CREATE STREAM logins ({COLUMNS}) WITH ('partitions'='2')", "payments": f"CREATE STREAM payments ({COLUMNS})"}
ABROAD = """CREATE RULE abroad WITH ('title'='{card}: {here} and {there}') AS
SELECT p.id AS payment, p.card, l.country AS here, p.country AS there FROM payments AS p JOIN logins AS l
  ON l.card = p.card AND l.ts BETWEEN p.ts - INTERVAL '5' SECOND AND p.ts AND l.country <> p.country"""
ALONE = """CREATE RULE alone AS SELECT p.id, p.card FROM payments p
  LEFT JOIN logins l ON l.card = p.card AND p.ts >= l.ts AND p.ts < l.ts + INTERVAL '3' SECOND WHERE l.id IS NULL"""
LATER = """CREATE RULE later AS SELECT a.id AS x, b.id AS y FROM payments a JOIN payments b
  ON a.card = b.card AND b.ts > a.ts AND b.ts <= a.ts + INTERVAL '2' SECOND AND a.country <> b.country"""
ROUNDS, ROWS = 30, 100


def make_events(dice):
    """Rounds of (stream, partition, lines); now and then a late row."""
    rounds, n = [], 0
    for i in range(ROUNDS):
        for stream, partition in (("logins", 0), ("payments", 0), ("logins", 1)):
            lines = []
            for k in range(ROWS):
                n += 1
                ts = i * 2000 + k * 20 + dice.randrange(-800, 800)
                if dice.random() < 0.01:
                    ts -= 5000
                card = None if dice.random() < 0.02 else f"c{dice.randrange(300)}"
                lines.append({"id": f"e{n}", "card": card, "country": dice.choice(["DE", "FR", "IT"]), "ts": max(ts, 0)})
            rounds.append((stream, partition, lines))
    return rounds


@pytest.fixture(scope="module")
def rounds():
    return make_events(random.Random(5))


def encoded(lines):
    return [json.dumps(e).encode() + b"\n" for e in lines]


def play(server, rounds, disturb=lambda at: None):
    for sql in STREAMS.values():
        assert server.post("/streams", {"sql": sql}).status_code == 201
    for sql in (ABROAD, ALONE):
        answer = server.post("/rules", {"sql": sql})
        assert answer.status_code == 201, answer.text
    for at, (stream, partition, lines) in enumerate(rounds):
        if at == 31:
            assert server.post("/rules", {"sql": LATER}).status_code == 201
        if at == 40:
            assert server.post("/rules/alone:pause").status_code == 200
        if at == 60:
            assert server.post("/rules/alone:resume").status_code == 200
        disturb(at)
        server.post_lines(encoded(lines), partition=partition, stream=stream)
    for stream in STREAMS:
        server.finish(stream)
    return server.settled(), server.alert_ids()


@pytest.fixture(scope="module")
def undisturbed(rounds, tmp_path_factory):
    with Server(tmp_path_factory.mktemp("undisturbed"), workers=1) as server:
        return play(server, rounds)


def test_a_server_finds_what_eval_finds(tmp_path, rounds, undisturbed):
    (tmp_path / "rules.sql").write_text(";\n".join([*STREAMS.values(), ABROAD]) + ";\n")
    inputs = []
    for stream, partition in (("logins", 0), ("logins", 1), ("payments", 0)):
        path = tmp_path / f"{stream}{partition}.jsonl"
        path.write_bytes(b"".join(line for s, p, lines in rounds if (s, p) == (stream, partition) for line in encoded(lines)))
        inputs += ["--input", f"{stream}={path}"]
    done = subprocess.run([WEIR, "eval", str(tmp_path / "rules.sql"), *inputs], capture_output=True, text=True, check=True, timeout=60)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert undisturbed[0]["abroad"] == sum(line["kind"] == "match" for line in found) > 100
    assert any(line["kind"] == "late" for line in found)
    assert undisturbed[0]["alone"] > 20 and undisturbed[0]["later"] > 20


@pytest.mark.parametrize("workers", [2, 3])
def test_more_workers_find_the_same_alerts(tmp_path, rounds, undisturbed, workers):
    with Server(tmp_path, workers=workers) as server:
        assert play(server, rounds) == undisturbed
        assert server.get("/rules/abroad")["streams"] == ["payments", "logins"]
        assert [r for r in server.get("/streams/logins")["rules"] if r == "abroad"]
        alert = next(a for a in server.pages("/alerts") if a["rule"] == "abroad")
        sides = server.get(f"/alerts/{alert['id']}")["match"]
        assert [(m["var"], [e["stream"] for e in m["events"]]) for m in sides] == [("p", ["payments"]), ("l", ["logins"])]
        assert [m["events"][0]["event"]["country"] for m in sides] == [alert["row"]["there"], alert["row"]["here"]]
        assert alert["key"] == {"card": alert["row"]["card"]}
        assert alert["title"] == f"{alert['row']['card']}: {alert['row']['here']} and {alert['row']['there']}"


@pytest.mark.parametrize("workers", [2, 3])
def test_killed_workers_lose_and_double_nothing(tmp_path, rounds, undisturbed, workers):
    with Server(tmp_path, workers=workers) as server:
        def kill_a_worker(at):
            if at in (20, 45, 70):
                server.kill_worker(at)

        assert play(server, rounds, kill_a_worker) == undisturbed
        assert len(server.get("/workers")["exceptions"]) >= 3


def test_a_killed_server_goes_on_where_it_was(tmp_path, rounds, undisturbed):
    with Server(tmp_path) as server:
        def kill_the_server(at):
            if at not in (25, 55):
                return
            workers = [w["pid"] for w in server.workers()]
            server.kill()
            until("its workers end with it", lambda: not any(is_running(pid) for pid in workers), seconds=10)
            server.start()

        assert play(server, rounds, kill_the_server) == undisturbed


def test_a_deleted_join_lets_both_streams_go(tmp_path):
    with Server(tmp_path) as server:
        for sql in STREAMS.values():
            assert server.post("/streams", {"sql": sql}).status_code == 201
        assert server.post("/rules", {"sql": ABROAD}).status_code == 201
        assert server.session.delete(server.url + "/api/v1/rules/abroad", timeout=30).status_code in (200, 204)
        assert server.get("/streams/logins")["rules"] == server.get("/streams/payments")["rules"] == []
        for stream, card in (("logins", "a"), ("payments", "a")):
            server.post_lines(encoded([{"id": "1", "card": card, "country": stream, "ts": 1000}]), stream=stream)
        assert server.post("/rules", {"sql": ABROAD}).status_code == 201
        server.post_lines(encoded([{"id": "2", "card": "a", "country": "y", "ts": 2000}]), stream="payments")
        for stream in STREAMS:
            server.finish(stream)
        assert server.settled() == {"abroad": 0}  # it sees what came after it alone


def test_a_side_that_falls_silent_holds_nothing_up_for_ever(tmp_path):
    with Server(tmp_path) as server:
        for sql in STREAMS.values():
            idle = "'idle-timeout'='1 s'"
            sql = sql.replace("'partitions'='2'", idle) if "WITH" in sql else f"{sql} WITH ({idle})"
            assert server.post("/streams", {"sql": sql}).status_code == 201
        assert server.post("/rules", {"sql": ALONE}).status_code == 201
        now = int(time.time() * 1000) - 2000
        server.post_lines(encoded([{"id": f"p{i}", "card": f"c{i}", "country": "DE", "ts": now + i} for i in range(5)]), stream="payments")
        server.post_lines(encoded([{"id": "l0", "card": "c0", "country": "DE", "ts": now - 1000}]), stream="logins")
        until("rows without a partner come out", lambda: server.alerts_by_rule() == {"alone": 4}, 30)
