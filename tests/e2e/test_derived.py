# SPDX-License-Identifier: Apache-2.0
"""Rules that read rules, in `weir eval`: a cascade finds what the same rules find by hand, one after the other; on any number
of workers, in batches of any size; what cannot be is refused where it stands."""
import datetime
import json
import os
import random
import subprocess

import pytest

WEIR = os.environ["WEIR"]
PAYMENTS = """
CREATE STREAM payments (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING NOT NULL, amount BIGINT, status STRING,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND);
"""
START = 1700000000000


def evaluate(tmp_path, sql, inputs, *options, stream=""):
    rules = tmp_path / "rules.sql"
    rules.write_text(sql)
    names = []
    for i, rows in enumerate(inputs):
        names += ["--input", f"{stream}{tmp_path / f'in{i}.jsonl'}"]
        (tmp_path / f"in{i}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    run = subprocess.run([WEIR, "eval", rules, *names, *options], capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def payments(seed, n=3000, cards=7, late=0.02):
    dice = random.Random(seed)
    rows = []
    for i in range(n):
        back = dice.randrange(1500) if dice.random() < 0.2 else dice.randrange(60000) if dice.random() < late else 0
        rows.append({"id": i, "ts": START + i * 400 - back, "card": f"c{dice.randrange(cards)}", "amount": dice.randrange(100),
                     "status": dice.choice(["ok", "declined"])})
    return rows


def found(lines, rule, kind="match"):
    return [line for line in lines if line["rule"] == rule and line["kind"] == kind]


def ms(text):
    run = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(run.timestamp() * 1000)


# Each: the rule that is read (`up`), the stream that it is by hand, the rule that reads it. Keys settle what is of one time.
WINDOW = """CREATE RULE up AS SELECT card, COUNT(*) AS n, SUM(amount) AS s, window_time AS t
 FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY card, window_start, window_end;"""
DEFINES = {"A": "status = 'declined'", "B": "status = 'ok'", "C": "amount > 90"}


def pattern(elements, skip=""):
    defines = ", ".join(f"{v} AS {text}" for v, text in DEFINES.items() if v in elements)
    return f"""CREATE RULE up AS SELECT card, n, s, t FROM payments MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts
 MEASURES COUNT(*) AS n, SUM(amount) AS s, MATCH_ROWTIME() AS t {skip} PATTERN ({elements}) WITHIN INTERVAL '30' SECOND
 DEFINE {defines});"""


ROWS = """CREATE RULE up AS SELECT card, id AS n, amount AS s, ts AS t FROM payments WHERE status = 'ok' AND amount < 40;"""
OVER = """CREATE RULE up AS SELECT card, COUNT(*) OVER (PARTITION BY card ORDER BY ts) AS n, amount AS s, ts AS t FROM payments
 QUALIFY n > 3;"""
NO_SKIP = "AFTER MATCH NO SKIP"
UPS = {"window": WINDOW, "filter": ROWS, "over": OVER, "pattern": pattern("A B"), "greedy end": pattern("A B+"),
       "relaxed": pattern("A -> B"), "no skip": pattern("A -> B", NO_SKIP), "not next": pattern("A !B", NO_SKIP),
       "next": pattern("A B* C", "AFTER MATCH SKIP TO NEXT ROW"), "absence": pattern("A -> !C"),
       "no skip, greedy end": pattern("A B+", NO_SKIP)}
DOWNS = {
    "filter": "CREATE RULE down AS SELECT card, n FROM up WHERE s > 30;",
    "window": """CREATE RULE down AS SELECT card, COUNT(*) AS n, SUM(s) AS s FROM TABLE(HOP(TABLE up, DESCRIPTOR(t),
 INTERVAL '30' SECOND, INTERVAL '1' MINUTE)) GROUP BY card, window_start, window_end;""",
    "pattern": """CREATE RULE down AS SELECT card, a, b, c, t1 FROM up MATCH_RECOGNIZE (PARTITION BY card ORDER BY t, n, s
 MEASURES A.s AS a, LAST(B.s) AS b, COUNT(*) AS c, MATCH_ROWTIME() AS t1 PATTERN (A B+ C) DEFINE B AS B.s >= PREV(B.s), C AS C.s < LAST(B.s));""",
    "over": "CREATE RULE down AS SELECT card, n, MAX(s) OVER (PARTITION BY card ORDER BY t) AS s FROM up;",
}


@pytest.mark.parametrize("up", UPS)
@pytest.mark.parametrize("down", DOWNS)
def test_a_cascade_is_the_same_done_by_hand(tmp_path, up, down):
    # A row that a filter has from a late event is late: by hand it would have to be told so.
    events = payments(f"{up} {down}", late=0 if up == "filter" else 0.02)
    both = evaluate(tmp_path, PAYMENTS + UPS[up] + DOWNS[down], [events])
    rows = [line["row"] for line in found(both, "up")]
    assert len(rows) > 20
    for row in rows:
        row["t"] = ms(row["t"])
    if down != "filter":
        rows.sort(key=lambda r: r["t"])
    by_hand = evaluate(tmp_path, """CREATE STREAM up (card STRING, n BIGINT, s BIGINT, t TIMESTAMP(3) NOT NULL,
        WATERMARK FOR t AS t);""" + DOWNS[down], [rows])

    def shown(lines):
        return sorted(json.dumps([line["time"], line["row"]]) for line in found(lines, "down"))

    assert shown(both) == shown(by_hand) and len(shown(both)) > 0


CHAIN = PAYMENTS + WINDOW + """
CREATE RULE big AS SELECT * FROM up WHERE n > 2;
CREATE RULE steps AS SELECT card, a, b, t1 FROM big MATCH_RECOGNIZE (PARTITION BY card ORDER BY t
  MEASURES A.n AS a, LAST(B.n) AS b, MATCH_ROWTIME() AS t1 PATTERN (A B+) DEFINE B AS B.n > PREV(B.n));
CREATE RULE most AS SELECT COUNT(*) AS n, MAX(b) AS b FROM TABLE(TUMBLE(TABLE steps, DESCRIPTOR(t1), INTERVAL '2' MINUTE))
  GROUP BY window_start, window_end;
CREATE RULE missed AS SELECT card, id, rowtime FROM up.LATE;
CREATE RULE missed_a_minute AS SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE payments.LATE, DESCRIPTOR(rowtime), INTERVAL '1' MINUTE))
  GROUP BY window_start, window_end;
CREATE RULE pairs AS SELECT card, f FROM payments MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES A.id AS f
  PATTERN (A -> B) WITHIN INTERVAL '3' SECOND DEFINE A AS amount < 10, B AS amount > 90);
CREATE RULE unpaired AS SELECT card, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE pairs.TIMEOUTS, DESCRIPTOR(rowtime), INTERVAL '1' MINUTE))
  GROUP BY card, window_start, window_end;
"""


def test_results_do_not_depend_on_workers_batches_or_partitions(tmp_path):
    events = payments(1)
    one = evaluate(tmp_path, CHAIN, [events])
    for rule in ("big", "steps", "most", "missed", "missed_a_minute", "unpaired"):
        assert len(found(one, rule)) > 3, rule
    for workers in (2, 3, 5):
        assert evaluate(tmp_path, CHAIN, [events], "--workers", str(workers)) == one
    as_set = sorted(map(json.dumps, one))
    for batch in (1, 7):
        for workers in (1, 3):
            other = evaluate(tmp_path, CHAIN, [events], "--batch", str(batch), "--workers", str(workers))
            assert sorted(map(json.dumps, other)) == as_set
    split = [events[0::3], events[1::3], events[2::3]]
    partitioned = evaluate(tmp_path, CHAIN, split)
    for workers in (2, 3):
        assert evaluate(tmp_path, CHAIN, split, "--workers", str(workers)) == partitioned


MIXED = PAYMENTS + """
CREATE RULE big AS SELECT card, amount, id FROM payments WHERE amount > 60;
CREATE RULE per WITH ('allowed-lateness'='20 s') AS SELECT card, COUNT(*) AS n, window_time
  FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY card, window_start, window_end;
CREATE RULE joined AS SELECT b.id, p.n, b.card FROM big AS b JOIN per AS p
  ON b.card = p.card AND p.window_time BETWEEN b.rowtime AND b.rowtime + INTERVAL '5' SECOND;
CREATE RULE visits AS SELECT card, COUNT(*) AS m FROM TABLE(SESSION(TABLE joined PARTITION BY card, DESCRIPTOR(rowtime), INTERVAL '3' SECOND))
  GROUP BY card, window_start, window_end;
CREATE RULE busy AS SELECT * FROM visits WHERE m > 2;
"""


def test_joins_sessions_and_updates_may_stand_in_a_cascade(tmp_path):
    events = payments(2)
    one = evaluate(tmp_path, MIXED, [events])
    for rule in ("big", "per", "joined", "visits", "busy"):
        assert len(found(one, rule)) > 3, rule
    assert found(one, "per", "update") and found(one, "joined", "late")
    for workers in (2, 3):
        assert evaluate(tmp_path, MIXED, [events], "--workers", str(workers)) == one


def test_side_outputs_are_streams(tmp_path):
    lines = evaluate(tmp_path, CHAIN, [payments(1)])
    assert [(x["row"]["id"], x["place"]) for x in found(lines, "up", "late")] == \
        [(x["row"]["id"], x["row"]["id"]) for x in found(lines, "missed")]
    assert sum(x["row"]["n"] for x in found(lines, "unpaired")) == len(found(lines, "pairs", "timeout")) > 100
    assert sum(x["row"]["n"] for x in found(lines, "missed_a_minute")) >= len(found(lines, "missed"))
    times = [x["row"]["rowtime"] for x in found(lines, "missed")]
    assert times == sorted(times) and not found(lines, "missed_a_minute", "late")


def test_vars_count_the_results_of_the_rule_that_is_read(tmp_path):
    lines = evaluate(tmp_path, CHAIN, [payments(1)], "--workers", "2")
    up = [x["row"] for x in found(lines, "up")]
    for step in found(lines, "steps"):
        assert [up[i]["n"] for i in step["vars"]["A"]] == [step["row"]["a"]]
        assert up[step["vars"]["B"][-1]]["n"] == step["row"]["b"]


@pytest.mark.parametrize("sql, said", [
    ("CREATE RULE a AS SELECT * FROM b; CREATE RULE b AS SELECT * FROM c; CREATE RULE c AS SELECT * FROM a;",
     "in a circle: a -> b -> c -> a"),
    ("CREATE RULE a AS SELECT * FROM payments; CREATE RULE b AS SELECT * FROM a; CREATE OR REPLACE RULE a AS SELECT * FROM b.LATE;",
     "in a circle: a -> b -> a"),
    ("CREATE RULE a AS SELECT * FROM b; CREATE RULE b AS SELECT * FROM payments;", "rule b is only made further down"),
    ("CREATE RULE a AS SELECT card FROM payments; CREATE RULE b AS SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE a, "
     "DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;", "no column ts in rule a, whose time is rowtime"),
    ("CREATE RULE a AS SELECT * FROM payments.LOTE;", "LOTE is no side output"),
    ("".join(f"CREATE RULE r{i} AS SELECT * FROM {f'r{i - 1}' if i else 'payments'};" for i in range(18)), "at most 16 rules"),
])
def test_what_cannot_be_read_is_told(tmp_path, sql, said):
    rules = tmp_path / "r.sql"
    rules.write_text(PAYMENTS + sql)
    run = subprocess.run([WEIR, "eval", "--check", rules], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 1 and said in run.stderr, run.stderr
