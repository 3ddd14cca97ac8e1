# SPDX-License-Identifier: Apache-2.0
"""What the program and the reference find for the same cases: many cases in one process of `weir eval`."""
import collections
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
import reference  # noqa: E402
import reference_iso  # noqa: E402
from randrule import match_clause, rule_text, stream_text  # noqa: E402

STEPS_MAX = 20000
REFUSED = re.compile(r"^.*?:(\d+):\d+: error: (.*?)(?: \[([\w-]+)\])?$", re.M)


class TooLong(Exception):
    """A pair on which trying every way takes longer than it is worth."""


class Counting(reference.Matcher):
    steps = 0

    def rows_for(self, *a, **k):
        for j in super().rows_for(*a, **k):
            Counting.steps += 1
            if Counting.steps > STEPS_MAX:
                raise TooLong
            yield j


reference.Matcher = Counting


def weir():
    return os.environ.get("WEIR") or str(pathlib.Path(__file__).resolve().parent.parent.parent / "weir")


def plain(value):
    """A number to six digits, a time as ms."""
    if isinstance(value, str) and value[4:5] == "-" and value.endswith("Z"):
        value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() * 1000
    return round(float(value), 6) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def row_key(kind, row):
    return key(kind, {k: plain(v) for k, v in (row or {}).items()})


def key(kind, places):
    return json.dumps([kind, places], sort_keys=True)


def wanted(case, events):
    """A multiset of the reference's results, or None: it refuses the rule."""
    Counting.steps = 0
    out = collections.Counter()
    if case.get("iso"):
        try:
            found = reference_iso.evaluate({"sql": stream_text(case) + rule_text(case), "events": events})
        except reference_iso.SqlError:
            return None
        except reference_iso.Unsupported as x:
            raise TooLong from x
        return collections.Counter(row_key(r["kind"], r.get("row")) for r in found)
    for r in reference.match(stream_text(case) + rule_text(case), events):
        if r["kind"] == "rejected":
            return None
        out[key(r["kind"], r.get("vars", r.get("event")))] += 1
    return out


class Broken(Exception):
    """The program ended otherwise than by results or by refusing rules."""


def run(groups, options=()):
    """groups: [(cases, events)], each a stream with its rules. By group and case: a multiset of results, or the refusal's words."""
    lines, owner = [], {}
    for g, (cases, _) in enumerate(groups):
        lines.append(stream_text(cases[0], f"s{g}"))
        for c, case in enumerate(cases):
            lines.append(rule_text(case, f"r{g}x{c}", f"s{g}"))
            owner[len(lines)] = (g, c)
    found = {(g, c): collections.Counter() for g, (cases, _) in enumerate(groups) for c in range(len(cases))}
    with tempfile.TemporaryDirectory() as folder:
        rules, rows = pathlib.Path(folder, "r.sql"), pathlib.Path(folder, "e.jsonl")
        rows.write_text("".join(json.dumps({"_stream": f"s{g}", **e}) + "\n" for g, (_, events) in enumerate(groups) for e in events),
                        encoding="utf-8")
        while True:
            rules.write_text("\n".join(lines) + "\n", encoding="utf-8")
            done = subprocess.run([weir(), "eval", str(rules), "--input", str(rows), *options], capture_output=True, text=True,
                                  timeout=300, check=False)
            if done.returncode == 0:
                break
            bad = [(int(m[1]), m[2], m[3]) for m in REFUSED.finditer(done.stderr)]
            if done.returncode != 1 or not bad or any(n not in owner for n, _, _ in bad):
                raise Broken(f"{done.returncode}: {done.stderr[-2000:]}")
            for n, words, code in bad:
                found[owner[n]] = f"{code}: {words}"
                lines[n - 1] = ""
    for line in done.stdout.splitlines():
        r = json.loads(line)
        g, c = map(int, r["rule"][1:].split("x"))
        if groups[g][0][c].get("iso"):
            found[g, c][row_key(r["kind"], None if r["kind"] == "error" else r["row"])] += r["kind"] != "timeout"
        else:
            what = r["place"] if r["kind"] == "late" else {k: sorted(v) for k, v in r.get("vars", {}).items() if v}
            found[g, c][key(r["kind"], what)] += 1
    return found


def difference(case, want, got):
    """None, or [what only the reference has, what only the program has]."""
    if want == got:
        return None
    return [sorted((want - got).elements()), sorted((got - want).elements())]


def differing(pairs):
    """Of each (case, events), alone: that with the difference, or None; None too where the reference or the program refuses it."""
    try:
        found = run([([case], events) for case, events in pairs])
    except (Broken, subprocess.TimeoutExpired) as x:
        return [None] * len(pairs) if len(pairs) > 1 else [(*pairs[0], ["the program broke", str(x)])]
    out = []
    for g, (case, events) in enumerate(pairs):
        try:
            want = wanted(case, events)
        except TooLong:
            want = None
        diff = None if want is None or isinstance(found[g, 0], str) else difference(case, want, found[g, 0])
        out.append((case, events, diff) if diff else None)
    return out


def text_of(case, events, diff):
    """As a conformance case, what differs before it."""
    kinds = ["match", "late", "error"] if case.get("iso") else ["match", "timeout", "late", "error"]
    want = [json.loads(k) for k in sorted(wanted(case, events).elements())]
    what = "row" if case.get("iso") else "vars"
    expect = [{"kind": kind} if kind == "error" and case.get("iso") else {"kind": kind, "event": v} if kind == "late" and what == "vars"
              else {"kind": kind, what: v} for kind, v in want]
    return (f"  {match_clause(case)}\n  " + " ".join(f"{i}:{e['name']}/{e['price']}@{e['ts']}" for i, e in enumerate(events))
            + f"\n  reference only: {diff[0]}\n  program only:   {diff[1]}\n"
            + json.dumps({"name": "random", "sql": stream_text(case) + " " + rule_text(case), "events": events,
                          "expect": expect, "order": "any", "asserts": kinds}))
