#!/usr/bin/env python3
"""Reference matcher for the PATTERN part of the rule language (shared/LANGUAGE.md): brute force, for small inputs.

It is a definition, not an engine. For one start row it walks the pattern, trying every way the language
allows, in the order that ISO prefers; NO SKIP keeps every match, the other skip modes one for each start: the first, but
that taking a row ranks above letting it lie (takes_sooner).

  python3 reference.py CASES.jsonl [-v] [NAME…]   run cases, print the disagreements
  match(sql, events) -> [{"kind": "match" | "timeout", "vars": {name: [places]}}, …]

What it takes LANGUAGE.md to mean, where that text leaves room (see flink-cep-inexpressible.md):
 1. `->` before v: the first later row that v accepts, given the rows matched so far.
 2. An element that takes no row leaves its own contiguity without effect: `A -> B? C` is also `A C`.
    A `!N` before it stays in force up to the next row taken.
 3. `A -> !N -> C` looks at the rows between A's and C's: a row that is both N and C may be C's.
    `A !N C`: the row after A's must be there, and not be an N. At the end of a pattern likewise.
 4. A greedy loop over one variable does not end while it can take one more row: with NO SKIP a match is left
    out if its loop could have taken a row before (or instead of) the row that follows. No giving back.
 5. UNTIL: the loop (a group's: all in it) looks at no row from the first for which S holds.
 6. A timeout is a partial match, with a row at least, that still waits for a row when its time is over.
    The same rows time out once, even if they wait in several ways. (A match that could only be made longer
    is not partial.)
 7. SKIP TO v, where v took no row or is where the match starts: as SKIP TO NEXT ROW.
 8. WITHIN after an element inside PATTERN (an extension): its row lies less than i after the row before it;
    on a loop, its rows less than i after each other.
"""
import json, re, sys
from datetime import datetime, timezone

# ---------------------------------------------------------------- words
TOKEN = re.compile(r"""\s*(?:--[^\n]*\n|/\*.*?\*/|\s)*(?:
    (?P<num>\d+\.\d+|\d+) | (?P<str>'(?:[^']|'')*') | `(?P<bq>[^`]+)` | "(?P<dq>[^"]+)" | (?P<id>[A-Za-z_]\w*)
    | (?P<op>->>|->|<=|>=|<>|!=|\{-|-\}|\|\||[-+*/%(){}\[\],.;=<>?!|^$]))""", re.X | re.S)

def words(text):
    out, at = [], 0
    while at < len(text):
        m = TOKEN.match(text, at)
        if not m:
            if text[at:].strip(): raise SyntaxError("at: " + text[at:at + 30])
            break
        k = m.lastgroup
        v = m.group(k)
        if k in ("bq", "dq"): k = "id"; out.append((k, v, True))
        elif k == "id": out.append((k, v, False))
        elif k == "str": out.append((k, v[1:-1].replace("''", "'"), True))
        else: out.append((k, v, False))
        at = m.end()
    return out

class Parser:
    def __init__(self, text): self.t, self.i = words(text), 0
    def look(self, n=0): return self.t[self.i + n][1] if self.i + n < len(self.t) else ""
    def kw(self, n=0):                                   # an unquoted word, upper case
        if self.i + n >= len(self.t): return ""
        k, v, quoted = self.t[self.i + n]
        return v.upper() if k == "id" and not quoted else v if k == "op" else ""
    def take(self, *want):
        """take these words if they come next"""
        if all(self.kw(n) == w for n, w in enumerate(want)): self.i += len(want); return True
        return False
    def need(self, *want):
        if not self.take(*want): raise SyntaxError(f"expected {' '.join(want)} at {self.t[self.i:self.i + 4]}")
    def name(self):
        k, v, q = self.t[self.i]
        if k != "id": raise SyntaxError(f"expected a name at {self.t[self.i:self.i + 4]}")
        self.i += 1
        return v
    def number(self): self.i += 1; return float(self.t[self.i - 1][1])

    def skip(self):
        """past one word, or one (…)"""
        deep = 0
        while True:
            deep += {"(": 1, ")": -1}.get(self.kw(), 0)
            self.i += 1
            if deep == 0: return

    # ---- expressions: parsed to functions of an Env; None is SQL's NULL
    def expr(self): return self.binary(0)
    LEVELS = [("OR",), ("AND",), ("=", "<>", "!=", "<", "<=", ">", ">="), ("+", "-", "||"), ("*", "/", "%")]
    def binary(self, n):
        if n == len(self.LEVELS): return self.unary()
        if n == 2 and self.take("NOT"):
            x = self.binary(2); return lambda e: (lambda v: None if v is None else not v)(x(e))
        a = self.binary(n + 1)
        while True:
            op = self.kw()
            if op in self.LEVELS[n]:
                self.i += 1; a = apply(op, a, self.binary(n + 1))
            elif n == 2 and op in ("IS", "LIKE", "IN", "BETWEEN", "NOT"): a = self.test(a)
            else: return a
    def test(self, a):
        neg = self.take("NOT")
        if self.take("IS"):
            neg = self.take("NOT"); self.need("NULL"); r = lambda e: a(e) is None
        elif self.take("LIKE"):
            b = self.binary(3)
            def r(e):
                x, p = a(e), b(e)
                if x is None or p is None: return None
                return re.fullmatch("".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in p), x, re.S) is not None
        elif self.take("IN"):
            self.need("("); l = [self.expr()]
            while self.take(","): l.append(self.expr())
            self.need(")")
            r = lambda e: None if a(e) is None else any(a(e) == x(e) for x in l)
        else:
            self.need("BETWEEN"); lo = self.binary(3); self.need("AND"); hi = self.binary(3)
            r = apply("AND", apply(">=", a, lo), apply("<=", a, hi))
        return (lambda e: None if r(e) is None else not r(e)) if neg else r
    def unary(self):
        if self.take("-"): x = self.unary(); return lambda e: None if x(e) is None else -x(e)
        if self.take("("): x = self.expr(); self.need(")"); return x
        k, v, quoted = self.t[self.i]
        if k == "num": self.i += 1; f = float(v); return lambda e: f
        if k == "str": self.i += 1; return lambda e: v
        w = self.kw()
        if w in ("TRUE", "FALSE", "NULL"): self.i += 1; c = {"TRUE": True, "FALSE": False, "NULL": None}[w]; return lambda e: c
        if w == "TIMESTAMP": self.i += 1; ms = millis(self.t[self.i][1]); self.i += 1; return lambda e: ms
        if w == "INTERVAL": ms = self.interval(); return lambda e: ms
        n = self.name()
        if self.take("("): return self.call(n.upper())
        if self.take("."):
            c = self.name(); return lambda e: e.last(n, c)
        return lambda e: e.row().get(n)
    def call(self, f):
        if f in ("RUNNING", "FINAL"): raise SyntaxError(f)
        if f in ("SUM", "COUNT", "AVG", "MIN", "MAX", "FIRST", "LAST"):
            if self.take("*"): var = col = None
            else:
                var = self.name(); col = None
                if self.take("."): col = self.name()
                else: var, col = None, var
            off = int(self.number()) if self.take(",") else 0
            self.need(")")
            return lambda e: e.aggregate(f, var, col, off)
        args = []
        while not self.take(")"):
            args.append(self.expr()); self.take(",")
        if f == "COALESCE": return lambda e: next((v for v in (a(e) for a in args) if v is not None), None)
        if f == "ABS": return lambda e: None if args[0](e) is None else abs(args[0](e))
        if f == "PREV":
            n = args[1] if len(args) > 1 else lambda e: 1
            return lambda e: args[0](Env(e.rows, e.path, e.at - int(n(e)), e.subsets)) if e.at - int(n(e)) >= 0 else None
        raise SyntaxError("unknown function " + f)
    def interval(self):
        self.need("INTERVAL"); q = self.t[self.i][1]; self.i += 1
        return float(q) * {"DAY": 864e5, "HOUR": 36e5, "MINUTE": 6e4, "SECOND": 1e3}[self.name().upper().rstrip("S")]

    # ---- PATTERN ( … )
    def pattern(self):
        alts = [self.seq()]
        while self.take("|"): alts.append(self.seq())
        return alts[0] if len(alts) == 1 else ("alt", alts)
    def seq(self):
        items = []
        while self.kw() not in (")", "|", ",", "-}"):
            how = "any" if self.take("->>") else "follow" if self.take("->") else "next"
            x = self.element()                               # parentheses that nothing is written on are only parentheses
            items += [(how, x[1][0][1])] + x[1][1:] if x[0] == "seq" and x[1] else [(how, x)]
        return ("seq", items)
    def quantifies(self): return self.kw(1 if self.kw() in ("->", "->>") else 0) in ("*", "+", "?", "{", "UNTIL", "WITHIN")
    def element(self):
        if self.take("!"): x = ("not", self.name())
        elif self.take("("):
            x = self.pattern(); self.need(")")
            if x[0] == "seq" and len(x[1]) == 1 and (x[1][0][1][0] not in ("loop", "step") or not self.quantifies()): x = x[1][0][1]
        elif self.take("{-"): x = ("alt", [self.pattern()]); self.need("-}")
        elif self.kw() == "PERMUTE" and self.kw(1) == "(":
            self.i += 2; l = [self.pattern()]
            while self.take(","): l.append(self.pattern())
            self.need(")")
            from itertools import permutations
            x = ("alt", [("seq", [("next", p) for p in o]) for o in permutations(l)])
        else: x = ("var", self.name())
        while True:
            n = 1 if self.kw() in ("->", "->>") else 0
            q = self.kw(n)
            if q not in ("*", "+", "?", "{"): break
            if x[0] in ("not", "loop"): raise SyntaxError("no quantifier can stand here; put it on a group")
            inner = "next" if not n else "follow" if self.kw() == "->" else "any"
            self.i += n + 1
            lo, hi = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(q, (0, 0))
            if q == "{":
                lo = 0 if self.kw() == "," else int(self.number())
                hi = lo
                if self.take(","): hi = None if self.kw() == "}" else int(self.number())
                self.need("}")
            x = {"item": x, "lo": lo, "hi": hi, "inner": inner, "greedy": not self.take("?"), "until": None, "step": None}
            x = ("loop", x)
        while self.kw() in ("UNTIL", "WITHIN"):
            if self.take("UNTIL"):
                if x[0] != "loop" or x[1]["hi"] is not None or x[1]["until"]: raise SyntaxError("UNTIL needs a loop without a bound, and one only")
                x[1]["until"] = self.name()
            else:
                self.i += 1; ms = self.interval()
                if x[0] == "loop": x[1]["step"] = ms
                else: x = ("step", x, ms)
        return x

def apply(op, a, b):
    def f(e):
        x, y = a(e), b(e)
        if op == "AND": return False if x is False or y is False else None if x is None or y is None else True
        if op == "OR": return True if x is True or y is True else None if x is None or y is None else False
        if x is None or y is None: return None
        return {"=": lambda: x == y, "<>": lambda: x != y, "!=": lambda: x != y, "<": lambda: x < y, "<=": lambda: x <= y,
                ">": lambda: x > y, ">=": lambda: x >= y, "+": lambda: x + y, "-": lambda: x - y, "*": lambda: x * y,
                "/": lambda: x / y, "%": lambda: x % y, "||": lambda: x + y}[op]()
    return f

def millis(s):
    return datetime.fromisoformat(s).replace(tzinfo=timezone.utc).timestamp() * 1000

class Env:
    """What an expression sees: the row under test (place `at`), and the rows matched so far, that one among them."""
    def __init__(self, rows, path, at, subsets): self.rows, self.path, self.at, self.subsets = rows, path, at, subsets
    def row(self): return self.rows[self.at]
    def places(self, var):
        if var is None: return [i for i, _ in self.path]
        vs = self.subsets.get(var, (var,))
        return [i for i, v in self.path if v in vs]
    def last(self, var, col):
        p = self.places(var)
        return self.rows[p[-1]].get(col) if p else None
    def aggregate(self, f, var, col, off):
        p = self.places(var)
        v = [self.rows[i].get(col) for i in p] if col else p
        if f == "FIRST": return v[off] if off < len(v) else None
        if f == "LAST": return v[-1 - off] if off < len(v) else None
        v = [x for x in v if x is not None]
        if f == "COUNT": return len(v)
        if not v: return None
        return {"SUM": sum, "MIN": min, "MAX": max, "AVG": lambda l: sum(l) / len(l)}[f](v)

# ---------------------------------------------------------------- the rule
class Rule:
    def __init__(self, sql):
        p = Parser(sql)
        self.partition, self.order, self.skip, self.within, self.step = [], None, ("past", None), None, None
        self.define, self.subsets, self.then = {}, {}, []
        while not p.take("MATCH_RECOGNIZE", "("): p.i += 1
        while not p.take(")"):
            if p.take("PARTITION", "BY"):
                self.partition.append(p.name())
                while p.take(","): self.partition.append(p.name())
            elif p.take("ORDER", "BY"):
                self.order = p.name(); p.take("ASC")
                while p.take(","): self.then.append(p.name()); p.take("ASC")
            elif p.take("AFTER", "MATCH"):
                if p.take("NO", "SKIP"): self.skip = ("no", None)
                elif p.take("SKIP", "TO", "NEXT", "ROW"): self.skip = ("next", None)
                elif p.take("SKIP", "PAST", "LAST", "ROW"): self.skip = ("past", None)
                else:
                    p.need("SKIP", "TO"); k = "first" if p.take("FIRST") else "last"; p.take("LAST")
                    self.skip = (k, p.name())
            elif p.take("PATTERN", "("):
                self.pattern = p.pattern(); p.need(")")
                if p.kw() == "WITHIN":
                    p.i += 1; ms = p.interval()
                    if p.take("EACH", "STEP"): self.step = ms
                    else: self.within = ms
            elif p.take("SUBSET"):
                while True:
                    n = p.name(); p.need("=", "("); self.subsets[n] = [p.name()]
                    while p.take(","): self.subsets[n].append(p.name())
                    p.need(")")
                    if not p.take(","): break
            elif p.take("DEFINE"):
                while True:
                    n = p.name(); p.need("AS"); self.define[n] = p.expr()
                    if not p.take(","): break
            else: p.skip()                                       # MEASURES, ONE ROW PER MATCH: of no weight here
        self.check(sql)

    def check(self, sql):
        """what the compiler is to refuse; and the delay of the watermark"""
        m = re.search(r"WATERMARK FOR \w+ AS \w+(?: - INTERVAL '([\d.]+)' SECOND)?", sql)
        self.delay = float(m.group(1) or 0) * 1000 if m else 0
        names, steps = set(), []
        def walk(x):
            if x[0] in ("var", "not"): names.add(x[1])
            elif x[0] == "loop": steps.append(x[1]["step"]); walk(x[1]["item"])
            elif x[0] == "step": steps.append(x[2]); walk(x[1])
            elif x[0] == "alt": [walk(a) for a in x[1]]
            else: [walk(a) for _, a in x[1]]
        walk(self.pattern)
        last = self.pattern[1][-1] if self.pattern[0] == "seq" and self.pattern[1] else ("next", ("empty",))
        if last[0] != "next" and last[1][0] == "not" and self.within is None and self.step is None:
            raise SyntaxError("a pattern that ends with a relaxed NOT needs WITHIN")
        if self.skip[1] is not None and self.skip[1] not in names | set(self.subsets): raise SyntaxError("SKIP TO: no such variable " + self.skip[1])
        if self.within is not None and any(t is not None and t > self.within for t in steps + [self.step]):
            raise SyntaxError("the time of one step is longer than that of the whole")

# ---------------------------------------------------------------- matching
class Gap:
    """How the next row is to follow: `how` (start, next, follow, any), which variables may hold for no row up to
    it (nots) or not for the very next (nextnots), before which place it must lie, how soon it must come."""
    def __init__(self, how, nots=(), nextnots=(), before=None, step=None):
        self.how, self.nots, self.nextnots, self.before, self.step = how, nots, nextnots, before, step
    def then(self, how):
        """nothing was taken since: the next element follows, as it says, what came before"""
        return Gap("start" if self.how == "start" else how, self.nots, self.nextnots, self.before, None)
    def bound(self, before):
        return Gap(self.how, self.nots, self.nextnots, before if self.before is None else min(before, self.before), self.step)

NEVER = float("inf")

class Matcher:
    def __init__(self, rule, rows):
        self.r, self.rows = rule, rows
        self.time = [row.get(rule.order) for row in rows]

    def holds(self, var, at, path, take=True):
        f = self.r.define.get(var)
        return True if f is None else f(Env(self.rows, path + [(at, var)] if take else path, at, self.r.subsets)) is True

    def rows_for(self, var, path, gap, untils):
        """the places where var may take its row, in order; notes when the path ceased to wait, and whether for time's sake"""
        stops = lambda j: any(self.holds(u, j, path, False) for u, _ in untils)
        begun = [u for u, taken in untils if len(path) > taken]           # loops that have their first row
        if gap.how == "start":
            if gap.before is not None and gap.before <= self.start: return
            if self.holds(var, self.start, path) and not stops(self.start): yield self.start
            return
        last = path[-1][0]
        step = min((s for s in (gap.step, self.r.step) if s is not None), default=None)
        w = self.r.within
        over = min(self.time[last] + step if step is not None else NEVER, self.time[self.start] + w if w is not None else NEVER)
        for j in range(last + 1, self.end):
            if self.time[j] >= over: break
            done = self.barred(j, last, path, gap, True) or any(self.holds(u, j, path, False) for u in begun)
            if not done and self.holds(var, j, path):
                if not stops(j): yield j
                done = gap.how == "follow"
            if done or gap.how == "next" or self.barred(j, last, path, gap):
                self.waiting.append((list(path), (self.time[j], j), False)); return
        self.waiting.append((list(path), (over, -1), over != NEVER))

    def barred(self, j, last, path, gap, taken=False):
        """may row j not lie after last (or, taken, not be the row that follows it)?"""
        return (gap.before is not None and j >= gap.before
                or not taken and any(self.holds(n, j, path, False) for n in gap.nots)
                or j == last + 1 and any(self.holds(n, j, path, False) for n in gap.nextnots))

    def ways(self, x, path, gap, untils=(), after=()):
        """every way to match x after path: (path, gap) pairs, the preferred first. The gap given back is None
        if x took a row, else the gap that the next element starts from. after: the NOTs that come after x."""
        kind = x[0]
        if kind == "var":
            for j in self.rows_for(x[1], path, gap, untils): yield path + [(j, x[1])], None
        elif kind == "step":
            yield from self.ways(x[1], path, Gap(gap.how, gap.nots, gap.nextnots, gap.before, x[2]), untils)
        elif kind == "alt":
            for a in x[1]: yield from self.ways(a, path, gap, untils)
        elif kind == "seq": yield from self.sequence(x[1], path, gap, untils, True)
        elif kind == "loop":
            yield from self.loop(x[1], path, gap, untils + (((x[1]["until"], len(path)),) if x[1]["until"] else ()), after, 0, gap)

    def sequence(self, items, path, gap, untils, first=False):
        if not items: yield path, gap; return
        how, x = items[0]
        g = gap if first else (gap or Gap(how)).then(how)
        if is_not(x):
            g = with_nots(g, [items[0]])
            if x[0] == "step": g.step = x[2]
            yield from self.sequence(items[1:], path, g, untils)
            return
        after = []
        while len(after) + 1 < len(items) and is_not(items[len(after) + 1][1]): after.append(items[len(after) + 1])
        for p, rest in self.ways(x, path, g, untils, after):
            yield from self.sequence(items[1:], p, rest, untils)

    def loop(self, q, path, gap, untils, after, n, entry):
        """entry: how its first row is to follow; None once it took one"""
        here = [a for a in after if n >= q["lo"] or a[0] != "next"]       # the NOTs that bind between two rounds
        g = gap
        if entry is not None and n > 0: g = gap.then(entry.how); g.step = entry.step     # rounds without rows change nothing
        if entry is None:                                                 # a NOT at the end of a round stays in force
            g = with_nots((gap or Gap("next")).then(q["inner"]), here); g.step = q["step"]
        full = q["hi"] is not None and n >= q["hi"]
        def more():
            if full: return
            for p, rest in self.ways(q["item"], path, g, untils):
                if len(p) > len(path) or n < q["lo"]: yield from self.loop(q, p, rest, untils, after, n + 1, entry if len(p) == len(path) else None)
        def stop():
            if n < q["lo"]: return
            end = gap
            if q["greedy"] and not full and q["item"][0] == "var" and self.r.skip[0] == "no":
                waiting = len(self.waiting)
                more_at = next(self.rows_for(q["item"][1], path, g, untils), None)
                del self.waiting[waiting:]
                if more_at is not None: end = (gap or Gap("follow")).bound(more_at)
            yield path, end
        for branch in (more, stop) if q["greedy"] else (stop, more): yield from branch()

    def may_be_empty(self, gap):
        """ISO's empty matches, which neither NO SKIP nor arrows have"""
        return self.r.skip[0] != "no" and not relaxed(self.r.pattern) and not gap.nots and not gap.nextnots

    def complete(self, path, gap):
        """is this way a match, as far as the rows after its last one say?"""
        if gap is None: return True
        last, step = path[-1][0], min((s for s in (gap.step, self.r.step) if s is not None), default=None)
        if gap.before is not None or gap.nextnots and last + 1 >= self.end: return False
        for j in range(last + 1, self.end):
            if step is not None and self.time[j] - self.time[last] >= step: break
            if self.barred(j, last, path, gap): return False
        return True

    def run(self):
        out, at, n = [], 0, len(self.rows)
        for self.start in range(n):
            if self.start < at: continue
            t0, w = self.time[self.start], self.r.within
            self.end = n if w is None else next((j for j in range(self.start, n) if self.time[j] - t0 >= w), n)
            self.waiting, found = [], []
            best = None
            for path, gap in self.ways(self.r.pattern, [], Gap("start")):
                if not (self.complete(path, gap) if path else self.may_be_empty(gap)): continue
                if self.r.skip[0] != "no":
                    if best is None or takes_sooner(path, best): best = path
                elif variables(path) not in found: found.append(variables(path))
            if best is not None: found.append(variables(best))
            out += [{"kind": "match", "vars": v} for v in found]
            if found and self.r.skip[0] != "no":
                k, name = self.r.skip
                v = found[0]
                if not v: at = self.start + 1; continue                          # an empty match
                at = {"next": lambda: self.start + 1, "past": lambda: max(map(max, v.values())) + 1,
                      "first": lambda: self.places(v, name)[0], "last": lambda: self.places(v, name)[-1]}[k]()
                if k in ("first", "last") and at <= self.start: out.append({"kind": "error", "vars": v})
                continue
            last = {}                                                    # of the same rows: the last that ended their waiting
            for path, when, by_time in self.waiting:
                k = json.dumps(variables(path), sort_keys=True)
                last[k] = max(last.get(k, ((-1, -1), False)), (when, by_time))
            late = [json.loads(k) for k, (_, by_time) in last.items() if by_time]
            out += [{"kind": "timeout", "vars": v} for v in late if v not in found]
        return out

    def places(self, v, name):
        return sorted(sum((v.get(n, []) for n in self.r.subsets.get(name, [name])), [])) or [0]

def takes_sooner(a, b):
    """Is way a to be preferred to way b, which ISO's order puts before a? Only where a takes a row that b lets lie."""
    return next((x[0] < y[0] for x, y in zip(a, b) if x != y), False)

def is_not(x): return x[0] == "not" or x[0] == "step" and x[1][0] == "not"

def relaxed(x):
    """may rows lie between those that it takes?"""
    if x[0] == "step": return relaxed(x[1])
    if x[0] == "alt": return any(map(relaxed, x[1]))
    if x[0] == "seq": return any(i and how != "next" and not is_not(y) or relaxed(y) for i, (how, y) in enumerate(x[1]))
    return x[0] == "loop" and (x[1]["inner"] != "next" and x[1]["hi"] != 1 or relaxed(x[1]["item"]))

def with_nots(gap, items):
    names = lambda strict: tuple((x[1] if x[0] == "step" else x)[1] for how, x in items if (how == "next") == strict)
    return Gap(gap.how, gap.nots + names(False), gap.nextnots + names(True), gap.before, gap.step)

def variables(path):
    v = {}
    for i, n in path: v.setdefault(n, []).append(i)
    return v

def match(sql, events):
    try: rule = Rule(sql)
    except (SyntaxError, IndexError, ValueError): return [{"kind": "rejected"}]
    out, good, latest = [], [], None
    for i, e in enumerate(events):
        t = time_of(e[rule.order])
        if latest is not None and t < latest - rule.delay: out.append({"kind": "late", "event": i}); continue
        latest = t if latest is None else max(t, latest)
        good.append(i)
    good.sort(key=lambda i: (time_of(events[i][rule.order]), *(events[i].get(c) for c in rule.then), i))
    parts = {}
    for i in good: parts.setdefault(tuple(events[i].get(c) for c in rule.partition), []).append(i)
    for places in parts.values():
        rows = [dict(events[i], **{rule.order: time_of(events[i][rule.order])}) for i in places]
        for m in Matcher(rule, rows).run():
            out.append({"kind": m["kind"], "vars": {n: sorted(places[i] for i in l) for n, l in m["vars"].items()}})
    return out

def time_of(x): return millis(x) if isinstance(x, str) else x

def key(m): return json.dumps([m["kind"], m.get("vars", m.get("event"))], sort_keys=True)

def main(argv):
    verbose = "-v" in argv
    argv = [a for a in argv if a != "-v"]
    good = bad = 0
    for line in open(argv[0]):
        c = json.loads(line)
        if argv[1:] and not any(a in c["name"] for a in argv[1:]): continue
        kinds = c.get("asserts", ["match", "timeout", "late", "rejected"])   # what the case is sure of
        try: got = sorted(key(m) for m in match(c["sql"], c["events"]) if m["kind"] in kinds + ["rejected"])
        except Exception as x: got = [f"{type(x).__name__}: {x}"]
        want = sorted({key(m) for m in c["expect"] if m["kind"] in kinds})
        if got == want: good += 1; continue
        bad += 1
        print(f"DIFFERS {c['name']}\n   {c['sql'][c['sql'].find('AFTER MATCH'):]}")
        if verbose: print("   events " + " ".join(f"{i}:{e.get('name')}/{e.get('price')}@{e.get('ts')}" for i, e in enumerate(c["events"])))
        for g in got:
            if g not in want: print("   reference only:", g)
        for w in want:
            if w not in got: print("   expected only: ", w)
    print(f"{good} agree, {bad} differ")
    return bad or not good

if __name__ == "__main__": sys.exit(1 if main(sys.argv[1:]) else 0)
