# SPDX-License-Identifier: Apache-2.0
"""What comes out does not depend on how events come in: any order of arrival within the allowed disorder, any split over
partitions and workers, any cut into batches, any stop and restart, for windows, patterns and OVER, in eval and on a server."""
import json
import os
import random
import signal
import subprocess

import pytest
import weirserver
from weirserver import Server, until

START, DELAY, EVENTS = 1750000000000, 2000, 3000
STREAM = """CREATE STREAM moves (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING, amount BIGINT,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) %s;\n"""
WINDOW = """CREATE RULE {name} AS SELECT card, COUNT(*) AS n, SUM(amount) AS total, MAX(id) AS newest, window_start
  FROM TABLE({of}) GROUP BY card, window_start, window_end;"""
PATTERN = """CREATE RULE {name} AS SELECT card, a, n, last FROM moves MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts
  MEASURES FIRST(A.id) AS a, COUNT(A.*) AS n, LAST(id) AS last {skip} PATTERN {pattern} WITHIN INTERVAL '{within}' SECOND
  DEFINE A AS amount < 30, B AS B.amount > 80 AND B.amount > 2 * LAST(A.amount));"""
RULES = [
    WINDOW.format(name="tumble", of="TUMBLE(TABLE moves, DESCRIPTOR(ts), INTERVAL '7' SECOND)"),
    WINDOW.format(name="hop", of="HOP(TABLE moves, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '20' SECOND)"),
    WINDOW.format(name="cumulate", of="CUMULATE(TABLE moves, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '60' SECOND)"),
    WINDOW.format(name="session", of="SESSION(TABLE moves PARTITION BY card, DESCRIPTOR(ts), INTERVAL '3' SECOND)"),
    PATTERN.format(name="strict", skip="", pattern="(A B)", within=10),
    PATTERN.format(name="relaxed", skip="AFTER MATCH SKIP TO NEXT ROW", pattern="(A -> B)", within=10),
    PATTERN.format(name="absent", skip="", pattern="(A -> !B)", within=5),
    """CREATE RULE often AS SELECT id, card, COUNT(*) OVER (PARTITION BY card ORDER BY ts
      RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW) AS n, LAG(id, 2) OVER (PARTITION BY card ORDER BY ts) AS back
      FROM moves QUALIFY n >= 3;""",
    "CREATE RULE big AS SELECT id, amount FROM moves WHERE amount > 95;",
]


def events():
    rnd = random.Random(5)
    times = rnd.sample(range(EVENTS * 100), EVENTS)  # all different: nothing is left to the order of places
    return [{"id": n, "ts": START + ts, "card": f"c{rnd.randrange(12)}", "amount": rnd.randrange(100)}
            for n, ts in enumerate(sorted(times))]


def arrival(seed):
    """Another order of arrival in which nothing is late, split at random."""
    rnd = random.Random(seed)
    return sorted(events(), key=lambda e: e["ts"] + rnd.uniform(0, DELAY))


def lines(some):
    return [json.dumps(e).encode() + b"\n" for e in some]


def run_eval(folder, parts, *args):
    (folder / "r.sql").write_text(STREAM % "" + "\n".join(RULES))
    given = []
    for n, part in enumerate(parts):
        (folder / f"{n}.jsonl").write_bytes(b"".join(lines(part)))
        given += ["--input", str(folder / f"{n}.jsonl")]
    done = subprocess.run([weirserver.WEIR, "eval", str(folder / "r.sql"), *given, *args], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    # Timeouts are results of a side output; a server keeps matches as alerts.
    return sorted((r["rule"], r["time"], json.dumps(r["row"])) for r in found if r["kind"] == "match")


def split(some, n, seed):
    rnd = random.Random(seed)
    parts = [[] for _ in range(n)]
    for e in some:
        parts[rnd.randrange(n)].append(e)
    return parts


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    found = run_eval(tmp_path_factory.mktemp("wanted"), [events()])
    assert {rule for rule, _, _ in found} == {"tumble", "hop", "cumulate", "session", "strict", "relaxed", "absent", "often", "big"}
    return found


@pytest.mark.parametrize("batch", [1, 7, 1024])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("partitions", [1, 4])
def test_eval(tmp_path, wanted, batch, workers, partitions):
    seed = 100 * batch + 10 * workers + partitions
    parts = split(arrival(seed), partitions, seed)
    assert run_eval(tmp_path, parts, "--batch", str(batch), "--workers", str(workers)) == wanted


@pytest.mark.parametrize("workers, partitions, disturbed", [(1, 1, False), (2, 4, False), (3, 3, True), (2, 2, True)])
def test_server(tmp_path, wanted, workers, partitions, disturbed):
    rnd = random.Random(workers * 10 + partitions)
    with Server(tmp_path, workers=workers) as server:
        sql = STREAM % f"WITH ('partitions'='{partitions}', 'idle-timeout'='1 h')"
        assert server.post("/streams", {"sql": sql}).status_code == 201
        for rule in RULES:
            answer = server.post("/rules", {"sql": rule})
            assert answer.status_code == 201, answer.text
        parts = [lines(part) for part in split(arrival(workers), partitions, workers)]
        posts = 0
        while any(parts):
            p = rnd.choice([p for p in range(partitions) if parts[p]])
            n = rnd.choice([1, 7, 400])
            server.post_lines(parts[p][:n], partition=p, stream="moves")
            parts[p] = parts[p][n:]
            posts += 1
            if disturbed and posts == 8:  # stopped for a while, then ended by force
                pid = server.workers()[-1]["pid"]
                os.kill(pid, signal.SIGSTOP)
                server.post_lines(parts[p][:50], partition=p, stream="moves")
                parts[p] = parts[p][50:]
                os.kill(pid, signal.SIGKILL)
            if disturbed and posts == 16:
                server.kill()
                server.start()
            if disturbed and posts == 20:
                server.stop()
                server.options[1] = str(workers % 3 + 1)
                server.start()
        server.finish("moves")
        server.settled()
        found = until("all alerts are there", lambda: server.pages("/alerts"))
        assert sorted((a["rule"], a["time"], json.dumps(a["row"])) for a in found) == wanted
        assert server.get("/overview")["late"] == 0


LATE = [
    WINDOW.format(name="tumble", of="TUMBLE(TABLE moves, DESCRIPTOR(ts), INTERVAL '7' SECOND)")
    .replace(" AS SELECT", " WITH ('allowed-lateness'='20 s') AS SELECT", 1),
    WINDOW.format(name="session", of="SESSION(TABLE moves PARTITION BY card, DESCRIPTOR(ts), INTERVAL '3' SECOND)")
    .replace(" AS SELECT", " WITH ('allowed-lateness'='20 s') AS SELECT", 1),
    *RULES[4:7],
]


def final(server):
    """The alerts as they stand at the end, and the late rows of each rule."""
    late = sorted((rule, d["partition"], d["offset"]) for d in server.pages("/dead_letters") for rule in d["rules"] if d["kind"] == "late")
    return sorted((a["rule"], a["id"], json.dumps(a["row"])) for a in server.pages("/alerts")), late


def run_late(folder, parts, workers, seed, restart):
    """Each partition in its order, the partitions in any: what is late is each partition's own affair."""
    rnd = random.Random(seed)
    with Server(folder, workers=workers) as server:
        assert server.post("/streams", {"sql": STREAM % f"WITH ('partitions'='{len(parts)}')"}).status_code == 201
        for rule in LATE:
            answer = server.post("/rules", {"sql": rule})
            assert answer.status_code == 201, answer.text
        left = [lines(part) for part in parts]
        while any(left):
            p = rnd.choice([p for p in range(len(left)) if left[p]])
            n = rnd.choice([1, 30, 300])
            server.post_lines(left[p][:n], partition=p, stream="moves")
            left[p] = left[p][n:]
        server.finish("moves")
        server.settled()
        if restart:
            before = final(server)
            server.kill()
            server.start()
            server.settled()
            assert final(server) == before
        return final(server)


def test_late_rows_and_updates_do_not_depend_on_how_partitions_meet(tmp_path):
    rnd = random.Random(3)
    some = sorted(events()[:1500], key=lambda e: e["ts"] + (rnd.uniform(0, 30000) if e["id"] % 10 == 0 else rnd.uniform(0, 1500)))
    parts = split(some, 3, 9)
    runs = []
    for workers, seed in [(1, 1), (2, 2), (3, 3)]:
        folder = tmp_path / str(workers)
        folder.mkdir()
        runs.append(run_late(folder, parts, workers, seed, restart=workers == 2))
    alerts, late = runs[0]
    assert len(late) > 100 and {rule for rule, _, _ in alerts} == {"tumble", "session", "strict", "relaxed", "absent"}
    assert runs[1] == runs[0]
    assert runs[2] == runs[0]
