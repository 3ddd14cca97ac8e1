#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One worker and two on the seven rules of fraud7, from files of four partitions: `make bench-workers`.

Prints the time by the clock and the processor seconds of each worker. The clock means something only on a machine with a
core for each worker that does nothing else; what the busier worker takes bounds the throughput on any."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from checkpoints import SEVEN, cpu_seconds, script  # noqa: E402
from weirserver import QUERIES, WEIR, Server, until  # noqa: E402

PARTITIONS = 4


def split(folder, events):
    files = [(folder / f"part{i}.jsonl").open("wb") for i in range(PARTITIONS)]
    with subprocess.Popen([WEIR, "gen", "--events", str(events)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as gen:
        for i, line in enumerate(gen.stdout):
            files[i // 64 % PARTITIONS].write(line)
    for f in files:
        f.close()


def run(folder, workers):
    stream, rules = script(SEVEN, folder / "part*.jsonl")
    with tempfile.TemporaryDirectory() as data, \
            Server(pathlib.Path(data), "--checkpoint-interval", "0", workers=workers) as server:
        answer = server.post("/streams", {"sql": stream})
        assert answer.status_code == 201, answer.text
        for rule in rules:  # each begins the files anew
            answer = server.post("/rules", {"sql": rule})
            assert answer.status_code == 201, answer.text
        began = time.monotonic()
        until("all is read", lambda: all(p["finished"] for p in server.get("/watermarks")["data"]), 600)
        took = time.monotonic() - began
        server.settled()
        used = [cpu_seconds(w["pid"]) for w in server.workers()]
        alerts = sum(server.alerts_by_rule().values())
    print(f"{workers} worker(s): {took:.2f} s, processor seconds {', '.join(f'{u:.2f}' for u in used)}, {alerts} alerts", flush=True)
    return took, max(used)


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--events", type=int, default=4_000_000)
    parse.add_argument("--pairs", type=int, default=3)
    parse.add_argument("--exchange", help="tests/bench/bench_exchange: the parts of their work, without sockets")
    args = parse.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        split(folder, args.events)
        if args.exchange:
            subprocess.run([args.exchange, folder, QUERIES], check=True)
        pairs = [(run(folder, 1), run(folder, 2)) for _ in range(args.pairs)]
    print(json.dumps({"two workers, in times of one": {
        "clock": round(statistics.median(a[0] / b[0] for a, b in pairs), 2),
        "the busier worker": round(statistics.median(a[1] / b[1] for a, b in pairs), 2)}}))


if __name__ == "__main__":
    main()
