# SPDX-License-Identifier: Apache-2.0
"""Random rules of the ISO part: strict contiguity, all output forms, the values of measures."""
from randrule import NAMES, walk

VARS = ["A", "B", "C"]
ROWS = ["ONE ROW PER MATCH", "ONE ROW PER MATCH", "ALL ROWS PER MATCH", "ALL ROWS PER MATCH SHOW EMPTY MATCHES",
        "ALL ROWS PER MATCH OMIT EMPTY MATCHES", "ALL ROWS PER MATCH WITH UNMATCHED ROWS"]
VALUES = ["{v}.price", "LAST({v}.price)", "FIRST({v}.price)", "LAST({v}.price, 1)", "FIRST({v}.price, 1)", "SUM({v}.price)",
          "AVG({v}.price)", "MIN({v}.price)", "MAX({v}.price + 1)", "COUNT({v}.*)", "COUNT({v}.price)", "COUNT(*)", "PREV(price)",
          "PREV({v}.price, 2)", "PREV(LAST({v}.price), 1)", "PREV(FIRST({v}.price, 1), 2)", "PREV({v}.price + 1)", "SUM(price)",
          "FIRST(price)", "LAST(price, 2)", "COUNT(DISTINCT {v}.price)", "MATCH_NUMBER()", "NEXT(price)", "NEXT({v}.price, 2)",
          "NEXT(LAST({v}.price))"]
TEXTS = ["CLASSIFIER()", "CLASSIFIER({v})", "{v}.name", "PREV(name)", "FIRST({v}.name)", "LAST(CLASSIFIER(), 1)",
         "PREV(CLASSIFIER())", "FIRST(CLASSIFIER({v}))"]
FINAL = ["FINAL LAST({v}.price)", "FINAL SUM({v}.price)", "FINAL COUNT(*)", "RUNNING SUM(price)", "FINAL FIRST({v}.price, 1)",
         "RUNNING LAST({v}.name)", "FINAL COUNT({v}.*)", "FINAL LAST({v}.name, 1)"]


class IsoMaker:
    def __init__(self, dice):
        self.dice, self.used, self.span = dice, 0, dice.choice([4, 8, 14])

    def chance(self, p):
        return self.dice.random() < p

    def one(self):
        if self.used < len(VARS) and (self.used == 0 or self.chance(0.75)):
            self.used += 1
            return VARS[self.used - 1]
        return self.dice.choice(VARS[:self.used])

    def item(self, depth):
        p = self.dice.random()
        if p < 0.66 or depth >= 3:
            node = {"t": "var", "v": self.one()}
        elif p < 0.76:
            node = self.seq(depth + 1, self.dice.randint(1, 2))
        elif p < 0.86:
            node = {"t": "alt", "items": [self.item(depth + 1) for _ in range(self.dice.randint(2, 3))]}
        elif p < 0.92:
            node = {"t": "permute", "items": [self.item(depth + 1) for _ in range(self.dice.randint(2, 3))]}
        elif p < 0.985:
            node = {"t": "excl", "items": [self.item(depth + 1)]}
        else:
            return {"t": self.dice.choice(["()", "^", "$"])}
        if self.chance(0.4):
            lo, hi = self.dice.choice([(1, None), (0, None), (0, 1), (2, None), (0, 2), (1, 2), (2, 2), (2, 3)])
            node["q"] = {"lo": lo, "hi": hi, "arrow": "", "reluctant": self.chance(0.4)}
        return node

    def seq(self, depth, n):
        return {"t": "seq", "items": [["next", self.item(depth)] for _ in range(n)]}

    def fill(self, text, words):
        v = self.dice.choice(words)
        return [text.format(v=v), [v] if "{v}" in text else []]

    def condition(self, words):
        out = []
        if self.chance(0.85):
            some = sorted(self.dice.sample(NAMES[:4], self.dice.randint(1, 3)))
            out.append(["name IN (%s)" % ", ".join(f"'{x}'" for x in some), []])
        if self.chance(0.25):
            text, needs = self.fill(self.dice.choice(VALUES), words)
            out.append([f"{text} {self.dice.choice(['<', '>', '<=', '>=', '<>'])} {self.dice.choice(['price', '2', '3'])}", needs])
        if self.chance(0.1):
            text, needs = self.fill(self.dice.choice(TEXTS), words)
            out.append([f"COALESCE({text}, 'b') <> '{self.dice.choice(['A', 'B', 'b'])}'", needs])
        return out

    def measure(self, words):
        return self.fill(self.dice.choice(self.dice.choice([VALUES, VALUES, TEXTS, FINAL])), words)

    def case(self):
        pattern = self.seq(0, self.dice.choice([1, 2, 2, 3]))
        taking = sorted({n["v"] for n in walk(pattern) if n["t"] == "var"})
        if not taking:
            return self.case()
        subset = {"U": self.dice.sample(taking, 2)} if len(taking) > 1 and self.chance(0.2) else {}
        words = taking + list(subset)
        skip = self.dice.choice([["next", ""], ["past", ""], ["past", ""], [self.dice.choice(["first", "last"]), self.dice.choice(words)]])
        return {"pattern": pattern, "within": self.span if self.chance(0.3) else None, "each": False, "skip": skip,
                "keys": ["k"] if self.chance(0.3) else [], "order": ["ts"] + (["r"] if self.chance(0.15) else []),
                "delay": self.dice.choice([0, 0, 3]), "subset": subset, "define": {v: self.condition(words) for v in taking},
                "rows": self.dice.choice(ROWS), "measures": [["MATCH_NUMBER()", []]] + [self.measure(words) for _ in range(3)],
                "iso": True}
