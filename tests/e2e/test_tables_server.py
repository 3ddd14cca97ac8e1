# SPDX-License-Identifier: Apache-2.0
"""Look-ups in tables of databases on a running server: what other rules see meanwhile, who waits for whom, whoever is killed, changed
or slow. The slow database is a view behind an advisory lock: it answers when the test lets it."""
import concurrent.futures
import contextlib
import json
import subprocess

import pytest
from conftest import Api
from pgserver import running_postgres  # noqa: F401 pylint: disable=unused-import
from test_tables import COLUMNS, PEOPLE, Postgresql, Sqlite, database, events, table  # noqa: F401 pylint: disable=unused-import
from weirserver import Server, until

STREAM = """CREATE STREAM payments (id STRING NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING, amount BIGINT,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('partitions'='2')"""
SEEN = "(SELECT p.*, c.household, c.level FROM payments AS p JOIN customers FOR SYSTEM_TIME AS OF p.ts AS c ON c.card = p.card)"
RULES = [
    """CREATE RULE rich AS SELECT p.id, c.level, c.household FROM payments AS p JOIN customers FOR SYSTEM_TIME AS OF p.ts AS c
         ON c.card = p.card WHERE p.amount > 980""",
    f"""CREATE RULE busy AS SELECT household, window_start, COUNT(*) AS n, SUM(amount) AS s FROM TABLE(TUMBLE({SEEN}, DESCRIPTOR(ts),
         INTERVAL '10' SECOND)) GROUP BY household, window_start, window_end HAVING COUNT(*) > 14""",
    f"""CREATE RULE pair AS SELECT household, a, b FROM {SEEN} MATCH_RECOGNIZE (PARTITION BY household ORDER BY ts
         MEASURES A.id AS a, B.id AS b PATTERN (A -> B) WITHIN INTERVAL '5' SECOND DEFINE A AS amount < 20 AND level > 1, B AS amount > 960)""",
    """CREATE RULE plain AS SELECT id FROM payments WHERE amount > 995"""]


def create(server, *texts):
    for sql in texts:
        kind = sql.split()[1].lower() + "s"
        answer = server.post(f"/{kind}", {"sql": sql.rstrip(";")})
        assert answer.status_code == 201, answer.text


def lines_of(rows):
    return [json.dumps(r).encode() + b"\n" for r in rows]


def play(server, db, disturb, **options):
    create(server, STREAM, table(db, COLUMNS, **options), *RULES)
    rows = list(events(8000, seed=9))
    for at in range(0, len(rows), 1000):
        for p in (0, 1):
            server.post_lines(lines_of([r for r in rows[at:at + 1000] if r["amount"] % 2 == p]), partition=p)
        disturb(at)
    server.finish()
    return server.settled(), server.alert_ids()


@pytest.mark.parametrize("output", ["ordered", "unordered"])
def test_the_alerts_are_the_same_whoever_is_killed(db, tmp_path, output):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with Server(tmp_path / "a", workers=1) as server:
        undisturbed = play(server, db, lambda at: None, output=output)
    assert all(undisturbed[0][r] > 5 for r in ("rich", "busy", "pair", "plain")), undisturbed[0]
    with Server(tmp_path / "b", workers=3) as server:
        assert play(server, db, lambda at: server.kill_worker(at // 1000) if at in (1000, 4000, 5000) else None, output=output) == undisturbed
        # what an alert shows is the event itself, as of any rule over the stream
        alert = next(a for a in server.pages("/alerts") if a["rule"] == "rich")
        event = server.get(f"/alerts/{alert['id']}")["match"][0]["events"][0]
        assert event["stream"] == "payments" and event["event"]["id"] == alert["row"]["id"]


@contextlib.contextmanager
def held(postgres):
    """No row of the view `gated` comes before this ends."""
    with subprocess.Popen([postgres.bin / "psql", "-h", str(postgres.folder), "-p", str(postgres.port), "-U", "weir", "-d", "postgres", "-qAt"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        def say(text):
            session.stdin.write(text + "\n")
            session.stdin.flush()
            return session.stdout.readline()
        say("SELECT pg_advisory_lock(77);")
        try:
            yield
        finally:
            say("SELECT pg_advisory_unlock(77);")
            session.stdin.close()


@pytest.fixture(name="gated")
def gated_table(postgres):
    db = Postgresql(postgres)
    rows = ",".join(f"('c{i}', {i})" for i in range(50000))
    db.sql(f"""CREATE TABLE people (card text PRIMARY KEY, level integer); INSERT INTO people VALUES {rows};
      CREATE VIEW gated AS SELECT card, level FROM people WHERE pg_advisory_xact_lock_shared(77) IS NOT NULL;""")
    return db


GATED = "card STRING PRIMARY KEY, level BIGINT"
LEVEL = """CREATE RULE level AS SELECT p.id, c.level FROM payments AS p JOIN gated FOR SYSTEM_TIME AS OF p.ts AS c ON c.card = p.card"""
COUNT = """CREATE RULE count AS SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE((SELECT p.*, c.level FROM payments AS p
  JOIN gated FOR SYSTEM_TIME AS OF p.ts AS c ON c.card = p.card), DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end"""
PLAIN = "CREATE RULE plain AS SELECT id, card FROM payments WHERE amount = 1"


def figures(server):
    return server.get("/tables/gated")["figures"]


def some(n, first=0, card=lambda i: f"c{i}"):
    return lines_of({"id": f"e{i}", "ts": 10 * i, "card": card(i), "amount": i % 100} for i in range(first, first + n))


def test_a_slow_table_holds_nobody_up_but_who_waits_for_it(gated, postgres, tmp_path):
    with Server(tmp_path, workers=2) as server:
        create(server, STREAM, table(gated, GATED, "gated", timeout="60 s"), LEVEL, COUNT, PLAIN)
        with held(postgres):
            server.post_lines(some(500))
            until("the rule that does not look anything up has its alerts", lambda: server.alerts_by_rule()["plain"] == 5)
            until("all rows wait", lambda: figures(server)["waiting"] == 500)
            assert figures(server)["in_flight"] == 500, "each card is asked for once, and each row for both rules together"
            assert server.alerts_by_rule()["level"] == server.alerts_by_rule()["count"] == 0
            server.finish()
            until("the rows have been taken", lambda: server.get("/overview")["events_processed"] == 500)
            assert server.alerts_by_rule()["count"] == 0, "time does not pass rows that wait"
        assert server.settled() == {"level": 500, "count": 5, "plain": 5}
        assert figures(server)["waiting"] == figures(server)["in_flight"] == figures(server)["errors"] == 0
        text = server.session.get(server.url + "/metrics", timeout=30).text
        assert 'weir_lookup_keys_total{table="gated",worker=' in text and 'weir_lookup_rows_waiting{table="gated"' in text


def test_rows_beyond_the_capacity_stay_where_they_are(gated, postgres, tmp_path):
    with Server(tmp_path, "--max-backlog", "20000", workers=1) as server:
        create(server, STREAM, table(gated, GATED, "gated", timeout="60 s", capacity=2000, batch=50), LEVEL)
        with held(postgres):
            server.post_lines(some(15000))
            until("the worker takes no more", lambda: server.workers()[0]["waits_for"] == "lookups")
            now = figures(server)
            assert now["in_flight"] <= 2000 and 2000 <= now["waiting"] <= 2000 + 4 * 1024
            answer = None
            for _ in range(20):                                 # the log takes as much as it may, then clients wait
                answer = server.session.post(f"{server.url}/api/v1/streams/payments/events", data=b"".join(some(1000, 20000)), timeout=30,
                                             headers={"content-type": "application/x-ndjson"})
                if answer.status_code == 429:
                    break
            assert answer.status_code == 429
        until("all has been looked up", lambda: server.get("/tables/gated")["figures"]["rows"] >= 15000)


def test_a_row_that_is_not_answered_in_time_is_a_dead_letter(gated, postgres, tmp_path):
    with Server(tmp_path, workers=1) as server:
        create(server, STREAM, table(gated, GATED, "gated", timeout="500 ms", retries=0), LEVEL)
        with held(postgres):
            server.post_lines(some(3))
            letters = until("dead letters", lambda: len(server.get("/dead_letters")["data"]) == 3 and server.get("/dead_letters")["data"])
        assert {(x["code"], x["stream"]) for x in letters} == {("lookup", "payments")}
        assert {x["reason"] for x in letters} == {"table gated did not answer within 500 ms"}
        assert "e0" in json.dumps(letters)
        server.post_lines(some(3, 100))
        server.finish()
        assert server.settled() == {"level": 3}
        assert figures(server)["timeouts"] == 3


def test_rules_are_changed_while_rows_wait_and_none_is_lost(gated, postgres, tmp_path):
    with Server(tmp_path, workers=2) as server:
        create(server, STREAM, table(gated, GATED, "gated", timeout="60 s"), LEVEL)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            with held(postgres):
                server.post_lines(some(300))
                until("rows wait", lambda: figures(server)["waiting"] == 300)
                change = pool.submit(server.post, "/rules", {"sql": PLAIN})
                server.post_lines(some(300, 300))
                assert not change.done(), "the change waits for rows that wait"
        assert change.result().status_code == 201
        server.finish()
        found = server.settled()
        assert found["level"] == 600 and 0 <= found["plain"] <= 6


def test_a_worker_dies_while_rows_wait_and_they_are_asked_for_again(gated, postgres, tmp_path):
    with Server(tmp_path, workers=2) as server:
        create(server, STREAM, table(gated, GATED, "gated", timeout="60 s"), LEVEL, COUNT)
        with held(postgres):
            server.post_lines(some(400))
            until("rows wait", lambda: figures(server)["waiting"] == 400)
            server.kill_worker(0)
            server.post_lines(some(400, 400))
            until("they wait again", lambda: figures(server)["waiting"] == 800)
        server.finish()
        assert server.settled() == {"level": 800, "count": 8}
        assert len(server.alert_ids()) == 808


def test_a_checkpoint_waits_for_rows_that_wait_and_state_of_looked_up_rows_is_in_it(gated, postgres, tmp_path):
    with Server(tmp_path, "--checkpoint-interval", "0", workers=2) as server:
        create(server, STREAM, table(gated, GATED, "gated", timeout="60 s"), LEVEL, COUNT)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            with held(postgres):
                server.post_lines(some(250))
                until("rows wait", lambda: figures(server)["waiting"] == 250)
                made = pool.submit(server.post, "/checkpoints")
                server.post_lines(some(250, 250))
                assert not made.done()
        assert made.result().status_code == 201, made.result().text
        server.kill_worker(1)
        server.post_lines(some(300, 500))
        server.finish()
        assert server.settled() == {"level": 800, "count": 8}
        assert server.get("/checkpoints")["restored"] == made.result().json()["id"]


def test_the_database_goes_and_comes_back(postgres, tmp_path):
    db = Postgresql(postgres)
    db.sql("CREATE TABLE gated (card text PRIMARY KEY, level integer); INSERT INTO gated SELECT 'c' || i, i FROM generate_series(0, 999) i;")
    with Server(tmp_path, workers=1) as server:
        create(server, STREAM, table(db, GATED, "gated", timeout="60 s", retries=1000, retry_delay="20 ms"), LEVEL)
        server.post_lines(some(100))
        until("looked up", lambda: figures(server)["rows"] == 100)
        postgres.stop()
        server.post_lines(some(100, 100))
        until("it tries again and again", lambda: figures(server)["retries"] > 3)
        assert figures(server)["waiting"] == 100
        postgres.start()
        server.finish()
        assert server.settled() == {"level": 200}
        assert figures(server)["errors"] == figures(server)["timeouts"] == 0


def test_a_failure_stops_the_workers_until_it_is_mended(tmp_path):
    db = Sqlite(tmp_path)
    db.sql("CREATE TABLE gated (card, level); INSERT INTO gated VALUES ('c0', 'no number'), ('c1', 1);")
    with Server(tmp_path, workers=1) as server:
        create(server, STREAM, table(db, GATED, "gated", on_error="fail"), LEVEL)
        server.post_lines(some(2))
        said = until("the worker says why", lambda: [x for x in server.get("/workers")["exceptions"] if "gated" in json.dumps(x)])
        assert "look-up in gated: gated.level is 'no number', which is no BIGINT" in json.dumps(said)
        db.sql("UPDATE gated SET level = 0 WHERE card = 'c0'")
        server.finish()
        assert server.settled() == {"level": 2}


def test_tables_in_the_api(tmp_path):
    db = Sqlite(tmp_path)
    db.sql("CREATE TABLE gated (card, level); INSERT INTO gated VALUES ('c0', 0);")
    with Server(tmp_path, workers=1) as server:
        api = Api(server)
        api.call("POST", "/streams", 201, "Stream", json={"sql": STREAM})
        made = api.call("POST", "/tables", 201, "Table", json={"sql": table(db, GATED, "gated", cache_ttl="5 s").rstrip(";")})
        assert made["cache_ttl_ms"] == 5000 and made["key"] == "card" and made["rules"] == [] and made["ordered"]
        assert api.call("GET", "/tables", 200, "TablePage")["data"] == [made] == [api.call("GET", "/tables/GATED", 200, "Table")]
        for sql in (table(db, GATED, "gated"), table(db, GATED, "payments"), STREAM.replace("payments", "gated"),
                    "CREATE LIST gated (card STRING PRIMARY KEY)"):
            kind = sql.split()[1].lower() + "s"
            assert server.post(f"/{kind}", {"sql": sql.rstrip(";")}).status_code in (409, 422)
        bad = api.call("POST", "/tables", 422, json={"sql": "CREATE TABLE t (card STRING) WITH ('connector'='mysql', 'cache'='1')"})
        assert [e["message"] for e in bad["errors"]] == [
            "table t does not say which column is looked up: PRIMARY KEY is missing", "'connector' is sqlite/postgres, not 'mysql'",
            "no option 'cache'"]
        api.call("POST", "/tables", 422, json={"sql": STREAM})
        api.call("GET", "/tables/gatde", 404)
        rule = api.call("POST", "/rules", 201, "Rule", json={"sql": LEVEL})
        assert api.call("GET", "/tables/gated", 200, "Table")["rules"] == [{"id": rule["id"], "name": "level"}]
        assert "level" in api.call("DELETE", "/tables/gated", 409)["detail"]
        server.post_lines(some(3))
        until("looked up", lambda: api.call("GET", "/tables/gated", 200, "Table")["figures"]["rows"] == 3)
        plan = api.call("POST", "/rules:explain", 200, json={"rule": "level", "format": "JSON"})["explain"]
        assert plan["plan"]["lookups"][0]["table"] == "gated"
        server.kill()
        server.start()                                          # tables are in the catalogue
        assert server.get("/tables/gated")["rules"] == [{"id": rule["id"], "name": "level"}]
        api = Api(server)
        api.call("DELETE", "/rules/level", 204)
        api.call("DELETE", "/tables/gated", 204)
        api.call("GET", "/tables/gated", 404)
        # another one of the same name, with other columns
        db.sql("ALTER TABLE gated ADD COLUMN extra; UPDATE gated SET extra = 'x';")
        create(server, table(db, "card STRING PRIMARY KEY, extra STRING", "gated"), LEVEL.replace("level", "extra"))
        server.post_lines(some(3, 0))
        server.finish()
        server.settled()
        assert [a["row"] for a in server.pages("/alerts") if a["rule"] == "extra"] == [{"id": "e0", "extra": "x"}]
