# SPDX-License-Identifier: Apache-2.0
"""At every point at which a checkpoint touches the disk: the step fails, what is written is torn, the process dies. Nothing is
lost or there twice, the last complete checkpoint stays usable, and the next one can be made."""
import collections
import os
import re
import subprocess

import crashing
import pytest
import requests
import weirserver
from weirserver import Server, until

EVENTS = 3000
MOST = int(os.environ.get("WEIR_FAULTS", "2"))  # of the passages of a point so many are tried, the first and the last among them


def with_fault(wish, begin):
    os.environ["WEIR_FAULT"] = wish
    try:
        return begin()
    finally:
        del os.environ["WEIR_FAULT"]


@pytest.fixture(scope="module")
def parts():
    run = subprocess.run([weirserver.WEIR, "gen", "--events", str(EVENTS), "--cards", "200"], capture_output=True, check=True)
    lines = run.stdout.splitlines(keepends=True)
    return [lines[p::crashing.PARTITIONS] for p in range(crashing.PARTITIONS)]


@pytest.fixture(scope="module")
def expected(parts, tmp_path_factory):
    return crashing.expected_alerts(crashing.evaluated(tmp_path_factory.mktemp("eval"), parts))


def begin(folder):
    return Server(folder, "--checkpoint-interval", "0", "--checkpoint-kept", "1", "--restart-strategy", "fixed-delay",
                  "--restart-delay", "20 ms", workers=1)


def deploy(server):
    assert server.post("/streams", {"sql": crashing.stream_sql()}).status_code == 201
    for sql in crashing.rules():
        assert server.post("/rules", {"sql": sql}).status_code == 201


def post(server, parts, first, end):
    for p, part in enumerate(parts):
        begins, ends = first * len(part) // 3, end * len(part) // 3
        try:
            server.post_lines(part[begins:ends], partition=p)
        except requests.RequestException:  # it dies of what comes after a checkpoint
            server.process.wait(30)
            server.start()
            if server.partitions()[p]["end"] == begins:
                server.post_lines(part[begins:ends], partition=p)


def checkpoint(server):
    """201, or what else; None: the server has died of it."""
    try:
        until("the worker runs", lambda: server.workers()[0]["state"] == "running")
        return server.post("/checkpoints").status_code
    except requests.RequestException:
        server.process.wait(30)
        return None


def play(server, parts):
    """Answers of the two checkpoints. The server is one without a wish at the end, and has all events."""
    answers = []
    for at in range(2):
        post(server, parts, at, at + 1)
        answers.append(checkpoint(server))
        if answers[-1] is None:
            server.start()
    server.kill()
    server.start()
    post(server, parts, 2, 3)
    return answers


@pytest.fixture(scope="module")
def passages(parts, tmp_path_factory):
    """Of each point, in the process that passes it most."""
    with with_fault("none:1:count", lambda: begin(tmp_path_factory.mktemp("count"))) as server:
        deploy(server)
        for at in range(2):
            post(server, parts, at, at + 1)
            assert checkpoint(server) == 201
        server.stop()
        counts = collections.Counter()
        for name, n in re.findall(r"fault point (\S+) passed (\d+) times", server.log.read_text()):
            if not name.startswith(("worker.", "alerts.")):
                counts[name] = max(counts[name], int(n))
    return counts


def wishes(passages):
    for name, n in sorted(passages.items()):
        for i in sorted({1 + round(k * (n - 1) / (MOST - 1)) for k in range(MOST)}):
            for action in ("fail", "kill", "torn") if name == "durable.write" else ("fail", "kill"):
                yield f"{name}:{i}:{action}"


def test_there_are_points(passages):
    assert {"durable.open", "durable.write", "durable.sync", "durable.rename", "durable.sync_folder", "store.link",
            "checkpoint.begin", "checkpoint.remove"} <= set(passages)


def test_at_each_point_nothing_is_lost_or_twice(tmp_path, parts, expected, passages):
    tried = 0
    for wish in wishes(passages):
        folder = tmp_path / wish.replace(":", "-")
        folder.mkdir()
        with with_fault(wish, lambda f=folder: begin(f)) as server:
            deploy(server)
            answers = play(server, parts)
            server.finish()
            server.settled()
            assert crashing.stored_alerts(server) == expected, wish
            assert checkpoint(server) == 201, wish
            tried += 1
            print(wish, answers)
    print(f"{tried} faults")
