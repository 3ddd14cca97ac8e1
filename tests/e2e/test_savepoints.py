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
