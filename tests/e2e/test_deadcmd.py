# SPDX-License-Identifier: Apache-2.0
"""`weir dead`: the dead letters of a running server from a shell."""
import json
import subprocess

import pytest
from weirserver import WEIR, Server, until

STREAM = """CREATE STREAM t (k STRING, n INT NOT NULL, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)"""


def weir(*args):
    return subprocess.run([WEIR, "dead", *map(str, args)], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("dead"), workers=1) as s:
        assert s.post("/streams", {"sql": STREAM}).status_code == 201
        s.session.post(f"{s.url}/api/v1/streams/t/events", timeout=30, headers={"content-type": "application/x-ndjson"},
                       data=b"".join(b'{"k":"a%d","ts":1000}\n' % i for i in range(5)) + b'{"k":"b","n":"x","ts":1000}\n')
        until("all are letters", lambda: s.metric("weir_dead_letters") == 6)
        yield s


def letters(server, *more):
    run = weir("list", "--url", server.url, "--json", *more)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_letters_are_listed_shown_sent_and_deleted(server):
    url = ("--url", server.url)
    found = letters(server)
    assert len(found) == 6 and all(x["state"] == "waiting" for x in found)
    assert [x["id"] for x in letters(server, "--limit", 2)] == [x["id"] for x in found[:2]]
    table = weir("list", *url).stdout.splitlines()
    assert len(table) == 6 and all(str(x["id"]) in line for x, line in zip(found, table))
    groups = weir("groups", *url, "--json")
    assert sorted(json.loads(g)["count"] for g in groups.stdout.splitlines()) == [1, 5]
    one = next(x for x in found if '"b"' in x["raw"])
    shown = weir("show", one["id"], *url)
    assert shown.returncode == 0 and json.loads(shown.stdout)["id"] == one["id"]

    refused = weir("replay", one["id"], *url)
    assert refused.returncode == 1 and "422" in refused.stderr
    right = server.session.patch(f"{server.url}/api/v1/dead_letters/{one['id']}", json={"event": {"k": "b", "n": 1, "ts": 1000}}, timeout=30)
    assert right.status_code == 200, right.text
    sent = weir("replay", one["id"], "--by", "ann", *url)
    assert sent.returncode == 0 and sent.stdout == "sent\n", sent.stderr
    assert [x["id"] for x in letters(server, "--state", "sent")] == [one["id"]]

    again = weir("replay", "--all", *url)
    assert again.returncode == 1 and again.stdout.startswith("sent 0, refused again 5"), again.stdout + again.stderr
    gone = weir("delete", letters(server)[0]["id"], *url)
    assert gone.returncode == 0 and gone.stdout == "deleted 1\n"
    assert weir("delete", "--stream", "t", "--state", "waiting", *url).stdout == "deleted 4\n"
    assert letters(server) == []


@pytest.mark.parametrize("args,says", [
    ([], "list, groups, show, replay or delete"),
    (["lst"], "'lst' is none of"),
    (["show"], "which one?"),
    (["show", "x"], "ID"),
    (["replay"], "ID, a filter, or --all"),
    (["delete"], "ID or a filter"),
    (["list", "5"], "one argument too many"),
    (["list", "--limit", "0"], "--limit"),
    (["list", "--url", "http://127.0.0.1:1"], "is the server running?"),
])
def test_wrong_use_says_what_is_wrong(args, says):
    run = weir(*args)
    assert run.returncode == 2 and says in run.stderr, run.stderr


def test_what_the_server_refuses_is_told_with_its_reason(server):
    run = weir("show", 999999, "--url", server.url)
    assert run.returncode == 1 and "404" in run.stderr
    assert "Exit code" in weir("--help").stdout
