# SPDX-License-Identifier: Apache-2.0
"""weir test: TAP, a difference that says what was expected and found and where its events stand, and clear errors."""
import os
import pathlib
import subprocess

import pytest

WEIR = os.environ["WEIR"]
EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "examples"

RULES = """CREATE STREAM pay (ts TIMESTAMP(3) NOT NULL, card STRING NOT NULL, amount DECIMAL(12,2), city STRING FROM 'at.city.name',
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND);
CREATE RULE big AS SELECT card, amount, city FROM pay WHERE amount > 100;
CREATE RULE twice AS SELECT card, n FROM pay MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES COUNT(A.*) AS n
  PATTERN (A{2}) WITHIN INTERVAL '1' MINUTE DEFINE A AS amount > 100);
CREATE RULE per_minute AS SELECT card, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
  GROUP BY card, window_end;
"""


@pytest.fixture
def test_file(tmp_path):
    def run(*tests, options=(), rules=RULES):
        path = tmp_path / "t.test.sql"
        path.write_text(rules + "\n".join(tests))
        return subprocess.run([WEIR, "test", str(path), *options], capture_output=True, text=True, check=False, timeout=60)
    return run


def line_of(words, *tests):
    text = RULES + "\n".join(tests)
    return text[:text.index(words)].count("\n") + 1


def test_the_examples_hold_with_any_number_of_workers():
    for workers in (1, 3):
        run = subprocess.run([WEIR, "test", *map(str, EXAMPLES.glob("*.test.sql")), "--workers", str(workers)],
                             capture_output=True, text=True, check=False, timeout=60)
        assert run.returncode == 0 and "not ok" not in run.stdout, run.stdout
        assert run.stdout.startswith("TAP version 13\n") and run.stdout.rstrip().splitlines()[-1].startswith("1..")


def test_rows_that_hold_are_ok_in_any_order(test_file):
    run = test_file("""TEST 'all' ON pay
      DEFAULT card = 'c'
      AT 0s  amount = 200, city = 'Bern'
      AT 10s amount = 300
      {"ts": "2026-01-01T00:02:00Z", "card": "d",
       "amount": 100.001}
      EXPECT big (amount = 300, city = NULL)
      EXPECT big (city = 'Bern', amount = 200.00)
      EXPECT twice TIME 10s (card = 'c', n = 2)
      EXPECT per_minute (n = 2, window_end = 1m)
      EXPECT per_minute (card = 'd', window_end = TIMESTAMP '2026-01-01 00:03:00');""")
    assert run.returncode == 0, run.stdout


def test_a_row_goes_to_the_expectation_that_needs_it(test_file):
    run = test_file("""TEST 't' AT 0s card = 'a', amount = 200 AT 1s card = 'a', amount = 300
      EXPECT big (card = 'a') EXPECT big (amount = 200);""")
    assert run.returncode == 0, run.stdout


def test_a_difference_names_columns_and_lines(test_file):
    test = """TEST 'wrong' ON pay
      AT 0s  card = 'c', amount = 200
      AT 10s card = 'c', amount = 300
      EXPECT twice (card = 'c', n = 3)
      EXPECT NO big;"""
    run = test_file(test)
    first = line_of("AT 0s  card", test)
    assert run.returncode == 1
    expected = f"""not ok 1 - wrong
    ---
    diff: |
        - twice (card = 'c', n = 3)    expected at line {first + 2}, not found
        + twice TIME '2026-01-01T00:00:10.000Z' (card = 'c', n = 2)    from A: lines {first}, {first + 1}
        ? n: 3 expected, 2 found
        + big TIME '2026-01-01T00:00:00.000Z' (card = 'c', amount = 200.00, city = NULL)
        + big TIME '2026-01-01T00:00:10.000Z' (card = 'c', amount = 300.00, city = NULL)
    ...
1..1
"""
    assert expected in run.stdout, run.stdout


def test_an_event_that_is_refused_fails_the_test_unless_expected(test_file):
    event = "TEST 't' ON pay {\"ts\": \"2026-01-01\", \"card\": 7} EXPECT NO big"
    run = test_file(event + ";")
    assert run.returncode == 1 and "+ ERROR" in run.stdout and "event at line" in run.stdout
    assert test_file(event + " EXPECT ERROR (stream = 'pay');").returncode == 0


def test_time_can_be_cut(test_file):
    run = test_file("""TEST 'before' ON pay AT 10s card = 'c', amount = 1 WATERMARK 59s NO END EXPECT NO per_minute;
    TEST 'after' ON pay AT 10s card = 'c', amount = 1 WATERMARK 60s NO END EXPECT per_minute (n = 1);
    TEST 'late' ON pay AT 1h card = 'c', amount = 1 AT 0s card = 'c', amount = 2 EXPECT LATE twice (amount = 2);
    TEST 'over' ON pay AT 0s card = 'c', amount = 200 AT 5m card = 'c', amount = 300
      EXPECT NO twice EXPECT TIMEOUT twice TIME 1m EXPECT TIMEOUT twice TIME 6m;""")
    assert run.returncode == 0, run.stdout


def test_at_is_the_arrival_where_time_is_that_of_the_clock(test_file):
    for time in ("ingestion", "processing"):
        run = test_file("""TEST 'arrivals' ON pay
          AT 0s card = 'a', amount = 200
          AT 59s card = 'a', amount = 300
          AT 61s card = 'a', amount = 1
          EXPECT twice TIME 59s (n = 2)
          EXPECT per_minute (n = 2, window_end = 1m)
          EXPECT per_minute (n = 1);""", rules=RULES.replace("SECOND);", f"SECOND) WITH ('time'='{time}');", 1))
        assert run.returncode == 0, run.stdout
    run = test_file("""TEST 'the clock alone' ON pay NO END
      AT 0s card = 'a', amount = 200
      {"processing_time": 1767225660000}
      EXPECT per_minute (n = 1);""", rules=RULES.replace("SECOND);", "SECOND) WITH ('time'='processing');", 1))
    assert run.returncode == 0, run.stdout


def test_tests_share_no_state_and_can_be_chosen(test_file):
    test = "TEST '%s' ON pay AT 0s card = 'c', amount = 200 EXPECT NO twice EXPECT big;"
    assert test_file(test % "one", test % "two").returncode == 0
    run = test_file(test % "one", test % "two", options=("--name", "TWO"))
    assert "ok 1 - two" in run.stdout and "1..1" in run.stdout


@pytest.mark.parametrize("words, said", [
    ("TEST 't' ON paj AT 0s EXPECT big;", "there is no stream 'paj'"),
    ("TEST 't' ON pay AT 0s amout = 1 EXPECT big;", "no column 'amout' in stream pay"),
    ("TEST 't' ON pay AT 0s EXPECT bog;", "there is no rule 'bog'"),
    ("TEST 't' ON pay AT 0s EXPECT big (cart = 'c');", "a result of big has no column 'cart'"),
    ("TEST 't' ON pay AT 0s EXPECT big (amount = 'x');", "amount is DECIMAL(12,2)"),
    ("TEST 't' ON pay AT 5x EXPECT big;", "5x is no length of time"),
    ("TEST 't' ON pay AT 0s;", "the test expects nothing"),
    ("TEST 't' ON pay AT 0s EXPECT big (card = 'c;", "what begins here has no end"),
    ("TEST 't' ON pay AT 0s EXPECT big TEST", "is expected here, not TEST"),
    ("INCLUDE 'x.sql'; TEST 't' AT 0s EXPECT big;", "INCLUDE must stand before CREATE"),
    ("-- nothing", "there is no TEST in it"),
])
def test_errors_are_told_at_their_place(test_file, words, said):
    run = test_file("", words)
    assert run.returncode == 1 and said in run.stdout, run.stdout
    if "nothing" not in words:
        assert f"t.test.sql:{line_of(words, '', words)}:" in run.stdout


def test_rules_that_do_not_compile_are_told_by_file(tmp_path):
    (tmp_path / "r.sql").write_text("CREATE RULE r AS\nSELECT nope FROM s;")
    (tmp_path / "s.sql").write_text("CREATE STREAM s (ts TIMESTAMP(3), WATERMARK FOR ts AS ts);")
    test = tmp_path / "t.test.sql"
    test.write_text("INCLUDE 's.sql'; INCLUDE 'r.sql';\nTEST 't' AT 0s EXPECT r;")
    run = subprocess.run([WEIR, "test", str(test)], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 1 and "r.sql:2:8: error: no column nope in stream s" in run.stdout
    test.write_text("INCLUDE 'none.sql';\nTEST 't' AT 0s EXPECT r;")
    run = subprocess.run([WEIR, "test", str(test)], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 1 and "t.test.sql:1:9: error:" in run.stdout and "No such file" in run.stdout
    run = subprocess.run([WEIR, "test", str(tmp_path / "no")], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 2


def test_a_join_is_tested_with_events_of_two_streams(test_file):
    rules = """CREATE STREAM logins (lid BIGINT, card STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts);
CREATE STREAM payments (id BIGINT, card STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts);
CREATE RULE j AS SELECT p.id, l.lid FROM payments p LEFT JOIN logins l ON l.card = p.card AND l.ts BETWEEN p.ts - INTERVAL '5' MINUTE AND p.ts;
"""
    test = """TEST 'a login before' ON payments
  AT 0s ON logins lid = 1, card = 'a'
  AT 10s id = 2, card = 'a'
  AT 20s id = 3, card = 'b'
  AT 10m ON logins lid = 7, card = 'z'
  AT 1m ON logins lid = 8, card = 'z'
  EXPECT j TIME 10s (id = 2, lid = %s)
  EXPECT j (id = 3, lid = NULL)
  EXPECT LATE j (lid = 8);"""
    assert test_file(test % 1, rules=rules).returncode == 0
    wrong = test_file(test % 9, rules=rules)
    assert wrong.returncode == 1 and "from p: line 6; l: line 5" in wrong.stdout, wrong.stdout
