# SPDX-License-Identifier: Apache-2.0
"""Random windows over random events, against windowmodel.py, which keeps every row and counts anew; then with other
numbers of workers and sizes of batches, and with all state through snapshots.

WINDOWS_SEED and WINDOWS_CASES choose others; a failure names its seed."""
import datetime
import json
import os
import random
import subprocess

import pytest

from windowmodel import Windows

CASES = int(os.environ.get("WINDOWS_CASES", "60"))
SEED = int(os.environ.get("WINDOWS_SEED", "1"))
DELAY = 2950  # watermarks never fall on a border of a window, which are multiples of 100
STREAM = """CREATE STREAM t (id BIGINT, k STRING, v BIGINT, d DECIMAL(8,2), gap BIGINT, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2.95' SECOND) WITH ('connector'='inline');
"""


def seconds(ms):
    return f"INTERVAL '{ms / 1000}' SECOND"


def numbers(rows, column):
    return [r[column] for r in rows if r[column] is not None]


AGGREGATES = {
    "COUNT(*)": len,
    "COUNT(v)": lambda rows: len(numbers(rows, "v")),
    "SUM(v)": lambda rows: sum(numbers(rows, "v")) if numbers(rows, "v") else None,
    "SUM(d)": lambda rows: sum(numbers(rows, "d")) if numbers(rows, "d") else None,
    "MIN(v)": lambda rows: min(numbers(rows, "v"), default=None),
    "MAX(d)": lambda rows: max(numbers(rows, "d"), default=None),
    "AVG(v)": lambda rows: sum(numbers(rows, "v")) / len(numbers(rows, "v")) if numbers(rows, "v") else None,
    "COUNT(DISTINCT v)": lambda rows: len(set(numbers(rows, "v"))),
    "COUNT(*) FILTER (WHERE v > 2)": lambda rows: sum(r["v"] is not None and r["v"] > 2 for r in rows)}


def make_having(dice):
    n = dice.choice([1, 2, 3, 5])
    m = dice.choice([-3, 4, 9, 20])
    total = AGGREGATES["SUM(v)"]
    choices = [(None, lambda rows: True), (None, lambda rows: True),
               (f"COUNT(*) >= {n}", lambda rows: len(rows) >= n),
               ("MIN(v) > 0", lambda rows: (AGGREGATES["MIN(v)"](rows) or 0) > 0),
               (f"COUNT(*) % 2 = 1 AND COUNT(*) >= {n}", lambda rows: len(rows) % 2 == 1 and len(rows) >= n),
               (f"COUNT(*) <= {n}", lambda rows: len(rows) <= n),
               (f"SUM(v) > {m}", lambda rows: (total(rows) is not None and total(rows) > m)),
               (f"SUM(v) < {m} AND COUNT(*) >= {n}", lambda rows: total(rows) is not None and total(rows) < m and len(rows) >= n)]
    return dice.choice(choices)


def make_window(dice, keys):
    """Kind, what is written, and the rule's sizes."""
    kind = dice.choice(["TUMBLE", "HOP", "HOP", "CUMULATE", "SESSION", "SESSION", "COUNT_TUMBLE", "COUNT_HOP", "GLOBAL"])
    slide = dice.choice([100, 400, 1000, 2500])
    size = slide * dice.choice([1, 2, 3, 7]) if kind != "HOP" else dice.choice([100, 900, 1000, 3000, 7000])
    offset = dice.choice([0, 0, 300, -700])
    table = "TABLE t" + (" PARTITION BY " + ", ".join(keys) if keys and kind in ("SESSION", "COUNT_TUMBLE", "COUNT_HOP") else "")
    n, step = dice.choice([1, 2, 4, 5]), dice.choice([1, 2, 3])
    rule = {"kind": kind, "size": size, "slide": slide, "offset": offset, "trigger": ("event-time", 0), "purge": False, "evictor": None,
            "lateness": 0, "gap": lambda row: size}
    tail = f", {seconds(offset)}" if offset else ""
    text = {"TUMBLE": f"DESCRIPTOR(ts), {seconds(size)}{tail}",
            "HOP": f"DESCRIPTOR(ts), {seconds(slide)}, {seconds(size)}{tail}",
            "CUMULATE": f"DESCRIPTOR(ts), {seconds(slide)}, {seconds(size)}{tail}",
            "SESSION": f"DESCRIPTOR(ts), {seconds(size)}", "COUNT_TUMBLE": f"{n}", "COUNT_HOP": f"{step}, {n}", "GLOBAL": ""}[kind]
    if kind == "SESSION" and dice.random() < 0.3:
        rule["gap"] = lambda row: row["gap"]
        text = "DESCRIPTOR(ts), gap"
    if kind == "COUNT_TUMBLE":
        rule.update(trigger=("count", n), purge=True)
    if kind == "COUNT_HOP":
        rule.update(trigger=("count", step), evictor=("count", n, False))
    return rule, f"TABLE({kind}({table}{', ' if text else ''}{text}))"


def make_options(dice, rule):
    options = {}
    if dice.random() < 0.15:
        rule["ttl"] = dice.choice([100, 1000, 4000])
        options["state-ttl"] = f"{rule['ttl']} ms"
    if rule["kind"].startswith("COUNT_"):
        return options
    if rule["kind"] != "GLOBAL" and dice.random() < 0.6:
        rule["lateness"] = dice.choice([100, 1000, 5000, 60000])
        options["allowed-lateness"] = f"{rule['lateness']} ms"
    if dice.random() < 0.6:
        n, ms = dice.choice([1, 2, 3, 5]), dice.choice([300, 1000, 2500])
        rule["trigger"] = dice.choice([("count", n), ("continuous", ms), ("event-time", 0), ("punctuated", 0)])
        name, number = rule["trigger"]
        options["trigger"] = {"count": f"count {number}", "continuous": f"continuous {number} ms"}.get(name, name)
    if dice.random() < 0.25:
        rule["purge"], options["purge"] = True, "true"
    if dice.random() < 0.3:
        n, ms, after = dice.choice([1, 2, 4]), dice.choice([200, 1000, 3000]), dice.random() < 0.5
        rule["evictor"] = dice.choice([("count", n, after), ("time", ms, after)])
        name, number, _ = rule["evictor"]
        options["evictor"] = f"{name} {number}{' ms' if name == 'time' else ''}{' after' if after else ''}"
    return options


def make_rule(dice):
    keys = dice.choice([[], ["k"], ["k"]])
    rule, source = make_window(dice, keys)
    options = make_options(dice, rule)
    having, rule["having"] = make_having(dice)
    calls = [dice.choice(list(AGGREGATES)) for _ in range(dice.randint(1, 4))]
    rule["values"] = lambda rows: [AGGREGATES[c](rows) for c in calls]
    rule["key"] = lambda row: [row[k] for k in keys]
    rule["by_arrival"] = rule["kind"] in ("COUNT_TUMBLE", "COUNT_HOP", "GLOBAL") or rule["trigger"][0] == "count"
    if rule["trigger"][0] == "punctuated":
        rule["by_arrival"] = False  # it takes rows in order of time
    bounded = rule["kind"] not in ("COUNT_TUMBLE", "COUNT_HOP", "GLOBAL")
    groups = keys + (["window_start", "window_end"] if bounded else [])
    if not groups:
        return make_rule(dice)
    items = ", ".join(keys + ["window_start", "window_end"] + [f"{c} AS c{i}" for i, c in enumerate(calls)])
    given = ", ".join(f"'{n}'='{v}'" for n, v in options.items())
    sql = f"{STREAM}CREATE RULE r{' WITH (' + given + ')' if given else ''} AS SELECT {items} FROM {source} GROUP BY {', '.join(groups)}"
    return sql + (f" HAVING {having};" if having else ";"), rule, len(keys)


def make_events(dice):
    now, events = 100000, []
    spread = dice.choice([[0, 0, 900, 2900, 4000], [0, 0, 0, 2000, 3100, 8000, 20000]])
    for _ in range(dice.choice([5, 30, 80])):
        now += dice.choice([0, 0, 100, 300, 600, 5000 if dice.random() < 0.2 else 0])
        events.append({"id": len(events), "k": dice.choice(["a", "b", None]), "v": dice.choice([None, 0, 1, -2, 3, 9]),
                       "d": dice.choice([None, 0.25, -1.5, 1000.01]), "gap": dice.choice([100, 700, 1500]),
                       "ts": now - dice.choice(spread) + dice.choice([0, 30, 60])})
    return events


def time_of(value):
    if value is None:
        return None
    when = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return round(when.timestamp() * 1000)


def rounded(values):
    return [None if v is None else round(float(v), 6) + 0.0 for v in values]


def shown(line, nkeys):
    """A line of weir eval as the model has it."""
    got = json.loads(line)
    if got["kind"] == "late":
        return ("late", got["place"])
    values = list(got["row"].values())
    bounds = [time_of(v) for v in values[nkeys:nkeys + 2]]
    result = [got["kind"], values[:nkeys], bounds, rounded(values[nkeys + 2:])]
    if got["kind"] == "update":
        result += [got["revision"], got.get("retracted", False)]
    return tuple(result)


def in_order(lines):
    """Lines of eval, sorted. How much of a late row is told depends on whether its batch is still there when it is refused."""
    got = [json.loads(line) for line in lines]
    return sorted(json.dumps({k: v for k, v in g.items() if k != "row" or g["kind"] != "late"}) for g in got)


def wanted(result):
    if result[0] == "late":
        return result
    return result[:3] + (rounded(result[3]),) + result[4:]


def run(folder, sql, events, workers, batch, *options):
    (folder / "rule.sql").write_text(sql)
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(folder / "rule.sql"), "--input", str(folder / "events.jsonl"),
                           "--workers", str(workers), "--batch", str(batch), *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, sql + done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("seed", range(SEED, SEED + CASES))
def test_windows_give_what_counting_by_hand_finds(seed, tmp_path):
    dice = random.Random(seed)
    sql, rule, nkeys = make_rule(dice)
    events = make_events(dice)
    model = Windows(rule, DELAY)
    for place, event in enumerate(events):
        model.feed(dict(event, place=place))
    model.end()
    lines = run(tmp_path, sql, events, 1, 1)
    found = sorted((shown(line, nkeys) for line in lines), key=repr)
    right = sorted((wanted(r) for r in model.out), key=repr)
    assert found == right, (seed, sql)
    by_steps = rule["by_arrival"] and "ttl" in rule
    for workers, batch in ((1, 7), (2, 1), (3, 1024)):
        if not by_steps:  # what fires with each step of the watermark depends on its steps
            assert in_order(run(tmp_path, sql, events, workers, batch)) == in_order(lines), (seed, sql, workers, batch)
    for n in ("1", "2", "7", "50"):  # all state through a snapshot again and again
        assert run(tmp_path, sql, events, 1, 1, "--snapshot-every", n) == lines, (seed, sql, n)
    for workers, n in ((1, "3:2"), (2, "5:3"), (3, "4:1"), (1, "1:3")):
        if not by_steps:
            assert in_order(run(tmp_path, sql, events, workers, 1, "--snapshot-every", n)) == in_order(lines), (seed, sql, workers, n)
