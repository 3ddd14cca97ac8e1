# SPDX-License-Identifier: Apache-2.0
"""Random rules with MATCH_RECOGNIZE, as trees that can be made smaller, and their text; random small streams.

A case is a dict of plain data: pattern (a node), within, each, skip, keys, order, delay, subset, define; of the ISO part also rows and
measures. A node has `t` (var, not, seq, alt, permute, excl, (), ^, $) and may have `q` (lo, hi, arrow, reluctant), `until`, `within`."""
NAMES = ["a", "b", "c", "d", "x"]
VARS = ["A", "B", "C", "D"]
ARROWS = {"next": " ", "follow": " -> ", "any": " ->> "}
PATH = ["price {op} {v}.price", "price {op} LAST({v}.price)", "price {op} FIRST({v}.price)", "price {op} AVG({v}.price)",
        "price {op} MIN({v}.price)", "price {op} MAX({v}.price)", "SUM({v}.price) {op} {n}", "COUNT({v}.price) {op} 2",
        "COUNT(*) < {n}", "price {op} PREV(price)", "price {op} LAST({v}.price, 1)", "price {op} FIRST({v}.price, 1)",
        "FIRST({v}.name) <> name", "{v}.name = name", "LAST({v}.price) IS NULL", "COALESCE({v}.price, 2) {op} price"]


# --- text --------------------------------------------------------------------------------------------------------
def seconds(ms):
    return f"INTERVAL '{ms / 1000:g}' SECOND"


def quantifier(q):
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((q["lo"], q["hi"]))
    high = "" if q["hi"] is None else q["hi"]
    braces = "{%s}" % q["lo"] if q["lo"] == q["hi"] else "{%s,%s}" % (q["lo"], high)
    return q["arrow"] + (short or braces) + ("?" if q["reluctant"] else "")


def sequence(node):
    parts = []
    for i, (how, item) in enumerate(node["items"]):
        parts.append(("" if i == 0 else ARROWS[how]) + element(item))
    return "".join(parts)


def element(node):
    kind = node["t"]
    bare = not node.get("q") and not node.get("within")
    if kind in ("var", "not"):
        text = ("!" if kind == "not" else "") + node["v"]
    elif kind == "seq":
        text = "(" + sequence(node) + ")"
    elif kind in ("()", "^", "$"):
        text = kind
    elif kind == "excl":
        text = "{- " + element(node["items"][0]) + " -}"
    elif kind == "permute":
        text = "PERMUTE(" + ", ".join(element(x) for x in node["items"]) + ")"
    else:
        text = "(" + " | ".join(element(x) for x in node["items"]) + ")"
    if bare:
        return text
    text += quantifier(node["q"]) if node.get("q") else ""
    text += f" UNTIL {node['until']}" if node.get("until") else ""
    return text + (f" WITHIN {seconds(node['within'])}" if node.get("within") else "")


def walk(node):
    yield node
    for x in node.get("items", []):
        yield from walk(x[1] if node["t"] == "seq" else x)


def variables(node):
    """All that the pattern names, and those that take rows."""
    named, taking = set(), set()
    for n in walk(node):
        if n["t"] in ("var", "not"):
            named.add(n["v"])
        if n["t"] == "var":
            taking.add(n["v"])
        if n.get("until"):
            named.add(n["until"])
    return named, taking


def match_clause(case):
    named, taking = variables(case["pattern"])
    subset = {u: [v for v in vs if v in taking] for u, vs in case["subset"].items()}
    subset = {u: vs for u, vs in subset.items() if vs}
    kind, v = case["skip"]
    if kind in ("first", "last") and v not in taking and v not in subset:
        kind = "next"
    skip = {"no": "NO SKIP", "next": "SKIP TO NEXT ROW", "past": "SKIP PAST LAST ROW",
            "first": f"SKIP TO FIRST {v}", "last": f"SKIP TO LAST {v}"}[kind]
    define, known = [], taking | set(subset)
    for name, conditions in case["define"].items():
        kept = [c for c, needs in conditions if set(needs) <= known]
        if name in named and kept:
            define.append(f"{name} AS " + " AND ".join(kept))
    within = f" WITHIN {seconds(case['within'])}" + (" EACH STEP" if case["each"] else "") if case["within"] else ""
    return ((f"PARTITION BY {', '.join(case['keys'])} " if case["keys"] else "") + "ORDER BY " + ", ".join(case["order"])
            + " MEASURES " + ", ".join(f"{c} AS m{i}" for i, (c, needs) in enumerate(case["measures"]) if set(needs) <= known)
            + f" {case['rows']} AFTER MATCH {skip} PATTERN ("
            + (sequence(case["pattern"]) if case["pattern"]["t"] == "seq" and not case["pattern"].get("q")
               else element(case["pattern"])) + ")" + within
            + ("".join([" SUBSET ", ", ".join(f"{u} = ({', '.join(vs)})" for u, vs in subset.items())]) if subset else "")
            + (" DEFINE " + ", ".join(define) if define else ""))


def stream_text(case, name="e"):
    delay = f" - {seconds(case['delay'])}" if case["delay"] else ""
    return (f"CREATE STREAM {name} (name STRING, price BIGINT, k BIGINT, r BIGINT, ts TIMESTAMP(3) NOT NULL, "
            f"WATERMARK FOR ts AS ts{delay}) WITH ('connector'='inline');")


def rule_text(case, name="r", stream="e"):
    return f"CREATE RULE {name} AS SELECT * FROM {stream} MATCH_RECOGNIZE ({match_clause(case)});"


def case_text(case):
    return stream_text(case) + "\n" + rule_text(case)


# --- making ------------------------------------------------------------------------------------------------------
class Maker:
    def __init__(self, dice):
        self.dice, self.used, self.span = dice, 0, dice.choice([4, 8, 14, 30])

    def chance(self, p):
        return self.dice.random() < p

    def one(self):
        """A variable: mostly a new one."""
        if self.used < len(VARS) and (self.used == 0 or self.chance(0.85)):
            self.used += 1
            return VARS[self.used - 1]
        return self.dice.choice(VARS[:self.used])

    def quantify(self, node):
        lo, hi = self.dice.choice([(1, None), (0, None), (0, 1), (2, None), (0, 2), (1, 2), (2, 2), (1, 3), (2, 3), (0, 3), (1, 1)])
        node["q"] = {"lo": lo, "hi": hi, "arrow": self.dice.choice(["", "->", "->", "->>"]), "reluctant": self.chance(0.4)}
        if hi is None and self.chance(0.2):
            node["until"] = self.dice.choice(["S", "T"])
        return node

    def item(self, depth):
        p = self.dice.random()
        if p < 0.7 or depth >= 2:
            node = {"t": "var", "v": self.one()}
        elif p < 0.86:
            node = self.seq(depth + 1, self.dice.randint(1, 2))
        elif p < 0.95:
            node = {"t": "alt", "items": [self.branch(depth + 1) for _ in range(self.dice.randint(2, 3))]}
        else:
            node = {"t": "permute", "items": [self.branch(depth + 1) for _ in range(2)]}
        if self.chance(0.45):
            self.quantify(node)
        if self.chance(0.06):
            node["within"] = self.dice.randint(1, self.span)
        return node

    def branch(self, depth):
        return self.item(depth + 1) if self.chance(0.8) else self.seq(depth + 1, 2)

    def seq(self, depth, n):
        items = []
        for i in range(n):
            items.append([self.dice.choice(["next", "follow", "follow", "any"]) if i else "next", self.item(depth)])
            while self.chance(0.13):
                node = {"t": "not", "v": self.dice.choice(["N", "M"])}
                if self.chance(0.1):
                    node["within"] = self.dice.randint(1, self.span)
                items.append([self.dice.choice(["next", "follow", "follow"]), node])
        return {"t": "seq", "items": items}

    def condition(self, name, taking):
        out = []
        if self.chance(0.85):
            some = sorted(self.dice.sample(NAMES[:4], self.dice.randint(1, 3)))
            out.append(["name IN (%s)" % ", ".join(f"'{x}'" for x in some), []])
        if self.chance(0.25):
            out.append([f"price {self.dice.choice(['<', '>=', '<>'])} {self.dice.randint(1, 4)}", []])
        if self.chance(0.25):
            v, text = self.dice.choice(taking), self.dice.choice(PATH)
            if name in taking or v != name:
                out.append([text.format(v=v, op=self.dice.choice(["<", ">", "<=", ">=", "<>"]), n=self.dice.randint(2, 9)),
                            [v] if "{v}" in text else []])
        return out

    def skip(self, taking, subset):
        return self.dice.choice([["no", ""], ["no", ""], ["next", ""], ["next", ""], ["past", ""], ["past", ""],
                                 [self.dice.choice(["first", "last"]), self.dice.choice(taking + subset)]])

    def case(self):
        pattern = self.seq(0, self.dice.choice([1, 2, 2, 3, 3]))
        named, taking = map(sorted, variables(pattern))
        within = self.span if self.chance(0.75) else None
        subset = {"U": self.dice.sample(taking, 2)} if len(taking) > 1 and self.chance(0.15) else {}
        words = taking + list(subset)
        return {"pattern": pattern, "within": within, "each": within is not None and self.chance(0.25),
                "skip": self.skip(taking, list(subset)), "keys": ["k"] if self.chance(0.3) else [],
                "order": ["ts"] + (["r"] if self.chance(0.15) else []), "delay": self.dice.choice([0, 0, 3]), "subset": subset,
                "define": {v: self.condition(v, words) for v in named}, "rows": "ONE ROW PER MATCH",
                "measures": [["COUNT(*)", []]]}


def make_events(dice, delay):
    now, events = 10, []
    for _ in range(dice.choice([3, 6, 9, 12])):
        now += dice.choice([0, 1, 1, 1, 2, 3])
        events.append({"name": dice.choice(NAMES), "price": dice.choice([0, 1, 2, 3, 4, 5, None]) if dice.random() < 0.95 else None,
                       "k": dice.choice([0, 0, 1]), "r": dice.randint(0, 2),
                       "ts": now - (dice.choice([0, 0, 0, 1, 2, 4]) if delay else 0)})
    return events
