# SPDX-License-Identifier: Apache-2.0
"""kill -9 of workers and of the coordinator while events flow: no alert is lost, none is there twice."""
import os
import signal
import subprocess
import sys

import pytest
import weirserver
from weirserver import Server, is_running, until

EVENTS = 100000
RULES = ["filter", "seq", "travel", "velocity", "spend"]
LATER = 40000  # so many events are posted before the second half of the rules is deployed


@pytest.fixture(scope="module")
def lines():
    run = subprocess.run([sys.executable, weirserver.TESTS / "data" / "paygen.py", "--events", str(EVENTS)],
                         stdout=subprocess.PIPE, check=True)
    return run.stdout.splitlines(keepends=True)


def deploy_and_post(server, lines, disturb):
    """The same for every run: two rules, some events, the other rules, the rest. disturb(at) between the blocks."""
    server.create(*RULES[:2])
    at = 0
    while at < len(lines):
        if at == LATER:
            server.create(*RULES[2:], stream=None)
        disturb(at)
        server.post_lines(lines[at:at + weirserver.BLOCK])
        at += weirserver.BLOCK
    server.finish()
    return server.settled(), server.alert_ids()


@pytest.fixture(scope="module")
def undisturbed(lines, tmp_path_factory):
    with Server(tmp_path_factory.mktemp("undisturbed")) as server:
        return deploy_and_post(server, lines, lambda at: None)


def test_killed_workers_lose_and_double_nothing(tmp_path, lines, undisturbed):
    with Server(tmp_path) as server:
        def kill_a_worker(at):
            if at in (20000, 50000, 80000):
                pids = until("both workers run", lambda: [w["pid"] for w in server.workers()
                                                          if w["state"] == "running"])
                os.kill(pids[at // 10000 % len(pids)], signal.SIGKILL)

        assert deploy_and_post(server, lines, kill_a_worker) == undisturbed
        exceptions = server.get("/workers")["exceptions"]
        assert len(exceptions) >= 3
        assert all("signal 9" in e["text"] for e in exceptions)


def test_a_killed_server_goes_on_where_it_was(tmp_path, lines, undisturbed):
    with Server(tmp_path) as server:
        def kill_the_server(at):
            if at not in (20000, 60000):
                return
            workers = [w["pid"] for w in server.workers()]
            server.kill()
            until("its workers end with it", lambda: not any(is_running(pid) for pid in workers), seconds=10)
            server.start()
            assert server.partitions()[0]["end"] == at  # what was acknowledged is there

        assert deploy_and_post(server, lines, kill_the_server) == undisturbed


def test_killed_when_all_is_done_it_comes_back_the_same(tmp_path, lines, undisturbed):
    with Server(tmp_path) as server:
        assert deploy_and_post(server, lines, lambda at: None) == undisturbed
        late = server.get("/overview")["dead_letters"]
        server.kill()
        server.start()
        assert (server.settled(), server.alert_ids()) == undisturbed
        assert server.get("/overview")["dead_letters"] == late  # late rows are found again, not kept again


def test_another_number_of_workers_gives_the_same_alerts(tmp_path, lines, undisturbed):
    with Server(tmp_path, workers=1) as server:
        assert deploy_and_post(server, lines, lambda at: None) == undisturbed
        server.stop()
        server.options[1] = "3"
        server.start()
        assert (server.settled(), server.alert_ids()) == undisturbed


def test_a_rule_can_be_deleted_while_no_worker_lives(tmp_path, lines):
    with Server(tmp_path) as server:
        server.create(*RULES[:2])
        server.post_lines(lines[:10000])
        for _ in range(3):  # the delay before the next attempt grows
            server.kill_worker()
        answer = server.session.delete(server.url + "/api/v1/rules/seq", timeout=20)
        assert answer.status_code == 204, answer.text
        server.post_lines(lines[10000:20000])
        server.finish()
        assert list(server.settled()) == ["filter"]


def test_a_worker_that_stands_still_makes_clients_wait_and_loses_nothing(tmp_path, lines, undisturbed):
    with Server(tmp_path, "--max-backlog", "5000", workers=1) as server:
        server.create(*RULES[:2])
        pid = server.workers()[0]["pid"]
        os.kill(pid, signal.SIGSTOP)
        refused, at = None, 0
        while refused is None:
            url = f"{server.url}/api/v1/streams/payments/events"
            answer = server.session.post(url, data=b"".join(lines[at:at + 1000]), timeout=20,
                                         headers={"content-type": "application/x-ndjson"})
            if answer.status_code == 429:
                refused = answer
            else:
                assert answer.status_code == 202, answer.text
                at += 1000
        assert 5000 < at <= 7000
        assert int(refused.headers["retry-after"]) > 0
        os.kill(pid, signal.SIGCONT)
        server.post_lines(lines[at:])
        server.finish()
        counts, _ = undisturbed
        assert server.settled() == {rule: counts[rule] for rule in RULES[:2]}
        assert server.get("/workers")["exceptions"] == []
