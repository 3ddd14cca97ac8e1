# SPDX-License-Identifier: Apache-2.0
"""Every example of docs/language.md is run: patterns over letters and what they find, and every block of SQL.

(Those of the table of functions are run by test_functions.py.)"""
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR = os.environ.get("WEIR") or str(ROOT / "weir")
TEXT = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")

# `what` over `letters` → `results`
EXAMPLE = re.compile(r"`([^`]+)` over `([a-z]+)` → (?:`([^`]*)`|(none))")
PATTERNS = [(m[1].replace("\\|", "|"), m[2], m[3] or "") for m in EXAMPLE.finditer(TEXT)]
BLOCKS = re.findall(r"^```sql\n(.*?)^```", TEXT, re.M | re.S)

LETTERS = "CREATE STREAM s (name STRING, i BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts);\n"
STREAMS = {
    "payments": """CREATE STREAM payments (id STRING NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING NOT NULL, account STRING,
  amount DECIMAL(12,2), rate DECIMAL(8,4), city STRING, country STRING, status STRING, type STRING,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND);""",
    "confirmations": """CREATE STREAM confirmations (id STRING NOT NULL, payment STRING, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts);""",
    "logins": """CREATE STREAM logins (id STRING NOT NULL, card STRING, country STRING, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts);""",
}


def evaluate(tmp_path, sql, events):
    (tmp_path / "rule.sql").write_text(sql, encoding="utf-8")
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    return subprocess.run([WEIR, "eval", str(tmp_path / "rule.sql"), "--input", str(tmp_path / "events.jsonl")],
                          capture_output=True, text=True, timeout=60)


# --- patterns over letters ---------------------------------------------------------------------------------------
def rule_of(clauses):
    """The example as a rule: a letter that stands in the pattern and has no DEFINE takes the rows of that letter."""
    if "PATTERN" not in clauses:
        clauses = f"PATTERN ({clauses})"
    if "MEASURES" not in clauses:
        clauses = "MEASURES COUNT(*) AS n " + clauses
    clauses, _, given = clauses.partition(" DEFINE ")
    pattern = clauses.partition("PATTERN")[2].partition(" SUBSET ")[0]
    letters = sorted(set(re.findall(r"\b[A-Z]\b", pattern)) - set(re.findall(r"\b([A-Z]) AS ", given)))
    defines = ([given] if given else []) + [f"{v} AS name = '{v.lower()}'" for v in letters]
    return f"CREATE RULE r AS SELECT * FROM s MATCH_RECOGNIZE (ORDER BY ts {clauses} DEFINE {', '.join(defines)});"


def shown(result, measures):
    if not measures:
        rows = sorted((place, v) for v, places in result["vars"].items() for place in places)
        return "".join(f"{v}{place}" for place, v in rows)
    values = ["null" if result["row"][m] is None else str(result["row"][m]) for m in measures]
    return values[0] if len(values) == 1 else f"({', '.join(values)})"


@pytest.mark.parametrize("clauses, letters, wanted", PATTERNS)
def test_a_pattern_finds_what_the_reference_says(tmp_path, clauses, letters, wanted):
    events = [{"name": letter, "i": i, "ts": 1000 * i} for i, letter in enumerate(letters)]
    done = evaluate(tmp_path, LETTERS + rule_of(clauses), events)
    assert done.returncode == 0, done.stderr
    told = clauses.partition("MEASURES")[2].partition("PATTERN")[0]
    measures = re.findall(r"\bAS (\w+)", told)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert " ".join(shown(r, measures) for r in results if r["kind"] == "match") == wanted


def test_each_form_of_a_pattern_has_an_example():
    """Each row of the tables from the elements to the end of the patterns' chapter, but for that of what names mean."""
    chapter = TEXT[TEXT.index("### Elements and how they follow"):TEXT.index("## Expressions\n")]
    rows = [x for x in chapter.splitlines() if x.startswith("| `")]
    assert len(rows) >= 38
    assert [x for x in rows if not EXAMPLE.search(x)] == []


# --- blocks of SQL -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("block", BLOCKS, ids=[b.split("\n")[0][:50] for b in BLOCKS])
def test_a_block_of_the_reference_runs(tmp_path, block):
    assert "…" not in block
    sql = "".join(text + "\n" for name, text in STREAMS.items() if f"CREATE STREAM {name} " not in block)
    if not re.match(r"\s*(CREATE|INSERT|EXPLAIN)\b", block):
        block = "CREATE RULE example AS\n" + block
    elif "CREATE RULE" not in block:
        block += "CREATE RULE example AS SELECT * FROM payments;"
    events = [{"_stream": "payments", "id": f"p{i}", "ts": 1000 * i, "card": "c", "amount": i} for i in range(20)]
    done = evaluate(tmp_path, sql + block, events)
    assert done.returncode == 0, done.stderr
