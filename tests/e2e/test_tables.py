# SPDX-License-Identifier: Apache-2.0
"""Look-ups in tables of SQLite files and of a real PostgreSQL, in weir eval: what rows see, what the cache spares, what becomes of
rows that cannot be looked up."""
import json
import random
import sqlite3

import pytest
from pgserver import running_postgres  # noqa: F401 pylint: disable=unused-import
from test_eval import weir_eval

STREAM = """CREATE STREAM payments (id STRING NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING, amount BIGINT,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND);"""
COLUMNS = "card STRING PRIMARY KEY, level BIGINT, household STRING, score DOUBLE, credit DECIMAL(12,2), member BOOLEAN, since TIMESTAMP(3)"
PEOPLE = {f"c{i}": (i % 5, f"h{i // 3}", i / 8, f"{i * 7 - 100}.{i % 100:02}", i % 2, f"2024-01-{1 + i % 28:02} 10:00:00.{i:03}")
          for i in range(300) if i % 7}


class Sqlite:
    """Tables of a file."""
    kind = "sqlite"

    def __init__(self, folder):
        self.path = folder / "people.db"

    def sql(self, text):
        with sqlite3.connect(self.path) as db:
            db.executescript(text)

    def options(self):
        return f"'connector'='sqlite', 'path'='{self.path}'"

    # a card whose `work` is 1 takes longer than anybody waits
    slow = """CREATE VIEW slow AS SELECT card, level, household, CASE work WHEN 0 THEN 0 ELSE
      (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000000) SELECT max(i) FROM n) END AS work FROM work"""


class Postgresql:
    """Tables of a server, each test in a schema of its own."""
    kind = "postgres"

    def __init__(self, server):
        self.server = server
        server.sql("DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public;")

    def sql(self, text):
        self.server.sql(text)

    def options(self):
        return f"'connector'='postgres', 'url'='{self.server.url}'"

    slow = """CREATE VIEW slow AS SELECT card, level, household, CASE work WHEN 0 THEN 0 ELSE
      (SELECT 1 FROM pg_sleep(60)) END AS work FROM work"""


@pytest.fixture(name="db", params=["sqlite", "postgres"])
def database(request, tmp_path):
    db = Sqlite(tmp_path) if request.param == "sqlite" else Postgresql(request.getfixturevalue("postgres"))
    rows = ",".join(f"('{c}',{p[0]},'{p[1]}',{p[2]},{p[3]},{'true' if p[4] else 'false'},'{p[5]}')" for c, p in PEOPLE.items())
    db.sql("CREATE TABLE customers (card text PRIMARY KEY, level integer, household text, score double precision, credit numeric(12,2),"
           f" member boolean, since timestamp); INSERT INTO customers VALUES {rows};")
    return db


def table(db, columns=COLUMNS, name="customers", **options):
    more = "".join(f", '{k.replace('_', '-')}'='{v}'" for k, v in options.items())
    return f"CREATE TABLE {name} ({columns}) WITH ({db.options()}{more});"


def rule(select, where="", join="JOIN", name="r", of="customers"):
    return f"""CREATE RULE {name} AS SELECT {select} FROM payments AS p
      {join} {of} FOR SYSTEM_TIME AS OF p.ts AS c ON c.card = p.card {where};"""


def events(n, cards=320, seed=5):
    rng, t = random.Random(seed), 0
    for i in range(n):
        t += rng.randint(0, 20)
        yield {"id": f"p{i}", "ts": t - rng.choice([0, 0, 500, 1000]), "card": f"c{rng.randrange(cards)}", "amount": rng.randrange(1000)}


def play(tmp_path, text, rows, *args):
    """(results, bad rows, figures)"""
    (tmp_path / "rules.sql").write_text(text)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    run = weir_eval(tmp_path / "rules.sql", "--input", tmp_path / "in.jsonl", "--stats", *args)
    assert run.returncode == 0, run.stderr
    lines = [json.loads(x) for x in run.stdout.splitlines()]
    figures = json.loads(run.stderr.splitlines()[-1])
    return [x for x in lines if x["rule"]], [x for x in lines if not x["rule"]], figures


def test_a_row_goes_on_with_what_the_table_has_for_it(db, tmp_path):
    rows = list(events(3000))
    found, bad, figures = play(tmp_path, STREAM + table(db) + rule(
        "p.id, c.level, c.household, c.score, c.credit, c.member, c.since", "WHERE p.amount >= 500"), rows)
    wanted = []
    for e in rows:
        p = PEOPLE.get(e["card"])
        if p and e["amount"] >= 500:
            wanted.append({"id": e["id"], "level": p[0], "household": p[1], "score": p[2], "credit": float(p[3]),
                           "member": bool(p[4]), "since": p[5].replace(" ", "T") + "Z"})
    assert [x["row"] for x in found] == wanted and not bad
    asked = {e["card"] for e in rows if e["amount"] >= 500}
    of = figures["lookups"]["customers"]
    assert of["asked"] == len(asked), "each key once, and none that the rule does not want"
    assert of["rows"] == sum(e["amount"] >= 500 for e in rows)


def test_left_join_keeps_rows_that_the_table_does_not_have(db, tmp_path):
    rows = list(events(500)) + [{"id": "nobody", "ts": 99999, "card": None, "amount": 1}]
    found, _, _ = play(tmp_path, STREAM + table(db) + rule("p.id, c.level", join="LEFT JOIN") + rule(
        "p.id", "WHERE c.card IS NULL", "LEFT JOIN", "strangers") + rule("p.id, c.level", "AND c.level > 2", "LEFT JOIN", "high"), rows)
    level = {e["id"]: PEOPLE[e["card"]][0] if e["card"] in PEOPLE else None for e in rows}
    of = lambda name: {x["row"]["id"]: x["row"].get("level") for x in found if x["rule"] == name}
    assert of("r") == level
    assert set(of("strangers")) == {k for k, v in level.items() if v is None}
    assert of("high") == {k: v if v and v > 2 else None for k, v in level.items()}


def test_what_was_looked_up_goes_through_windows_patterns_and_other_rules(db, tmp_path):
    db.sql("CREATE TABLE houses (name text PRIMARY KEY, city text);"
           f"INSERT INTO houses VALUES {','.join(f'({chr(39)}h{i}{chr(39)}, {chr(39)}city{i % 4}{chr(39)})' for i in range(80))};")
    seen = "(SELECT p.*, c.household, c.level FROM payments AS p JOIN customers FOR SYSTEM_TIME AS OF p.ts AS c ON c.card = p.card)"
    text = STREAM + table(db) + table(db, "name STRING PRIMARY KEY, city STRING", "houses", output="unordered") + f"""
      CREATE RULE w AS SELECT household, window_start, COUNT(*) AS n, SUM(amount) AS s
        FROM TABLE(TUMBLE({seen}, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY household, window_start, window_end HAVING COUNT(*) > 3;
      CREATE RULE m AS SELECT household, a, b FROM {seen} MATCH_RECOGNIZE (PARTITION BY household ORDER BY ts
        MEASURES A.id AS a, B.id AS b PATTERN (A -> B) WITHIN INTERVAL '5' SECOND DEFINE A AS amount < 50 AND level > 1, B AS amount > 900);
      CREATE RULE placed AS SELECT x.household, x.a, h.city FROM m AS x
        JOIN houses FOR SYSTEM_TIME AS OF x.rowtime AS h ON h.name = x.household;
      CREATE RULE two AS SELECT p.id, h.city FROM payments AS p JOIN customers FOR SYSTEM_TIME AS OF p.ts AS c ON c.card = p.card
        JOIN houses FOR SYSTEM_TIME AS OF p.ts AS h ON h.name = c.household WHERE p.amount > 950;"""
    rows = list(events(6000))
    cuts = ([], ["--workers", "2"], ["--workers", "3", "--batch", "7"], ["--snapshot-every", "700"], ["--workers", "2", "--snapshot-every", "999"])
    runs = [play(tmp_path, text, rows, *args)[0] for args in cuts]
    assert runs[0] == runs[1]
    assert all(sorted(map(json.dumps, run)) == sorted(map(json.dumps, runs[0])) for run in runs)
    by = {n: [x for x in runs[0] if x["rule"] == n and x["kind"] == "match"] for n in ("w", "m", "placed", "two")}
    assert not [x for x in runs[0] if x["kind"] == "late"]
    windows = {}
    for e in rows:
        if e["card"] in PEOPLE:
            key = (PEOPLE[e["card"]][1], e["ts"] // 10000)
            n, s = windows.get(key, (0, 0))
            windows[key] = (n + 1, s + e["amount"])
    assert sorted((x["row"]["n"], x["row"]["s"]) for x in by["w"]) == sorted(v for v in windows.values() if v[0] > 3)
    city = {f"h{i}": f"city{i % 4}" for i in range(80)}
    assert [(x["row"]["a"], x["row"]["city"]) for x in by["placed"]] == [
        (x["row"]["a"], city[x["row"]["household"]]) for x in by["m"] if x["row"]["household"] in city]
    assert len(by["m"]) > 20 and len(by["two"]) > 50
    assert [x["row"]["id"] for x in by["two"]] == [e["id"] for e in rows if e["amount"] > 950 and e["card"] in PEOPLE
                                                  and PEOPLE[e["card"]][1] in city]


def test_a_key_that_was_asked_for_is_not_asked_for_again(db, tmp_path):
    rows = [{"id": f"p{i}", "ts": i, "card": f"c{i % 10}", "amount": i} for i in range(5000)]      # five batches
    text = rule("p.id, c.level", join="LEFT JOIN")
    of = lambda **o: play(tmp_path, STREAM + table(db, **o) + text, rows)[2]["lookups"]["customers"]
    missing = 500 * 2                                                                          # c0 and c7
    kept = of()
    assert (kept["asked"], kept["hits"], kept["missing"], kept["rows"]) == (10, 4096 - 1024 + 5000 - 4096, missing, 5000)
    assert of(cache_rows=0)["asked"] == 50, "each batch asks once for each of its keys"
    assert of(cache_missing="false")["asked"] == 8 + 2 * 5
    assert 45 <= of(cache_rows=1)["asked"] <= 50, "only the key that came last is there in the next batch"


def slow_table(db):
    db.sql("CREATE TABLE work (card text PRIMARY KEY, level integer, household text, work integer);"
           f"INSERT INTO work VALUES ('c1', 1, 'h', 0), ('c2', 2, 'h', 1), ('c3', 3, 'h', 0); {db.slow};")
    return [{"id": f"p{i}", "ts": i, "card": f"c{1 + i % 3}", "amount": i} for i in range(6)]


SLOW = "card STRING PRIMARY KEY, level BIGINT, work BIGINT"


def test_a_row_whose_time_is_over_becomes_a_dead_letter(db, tmp_path):
    rows = slow_table(db)
    found, bad, figures = play(tmp_path, STREAM + table(db, SLOW, "slow", timeout="300 ms", batch=1) + rule("p.id, c.work", of="slow"), rows)
    assert [x["row"]["id"] for x in found] == ["p0", "p2", "p3", "p5"]
    assert [(x["code"], x["place"], x["stream"]) for x in bad] == [("lookup", 1, "payments"), ("lookup", 4, "payments")]
    assert bad[0]["reason"] == "table slow did not answer within 300 ms" and json.loads(bad[0]["raw"])["id"] == "p1"
    assert figures["lookups"]["slow"]["timeouts"] == 1 and figures["bad_events"] == 2


def test_a_row_whose_time_is_over_may_go_on_with_nulls(db, tmp_path):
    rows = slow_table(db)
    text = STREAM + table(db, SLOW, "slow", timeout="300 ms", batch=1, on_error="null")
    found, bad, _ = play(tmp_path, text + rule("p.id, c.level", join="LEFT JOIN", of="slow"), rows)
    assert [(x["row"]["id"], x["row"]["level"]) for x in found] == [("p0", 1), ("p1", None), ("p2", 3), ("p3", 1), ("p4", None), ("p5", 3)]
    assert not bad


def test_a_failure_may_end_the_run(db, tmp_path):
    slow_table(db)
    text = STREAM + table(db, SLOW, "slow", timeout="300 ms", on_error="fail", batch=1) + rule("p.id", of="slow")
    (tmp_path / "r.sql").write_text(text)
    run = weir_eval(tmp_path / "r.sql", stdin='{"id":"a","ts":1,"card":"c2","amount":1}\n')
    assert run.returncode == 2 and "look-up in slow: table slow did not answer within 300 ms" in run.stderr


HOSTILE = {  # what the table has, and what is said of it
    "level": ("'many'", "customers.level is 'many', which is no BIGINT"),
    "big": ("9223372036854775808", "customers.level is '9.223372036854776e+18', which is no BIGINT"),
    "half": ("1.5", "customers.level is '1.5', which is no BIGINT"),
    "blob": ("x'00ff'", "customers.level is a blob, which is no BIGINT"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_value_that_does_not_fit_its_column_is_said(case, tmp_path):
    db = Sqlite(tmp_path)
    db.sql(f"CREATE TABLE customers (card, level); INSERT INTO customers VALUES ('a', 1), ('b', {HOSTILE[case][0]}), ('c', '3.0');")
    found, bad, figures = play(tmp_path, STREAM + table(db, "card STRING PRIMARY KEY, level BIGINT") + rule("c.card, c.level"),
                               [{"id": c, "ts": 1, "card": c, "amount": 1} for c in "abc"])
    assert [tuple(x["row"].values()) for x in found] == [("a", 1), ("c", 3)]
    assert len(bad) == 1 and bad[0]["reason"].startswith(HOSTILE[case][1])
    assert figures["lookups"]["customers"]["errors"] == 1


def test_what_else_a_table_can_do_wrong(db, tmp_path):
    """Texts that are no values, NULL where there is none, several rows for a key, rows without end."""
    db.sql("CREATE TABLE odd (card text, at text, n text, flag text);" "INSERT INTO odd VALUES ('ok', '2024-02-29T12:00:00Z', '1.25', 'true'),"
           "('date', '2023-02-29T12:00:00Z', '1', 'true'), ('null', NULL, '1', 'true'), ('number', '2024-01-01', '1.2.3', 'true'),"
           "('flag', '2024-01-01', '1', 'maybe'), ('wide', '2024-01-01', '12345678901', 'true'),"
           "('twice', '2024-01-01', '1', 'true'), ('twice', '2024-01-01', '2', 'true');"
           f"INSERT INTO odd VALUES ('long', '{'x' * 70000}', '1', 'true');")
    columns = "card STRING PRIMARY KEY, at TIMESTAMP(3) NOT NULL, n DECIMAL(10,2), flag BOOLEAN"
    keys = ["ok", "date", "null", "number", "flag", "wide", "twice", "long", "none", "o'k\"; DROP TABLE odd; --", "\u0000", "ключ", ""]
    found, bad, _ = play(tmp_path, STREAM + table(db, columns, "odd") + rule("c.card, c.at, c.n, c.flag", of="odd"),
                         [{"id": c, "ts": 1, "card": c, "amount": 1} for c in keys])
    assert [x["row"] for x in found] == [{"card": "ok", "at": "2024-02-29T12:00:00.000Z", "n": 1.25, "flag": True}]
    why = {json.loads(x["raw"])["card"]: x["reason"] for x in bad}
    assert why == {"date": "odd.at is '2023-02-29T12:00:00Z', which is no TIMESTAMP(3)", "null": "odd.at is NULL, although it is NOT NULL",
                   "number": "odd.n is '1.2.3', which is no DECIMAL(10,2)", "flag": "odd.flag is 'maybe', which is no BOOLEAN",
                   "wide": "odd.n is '12345678901', which is no DECIMAL(10,2)", "twice": "the table has several rows with this key",
                   "long": "odd.at is too long: a row may have 65536 bytes"}


def test_a_database_that_is_not_there_is_said_with_its_place(tmp_path):
    gone = [("'connector'='sqlite', 'path'='/no/such/folder/x.db'", "/no/such/folder/x.db: unable to open database file"),
            ("'connector'='postgres', 'url'='postgresql://weir@127.0.0.1:1/x'", "Connection refused"),
            ("'connector'='postgres', 'url-env'='WEIR_TEST_NO_SUCH'", "environment variable WEIR_TEST_NO_SUCH is not set"),
            ("'connector'='postgres', 'url-file'='/no/such/file'", "file /no/such/file cannot be read")]
    for options, text in gone:
        sql = STREAM + f"CREATE TABLE customers (card STRING PRIMARY KEY) WITH ({options}, 'retries'='1', 'retry-delay'='1 ms');" + rule("p.id")
        found, bad, figures = play(tmp_path, sql, [{"id": "a", "ts": 1, "card": "c", "amount": 1}])
        assert not found and text in bad[0]["reason"], bad
        assert figures["lookups"]["customers"]["retries"] == 1 and figures["lookups"]["customers"]["errors"] == 1


def test_a_table_without_the_columns_is_said(db, tmp_path):
    found, bad, _ = play(tmp_path, STREAM + table(db, "card STRING PRIMARY KEY, levle BIGINT", retries=0) + rule("p.id, c.levle"),
                         [{"id": "a", "ts": 1, "card": "c1", "amount": 1}])
    assert not found and "levle" in bad[0]["reason"]
    found, bad, _ = play(tmp_path, STREAM + table(db, "card STRING PRIMARY KEY", "nothing", retries=0) + rule("p.id", of="nothing"),
                         [{"id": "a", "ts": 1, "card": "c1", "amount": 1}])
    assert not found and "nothing" in bad[0]["reason"]


def test_a_password_comes_from_the_environment_or_a_file(postgres, tmp_path, monkeypatch):
    Postgresql(postgres).sql("CREATE TABLE customers (card text PRIMARY KEY, level integer); INSERT INTO customers VALUES ('c', 4);")
    url = postgres.url.replace("weir@", "weir:secret@")
    (tmp_path / "url").write_text(url + "\n")
    monkeypatch.setenv("SHOP_URL", url)
    for how in ("'url-env'='SHOP_URL'", f"'url-file'='{tmp_path}/url'"):
        sql = STREAM + f"CREATE TABLE customers (card STRING PRIMARY KEY, level BIGINT) WITH ('connector'='postgres', {how});" + rule("c.level")
        assert play(tmp_path, sql, [{"id": "a", "ts": 1, "card": "c", "amount": 1}])[0][0]["row"] == {"level": 4}
    sql = STREAM + f"CREATE TABLE customers (card STRING PRIMARY KEY) WITH ('connector'='postgres', 'url'='{url}');"
    (tmp_path / "bad.sql").write_text(sql)
    run = weir_eval(tmp_path / "bad.sql", "--input", "/dev/null")
    assert run.returncode == 1 and "a password in the text" in run.stderr and "url-env" in run.stderr
