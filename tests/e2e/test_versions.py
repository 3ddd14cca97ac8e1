# SPDX-License-Identifier: Apache-2.0
"""Versions of a running rule: drafts, what an upgrade would keep, upgrades with state, back again, and crashes around them."""
import json
import os
import random
import subprocess

import pytest
from weirserver import Server, until

STREAM = """CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"""


def pattern(pattern, define, within=60, measures="A.id AS a"):
    return (f"SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES {measures} ONE ROW PER MATCH"
            f" AFTER MATCH NO SKIP PATTERN ({pattern}) WITHIN INTERVAL '{within}' SECOND DEFINE {define})")


ONE = pattern("A -> B", "A AS v = 1, B AS v = 2")
TWO = pattern("A -> C? -> B", "A AS v = 1, B AS v = 3, C AS v = 2", within=90, measures="A.id AS a, C.id AS c")


def post(server, path, body, status):
    answer = server.post(path, body)
    assert answer.status_code == status, answer.text
    return answer.json()


def feed(server, rows):
    server.post_lines([json.dumps(r).encode() + b"\n" for r in rows], stream="t")


def rows(*values, first=0, key="x"):
    return [{"id": first + i, "k": key, "v": v, "ts": 1700000000000 + 1000 * (first + i)} for i, v in enumerate(values)]


def found(server):
    return sorted((a["version"], a["row"]["a"], a["row"].get("c")) for a in server.pages("/alerts"))


def test_from_a_draft_to_the_active_version_and_back(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": ONE}, 201)
        draft = post(server, "/rules/r/versions", {"sql": TWO, "author": "ann", "reason": "B is 3 now"}, 201)
        assert (draft["version"], draft["state"]) == (2, "draft")
        feed(server, rows(1, 0, 0, 0))
        until("the partial match is there", lambda: server.get("/rules/r")["partials"] == 1)
        plan = post(server, "/rules/r/versions/2:plan", {}, 200)
        assert (plan["plan"]["state"], plan["keys"], plan["partials"]) == ("mapped", 1, 1)
        verdicts = {(i["kind"], i["name"]): i["verdict"] for i in plan["plan"]["items"]}
        assert verdicts["variable", "A"] == "keep" and verdicts["variable", "C"] == "new" and verdicts["measure", "c"] == "new"
        assert server.get("/rules/r")["version"] == 1, "a plan changes nothing"
        active = post(server, "/rules/r:activate", {"version": 2, "reason": "go"}, 200)
        assert active["version"] == 2
        feed(server, rows(2, 3, first=4))
        feed(server, rows(1, 0, 0, 0, first=10))
        until("it has taken over", lambda: server.get("/rules/r/versions")["data"][0]["handover"]["done"])
        assert server.get("/rules/r/versions")["data"][0]["handover"]["partials"] == 1
        until("the match is told", lambda: found(server) == [(2, 0, 4)])
        back = post(server, "/rules/r:rollback", {"state": "keep"}, 200)
        assert back["version"] == 3 and "v = 2" in back["sql"]
        feed(server, rows(2, first=14))
        server.finish("t")
        server.settled()
        assert found(server) == [(2, 0, 4), (3, 10, None)]
        states = [(v["version"], v["state"], v["author"]) for v in server.get("/rules/r/versions")["data"]]
        assert states == [(3, "active", None), (2, "retired", "ann"), (1, "retired", None)]


def test_a_bare_select_keeps_the_options_of_the_version_before(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        options = "WITH ('severity' = 'high', 'title' = 'saw {a}') AS"
        post(server, "/rules", {"sql": f"CREATE RULE r {options} {ONE}"}, 201)
        draft = post(server, "/rules/r/versions", {"sql": TWO}, 201)
        assert draft["sql"] == f"CREATE RULE r {options} {TWO}"
        post(server, "/rules/r:activate", {"version": 2}, 200)
        assert server.get("/rules/r")["severity"] == "high"
        problem = post(server, "/rules/r/versions", {"sql": TWO.replace(" AS a", " AS z")}, 422)
        assert "options of version 2" in problem["detail"] and "{a}" in problem["detail"], problem
        draft = post(server, "/rules/r/versions", {"sql": f"CREATE RULE r AS {TWO}"}, 201)
        assert "high" not in draft["sql"]


def test_an_upgrade_that_was_to_begin_anew_begins_anew(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": ONE}, 201)
        feed(server, rows(1, 0, 0, 0))
        post(server, "/rules/r/versions", {"sql": ONE.replace("v = 2", "v = 3")}, 201)
        post(server, "/rules/r:activate", {"version": 2, "state": "reset"}, 200)
        feed(server, rows(3, 1, 3, first=4))
        server.finish("t")
        server.settled()
        assert found(server) == [(2, 5, None)]


def test_each_way_back_goes_one_version_further(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        texts = [ONE.replace("v = 2", f"v = {n}") for n in (2, 3, 4)]
        post(server, "/rules", {"name": "r", "sql": texts[0]}, 201)
        draft = post(server, "/rules/r/versions", {"sql": texts[1], "author": "ann", "reason": "B is 3"}, 201)["version"]
        post(server, "/rules/r:activate", {"version": draft, "author": "bob", "reason": "seen in the backtest"}, 200)
        post(server, "/rules", {"sql": f"CREATE OR REPLACE RULE r AS {texts[2]}"}, 201)
        for version, text in ((4, 1), (5, 0)):
            back = post(server, "/rules/r:rollback", {"state": "keep", "reason": "too many"}, 200)
            assert (back["version"], texts[text] in back["sql"]) == (version, True)
        post(server, "/rules/r:rollback", {}, 409)
        again = post(server, "/rules/r:activate", {"version": 3}, 200)
        assert (again["version"], texts[2] in again["sql"]) == (6, True)
        assert texts[0] in post(server, "/rules/r:rollback", {"state": "keep"}, 200)["sql"], "before 6 there was 5, which was 1"
        seen = {v["version"]: v for v in server.get("/rules/r/versions")["data"]}
        assert [seen[n]["rollback_to"] for n in range(1, 8)] == [None, None, None, 2, 1, None, 1]
        assert (seen[2]["author"], seen[2]["activated_by"], seen[2]["activated_reason"]) == ("ann", "bob", "seen in the backtest")


def test_a_timeout_has_the_columns_of_the_version_that_found_it(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": pattern("A -> B", "A AS v = 1, B AS v = 2", within=3)}, 201)
        post(server, "/rules/r/versions", {"sql": pattern("A -> B", "A AS v = 1, B AS v = 2", within=3, measures="A.v AS w, A.k AS z")}, 201)
        feed(server, rows(1, 0, 0, 0, 0))
        post(server, "/rules/r:activate", {"version": 2}, 200)
        feed(server, rows(0, 0, 0, 1, 0, 0, 0, 0, first=5))
        server.finish("t")
        server.settled()
        told = until("both timeouts are stored", lambda: (lambda d: d if len(d) == 2 else None)(server.get("/rules/r/timeouts")["data"]))
        assert sorted((t["version"], sorted(t["row"])) for t in told) == [(1, ["a", "k"]), (2, ["k", "w", "z"])]


def test_rules_that_read_it_go_on_while_its_columns_stay(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": ONE}, 201)
        post(server, "/rules", {"name": "reader", "sql": "SELECT a AS x FROM r WHERE a >= 0"}, 201)
        feed(server, rows(1, 0, 2, 1, 0))
        for sql, status in ((ONE.replace("v = 2", "v = 3"), 200), (ONE.replace("A.id AS a", "A.id AS z"), 409)):
            version = post(server, "/rules/r/versions", {"sql": sql}, 201)["version"]
            post(server, "/rules/r:activate", {"version": version}, status)
        feed(server, rows(3, 0, 0, 1, 0, 3, first=5))
        server.finish("t")
        server.settled()
        told = sorted((a["rule"], a["row"].get("a", a["row"].get("x"))) for a in server.pages("/alerts"))
        assert told == [(rule, a) for rule in ("r", "reader") for a in (0, 3, 8)]


def test_what_is_wrong_is_said(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": ONE}, 201)
        post(server, "/rules/r/versions", {"sql": "SELECT nothing FROM t"}, 422)
        post(server, "/rules/r/versions", {"sql": "CREATE RULE other AS SELECT id FROM t"}, 422)
        post(server, "/rules/r/versions/9:plan", {}, 404)
        post(server, "/rules/r:activate", {"version": 9}, 404)
        post(server, "/rules/r:activate", {"version": 1}, 409)
        post(server, "/rules/r:rollback", {}, 409)
        post(server, "/rules/r/versions", {"sql": TWO}, 201)
        post(server, "/rules/r:activate", {"version": 2, "state": "perhaps"}, 422)
        post(server, "/rules/nobody:activate", {"version": 2}, 404)


def upgrades_under_kills(folder, workers, texts, events, most):
    """A version after each part of the events, while workers are killed; against `weir eval` with the same versions at the same
    event times. Which versions have found something."""
    part = len(events) // len(texts)
    with Server(folder, workers=workers) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": texts[0]}, 201)
        for n in range(1, len(texts)):
            feed(server, events[(n - 1) * part: n * part])
            if n % 4 == 0:
                server.kill_worker(0)
            post(server, "/rules", {"sql": f"CREATE OR REPLACE RULE r AS {texts[n]}"}, 201)
        feed(server, events[(len(texts) - 1) * part:])
        server.finish("t")
        server.settled()
        got = sorted((a["version"], a["row"]["a"], a["row"]["b"]) for a in server.pages("/alerts"))
    import sqlite3
    cuts = sqlite3.connect(folder / "data" / "catalogue.db").execute(
        "SELECT version, w FROM cuts WHERE deployed = 1 AND version > 1 ORDER BY version").fetchall()
    assert len(cuts) == len(texts) - 1
    (folder / "first.sql").write_text(f"{STREAM};\nCREATE RULE r AS {texts[0]};\n")
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    args = []
    for version, w in cuts:
        path = folder / f"v{version}.sql"
        path.write_text(f"CREATE OR REPLACE RULE r AS {texts[version - 1]};\n")
        args += ["--switch", f"{w}={path}"]
    done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(folder / "first.sql"), "--input",
                           str(folder / "events.jsonl"), *args], capture_output=True, text=True, timeout=60, check=True)
    want = sorted(((r["row"]["a"], r["row"]["b"]) for r in map(json.loads, done.stdout.splitlines()) if r["kind"] == "match"), key=str)
    assert len(want) > most
    assert sorted((x[1:] for x in got), key=str) == want
    assert len({x[0] for x in got}) > 5, "several versions have found something"


def some_events(rng, n):
    return [{"id": i, "k": f"k{rng.randrange(20)}", "v": rng.randrange(5), "ts": 1700000000000 + 50 * i - rng.choice((0, 0, 1500))}
            for i in range(n)]


@pytest.mark.parametrize("workers", (1, 3))
def test_upgrades_there_and_back_under_kills_find_what_eval_finds(tmp_path, workers):
    texts = [pattern("A -> B", f"A AS v = 1, B AS v = {2 + n % 2}", within=20 + n, measures="A.id AS a, B.id AS b")
             if n % 3 else pattern("A -> C? -> B", "A AS v = 1, B AS v = 2, C AS v = 4", within=30, measures="A.id AS a, B.id AS b")
             for n in range(11)]
    upgrades_under_kills(tmp_path, workers, texts, some_events(random.Random(workers), 6000), 300)


def test_upgrades_of_over_under_kills_find_what_eval_finds(tmp_path):
    by = "PARTITION BY k ORDER BY ts"
    calls = (f"SUM(v) OVER ({by} RANGE BETWEEN INTERVAL '20' SECOND PRECEDING AND CURRENT ROW)", f"SUM(v) OVER ({by} ROWS 15 PRECEDING)",
             f"COUNT(*) OVER ({by}) - COUNT(*) FILTER (WHERE v = 1) OVER ({by})")
    texts = [f"SELECT id AS a, {calls[n % 3]} AS b, {calls[0]} AS c FROM t QUALIFY v = 4 AND {calls[0]} > {38 + n}" for n in range(9)]
    upgrades_under_kills(tmp_path, 2, texts, some_events(random.Random(5), 4500), 300)


def test_upgrades_of_a_join_under_kills_find_what_eval_finds(tmp_path):
    texts = [f"SELECT a.id AS a, b.id AS b FROM t a {'LEFT ' if n % 3 else ''}JOIN t b ON a.k = b.k AND a.v = 0 AND b.v = {3 + n % 2}"
             f" AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '{3 + n % 4}' SECOND WHERE a.v = 0" for n in range(9)]
    upgrades_under_kills(tmp_path, 2, texts, some_events(random.Random(6), 4500), 300)
