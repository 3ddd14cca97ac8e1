# SPDX-License-Identifier: Apache-2.0
"""Rules over events that are posted to a running server: the same alerts however many workers and clients there are."""
import concurrent.futures
import json
import pathlib
import subprocess
import sys

import pytest
import requests
import weirserver
from weirserver import EXPECTED, STREAM, Server, until

EVENTS = 200000
RULES = ["filter", "seq", "travel", "velocity", "spend"]
COUNTS = {rule: EXPECTED[rule] for rule in RULES}


@pytest.fixture(scope="module")
def payments(tmp_path_factory):
    path = tmp_path_factory.mktemp("payments") / "payments.jsonl"
    with path.open("wb") as out:
        subprocess.run([sys.executable, weirserver.TESTS / "data" / "paygen.py", "--events", str(EVENTS)], stdout=out,
                       check=True)
    return path


@pytest.fixture(scope="module")
def lines(payments):
    return payments.read_bytes().splitlines(keepends=True)


def card_of(line):
    return int(json.loads(line)["card"][1:])


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_one_client_gets_the_counts_that_others_agree_on(tmp_path, lines, workers):
    with Server(tmp_path, workers=workers) as server:
        server.create(*RULES)
        server.post_lines(lines)
        server.finish()
        assert server.settled() == COUNTS
        overview = server.get("/overview")
        assert overview["events_accepted"] == overview["events_processed"] == EVENTS
        assert overview["late"] == EXPECTED["late"]
        if workers > 1:
            assert sum(w["frames_in"] for w in server.workers()) > 0
            assert sum(w["rows_in"] > 0 for w in server.workers()) == 1  # one partition, one reader


@pytest.mark.parametrize("workers", [2, 3])
def test_four_clients_at_once_get_the_same_counts(tmp_path, lines, workers):
    quarters = [[] for _ in range(4)]
    for line in lines:
        quarters[card_of(line) % 4].append(line)
    stream = STREAM.strip().rstrip(";") + " WITH ('partitions'='4');"
    with Server(tmp_path, workers=workers) as server:
        server.create(*RULES, stream=stream)

        def post(partition):
            with requests.Session() as session:
                server.post_lines(quarters[partition], partition=partition, session=session)

        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            list(clients.map(post, range(4)))
        server.finish()
        assert server.settled() == COUNTS
        assert [p["end"] for p in server.partitions()] == [len(q) for q in quarters]
        assert sum(w["rows_in"] > 0 for w in server.workers()) == min(workers, 4)


def test_files_are_read_by_the_workers_themselves(tmp_path, lines):
    parts = [b"".join(line for line in lines if card_of(line) % 2 == part) for part in range(2)]
    for part, text in enumerate(parts):
        (tmp_path / f"part-{part}.jsonl").write_bytes(text)
    bad = b'{"id": "x"}\n'
    (tmp_path / "part-1.jsonl").write_bytes(bad + parts[1])
    stream = STREAM.strip().rstrip(";") + f" WITH ('connector'='file', 'path'='{tmp_path}/part-*.jsonl');"
    with Server(tmp_path, workers=2) as server:
        server.create(*RULES, stream=stream)
        assert server.settled() == COUNTS
        ends = [len(parts[0]), len(parts[1]) + len(bad)]
        assert [(p["taken"], p["end"]) for p in server.partitions()] == [(n, n) for n in ends]
        errors = [d for d in server.pages("/dead_letters") if d["kind"] == "error"]
        assert [(d["partition"], d["code"], d["raw"]) for d in errors] == [(1, "missing-field", '{"id": "x"}')]
        alert = server.get("/alerts?rule=seq&limit=1")["data"][0]
        match = server.get(f"/alerts/{alert['id']}")["match"]
        assert [step["var"] for step in match] == ["A", "B"]
        assert match[0]["events"][0]["event"]["id"] == alert["row"]["a_id"]


def test_a_rule_sees_the_events_from_its_deployment_on(tmp_path, lines):
    """Also when the workers are still behind: what counts is the place in the log."""
    half = len(lines) // 2
    amounts = [json.loads(line)["amount"] for line in lines]
    with Server(tmp_path, workers=2) as server:
        server.create("filter")
        server.post_lines(lines[:half])
        answer = server.post("/rules", {"sql": "SELECT id FROM payments WHERE amount > 3000", "name": "second"})
        assert answer.status_code == 201, answer.text
        server.post_lines(lines[half:])
        server.finish()
        counts = server.settled()
        assert counts["filter"] == EXPECTED["filter"] == sum(a > 3000 for a in amounts)
        assert counts["second"] == sum(a > 3000 for a in amounts[half:])


def test_a_paused_filter_sees_nothing_until_it_is_resumed(tmp_path, lines):
    third = len(lines) // 3
    amounts = [json.loads(line)["amount"] for line in lines]
    with Server(tmp_path, workers=2) as server:
        server.create("filter")
        server.post_lines(lines[:third])
        assert server.post("/rules/filter:pause").json()["mode"] == "paused"
        server.post_lines(lines[third:2 * third])
        assert server.post("/rules/filter:resume").json()["mode"] == "active"
        server.post_lines(lines[2 * third:])
        server.finish()
        assert server.settled()["filter"] == sum(a > 3000 for a in amounts[:third] + amounts[2 * third:])


def test_a_generator_makes_events_by_itself(tmp_path):
    stream = STREAM.strip().rstrip(";") + " WITH ('connector'='generator', 'rate'='20000', 'events'='30000');"
    with Server(tmp_path, workers=2) as server:
        server.create("filter", "seq", stream=stream)
        until("the generator has ended", lambda: server.partitions()[0]["finished"])
        counts = server.settled()
        assert server.partitions()[0]["end"] == 30000
        assert counts["filter"] > 0
        answer = server.post("/streams/payments/events", {"id": "t1"})
        assert answer.status_code == 409  # its events come from itself


def test_a_second_server_on_the_same_folder_says_so(tmp_path):
    with Server(tmp_path) as server:
        other = subprocess.run([weirserver.WEIR, "serve", "--data", server.data, "--port", "0"], capture_output=True,
                               text=True, timeout=30, check=False)
        assert other.returncode != 0
        assert "used by another weir" in other.stderr
        assert pathlib.Path(server.data).exists()
