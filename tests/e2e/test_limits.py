# SPDX-License-Identifier: Apache-2.0
"""What one key may keep: at a limit something goes as the rule says, is counted, and is told once, never in silence."""
import json
import os
import subprocess

import pytest
from weirserver import Server, until

STREAM = "CREATE STREAM t (k STRING, x STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts)"
PATTERN = """CREATE RULE r WITH ({}) AS SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES COUNT(*) AS n
  AFTER MATCH {} PATTERN ({}) WITHIN INTERVAL '1' DAY DEFINE A AS x = 'a', B AS x = 'b')"""


def rows(letters, key="k"):
    return [{"k": key, "x": x, "ts": 1000 * i} for i, x in enumerate(letters)]


def evaluated(tmp_path, rule, events):
    (tmp_path / "rule.sql").write_text(f"{STREAM};\n{rule};\n")
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    return subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(tmp_path / "rule.sql"), "--input",
                           str(tmp_path / "events.jsonl"), "--batch", "1"], capture_output=True, text=True, check=False, timeout=60)


def found(run):
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return ([x["vars"] for x in lines if x["kind"] == "match"], [x["reason"] for x in lines if x["kind"] == "error"])


@pytest.mark.parametrize("on_limit, starts, dropped", [
    ("drop-oldest", [2, 3], "the oldest partial matches are dropped"),
    ("drop-newest", [0, 1], "the newest partial matches are dropped"),
    ("drop-key", [3], "all partial matches of the key are dropped")])
def test_a_pattern_at_its_limit_drops_what_the_rule_says(tmp_path, on_limit, starts, dropped):
    rule = PATTERN.format(f"'max-partials-per-key'='2', 'on-limit'='{on_limit}'", "NO SKIP", "A -> B")
    matches, errors = found(evaluated(tmp_path, rule, rows("aaaab")))
    assert [m["A"] for m in matches] == [[s] for s in starts]
    assert errors == [f"more than 2 partial matches of one key: {dropped}"]


def test_it_is_told_again_when_the_key_was_well_below_in_between(tmp_path):
    rule = PATTERN.format("'max-partials-per-key'='2'", "NO SKIP", "A -> B")
    matches, errors = found(evaluated(tmp_path, rule, rows("aaaab" + "aaab")))
    assert len(matches) == 4 and len(errors) == 2


def test_keys_have_a_limit_each(tmp_path):
    rule = PATTERN.format("'max-partials-per-key'='2'", "NO SKIP", "A -> B")
    events = [dict(e, k=k) for e in rows("aab") for k in "xyz"]
    matches, errors = found(evaluated(tmp_path, rule, events))
    assert len(matches) == 6 and not errors


def test_rows_of_a_long_loop_are_limited(tmp_path):
    rule = PATTERN.format("'max-rows-per-key'='10'", "SKIP PAST LAST ROW", "A+ B")
    matches, errors = found(evaluated(tmp_path, rule, rows("a" * 10 + "b")))
    assert not errors and len(matches) == 1
    matches, errors = found(evaluated(tmp_path, rule, rows("a" * 15 + "b")))
    assert errors == ["more than 10 kept rows of one key: the oldest partial matches are dropped"]
    assert [len(m["A"]) for m in matches] == [10]


def test_rows_of_over_are_limited(tmp_path):
    rule = """CREATE RULE r WITH ('max-rows-per-key'='3') AS SELECT COUNT(*) OVER (PARTITION BY k ORDER BY ts
      RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) AS n FROM t"""
    run = evaluated(tmp_path, rule, rows("aaaaaa"))
    lines = [json.loads(x) for x in run.stdout.splitlines()]
    assert [x["row"]["n"] for x in lines if x["kind"] == "match"] == [1, 2, 3, 3, 3, 3]
    assert [x["reason"] for x in lines if x["kind"] == "error"] == ["more than 3 kept rows of one key: the oldest leave their frames"]


@pytest.mark.parametrize("options, said", [
    ("'max-partials-per-key'='0'", "'max-partials-per-key' is a number from 1 to 10000000, not '0'"),
    ("'max-rows-per-key'='many'", "'max-rows-per-key' is a number from 1 to 10000000, not 'many'"),
    ("'on-limit'='explode'", "'on-limit' is drop-oldest/drop-newest/drop-key, not 'explode'")])
def test_what_is_no_limit_is_refused(tmp_path, options, said):
    run = evaluated(tmp_path, PATTERN.format(options, "NO SKIP", "A -> B"), [])
    assert run.returncode == 1 and said in run.stderr


@pytest.mark.parametrize("option", ["'max-partials-per-key'='3'", "'on-limit'='drop-key'", "'max-rows-per-key'='3'"])
def test_a_filter_keeps_nothing_that_could_be_limited(tmp_path, option):
    run = evaluated(tmp_path, f"CREATE RULE r WITH ({option}) AS SELECT k FROM t WHERE x = 'a'", [])
    assert run.returncode == 1 and "belongs to patterns" in run.stderr


def test_a_server_counts_and_tells_what_it_drops(tmp_path):
    with Server(tmp_path, "--max-partials-per-key", "5", workers=2) as server:
        assert server.post("/streams", {"sql": STREAM}).status_code == 201
        own = PATTERN.format("'max-partials-per-key'='100'", "NO SKIP", "A -> B").replace("RULE r", "RULE own")
        for rule in (PATTERN.format("'severity'='low'", "NO SKIP", "A -> B"), own):
            assert server.post("/rules", {"sql": rule}).status_code == 201
        server.post_lines([json.dumps(e).encode() + b"\n" for e in rows("a" * 20 + "b")], stream="t")
        server.finish("t")
        assert server.settled() == {"r": 5, "own": 20}
        until("the dropped are counted", lambda: server.get("/rules/r")["dropped"] == 15)
        assert server.get("/rules/own")["dropped"] == 0
        assert server.metric('weir_rule_dropped_total{rule="r"}') == 15
        letters = server.get("/dead_letters")["data"]
        assert [d["reason"] for d in letters] == ["more than 5 partial matches of one key: the oldest partial matches are dropped"]
