# SPDX-License-Identifier: Apache-2.0
"""Sources ten times as fast as a worker: who waits, what memory is taken, that nothing is lost, that it is over afterwards.

OVERLOAD_SECONDS (10; 120 in `make nightly`) is about how long the slowed worker has to do."""
import json
import os
import subprocess
import threading
import time

import requests
from weirserver import BLOCK, QUERIES, STREAM, WEIR, Server, sanitized, until

SECONDS = int(os.environ.get("OVERLOAD_SECONDS", "10"))
SLOW_RATE = 6500  # events a second, about, that pass when a worker takes 100 ms longer for each frame and batch
PARTITIONS = 4
MIB = 1 << 20
RULES = ["filter", "velocity", "seq", "travel"]
BUDGET = {"intake": 8, "exchange": 2, "ordering": 64, "state": 256}
BESIDES = 160 + 2 * 32  # what processes need besides, as memory-total counts it


class Watch:
    """What memory and channels were like, asked for over and over."""

    def __init__(self, server):
        self.server, self.used, self.resident = server, dict.fromkeys(BUDGET, 0), 0
        self.backpressured, self.waits, self.busy, self.blocked_ms, self.backpressured_ms = {0: 0, 1: 0}, set(), 0, 0, 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def look(self, session):
        now = session.get(self.server.url + "/api/v1/workers", timeout=30).json()
        for part in BUDGET:
            self.used[part] = max(self.used[part], now["memory"][part]["used_bytes"])
            assert now["memory"][part]["limit_bytes"] == BUDGET[part] * MIB
        self.resident = max(self.resident, now["memory"]["resident_bytes"])
        for w in now["data"]:
            assert abs(w["busy_permille"] + w["idle_permille"] + w["backpressured_permille"] - 1000) <= 2 or not w["busy_ms"]
            self.backpressured[w["index"]] = max(self.backpressured[w["index"]], w["backpressured_permille"])
            self.waits.add(w["waits_for"])
        self.busy = max(self.busy, now["data"][1]["busy_permille"])
        self.backpressured_ms = now["data"][0]["backpressured_ms"]
        self.blocked_ms = sum(c["blocked_ms"] for c in now["channels"] if (c["from"], c["to"]) == (0, 1))

    def run(self):
        with requests.Session() as session:
            while not self.ending.wait(0.1):
                self.look(session)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.ending.set()
        self.thread.join()


def events(folder, n):
    lines = subprocess.run([WEIR, "gen", "--events", str(n)], capture_output=True, check=True).stdout.splitlines(True)
    parts = [lines[p::PARTITIONS] for p in range(PARTITIONS)]
    for p, part in enumerate(parts):
        (folder / f"{p}.jsonl").write_bytes(b"".join(part))
    return parts


def undisturbed(folder):
    """Alerts by rule, of `weir eval` over the same partitions."""
    script = folder / "rules.sql"
    script.write_text(STREAM + "\n" + "\n".join((QUERIES / f"{r}.sql").read_text() for r in RULES))
    inputs = [x for p in range(PARTITIONS) for x in ("--input", str(folder / f"{p}.jsonl"))]
    run = subprocess.run([WEIR, "eval", str(script), *inputs], capture_output=True, check=True)
    found = dict.fromkeys(RULES, 0)
    for line in run.stdout.splitlines():
        answer = json.loads(line)
        if answer["kind"] == "match":
            found[answer["rule"]] += 1
    return found


class Sender(threading.Thread):
    def __init__(self, server, partition, lines):
        super().__init__()
        self.server, self.partition, self.lines, self.refused, self.first_429 = server, partition, lines, 0, None

    def run(self):
        url = f"{self.server.url}/api/v1/streams/payments/events?partition={self.partition}"
        with requests.Session() as session:
            at = 0
            while at < len(self.lines):
                answer = session.post(url, data=b"".join(self.lines[at:at + BLOCK]), timeout=60,
                                      headers={"content-type": "application/x-ndjson"})
                if answer.status_code == 202:
                    at += BLOCK
                    continue
                assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1, answer.text
                assert answer.json()["type"] == "/problems/backpressure"
                self.refused += 1
                self.first_429 = self.first_429 or (time.monotonic(), at)
                time.sleep(0.05)


def latency(server, ts):
    """From posting an event to its stored alert, the median of five."""
    took = []
    for i in range(5):
        event = {"id": f"probe-{ts}-{i}", "ts": ts, "type": "payment", "card": f"probe{ts}{i}", "status": "approved",
                 "amount": 1, "country": "DE"}
        before, began = server.alerts_by_rule()["probe"], time.monotonic()
        assert server.post("/streams/payments/events?partition=0", [event]).status_code == 202
        until("the probe's alert", lambda before=before: server.alerts_by_rule()["probe"] > before, 120)
        took.append(time.monotonic() - began)
    return sorted(took)[2]


def test_an_overloaded_server_waits_keeps_within_its_memory_and_loses_nothing(tmp_path, monkeypatch):
    parts = events(tmp_path, SLOW_RATE * SECONDS)
    first = json.loads(parts[0][0])["ts"]
    expected = undisturbed(tmp_path)
    monkeypatch.setenv("WEIR_FAULT", "worker.1:1:delay=100")
    options = [x for part, mib in BUDGET.items() for x in (f"--memory-{part}", f"{mib} MiB")]
    with Server(tmp_path, *options, "--max-backlog", "20000",
                "--memory-total", f"{sum(BUDGET.values()) + BESIDES} MiB") as server:
        server.create(stream=STREAM.rstrip().rstrip(";") + f" WITH ('partitions'='{PARTITIONS}')")
        server.create(*RULES, stream=None)
        probe = "CREATE RULE probe AS SELECT id FROM payments WHERE id LIKE 'probe-%'"
        assert server.post("/rules", {"sql": probe}).status_code == 201
        calm = latency(server, first)
        senders = [Sender(server, p, lines) for p, lines in enumerate(parts)]
        began = time.monotonic()
        with Watch(server) as watch:
            for s in senders:
                s.start()
            for s in senders:
                s.join()
            loaded = time.monotonic() - began
            until("the backlog is worked off", lambda: all(p["taken"] == p["end"] for p in server.partitions()), 120)
            took = time.monotonic() - began
            server.session.get(server.url + "/metrics", timeout=30)
        assert any(s.refused for s in senders), took
        burst = sum(s.first_429[1] for s in senders if s.first_429) / max(
            1e-3, max(s.first_429[0] for s in senders if s.first_429) - began)
        after = latency(server, first)
        server.finish()
        found = server.settled()
        found.pop("probe")
        rate = sum(map(len, parts)) / took
        print(f"overload: {took:.1f} s ({loaded:.1f} s of it posting); sources {burst:.0f} events/s until the first 429, "
              f"then {rate:.0f}; 429 answered {sum(s.refused for s in senders)} times; resident {watch.resident / MIB:.0f} MiB of "
              f"{sum(BUDGET.values()) + BESIDES}; used (MiB) "
              + ", ".join(f"{k} {v / MIB:.1f}/{BUDGET[k]}" for k, v in watch.used.items())
              + f"; worker 0 backpressured {watch.backpressured[0]} per mille at most, worker 1 busy {watch.busy}; "
              f"latency {calm * 1000:.0f} ms before, {after * 1000:.0f} ms after")
        assert found == expected
        assert burst > rate and watch.busy > 300
        assert watch.backpressured_ms > 0 and watch.blocked_ms > 0 and "channel" in watch.waits
        for part, mib in BUDGET.items():
            more = MIB if part == "exchange" else 0  # a step may overdraw
            assert watch.used[part] <= mib * MIB + more, (part, watch.used[part])
        assert sanitized() or watch.resident <= (sum(BUDGET.values()) + BESIDES) * MIB
        assert after < calm * 3 + 0.5
