# SPDX-License-Identifier: Apache-2.0
"""`weir backtest`: a rule over files, without a server."""
import json
import subprocess

import pytest
from weirserver import WEIR

STATEMENTS = """CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, fraud BOOLEAN, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts);
CREATE STREAM other (k STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts);
CREATE LIST known (k STRING PRIMARY KEY);
INSERT INTO known VALUES ('friend');
CREATE SINK out WITH ('connector'='file', 'path'='out');
CREATE RULE high AS SELECT id, k, v FROM t WHERE v > 2 AND k NOT IN LIST known EMIT TO out;
"""
ROWS = [(k, v) for v in range(6) for k in ("a", "friend", "b")]


@pytest.fixture
def run(tmp_path):
    (tmp_path / "all.sql").write_text(STATEMENTS)
    rows = [{"id": i, "k": k, "v": v, "fraud": v == 5 and k != "friend", "ts": 1000 * i} for i, (k, v) in enumerate(ROWS)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))

    def weir_backtest(rule, *options, code=0, files=("t=t.jsonl",)):
        (tmp_path / "rule.sql").write_text(rule)
        inputs = [x for f in files for x in ("--input", f)]
        done = subprocess.run([WEIR, "backtest", "all.sql", "--rule", "rule.sql", *inputs, *options], cwd=tmp_path, text=True,
                              capture_output=True, timeout=60, check=False, env={"TMPDIR": str(tmp_path)})
        assert done.returncode == code, done.stderr
        assert not list(tmp_path.glob("weir-backtest-*")), "what it made for itself is gone"
        return done.stderr if code else done.stdout
    weir_backtest.folder = tmp_path
    return weir_backtest


def test_values_labels_and_sums(run):
    result = json.loads(run("SELECT id, v FROM t WHERE v > :limit AND k NOT IN LIST known", "--parameter", "limit=2,3,4",
                            "--label", "fraud", "--sum", "v", "--json"))
    assert [(v["parameters"]["limit"], v["alerts"], v["sum"]) for v in result["variants"]] == [(2, 6, 24), (3, 4, 18), (4, 2, 10)]
    assert [v["quality"]["precision"] for v in result["variants"]] == [pytest.approx(1 / 3), 0.5, 1]
    assert [v["quality"]["recall"] for v in result["variants"]] == [1, 1, 1] and result["labels"] == 2
    assert result["old"] is None and result["compared_with"] is None


def test_a_table_for_people_and_a_baseline(run):
    (run.folder / "old.sql").write_text("SELECT id FROM t WHERE v = 3")
    text = run("SELECT id FROM t WHERE v > :limit", "--parameter", "limit=2,9", "--baseline", "old.sql", "--output", "out")
    lines = [line.split() for line in text.splitlines()]
    assert lines[0][:2] == ["18", "events"]
    assert [line[:4] for line in lines[2:]] == [["9", "0", "3", "6"], ["0", "3", "0", "0"]]
    found = [json.loads(line) for line in (run.folder / "out" / "alerts-0-both.jsonl").read_text().splitlines()]
    assert [a["row"]["id"] for a in found] == [9, 10, 11]
    assert sorted(p.name for p in (run.folder / "out").iterdir())[-1] == "result.json"


def test_a_rule_over_a_rule_and_a_range(run):
    rule = "SELECT k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE high, DESCRIPTOR(rowtime), INTERVAL '3' SECOND)) GROUP BY k, window_start, window_end"
    assert json.loads(run(rule, "--json"))["variants"][0]["alerts"] == 6
    assert json.loads(run(rule, "--json", "--from", "12000", "--to", "15000"))["variants"][0]["alerts"] == 2


@pytest.mark.parametrize(("rule", "options", "code", "says"), [
    ("SELECT id FROM t WHERE v > :limit", (), 1, ":limit has no values"),
    ("SELECT nothing FROM t", (), 1, "nothing"),
    ("SELECT id FROM t", ("--label", "none"), 1, "column 'none'"),
    ("SELECT id FROM t", ("--sum", "none"), 1, "column 'none'"),
    ("SELECT id FROM t", ("--from", "soon"), 1, "'from'"),
    ("SELECT id FROM t", ("--parameter", "limit"), 2, "NAME=VALUE"),
    ("SELECT id FROM t", ("--bogus",), 2, "--help"),
])
def test_what_is_wrong_is_said(run, rule, options, code, says):
    assert says in run(rule, *options, code=code)


def test_a_file_that_is_of_no_stream(run):
    assert "STREAM=FILE" in run("SELECT id FROM t", files=("t.jsonl",), code=1)
    assert "no stream 'u'" in run("SELECT id FROM t", files=("u=t.jsonl",), code=1)
    assert "nowhere.jsonl" in run("SELECT id FROM t", files=("t=nowhere.jsonl",), code=1)


def test_alerts_by_column(run):
    result = json.loads(run("SELECT id, k, v FROM t WHERE v > 2", "--segments", "k", "--json"))
    assert [(s["values"], s["new"], s["new_sum"]) for s in result["variants"][0]["segments"]] == [({"k": k}, 3, None) for k in ("a", "b", "friend")]


@pytest.mark.parametrize(("late", "drifts"), [(1, False), (3, True)])
def test_a_rule_that_tells_more_of_the_newest_events_is_said_to_drift(run, late, drifts):
    """Ten days, 100 events an hour; of those one is told, in the last quarter `late`."""
    hour = 3600_000
    with open(run.folder / "t.jsonl", "w") as f:
        for h in range(240):
            told = late if h >= 180 else 1
            f.writelines(json.dumps({"id": i, "k": "a", "v": int(i < told), "ts": h * hour + i}) + "\n" for i in range(100))
    drift = json.loads(run("SELECT id FROM t WHERE v > 0", "--json"))["variants"][0]["drift"]
    assert (drift is not None) == drifts
    if drifts:
        assert (drift["since"], drift["before"], drift["after"]) == ("1970-01-08T12:00:00.000Z", 10, 30)
