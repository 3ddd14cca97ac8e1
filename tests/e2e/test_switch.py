# SPDX-License-Identifier: Apache-2.0
"""`weir eval --switch`: versions of a rule take over from each other at an event time, with the state that they can keep."""
import json
import os
import random
import subprocess

import pytest

STREAM = ("CREATE STREAM t (id BIGINT, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL,"
          " WATERMARK FOR ts AS ts - INTERVAL '3' SECOND);\n")


def run(folder, first, switches, events, *more):
    (folder / "first.sql").write_text(STREAM + first)
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    args = []
    for at, sql in switches:
        path = folder / f"at{at}.sql"
        path.write_text(sql)
        args += ["--switch", f"{at}={path}"]
    done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(folder / "first.sql"), "--input",
                           str(folder / "events.jsonl"), *args, *more], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(x) for x in done.stdout.splitlines()]


def pattern(pattern, define, within=60, measures="A.id AS a", skip="NO SKIP", replace=True):
    return (f"CREATE {'OR REPLACE ' if replace else ''}RULE r AS SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts"
            f" MEASURES {measures} ONE ROW PER MATCH AFTER MATCH {skip} PATTERN ({pattern})"
            f" WITHIN INTERVAL '{within}' SECOND DEFINE {define});\n")


def rows(*values, key="x"):
    """One row a second from second 0, with these values."""
    return [{"id": i, "k": key, "v": v, "ts": 1000 * i} for i, v in enumerate(values)]


def matches(results):
    return [r["vars"] for r in results if r["kind"] == "match"]


OLD = pattern("A -> B", "A AS v = 1, B AS v = 2", replace=False)
CHANGES = {  # what the second version is; rows; what it finds of a match that was begun under the first, by second 5
    "a changed constant": (pattern("A -> B", "A AS v = 1, B AS v = 9"), (1, 0, 0, 0, 0, 0, 2, 9), [{"A": [0], "B": [7]}]),
    "a longer time": (pattern("A -> B", "A AS v = 1, B AS v = 2", within=90), (1, *[0] * 70, 2), [{"A": [0], "B": [71]}]),
    "a shorter time": (pattern("A -> B", "A AS v = 1, B AS v = 2", within=7), (1, 0, 0, 1, 0, 0, 0, 0, 2), [{"A": [3], "B": [8]}]),
    "an optional step": (pattern("A -> C? -> B", "A AS v = 1, B AS v = 2, C AS v = 3"), (1, 3, 0, 0, 0, 0, 3, 2),
                         [{"A": [0], "C": [6], "B": [7]}]),
    "a final step": (pattern("A -> B -> C", "A AS v = 1, B AS v = 2, C AS v = 3"), (1, 0, 0, 0, 0, 0, 2, 3),
                     [{"A": [0], "B": [6], "C": [7]}]),
    "a renamed variable": (pattern("START -> B", "START AS v = 1, B AS v = 2", measures="START.id AS a"),
                           (1, 0, 0, 0, 0, 0, 2), [{"START": [0], "B": [6]}]),
    "a renamed measure": (pattern("A -> B", "A AS v = 1, B AS v = 2", measures="A.id AS begun"), (1, 0, 0, 0, 0, 0, 2),
                          [{"A": [0], "B": [6]}]),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_match_begun_under_the_old_version_completes_under_the_new(tmp_path, what):
    new, values, found = CHANGES[what]
    for more in ((), ("--workers", "3"), ("--batch", "1", "--snapshot-every", "2:2")):
        assert matches(run(tmp_path, OLD, [(5000, new)], rows(*values), *more)) == found, more


def test_rows_are_of_a_version_by_their_time_not_by_when_they_came(tmp_path):
    new = pattern("A -> B", "A AS v = 1, B AS v = 9")
    events = [{"id": i, "k": "x", "v": v, "ts": t} for i, (t, v) in enumerate(
        [(0, 1), (6000, 9), (4000, 2), (4500, 9), (7000, 2), (20000, 0)])]
    got = run(tmp_path, OLD, [(5000, new)], events, "--batch", "1")
    assert [(r["vars"], r["time"][17:19]) for r in got if r["kind"] == "match"] == [
        ({"A": [0], "B": [2]}, "04")], "the old version's match takes row 2; what it began is used up"


def test_an_open_window_goes_on_with_another_limit(tmp_path):
    window = ("CREATE {}RULE w AS SELECT k, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts),"
              " INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end HAVING COUNT(*) > {};\n")
    got = run(tmp_path, window.format("", 100), [(5000, window.format("OR REPLACE ", 9))], rows(*[0] * 25))
    assert [r["row"]["n"] for r in got] == [10, 10]


def test_versions_there_and_back_find_what_one_version_finds(tmp_path):
    """Ten versions in a row that differ in nothing but a name, against one that stays: the same matches."""
    rng = random.Random(7)
    events = [{"id": i, "k": rng.choice("xyz"), "v": rng.randrange(4), "ts": 500 * i - rng.choice((0, 0, 2000))}
              for i in range(400)]
    one = pattern("A -> B+? -> C", "A AS v = 1, B AS v = 2 AND id > A.id, C AS v = 3", within=20, replace=False)
    switches = [(15000 * (n + 1) + n, pattern("A -> B+? -> C", "A AS v = 1, B AS v = 2 AND id > A.id, C AS v = 3", within=20,
                                              measures=f"A.id AS a{n}")) for n in range(10)]
    want = sorted(map(json.dumps, matches(run(tmp_path, one, [], events))))
    assert len(want) > 100
    for more in ((), ("--workers", "2", "--batch", "7"), ("--batch", "3", "--snapshot-every", "10:3")):
        got = sorted(map(json.dumps, matches(run(tmp_path, one, switches, events, *more))))
        assert got == want, more


def test_what_is_wrong_with_a_switch_is_said(tmp_path):
    (tmp_path / "a.sql").write_text(STREAM + OLD)
    for text, said in (("x", "give it as TIME=FILE"), ("soon=a.sql", "give it as TIME=FILE"), ("5=nothere.sql", "No such file")):
        done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(tmp_path / "a.sql"), "--switch", text],
                              capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 2 and said in done.stderr, done.stderr
