# SPDX-License-Identifier: Apache-2.0
"""State that is derived again from the log while everything else runs: warm_from_log, and the operations behind it."""
import json
import os
import random
import sqlite3
import subprocess

import pytest
from weirserver import Server, until

STREAM = """CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('partitions' = '2')"""
BASE = 1700000000000


def pattern(first, last, within):
    return ("SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS a, B.id AS b ONE ROW PER MATCH"
            f" AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '{within}' SECOND DEFINE A AS v = {first}, B AS v = {last})")


def window(size, limit):
    return (f"SELECT k, window_start, window_end, COUNT(*) AS n, SUM(v) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '{size}'"
            f" SECOND)) GROUP BY k, window_start, window_end HAVING COUNT(*) > {limit}")


def over(seconds, limit):
    return ("SELECT * FROM (SELECT id, k, ts, SUM(v) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '"
            f"{seconds}' SECOND PRECEDING AND CURRENT ROW) AS s FROM t) WHERE s > {limit}")


def join(seconds):
    return (f"SELECT l.id AS a, r.id AS b, l.k AS k FROM t AS l JOIN t AS r ON l.k = r.k AND r.ts BETWEEN l.ts AND l.ts + INTERVAL '{seconds}'"
            " SECOND WHERE l.v = 1 AND r.v = 2")


SHAPES = {
    "pattern": (pattern(1, 2, 20), pattern(3, 2, 60)),
    "window": (window(20, 4), window(45, 6)),
    "over": (over(10, 8), over(40, 30)),
    "join": (join(5), join(20)),
}


def events(n, seed, first=0):
    rng = random.Random(seed)
    return [{"id": i, "k": f"k{rng.randrange(12)}", "v": rng.randrange(5), "ts": BASE + 50 * i - rng.choice((0, 0, 1500))}
            for i in range(first, first + n)]


def feed(server, rows):
    for part in (0, 1):
        server.post_lines([json.dumps(r).encode() + b"\n" for r in rows if r["id"] % 2 == part], partition=part, stream="t")


def post(server, path, body, status):
    answer = server.post(path, body)
    assert answer.status_code == status, answer.text
    return answer.json()


def warm(server, rule="r", version=2, **more):
    answer = server.post(f"/rules/{rule}:activate", {"version": version, "state": "warm_from_log", **more})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/v1/operations/{answer.json()['id']}"
    return answer.json()["id"]


def ended(server, operation, state="done"):
    def look():
        now = server.get(f"/operations/{operation}")
        assert now["state"] in ("waiting", "reading", "switching", state), now
        return now if now["state"] == state else None
    return until(f"the operation is {state}", look)


def state_of(server, operation):
    return server.get(f"/operations/{operation}")["state"]


def switched_at(folder, version=2):
    db = sqlite3.connect(folder / "data" / "catalogue.db")
    return db.execute("SELECT w, from_uid FROM cuts WHERE deployed = 1 AND version = ? AND from_uid > 0", (version,)).fetchone()


def evaluated(folder, sql, rows):
    (folder / "v.sql").write_text(f"{STREAM.replace(chr(39) + '2' + chr(39) + ')', chr(39) + '1' + chr(39) + ')')};\nCREATE RULE r AS {sql};\n")
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in rows))
    done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(folder / "v.sql"), "--input", str(folder / "events.jsonl")],
                          capture_output=True, text=True, timeout=60, check=True)
    return [r for r in map(json.loads, done.stdout.splitlines()) if r["kind"] == "match"]


def stamp(text):
    from datetime import datetime
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def row(r):
    return json.dumps(r, sort_keys=True)


def assert_equal_from(folder, server, sql, old, rows, version=2):
    """From the switch on, what `sql` would have found had it run from the start; before, what the old version did."""
    w, lane = switched_at(folder, version)
    assert lane > 0
    told = server.pages("/alerts")
    got = sorted(row(a["row"]) for a in told if a["version"] == version)
    want = sorted(row(r["row"]) for r in evaluated(folder, sql, rows) if stamp(r["time"]) >= w)
    assert got == want
    before = sorted(row(a["row"]) for a in told if a["version"] != version)
    assert before == sorted(row(r["row"]) for r in evaluated(folder, old, rows) if stamp(r["time"]) < w)
    return len(got)


@pytest.mark.parametrize("workers", (1, 3))
@pytest.mark.parametrize("shape", SHAPES)
def test_a_version_warmed_up_finds_what_it_would_have_found(tmp_path, shape, workers):
    old, new = SHAPES[shape]
    rows = events(4000, 7)
    with Server(tmp_path, workers=workers) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, rows[:2000])
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server)
        until("it switches", lambda: state_of(server, operation) in ("switching", "done"))
        feed(server, rows[2000:])
        ended(server, operation)
        server.finish("t")
        server.settled()
        assert assert_equal_from(tmp_path, server, new, old, rows) > 20
        assert [r["name"] for r in server.get("/rules")["data"]] == ["r"], "what was made for it is nowhere to be seen"


def until_switched(server, operation):
    until("it switches", lambda: state_of(server, operation) in ("switching", "done"))


@pytest.mark.parametrize("when", ("reading", "switching"))
def test_killed_workers_change_nothing(tmp_path, when):
    old, new = SHAPES["pattern"]
    rows = events(6000, 8)
    with Server(tmp_path, "--checkpoint-interval", "200 ms", workers=2) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, rows[:3000])
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server, savepoint=False)
        if when == "switching":
            until_switched(server, operation)
        server.kill_worker(0)
        until_switched(server, operation)
        feed(server, rows[3000:4500])
        server.kill_worker(1)
        feed(server, rows[4500:])
        ended(server, operation)
        server.kill_worker(0)
        server.finish("t")
        server.settled()
        assert assert_equal_from(tmp_path, server, new, old, rows) > 20


@pytest.mark.parametrize("point", ("lanes.begun", "lanes.switch", "lanes.switched"))
def test_a_server_that_dies_goes_on_with_it(tmp_path, monkeypatch, point):
    old, new = SHAPES["window"]
    rows = events(4000, 9)
    monkeypatch.setenv("WEIR_FAULT", f"{point}:1:kill")
    server = Server(tmp_path, "--checkpoint-interval", "300 ms", workers=2)
    try:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, rows[:2000])
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server)
        until("the server dies", lambda: server.process.poll() is not None)
        monkeypatch.delenv("WEIR_FAULT")
        server.start()
        until_switched(server, operation)
        feed(server, rows[2000:3000])
        server.kill()
        server.start()
        feed(server, rows[3000:])
        ended(server, operation)
        server.finish("t")
        server.settled()
        assert assert_equal_from(tmp_path, server, new, old, rows) > 20
    finally:
        server.stop()


def test_one_that_is_ended_leaves_the_active_version_as_it_was(tmp_path, monkeypatch):
    old, new = SHAPES["pattern"]
    rows = events(3000, 10)
    monkeypatch.setenv("WEIR_FAULT", "worker.1:1:delay=5")
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, rows[:2000])
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server)
        assert server.session.delete(f"{server.url}/api/v1/operations/{operation}").status_code == 202
        assert ended(server, operation, "cancelled")["progress"] is None
        assert server.session.delete(f"{server.url}/api/v1/operations/{operation}").status_code == 409
        feed(server, rows[2000:])
        server.finish("t")
        server.settled()
        told = server.pages("/alerts")
        assert {a["version"] for a in told} == {1}
        assert sorted(row(a["row"]) for a in told) == sorted(row(r["row"]) for r in evaluated(tmp_path, old, rows))
        assert server.get("/rules/r/versions")["data"][0]["state"] == "draft"


def test_another_version_ends_it(tmp_path, monkeypatch):
    old, new = SHAPES["pattern"]
    monkeypatch.setenv("WEIR_FAULT", "worker.1:1:delay=5")
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, events(3000, 11))
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server)
        post(server, "/rules/r:activate", {"version": 2, "state": "warm_from_log"}, 409)
        post(server, "/rules", {"sql": f"CREATE OR REPLACE RULE r AS {new}"}, 201)
        assert "another version" in ended(server, operation, "failed")["error"]
        assert [o["id"] for o in server.get("/operations?rule=r")["data"]] == [operation]


def test_what_cannot_be_derived_again_is_refused(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        texts = {"r": pattern(1, 2, 20), "f": "SELECT id FROM t WHERE v = 4", "d": "SELECT a FROM r WHERE a > 0"}
        for name, sql in texts.items():
            post(server, "/rules", {"name": name, "sql": sql}, 201)
            post(server, f"/rules/{name}/versions", {"sql": sql}, 201)
        for name, why in (("f", "has no state"), ("d", "cannot be derived again")):
            answer = post(server, f"/rules/{name}:activate", {"version": 2, "state": "warm_from_log"}, 422)
            assert answer["type"] == "/problems/unsupported" and why in answer["detail"]
            assert post(server, f"/rules/{name}/versions/2:plan", {}, 200)["log"]["warm"] is False
        assert post(server, "/rules/r/versions/2:plan", {}, 200)["log"] == {
            "warm": True, "reason": None, "from": None, "rows": 0, "looks_back_ms": 20000, "covers": True}
        post(server, "/rules/r:activate", {"version": 2, "state": "warm_from_log", "from": "yesterday"}, 422)
        assert server.session.get(f"{server.url}/api/v1/operations/op_9").status_code == 404


def test_a_way_back_with_the_state_that_the_old_version_would_have(tmp_path):
    old, new = SHAPES["pattern"]
    rows = events(4000, 12)
    with Server(tmp_path, workers=2) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, rows[:1000])
        post(server, "/rules/r/versions", {"sql": new}, 201)
        post(server, "/rules/r:activate", {"version": 2, "state": "reset"}, 200)
        feed(server, rows[1000:2000])
        answer = server.post("/rules/r:rollback", {"state": "warm_from_log"})
        assert answer.status_code == 202 and answer.json()["kind"] == "rollback" and answer.json()["rollback_to"] == 1
        operation = answer.json()["id"]
        until_switched(server, operation)
        feed(server, rows[2000:])
        assert ended(server, operation)["version"] == 3
        server.finish("t")
        server.settled()
        w, _ = switched_at(tmp_path, 3)
        got = sorted(row(a["row"]) for a in server.pages("/alerts") if a["version"] == 3)
        assert got == sorted(row(r["row"]) for r in evaluated(tmp_path, old, rows) if stamp(r["time"]) >= w)


def test_progress_is_told_until_the_end(tmp_path):
    old, new = SHAPES["over"]
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, events(2000, 13))
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server, **{"from": "2023-11-14T22:14:00Z"})
        with server.session.get(f"{server.url}/api/v1/operations/{operation}/events", stream=True, timeout=30) as live:
            until_switched(server, operation)
            server.finish("t")
            told = [json.loads(line[6:]) for line in live.iter_lines() if line.startswith(b"data: ")]
        assert told[-1]["state"] == "done" and told[-1]["progress"] is None and told[-1]["rows"] == 2000


def lane_is_forgotten(folder):
    db = sqlite3.connect(folder / "data" / "catalogue.db")
    return db.execute("SELECT deleted FROM rules WHERE name LIKE 'r@lane%'").fetchall() == [(1,)]


def test_the_log_keeps_what_it_needs_and_then_all_is_forgotten(tmp_path):
    old, new = SHAPES["pattern"]
    rows = events(4000, 15)
    with Server(tmp_path, "--checkpoint-interval", "0 s", "--checkpoint-kept", "1", "--intake-retention", "1 ms", "--replay-share", "1",
                workers=2) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        for at in range(0, 2000, 200):
            feed(server, rows[at:at + 200])
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server, savepoint=False)
        until("the lane is there, so that the log is kept for it", lambda: state_of(server, operation) != "waiting")
        for at in range(2000, 3000, 200):
            feed(server, rows[at:at + 200])
            assert server.post("/checkpoints").status_code in (200, 201)
        server.kill_worker(0)
        until_switched(server, operation)
        feed(server, rows[3000:3800])
        ended(server, operation)

        def forgotten():
            assert server.post("/checkpoints").status_code in (200, 201, 409), "409: the workers are on their way up"
            return lane_is_forgotten(tmp_path)
        until("nothing of it is left", forgotten)
        server.kill()
        server.start()
        feed(server, rows[3800:])
        server.finish("t")
        server.settled()
        w, _ = switched_at(tmp_path)
        got = sorted(row(a["row"]) for a in server.pages("/alerts") if a["version"] == 2)
        assert got == sorted(row(r["row"]) for r in evaluated(tmp_path, new, rows) if stamp(r["time"]) >= w)


def test_of_partitions_that_are_kept_unequally_far_back_no_half_is_seen(tmp_path):
    old, new = SHAPES["pattern"]
    rows = events(4000, 15)
    with Server(tmp_path, "--checkpoint-interval", "0 s", "--checkpoint-kept", "1", "--intake-retention", "1 ms", workers=2) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, rows[:2000])
        feed(server, [r for r in rows[2000:2300] if r["id"] % 2 == 0])
        until("all are taken", lambda: all(p["taken"] == p["end"] for p in server.get("/watermarks")["data"]))
        assert server.post("/checkpoints").status_code in (200, 201)
        feed(server, [r for r in rows[2000:2300] if r["id"] % 2 == 1])
        post(server, "/rules/r/versions", {"sql": new}, 201)
        start = stamp(until("old events are gone", lambda: post(server, "/rules/r/versions/2:plan", {}, 200)["log"]["from"]))
        until_switched(server, warm(server, savepoint=False))
        feed(server, rows[2300:])
        server.finish("t")
        server.settled()
        assert rows[2000]["ts"] < start < rows[2400]["ts"]
        want = [r for r in evaluated(tmp_path, new, [r for r in rows if r["ts"] >= start]) if stamp(r["time"]) >= switched_at(tmp_path)[0]]
        assert sorted(row(a["row"]) for a in server.pages("/alerts") if a["version"] == 2) == sorted(row(r["row"]) for r in want)


def test_events_flow_on_while_the_log_is_read_again(tmp_path):
    old, new = SHAPES["window"]
    rows = events(30000, 16)
    with Server(tmp_path, workers=2) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, rows[:20000])
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server, savepoint=False)
        slowest = 0
        for at in range(20000, 30000, 1000):
            feed(server, rows[at:at + 1000])
            slowest = max([slowest] + [w["pause"]["change_cpu_us"] for w in server.workers()])
        until_switched(server, operation)
        server.finish("t")
        ended(server, operation)
        server.settled()
        assert slowest < 50000
        assert assert_equal_from(tmp_path, server, new, old, rows) >= 0


def test_a_savepoint_of_meanwhile_can_be_gone_back_to(tmp_path, monkeypatch):
    old, new = SHAPES["pattern"]
    rows = events(3000, 17)
    monkeypatch.setenv("WEIR_FAULT", "worker.1:1:delay=5")
    with Server(tmp_path, "--replay-share", "1", workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, rows[:2000])
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server, savepoint=False)
        until("it reads", lambda: state_of(server, operation) != "waiting")
        name = post(server, "/savepoints", {}, 201)["name"]
        server.session.delete(f"{server.url}/api/v1/operations/{operation}")
        until("it has ended", lambda: state_of(server, operation) in ("cancelled", "done", "switching"))
        plan = post(server, f"/savepoints/{name}:restore", {"dry_run": True}, 200)
        assert plan["possible"] and plan["not_restored"] == [] and [r["name"] for r in plan["rules"]] == ["r"], plan
        feed(server, rows[2000:])
        post(server, f"/savepoints/{name}:restore", {}, 200)
        server.finish("t")
        server.settled()
        first = [a for a in server.pages("/alerts") if a["version"] == 1]
        assert first, "it went on"


def lanes_kept(folder):
    db = sqlite3.connect(folder / "data" / "catalogue.db")
    return db.execute("SELECT COUNT(*) FROM rules WHERE stands_for > 0 AND deleted = 0").fetchone()[0]


def test_what_was_made_for_one_goes_after_a_restart_too(tmp_path):
    old, new = SHAPES["window"]
    rows = events(3000, 12)
    with Server(tmp_path, "--checkpoint-interval", "300 ms", workers=2) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, rows[:2000])
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server)
        until_switched(server, operation)
        feed(server, rows[2000:2500])
        ended(server, operation)
        assert lanes_kept(tmp_path) == 1, "a checkpoint may need it"
        server.kill()
        server.start()
        feed(server, rows[2500:2800])
        until("nothing is left of it", lambda: lanes_kept(tmp_path) == 0)
        read = server.metric("weir_replayed_bytes_total")
        feed(server, rows[2800:])
        server.finish("t")
        server.settled()
        assert server.metric("weir_replayed_bytes_total") == read, "nothing is read a second time any more"
        assert_equal_from(tmp_path, server, new, old, rows)


def test_one_whose_rule_is_deleted_while_it_switches_ends(tmp_path):
    old, new = SHAPES["window"]
    with Server(tmp_path, workers=2) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, events(2000, 13))
        post(server, "/rules/r/versions", {"sql": new}, 201)
        operation = warm(server)
        until_switched(server, operation)
        assert server.session.delete(f"{server.url}/api/v1/rules/r").status_code == 204
        ended(server, operation)


# --- the way back with the state of then ---

def go_back(server, rule="r", **more):
    answer = server.post(f"/rules/{rule}:rollback", {"state": "savepoint", **more})
    assert answer.status_code == 202, answer.text
    return answer.json()


def taken(server):
    until("all events are taken", lambda: all(p["taken"] == p["end"] for p in server.partitions("t")))


def left(server, old, new, rows):
    """The old version ran for `rows`, then the new one took over, with a savepoint first."""
    server.create(stream=STREAM)
    post(server, "/rules", {"name": "r", "sql": old}, 201)
    feed(server, rows)
    taken(server)
    post(server, "/rules/r/versions", {"sql": new}, 201)
    post(server, "/rules/r:activate", {"version": 2, "state": "reset"}, 200)


def assert_never_left(folder, server, old, rows, version=3):
    """From the way back on, what the old text would have found had it never been left."""
    server.finish("t")
    server.settled()
    w, lane = switched_at(folder, version)
    assert lane > 0
    got = sorted(row(a["row"]) for a in server.pages("/alerts") if a["version"] == version)
    assert got == sorted(row(r["row"]) for r in evaluated(folder, old, rows) if stamp(r["time"]) >= w)
    return len(got)


@pytest.mark.parametrize("workers", (1, 3))
@pytest.mark.parametrize("shape", SHAPES)
def test_a_way_back_with_the_state_of_then(tmp_path, shape, workers):
    old, new = SHAPES[shape]
    rows = events(4000, 21)
    with Server(tmp_path, "--intake-retention", "0 s", workers=workers) as server:
        left(server, old, new, rows[:1500])
        feed(server, rows[1500:2500])
        taken(server)
        plan = post(server, "/rules/r/versions/1:plan", {}, 200)["way_back"]
        assert plan["possible"] and plan["by_default"] == "savepoint" and 900 < plan["rows"] <= 1100, plan
        operation = go_back(server)
        assert operation["savepoint"] == plan["savepoint"] and operation["way_back"]["state"] == "savepoint"
        assert server.session.delete(f"{server.url}/api/v1/savepoints/{plan['savepoint']}").status_code == 409
        until_switched(server, operation["id"])
        feed(server, rows[2500:])
        done = ended(server, operation["id"])
        assert done["rollback_to"] == 1 and done["rows"] == 2500, "only what has come since was read again"
        assert assert_never_left(tmp_path, server, old, rows) > 20


@pytest.mark.parametrize("after", (1, 5))
def test_the_savepoint_may_be_of_another_number_of_workers(tmp_path, after):
    old, new = SHAPES["pattern"]
    rows = events(3000, 22)
    server = Server(tmp_path, workers=3)
    try:
        left(server, old, new, rows[:1500])
        server.stop()
        server.options[1] = str(after)
        server.start()
        assert len(server.workers()) == after
        operation = go_back(server)["id"]
        until_switched(server, operation)
        feed(server, rows[1500:])
        ended(server, operation)
        assert assert_never_left(tmp_path, server, old, rows) > 20
    finally:
        server.stop()


@pytest.mark.parametrize("when", ("loading", "reading", "switching"))
@pytest.mark.parametrize("who", ("worker", "server"))
def test_a_death_on_the_way_back_changes_nothing(tmp_path, monkeypatch, who, when):
    old, new = SHAPES["join" if who == "worker" else "window"]
    rows = events(3500, 23)
    if when == "loading":
        monkeypatch.setenv("WEIR_FAULT", "lane.load:1:delay=100")
    elif when == "reading":
        monkeypatch.setenv("WEIR_FAULT", "worker.1:1:delay=20")
    server = Server(tmp_path, "--checkpoint-interval", "300 ms", "--replay-share", "1", workers=2)
    try:
        left(server, old, new, rows[:1500])
        feed(server, rows[1500:2800])
        operation = go_back(server, savepoint=False)["id"]
        if when == "switching":
            until_switched(server, operation)
        else:
            until("it has begun", lambda: state_of(server, operation) != "waiting")
        monkeypatch.delenv("WEIR_FAULT", raising=False)
        if who == "worker":
            server.kill_worker(1)
        else:
            server.kill()
            server.start()
        until_switched(server, operation)
        feed(server, rows[2800:])
        ended(server, operation)
        assert assert_never_left(tmp_path, server, old, rows) > 20
    finally:
        server.stop()


def test_a_way_back_that_is_ended_while_it_loads_leaves_nothing(tmp_path, monkeypatch):
    old, new = SHAPES["pattern"]
    rows = events(2500, 24)
    monkeypatch.setenv("WEIR_FAULT", "lane.load:1:delay=200")
    with Server(tmp_path, "--checkpoint-interval", "200 ms", workers=2) as server:
        left(server, old, new, rows[:1500])
        operation = go_back(server, savepoint=False)["id"]
        until("it has begun", lambda: state_of(server, operation) == "reading")
        assert server.session.delete(f"{server.url}/api/v1/operations/{operation}").status_code == 202
        ended(server, operation, "cancelled")
        assert server.post("/checkpoints").status_code in (200, 201)
        feed(server, rows[1500:])
        server.finish("t")
        server.settled()
        assert server.get("/rules/r")["version"] == 2
        again = server.post("/rules/r:rollback", {"state": "savepoint"})
        assert again.status_code == 202, again.text


def test_where_no_savepoint_will_do_the_answer_says_why(tmp_path):
    old, new = SHAPES["pattern"]
    with Server(tmp_path, "--rollback-replay-rows", "10", workers=1) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        post(server, "/rules", {"name": "f", "sql": "SELECT id FROM t WHERE v = 4"}, 201)
        for rule, sql in (("r", new), ("f", "SELECT id FROM t WHERE v = 3")):
            post(server, f"/rules/{rule}/versions", {"sql": sql}, 201)
            post(server, f"/rules/{rule}:activate", {"version": 2, "savepoint": rule == "f"}, 200)
        answer = post(server, "/rules/f:rollback", {"state": "savepoint"}, 409)
        assert "no state" in answer["detail"] and "keep" in answer["hint"]
        answer = post(server, "/rules/r:rollback", {"state": "savepoint"}, 409)
        assert "no savepoint" in answer["detail"] and "keep" in answer["hint"]
        assert "no savepoint" in post(server, "/rules/r/versions/1:plan", {}, 200)["way_back"]["reason"]
        back = post(server, "/rules/r:rollback", {}, 200)
        assert back["version"] == 3 and back["way_back"]["state"] == "keep" and "no savepoint" in back["way_back"]["why"]
        post(server, "/rules/r:activate", {"version": 2, "state": "savepoint"}, 422)


def test_one_that_would_read_much_again_is_for_those_who_ask(tmp_path):
    old, new = SHAPES["pattern"]
    rows = events(400, 25)
    with Server(tmp_path, "--rollback-replay-rows", "99", workers=1) as server:
        left(server, old, new, rows[:200])
        feed(server, rows[200:300])
        taken(server)
        assert post(server, "/rules/r/versions/1:plan", {}, 200)["way_back"]["by_default"] == "keep"
        back = post(server, "/rules/r:rollback", {}, 200)
        assert back["version"] == 3 and back["way_back"]["state"] == "keep" and "100 events" in back["way_back"]["why"]


def test_without_a_word_a_way_back_takes_the_savepoint(tmp_path):
    old, new = SHAPES["over"]
    rows = events(2000, 26)
    with Server(tmp_path, workers=2) as server:
        left(server, old, new, rows[:1000])
        answer = server.post("/rules/r:rollback", {})
        assert answer.status_code == 202, answer.text
        assert answer.json()["way_back"]["state"] == "savepoint" and "0 events" in answer.json()["way_back"]["why"]
        until_switched(server, answer.json()["id"])
        feed(server, rows[1000:])
        ended(server, answer.json()["id"])
        assert assert_never_left(tmp_path, server, old, rows) > 0
