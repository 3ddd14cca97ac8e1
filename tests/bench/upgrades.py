#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Upgrades of a rule with much state under load: ten of them and of ways back, at 20,000 events a second over HTTP.

  tests/bench/upgrades.py [--state-mb 100] [--rate 20000] [--upgrades 10] [--workers 2] [--option=OPTION of weir serve]

Two questions (issue 7). Is an event lost or seen twice? The alerts are compared with those of `weir eval --switch`, which
changes versions at the same event times. How long does the stream stand still? Told for each upgrade: `change`, sources stop until
they go on with the new rules; `turn`, the longest turn of a worker's loop until all state has been handed over (a batch
waits for the turn before its own), both by the clock and in processor time of the thread; `latency`, the longest time from
posting an event to reading its alert at a filter, by the clock, with HTTP and the alert writer in it.
Prints a JSON line. Bounds: no difference, pause < 50 ms (the longer of change and turn, in thread time; median of the upgrades)."""
import argparse
import http.client
import json
import os
import pathlib
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from urllib.parse import urlparse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from weirserver import WEIR, Server, until  # noqa: E402

STREAM = """CREATE STREAM t (id BIGINT NOT NULL, k STRING NOT NULL, v BIGINT NOT NULL, note STRING, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '200' MILLISECOND) WITH ('partitions'='2')"""
START = 1700000000000
BLOCK = 500
PLACES = 2


def pattern(pattern, define, days=30, first="A"):
    return (f"SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES {first}.id AS a, B.id AS b, {first}.note AS note"
            f" ONE ROW PER MATCH AFTER MATCH NO SKIP PATTERN ({pattern}) WITHIN INTERVAL '{days}' DAY DEFINE {define})")


VERSIONS = [  # each after the first is activated, and rolled back
    pattern("A -> B", "A AS v = 1, B AS v = 2"),
    pattern("A -> B", "A AS v = 1, B AS v = 2 AND id > A.id"),
    pattern("A -> B", "A AS v = 1, B AS v = 2", days=40),
    pattern("A -> C? -> B", "A AS v = 1, B AS v = 2, C AS v = 3"),
    pattern("START -> B", "START AS v = 1, B AS v = 2", first="START"),
    pattern("A -> B", "A AS v = 1, B AS v = 4"),
]


def window(more, having="COUNT(*) > 5"):
    return (f"SELECT k AS a, COUNT(*) AS b{more} FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR))"
            f" GROUP BY k, window_start, window_end HAVING {having}")


WINDOWS = [window(", SUM(v) AS s"), window(", SUM(v) AS s, MAX(id) AS m"), window(", MIN(v) AS l, SUM(v) AS s"),
           window(", SUM(v) AS s, AVG(v) AS m"), window(", MAX(v) AS m, MIN(v) AS l"), window("", "COUNT(*) > 4")]


def over(call, least=0, days=30):
    frame = f"OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '{days}' DAY PRECEDING AND CURRENT ROW)"
    return f"SELECT id AS a, COUNT(*) {frame} AS b, {call} {frame} AS c FROM t QUALIFY v = 4 AND COUNT(*) {frame} > {least}"


OVERS = [over("SUM(v)"), over("MAX(v)"), over("SUM(v)", days=20), over("COUNT(v)"), over("SUM(v)", 1), over("MIN(v)")]


def join(on="b.v = 2", days=30, which="", more=""):
    return (f"SELECT a.id AS a, b.id AS b{more} FROM t a {which}JOIN t b ON a.k = b.k AND {on}"
            f" AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '{days}' DAY WHERE a.v = 1")


JOINS = [join(), join("b.v = 2 AND b.id > a.id"), join(days=20), join(more=", a.note AS n"), join(days=40), join("b.v = 4")]
KINDS = {"partial matches": VERSIONS, "windows": WINDOWS, "rows of OVER": OVERS, "rows of a join": JOINS}


class Poster:
    """Lines to a partition, over one connection."""

    def __init__(self, server):
        url = urlparse(server.url)
        self.http = http.client.HTTPConnection(url.hostname, url.port, timeout=60)

    def post(self, body, partition, stream="t"):
        while True:
            self.http.request("POST", f"/api/v1/streams/{stream}/events?partition={partition}", body,
                              {"content-type": "application/x-ndjson"})
            answer = self.http.getresponse()
            answer.read()
            if answer.status != 429:
                assert answer.status == 202, answer.status
                return
            time.sleep(0.01)


def line(event):
    return json.dumps(event).encode() + b"\n"


def make_events(keys, load, rate):
    """An open pattern for each key, then rows of any keys: most of which nobody wants. A key is of one partition."""
    rng = random.Random(11)
    note = "x" * 60
    fill = [{"id": i, "k": f"key-{i:08}", "v": 1, "note": note, "ts": START + i // 100} for i in range(keys)]
    first = fill[-1]["ts"] + 1000
    rest = [{"id": keys + i, "k": f"key-{rng.randrange(keys):08}", "v": rng.choices((0, 1, 2, 3, 4), (90, 3, 3, 3, 1))[0],
             "note": note, "ts": first + i * 1000 // rate} for i in range(load)]
    return fill, rest


def blocks(events):
    """(partition, body) with the events of each partition in their order."""
    at = [[], []]
    for e in events:
        own = at[int(e["k"][-1]) % PLACES]
        own.append(line(e))
        if len(own) == BLOCK:
            yield int(e["k"][-1]) % PLACES, b"".join(own)
            own.clear()
    for partition, own in enumerate(at):
        if own:
            yield partition, b"".join(own)


class Load(threading.Thread):
    """Posts at the rate, until the events are at their end."""

    def __init__(self, server, events, rate):
        super().__init__(daemon=True)
        self.poster, self.rate, self.posted, self.began, self.took = Poster(server), rate, 0, 0, 0
        self.blocks, self.total, self.failure = list(blocks(events)), len(events), None

    def run(self):
        try:
            self.began = time.monotonic()
            for partition, body in self.blocks:
                ahead = self.posted / self.rate - (time.monotonic() - self.began)
                if ahead > 0:
                    time.sleep(ahead)
                self.poster.post(body, partition)
                self.posted += body.count(b"\n")
            self.took = time.monotonic() - self.began
        except Exception as e:  # pylint: disable=broad-exception-caught
            self.failure = e


class Probe(threading.Thread):
    """From posting an event to its alert, again and again."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.over, self.seen, self.failure = server, False, [], None

    def run(self):
        try:
            poster, url = Poster(self.server), urlparse(self.server.url)
            reader = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
            reader.request("GET", "/api/v1/alerts/stream", headers={"accept": "text/event-stream"})
            stream, number = reader.getresponse(), 0
            while not self.over:
                number += 1
                wanted = b'"probe-%d"' % number
                began = time.monotonic()
                poster.post(line({"id": number, "k": f"probe-{number}", "ts": START, "v": 99}), 0, "p")
                while wanted not in stream.readline():
                    pass
                self.seen.append((began, time.monotonic() - began))
                time.sleep(0.005)
        except Exception as e:  # pylint: disable=broad-exception-caught
            self.failure = e


def busiest(server, seen):
    """The worst of the workers' pauses is noted."""
    for w in server.workers():
        for name, us in w["pause"].items():
            name = name.removesuffix("_us")
            seen[name] = max(seen.get(name, 0), us / 1000)


def upgrade(server, n, sql, beside=False):
    """n-th change: a version, or the way back; beside: a shadow, or its end. What it paused."""
    worst, quiet, before = {}, {}, server.get("/rules/r")["version"]
    for _ in range(15):  # what a turn takes at this load while no rule changes
        time.sleep(0.05)
        busiest(server, quiet)
    began = time.monotonic()
    if n % 2 == 0:
        answer = server.post("/rules/r/versions", {"sql": sql})
        assert answer.status_code == 201, answer.text
        answer = server.post(f"/rules/r:{'shadow' if beside else 'activate'}", {"version": answer.json()["version"]})
    else:
        answer = server.post("/rules/r:discard", {}) if beside else server.post("/rules/r:rollback", {"state": "keep"})
    assert answer.status_code == 200, answer.text

    def done():
        busiest(server, worst)
        now = server.get("/rules/r/versions")["data"][0]
        if beside and n % 2:
            return {**now, "handover": {"keys": 0, "partials": 0, "windows": 0, "partials_lost": 0}}
        if beside:
            now["handover"] = server.get("/rules/r")["trial"]["handover"]
        return now if now["handover"]["done"] else None
    now = until("it has been handed over", done, 120)
    for _ in range(25):  # until the old version is gone from the workers, too
        busiest(server, worst)
        time.sleep(0.05)
    assert beside or now["version"] > before
    what = ("shadow", "discard") if beside else ("activate", "rollback")
    return {"version": now["version"], "what": what[n % 2], "from": began, "to": time.monotonic(),
            "keys": now["handover"]["keys"], "partials": now["handover"]["partials"], "windows": now["handover"]["windows"], "lost": now["handover"]["partials_lost"], 
            "quiet_turn": quiet["turn_cpu"], "quiet_turn_clock": quiet["turn"], **worst}


def reference(folder, cuts, texts, events):
    """What `weir eval` finds with the same versions from the same times on."""
    (folder / "first.sql").write_text(f"{STREAM};\nCREATE RULE r AS {texts[1]};\n")
    (folder / "events.jsonl").write_bytes(b"".join(map(line, events)))  # none is late, so partitions make no difference
    args = []
    for version, w in cuts:
        path = folder / f"v{version}.sql"
        path.write_text(f"CREATE OR REPLACE RULE r AS {texts[version]};\n")
        args += ["--switch", f"{w}={path}"]
    done = subprocess.run([WEIR, "eval", str(folder / "first.sql"), "--input", str(folder / "events.jsonl"), *args],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return sorted((r["row"]["a"], r["row"]["b"]) for r in map(json.loads, done.stdout.splitlines()) if r["kind"] == "match")


def run(args, folder):
    keys = int(args.state_mb * 1e6 / args.key_bytes)
    seconds = args.upgrades * args.each + 4
    versions = KINDS[args.of]
    fill, rest = make_events(keys, int(args.rate * seconds), args.rate)
    with Server(folder, *args.option, workers=args.workers) as server:
        for sql in (STREAM, "CREATE STREAM p (id BIGINT NOT NULL, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL,"
                            " WATERMARK FOR ts AS ts)"):
            assert server.post("/streams", {"sql": sql}).status_code == 201
        for sql in (f"CREATE RULE r AS {versions[0]}", "CREATE RULE probe AS SELECT k FROM p WHERE v = 99"):
            answer = server.post("/rules", {"sql": sql})
            assert answer.status_code == 201, answer.text
        poster = Poster(server)
        for partition, body in blocks(fill):
            poster.post(body, partition)
        until("the state is there", lambda: sum(w["keys"] for w in server.workers()) >= keys * 0.99 - 50000, 300)
        state = sum(w["state_bytes"] for w in server.workers())
        load, probe = Load(server, rest, args.rate), Probe(server)
        load.start()
        probe.start()
        until("events and probes flow", lambda: load.posted >= args.rate and probe.seen)
        done, next_at = [], time.monotonic()
        for n in range(args.upgrades):
            done.append(upgrade(server, n, versions[n // 2 % (len(versions) - 1) + 1], args.shadow))
            next_at += args.each
            time.sleep(max(0, next_at - time.monotonic()))
        load.join()
        probe.over = True
        probe.join()
        assert load.failure is None and probe.failure is None, (load.failure, probe.failure)
        server.finish("t")
        server.finish("p")
        server.settled()
        found = sorted((a["row"]["a"], a["row"]["b"]) for a in server.pages("/alerts") if a["rule"] == "r")
        texts = {v["version"]: v["sql"].split(" AS ", 1)[1] if v["sql"].startswith("CREATE") else v["sql"]
                 for v in server.get("/rules/r/versions")["data"]}
        copies = len(found) - len(set(found))
    cuts = [] if args.shadow else sqlite3.connect(folder / "data" / "catalogue.db").execute(
        "SELECT c.version, c.w FROM cuts c JOIN rules r ON r.uid = c.uid WHERE r.name = 'r' AND c.deployed = 1"
        " AND c.version > 1 ORDER BY c.version").fetchall()
    want = reference(folder, cuts, texts, fill + rest)
    usual = statistics.median(t for _, t in probe.seen) * 1000
    for u in done:
        u["latency"] = max((t for at, t in probe.seen if u["from"] - 0.5 <= at <= u["to"]), default=0) * 1000
        u["pause"] = max(u["change_cpu"], u["turn_cpu"])
        u["pause_clock"] = max(u["change"], u["turn"])
        print(json.dumps({k: round(v, 1) if isinstance(v, float) else v for k, v in u.items() if k not in ("from", "to")}),
              file=sys.stderr)
    done = [u for u in done if u["what"] != "discard"]
    return {"upgrades": len(done), "of": args.of, "workers": args.workers, "events": len(fill) + len(rest), "state_bytes": state,
            "events_s": round(load.total / load.took), "alerts": len(found), "lost": len(set(want) - set(found)),
            "twice": copies, "unexpected": len(set(found) - set(want)),
            "pause_ms": round(statistics.median(u["pause"] for u in done), 1), "pause_ms_most": round(max(u["pause"] for u in done), 1),
            "pause_clock_ms": round(statistics.median(u["pause_clock"] for u in done), 1),
            "latency_ms": round(statistics.median(u["latency"] for u in done), 1), "latency_ms_usual": round(usual, 1)}


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--state-mb", type=float, default=100)
    parse.add_argument("--key-bytes", type=float, default=470)
    parse.add_argument("--rate", type=int, default=20_000)
    parse.add_argument("--upgrades", type=int, default=10)
    parse.add_argument("--each", type=float, default=4, help="seconds from one to the next")
    parse.add_argument("--workers", type=int, default=2)
    for option, of in (("windows", "windows"), ("over", "rows of OVER"), ("join", "rows of a join")):
        parse.add_argument(f"--{option}", dest="of", action="store_const", const=of, default="partial matches",
                           help=f"{of} for each key, not a partial match")
    parse.add_argument("--shadow", action="store_true",
                       help="a version begins beside the active one, with a copy of its state, and ends: only that pauses count")
    parse.add_argument("--option", action="append", default=[], help="of weir serve")
    args = parse.parse_args()
    with tempfile.TemporaryDirectory(prefix="weir-upg-") as folder:
        result = run(args, pathlib.Path(folder))
    print(json.dumps(result))
    wrong = result["lost"] or result["twice"] or result["unexpected"]
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    os.environ.setdefault("WEIR", WEIR)
    main()
