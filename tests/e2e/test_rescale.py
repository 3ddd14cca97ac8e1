# SPDX-License-Identifier: Apache-2.0
"""Another number of workers, while events flow or at a start: nothing is lost, nothing told twice. The orderly end."""
import threading

import storm
from conftest import fits
from test_checkpoints import deploy, expected, found, lines, post  # noqa: F401  # fixtures
from weirserver import Server, until


def rescale(server, n):
    answer = server.post("/workers:rescale", {"workers": n})
    assert answer.status_code == 200, answer.text
    fits("Workers", answer.json())
    assert len(answer.json()["data"]) == n
    assert [w["state"] for w in server.workers()] == ["running"] * n


def test_a_running_server_takes_another_number_of_workers(tmp_path, lines, expected):  # noqa: F811
    with Server(tmp_path, "--checkpoint-interval", "0") as server:
        deploy(server)
        post(server, lines, 0, 20)
        for at, n in ((20, 3), (40, 1), (60, 5)):
            posting = threading.Thread(target=post, args=(server, lines, at, at + 20))
            posting.start()
            rescale(server, n)
            posting.join()
        post(server, lines, 80, 100)
        assert found(server) == expected
        assert server.get("/workers")["exceptions"] == []


def test_the_number_is_kept_and_refused_when_it_cannot_be(tmp_path, lines):  # noqa: F811
    with Server(tmp_path, workers=2) as server:
        for n in (0, 65, "3", -1):
            assert server.post("/workers:rescale", {"workers": n}).status_code == 422
        deploy(server)
        rescale(server, 3)
        server.stop()
        server.options = server.options[2:]  # without --workers
        server.start()
        assert len(server.workers()) == 3


def test_an_orderly_end_leaves_nothing_to_be_read_again(tmp_path, lines, expected):  # noqa: F811
    with Server(tmp_path, "--checkpoint-interval", "0") as server:
        deploy(server)
        post(server, lines, 0, 50)
        until("all is taken", lambda: all(p["taken"] == p["end"] for p in server.get("/watermarks")["data"]))
        server.stop()
        server.start()
        history = server.get("/checkpoints")
        assert history["restored"] == history["data"][0]["id"] and history["data"][0]["trigger"] == "shutdown"
        ends = {p["partition"]: p["end"] for p in server.partitions()}
        assert sum(w["rows_in"] for w in server.workers()) == 0 and sum(ends.values()) > 0
        post(server, lines, 50, 100)
        assert found(server) == expected


def test_without_time_for_it_none_is_made(tmp_path, lines):  # noqa: F811
    with Server(tmp_path, "--checkpoint-interval", "0", "--checkpoint-at-end", "0") as server:
        deploy(server)
        post(server, lines, 0, 10)
        server.stop()
        server.start()
        assert server.get("/checkpoints")["data"] == []


def test_everything_at_once_loses_nothing_and_tells_nothing_twice(tmp_path):
    did = storm.run(tmp_path, seconds=6, seed=3, backend="rocksdb")["did"]
    assert did["savepoint 201"] > 0 and did["rescale 200"] > 0 and did["restore 200"] > 0, did
