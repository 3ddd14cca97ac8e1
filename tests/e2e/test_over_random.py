# SPDX-License-Identifier: Apache-2.0
"""Random rules with OVER over random events, against counting by hand: every frame of every row is gathered anew; then
with other numbers of workers and sizes of batches, and with all state through snapshots.

OVER_SEED and OVER_CASES choose others; a failure names its seed."""
import json
import os
import random
import statistics
import subprocess

import pytest

CASES = int(os.environ.get("OVER_CASES", "60"))
SEED = int(os.environ.get("OVER_SEED", "1"))
SLACK = 3000
STREAM = """CREATE STREAM t (id BIGINT, k STRING, j BIGINT, v BIGINT, d DECIMAL(8,2), x DOUBLE, s STRING, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '3' SECOND) WITH ('connector'='inline');
"""
NUMBERS = {"v": lambda r: r["v"], "d": lambda r: r["d"], "x": lambda r: r["x"],
           "v * 2": lambda r: None if r["v"] is None else 2 * r["v"]}
ANY = {**NUMBERS, "s": lambda r: r["s"], "UPPER(s)": lambda r: None if r["s"] is None else r["s"].upper()}
FILTERS = {"v > 2": lambda r: r["v"] is not None and r["v"] > 2, "s = 'a'": lambda r: r["s"] == "a"}
WHERES = {"v IS NULL OR v < 8": lambda r: r["v"] is None or r["v"] < 8, "x > 0": lambda r: r["x"] is not None and r["x"] > 0}


def deviation(values):
    return statistics.stdev(values) if len(values) > 1 else None


FUNCTIONS = {
    "COUNT": (ANY, len), "SUM": (NUMBERS, sum), "AVG": (NUMBERS, lambda v: sum(v) / len(v)), "MIN": (ANY, min), "MAX": (ANY, max),
    "STDDEV": (NUMBERS, deviation), "FIRST": (ANY, None), "LAST": (ANY, None)}


def make_frame(dice):
    """The text, and which of the rows of a key are in the frame of row i."""
    n = dice.choice([0, 1, 2, 5, 30])
    ms = dice.choice([0, 1, 400, 1000, 5000])
    rows = {f"ROWS BETWEEN {n} PRECEDING AND CURRENT ROW": n, f"ROWS {n} PRECEDING": n, "ROWS UNBOUNDED PRECEDING": 1 << 40,
            "ROWS CURRENT ROW": 0}
    times = {f"RANGE BETWEEN INTERVAL '{ms / 1000}' SECOND PRECEDING AND CURRENT ROW": ms, "": 1 << 60,
             f"RANGE INTERVAL '{ms / 1000}' SECOND PRECEDING": ms, "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW": 1 << 60}
    if dice.random() < 0.5:
        text = dice.choice(list(rows))
        return text, lambda all_rows, i: all_rows[max(0, i - rows[text]): i + 1]
    text = dice.choice(list(times))
    return text, lambda all_rows, i: [r for r in all_rows if 0 <= all_rows[i]["ts"] - r["ts"] <= times[text]
                                      or r["ts"] == all_rows[i]["ts"]]


def make_aggregate(dice, over):
    name = dice.choice(list(FUNCTIONS))
    arguments, function = FUNCTIONS[name]
    argument = dice.choice(list(arguments))
    distinct = name not in ("FIRST", "LAST") and dice.random() < 0.3
    chosen = dice.choice(list(FILTERS)) if dice.random() < 0.25 else None
    frame, rows_of = make_frame(dice)
    text = f"{name}({'DISTINCT ' if distinct else ''}{argument})"
    text += f" FILTER (WHERE {chosen})" if chosen else ""

    def value(rows, i):
        values = [arguments[argument](r) for r in rows_of(rows, i) if chosen is None or FILTERS[chosen](r)]
        if name in ("FIRST", "LAST"):
            return values[0 if name == "FIRST" else -1] if values else None
        values = [v for v in values if v is not None]
        values = list(dict.fromkeys(values)) if distinct else values
        return function(values) if values or name == "COUNT" else None
    return f"{text} OVER ({over} {frame})", value


def make_call(dice, over):
    kind = dice.random()
    if kind < 0.15:
        n, argument = dice.choice([0, 1, 2, 4]), dice.choice(list(ANY))
        default = dice.choice(["", ", v", ", 7"]) if argument in ("v", "v * 2") else ""
        last = {"": lambda r: None, ", v": lambda r: r["v"], ", 7": lambda r: 7}[default]
        return (f"LAG({argument}, {n}{default}) OVER ({over})",
                lambda rows, i: ANY[argument](rows[i - n]) if i >= n else last(rows[i]))
    if kind < 0.22:
        return f"ROW_NUMBER() OVER ({over})", lambda rows, i: i + 1
    if kind < 0.35:
        frame, rows_of = make_frame(dice)
        return f"COUNT(*) OVER ({over} {frame})", lambda rows, i: len(rows_of(rows, i))
    return make_aggregate(dice, over)


def make_events(dice):
    now, events = 100000, []
    for _ in range(dice.choice([5, 40, 150])):
        now += dice.choice([0, 0, 1, 100, 600, 2500 if dice.random() < 0.2 else 0])
        number = dice.choice([None, 0, 1, -2, 3, 9])
        events.append({"id": len(events), "k": dice.choice(["a", "b", None]), "j": dice.choice([1, 2]), "v": number,
                       "d": dice.choice([None, 0.25, -1.5, 1000.01]), "x": dice.choice([None, 0.5, 1e12, -3.25, 1.0]),
                       "s": dice.choice([None, "a", "B", "pear", ""]), "ts": now - dice.choice([0, 0, 0, 900, 2900, 4000])})
    return events


def make_rule(dice):
    """The text, a function from the rows that are not late to the results, in any order."""
    keys = dice.choice([[], ["k"], ["k", "j"]])
    over = (f"PARTITION BY {', '.join(keys)} " if keys else "") + "ORDER BY ts"
    calls = [make_call(dice, over) for _ in range(dice.randint(1, 5))]
    count = f"COUNT(*) OVER ({over} RANGE INTERVAL '1' SECOND PRECEDING)"
    items = "id, v, " + ", ".join(f"{c} AS c{i}" for i, (c, _) in enumerate(calls))
    where = dice.choice([None, *WHERES])
    shape = dice.choice(["plain", "alias", "call", "around"])
    source = "FROM t" + (f" WHERE {where}" if where else "")
    text = {"plain": f"SELECT {items} {source}",
            "alias": f"SELECT {items}, {count} AS n {source} QUALIFY n >= 2 AND v > 0",
            "call": f"SELECT {items} {source} QUALIFY {count} >= 2",
            "around": f"SELECT * FROM (SELECT {items}, {count} AS n {source}) WHERE n >= 2"}[shape]

    def results(rows):
        groups, out = {}, []
        for row in sorted((r for r in rows if where is None or WHERES[where](r)), key=lambda r: r["ts"]):
            groups.setdefault(tuple(row[k] for k in keys), []).append(row)
        for group in groups.values():
            for i, row in enumerate(group):
                n = sum(0 <= row["ts"] - r["ts"] <= 1000 for r in group)
                if shape != "plain" and n < 2 or shape == "alias" and not (row["v"] is not None and row["v"] > 0):
                    continue
                values = [row["id"], row["v"]] + [value(group, i) for _, value in calls]
                out.append(values + ([n] if shape in ("alias", "around") else []))
        return out
    return f"{STREAM}CREATE RULE r AS {text};", results, where


def split_late(events):
    on_time, late, mark = [], [], -(1 << 60)
    for e in events:
        (late if e["ts"] < mark else on_time).append(e)
        mark = max(mark, e["ts"] - SLACK)
    return on_time, late


def near(a, b):
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= 1e-6 * max(1.0, abs(a), abs(b))
    return a == b


def run(weir_path, folder, sql, events, workers, batch, *options):
    (folder / "rule.sql").write_text(sql)
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    done = subprocess.run([weir_path, "eval", str(folder / "rule.sql"), "--input", str(folder / "events.jsonl"),
                           "--workers", str(workers), "--batch", str(batch), *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, sql + done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("seed", range(SEED, SEED + CASES))
def test_frames_hold_what_counting_by_hand_finds(seed, tmp_path):
    dice = random.Random(seed)
    sql, results, where = make_rule(dice)
    events = make_events(dice)
    on_time, late = split_late(events)
    weir_path = os.environ.get("WEIR", "./weir")
    lines = run(weir_path, tmp_path, sql, events, 1, 1024)
    got = [json.loads(x) for x in lines]
    found = sorted((list(g["row"].values()) for g in got if g["kind"] == "match"), key=lambda row: row[0])
    wanted = sorted(results(on_time), key=lambda row: row[0])
    assert [f[0] for f in found] == [w[0] for w in wanted], (seed, sql)
    for a, b in zip(found, wanted):
        assert len(a) == len(b) and all(map(near, a, b)), (seed, sql, a, b)
    assert sum(g["kind"] == "late" for g in got) == sum(where is None or WHERES[where](e) for e in late), (seed, sql)
    for workers, batch in ((1, 1), (2, 7), (3, 1), (3, 1024)):
        assert sorted(run(weir_path, tmp_path, sql, events, workers, batch)) == sorted(lines), (seed, sql, workers, batch)
    for workers, n in ((1, "1"), (1, "7"), (2, "2"), (1, "3:2"), (3, "5:1"), (2, "50:3")):  # all state through snapshots
        assert sorted(run(weir_path, tmp_path, sql, events, workers, 1, "--snapshot-every", n)) == sorted(lines), (seed, sql, workers, n)
