# SPDX-License-Identifier: Apache-2.0
"""Restart strategies and heartbeats: what happens after workers have failed, and when one says nothing."""
import os
import signal
import subprocess

import requests
from weirserver import WEIR, Server, until


def pids(server):
    def running():
        now = server.workers()
        return all(w["state"] == "running" for w in now) and [w["pid"] for w in now]
    return until("all workers run", running)


def restart_of(server):
    return server.get("/workers")["restart"]


def post(server, path):
    return requests.post(server.url + "/api/v1" + path, timeout=10)


def test_without_a_strategy_workers_stay_down_until_asked_and_nothing_is_lost(tmp_path):
    with Server(tmp_path, "--restart-strategy", "none") as server:
        server.create("filter")
        os.kill(pids(server)[0], signal.SIGKILL)
        down = until("given up", lambda: restart_of(server)["given_up"] and restart_of(server))
        assert down["strategy"] == "none" and down["next_ms"] is None and "signal 9" in down["why"]
        ready = requests.get(server.url + "/readyz", timeout=10)
        assert ready.status_code == 503 and "stay down" in ready.text
        lines = [b'{"id":"e%d","ts":%d,"card":"c1","type":"payment","status":"approved","amount":9000,"country":"DE"}\n'
                 % (i, 1700000000000 + i) for i in range(50)]
        server.post_lines(lines)  # taken, and kept in the log
        assert post(server, "/workers:restart").status_code == 204
        pids(server)
        until("each is an alert", lambda: server.alerts_by_rule().get("filter") == 50)
        refused = post(server, "/workers:restart")
        assert refused.status_code == 409 and "run" in refused.json()["detail"]
        assert restart_of(server)["given_up"] is False


def test_a_fixed_delay_gives_up_after_its_attempts(tmp_path):
    with Server(tmp_path, "--restart-strategy", "fixed-delay", "--restart-attempts", "2",
                "--restart-delay", "10 ms") as server:
        for n in range(3):
            os.kill(pids(server)[n % 2], signal.SIGKILL)
            until("it is seen", lambda: len(server.get("/workers")["exceptions"]) == n + 1)
        assert until("given up", lambda: restart_of(server)["given_up"] and restart_of(server))["failed"] == 2


def test_a_worker_that_says_nothing_is_killed(tmp_path):
    with Server(tmp_path, "--heartbeat-timeout", "2 s") as server:
        server.create("filter")
        before = pids(server)
        os.kill(before[1], signal.SIGSTOP)
        said = until("it is noticed", lambda: server.get("/workers")["exceptions"])
        assert said[0]["worker"] == 1 and "has not been heard for" in said[0]["text"]
        assert not set(pids(server)) & set(before)


def test_a_strategy_that_does_not_exist_is_refused(tmp_path):
    run = subprocess.run([WEIR, "serve", "--data", tmp_path / "data", "--port", "0", "--restart-strategy", "sometimes"],
                         capture_output=True, text=True, timeout=60)
    assert run.returncode != 0 and "it must be exponential-delay" in run.stdout + run.stderr
