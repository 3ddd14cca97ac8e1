# SPDX-License-Identifier: Apache-2.0
"""What a running rule knows of its keys: partial matches, windows, frames, rows that wait for partners."""
import json

from weirserver import Server, until

STREAM = """CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)"""
T0 = 1700000000000
PATTERN = ("SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS a ONE ROW PER MATCH"
           " AFTER MATCH NO SKIP PATTERN (A -> B -> C) WITHIN INTERVAL '60' SECOND DEFINE A AS v = 1, B AS v = 2, C AS v = 3)")
WINDOW = ("SELECT k, COUNT(*) AS n, SUM(v) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
          " GROUP BY k, window_start, window_end HAVING COUNT(*) >= 7")
OVER = ("SELECT id, k, SUM(v) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW)"
        " AS s FROM t")
JOIN = ("SELECT a.id AS x, b.id AS y FROM t AS a JOIN t AS b ON a.k = b.k AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '20' SECOND"
        " AND b.v = 9")


def rows(*values, first=0, key="x"):
    return [{"id": first + i, "k": key, "v": v, "ts": T0 + 1000 * (first + i)} for i, v in enumerate(values)]


def feed(server, events):
    server.post_lines([json.dumps(r).encode() + b"\n" for r in events], stream="t")


def one(server, path):
    answer = server.get(path)
    assert len(answer["data"]) == 1 and not answer["page"]["has_more"], answer
    return answer["data"][0]


def test_partial_matches_windows_frames_and_rows_of_joins_are_shown_by_key(tmp_path):
    with Server(tmp_path, workers=2) as server:
        server.create(stream=STREAM)
        for name, sql in {"p": PATTERN, "w": WINDOW, "o": OVER, "j": JOIN}.items():
            answer = server.post("/rules", {"name": name, "sql": sql})
            assert answer.status_code == 201, answer.text
        feed(server, rows(1, 7, 2, 7, 1, 7, 7))
        feed(server, [{"id": 90 + i, "k": f"k{i}", "v": 1, "ts": T0 + 6000} for i in range(50)])
        feed(server, [{"id": 200, "k": "last", "v": 0, "ts": T0 + 12000}])
        until("the keys are there", lambda: server.get("/rules/p")["partials"] == 52)

        x = one(server, "/rules/p/partials?key=x")
        assert x["key"] == {"k": "x"} and x["more"] == 0
        first, second = x["partials"]
        assert [r["variable"] for r in first["rows"]] == ["A", "B"] and first["waits_for"] == ["C"]
        assert [(r["offset"], r["values"]["id"]) for r in first["rows"]] == [(0, 0), (2, 2)]
        assert (first["age_ms"], first["left_ms"]) == (11000, 49000)
        assert second["at"] == "A" and second["waits_for"] == ["B"]
        assert one(server, "/rules/p/partials?key=%7B%22k%22%3A%22k7%22%7D")["key"] == {"k": "k7"}
        assert server.get("/rules/p/partials?key=nobody")["data"] == []

        found, after = [], ""
        while after is not None:
            page = server.get(f"/rules/p/partials?limit=7{after and '&after=' + after}")
            found += [d["key"]["k"] for d in page["data"]]
            assert len(page["data"]) <= 7
            after = page["page"]["next"]
        assert sorted(found) == sorted(["x"] + [f"k{i}" for i in range(50)])
        assert [d["key"]["k"] for d in server.get("/rules/p/partials?state=B")["data"]] == ["x"]
        assert [d["key"]["k"] for d in server.get("/rules/p/partials?older_than=6&limit=200")["data"]] == ["x"]

        w = one(server, "/rules/w/state?key=x")["windows"]
        assert [(a["aggregate"], a["value"]) for a in w[0]["aggregates"]] == [("COUNT(*)", 7), ("SUM(v)", 32)] and w[0]["having"]
        assert not one(server, "/rules/w/state?key=k3")["windows"][0]["having"], "one row is not enough yet"
        o = one(server, "/rules/o/state?key=x")
        assert o["rows"] == 7 and o["frames"] == [{"call": "SUM(v)", "rows": 7, "value": 32}]
        left, right = one(server, "/rules/j/state?key=x")["sides"]
        assert [r["values"]["id"] for r in left["rows"]] == list(range(7)) and right["rows"] == []

        assert server.get("/rules/p")["partials"] == 52, "nothing has changed by being looked at"
        feed(server, rows(3, first=20))
        feed(server, [{"id": 300, "k": "last", "v": 0, "ts": T0 + 30000}])
        until("it matches", lambda: server.alerts_by_rule().get("p") == 1)
        assert [p["at"] for p in one(server, "/rules/p/partials?key=x")["partials"]] == ["A"]


def test_what_cannot_be_shown_is_refused_with_a_sentence(tmp_path):
    with Server(tmp_path, workers=1) as server:
        server.create(stream=STREAM)
        for name, sql in {"p": PATTERN, "w": WINDOW, "f": "SELECT id FROM t WHERE v > 100"}.items():
            assert server.post("/rules", {"name": name, "sql": sql}).status_code == 201

        def refused(path, status, text):
            answer = server.session.get(server.url + "/api/v1" + path, timeout=30)
            assert answer.status_code == status and text in answer.json()["detail"], answer.text

        refused("/rules/f/state", 409, "keeps nothing by key")
        refused("/rules/w/partials", 409, "is no pattern")
        refused("/rules/w/state?state=A", 400, "are of patterns")
        refused("/rules/p/partials?state=Z", 400, "no variable 'Z'")
        refused("/rules/p/partials?key=%7B%22card%22%3A1%7D", 400, 'the key of rule p is {"k": …}')
        refused("/rules/p/partials?after=x", 400, "no place in a list")
        refused("/rules/q/partials", 404, "no rule")


def test_a_key_that_has_left_memory_is_shown_too(tmp_path):
    with Server(tmp_path, "--state-backend", "rocksdb", "--memory-state", "2 MiB", workers=1) as server:
        server.create(stream=STREAM)
        assert server.post("/rules", {"name": "p", "sql": PATTERN.replace("'60' SECOND", "'60' MINUTE")}).status_code == 201
        feed(server, [{"id": i, "k": f"key-{i}", "v": 1, "ts": T0 + i // 10} for i in range(30000)])
        feed(server, [{"id": 0, "k": "last", "v": 0, "ts": T0 + 10000}])
        assert server.post("/checkpoints").status_code == 201
        until("keys have left memory", lambda: server.get("/rules/p/state?limit=1")["out_of_memory"] > 1000)
        for i in (0, 17, 15000, 29999):
            assert one(server, f"/rules/p/partials?key=key-{i}")["partials"][0]["rows"][0]["values"]["id"] == i
