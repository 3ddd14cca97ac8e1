#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL of workers and of the server at random instants while events flow: the alerts are those of an undisturbed `weir eval`.

  tests/e2e/crashing.py --kills 200 --seconds 600 [--seed N] [--backend NAME]

All rules give to a file sink, too: its committed parts are the same alerts, each once.

The posts go on through all of it. One whose answer was lost is looked up in the log's end: it is in whole or not at all."""
import argparse
import collections
import itertools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import requests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from weirserver import QUERIES, WEIR, Server, until  # noqa: E402

PARTITIONS = 3
COOLDOWN_MS = 120000
OWN = [f"""CREATE RULE declines WITH ('cooldown'='{COOLDOWN_MS // 1000} s', 'title'='{{card}} is declined') AS
  SELECT card, a, b FROM payments MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES A.id AS a, LAST(B.id) AS b
  AFTER MATCH SKIP PAST LAST ROW PATTERN (A B B) WITHIN INTERVAL '1' HOUR
  DEFINE A AS A.status = 'declined', B AS B.status = 'declined' OR B.amount < 40)""",
       """CREATE RULE per_card AS SELECT card, COUNT(*) AS n, SUM(amount) AS s, window_time AS t
  FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY card, window_start, window_end
  HAVING COUNT(*) > 2""",
       """CREATE RULE rising AS SELECT card, a, b FROM per_card MATCH_RECOGNIZE (PARTITION BY card ORDER BY t
  MEASURES A.n AS a, B.n AS b PATTERN (A B) WITHIN INTERVAL '10' MINUTE DEFINE B AS B.s > A.s)""",
       """CREATE RULE sessions AS SELECT account, window_start, window_end, COUNT(*) AS n, MAX(amount) AS most
  FROM TABLE(SESSION(TABLE payments PARTITION BY account, DESCRIPTOR(ts), INTERVAL '5' MINUTE))
  GROUP BY account, window_start, window_end HAVING COUNT(*) > 5""",
       """CREATE RULE often AS SELECT id, n FROM (SELECT id, amount, COUNT(*) OVER (PARTITION BY card ORDER BY ts
  RANGE BETWEEN INTERVAL '2' MINUTE PRECEDING AND CURRENT ROW) AS n FROM payments) WHERE n > 12 AND amount > 50"""]
SINK = "CREATE SINK out WITH ('connector'='file')"
SHARED = ["filter", "seq", "travel", "velocity", "spend", "join"]


def rules(more=()):
    return [(QUERIES / f"{name}.sql").read_text() for name in SHARED] + OWN + list(more)


def stream_sql():
    sql = (QUERIES / "payments.sql").read_text().strip().rstrip(";")
    return f"{sql} WITH ('partitions'='{PARTITIONS}')" if "WITH (" not in sql else sql


class Source(threading.Thread):
    """Posts event after event, each to the next partition, until it is told to end. Keeps what was taken."""

    def __init__(self, server, up, per_second):
        super().__init__(daemon=True)
        self.server, self.up, self.per_second = server, up, per_second
        self.taken = [[] for _ in range(PARTITIONS)]
        self.ending, self.failed, self.seen = threading.Event(), None, 0
        self.gen = subprocess.Popen([WEIR, "gen", "--events", "100000000"], stdout=subprocess.PIPE)

    def run(self):
        try:
            for n in itertools.count():
                if self.ending.is_set():
                    return
                block = [self.gen.stdout.readline() for _ in range(500)]
                self.post(n % PARTITIONS, block)
                time.sleep(len(block) / self.per_second)
        except Exception as e:  # pylint: disable=broad-except  # told by the main thread
            self.failed = e
        finally:
            self.gen.kill()

    def wrote_more(self):
        """More than a block of each partition since the last time that this was true."""
        n = sum(len(part) for part in self.taken)
        if n < self.seen + 3000:
            return False
        self.seen = n
        return True

    def post(self, partition, block):
        end = len(self.taken[partition])
        deadline = time.monotonic() + 120
        while True:
            assert time.monotonic() < deadline, "the server takes no events"
            self.up.wait(60)
            try:
                answer = requests.post(f"{self.server.url}/api/v1/streams/payments/events?partition={partition}",
                                       data=b"".join(block), timeout=30, headers={"content-type": "application/x-ndjson"})
                if answer.status_code == 202:
                    break
                assert answer.status_code in (429, 503), answer.text
                time.sleep(0.05)
            except requests.RequestException:
                if self.is_in(partition, end, len(block), deadline):
                    break
        self.taken[partition] += block

    def is_in(self, partition, end, n, deadline):
        while time.monotonic() < deadline:
            self.up.wait(60)
            try:
                got = requests.get(f"{self.server.url}/api/v1/streams/payments", timeout=30).json()["partitions"][partition]["end"]
                assert got in (end, end + n), (got, end, n)
                return got == end + n
            except requests.RequestException:
                time.sleep(0.05)
        raise AssertionError("the server does not come back")


def evaluated(folder, taken, more=()):
    """What `weir eval` finds in the same partitions: (rule, time, row) and how often."""
    script = folder / "rules.sql"
    script.write_text(stream_sql() + ";\n" + ";\n".join(sql.strip().rstrip(";") for sql in rules(more)) + ";\n")
    inputs = []
    for p, part in enumerate(taken):
        (folder / f"{p}.jsonl").write_bytes(b"".join(part))
        inputs += ["--input", str(folder / f"{p}.jsonl")]
    run = subprocess.run([WEIR, "eval", str(script), *inputs], capture_output=True, check=True)
    found = [json.loads(line) for line in run.stdout.splitlines()]
    return [f for f in found if f["kind"] == "match"]


def as_text(rule, at, row):
    return json.dumps([rule, at, row], sort_keys=True)


def expected_alerts(found):
    """With the cooldown of `declines`: matches of a card within it raise the count of the one before."""
    alerts, last = collections.Counter(), {}
    of_rule = sorted((f for f in found if f["rule"] == "declines"), key=lambda f: f["time"])
    for f in of_rule:
        at = time_ms(f["time"])
        key = f["row"]["card"]
        if key in last and at - last[key][0] < COOLDOWN_MS:
            last[key][2] += 1
            continue
        last[key] = [at, as_text("declines", f["time"], f["row"]), 1]
        alerts[last[key][1]] = last[key]
    counted = collections.Counter({text: entry[2] for text, entry in alerts.items()})
    for f in found:
        if f["rule"] != "declines":
            counted[as_text(f["rule"], f["time"], f["row"])] += 1
    return counted


def time_ms(text):
    whole, ms = text[:-1].split(".") if "." in text else (text[:-1], "0")
    return int(time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))) * 1000 + int(ms)


def deploy(server, more=()):
    for path, sql in [("/streams", stream_sql()), ("/sinks", SINK)] + [("/rules", giving(sql)) for sql in rules(more)]:
        answer = server.post(path, {"sql": sql})
        assert answer.status_code == 201, answer.text


def giving(sql):
    return sql.strip().rstrip(";") + " EMIT TO out"


def lines(server, sink="out"):
    """What a reader of a sink can see; all lines are whole."""
    found = []
    for part in sorted((server.data / "sinks" / sink).glob("part-*.jsonl")):
        text = part.read_text()
        assert text.endswith("\n"), part
        found += [json.loads(line) for line in text.splitlines()]
    return found


def committed(server):
    """The same as text for each alert, and how often; no id is there twice."""
    found = lines(server)
    ids = collections.Counter(line["id"] for line in found)
    assert not ids or max(ids.values()) == 1, [i for i, n in ids.items() if n > 1][:3]
    return collections.Counter(as_text(line["rule"], line["time"], line["row"]) for line in found)


def lines_of(expected):
    """A cooldown raises the count of an alert and makes no line."""
    return collections.Counter({text: 1 if json.loads(text)[0] == "declines" else n for text, n in expected.items()})


def stored_alerts(server):
    counted = collections.Counter()
    for a in server.pages("/alerts"):
        counted[as_text(a["rule"], a["time"], a["row"])] += a["count"]
    return counted


class Crashes:
    def __init__(self, folder, dice, per_second=5000, options=(), more=()):
        self.dice, self.folder, self.more = dice, folder, list(more)
        self.server = Server(folder, "--checkpoint-interval", "500 ms", "--restart-strategy", "fixed-delay",
                             "--restart-delay", "50 ms", *options)
        self.up = threading.Event()
        self.kills = collections.Counter()
        deploy(self.server, more)
        self.source = Source(self.server, self.up, per_second)
        self.up.set()
        self.source.start()

    def kill_one(self):
        if self.dice.random() < 0.3:
            self.up.clear()
            self.server.kill()
            self.server.start()
            self.up.set()
            self.kills["server"] += 1
            return
        pids = [w["pid"] for w in self.server.workers() if w["pid"] > 0]
        if not pids:
            return
        try:
            os.kill(self.dice.choice(pids), signal.SIGKILL)
            self.kills["worker"] += 1
        except ProcessLookupError:
            pass  # it has just been ended with another

    def finish(self):
        self.source.ending.set()
        self.source.join()
        if self.source.failed:
            raise self.source.failed
        self.server.finish()
        until("the backlog is worked off", lambda: all(p["taken"] == p["end"] for p in self.server.get("/watermarks")["data"]), 600)
        self.server.settled()
        until("a checkpoint commits the last lines", lambda: self.server.post("/checkpoints").status_code == 201)
        self.server.settled()
        return stored_alerts(self.server)

    def log(self):
        return self.server.log.read_text(errors="replace")


def run(folder, kills, seconds, seed, options=(), more=(), per_second=5000):
    """Raises AssertionError where something is lost or twice. Answers what is worth to be told."""
    dice = random.Random(seed)
    crashes = Crashes(folder, dice, per_second, options, more)
    try:
        while sum(crashes.kills.values()) < kills:
            time.sleep(dice.uniform(0, 2 * seconds / kills))
            assert crashes.source.failed is None, crashes.source.failed
            crashes.kill_one()
        stored = crashes.finish()
        expected = expected_alerts(evaluated(folder, crashes.source.taken, more))
        lost, extra = expected - stored, stored - expected
        assert not lost and not extra, f"seed {seed}: lost {sum(lost.values())} {list(lost)[:3]}, " \
                                       f"too many {sum(extra.values())} {list(extra)[:3]}"
        until("they are committed", lambda: sum(committed(crashes.server).values()) >= sum(lines_of(expected).values()))
        seen = committed(crashes.server)
        lost, extra = lines_of(expected) - seen, seen - lines_of(expected)
        assert not lost and not extra, f"seed {seed}: the sink lacks {sum(lost.values())} {list(lost)[:3]}, " \
                                       f"has too many {sum(extra.values())} {list(extra)[:3]}"
        log = crashes.log()
        events = sum(len(part) for part in crashes.source.taken)
        return {"kills": dict(crashes.kills), "events": events, "alerts": sum(expected.values()),
                "from_checkpoints": log.count("the workers begin from a checkpoint"),
                "checkpoints": log.count("checkpoint done"), "left_out": log.count("checkpoint is left out"),
                "by_rule": dict(collections.Counter(json.loads(t)[0] for t in expected))}
    finally:
        crashes.source.ending.set()
        crashes.server.stop()


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--kills", type=int, default=200)
    parse.add_argument("--seconds", type=float, default=600)
    parse.add_argument("--seed", type=int, default=int(time.time()))
    parse.add_argument("option", nargs="*", help="of weir serve")
    args = parse.parse_args()
    print(f"seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="weir-crashes-") as folder:
        print(json.dumps(run(pathlib.Path(folder), args.kills, args.seconds, args.seed, args.option)))


if __name__ == "__main__":
    main()
