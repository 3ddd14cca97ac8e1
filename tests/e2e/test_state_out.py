# SPDX-License-Identifier: Apache-2.0
"""State larger than its memory: keys leave it for RocksDB and come back; results are those of a run that has room for all."""
import json
import subprocess

import crashing
import pytest
import weirserver
from test_checkpoint_faults import with_fault
from test_checkpoints import checkpoint, deploy, found, post
from weirserver import Server, until

SMALL = ("--state-backend", "rocksdb", "--memory-state", "6 MiB")
STREAM = crashing.QUERIES / "payments.sql"
RULE = """CREATE RULE third AS SELECT card, a, b, c FROM payments
  MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES A.id AS a, B.id AS b, C.id AS c
  AFTER MATCH SKIP PAST LAST ROW PATTERN (A ->> B ->> C) WITHIN INTERVAL '20' MINUTE
  DEFINE A AS amount > 20, B AS amount > A.amount * 3, C AS amount > B.amount * 3)"""


@pytest.fixture(scope="module")
def lines():
    run = subprocess.run([weirserver.WEIR, "gen", "--events", "40000", "--cards", "8000"], stdout=subprocess.PIPE,
                         check=True)
    return run.stdout.splitlines(keepends=True)


@pytest.fixture(scope="module")
def expected(lines, tmp_path_factory):
    parts = [lines[p::crashing.PARTITIONS] for p in range(crashing.PARTITIONS)]
    return crashing.expected_alerts(crashing.evaluated(tmp_path_factory.mktemp("eval"), parts))


def of_workers(server, name):
    return sum(server.metric(f'weir_worker_{name}{{worker="{w["index"]}"}}') for w in server.workers())


def evaluate(folder, events, *options):
    (folder / "rule.sql").write_text(STREAM.read_text() + RULE + ";\n")
    (folder / "in.jsonl").write_bytes(b"".join(events))
    run = subprocess.run([weirserver.WEIR, "eval", folder / "rule.sql", "--input", folder / "in.jsonl", "--stats", *options],
                         capture_output=True, check=True)
    return run.stdout, json.loads(run.stderr.splitlines()[-1])


@pytest.mark.usefixtures("plain_memory")
def test_with_a_tenth_of_the_memory_the_results_are_the_same(tmp_path):
    run = subprocess.run([weirserver.WEIR, "gen", "--events", "150000", "--cards", "60000"], stdout=subprocess.PIPE,
                         check=True)
    events = run.stdout.splitlines(keepends=True)
    results, roomy = evaluate(tmp_path, events)
    budget = roomy["state_bytes"] // 10
    again, small = evaluate(tmp_path, events, "--state-memory", str(budget))
    assert again == results
    out = small["state_out"]
    print(json.dumps({"state": roomy["state_bytes"], "budget": budget, "then": small["state_bytes"], **out,
                      "slower": round(roomy["events_per_core_s"] / small["events_per_core_s"], 1)}))
    assert out["left"] > 10000 and out["loaded"] > 10000
    assert out["used_bytes"] <= budget and small["state_bytes"] < roomy["state_bytes"] / 3


def test_the_server_keeps_its_state_within_the_budget_and_finds_the_same(tmp_path, lines, expected):
    with Server(tmp_path, "--checkpoint-interval", "200 ms", *SMALL) as server:
        deploy(server)
        post(server, lines, 0, 100)
        assert found(server) == expected
        assert of_workers(server, "keys_left_total") > 500 and of_workers(server, "keys_loaded_total") > 100


def test_after_a_crash_it_goes_on_from_its_files_with_any_number_of_workers(tmp_path, lines, expected):
    with Server(tmp_path, "--checkpoint-interval", "0", *SMALL, workers=1) as server:
        deploy(server)
        post(server, lines, 0, 30)
        for workers, begin, end in (("1", 30, 50), ("2", 50, 70), ("3", 70, 100)):
            checkpoint(server)
            server.kill()
            server.options[1] = workers
            server.start()
            assert server.get("/checkpoints")["restored"]
            post(server, lines, begin, end)
        assert found(server) == expected


def test_either_backend_goes_on_from_the_files_of_the_other(tmp_path, lines, expected):
    with Server(tmp_path, "--checkpoint-interval", "0", *SMALL) as server:
        deploy(server)
        post(server, lines, 0, 30)
        for backend, begin, end in (("heap", 30, 60), ("rocksdb", 60, 100)):
            checkpoint(server)
            server.kill()
            server.options[server.options.index("--state-backend") + 1] = backend
            server.options[server.options.index("--memory-state") + 1] = "2 GiB" if backend == "heap" else "6 MiB"
            server.start()
            assert server.get("/checkpoints")["restored"]
            post(server, lines, begin, end)
        assert found(server) == expected


@pytest.mark.parametrize("wish", ["store.write:1:fail", "store.link:2:fail"])
def test_a_checkpoint_that_fails_while_keys_are_out_leaves_them_whole(tmp_path, lines, expected, wish):
    with with_fault(wish, lambda: Server(tmp_path, "--checkpoint-interval", "0", "--restart-strategy", "fixed-delay",
                                         "--restart-delay", "20 ms", *SMALL, workers=1)) as server:
        deploy(server)
        for begin, end in ((0, 30), (30, 50), (50, 70)):
            post(server, lines, begin, end)
            server.post("/checkpoints")
        if "link" in wish:  # the store is as it was, and the next checkpoint has all
            until("one is made after all", lambda: server.post("/checkpoints").status_code == 201, 10)
            assert server.get("/checkpoints")["failed"] == 1 and not server.get("/workers")["exceptions"]
            assert of_workers(server, "keys_left_total") > 100
        else:  # what had left is lost: workers begin again, and each of them meets the fault
            until("its end is told", lambda: server.get("/workers")["exceptions"])
            assert "the store" in server.log.read_text()
        server.kill()
        server.start()
        assert bool(server.get("/checkpoints")["restored"]) == ("link" in wish)
        post(server, lines, 70, 100)
        assert found(server) == expected


def test_killed_at_random_instants_it_finds_what_eval_finds(tmp_path):
    told = crashing.run(tmp_path, kills=8, seconds=12, seed=11, options=SMALL)
    print(json.dumps(told))
    assert told["from_checkpoints"] >= 4 and told["left_out"] == 0
