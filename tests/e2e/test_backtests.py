# SPDX-License-Identifier: Apache-2.0
"""Backtests on a running server: the same ids as live, several values in one pass, labels, ranges, files, the queue."""
import json
import random

import pytest
from weirserver import Server, is_running, until

STREAM = """CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, fraud BOOLEAN, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('partitions'='2')"""
BEGIN = 1772000000000  # ms
PATTERN = ("SELECT k, a, total FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS a, SUM(B.v) AS total"
           " ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A -> B -> C) WITHIN INTERVAL '1' MINUTE"
           " DEFINE A AS v < 3, B AS v > 5, C AS v > B.v)")
WINDOW = ("SELECT k, window_start, COUNT(*) AS n, SUM(v) AS total FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
          " GROUP BY k, window_start, window_end HAVING COUNT(*) > 4")
FILTER = "SELECT id, v FROM t WHERE v > :limit AND k <> ':limit'"
FOUND = "SELECT k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(rowtime), INTERVAL '5' MINUTE)) GROUP BY k, window_start, window_end"


def events(n, seed=7):
    """Disordered, some of them late; in two partitions."""
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        ts = BEGIN + 1000 * i - rng.choice([0, 0, 0, 1500, 1500, 1900, 30000])
        rows.append({"id": i, "k": f"c{rng.randrange(20)}", "v": rng.randrange(10), "fraud": rng.random() < 0.05, "ts": ts})
    return rows


def lines(rows):
    return [json.dumps(r).encode() + b"\n" for r in rows]


def feed(server, rows):
    server.post_lines(lines(rows[0::2]), partition=0, stream="t")
    server.post_lines(lines(rows[1::2]), partition=1, stream="t")


def ended(server, answer):
    assert answer.status_code == 202, answer.text
    where = answer.headers["location"].removeprefix("/api/v1")
    return until("the backtest ends", lambda: (b := server.get(where))["state"] not in ("queued", "running") and b)


def backtest(server, **request):
    b = ended(server, server.post("/backtests", request))
    assert b["state"] == "done", b
    return b


def paged(server, b, path, **query):
    query = "".join(f"&{k}={v}" for k, v in query.items())
    found, after = [], ""
    while True:
        page = server.get(f"/backtests/{b['id']}/{path}?limit=7{query}{after}")
        found += page["data"]
        if not page["page"]["has_more"]:
            return found
        after = f"&after={page['page']['next']}"


def rule(server, name, sql):
    answer = server.post("/rules", {"name": name, "sql": sql})
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """Three rules, and one over what the first finds; events that all have been worked off."""
    with Server(tmp_path_factory.mktemp("backtests")) as server:
        server.create(stream=STREAM)
        rule(server, "p", PATTERN)
        rule(server, "w", WINDOW)
        rule(server, "f", FILTER.replace(":limit", "8"))
        rule(server, "q", FOUND)
        feed(server, events(6000))
        server.finish("t")
        server.settled()
        yield server


def ids_of(server, name):
    return {a["id"]: a for a in server.pages("/alerts") if a["rule"] == name}


@pytest.mark.parametrize("name", ["p", "w", "f", "q"])
def test_the_live_text_over_the_same_log_gives_the_ids_of_live(live, name):
    b = backtest(live, rule=name)
    v, told = b["result"]["variants"][0], ids_of(live, name)
    assert told and b["result"]["events"] >= 6000 and b["result"]["compared_with"] == "live"
    assert (v["only_new"]["alerts"], v["both"]["alerts"], v["only_old"]["alerts"]) == (0, len(told), 0)
    found = {a["id"]: a for a in paged(live, b, "alerts")}
    assert found.keys() == told.keys()
    assert all(found[i]["row"] == told[i]["row"] and found[i]["time"] == told[i]["time"] for i in told)
    assert {a["id"] for a in paged(live, b, "diff", side="both")} == told.keys()


def test_a_range_compares_what_both_told_in_it(live):
    first, last = BEGIN + 1000_000, BEGIN + 3000_000
    b = backtest(live, rule="w", **{"from": first, "to": last})
    v = b["result"]["variants"][0]
    assert b["result"]["events"] < 5500, "it stops behind the range, and begins before it"
    # The windows that begin before the range lack rows; all others are those of live.
    assert v["only_new"]["alerts"] == 0 and v["both"]["alerts"] > 20
    assert all(a["time"] < "2026-02-25T06:32" for a in paged(live, b, "diff", side="only_old")), "only at its beginning"
    warm = backtest(live, rule="w", warm_up="2 min", **{"from": first, "to": last})["result"]["variants"][0]
    assert (warm["only_new"]["alerts"], warm["only_old"]["alerts"]) == (0, 0)
    assert warm["both"]["alerts"] == v["both"]["alerts"] + v["only_old"]["alerts"]


def test_several_values_are_one_pass_with_labels_and_sums(live):
    rows = events(6000)
    b = backtest(live, rule="f", sql=FILTER, parameters={"limit": [6, 8, 9]}, label="fraud", sum="v")
    result = b["result"]
    assert result["labels"] == sum(r["fraud"] for r in rows) and result["events"] == 6000
    for limit, v in zip([6, 8, 9], result["variants"], strict=True):
        told = [r for r in rows if r["v"] > limit]
        right = sum(r["fraud"] for r in told)
        assert v["parameters"] == {"limit": limit} and v["alerts"] == len(told)
        assert v["sum"] == sum(r["v"] for r in told)
        if not told:
            assert v["quality"]["precision"] is None and v["quality"]["recall"] == 0
            continue
        assert v["quality"]["precision"] == pytest.approx(right / len(told))
        assert v["quality"]["recall"] == pytest.approx(right / result["labels"])
        assert sum(d["new"] for d in v["by_day"]) == sum(h["new"] for h in v["by_hour"]) == len(told)
        assert sum(d["old"] for d in v["by_day"]) == result["old"]["alerts"]
    six, eight, nine = result["variants"]
    assert (eight["only_new"]["alerts"], eight["only_old"]["alerts"]) == (0, 0)
    assert six["only_new"]["alerts"] == six["alerts"] - eight["alerts"] and nine["only_old"]["alerts"] == eight["alerts"]
    assert {a["label"] for a in paged(live, b, "alerts", variant=1)} == {True, False}


@pytest.mark.parametrize("label", ["fraud", None])
def test_alerts_are_counted_by_what_stands_in_their_columns(live, label):
    rows = [r for r in events(6000)]
    sql = "SELECT id, k, v, MOD(id, 2) AS half FROM t WHERE v > :limit"
    told = {limit: [r for r in rows if r["v"] > limit] for limit in (6, 8)}
    b = backtest(live, rule="f", sql=sql, parameters={"limit": [6, 8]}, sum="v", segments=["HALF", "v"], **({"label": label} if label else {}))
    for v, limit in zip(b["result"]["variants"], told, strict=True):
        want = {}
        for r in told[limit]:
            want.setdefault((r["id"] % 2, r["v"]), []).append(r)
        assert {(s["values"]["HALF"], s["values"]["v"]): (s["new"], s["new_sum"]) for s in v["segments"] if s["new"]} == \
               {k: (len(of), sum(r["v"] for r in of)) for k, of in want.items()}
        assert v["segments_left_out"] == 0
        assert [max(s["new"], s["old"]) for s in v["segments"]] == sorted((max(s["new"], s["old"]) for s in v["segments"]), reverse=True)
        # Live told of `v` alone: what its alerts do not have is null.
        assert sum(s["old"] for s in v["segments"]) == b["result"]["old"]["alerts"]
        assert {s["values"]["HALF"] for s in v["segments"] if s["old"]} == {None}
        if label:
            right = sum(r["v"] for r in told[limit] if r["fraud"])
            assert (v["quality"]["true_sum"], v["quality"]["false_sum"]) == (right, v["sum"] - right)
            assert {(s["values"]["HALF"], s["values"]["v"]): s["true_alerts"] for s in v["segments"] if s["new"]} == \
                   {k: sum(r["fraud"] for r in of) for k, of in want.items()}
    most = backtest(live, rule="f", sql=sql, parameters={"limit": [-1]}, segments=["id"])["result"]["variants"][0]
    assert (len(most["segments"]), most["segments_left_out"]) == (100, 5900)


def test_windows_catch_what_is_labelled_in_them(live):
    rows = events(6000)
    b = backtest(live, rule="w", label={"column": "fraud", "value": "true"})
    quality = b["result"]["variants"][0]["quality"]
    spans = [(a["key"]["k"], a["row"]["window_start"]) for a in ids_of(live, "w").values()]
    assert quality["true_alerts"] + quality["false_alerts"] == len(spans)
    assert 0 < quality["caught"] < sum(r["fraud"] for r in rows) and quality["precision"] > 0


def test_what_people_said_of_alerts_judges_variants(live):
    told = ids_of(live, "f")
    calls = {i: "fraud" if a["row"]["id"] % 3 else "legit" for i, a in list(told.items())[:50]}
    for i, label in calls.items():
        assert live.session.patch(f"{live.url}/api/v1/alerts/{i}", json={"label": label}, timeout=9).status_code == 200
    b = backtest(live, rule="f", sql=FILTER + " AND MOD(id, 2) = :half", parameters={"limit": [8], "half": [0, 1]})
    fraud = [told[i]["row"]["id"] for i, label in calls.items() if label == "fraud"]
    legit = [told[i]["row"]["id"] for i, label in calls.items() if label == "legit"]
    assert b["result"]["judged"] == 50 and b["result"]["labels"] is None
    assert b["result"]["old"]["quality"]["recall"] == 1
    for v in b["result"]["variants"]:
        right, wrong = (sum(i % 2 == v["parameters"]["half"] for i in ids) for ids in (fraud, legit))
        assert (v["quality"]["true_alerts"], v["quality"]["false_alerts"], v["quality"]["missed"]) == (right, wrong, len(fraud) - right)


def test_a_text_is_compared_with_a_version(live):
    b = backtest(live, rule="p", sql=PATTERN.replace("v < 3", "v < :low"), baseline_version=1,
                 parameters={"low": [2, 3]})
    assert b["result"]["compared_with"] == "baseline"
    two, three = b["result"]["variants"]
    assert (three["only_new"]["alerts"], three["only_old"]["alerts"]) == (0, 0)
    assert two["only_old"]["alerts"] > 0
    assert {a["id"] for a in paged(live, b, "alerts", variant=1)} == ids_of(live, "p").keys()


def test_a_file_in_place_of_the_log(live, tmp_path):
    rows = [{"id": i, "k": "x", "v": v, "ts": BEGIN + 1000 * i} for i, v in enumerate([1, 6, 7, 0, 7, 9])]
    (tmp_path / "day.jsonl").write_bytes(b"".join(lines(rows)) + b"not json\n")
    b = backtest(live, sql=PATTERN, files=[{"stream": "t", "path": str(tmp_path / "day.jsonl")}])
    result = b["result"]
    assert (result["events"], result["bad_events"], result["compared_with"], result["old"]) == (6, 1, None, None)
    assert [a["row"]["total"] for a in paged(live, b, "alerts")] == [6, 7]


@pytest.mark.parametrize(("request_", "status", "says"), [
    ({}, 422, "name a rule"),
    ({"rule": "none"}, 404, "no rule"),
    ({"rule": "f", "sql": FILTER}, 422, ":limit has no values"),
    ({"rule": "f", "parameters": {"limit": [1]}}, 422, "does not name parameter :limit"),
    ({"rule": "f", "sql": FILTER, "parameters": {"limit": list(range(65))}}, 422, "more than 64"),
    ({"rule": "f", "sql": "SELECT nothing FROM t"}, 422, "nothing"),
    ({"rule": "f", "version": 9}, 404, "version 9"),
    ({"rule": "f", "label": "none"}, 422, "column 'none'"),
    ({"rule": "f", "sum": "none"}, 422, "column 'none'"),
    ({"rule": "f", "segments": ["none"]}, 422, "column 'none'"),
    ({"rule": "f", "segments": []}, 422, "one to three"),
    ({"rule": "f", "segments": ["id", "ID"]}, 422, "different"),
    ({"rule": "f", "segments": ["id", "v", "k", "x"]}, 422, "one to three"),
    ({"rule": "f", "segments": [1]}, 422, "one to three"),
    ({"rule": "f", "from": 5, "to": 4}, 422, "after 'from'"),
    ({"rule": "f", "from": "soon"}, 422, "'from'"),
    ({"rule": "f", "start": "none"}, 404, "none"),
    ({"sql": FILTER, "start": "none"}, 422, "a savepoint only where"),
    ({"rule": "f", "start": "none", "warm_up": "1 h"}, 422, "only without"),
    ({"rule": "f", "bogus": 1}, 422, "bogus"),
])
def test_what_is_wrong_is_said_at_once(live, request_, status, says):
    answer = live.post("/backtests", request_)
    assert answer.status_code == status and says in answer.text, answer.text


def test_a_run_that_needs_too_much_or_names_what_is_not_there_fails(live):
    b = ended(live, live.post("/backtests", {"rule": "f", "files": [{"stream": "t", "path": "/nowhere/x"}]}))
    assert b["state"] == "failed" and "/nowhere/x" in b["error"], b


def test_too_many_alerts_and_too_much_memory_end_a_run(tmp_path):
    with Server(tmp_path, "--backtest-max-alerts", "100", "--backtest-memory", "32MiB", workers=1) as server:
        server.create(stream=STREAM)
        rule(server, "f", FILTER.replace(":limit", "8"))
        feed(server, events(3000))
        b = ended(server, server.post("/backtests", {"rule": "f"}))
        assert b["state"] == "failed" and "more alerts" in b["error"], b
        row = '{"id": %d, "k": "a text that takes some room, since every row of it is kept", "v": 1, "ts": %d}\n'
        (tmp_path / "many.jsonl").write_text("".join(row % (i, BEGIN + i) for i in range(100_000)))
        b = ended(server, server.post("/backtests", {"sql": WIDE, "files": [{"stream": "t", "path": str(tmp_path / "many.jsonl")}]}))
        assert b["state"] == "failed" and "more than 32 MiB" in b["error"], b
        assert server.metric("weir_backtests_failed_total") == 2


# Keeps every row twice for a day.
WIDE = ("SELECT a.id, b.k FROM t AS a JOIN t AS b ON a.id = b.id + 100000 AND a.ts BETWEEN b.ts AND b.ts + INTERVAL '24' HOUR")
SLOW = ("SELECT a.id FROM t AS a JOIN t AS b ON a.v = b.v AND a.ts BETWEEN b.ts - INTERVAL '1' HOUR AND b.ts"
        " WHERE a.id + b.id < 0")


LONG = PATTERN.replace("'1' MINUTE", "'30' MINUTE")


def found_in(server, b, variant=0):
    return sorted(a["id"] for side in ("only_new", "both") for a in paged(server, b, "diff", variant=variant, side=side))


def test_time_travel_from_a_savepoint(tmp_path):
    rows = events(4000)
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        for name, sql in (("p", LONG), ("w", WINDOW), ("f", FILTER.replace(":limit", "8"))):
            rule(server, name, sql)
        feed(server, rows[:2000])
        until("all is taken", lambda: all(p["taken"] == p["end"] for p in server.get("/watermarks")["data"]))
        made = server.post("/savepoints", {"name": "before"})
        assert made.status_code == 201, made.text
        feed(server, rows[2000:])
        server.finish("t")
        server.settled()
        for name in ("p", "w", "f"):
            b = backtest(server, rule=name, start="before")
            v, result = b["result"]["variants"][0], b["result"]
            assert 1990 <= result["events"] <= 2010, "it reads on where the savepoint was"
            assert (v["only_new"]["alerts"], v["only_old"]["alerts"]) == (0, 0), name
            assert v["both"]["alerts"] > 20
        # Without what the savepoint knows, matches that had begun are not found.
        first = min(a["time"] for a in paged(server, backtest(server, rule="p", start="before"), "alerts"))
        empty = backtest(server, rule="p", **{"from": first})["result"]["variants"][0]
        assert empty["only_old"]["alerts"] > 0
        # Another text takes over what the old one had begun.
        other = backtest(server, rule="p", sql=LONG.replace("C AS v > B.v", "C AS v > B.v + :more"), parameters={"more": [0]}, start="before")
        v = other["result"]["variants"][0]
        assert (v["only_new"]["alerts"], v["only_old"]["alerts"]) == (0, 0)
        # Several texts, each with a copy of what the old one had begun: each as if it were alone.
        texts = {more: LONG.replace("C AS v > B.v", f"C AS v > B.v + {more}") for more in (0, 1, 2)}
        alone = {more: found_in(server, backtest(server, rule="p", sql=sql, start="before")) for more, sql in texts.items()}
        many = backtest(server, rule="p", sql=LONG.replace("C AS v > B.v", "C AS v > B.v + :more"), parameters={"more": [0, 1, 2]}, start="before")
        assert {more: found_in(server, many, variant=more) for more in texts} == alone
        assert len({len(a) for a in alone.values()}) == 3
        v = many["result"]["variants"]
        assert (v[0]["only_new"]["alerts"], v[0]["only_old"]["alerts"]) == (0, 0)
        # Beside another version, which begins with it, too.
        assert server.post("/rules/p/versions", {"sql": texts[2]}).status_code == 201
        beside = backtest(server, rule="p", version=1, baseline_version=2, start="before")
        sides = beside["result"]["variants"][0]
        assert (sides["both"]["alerts"] + sides["only_new"]["alerts"], sides["both"]["alerts"] + sides["only_old"]["alerts"]) == (len(alone[0]), len(alone[2]))
        rule(server, "late", LONG)
        b = ended(server, server.post("/backtests", {"rule": "late", "start": "before"}))
        assert b["state"] == "failed" and "knows nothing of rule late" in b["error"], b


def test_they_wait_are_cancelled_and_outlive_the_server(tmp_path):
    with Server(tmp_path, "--backtest-queue", "2", workers=1) as server:
        server.create(stream=STREAM)
        rule(server, "f", FILTER.replace(":limit", "8"))
        feed(server, events(20000))
        ids = [server.post("/backtests", {"rule": "f", "sql": SLOW}).json()["id"]]
        until("it runs", lambda: server.get(f"/backtests/{ids[0]}")["state"] == "running")
        ids += [server.post("/backtests", {"rule": "f"}).json()["id"] for _ in range(2)]
        assert server.post("/backtests", {"rule": "f"}).status_code == 409, "the queue is full"
        assert server.get(f"/backtests/{ids[2]}")["progress"]["ahead"] == 2
        assert server.metric("weir_backtests_waiting") == 2
        answer = server.session.delete(f"{server.url}/api/v1/backtests/{ids[1]}", timeout=9)
        assert answer.status_code == 202, answer.text
        until("it is cancelled", lambda: server.get(f"/backtests/{ids[1]}")["state"] == "cancelled")
        server.kill()
        server.start()
        cut = server.get(f"/backtests/{ids[0]}")
        assert cut["state"] == "failed" and "server ended while it ran" in cut["error"]
        until("what waited has run", lambda: server.get(f"/backtests/{ids[2]}")["state"] == "done")
        again = server.post("/backtests", {"rule": "f", "sql": SLOW}).json()["id"]
        until("it runs", lambda: server.get(f"/backtests/{again}")["state"] == "running")
        server.session.delete(f"{server.url}/api/v1/backtests/{again}", timeout=9)
        until("it is cancelled", lambda: server.get(f"/backtests/{again}")["state"] == "cancelled")
        assert [b["state"] for b in server.get("/backtests?rule=f")["data"]] == ["cancelled", "done", "cancelled", "failed"]
        assert server.session.delete(f"{server.url}/api/v1/backtests/{ids[0]}", timeout=9).status_code == 204
        assert server.session.get(f"{server.url}/api/v1/backtests/{ids[0]}", timeout=9).status_code == 404
        assert not (server.data / "backtests" / ids[0][4:]).exists()
        assert not list((server.data / "backtests").glob("*/log"))
