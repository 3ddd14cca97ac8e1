# SPDX-License-Identifier: Apache-2.0
"""Makes a case on which two disagree smaller: takes parts of the pattern and rows away while they still do."""
from randrule import walk


def smaller_nodes(node):
    """Nodes that could stand instead of this one, the boldest first."""
    kind = node["t"]
    children = [x[1] if kind == "seq" else x for x in node.get("items", [])]
    yield from (c for c in children if c["t"] != "not")
    for i in range(len(children)):
        if len(children) > 1:
            items = node["items"][:i] + node["items"][i + 1:]
            if kind != "seq" or items[0][1]["t"] != "not":
                yield {**node, "items": items}
    for drop in ("q", "until", "within"):
        if node.get(drop):
            yield {k: v for k, v in node.items() if k != drop and not (drop == "q" and k == "until")}
    q = node.get("q")
    if q:
        changes = [{"reluctant": False}, {"arrow": ""}, {"arrow": "->"}, {"lo": 1}, {"lo": 0, "hi": 1}, {"lo": 1, "hi": None},
                   {"lo": max(q["lo"], 1), "hi": 2}]
        for c in changes:
            new = {**q, **c}
            if new != q and (new["hi"] is None or new["lo"] <= new["hi"]) and not (node.get("until") and new["hi"] is not None):
                yield {**node, "q": new}
    if node.get("until") == "T":
        yield {**node, "until": "S"}
    if kind == "excl":
        yield {**node["items"][0]}
    if kind == "permute":
        yield {**node, "t": "alt"}
    for i, x in enumerate(node["items"] if kind == "seq" else []):
        for how in ("next", "follow"):
            if i and x[0] != how and not (x[0] == "next"):
                yield {**node, "items": node["items"][:i] + [[how, x[1]]] + node["items"][i + 1:]}


def replace_at(pattern, place, new):
    """A copy with the place-th node (in the order of walk) replaced."""
    count = [-1]

    def visit(node):
        count[0] += 1
        if count[0] == place:
            return new
        if "items" not in node:
            return node
        return {**node, "items": [[x[0], visit(x[1])] if node["t"] == "seq" else visit(x) for x in node["items"]]}
    return visit(pattern)


def smaller_cases(case):
    for i, node in enumerate(list(walk(case["pattern"]))):
        for new in smaller_nodes(node):
            yield {**case, "pattern": replace_at(case["pattern"], i, new)}
    for name, conditions in case["define"].items():
        for i in range(len(conditions)):
            yield {**case, "define": {**case["define"], name: conditions[:i] + conditions[i + 1:]}}
    for i in range(len(case["measures"])):
        if len(case["measures"]) > 1:
            yield {**case, "measures": case["measures"][:i] + case["measures"][i + 1:]}
    for change in ({"rows": "ONE ROW PER MATCH"}, {"subset": {}}, {"within": None, "each": False}, {"each": False}, {"keys": []}, {"order": ["ts"]}, {"delay": 0},
                   {"skip": ["next", ""]}):
        if any(case[k] != v for k, v in change.items()):
            yield {**case, **change}


def first_that_differs(candidates, differing):
    """The first (case, events, difference) of those that differ, asked for many at a time."""
    candidates = list(candidates)
    for at in range(0, len(candidates), 40):
        found = next((f for f in differing(candidates[at:at + 40]) if f), None)
        if found:
            return found
    return None


def fewer_rows(case, events):
    for n in (len(events) // 2, 1):
        for i in reversed(range(0, len(events) - n + 1)):
            yield case, events[:i] + events[i + n:]


def shrink(case, events, differing, rounds=60):
    """The smallest that still differs, and how; differing: of a list of (case, events), those that differ, else None."""
    diff = differing([(case, events)])[0]
    diff = diff and diff[2]
    while diff and rounds > 0:
        rounds -= 1
        found = (first_that_differs(fewer_rows(case, events), differing)
                 or first_that_differs(((c, events) for c in smaller_cases(case)), differing))
        if not found:
            break
        case, events, diff = found
    return case, events, diff
