# SPDX-License-Identifier: Apache-2.0
"""What :plan counts of a rule's state is what the upgrade then takes over, drops and has."""
import random

import pytest
from test_versions import STREAM, feed, pattern, post, rows
from weirserver import Server, until

ABC = pattern("A -> B -> C", "A AS v = 1, B AS v = 2, C AS v = 3", within=600)
UPGRADES = {
    "another constant": (ABC, ABC.replace("C AS v = 3", "C AS v = 4")),
    "a step taken out": (ABC, pattern("A -> C", "A AS v = 1, C AS v = 3", within=600)),
    "an optional step": (ABC, pattern("A -> B -> D? -> C", "A AS v = 1, B AS v = 2, C AS v = 3, D AS v = 4", within=600)),
    "another order": (ABC, pattern("A -> C -> B", "A AS v = 1, B AS v = 2, C AS v = 3", within=600)),
    "a step in the middle": (ABC, pattern("A -> D -> B -> C", "A AS v = 1, B AS v = 2, C AS v = 3, D AS v = 4", within=600)),
    "a loop less": (pattern("A -> B{2,3} -> C", "A AS v = 1, B AS v = 2, C AS v = 3", within=600), ABC),
    "a first step less": (pattern("A -> B+ -> C -> D", "A AS v = 1, B AS v = 2, C AS v = 3, D AS v = 9", within=600),
                          pattern("B+ -> C -> D", "B AS v = 2, C AS v = 3, D AS v = 9", within=600, measures="C.id AS a")),
}


def taken(server):
    until("all events are taken", lambda: all(p["taken"] == p["end"] for p in server.get("/watermarks")["data"]))


PROBE = pattern("X", "X AS v = -1", measures="X.id AS a")


def passed(server, ts):
    """Rows of keys of every worker are told as soon as they come to their time: no row before it is on its way."""
    post(server, "/rules", {"name": "probe", "sql": PROBE}, 201)
    feed(server, [{"id": i, "k": f"probe{i}", "v": -1, "ts": ts} for i in range(16)])
    feed(server, [{"id": 99, "k": "probe", "v": 0, "ts": ts + 5000}])
    until("the probes are told", lambda: sum(a["rule"] == "probe" for a in server.pages("/alerts")) == 16)


def items(plan):
    return {(i["kind"], i["name"]): i for i in plan["plan"]["items"]}


@pytest.mark.parametrize("workers", (1, 2))
@pytest.mark.parametrize("name", UPGRADES)
def test_what_the_plan_counts_is_what_the_upgrade_finds(tmp_path, name, workers):
    old, new = UPGRADES[name]
    rng = random.Random(7)
    events = [{"id": i, "k": f"k{rng.randrange(30)}", "v": rng.randrange(1, 5), "ts": 1700000000000 + 10 * i} for i in range(400)]
    with Server(tmp_path, workers=workers) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": old}, 201)
        feed(server, events)
        passed(server, 1700000010000)
        post(server, "/rules/r/versions", {"sql": new}, 201)
        plan = post(server, "/rules/r/versions/2:plan", {}, 200)
        touched = [i["touches"] for i in plan["plan"]["items"] if i["kind"] == "variable" and i["touches"]]
        dropped = sum(t["dropped"] for t in touched)
        assert plan["counted"] is True
        assert sum(t["partials"] for t in touched) == plan["partials"]
        assert all(t["keys"] <= plan["keys"] and t["keys"] <= t["partials"] for t in touched)
        post(server, "/rules/r:activate", {"version": 2, "savepoint": False}, 200)
        feed(server, [{"id": 1001, "k": "none", "v": 0, "ts": 1700000030000}])
        until("it has taken over", lambda: server.get("/rules/r/versions")["data"][0]["handover"]["done"])
        took = server.get("/rules/r/versions")["data"][0]["handover"]
        assert (took["partials"], took["partials_lost"]) == (plan["partials"] - dropped, dropped)


def test_a_shorter_time_says_which_partial_matches_end_at_once(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": ABC}, 201)
        feed(server, rows(1, 0, 0, 0, key="x") + rows(1, 2, first=50, key="y") + rows(0, 0, first=60, key="z"))
        taken(server)
        post(server, "/rules/r/versions", {"sql": ABC.replace("'600'", "'30'")}, 201)
        want = {"partials": 2, "dropped": 1}
        of = until("all is counted", lambda: (lambda i: i["time", "WITHIN"]["touches"] == want and i["variable", "B"]["touches"]["partials"] and i)(
            items(post(server, "/rules/r/versions/2:plan", {}, 200))))
        assert of["variable", "A"]["touches"] == {"keys": 1, "partials": 1, "dropped": 0}
        assert of["variable", "B"]["touches"] == {"keys": 1, "partials": 1, "dropped": 0}
        assert of["variable", "C"]["touches"] == {"keys": 0, "partials": 0, "dropped": 0}
        assert of["measure", "a"]["touches"] is None


def test_other_keys_drop_all_and_say_how_much(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": ABC}, 201)
        feed(server, rows(1, 2, 0, 0, 0, key="x"))
        taken(server)
        post(server, "/rules/r/versions", {"sql": ABC.replace("PARTITION BY k", "PARTITION BY k, v")}, 201)
        plan = until("all is counted", lambda: (lambda p: items(p)["variable", "B"]["touches"]["partials"] == 1 and p)(
            post(server, "/rules/r/versions/2:plan", {}, 200)))
        assert plan["plan"]["state"] == "reset"
        b = items(plan)["variable", "B"]
        assert (b["verdict"], b["touches"]) == ("reset", {"keys": 1, "partials": 1, "dropped": 1})
        assert items(plan)["variable", "A"]["verdict"] == "reset"


def test_windows_and_their_aggregates_say_how_many_are_open(tmp_path):
    count = "SELECT k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY k, window_start, window_end"
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": count}, 201)
        feed(server, rows(1, key="x") + rows(1, 1, first=4, key="y") + rows(0, first=20, key="x"))
        taken(server)
        post(server, "/rules/r/versions", {"sql": count.replace("COUNT(*) AS n", "COUNT(*) AS n, SUM(v) AS s")}, 201)
        post(server, "/rules/r/versions", {"sql": count.replace("1' HOUR", "7' MINUTE")}, 201)
        plan = until("the windows are there", lambda: (lambda p: p["windows_open"] == 2 and p)(post(server, "/rules/r/versions/2:plan", {}, 200)))
        of = items(plan)
        assert of["window", "TUMBLE"]["touches"] == {"keys": 2, "windows": 2}
        assert (of["aggregate", "COUNT(*)"]["verdict"], of["aggregate", "COUNT(*)"]["touches"]) == ("keep", {"keys": 2, "windows": 2})
        assert of["aggregate", "SUM(v)"]["verdict"] == "new"
        other = items(post(server, "/rules/r/versions/3:plan", {}, 200))
        assert (other["window", "TUMBLE"]["verdict"], other["window", "TUMBLE"]["touches"]) == ("reset", {"keys": 2, "windows": 2})


def test_rows_of_over_are_counted(tmp_path):
    over = "SELECT id, COUNT(*) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) AS n FROM t"
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": over}, 201)
        feed(server, rows(1, 1, 1, key="x") + rows(1, first=4, key="y") + rows(0, first=30, key="x"))
        taken(server)
        post(server, "/rules/r/versions", {"sql": over.replace("SELECT id", "SELECT id, v")}, 201)
        until("all rows are counted", lambda: post(server, "/rules/r/versions/2:plan", {}, 200)["rows"] >= 4)
        plan = post(server, "/rules/r/versions/2:plan", {}, 200)
        calls = [i for i in plan["plan"]["items"] if i["kind"] == "call"]
        assert plan["keys"] == 2
        assert [(i["verdict"], i["touches"]) for i in calls] == [("keep", {"keys": 2, "rows": plan["rows"]})]


def test_many_keys_are_counted_whole(tmp_path):
    n = 20000
    with Server(tmp_path, workers=2) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": ABC}, 201)
        feed(server, [{"id": i, "k": f"k{i % n}", "v": 1 + i // n, "ts": 1700000000000 + i} for i in range(n + n // 4)])
        passed(server, 1700000060000)
        post(server, "/rules/r/versions", {"sql": UPGRADES["a step taken out"][1]}, 201)
        plan = post(server, "/rules/r/versions/2:plan", {}, 200)
        assert (plan["keys"], plan["partials"], plan["counted"]) == (n, n, True)
        assert items(plan)["variable", "A"]["touches"] == {"keys": n - n // 4, "partials": n - n // 4, "dropped": 0}
        assert items(plan)["variable", "B"]["touches"] == {"keys": n // 4, "partials": n // 4, "dropped": n // 4}


def test_rows_of_joins_are_counted_by_side(tmp_path):
    join = ("SELECT a.id, b.id AS other FROM t AS a JOIN t AS b ON a.k = b.k AND a.ts BETWEEN b.ts AND b.ts + INTERVAL '1' HOUR"
            " WHERE b.v = 2 AND a.v = 1")
    with Server(tmp_path, workers=2) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"name": "r", "sql": join}, 201)
        feed(server, rows(2, 2, 2, key="x") + rows(2, first=3, key="y") + rows(0, first=30, key="x"))
        taken(server)
        post(server, "/rules/r/versions", {"sql": join.replace("b.id AS other", "b.id AS other, b.v")}, 201)
        until("all rows are counted", lambda: post(server, "/rules/r/versions/2:plan", {}, 200)["rows"] == 4)
        plan = post(server, "/rules/r/versions/2:plan", {}, 200)
        sides = {i["name"]: i["touches"] for i in plan["plan"]["items"] if i["kind"] == "join"}
        assert (plan["keys"], plan["rows"], plan["counted"]) == (2, 4, True)
        assert (sides["a"], sides["b"]) == ({"keys": 2, "rows": 0}, {"keys": 2, "rows": 4})
