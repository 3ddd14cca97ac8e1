#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the conformance cases through `weir eval`, each in its own process.

  tests/conformance/run.py [-v] [--update] [--eval=ARGS] [WORD…]   only cases whose file or name contains a word

A case passes, fails (wrong results, a crash, wrong words in an error), or is unsupported: the compiler refuses it with
the code `unsupported`. README.md here says what a case is. WEIR names the program (default: ./weir).

passing.txt lists what passes, so that nothing falls back unseen; --update writes it anew. exceptions.txt lists cases
that are known to fail, or that contradict the language's reference, each with its reason.
"""
import argparse
import collections
import concurrent.futures
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PASSING = HERE / "passing.txt"
EXCEPTIONS = HERE / "exceptions.txt"
KINDS = ["match", "update", "late", "error"]
SECONDS = 10

Outcome = collections.namedtuple("Outcome", "name file verdict why")   # verdict: pass | fail | unsupported


def weir():
    return os.environ.get("WEIR") or str(HERE.parent.parent / "weir")


def load(words=()):
    """All cases, each with the name of its file."""
    cases = []
    for path in sorted(HERE.glob("*.jsonl")):
        for line in path.open(encoding="utf-8"):
            case = dict(json.loads(line), file=path.stem)
            if not words or any(w in case["file"] + ":" + case["name"] for w in words):
                cases.append(case)
    return cases


def names_of(path):
    """What each line that is no comment names, up to " -- "."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [x.split(" -- ")[0].strip() for x in lines if x.strip() and not x.startswith("#")]


# --- comparing ---------------------------------------------------------------------------------------------------
def millis(text):
    """An ISO 8601 time as ms since 1970, or None."""
    try:
        t = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    t = t if t.tzinfo else t.replace(tzinfo=datetime.timezone.utc)
    return (t - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(milliseconds=1)


def same(a, b):
    """Values: numbers to 1e-6, a TIMESTAMP as ms whichever way it is written."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= 1e-6 * max(1.0, abs(a), abs(b))
    if a == b:
        return True
    if isinstance(a, str) and isinstance(b, (int, float)):
        return millis(a) == b
    if isinstance(b, str) and isinstance(a, (int, float)):
        return millis(b) == a
    if isinstance(a, str) and isinstance(b, str):
        return millis(a) is not None and millis(a) == millis(b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return False


def places(variables):
    """Places by variable, names without regard to case, variables that took no row left out."""
    return {k.upper(): sorted(v) for k, v in (variables or {}).items() if v}


def agrees(want, got, keys_in_order):
    if want["kind"] != got["kind"]:
        return False
    if "row" in want and not same(want["row"], got.get("row")):
        return False
    if "row" in want and keys_in_order and list(want["row"]) != list(got["row"]):
        return False
    if "vars" in want and places(want["vars"]) != places(got.get("vars")):
        return False
    return "event" not in want or want["event"] == got.get("place")


def difference(case, got):
    """None if the results are those expected, else a sentence or two."""
    kinds = case.get("asserts", KINDS)
    got = [g for g in got if g["kind"] in kinds]
    want = [w for w in case["expect"] if w["kind"] in kinds]
    ordered = case.get("keys_in_order", False)
    if case.get("order") == "as listed":
        for i, (w, g) in enumerate(zip(want, got)):
            if not agrees(w, g, ordered):
                return f"result {i}: expected {brief(w)}, got {brief(g)}"
        return None if len(want) == len(got) else f"expected {len(want)} results, got {len(got)}"
    missing, left = [], list(got)
    for w in want:
        hit = next((g for g in left if agrees(w, g, ordered)), None)
        if hit is None:
            missing.append(w)
        else:
            left.remove(hit)
    if not missing and not left:
        return None
    return "missing: " + ", ".join(map(brief, missing)) + "; too many: " + ", ".join(map(brief, left))


def brief(result):
    shown = {k: result[k] for k in ("kind", "vars", "row", "event", "place", "reason") if result.get(k)}
    text = json.dumps(shown, ensure_ascii=False)
    return text if len(text) < 300 else text[:300] + "…"


# --- running -----------------------------------------------------------------------------------------------------
ERROR_LINE = re.compile(r"^(?:.*?:(\d+):(\d+): |weir eval: )error: (.*?)(?: \[([\w-]+)\])?$", re.M)


def errors_in(text):
    """(line, column, words of the message and what is shown with it, code) of each error."""
    found = list(ERROR_LINE.finditer(text))
    ends = [m.start() for m in found[1:]] + [len(text)]
    return [(int(m[1] or 0), int(m[2] or 0), text[m.start(3):end], m[4]) for m, end in zip(found, ends)]


def refused(case, errors):
    """Whether the compiler refuses for the reason that the case names."""
    want = case.get("error")
    if not want:
        return None
    for line, column, words, _ in errors:
        if (all(w.lower() in words.lower() for w in want.get("contains", []))
                and want.get("line", line) == line and want.get("column", column) == column):
            return None
    return f"expected {want}, got {[(e[0], e[1], e[2].splitlines()[0]) for e in errors]}"


def judge(case, run):
    """(verdict, why) of a finished process."""
    expects_refusal = "error" in case or any(r["kind"] == "rejected" for r in case.get("expect") or [])
    if run.returncode not in (0, 1):
        return "fail", f"exit code {run.returncode}: {run.stderr[-500:]}"
    if run.returncode == 1:
        errors = errors_in(run.stderr)
        why = refused(case, errors) if expects_refusal else "refused: " + run.stderr.strip()[:500]
        if not errors:
            return "fail", "refused without an error: " + run.stderr[:300]
        unsupported = any(e[3] == "unsupported" for e in errors)
        if why and unsupported or not case.get("error") and expects_refusal and unsupported:
            return "unsupported", errors[0][2].splitlines()[0]
        return ("fail", why) if why else ("pass", "")
    if expects_refusal:
        return "fail", "expected to be refused, was compiled"
    why = difference(case, [json.loads(x) for x in run.stdout.splitlines()])
    return ("fail", why) if why else ("pass", "")


MORE = []  # arguments of `weir eval` for every case


def run_case(case, folder):
    rule, events = pathlib.Path(folder, "rule.sql"), pathlib.Path(folder, "events.jsonl")
    rule.write_text(case["sql"], encoding="utf-8")
    events.write_text("".join(json.dumps(e) + "\n" for e in case.get("events", [])), encoding="utf-8")
    command = [weir(), "eval", str(rule), "--input", str(events), *MORE]
    if case.get("bounded") is False:
        command.append("--no-end")
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=case.get("limit_s", SECONDS),
                             check=False, errors="replace")
    except subprocess.TimeoutExpired as x:
        return Outcome(case["name"], case["file"], "fail", f"not done after {x.timeout} s")
    return Outcome(case["name"], case["file"], *judge(case, run))


def run_some(cases):
    with tempfile.TemporaryDirectory() as folder:
        return [run_case(case, folder) for case in cases]


def run_all(cases):
    jobs = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        parts = pool.map(run_some, [cases[i::jobs] for i in range(jobs)])
        outcomes = {o.name: o for part in parts for o in part}
    return [outcomes[c["name"]] for c in cases]


# --- the lists ---------------------------------------------------------------------------------------------------
def table(outcomes):
    count = collections.Counter((o.file, o.verdict) for o in outcomes)
    lines = [f"{'file':20} {'pass':>5} {'fail':>5} {'unsupported':>12}"]
    for name in sorted({o.file for o in outcomes}) + [None]:
        row = [sum(n for (f, v), n in count.items() if v == verdict and name in (f, None))
               for verdict in ("pass", "fail", "unsupported")]
        lines.append(f"{name or 'all':20} {row[0]:5} {row[1]:5} {row[2]:12}")
    return "\n".join(lines)


def update(outcomes):
    PASSING.write_text("# Cases that pass, written by `tests/conformance/run.py --update`; each must go on passing.\n"
                       + "".join(sorted(o.name + "\n" for o in outcomes if o.verdict == "pass")), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-v", action="store_true", help="why cases fail or are unsupported")
    parser.add_argument("--update", action="store_true", help="write passing.txt")
    parser.add_argument("--eval", default="", help='more arguments, as in --eval="--batch 1 --snapshot-every 2:3"')
    parser.add_argument("words", nargs="*")
    a = parser.parse_args()
    MORE.extend(a.eval.split())
    cases = load(a.words)
    outcomes = run_all(cases)
    excepted = names_of(EXCEPTIONS)
    for o in outcomes:
        if o.verdict == "fail" and o.name not in excepted or a.v and o.verdict != "pass":
            print(f"{o.verdict}: {o.file}:{o.name}\n    {o.why}")
    print(table(outcomes))
    if a.update and not a.words:
        update(outcomes)
    return not cases or any(o.verdict == "fail" and o.name not in excepted for o in outcomes)


if __name__ == "__main__":
    sys.exit(main())
