# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: what is found after crashes is what an undisturbed run finds; damaged ones are left out; failures are told."""
import collections
import json
import re
import shutil
import subprocess

import crashing
import pytest
import weirserver
from conftest import fits
from weirserver import Server, until

EVENTS = 30000


@pytest.fixture(scope="module")
def lines():
    run = subprocess.run([weirserver.WEIR, "gen", "--events", str(EVENTS)], stdout=subprocess.PIPE, check=True)
    return run.stdout.splitlines(keepends=True)


def parts_of(lines):
    return [lines[p::crashing.PARTITIONS] for p in range(crashing.PARTITIONS)]


@pytest.fixture(scope="module")
def expected(lines, tmp_path_factory):
    return crashing.expected_alerts(crashing.evaluated(tmp_path_factory.mktemp("eval"), parts_of(lines)))


def deploy(server):
    assert server.post("/streams", {"sql": crashing.stream_sql()}).status_code == 201
    for sql in crashing.rules():
        answer = server.post("/rules", {"sql": sql})
        assert answer.status_code == 201, answer.text


def post(server, lines, begin, end):
    """The events of [begin, end) of each third."""
    for p, part in enumerate(parts_of(lines)):
        server.post_lines(part[begin * len(part) // 100:end * len(part) // 100], partition=p)


def checkpoint(server):
    answer = server.post("/checkpoints")
    assert answer.status_code == 201, answer.text
    fits("Checkpoint", answer.json())
    return answer.json()


def found(server):
    server.finish()
    server.settled()
    return crashing.stored_alerts(server)


def test_killed_at_random_instants_it_finds_what_eval_finds(tmp_path):
    told = crashing.run(tmp_path, kills=15, seconds=20, seed=7)
    print(json.dumps(told))
    assert told["from_checkpoints"] >= 10 and told["left_out"] == 0
    assert min(told["by_rule"].values()) > 0


def test_an_unaligned_one_has_what_was_in_flight(tmp_path, monkeypatch):
    """A slow worker's barriers come late: the other one does not wait for them."""
    monkeypatch.setenv("WEIR_FAULT", "worker.1:1:delay=5")
    told = crashing.run(tmp_path, kills=4, seconds=8, seed=3, options=["--checkpoint-alignment-timeout", "1 ms"], per_second=2000)
    assert told["from_checkpoints"] >= 2
    assert any('"unaligned":true' in m.read_text(errors="replace") for m in (tmp_path / "data" / "checkpoints").glob("*/_metadata"))
    assert "worker ends itself" not in (tmp_path / "serve.log").read_text()


def test_a_checkpoint_is_made_when_asked_for(tmp_path, lines, expected):
    with Server(tmp_path, "--checkpoint-interval", "0") as server:
        deploy(server)
        post(server, lines, 0, 50)
        first = checkpoint(server)
        assert first["state"] == "completed" and first["trigger"] == "manual" and first["kept"]
        assert first["entries"] > 0 and first["bytes"] == first["new_bytes"] > 0 and len(first["workers"]) == 2
        second = checkpoint(server)
        assert second["new_bytes"] < first["new_bytes"]  # hardly anything has changed
        shown = server.get("/checkpoints")
        fits("Checkpoints", shown)
        assert [c["id"] for c in shown["data"]] == [second["id"], first["id"]]
        assert shown["completed"] == 2 and shown["restored"] is None
        server.kill()
        server.start()
        shown = server.get("/checkpoints")
        assert shown["restored"] == second["id"] and shown["data"][0]["restored"]
        post(server, lines, 50, 100)
        assert found(server) == expected


def test_another_number_of_workers_reads_it(tmp_path, lines, expected):
    with Server(tmp_path, "--checkpoint-interval", "0", workers=1) as server:
        deploy(server)
        post(server, lines, 0, 40)
        for workers in ("3", "2"):
            checkpoint(server)
            server.kill()
            server.options[1] = workers
            server.start()
            assert server.get("/checkpoints")["restored"]
            post(server, lines, 40 if workers == "3" else 70, 70 if workers == "3" else 100)
        assert found(server) == expected


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x20
    path.write_bytes(data)


@pytest.mark.parametrize("what", ["_metadata", "cooldown", "worker-0.flow", "worker-1.0000", "worker-0.flow gone", "all"])
def test_a_damaged_one_is_left_out(tmp_path, lines, expected, what):
    with Server(tmp_path, "--checkpoint-interval", "0") as server:
        deploy(server)
        post(server, lines, 0, 30)
        older = checkpoint(server)
        post(server, lines, 30, 60)
        newer = checkpoint(server)
        server.kill()
        folders = {c["id"]: tmp_path / "data" / "checkpoints" / f"chk-{c['id']:08}" for c in (older, newer)}
        for c in (older, newer) if what == "all" else (newer,):
            if what.endswith(" gone"):
                (folders[c["id"]] / what.removesuffix(" gone")).unlink()
            elif what == "all":
                damage(folders[c["id"]] / "worker-0.flow")
            else:
                part = next(folders[c["id"]].glob(f"{what}*"))
                if part.stat().st_nlink > 1:  # the older one has it too
                    copy = part.with_suffix(".copy")
                    shutil.copy(part, copy)
                    copy.rename(part)
                damage(part)
        server.start()
        assert server.get("/checkpoints")["restored"] == (None if what == "all" else older["id"])
        assert "checkpoint is left out" in server.log.read_text()
        post(server, lines, 60, 100)
        assert found(server) == expected


def test_rules_that_came_or_were_replaced_after_it_see_what_they_should(tmp_path, lines):
    """The same changes with a crash after them and without one."""
    again = crashing.OWN[0].replace("CREATE RULE", "CREATE OR REPLACE RULE", 1)
    late = "CREATE RULE late_one AS SELECT id, card FROM payments WHERE amount > 200"

    def play(folder, crash):
        folder.mkdir()
        with Server(folder, "--checkpoint-interval", "0") as server:
            deploy(server)
            post(server, lines, 0, 40)
            checkpoint(server)
            post(server, lines, 40, 50)
            until("all has been read", lambda: all(p["taken"] == p["end"] for p in server.get("/watermarks")["data"]))
            assert server.post("/rules/seq:pause").status_code == 200  # what is between the workers arrives
            for sql in (again, late):
                assert server.post("/rules", {"sql": sql}).status_code == 201, sql
            post(server, lines, 50, 60)
            if crash:
                server.kill()
                server.start()
                assert server.get("/checkpoints")["restored"]
            post(server, lines, 60, 100)
            return found(server)

    calm, crashed = play(tmp_path / "calm", False), play(tmp_path / "crashed", True)
    assert collections.Counter(json.loads(t)[0] for t in calm)["late_one"] > 0
    assert crashed == calm


def test_only_as_many_are_kept_as_wanted(tmp_path, lines):
    with Server(tmp_path, "--checkpoint-interval", "0", "--checkpoint-kept", "2") as server:
        deploy(server)
        for at in range(5):
            post(server, lines, at * 4, at * 4 + 4)
            checkpoint(server)
        there = tmp_path / "data" / "checkpoints"
        until("old ones are gone", lambda: sorted(p.name for p in there.iterdir()) == ["chk-00000004", "chk-00000005"])
        until("that is told", lambda: [c["kept"] for c in server.get("/checkpoints")["data"]] == [True] * 2 + [False] * 3)


def test_without_workers_none_can_be_made(tmp_path):
    with Server(tmp_path, "--checkpoint-interval", "0", "--restart-strategy", "none") as server:
        server.kill_worker()
        until("nobody starts another", lambda: server.get("/workers")["restart"]["given_up"])
        answer = server.post("/checkpoints")
        assert answer.status_code == 409 and "no workers run" in answer.text




def first_offset(server):
    said = re.findall(r"old events were deleted from the log.* partition=0 .*first=(\d+)", server.log.read_text())
    return int(said[-1]) if said else 0


def test_old_events_go_from_the_log_when_no_checkpoint_needs_them(tmp_path, lines, expected):
    with Server(tmp_path, "--checkpoint-interval", "0", "--checkpoint-kept", "2", "--intake-retention", "1 ms") as server:
        deploy(server)
        ends = []
        for at in range(4):
            post(server, lines, at * 20, at * 20 + 20)
            checkpoint(server)
            ends.append(server.partitions()[0]["end"])
        until("the log is trimmed", lambda: first_offset(server) > 0)
        assert first_offset(server) <= ends[-2]  # the older one that is kept can still be gone on from
        server.kill()
        damage(next((tmp_path / "data" / "checkpoints").glob("chk-00000004/_metadata")))
        server.start()
        assert server.get("/checkpoints")["restored"] == 3
        assert "are deleted, rules go on without them" not in server.log.read_text()
        post(server, lines, 80, 100)
        assert found(server) == expected
        shown = next(a for a in server.pages("/alerts") if a["rule"] == "seq")
        kept = [e for v in server.get(f"/alerts/{shown['id']}")["match"] for e in v["events"]]
        assert kept and all(e["event"] is not None for e in kept)  # alerts keep what made them
        server.kill()
        shutil.rmtree(tmp_path / "data" / "checkpoints")
        server.start()
        assert "are deleted, rules go on without them" in server.log.read_text()
