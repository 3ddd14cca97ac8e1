# SPDX-License-Identifier: Apache-2.0
"""EXPLAIN: what tests/explain/*.sql print is kept in *.expect beside them (UPDATE_EXPECT=1 writes it anew); drawings are
what Graphviz reads, where it is installed."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

WEIR = os.environ["WEIR"]
HERE = pathlib.Path(__file__).resolve().parent.parent / "explain"
SCRIPTS = sorted(HERE.glob("*.sql"))


def weir(*args):
    return subprocess.run([WEIR, *map(str, args)], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_each_explanation_is_as_kept(script):
    run = weir("eval", "--check", script)
    assert run.returncode == 0, run.stderr
    expect = script.with_suffix(".expect")
    if os.environ.get("UPDATE_EXPECT"):
        expect.write_text(run.stdout)
    assert run.stdout == expect.read_text()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_the_command_shows_all_rules_in_each_format(script):
    rules = script.read_text().count("CREATE RULE")
    text = weir("explain", script).stdout
    assert text.count("\nstate\n") == text.count("\nmerged plan\n") == rules
    found = [json.loads(line) for line in weir("explain", script, "--format", "json").stdout.splitlines()]
    assert len(found) == rules and all({"plan", "nfa", "state", "merged"} == set(f) for f in found)
    dot = weir("explain", script, "--format", "dot").stdout
    assert dot.count("digraph ") == rules
    if shutil.which("dot"):
        drawn = subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, text=True, check=True, timeout=60)
        assert drawn.stdout.count("<svg ") == rules and not drawn.stderr


def test_one_rule_is_shown_by_name():
    run = weir("explain", HERE / "pattern.sql", "--rule", "LARGE")
    assert run.stdout.startswith("rule large: filter") and run.stdout.count("\nstate\n") == 1
    assert weir("explain", HERE / "pattern.sql", "--rule", "nope").returncode == 1
    assert weir("explain", HERE / "pattern.sql", "--format", "png").returncode == 2
    assert weir("explain", HERE / "none.sql").returncode == 2
    assert weir("explain").returncode == 2


def test_a_rule_that_is_not_there_is_told_at_its_place(tmp_path):
    script = tmp_path / "r.sql"
    script.write_text("CREATE STREAM s (ts TIMESTAMP(3), WATERMARK FOR ts AS ts);\nCREATE RULE card AS SELECT ts FROM s;\n"
                      "EXPLAIN RULE cart;\n")
    run = weir("eval", "--check", script)
    assert run.returncode == 1
    assert "r.sql:3:1: error: there is no rule cart [unknown-rule]" in run.stderr and "did you mean 'card'?" in run.stderr
