# SPDX-License-Identifier: Apache-2.0
"""A version beside the active one: as a shadow, for a share of the keys, through crashes; what both find is compared."""
import json
import os
import random
import subprocess
from datetime import datetime, timezone

import pytest
import requests
from weirserver import Server, until

STREAM = """CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"""
T0 = 1700000000000


def pattern(define, within=60, key="k"):
    return (f"SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY {key} ORDER BY ts MEASURES A.id AS a, B.id AS b ONE ROW PER MATCH"
            f" AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '{within}' SECOND DEFINE {define})")


OLD = pattern("A AS v = 1, B AS v >= 2 AND v < 4")  # 2 or 3
NEW = pattern("A AS v = 1, B AS v >= 3")  # 3 or 4


def post(server, path, body, status=200):
    answer = server.post(path, body)
    assert answer.status_code == status, answer.text
    return answer.json()


def patch(server, path, body):
    return requests.patch(f"{server.url}/api/v1{path}", json=body, timeout=10)


def feed(server, rows):
    server.post_lines([json.dumps(r).encode() + b"\n" for r in rows], stream="t")


def made(server, new=NEW, old=OLD):
    server.create(stream=STREAM)
    post(server, "/rules", {"name": "r", "sql": old}, 201)
    assert post(server, "/rules/r/versions", {"sql": new, "author": "ann"}, 201)["version"] == 2


def events(n, keys=40, seed=1, first=0):
    rng = random.Random(seed)
    return [{"id": first + i, "k": f"k{rng.randrange(keys)}", "v": rng.randrange(5),
             "ts": T0 + 50 * (first + i) - rng.choice((0, 0, 1500))} for i in range(n)]


def evaluated(tmp_path, rule, rows, switches=()):
    """What a rule finds by itself, with other texts from some times on: (a, b) to the time of its last event."""
    (tmp_path / "one.sql").write_text(f"{STREAM};\nCREATE RULE r AS {rule};\n")
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(e) + "\n" for e in rows))
    how = []
    for at, text in switches:
        how += ["--switch", f"{at}={tmp_path}/{at}.sql"]
        (tmp_path / f"{at}.sql").write_text(f"CREATE OR REPLACE RULE r AS {text};\n")
    done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(tmp_path / "one.sql"), "--input",
                           str(tmp_path / "rows.jsonl"), *how], capture_output=True, text=True, timeout=60, check=True)
    times = {r["id"]: r["ts"] for r in rows}
    return {(r["row"]["a"], r["row"]["b"]): times[r["row"]["b"]]
            for r in map(json.loads, done.stdout.splitlines()) if r["kind"] == "match"}


def told(server):
    return {(a["row"]["a"], a["row"]["b"]): a["version"] for a in server.pages("/alerts")}


def measured(server):
    """What /metrics has of version 2 beside the active one: only old, both, only new."""
    return tuple(server.metric(f'weir_trial_results{{rule="r",version="2",found_by="{by}"}}') for by in ("old", "both", "new"))


def test_a_shadow_is_compared_and_not_told(tmp_path):
    with Server(tmp_path, workers=2) as server:
        made(server)
        rule = post(server, "/rules/r:shadow", {"version": 2, "reason": "is 3 better?", "author": "ann"})
        assert rule["version"] == 1 and rule["trial"]["version"] == 2 and rule["trial"]["state"] == "shadow"
        assert [v["state"] for v in server.get("/rules/r/versions")["data"]] == ["shadow", "active"]
        assert [r["name"] for r in server.get("/rules")["data"]] == ["r"], "it is no rule of the list"
        rows = events(3000)
        feed(server, rows)
        server.finish("t")
        server.settled()
        old, new = evaluated(tmp_path, OLD, rows), evaluated(tmp_path, NEW, rows)
        assert told(server) == {pair: 1 for pair in old}
        until("both have found all", lambda: sum(server.get("/rules/r/comparison")["counts"].values()) == len(old.keys() | new.keys()))
        c = server.get("/rules/r/comparison?shadow=2&limit=500")
        assert c["counts"] == {"only_old": len(old.keys() - new.keys()), "both": len(old.keys() & new.keys()),
                               "only_new": len(new.keys() - old.keys())}
        assert min(c["counts"].values()) > 20
        for of, what in (("only_old", "old"), ("only_new", "new")):
            pairs = {(e[what]["a"], e[what]["b"]) for e in c["examples"][of]}
            assert pairs <= (old.keys() - new.keys() if of == "only_old" else new.keys() - old.keys())
            assert all(e["new" if what == "old" else "old"] is None for e in c["examples"][of])
        assert all(e["old"] == e["new"] for e in c["examples"]["both"])
        for key in ("only_old", "both", "only_new"):
            assert sum(h[key] for h in c["hours"]) == c["counts"][key]
        assert [(a["version"], a["told"]) for a in c["arms"]] == [(1, len(old)), (2, 0)]
        assert measured(server) == (c["counts"]["only_old"], c["counts"]["both"], c["counts"]["only_new"])
        server.kill()
        server.start()
        assert measured(server) == (c["counts"]["only_old"], c["counts"]["both"], c["counts"]["only_new"]), "after a start too"
        page = server.get("/rules/r/comparison?class=only_new&limit=5&after=5")["examples"]
        assert page == {"only_new": c["examples"]["only_new"][5:10]}
        post(server, "/rules/r:discard", {})
        assert server.get("/rules/r")["trial"] is None
        assert server.get("/rules/r/comparison")["counts"] == c["counts"], "what was found stays"


def ms(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp() * 1000 + 0.5)


@pytest.mark.parametrize("workers", (1, 3))
def test_it_begins_with_the_state_of_the_active_one_through_crashes(tmp_path, workers):
    rows = events(3000, keys=200, seed=workers)
    with Server(tmp_path, workers=workers) as server:
        made(server)
        feed(server, rows[:1000])
        server.kill_worker(0)
        trial = post(server, "/rules/r:shadow", {"version": 2})["trial"]
        assert trial["copied"] and trial["handover"]["done"] is False
        feed(server, rows[1000:1500])
        server.kill_worker(workers - 1)
        feed(server, rows[1500:2000])
        until("it has its copy", lambda: server.get("/rules/r")["trial"]["handover"]["done"])
        beside, active = server.get("/rules/r/versions")["data"]
        assert beside["state"] == "shadow" and beside["handover"]["done"]
        server.kill()
        server.start()
        feed(server, rows[2000:])
        server.finish("t")
        server.settled()
        c = server.get("/rules/r/comparison?limit=500")
        begins = ms(c["from"])
        assert begins > max(r["ts"] for r in rows[:1000])
        old = evaluated(tmp_path, OLD, rows)
        assert told(server) == {pair: 1 for pair in old}, "the active one is not disturbed"
        old = {pair for pair, at in old.items() if at >= begins}
        new = {pair for pair, at in evaluated(tmp_path, OLD, rows, [(begins, NEW)]).items() if at >= begins}
        first = {r["id"]: r["ts"] for r in rows}
        assert sum(first[a] < begins for a, b in new) > 20, "matches that had begun before"
        assert c["counts"] == {"only_old": len(old - new), "both": len(old & new), "only_new": len(new - old)}


WIDER = pattern("A AS v <= 1, B AS v >= 3")  # begins where the active one does not


@pytest.mark.parametrize("workers,state", ((1, None), (3, None), (2, "own"), (2, "keep")))
def test_it_becomes_the_active_one_with_the_state_that_it_has(tmp_path, workers, state):
    rows = events(3000, keys=200, seed=workers)
    with Server(tmp_path, workers=workers) as server:
        made(server, new=WIDER)
        feed(server, rows[:800])
        post(server, "/rules/r:activate", {"version": 2, "rollout_percent": 50})
        server.kill_worker(0)
        feed(server, rows[800:1600])
        until("it has its copy", lambda: server.get("/rules/r")["trial"]["handover"]["done"])
        plan = post(server, "/rules/r/versions/2:plan", {})
        assert plan["own"]["partials"] > 0
        rule = post(server, "/rules/r:activate", {"version": 2, **({"state": state} if state else {})})
        assert rule["version"] == 2 and (state == "keep" or rule["trial"]["state"] == "ending")
        server.kill_worker(workers - 1)
        feed(server, rows[1600:2000])
        server.kill()
        server.start()
        feed(server, rows[2000:2600])
        server.kill_worker(0)
        feed(server, rows[2600:])
        server.finish("t")
        server.settled()
        until("what ran beside is gone", lambda: server.get("/rules/r")["trial"] is None)
        assert server.get("/rules/r/versions")["data"][0]["took"] == (None if state == "keep" else "own")
        c = server.get("/rules/r/comparison?limit=0")
        begins, ends = ms(c["from"]), ms(c["to"])
        got = told(server)
    old, own = evaluated(tmp_path, OLD, rows), evaluated(tmp_path, OLD, rows, [(begins, WIDER)])
    kept = evaluated(tmp_path, OLD, rows, [(ends, WIDER)])
    after = kept if state == "keep" else own
    assert {p for p, at in own.items() if at >= ends} != {p for p, at in kept.items() if at >= ends}, "or it would show nothing"
    assert {p: v for p, v in got.items() if after.get(p, old.get(p, own.get(p))) >= ends} == {p: 2 for p, at in after.items() if at >= ends}
    key_of = {r["id"]: r["k"] for r in rows}
    beside = {p: v for p, v in got.items() if begins <= old.get(p, own.get(p, ends)) < ends}
    keys = {}  # while both ran: each key of one version, and all that this one finds
    for pair, version in beside.items():
        assert keys.setdefault(key_of[pair[0]], version) == version
    for which, found in ((1, old), (2, own)):
        want = {p for p, at in found.items() if begins <= at < ends and keys.get(key_of[p[0]]) == which}
        assert len(want) > 20 and want == {p for p, v in beside.items() if v == which}


JOIN = "SELECT a.id AS a, b.id AS b FROM t a JOIN u b ON a.k = b.k AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '20' SECOND WHERE b.v >= {}"


def test_the_rows_of_a_join_are_copied_and_kept(tmp_path):
    with Server(tmp_path, workers=2) as server:
        server.create(stream=STREAM)
        server.create(stream=STREAM.replace("STREAM t", "STREAM u"))
        post(server, "/rules", {"name": "r", "sql": JOIN.format(3)}, 201)
        post(server, "/rules/r/versions", {"sql": JOIN.format(2)}, 201)
        rows = events(1200, keys=100)
        for n, what in enumerate((":shadow", ":activate", None)):
            for stream in ("t", "u"):
                server.post_lines([json.dumps(r).encode() + b"\n" for r in rows[400 * n: 400 * (n + 1)] if r["id"] % 2 == (stream == "u")], stream=stream)
            server.kill_worker(n % 2)
            if what:
                post(server, f"/rules/r{what}", {"version": 2})
        server.finish("t")
        server.finish("u")
        server.settled()
        until("it has gone", lambda: server.get("/rules/r")["trial"] is None)
        c = server.get("/rules/r/comparison?limit=500")
        begins, ends = ms(c["from"]), ms(c["to"])
        lefts, rights = [r for r in rows if r["id"] % 2 == 0], [r for r in rows if r["id"] % 2]
        pairs = {least: {(a["id"], b["id"]): max(a["ts"], b["ts"]) for a in lefts for b in rights
                         if a["k"] == b["k"] and 0 <= b["ts"] - a["ts"] <= 20000 and b["v"] >= least} for least in (2, 3)}
        old = {p for p, at in pairs[3].items() if begins <= at < ends}
        found = {(e["new"]["a"], e["new"]["b"]) for of in ("both", "only_new") for e in c["examples"][of]}
        assert old and old <= found <= {p for p, at in pairs[2].items() if begins <= at < ends}, "with rows of before"
        got = told(server)
        assert {p for p, at in pairs[3].items()} <= set(got), "each is told"
        assert {p for p, v in got.items() if v == 2} <= {p for p, at in pairs[2].items() if at >= ends}
        assert {p for p, at in pairs[3].items() if at >= ends} <= {p for p, v in got.items() if v == 2}


def test_after_it_became_the_active_one_there_is_a_way_back_and_another_may_run_beside(tmp_path):
    with Server(tmp_path, "--checkpoint-interval", "300") as server:
        made(server, new=WIDER)
        post(server, "/rules/r:activate", {"version": 2, "state": "own"}, 409)
        post(server, "/rules/r:shadow", {"version": 2, "state": "own"}, 422)
        post(server, "/rules/r:shadow", {"version": 2})
        rows = events(1500)
        feed(server, rows[:500])
        assert post(server, "/rules/r:activate", {"version": 2})["version"] == 2
        feed(server, rows[500:800])
        until("it has gone", lambda: server.get("/rules/r")["trial"] is None)
        assert post(server, "/rules/r:rollback", {"state": "keep"})["version"] == 3
        feed(server, rows[800:1000])
        until("its state is needed no more", lambda: server.post("/rules/r:shadow", {"version": 2}).status_code == 200)
        feed(server, rows[1000:])
        server.finish("t")
        server.settled()
        got = told(server)
        times = {r["id"]: r["ts"] for r in rows}
        assert {v for p, v in got.items()} == {1, 2, 3}
        assert min(times[b] for (a, b), v in got.items() if v == 3) > max(times[b] for (a, b), v in got.items() if v == 2)


def test_it_may_begin_without_state(tmp_path):
    with Server(tmp_path) as server:
        made(server)
        feed(server, [{"id": 1, "k": "a", "v": 1, "ts": T0}, {"id": 2, "k": "b", "v": 1, "ts": T0 + 100}])
        trial = post(server, "/rules/r:shadow", {"version": 2, "state": "reset"})["trial"]
        assert trial["copied"] is False and "handover" not in trial
        post(server, "/rules/r:discard", {})
        post(server, "/rules/r:shadow", {"version": 2, "state": "perhaps"}, 422)
        feed(server, [{"id": 3, "k": "a", "v": 3, "ts": T0 + 20000}])
        server.finish("t")
        server.settled()
        assert told(server) == {(1, 3): 1}
        assert server.get("/rules/r/comparison")["counts"] == {"only_old": 0, "both": 0, "only_new": 0}


def test_what_cannot_run_side_by_side_is_refused(tmp_path):
    with Server(tmp_path) as server:
        made(server)
        post(server, "/rules/r:shadow", {"version": 9}, 404)
        post(server, "/rules/r:shadow", {"version": 1}, 409)
        post(server, "/rules/r:shadow", {}, 422)
        post(server, "/rules/r:discard", {}, 409)
        post(server, "/rules/r:activate", {"version": 2, "rollout_percent": 101}, 422)
        assert requests.get(f"{server.url}/api/v1/rules/r/comparison", timeout=10).status_code == 404
        other = post(server, "/rules/r/versions", {"sql": NEW.replace("PARTITION BY k", "PARTITION BY v")}, 201)["version"]
        said = post(server, "/rules/r:activate", {"version": other, "rollout_percent": 10}, 409)
        assert "other keys" in json.dumps(said)
        post(server, "/rules/r:shadow", {"version": other})
        post(server, "/rules/r:shadow", {"version": 2}, 409)
        post(server, "/rules/r:discard", {})
        post(server, "/rules", {"sql": "CREATE RULE reader AS SELECT a FROM r"}, 201)
        assert "reader" in json.dumps(post(server, "/rules/r:activate", {"version": 2, "rollout_percent": 10}, 409))
        post(server, "/rules/r:shadow", {"version": 2})
        post(server, "/rules/r:pause", {})
        post(server, "/rules/r:resume", {})
        assert server.get("/rules/r")["trial"]["version"] == 2


@pytest.mark.parametrize("workers", (1, 3))
def test_each_key_is_of_one_version_while_the_share_grows_through_crashes(tmp_path, workers):
    rows = events(4000, keys=60, seed=workers)
    with Server(tmp_path, workers=workers) as server:
        made(server)
        shares = [20, 20, 60, 60, 0, 60, 60, 100]
        changes = []
        for n, percent in enumerate(shares):
            if n == 0 or percent != shares[n - 1]:
                how = {"version": 2, "rollout_percent": percent}
                if percent == 100:
                    assert post(server, "/rules/r:activate", how)["version"] == 2, "all keys: it is the active one"
                elif percent == 0:
                    assert post(server, "/rules/r:shadow", {"version": 2})["trial"]["rollout_percent"] == 0
                else:
                    assert post(server, "/rules/r:activate", how)["trial"]["rollout_percent"] == percent
                changes.append(percent)
            feed(server, rows[500 * n: 500 * (n + 1)])
            if n in (1, 4, 6):
                server.kill_worker(0)
        server.finish("t")
        server.settled()
        c = server.get("/rules/r/comparison?limit=0")
        until("it has gone", lambda: server.get("/rules/r")["trial"] is None)
        got = told(server)
    assert [s["percent"] for s in c["shares"]] == changes[:-1]
    old, new = evaluated(tmp_path, OLD, rows), evaluated(tmp_path, NEW, rows)
    cuts = [(ms(s["from"]) if s["from"] else 0, s["percent"]) for s in c["shares"]]
    end = ms(c["to"])
    key_of = {r["id"]: r["k"] for r in rows}
    versions = {}  # (key, cut): which versions
    for pair in old.keys() | new.keys():
        time = old.get(pair, new.get(pair))
        if time >= end:
            continue
        at = max((i for i, (w, _) in enumerate(cuts) if w <= time), default=None)
        by = got.get(pair)
        if by is not None:
            versions.setdefault((key_of[pair[0]], at), set()).add(by)
            assert pair in (old if by == 1 else new)
    assert all(len(v) == 1 for v in versions.values()), "each key is of one version at a time"
    for (key, at), which in versions.items():  # nothing is missing of the version that a key is of
        version = next(iter(which))
        want = {p for p, t in (old if version == 1 else new).items() if key_of[p[0]] == key and t < end
                and max((i for i, (w, _) in enumerate(cuts) if w <= t), default=None) == at}
        assert want == {p for p in want if got.get(p) == version}
    first = {k: next(iter(v)) for (k, at), v in versions.items() if at == 0}
    second = {k: next(iter(v)) for (k, at), v in versions.items() if at == 1}
    assert 1 < sum(v == 2 for v in first.values()) < len(first) / 2
    assert all(second.get(k, 2) == 2 for k, v in first.items() if v == 2), "a share that grows keeps the keys it had"
    assert sum(v == 2 for v in second.values()) > sum(v == 2 for v in first.values())
    assert {v for (k, at), vs in versions.items() for v in vs if cuts[at or 0][1] == 0} == {1}


def test_a_shadow_goes_on_after_the_server_was_killed(tmp_path):
    rows = events(2000)
    with Server(tmp_path) as server:
        made(server)
        post(server, "/rules/r:shadow", {"version": 2})
        feed(server, rows[:1000])
        server.kill()
        server.start()
        assert server.get("/rules/r")["trial"]["state"] == "shadow"
        feed(server, rows[1000:])
        server.finish("t")
        server.settled()
        old, new = evaluated(tmp_path, OLD, rows), evaluated(tmp_path, NEW, rows)
        c = server.get("/rules/r/comparison")
        assert c["counts"] == {"only_old": len(old.keys() - new.keys()), "both": len(old.keys() & new.keys()),
                               "only_new": len(new.keys() - old.keys())}
        assert told(server) == {pair: 1 for pair in old}


def test_precision_of_both_is_told_from_labels(tmp_path):
    rows = events(2000)
    with Server(tmp_path) as server:
        made(server)
        post(server, "/rules/r:activate", {"version": 2, "rollout_percent": 50})
        feed(server, rows)
        server.finish("t")
        server.settled()
        for n, alert in enumerate(server.pages("/alerts")):
            label = "fraud" if alert["version"] == 2 or n % 2 else "legit"
            answer = patch(server, f"/alerts/{alert['id']}", {"label": label, "by": "ben"})
            assert answer.status_code == 200 and answer.json()["label"] == label
        arms = server.get("/rules/r/comparison")["arms"]
        assert arms[1]["precision"] == 1 and 0.3 < arms[0]["precision"] < 0.7
        assert all(a["fraud"] + a["legit"] == a["told"] > 20 for a in arms)
        assert patch(server, "/alerts/nobody", {"label": "fraud"}).status_code == 404
        assert patch(server, f"/alerts/{alert['id']}", {"label": "perhaps"}).status_code == 422


def test_sums_stay_when_results_are_let_go(tmp_path):
    rows = events(3000)
    with Server(tmp_path, "--trial-results", "100") as server:
        made(server)
        post(server, "/rules/r:shadow", {"version": 2})
        for n in range(6):
            feed(server, rows[n * 500: (n + 1) * 500])
        server.finish("t")
        server.settled()
        old, new = evaluated(tmp_path, OLD, rows), evaluated(tmp_path, NEW, rows)
        c = server.get("/rules/r/comparison?limit=500")
        assert sum(c["counts"].values()) >= len(old.keys() | new.keys())
        assert c["counts"]["both"] > 0.8 * len(old.keys() & new.keys())
        assert sum(len(e) for e in c["examples"].values()) < 700


def test_what_runs_beside_a_rule_of_a_statement_is_no_rule_for_backtests_readers_and_restarts(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        post(server, "/rules", {"sql": f"CREATE RULE r AS {OLD}"}, 201)
        post(server, "/rules/r/versions", {"sql": f"CREATE OR REPLACE RULE r AS {NEW}"}, 201)
        post(server, "/rules/r:shadow", {"version": 2})
        rows = events(500)
        feed(server, rows)
        server.kill()
        server.start()
        post(server, "/rules", {"name": "reader", "sql": 'SELECT a FROM "r@2"'}, 422)
        for path in ("/rules/r@2", "/rules/r@2/versions"):
            assert requests.get(f"{server.url}/api/v1{path}", timeout=10).status_code == 404
        made = post(server, "/backtests", {"rule": "r", "version": 2}, 202)
        until("the backtest is done", lambda: server.get(f"/backtests/{made['id']}")["state"] not in ("queued", "running"))
        assert server.get(f"/backtests/{made['id']}")["state"] == "done", server.get(f"/backtests/{made['id']}")
        server.finish("t")
        server.settled()
        assert told(server) == {pair: 1 for pair in evaluated(tmp_path, OLD, rows)}
