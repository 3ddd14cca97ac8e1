# SPDX-License-Identifier: Apache-2.0
"""Lists: IN LIST in every place of a rule, items from INSERT and from files, the same on any number of workers."""
import json
import os
import subprocess

import pytest

WEIR = os.environ["WEIR"]
RULES = """CREATE STREAM p (ts TIMESTAMP(3) NOT NULL, card STRING, amount DECIMAL(12,2), n BIGINT, WATERMARK FOR ts AS ts);
CREATE LIST blocked (card STRING PRIMARY KEY, reason STRING);
CREATE LIST amounts (a DECIMAL(10,2) PRIMARY KEY);
INSERT INTO blocked VALUES ('c1', 'stolen'), ('c2', NULL);
INSERT INTO amounts VALUES (10), (20.5), (-3);
CREATE RULE hit AS SELECT card FROM p WHERE card IN LIST blocked;
CREATE RULE miss AS SELECT card FROM p WHERE card NOT IN LIST blocked AND n > 0;
CREATE RULE exact AS SELECT amount FROM p WHERE amount IN LIST amounts;
CREATE RULE spend AS SELECT card, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE p, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
  GROUP BY card, window_start HAVING NOT card IN LIST blocked;
CREATE RULE pair AS SELECT a, b FROM p MATCH_RECOGNIZE (PARTITION BY n ORDER BY ts MEASURES A.card AS a,
  B.card IN LIST blocked AS b PATTERN (A -> B) DEFINE A AS card IN LIST blocked, B AS A.card IN LIST blocked AND
  card NOT IN LIST blocked);
"""
EVENTS = [("c1", 10, 1), ("c3", 20.5, 1), (None, 20.51, 1), ("c2", -3, 2), ("c4", 5, 2)]


@pytest.fixture
def evaluate(tmp_path):
    (tmp_path / "rules.sql").write_text(RULES)
    (tmp_path / "events").write_text("".join(
        json.dumps({"ts": i, "card": c, "amount": a, "n": n}) + "\n" for i, (c, a, n) in enumerate(EVENTS)))

    def run(*options):
        return subprocess.run([WEIR, "eval", tmp_path / "rules.sql", "--input", tmp_path / "events", *options],
                              capture_output=True, text=True, check=False, timeout=60)
    return run


def rows_of(run):
    assert run.returncode == 0, run.stderr
    found = {}
    for r in map(json.loads, run.stdout.splitlines()):
        found.setdefault(r["rule"], []).append(list(r["row"].values()))
    return {k: sorted(v, key=str) for k, v in found.items()}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_row_is_in_the_list_or_not_in_it_or_neither(evaluate, workers):
    assert rows_of(evaluate("--workers", str(workers))) == {
        "hit": [["c1"], ["c2"]], "miss": [["c3"], ["c4"]], "exact": [[-3.0], [10.0], [20.5]],
        "spend": [["c3", 1], ["c4", 1]], "pair": [["c1", False], ["c2", False]]}


def test_items_of_a_file_are_added_to_those_of_the_script(evaluate, tmp_path):
    (tmp_path / "items").write_text('{"card": "c4", "reason": "seen", "more": 1}\n\n{"card": "c1"}\n')
    found = rows_of(evaluate("--list", f"BLOCKED={tmp_path}/items"))
    assert found["hit"] == [["c1"], ["c2"], ["c4"]] and found["miss"] == [["c3"]]


@pytest.mark.parametrize("option, words", [
    ("blocked", "NAME=FILE.jsonl is wanted"), ("bloked={}", "there is no list 'bloked'"),
    ("blocked={}", "item 2: field 'card' is missing"), ("blocked=/nowhere", "No such file")])
def test_what_is_no_item_is_told(evaluate, tmp_path, option, words):
    (tmp_path / "items").write_text('{"card": "c4"}\n{"cad": "c5"}\n')
    run = evaluate("--list", option.format(tmp_path / "items"))
    assert run.returncode == 2 and words in run.stderr and run.stdout == ""


def test_weir_test_fills_lists_too(tmp_path):
    path = tmp_path / "lists.test.sql"
    path.write_text("CREATE STREAM p (ts TIMESTAMP(3) NOT NULL, card STRING, WATERMARK FOR ts AS ts);\n"
                    "CREATE LIST blocked (card STRING PRIMARY KEY);\n"
                    "CREATE RULE hit AS SELECT card FROM p WHERE card IN LIST blocked;\n"
                    "INSERT INTO blocked VALUES ('c1');\n"
                    "TEST 'hit' ON p AT 0s card = 'c1' AT 1s card = 'c2' EXPECT hit (card = 'c1');\n")
    run = subprocess.run([WEIR, "test", path], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stdout
