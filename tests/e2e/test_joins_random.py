# SPDX-License-Identifier: Apache-2.0
"""Random joins over random events, against trying every pair: inner and left, keys of several types, bounds, conditions,
self-joins, arrival in any order within the watermark, one to three workers.

JOINS_SEED and JOINS_CASES choose others; a failure names its seed."""
import json
import os
import random
import pathlib
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
import reference_windows  # pylint: disable=wrong-import-position

CASES = int(os.environ.get("JOINS_CASES", "80"))
SEED = int(os.environ.get("JOINS_SEED", "1"))
SLACK = 2000
COLUMNS = "(id BIGINT, k STRING, n BIGINT, d DECIMAL(8,2), e DECIMAL(10,3), x DOUBLE, v BIGINT, ts TIMESTAMP(3) NOT NULL"
STREAM = f"CREATE STREAM %s {COLUMNS}, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector'='inline');\n"

# What is compared, and how: NULL is None, and a comparison with it is None.
PLAIN = [("a.k = b.k", "k", "k"), ("b.n = a.n", "n", "n"), ("a.d = b.d", "d", "d"), ("a.d = b.e", "d", "e"), ("a.n = b.d", "n", "d"),
         ("b.n = a.x", "x", "n"), ("a.k = b.k AND a.n = b.n", "k n", "k n"), ("UPPER(a.k) = UPPER(b.k)", "k", "k")]
NULLS = [("a.k IS NOT DISTINCT FROM b.k", "k", "k"), ("(a.n = b.n OR a.n IS NULL AND b.n IS NULL)", "n", "n"),
         ("a.d IS NOT DISTINCT FROM b.e", "d", "e"), ("(b.k IS NULL AND a.k IS NULL OR b.k = a.k)", "k", "k")]


def both(f):
    """A condition over two values, unknown when one is."""
    return lambda x, y: None if x is None or y is None else f(x, y)


def all_of(values):
    return False if False in values else None if None in values else True


REST = [("a.v < b.v", lambda a, b: both(lambda x, y: x < y)(a["v"], b["v"])),
        ("a.v > 3", lambda a, b: both(lambda x, y: x > y)(a["v"], 3)),
        ("b.v <> 5", lambda a, b: both(lambda x, y: x != y)(b["v"], 5)),
        ("(a.v = 1 OR b.v = 2)", lambda a, b: True if a["v"] == 1 or b["v"] == 2 else
         None if a["v"] is None or b["v"] is None else False),
        ("b.ts <> a.ts", lambda a, b: a["ts"] != b["ts"]), ("a.id <> b.id", lambda a, b: a["id"] != b["id"])]
WHERE = [("a.v IS NOT NULL", lambda a, b: a["v"] is not None), ("b.v IS NULL", lambda a, b: b is None or b["v"] is None),
         ("b.id IS NOT NULL", lambda a, b: b is not None), ("a.n = 1", lambda a, b: a["n"] is not None and a["n"] == 1),
         ("COALESCE(b.v, 0) + a.v > 4", lambda a, b: a["v"] is not None and a["v"] + ((b and b["v"]) or 0) > 4)]


def seconds(ms):
    return f"{'-' if ms < 0 else '+'} INTERVAL '{abs(ms) / 1000:.3f}' SECOND"


def make_bounds(dice):
    """The text, and the least and the most of b.ts - a.ts."""
    low, high = sorted(dice.choice([-7000, -3000, -1500, -1, 0, 1, 500, 2000, 6000]) for _ in range(2))
    return dice.choice([
        (f"b.ts BETWEEN a.ts {seconds(low)} AND a.ts {seconds(high)}", low, high),
        (f"a.ts BETWEEN b.ts {seconds(-high)} AND b.ts {seconds(-low)}", low, high),
        (f"b.ts > a.ts {seconds(low)} AND b.ts < a.ts {seconds(high)}", low + 1, high - 1),
        (f"b.ts - a.ts >= INTERVAL '{low / 1000:.3f}' SECOND AND a.ts {seconds(high)} > b.ts", low, high - 1),
        (f"b.ts = a.ts {seconds(low)}", low, low),
        (f"a.ts <= b.ts AND b.ts <= a.ts {seconds(abs(high))}", 0, abs(high)),
    ])


def make_rule(dice):
    """The SQL, and what says of a pair (b may be None) that ON holds, that WHERE holds; the bounds; is it LEFT."""
    nulls = dice.random() < 0.3
    key, left, right = dice.choice(NULLS if nulls else PLAIN)
    bounds, low, high = make_bounds(dice)
    rest = dice.sample(REST, dice.choice([0, 0, 1, 2]))
    where = dice.sample(WHERE, dice.choice([0, 0, 1]))
    outer = dice.random() < 0.5
    parts = [key, bounds] + [r[0] for r in rest]
    dice.shuffle(parts)
    sides = dice.choice([("l", "r"), ("r", "l"), ("l", "l")])
    sql = (f"CREATE RULE j AS SELECT a.id AS aid, b.id AS bid, a.k, b.v, a.v + b.v AS s FROM {sides[0]} AS a "
           f"{'LEFT ' if outer else ''}JOIN {sides[1]} AS b ON {' AND '.join(parts)}"
           f"{' WHERE ' + where[0][0] if where else ''};\n")

    def equal(a, b):
        for x, y in zip(left.split(), right.split()):
            if a[x] is None or b[y] is None:
                if not (nulls and a[x] is None and b[y] is None):
                    return False
            elif a[x] != b[y]:
                return False
        return True

    def on(a, b):
        return equal(a, b) and low <= b["ts"] - a["ts"] <= high and all_of([r[1](a, b) for r in rest]) is True

    def holds(a, b):
        return all(w[1](a, b) for w in where)

    return sql, sides, outer, on, holds, max(0, high) if low <= high else 0


def make_events(dice):
    events, t = [], 0
    for i in range(dice.choice([10, 60, 160])):
        t += dice.choice([0, 0, 1, 100, 400, 900])
        value = lambda choices: dice.choice([*choices, None])
        events.append({"_stream": dice.choice("lr"), "id": i, "k": value("xyz"), "n": value([1, 2]),
                       "d": value(["1.00", "2.00", "2.50"]), "e": value(["1.000", "2.500", "2.505"]),
                       "x": value([1.0, 2.0]), "v": value(range(7)), "ts": t + dice.choice([0, 0, -700, 700])})
    events.sort(key=lambda e: max(0, e["ts"]) + dice.choice([0, 0, 1, 900, SLACK // 2]))
    best = {"l": 0, "r": 0}
    for e in events:  # nothing is late
        e["ts"] = max(e["ts"], best[e["_stream"]] - SLACK, 0)
        best[e["_stream"]] = max(best[e["_stream"]], e["ts"])
    return events


def make_windows(dice):
    """The function's text, and the windows of a time."""
    size, slide, offset = dice.choice([1000, 3000, 4000]), dice.choice([500, 1000, 1500]), dice.choice([0, 300])
    text = lambda *ms: ", ".join(f"INTERVAL '{x / 1000:.3f}' SECOND" for x in ms)
    floor = lambda t, step: t - (t - offset) % step

    def hops(t):
        return [(s, s + size) for s in range(floor(t, slide), t - size, -slide)]

    def steps(t):
        start = floor(t, 4 * slide)
        return [(start, e) for e in range(start + slide, start + 4 * slide + 1, slide) if e > t]
    return dice.choice([("TUMBLE", text(size, offset), lambda t: [(floor(t, size), floor(t, size) + size)]),
                        ("HOP", text(slide, size, offset), hops), ("CUMULATE", text(slide, 4 * slide, offset), steps)])


def make_windowed(dice):
    """A join of windows: its SQL, and what it finds."""
    name, sizes, windows = make_windows(dice)
    rest = dice.sample(REST[:4], dice.choice([0, 1]))
    outer = dice.random() < 0.5
    side = lambda stream: dice.choice([f"TABLE({name}(TABLE {stream}, DESCRIPTOR(ts), {sizes}))",
                                       f"(SELECT * FROM TABLE({name}(TABLE {stream}, DESCRIPTOR(ts), {sizes})))"])
    parts = ["a.k = b.k", "a.window_start = b.window_start", "b.window_end = a.window_end"] + [r[0] for r in rest]
    sql = (f"CREATE RULE j AS SELECT a.id AS aid, b.id AS bid, a.window_start AS s, b.window_time AS t FROM {side('l')} AS a "
           f"{'LEFT ' if outer else ''}JOIN {side('r')} AS b ON {' AND '.join(dice.sample(parts, len(parts)))};\n")

    def wanted(events):
        rows = {name: [typed(e) for e in events if e["_stream"] == name] for name in "lr"}
        out = []
        for a in rows["l"]:
            for start, end in windows(a["ts"]):
                partners = [b for b in rows["r"] if a["k"] is not None and a["k"] == b["k"] and (start, end) in windows(b["ts"])
                            and all_of([r[1](a, b) for r in rest]) is True]
                out += [{"aid": a["id"], "bid": b and b["id"], "s": start, "t": b and end - 1, "time": end - 1}
                        for b in partners or ([None] if outer else [])]
        return sorted(json.dumps(r, sort_keys=True) for r in out)
    return sql, wanted


def typed(e):
    return {**e, "d": e["d"] and Decimal(e["d"]), "e": e["e"] and Decimal(e["e"])}


def expected(events, sides, outer, on, holds, wait):
    rows = {name: [typed(e) for e in events if e["_stream"] == name] for name in "lr"}
    out = []
    for a in rows[sides[0]]:
        partners = [b for b in rows[sides[1]] if on(a, b)]
        for b in partners or ([None] if outer else []):
            if not holds(a, b):
                continue
            v = b and b["v"]
            out.append({"aid": a["id"], "bid": b and b["id"], "k": a["k"], "v": v,
                        "s": None if v is None or a["v"] is None else a["v"] + v,
                        "time": max(a["ts"], b["ts"]) if b else a["ts"] + wait})
    return sorted(json.dumps(r, sort_keys=True) for r in out)


def run(tmp_path, sql, events, options):
    (tmp_path / "rule.sql").write_text(STREAM % "l" + STREAM % "r" + sql)
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(tmp_path / "rule.sql"),
                           "--input", str(tmp_path / "events.jsonl"), *options],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(line["kind"] == "match" for line in lines)
    for line in lines:
        line["row"]["time"] = line["time"]
        for name in ("time", "s", "t"):
            if isinstance(line["row"].get(name), str):
                at = datetime.fromisoformat(line["row"][name].replace("Z", "+00:00"))
                line["row"][name] = round((at - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1000)
    return done.stdout, sorted(json.dumps(line["row"], sort_keys=True) for line in lines)


def check_snapshots(tmp_path, sql, events, wanted, case):
    """All state goes through a snapshot again and again, into as many tasks or others."""
    for workers, n in (("1", "1"), ("1", "7"), ("2", "2"), ("1", "3:2"), ("3", "5:1")):
        text, _ = run(tmp_path, sql, events, ["--batch", "1", "--workers", workers, "--snapshot-every", n])
        assert text == wanted, f"{case}: {sql} {workers} {n}"


@pytest.mark.parametrize("part", range(4))
def test_random_joins_find_what_trying_every_pair_finds(tmp_path, part):
    for case in range(part, CASES, 4):
        dice = random.Random(f"{SEED}:{case}")
        sql, sides, outer, on, holds, wait = make_rule(dice)
        events = make_events(dice)
        wanted = expected(events, sides, outer, on, holds, wait)
        options = dice.choice([[], ["--batch", "1"], ["--batch", "7"], ["--workers", "2"], ["--workers", "3", "--batch", "3"]])
        text, got = run(tmp_path, sql, events, options)
        assert got == wanted, f"JOINS_SEED={SEED} case {case}: {sql} {options}"
        again, _ = run(tmp_path, sql, events, [])
        assert again == text, f"JOINS_SEED={SEED} case {case}: {sql} {options}"  # in the same order, too
        check_snapshots(tmp_path, sql, events, again, f"JOINS_SEED={SEED} case {case}")


@pytest.mark.parametrize("part", range(2))
def test_random_joins_of_windows_find_what_trying_every_pair_finds(tmp_path, part):
    for case in range(part, CASES // 2, 2):
        dice = random.Random(f"{SEED}:windows:{case}")
        sql, wanted = make_windowed(dice)
        events = make_events(dice)
        options = dice.choice([[], ["--batch", "1"], ["--workers", "2", "--batch", "7"], ["--workers", "3", "--batch", "3"]])
        text, got = run(tmp_path, sql, events, options)
        assert got == wanted(events), f"JOINS_SEED={SEED} case {case}: {sql} {options}"
        again, _ = run(tmp_path, sql, events, [])
        assert again == text, f"JOINS_SEED={SEED} case {case}: {sql} {options}"
        check_snapshots(tmp_path, sql, events, again, f"JOINS_SEED={SEED} case {case}")


@pytest.mark.parametrize("part", range(2))
def test_random_joins_find_what_the_reference_finds(tmp_path, part):
    """The reference of the conformance cases: another reading of the same sentences. It knows no DECIMALs."""
    compared = 0
    for case in range(part, CASES, 2):
        dice = random.Random(f"{SEED}:reference:{case}")
        sql, sides, *_ = make_rule(dice)
        events = [e for e in make_events(dice) if e["_stream"] in sides]
        if any(word in sql for word in ("a.d", "b.d", "b.e", "IS NOT DISTINCT")):
            continue
        streams = "".join(STREAM % name for name in sorted(set(sides)))
        wanted = reference_windows.evaluate({"sql": streams + sql, "events": [dict(e) for e in events]})
        _, got = run(tmp_path, sql, events, [])
        rows = [{k: v for k, v in json.loads(row).items() if k != "time"} for row in got]
        key = lambda row: json.dumps({k.lower(): v for k, v in row.items()}, sort_keys=True)
        assert sorted(map(key, rows)) == sorted(key(r["row"]) for r in wanted), f"JOINS_SEED={SEED} case {case}: {sql}"
        compared += len(rows)
    assert compared > 100
