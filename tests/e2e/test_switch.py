# SPDX-License-Identifier: Apache-2.0
"""`weir eval --switch`: versions of a rule take over from each other at an event time, with the state that they can keep."""
import json
import os
import random
import re
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


def tumble(columns, replace=True, kind="TUMBLE", sizes="INTERVAL '10' SECOND", having=""):
    return (f"CREATE {'OR REPLACE ' if replace else ''}RULE w AS SELECT k, window_start, window_end, {columns} FROM TABLE({kind}(TABLE t,"
            f" DESCRIPTOR(ts), {sizes})) GROUP BY k, window_start, window_end{having};\n")


def windows(results):
    """What windows told, without their bounds' names: by key and bounds."""
    return {(r["row"]["k"], r["row"]["window_start"], r["row"]["window_end"]):
            {c: v for c, v in r["row"].items() if c not in ("k", "window_start", "window_end")} for r in results}


def test_aggregates_are_kept_one_by_one(tmp_path):
    first, second = tumble("SUM(v) AS s, COUNT(*) AS n, MIN(v) AS low", replace=False), tumble("COUNT(*) AS n, MAX(v) AS high, SUM(v) AS s")
    for more in ((), ("--workers", "3"), ("--batch", "1", "--snapshot-every", "2:2")):
        got = windows(run(tmp_path, first, [(5000, second)], rows(9, 1, 1, 1, 1, 2, 3, 2, 2, 2, 1, 1), *more))
        assert list(got.values())[0] == {"n": 10, "s": 24, "high": 3}, "the largest of those that came since: 9 came before"
        assert list(got.values())[1] == {"n": 2, "s": 2, "high": 1}


def test_windows_of_another_size_go_on_with_their_panes(tmp_path):
    ten, twenty = ("HOP", "INTERVAL '5' SECOND, INTERVAL '10' SECOND"), ("HOP", "INTERVAL '5' SECOND, INTERVAL '20' SECOND")
    five = ("TUMBLE", "INTERVAL '5' SECOND")
    for old, new in ((twenty, ten), (ten, twenty), (twenty, five), (five, ten)):
        first = tumble("COUNT(*) AS n", False, *old)
        second = tumble("COUNT(*) AS n", True, *new)
        events = rows(*[0] * 60)
        replay = windows(run(tmp_path, tumble("COUNT(*) AS n", False, *new), [], events))
        got = windows(run(tmp_path, first, [(32000, second)], events, "--batch", "1"))
        width = {ten: 10, twenty: 20, five: 5}
        after = {w: v for w, v in got.items() if w[2] > "1970-01-01T00:00:32"}
        # A window is whole if the old version had kept all of its rows: those of windows that were open at second 32.
        first_kept = (32 - width[old]) // 5 * 5 + 5
        for w, v in replay.items():
            if w[2] > "1970-01-01T00:00:32":
                assert w in after, (old, new, w)
                if int(w[1][17:19]) + 60 * int(w[1][14:16]) >= first_kept:
                    assert after[w] == v, (old, new, w)
                else:
                    assert after[w]["n"] <= v["n"]
        assert set(after) == {w for w in replay if w[2] > "1970-01-01T00:00:32"}


AGGS = ["COUNT(*)", "SUM(v)", "MIN(v)", "MAX(v)", "AVG(v)", "COUNT(DISTINCT v)", "COUNT(*) FILTER (WHERE v > 1)", "SUM(id)"]
KINDS = [("TUMBLE", "INTERVAL '10' SECOND"), ("HOP", "INTERVAL '5' SECOND, INTERVAL '15' SECOND"),
         ("SESSION", "INTERVAL '1' SECOND"), ("HOP", "INTERVAL '4' SECOND, INTERVAL '10' SECOND"), ("CUMULATE", "INTERVAL '5' SECOND, INTERVAL '20' SECOND")]


def test_what_is_kept_of_windows_is_what_a_replay_gives(tmp_path):
    """Random pairs of versions with other aggregates: those that both have are as if the new version had seen all rows."""
    rng = random.Random(11)
    events = [{"id": i, "k": rng.choice("xyz"), "v": rng.randrange(4), "ts": 300 * i - rng.choice((0, 0, 2000))} for i in range(400)]
    for n in range(30):
        kind = KINDS[n % len(KINDS)]
        old, new = rng.sample(range(len(AGGS)), 3), rng.sample(range(len(AGGS)), 3)
        both = set(old) & set(new)
        columns = [", ".join(f"{AGGS[a]} AS a{a}" for a in which) for which in (old, new)]
        at = rng.randrange(20000, 90000)
        more = rng.choice(((), ("--workers", "2"), ("--batch", "3", "--snapshot-every", "20:2")))
        replay = windows(run(tmp_path, tumble(columns[1], False, *kind), [], events))
        got = windows(run(tmp_path, tumble(columns[0], False, *kind), [(at, tumble(columns[1], True, *kind))], events, *more))
        assert set(got) == set(replay), n
        for w, row in got.items():
            for a in both:
                assert row[f"a{a}"] == replay[w][f"a{a}"], (n, w, a)


STEPS = ["A -> B", "A -> B -> C", "A -> B+? -> C", "A -> B{2} -> C", "A -> (B | C) -> D", "A -> B? -> C", "A B", "A ->> B -> C"]


def find(text, within, names, measures="", skip="NO SKIP"):
    """A pattern over A to D, each under the name that `names` has for it."""
    define = ", ".join(f"{names[v]} AS v = {'ABCD'.index(v) + 1}" for v in "ABCD" if v in text)
    return re.sub("[A-D]", lambda m: names[m[0]], text), define, within, f"{names['A']}.id AS a{measures}", skip


def test_what_is_kept_of_patterns_is_what_a_replay_gives(tmp_path):
    """Changes after which a partial match is what the new version alone would have begun: names, measures, a shorter time. From
    the change on the matches are those of the new version over all rows."""
    rng = random.Random(5)
    same, other = {v: v for v in "ABCD"}, {"A": "FIRST1", "B": "MID", "C": "THIRD", "D": "LAST1"}
    events = [{"id": i, "k": rng.choice("wxyz"), "v": rng.randrange(5), "ts": 300 * i - rng.choice((0, 0, 2000))} for i in range(400)]
    seen = 0
    for n in range(16):
        steps, count = STEPS[n % len(STEPS)], ["", ", MATCH_NUMBER() AS n"]
        within, at = rng.randrange(8, 40), rng.randrange(20000, 100000)
        new = find(steps, rng.randrange(4, within + 1), rng.choice((same, other)), count[n // 2 % 2])
        old = find(steps, within, same, count[n % 2])
        more = rng.choice(((), ("--workers", "2"), ("--batch", "3", "--snapshot-every", "20:2"), ("--batch", "1")))

        def told(results):
            return sorted((r["time"], list(r["vars"].values())) for r in results if r["kind"] == "match" and r["time"] >= iso(at))
        first, second = (pattern(p, d, w, m, s, replace) for (p, d, w, m, s), replace in ((old, False), (new, True)))
        want = told(run(tmp_path, second.replace("OR REPLACE ", ""), [], events))
        assert told(run(tmp_path, first, [(at, second)], events, *more)) == want, (n, steps)
        seen += len(want)
    assert seen > 150


def iso(ms):
    return f"1970-01-01T00:{ms // 60000:02}:{ms // 1000 % 60:02}.{ms % 1000:03}Z"


CALLS = ["COUNT(*) OVER ({} RANGE BETWEEN INTERVAL '9' SECOND PRECEDING AND CURRENT ROW)", "SUM(v) OVER ({} ROWS 5 PRECEDING)",
         "MAX(id) OVER ({} RANGE BETWEEN INTERVAL '4' SECOND PRECEDING AND CURRENT ROW)", "SUM(v) OVER ({})", "LAG(id, 2) OVER ({})",
         "MIN(v) OVER ({} ROWS 2 PRECEDING)", "COUNT(DISTINCT v) OVER ({} ROWS UNBOUNDED PRECEDING)", "ROW_NUMBER() OVER ({})"]


def over(which, replace, having=""):
    columns = ", ".join(f"{CALLS[c].format('PARTITION BY k ORDER BY ts')} AS c{c}" for c in which)
    return f"CREATE {'OR REPLACE ' if replace else ''}RULE r AS SELECT id, {columns} FROM t{having};\n"


def test_what_is_kept_of_over_is_what_a_replay_gives(tmp_path):
    """Calls that both versions have, and those over rows that the old one kept, are as if the new version had seen all rows."""
    rng = random.Random(3)
    events = [{"id": i, "k": rng.choice("xyz"), "v": rng.randrange(4), "ts": 300 * i - rng.choice((0, 0, 2000))} for i in range(300)]
    for n in range(10):
        old, new = [0, 1, *rng.sample(range(3, 8), 2)], [1, 2, 5, *rng.sample([0, 3, 4, 6, 7], 2)]
        # 2 and 5 are over rows that 0 and 1 keep, but of the values only 1's were read; sums over all rows must have been there.
        whole = [c for c in new if c in old or c == 5]
        at = rng.randrange(20000, 70000)
        more = rng.choice(((), ("--workers", "2"), ("--batch", "3", "--snapshot-every", "20:2")))
        replay = {r["row"]["id"]: r["row"] for r in run(tmp_path, over(new, False), [], events) if r["kind"] == "match"}
        seen = 0
        for r in run(tmp_path, over(old, False), [(at, over(new, True))], events, *more):
            if r["kind"] == "match" and r["time"] >= iso(at):
                seen += 1
                for c in whole:
                    assert r["row"][f"c{c}"] == replay[r["row"]["id"]][f"c{c}"], (n, r, c)
        assert seen > 30


def join(least, most, outer, replace):
    return (f"CREATE {'OR REPLACE ' if replace else ''}RULE j AS SELECT a.id AS a, b.id AS b FROM t a {'LEFT ' if outer else ''}JOIN u b"
            f" ON a.k = b.k AND a.v <= b.v AND b.ts BETWEEN a.ts - INTERVAL '{least}' SECOND AND a.ts + INTERVAL '{most}' SECOND;\n")


def pairs(results):
    return [(r["row"]["a"], r["row"]["b"]) for r in results if r["kind"] == "match"]


def test_rows_of_a_join_wait_on_for_the_next_version(tmp_path):
    """A version with bounds as wide, or less, finds what it would have found alone, but for what was the old one's to tell."""
    rng = random.Random(9)
    second = STREAM.removeprefix("CREATE STREAM t").join(("CREATE STREAM u", ""))
    events = [{"_stream": rng.choice("tu"), "id": i, "k": rng.choice("xyz"), "v": rng.randrange(4),
               "ts": 300 * i - rng.choice((0, 0, 2000))} for i in range(300)]
    times, left = {e["id"]: e["ts"] for e in events}, {e["id"] for e in events if e["_stream"] == "t"}
    for n in range(8):
        outer, most, at = n % 3 > 0, rng.randrange(3, 9), rng.randrange(20000, 70000)
        old, new = (most, most, outer), (rng.randrange(1, most + 1), rng.randrange(1, most + 1), outer)
        more = ((), ("--workers", "3"), ("--batch", "3", "--snapshot-every", "20:2"), ("--batch", "1", "--snapshot-every", "7:1"))[n % 4]
        of_new = pairs(run(tmp_path, second + join(*new, False), [], events))
        of_old = pairs(run(tmp_path, second + join(*old, False), [], events))
        got = pairs(run(tmp_path, second + join(*old, False), [(at, join(*new, True))], events, *more))
        want = {p for p in of_old if None not in p and max(times[p[0]], times[p[1]]) < at}
        want |= {p for p in of_new if None not in p and max(times[p[0]], times[p[1]]) >= at}
        assert {p for p in got if None not in p} == want, n
        assert len(got) == len(set(got)), "none is told twice"
        if outer:
            assert {a for a, b in got if b is None} == left - {a for a, b in want}, n
        assert len(want) > 100
