# SPDX-License-Identifier: Apache-2.0
"""Every function and operator: tests/data/functions.jsonl and the examples of docs/language.md, through `weir eval`.

A row is {"expr", "is"}, with "type" where the value is a time, or {"expr", "error"}. Each is computed over a row (SELECT)
and over a batch (WHERE), of the one event below."""
import json
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
WEIR = os.environ.get("WEIR") or os.path.join(HERE, "..", "..", "weir")
STREAM = """CREATE STREAM s (t STRING, u STRING, n BIGINT, m BIGINT, d DECIMAL(12,2), e DECIMAL(12,2), x DOUBLE, b BOOLEAN,
  ts TIMESTAMP(3), w TIMESTAMP(3), WATERMARK FOR ts AS ts);
"""
EVENT = {"t": "Bob@Mail.com", "n": 7, "d": "12.34", "e": "-0.05", "x": 2.5, "b": True,
         "ts": "2026-07-31T23:30:15.250Z", "w": "2024-02-29T00:00:00Z"}


def run(tmp_path, statements):
    rules = tmp_path / "rules.sql"
    rules.write_text(STREAM + "".join(s + "\n" for s in statements))
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps(EVENT) + "\n")
    return subprocess.run([WEIR, "eval", str(rules), "--input", str(events)],
                          capture_output=True, text=True, timeout=120)


def literal(row):
    v = row["is"]
    if isinstance(v, bool):
        return "TRUE" if v else "FALSE"
    if row.get("type") == "TIMESTAMP":
        return f"TIMESTAMP '{v}'"
    return str(v) if not isinstance(v, str) else "'" + v.replace("'", "''") + "'"


def wrong(tmp_path, rows):
    statements = []
    for i, r in enumerate(rows):
        test = f"({r['expr']}) IS NULL" if r["is"] is None else f"({r['expr']}) IS NOT DISTINCT FROM {literal(r)}"
        statements.append(f"CREATE RULE r{i} AS SELECT {r['expr']} AS v FROM s;")
        statements.append(f"CREATE RULE w{i} AS SELECT t FROM s WHERE {test};")
    done = run(tmp_path, statements)
    assert done.returncode == 0, done.stderr
    out = {}
    for line in done.stdout.splitlines():
        line = json.loads(line)
        out[line["rule"]] = line["row"]
    bad = []
    for i, r in enumerate(rows):
        v = out[f"r{i}"]["v"]
        same = v == r["is"] and isinstance(v, bool) == isinstance(r["is"], bool)
        if isinstance(v, float) and isinstance(r["is"], (int, float)):
            same = abs(v - r["is"]) < 1e-9 * max(1, abs(v))
        if not same:
            bad.append(f"{r['expr']}: {v!r}, not {r['is']!r}")
        elif f"w{i}" not in out and not isinstance(v, float):
            bad.append(f"{r['expr']}: not so over a batch")
    return bad


def rows():
    with open(os.path.join(HERE, "..", "data", "functions.jsonl"), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def test_every_expression_has_its_value(tmp_path):
    values = [r for r in rows() if "is" in r]
    assert len(values) >= 150
    assert wrong(tmp_path, values) == []


def test_every_wrong_expression_is_refused_with_a_sentence(tmp_path):
    for r in rows():
        if "error" in r:
            done = run(tmp_path, [f"CREATE RULE r AS SELECT {r['expr']} AS v FROM s;"])
            assert done.returncode != 0 and r["error"] in done.stderr, (r, done.stderr)


def test_the_examples_of_the_reference_are_right(tmp_path):
    """Rows of the table of functions end in `expression` → `value`."""
    with open(os.path.join(HERE, "..", "..", "docs", "language.md"), encoding="utf-8") as f:
        found = re.findall(r"^\| `.*\| `([^`]+)` → `([^`]+)` \|$", f.read(), re.M)
    assert len(found) >= 50
    examples = []
    for expr, value in found:
        time = re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value)
        row = {"expr": expr.replace("\\|", "|"), "is": value if time else json.loads(value)}
        examples.append({**row, "type": "TIMESTAMP"} if time else row)
    assert wrong(tmp_path, examples) == []
