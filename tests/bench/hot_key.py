#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hot key that is half of all events, two workers, with and without two-phase aggregation: `make bench-hot-key`.

Prints the processor seconds of each worker. What the busier one takes bounds the throughput, so the ratio of the busier
workers' seconds is the gain; it does not depend on what else the machine does, as times by the clock would.
"""
import argparse
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from weirserver import Server, until  # noqa: E402

STREAM = """CREATE STREAM skewed (k STRING, x BIGINT, d DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector'='file', 'path'='{path}')"""
RULE = """CREATE RULE busy WITH ('two-phase'='{how}') AS
SELECT k, COUNT(*) AS n, SUM(x) AS s, AVG(d) AS av, MAX(x) AS m, MIN(d) AS mi
FROM TABLE(HOP(TABLE skewed, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '60' SECOND))
GROUP BY k, window_start, window_end HAVING COUNT(*) >= 100"""


def write(folder, events):
    rng, now = random.Random(3), 1700000000000
    parts = [open(folder / f"part{i}.jsonl", "w", encoding="utf-8") for i in range(2)]
    for i in range(events):
        now += rng.randrange(4)
        key = "hot" if rng.random() < 0.5 else f"k{rng.randrange(20000)}"
        parts[i % 2].write('{"k":"%s","x":%d,"d":"%d.%02d","ts":%d}\n'
                           % (key, rng.randrange(1000), rng.randrange(1000), rng.randrange(100), now - rng.randrange(1500)))
    for p in parts:
        p.close()


def seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def run(folder, events, how):
    """Processor seconds of each worker for reading all events."""
    with tempfile.TemporaryDirectory() as data, Server(pathlib.Path(data)) as server:
        workers = until("both run", lambda: [w for w in server.workers() if w["state"] == "running"][1:]
                        and server.workers())
        before = [seconds(w["pid"]) for w in workers]
        server.post("/streams", {"sql": STREAM.format(path=folder / "part*.jsonl")})
        server.post("/rules", {"sql": RULE.format(how=how)})
        until("all is read", lambda: sum(w["rows_in"] for w in server.workers()) >= events, 300)
        used = [seconds(w["pid"]) - b for w, b in zip(workers, before)]
    print(f"two-phase {how:5}  workers {used[0]:.2f} s and {used[1]:.2f} s of processor time", flush=True)
    return max(used)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--events", type=int, default=4000000)
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write(folder, a.events)
        best = {how: min(run(folder, a.events, how) for _ in range(2)) for how in ("false", "auto")}
    print(f"the busier worker: {best['false'] / best['auto']:.2f} times the work without it (aim: 1.5 or more)")


if __name__ == "__main__":
    main()
