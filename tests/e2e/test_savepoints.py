# SPDX-License-Identifier: Apache-2.0
"""Savepoints: one form whatever wrote it; what goes on from one finds what an undisturbed run finds."""
import collections
import json

import crashing
import pytest
from conftest import fits
from test_checkpoints import deploy, expected, found, lines, post  # noqa: F401  # fixtures
from weirserver import Server


def take(server, name):
    answer = server.post("/savepoints", {"name": name})
    assert answer.status_code == 201, answer.text
    fits("Savepoint", answer.json())
    return answer.json()


def test_one_is_made_listed_verified_and_deleted(tmp_path, lines):  # noqa: F811
    with Server(tmp_path, "--checkpoint-interval", "0") as server:
        deploy(server)
        post(server, lines, 0, 30)
        made = take(server, "first")
        assert made["entries"] > 0 and made["workers"] == 2 and len(made["rules"]) == len(crashing.rules())
        listed = server.get("/savepoints")
        fits("Savepoints", listed)
        assert [s["name"] for s in listed["data"]] == ["first"]
        assert server.post("/savepoints/first:verify").status_code == 200
        assert server.post("/savepoints", {"name": "first"}).status_code == 409
        assert server.post("/savepoints", {"name": "../first"}).status_code == 422
        assert server.post("/savepoints", {}).json()["name"].startswith("sp-")
        gone = server.session.delete(server.url + "/api/v1/savepoints/first", timeout=30)
        assert gone.status_code == 204 and not (tmp_path / "data" / "savepoints" / "first").exists()
        assert server.session.get(server.url + "/api/v1/savepoints/first", timeout=30).status_code == 404


def go_back(server, name, **flags):
    answer = server.post(f"/savepoints/{name}:restore", flags)
    if answer.status_code == 200:
        fits("Restore", answer.json())
    return answer


def test_a_running_server_goes_back_and_finds_the_same_again(tmp_path, lines, expected):  # noqa: F811
    with Server(tmp_path, "--checkpoint-interval", "0") as server:
        deploy(server)
        post(server, lines, 0, 30)
        take(server, "here")
        post(server, lines, 30, 60)
        dry = go_back(server, "here", dry_run=True).json()
        assert dry["possible"] and dry["events_to_read"] > 0 and dry["events_missing"] == 0
        assert {r["state"] for r in dry["rules"]} == {"kept"} and dry["not_restored"] == []
        assert server.get("/workers")["data"][0]["attempt"] == 1
        assert go_back(server, "here").status_code == 200
        assert server.get("/workers")["data"][0]["attempt"] == 2
        assert server.get("/checkpoints")["data"][0]["trigger"] == "restored"
        post(server, lines, 60, 100)
        server.kill()  # the next attempt, too, begins from where it went back to
        server.start()
        assert found(server) == expected


def damage(folder, what):
    path = next(folder.glob(what.split()[0]))
    data = bytearray(path.read_bytes())
    if "cut" in what:
        data = data[:len(data) // 2]
    elif data:
        data[len(data) // 2] ^= 0x20
    else:
        data += b"x"
    path.write_bytes(data)


@pytest.mark.parametrize("what", ["_metadata", "_metadata cut", "cooldown", "worker-0.flow", "worker-1.0000", "worker-1.0000 cut",
                                  "definitions.db"])
def test_a_damaged_one_is_refused_and_nothing_starts(tmp_path, lines, what):  # noqa: F811
    with Server(tmp_path, "--checkpoint-interval", "0") as server:
        deploy(server)
        post(server, lines, 0, 5)
        take(server, "bad")
        damage(tmp_path / "data" / "savepoints" / "bad", what)
        for answer in (server.post("/savepoints/bad:verify"), go_back(server, "bad"), go_back(server, "bad", dry_run=True)):
            assert answer.status_code == 422 and answer.json()["type"] == "/problems/bad-savepoint"
            assert what.split()[0] in answer.text, answer.text
        assert server.get("/workers")["data"][0]["attempt"] == 1
        listed = server.get("/savepoints")["data"][0]
        assert listed["name"] == "bad" and bool(listed["problem"]) == what.startswith("_metadata")


def test_state_that_no_rule_claims_is_left_behind_only_when_that_is_allowed(tmp_path, lines):  # noqa: F811
    with Server(tmp_path, "--checkpoint-interval", "0") as server:
        deploy(server)
        post(server, lines, 0, 10)
        take(server, "all")
        assert server.session.delete(server.url + "/api/v1/rules/often", timeout=30).status_code < 300
        refused = go_back(server, "all")
        assert refused.status_code == 422 and "often" in refused.text
        dry = go_back(server, "all", dry_run=True, allow_non_restored_state=True).json()
        assert dry["possible"] and [r["name"] for r in dry["not_restored"]] == ["often"]
        assert go_back(server, "all", allow_non_restored_state=True).status_code == 200
