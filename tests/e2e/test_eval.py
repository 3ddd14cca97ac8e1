# SPDX-License-Identifier: Apache-2.0
"""weir eval: right counts on the payments workload however it is cut, and clear words about bad rules and bad events."""
import collections
import json
import os
import pathlib
import subprocess
import sys
import threading

import permute
import pytest

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
WEIR = os.environ.get("WEIR") or str(TESTS.parent / "weir")
QUERIES = TESTS / "bench" / "queries"
EXPECTED = json.loads((TESTS / "bench" / "expected.json").read_text())["results"]["200000"]
SEVEN = ["filter", "seq", "kleene", "travel", "unconfirmed", "velocity", "spend"]
MANY = ["fraud7", "rules1000"]          # the seven in one job; a thousand rules in one job
DELAY = 2000


def weir_eval(*args, stdin=None, seconds=60):
    return subprocess.run([WEIR, "eval", *map(str, args)], input=stdin, capture_output=True, text=True, check=False,
                          timeout=seconds, errors="replace")


def results(run):
    assert run.returncode == 0, run.stderr
    return [json.loads(x) for x in run.stdout.splitlines()]


def files_of(query, folder):
    if query == "fraud7":
        return [QUERIES / f"{q}.sql" for q in SEVEN]
    if query == "rules1000":
        path = folder / "rules1000.sql"
        path.write_bytes(subprocess.run([sys.executable, QUERIES / "rules1000.py"], capture_output=True,
                                        check=True).stdout)
        return [path]
    return [QUERIES / f"{query}.sql"]


def evaluate(query, events, *options, folder=None):
    return weir_eval(QUERIES / "payments.sql", *files_of(query, folder), "--input", events, *options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("eval")


@pytest.fixture(scope="module")
def payments(folder):
    path = folder / "payments.jsonl"
    with path.open("wb") as out:
        subprocess.run([sys.executable, TESTS / "data" / "paygen.py", "--events", "200000"], stdout=out, check=True)
    return path


@pytest.fixture(scope="module")
def straight(payments):
    """Each query's output over the whole stream, one worker, full batches."""
    return {q: evaluate(q, payments).stdout for q in SEVEN}


@pytest.fixture(scope="module")
def shuffled(folder, payments):
    lines = payments.read_text().splitlines(keepends=True)
    order = permute.permute([json.loads(x)["ts"] for x in lines], DELAY)
    assert sum(a != b for a, b in enumerate(order)) > 150000
    path = folder / "shuffled.jsonl"
    path.write_text("".join(lines[i] for i in order))
    return path


def kinds(text):
    return collections.Counter(json.loads(x)["kind"] for x in text.splitlines())


def without_places(text):
    """What was found, wherever its events stood in the input."""
    found = []
    for line in text.splitlines():
        r = json.loads(line)
        r.pop("vars", None)
        r.pop("place", None)
        found.append(json.dumps(r, sort_keys=True))
    return sorted(found)


# --- counts ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("query", SEVEN)
def test_the_counts_are_those_of_other_engines(straight, query):
    assert kinds(straight[query])["match"] == EXPECTED[query]


@pytest.mark.parametrize("query", ["seq", "travel"])
def test_late_events_are_told_once_for_each_pattern(straight, query):
    assert kinds(straight[query])["late"] == EXPECTED["late"]
    late = [json.loads(x) for x in straight[query].splitlines() if '"late"' in x]
    assert all(r["row"]["id"].startswith("t") and len(r["row"]) == 13 for r in late)


@pytest.mark.parametrize("query", MANY)
@pytest.mark.parametrize("workers", [1, 2])
def test_many_rules_in_one_job_are_counted_right(payments, folder, query, workers):
    run = evaluate(query, payments, "--workers", workers, folder=folder)
    assert run.returncode == 0, run.stderr
    assert kinds(run.stdout)["match"] == EXPECTED[query]


@pytest.mark.parametrize("query", SEVEN)
@pytest.mark.parametrize("workers", [2, 3])
def test_more_workers_find_the_same(straight, payments, query, workers):
    run = evaluate(query, payments, "--workers", workers)
    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.splitlines()) == sorted(straight[query].splitlines())


@pytest.mark.parametrize("query", SEVEN)
@pytest.mark.parametrize("batch", [1, 7])
def test_small_batches_find_the_same(straight, payments, query, batch):
    run = evaluate(query, payments, "--batch", batch)
    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.splitlines()) == sorted(straight[query].splitlines())


def test_a_pipe_gives_the_same_lines_in_the_same_order_as_the_file(straight, payments):
    with subprocess.Popen([WEIR, "eval", QUERIES / "payments.sql", QUERIES / "travel.sql"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as p:
        text = payments.read_bytes()
        writer = threading.Thread(target=lambda: [p.stdin.write(text[i:i + 77777]) for i in range(0, len(text), 77777)]
                                  and p.stdin.close())
        writer.start()
        out = p.stdout.read()
        writer.join()
    assert out.decode() == straight["travel"]


def test_one_row_at_a_time_shows_results_at_once(write):
    with subprocess.Popen([WEIR, "eval", write("r.sql", FILTER), "--batch", "1"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as p:
        p.stdin.write(jsonl({"k": "a", "v": 1, "ts": 1}).encode())
        p.stdin.flush()
        assert json.loads(p.stdout.readline())["row"]["v"] == 1
        p.stdin.close()


@pytest.mark.parametrize("query", SEVEN)
def test_another_order_of_arrival_finds_the_same(straight, shuffled, query):
    run = evaluate(query, shuffled, "--workers", 2)
    assert run.returncode == 0, run.stderr
    assert without_places(run.stdout) == without_places(straight[query])


@pytest.mark.parametrize("query", SEVEN)
def test_partitions_find_the_same_as_one_input(folder, payments, query):
    lines = payments.read_text().splitlines(keepends=True)
    flags = permute.late_flags([json.loads(x)["ts"] for x in lines], DELAY)
    lines = [x for x, late in zip(lines, flags) if not late]        # which ones are late is each partition's own affair
    whole, parts = folder / "whole.jsonl", [folder / f"part{i}.jsonl" for i in range(3)]
    whole.write_text("".join(lines))
    for i, part in enumerate(parts):
        part.write_text("".join(lines[i::3]))
    inputs = [x for p in parts for x in ("--input", p)]
    split = weir_eval(QUERIES / "payments.sql", QUERIES / f"{query}.sql", *inputs, "--workers", 2)
    one = evaluate(query, whole)
    assert split.returncode == one.returncode == 0, split.stderr
    assert sorted(split.stdout.splitlines()) == sorted(one.stdout.splitlines())   # places too: a line of each in turn


# --- time --------------------------------------------------------------------------------------------------------
STREAM = """CREATE STREAM s (k STRING NOT NULL, v BIGINT, d DECIMAL(6,2), ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND);
"""
COUNT = STREAM + """CREATE RULE r AS SELECT k, window_start, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
"""
FILTER = STREAM + "CREATE RULE r AS SELECT k, v, d, ts FROM s WHERE v > 0;\n"


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path
    return write_file


def jsonl(*events):
    return "".join(json.dumps(e) + "\n" for e in events)


def test_at_the_end_every_window_fires_and_without_an_end_none(write):
    rule, events = write("r.sql", COUNT), jsonl({"k": "a", "ts": 1000}, {"k": "a", "ts": 2000})
    assert [r["row"]["n"] for r in results(weir_eval(rule, stdin=events))] == [2]
    assert results(weir_eval(rule, "--no-end", stdin=events)) == []


def test_a_watermark_by_hand_fires_what_is_before_it(write):
    rule = write("r.sql", COUNT)
    events = jsonl({"k": "a", "ts": 1000}, {"watermark": 9998}, {"k": "a", "ts": 9999}, {"watermark": 9999},
                   {"k": "a", "ts": 9999})
    found = results(weir_eval(rule, "--no-end", stdin=events))
    assert [(r["kind"], r["row"].get("n")) for r in found] == [("match", 2), ("late", None)]
    assert found[1]["row"] == {"k": "a", "v": None, "d": None, "ts": "1970-01-01T00:00:09.999Z"}
    assert found[1]["place"] == 2                     # words about time take no place


def test_words_about_time_may_stand_among_full_batches(write):
    rule = write("r.sql", COUNT)
    lines = []
    for i in range(5000):
        lines.append({"k": "a", "ts": i})
        if i % 1500 == 1499:
            lines.append({"watermark": i - 10})
            lines.append({"processing_time": i})
    found = results(weir_eval(rule, stdin=jsonl(*lines)))
    assert [r["row"]["n"] for r in found] == [5000]


def test_events_name_their_stream_where_there_are_several(write):
    rule = write("r.sql", FILTER + "CREATE STREAM t (v BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts);\n"
                 "CREATE RULE q AS SELECT v FROM t WHERE v > 10;\n")
    events = jsonl({"_stream": "s", "k": "a", "v": 1, "ts": 1}, {"_stream": "T", "v": 11, "ts": 1},
                   {"v": 12, "ts": 1}, {"_stream": "u", "v": 13, "ts": 1}, {"watermark": 5},
                   {"_stream": "t", "v": 14, "ts": 7})
    found = results(weir_eval(rule, stdin=events))
    assert sorted((r["rule"], r["row"]["v"]) for r in found if r["kind"] == "match") == [("q", 11), ("q", 14), ("r", 1)]
    assert [r["reason"] for r in found if r["kind"] == "error"] == [
        "the event does not name its stream in '_stream'", "there is no stream 'u'"]


def test_an_input_may_be_given_to_a_stream(write):
    rule = write("r.sql", FILTER + "CREATE STREAM t (v BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts);\n"
                 "CREATE RULE q AS SELECT v FROM t WHERE v > 10;\n")
    s, t = write("s.jsonl", jsonl({"k": "a", "v": 1, "ts": 1})), write("t=.jsonl", jsonl({"v": 11, "ts": 1}))
    found = results(weir_eval(rule, "--input", f"s={s}", "--input", f"T={t}"))
    assert sorted((r["rule"], r["row"]["v"]) for r in found) == [("q", 11), ("r", 1)]


# --- figures, files ----------------------------------------------------------------------------------------------
def test_figures_are_json(payments, straight, tmp_path):
    out = tmp_path / "out.jsonl"
    run = evaluate("seq", payments, "--output", out, "--stats")
    stats = json.loads(run.stdout)
    assert stats["events"] == 200000 and stats["late_events"] == 94
    assert stats["results"]["seq"] == dict(kinds(straight["seq"]))
    assert stats["results_total"] == stats["results"]["seq"]
    assert 0 < stats["decode_s"] < stats["cpu_s"]
    assert 1 << 20 < stats["max_rss_bytes"] < 100 << 20
    assert out.read_text() == straight["seq"]
    assert json.loads(evaluate("filter", payments, "--stats").stderr)["results"] == {"filter": {"match": EXPECTED["filter"]}}


def test_files_that_are_not_there_and_wrong_use_are_told(write):
    rule = write("r.sql", FILTER)
    for args, words in [([rule, "--input", "/nowhere.jsonl"], "/nowhere.jsonl: No such file"),
                        (["/nowhere.sql"], "/nowhere.sql: No such file"), ([], "no file of rules"),
                        ([rule, "--input", "x=/nowhere"], "there is no stream 'x'"),
                        ([rule, "--output", "/nowhere/out"], "/nowhere/out"), ([rule, "--workers", 0], "--workers"),
                        ([rule, "--bogus"], "weir eval --help")]:
        run = weir_eval(*args, stdin="")
        assert run.returncode == 2 and words in run.stderr, run.stderr


def test_the_examples_find_frauds(payments, folder):
    examples = TESTS.parent / "examples"
    found = collections.Counter(r["rule"] for r in results(weir_eval(examples / "demo.sql", "--input", payments))
                                if r["kind"] == "match")
    assert set(found) == {"card_testing", "impossible_travel", "card_velocity", "account_spend", "cash_out",
                          "large_payment"}, found
    run = weir_eval(examples / "payments.sql", QUERIES / "filter.sql", "--input", payments)
    assert len(results(run)) == EXPECTED["filter"]


def test_explain_shows_the_plan_and_the_automaton(write):
    rule = write("r.sql", STREAM + """CREATE RULE r AS SELECT k FROM s MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts
      MEASURES A.v AS v PATTERN (A -> B) WITHIN INTERVAL '1' MINUTE DEFINE A AS v = 1, B AS v = 2);
      EXPLAIN RULE r; EXPLAIN RULE r (FORMAT JSON); EXPLAIN RULE r (FORMAT DOT);""")
    run = weir_eval(rule, "--check")
    assert run.returncode == 0, run.stderr
    plan = json.loads(next(x for x in run.stdout.splitlines() if x.startswith("{")))
    assert plan["plan"]["rule"] == "r" and [x["name"] for x in plan["nfa"]["states"]] == ["start", "A", "B", "match"]
    assert "digraph" in run.stdout
    assert weir_eval(rule, stdin="").stdout == ""            # beside the results: on standard error


# --- bad rules ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("statement, line, column, words", [
    ("CREATE RULE r AS SELECT amout FROM payments;", 1, 25, ["amout", "amount"]),
    ("CREATE RULE r AS\nSELECT id FROM payments\nWHERE amount > 'x';", 3, None, ["DECIMAL", "STRING"]),
    ("CREATE RULE r AS SELECT id FROM payments WHERE (amount > 1;", 1, 59, [";", ")"]),
    ("CREATE RULE r AS SELECT id FROM payments WHERE lenght(id) > 1;", 1, 48, ["lenght"]),
    ("CREATE RULE r AS SELECT id FROM payment;", 1, 33, ["payment", "payments"]),
    ("CREATE RULE r AS SELECT id FROM payments WHERE amount;", 1, 48, ["BOOLEAN"]),
    ("SELEKT 1;", 1, 1, ["SELEKT"]),
    ("CREATE RULE r AS SELECT id FROM payments WHERE id = 'x;", 1, 53, ["has no end"]),
])
def test_a_bad_rule_is_told_with_its_place(write, statement, line, column, words):
    rule = write("bad.sql", statement)
    run = weir_eval(QUERIES / "payments.sql", rule, stdin="")
    assert run.returncode == 1 and run.stdout == ""
    first = run.stderr.splitlines()[0]
    assert first.startswith(f"{rule}:{line}:"), run.stderr
    if column:
        assert first.startswith(f"{rule}:{line}:{column}: error: "), run.stderr
    assert all(w.lower() in run.stderr.lower() for w in words), run.stderr


def test_each_bad_statement_of_a_file_is_told(write):
    rule = write("bad.sql", "CREATE RULE a AS SELECT x FROM payments;\nCREATE RULE b AS SELECT id FROM payments;\n"
                 "CREATE RULE c AS SELECT y FROM payments;\n")
    run = weir_eval(QUERIES / "payments.sql", rule, stdin="")
    assert run.returncode == 1
    assert f"{rule}:1:25: error: " in run.stderr and f"{rule}:3:25: error: " in run.stderr


def test_a_megabyte_of_text_is_refused_soon(write):
    for text in ["x" * (1 << 20), "(" * (1 << 20), "CREATE RULE r AS SELECT " + "1 + " * (1 << 18) + "1 FROM payments;",
                 "SELECT 'é" + "\0\xff" * (1 << 18), "CREATE RULE r AS SELECT id FROM payments WHERE "
                 + "NOT " * (1 << 18) + "TRUE;", "/* " * (1 << 18)]:
        run = weir_eval(QUERIES / "payments.sql", write("big.sql", text), stdin="", seconds=20)
        assert run.returncode == 1 and "error" in run.stderr and len(run.stderr) < 20000, run.stderr[:300]


def test_a_script_without_rules_or_streams_is_told(write):
    assert "no CREATE RULE" in weir_eval(QUERIES / "payments.sql", stdin="").stderr
    assert weir_eval(write("empty.sql", "-- nothing\n"), stdin="").returncode == 1


# --- bad events --------------------------------------------------------------------------------------------------
BAD_EVENTS = {
    "no_json": ("nonsense", None, []),
    "cut_off": ('{"k":"a","ts":', "not-json", []),
    "array": ('[1,2]', "not-an-object", []),
    "no_time": ('{"k":"a"}', "missing-field", ["ts"]),
    "null": ('{"k":null,"ts":1}', "missing-field", ["k"]),
    "string_for_number": ('{"k":"a","v":"1","ts":1}', "wrong-type", ["v"]),
    "fraction": ('{"k":"a","v":1.5,"ts":1}', "wrong-type", ["v"]),
    "large_number": ('{"k":"a","v":9223372036854775808,"ts":1}', "out-of-range", ["v"]),
    "large_decimal": ('{"k":"a","d":123456.789,"ts":1}', "out-of-range", ["d"]),
    "year_10000_text": ('{"k":"a","ts":"10000-01-01T00:00:00Z"}', None, ["ts"]),
    "year_10000": ('{"k":"a","ts":253402300800000}', "time-out-of-range", ["ts"]),
    "no_time_text": ('{"k":"a","ts":"soon"}', None, ["ts"]),
    "huge": ('{"k":"' + "x" * (1 << 20) + '","ts":1}', "event-too-big", []),
}


@pytest.mark.parametrize("case", BAD_EVENTS)
def test_a_bad_event_is_told_with_the_reason_and_stops_nothing(write, case):
    line, code, words = BAD_EVENTS[case]
    good = [jsonl({"k": "a", "v": i, "ts": i}) for i in (1, 2)]
    found = results(weir_eval(write("r.sql", FILTER), stdin=good[0] + line + "\n" + good[1]))
    assert [r["kind"] for r in found if r["kind"] != "error"] == ["match", "match"]
    errors = [r for r in found if r["kind"] == "error"]
    assert len(errors) == 1 and errors[0]["place"] == 1 and errors[0]["stream"] == "s"
    assert code is None or errors[0]["code"] == code, errors[0]["reason"]
    assert all(f"'{w}'" in errors[0]["reason"] for w in words), errors[0]["reason"]
    assert line.startswith(errors[0]["raw"][:4000])


def test_bytes_that_are_no_text_are_told(write):
    lines = b'{"k":"\xff\xfe","ts":1}\n{"k":"a","v":1,"ts":1}\n\x00\x01\n'
    run = subprocess.run([WEIR, "eval", write("r.sql", FILTER)], input=lines, capture_output=True, check=False)
    found = [json.loads(x) for x in run.stdout.decode().splitlines()]
    assert run.returncode == 0 and sorted(r["kind"] for r in found) == ["error", "error", "match"]


def test_bad_events_keep_their_places(write):
    pattern = STREAM + """CREATE RULE r AS SELECT k FROM s MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.v AS v
      AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '1' MINUTE DEFINE A AS v = 1, B AS v = 2);\n"""
    lines = jsonl({"k": "a", "v": 1, "ts": 1}) + "bad\n\n" + jsonl({"k": "a", "v": 2, "ts": 2})
    found = results(weir_eval(write("r.sql", pattern), stdin=lines))
    assert [r["vars"] for r in found if r["kind"] == "match"] == [{"A": [0], "B": [2]}]
