# SPDX-License-Identifier: Apache-2.0
"""Lists that are edited while events flow: each row sees the list as it was at the row's own place, for every shape of
rule, on any number of workers, whoever is killed. What is right is worked out here from the cuts in the catalogue."""
import contextlib
import json
import random
import sqlite3
import threading

import pytest
import requests

from weirserver import Server, is_running, until

STREAM = """CREATE STREAM pay (id STRING NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING, who STRING,
  WATERMARK FOR ts AS ts) WITH ('partitions'='2')"""
CARDS, USERS, BLOCK, START = 40, 25, 250, 1700000000000
FIRST = [f"c{i}" for i in range(0, CARDS, 3)]
MINUTE = "TABLE(TUMBLE(TABLE pay, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY card, window_start"
RULES = [
    "CREATE RULE hit AS SELECT id FROM pay WHERE card IN LIST blocked",
    """CREATE RULE pair AS SELECT a, b FROM pay MATCH_RECOGNIZE (PARTITION BY who ORDER BY ts MEASURES A.id AS a, B.id AS b
       PATTERN (A B) DEFINE A AS card NOT IN LIST blocked, B AS card IN LIST blocked) WHERE a <> b""",
    """CREATE RULE again AS SELECT b, known FROM pay MATCH_RECOGNIZE (PARTITION BY who ORDER BY ts
       MEASURES B.id AS b, A.card IN LIST blocked AS known AFTER MATCH SKIP TO NEXT ROW
       PATTERN (A B) WITHIN INTERVAL '1' HOUR DEFINE B AS A.card IN LIST blocked OR A.card = B.card)""",
    f"CREATE RULE sums AS SELECT card, COUNT(*) FILTER (WHERE card IN LIST blocked) AS n, COUNT(*) AS m FROM {MINUTE}",
    """CREATE RULE nth AS SELECT id, COUNT(*) OVER (PARTITION BY who ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND
       CURRENT ROW) AS n FROM pay QUALIFY n % 3 = 0 AND card IN LIST blocked""",
]


def events_of(partition, n, rng):
    return [{"id": f"{partition}-{i}", "ts": START + i * 100 + partition, "card": f"c{rng.randrange(CARDS)}",
             "who": f"u{rng.randrange(USERS)}"} for i in range(n)]


class Lists:
    """The list at every place, from the cuts in the catalogue."""

    def __init__(self, server):
        with contextlib.closing(sqlite3.connect(f"file:{server.data}/catalogue.db?mode=ro", uri=True)) as db:
            self.marks, self.edits = {}, {}
            for seq, partition, offset in db.execute('SELECT seq, partition, "offset" FROM list_marks'):
                self.marks.setdefault(seq, {})[partition] = offset
            for seq, key, there in db.execute("SELECT seq, key, there FROM list_edits ORDER BY seq"):
                self.edits.setdefault(key, []).append((seq, bool(there)))

    def has(self, card, partition, offset):
        held = [there for seq, there in self.edits.get(card, []) if self.marks[seq][partition] <= offset]
        return held[-1] if held else card in FIRST


def expected(lists, events):
    """The rows of each rule, sorted."""
    rows = sorted((e["ts"], p, o, e) for p in (0, 1) for o, e in enumerate(events[p]))
    found = {name: [] for name in ("hit", "pair", "again", "sums", "nth")}
    sums, users = {}, {}
    for ts, p, o, e in rows:
        inside = lists.has(e["card"], p, o)
        if inside:
            found["hit"].append([e["id"]])
        cell = sums.setdefault((e["card"], ts // 60000), [0, 0])
        cell[0] += inside
        cell[1] += 1
        past = users.setdefault(e["who"], [])
        if past:
            before = past[-1]
            if inside and not before[1]:
                found["pair"].append([before[0]["id"], e["id"]])
            known = lists.has(before[0]["card"], p, o)
            if known or before[0]["card"] == e["card"]:
                found["again"].append([e["id"], known])
        past.append((e, inside))
        if len(past) % 3 == 0 and inside:
            found["nth"].append([e["id"], len(past)])
    found["sums"] = [[card, *cell] for (card, _), cell in sums.items()]
    return {name: sorted(rows) for name, rows in found.items()}


def found_by(server):
    found = {}
    for alert in server.pages("/alerts"):
        found.setdefault(alert["rule"], []).append(list(alert["row"].values()))
    return {name: sorted(rows) for name, rows in found.items()}


def prepare(server):
    server.create(stream=STREAM)
    assert server.post("/lists", {"sql": "CREATE LIST blocked (card STRING PRIMARY KEY, reason STRING)"}).status_code == 201
    assert server.post("/lists/blocked/items:bulk", FIRST).status_code == 200
    for rule in RULES:
        answer = server.post("/rules", {"sql": rule})
        assert answer.status_code == 201, answer.text


def edit(url, rng, session=requests):
    """One of the edits that there are; its answer is of no interest: what was recorded counts."""
    items = f"{url}/api/v1/lists/blocked/items"
    card, kind = f"c{rng.randrange(CARDS)}", rng.randrange(4)
    many = [f"c{rng.randrange(CARDS)}" for _ in range(6)]
    if kind == 0:
        return session.put(f"{items}/{card}", json={"reason": "x"}, timeout=30)
    if kind == 1:
        return session.delete(f"{items}/{card}", timeout=30)
    if kind == 2:
        return session.post(f"{items}:bulk", params={"mode": rng.choice(["add", "remove"])}, json=many, timeout=30)
    return session.put(f"{items}/{card}", params={"expires_in": "200 ms"}, json={}, timeout=30)


def lines(events):
    return [json.dumps(e).encode() + b"\n" for e in events]


def check(server, events):
    """Right, and right again after a restart of everything on another number of workers."""
    server.finish("pay")
    server.settled()
    lists = Lists(server)
    want, ids = expected(lists, events), server.alert_ids()
    assert found_by(server) == want
    assert sum(len(e) for e in lists.edits.values()) > 50 and all(len(rows) > 20 for rows in want.values())
    server.kill()
    server.options[1] = str(5 - int(server.options[1]))
    server.start()
    server.settled()
    assert server.alert_ids() == ids and found_by(server) == want


@pytest.mark.parametrize("workers", [2, 3])
def test_edits_under_load_are_seen_from_their_cuts_on(tmp_path, workers):
    rng = random.Random(workers)
    events = [events_of(p, 10000, rng) for p in (0, 1)]
    with Server(tmp_path, workers=workers) as server:
        prepare(server)
        done = threading.Event()

        def post(partition):
            session = requests.Session()
            for at in range(0, len(events[partition]), BLOCK):
                server.post_lines(lines(events[partition][at:at + BLOCK]), partition, "pay", session)

        def edit_all():
            session = requests.Session()
            while not done.is_set():
                assert edit(server.url, rng, session).status_code in (200, 204, 404)

        posters = [threading.Thread(target=post, args=(p,)) for p in (0, 1)]
        editor = threading.Thread(target=edit_all)
        for t in [editor, *posters]:
            t.start()
        for t in posters:
            t.join()
        until("there were enough edits", lambda: server.get("/lists/blocked")["edits_kept"] > 60)
        done.set()
        editor.join()
        check(server, events)


def try_edit(url, rng):
    with contextlib.suppress(requests.RequestException):
        edit(url, rng)


@pytest.mark.parametrize("seed, victim", [(1, "worker"), (2, "worker"), (3, "server"), (4, "server")])
def test_kills_around_edits_change_nothing(tmp_path, seed, victim):
    rng = random.Random(seed)
    events = [events_of(p, 8000, rng) for p in (0, 1)]
    with Server(tmp_path, workers=2) as server:
        prepare(server)
        for at in range(0, 8000, BLOCK):
            for p in (0, 1):
                server.post_lines(lines(events[p][at:at + BLOCK]), p, "pay")
                edits = [threading.Thread(target=try_edit, args=(server.url, random.Random(rng.random())))
                         for _ in range(3)]
                for t in edits:
                    t.start()
                if at % (8 * BLOCK) == 0 and p == at // (8 * BLOCK) % 2:
                    workers = until("workers run", lambda: [w["pid"] for w in server.workers()
                                                            if w["state"] == "running"])
                    if victim == "worker":
                        server.kill_worker(rng.randrange(len(workers)))
                    else:
                        server.kill()
                        until("its workers end", lambda pids=workers: not any(is_running(x) for x in pids))
                        server.start()
                for t in edits:
                    t.join()
        check(server, events)


def ids_of(server):
    found = {}
    for alert in server.pages("/alerts"):
        found.setdefault(alert["rule"], set()).add(alert["row"]["id"])
    return found


def over_file(server, path, follow):
    stream = STREAM.replace("'partitions'='2'", f"'connector'='file', 'path'='{path}', 'follow'='{follow}'")
    server.create(stream=stream)
    assert server.post("/lists", {"sql": "CREATE LIST blocked (card STRING PRIMARY KEY)"}).status_code == 201
    assert server.post("/lists/blocked/items:bulk", FIRST).status_code == 200
    assert server.post("/rules", {"sql": RULES[0]}).status_code == 201


def with_cards(events, cards):
    return {e["id"] for e in events if e["card"] in cards}


def test_a_file_that_grows_is_cut_where_it_had_been_read_to(tmp_path):
    events = events_of(0, 3000, random.Random(9))
    path = tmp_path / "pay.jsonl"
    path.write_bytes(b"".join(lines(events[:1500])))
    with Server(tmp_path, workers=2) as server:
        over_file(server, path, "true")
        first = with_cards(events[:1500], FIRST)
        until("the file was read", lambda: server.partitions("pay")[0]["taken"] == path.stat().st_size
              and ids_of(server) == {"hit": first})
        assert server.post("/lists/blocked/items:bulk?mode=replace", ["c1", "c2"]).status_code == 200
        with path.open("ab") as out:
            out.write(b"".join(lines(events[1500:])))
        want = {"hit": first | with_cards(events[1500:], ["c1", "c2"])}
        until("the rest was read", lambda: ids_of(server) == want)
        server.kill()
        server.start()
        until("all was read again", lambda: server.partitions("pay")[0]["taken"] == path.stat().st_size)
        assert ids_of(server) == want


def test_a_rule_over_a_file_that_ends_takes_the_list_as_it_was_deployed(tmp_path):
    events = events_of(0, 3000, random.Random(9))
    path = tmp_path / "pay.jsonl"
    path.write_bytes(b"".join(lines(events)))
    with Server(tmp_path, workers=2) as server:
        over_file(server, path, "false")
        want = {"hit": with_cards(events, FIRST)}
        until("the file was read", lambda: ids_of(server) == want)
        assert server.post("/lists/blocked/items:bulk?mode=replace", ["c1", "c2"]).status_code == 200
        assert server.post("/rules", {"sql": RULES[0].replace("hit", "second")}).status_code == 201
        want["second"] = with_cards(events, ["c1", "c2"])
        until("it was read again", lambda: ids_of(server) == want)
        server.post("/lists/blocked/items:bulk?mode=remove", ["c1"])
        server.kill()
        server.start()
        server.settled()
        assert ids_of(server) == want
