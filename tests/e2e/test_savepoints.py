# SPDX-License-Identifier: Apache-2.0
"""Savepoints: one form whatever wrote it; what goes on from one finds what an undisturbed run finds."""
import collections
import ctypes
import json
import pathlib
import re
import shutil
import subprocess

import crashing
import pytest
import weirserver
from conftest import fits
from test_checkpoints import deploy, expected, found, lines, parts_of, post  # noqa: F401  # fixtures
from weirserver import Server, until


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
        assert server.metric("weir_savepoints") == 2 and server.metric("weir_savepoint_bytes") > made["bytes"]
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


DAMAGES = ["_metadata", "_metadata cut", "cooldown", "worker-0.flow", "worker-1.0000", "worker-1.0000 cut", "definitions.db"]


def test_a_damaged_one_is_refused_and_nothing_starts(tmp_path, lines):  # noqa: F811
    with Server(tmp_path, "--checkpoint-interval", "0") as server:
        deploy(server)
        post(server, lines, 0, 5)
        take(server, "whole")
        there = tmp_path / "data" / "savepoints"
        for what in DAMAGES:
            shutil.rmtree(there / "bad", ignore_errors=True)
            shutil.copytree(there / "whole", there / "bad")
            damage(there / "bad", what)
            for answer in (server.post("/savepoints/bad:verify"), go_back(server, "bad"), go_back(server, "bad", dry_run=True)):
                assert answer.status_code == 422 and answer.json()["type"] == "/problems/bad-savepoint"
                assert what.split()[0] in answer.text, answer.text
            listed = server.get("/savepoints")["data"][0]
            assert listed["name"] in ("bad", "whole") and bool(listed["problem"]) == what.startswith("_metadata")
        assert server.get("/workers")["data"][0]["attempt"] == 1


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


@pytest.fixture(scope="module")
def halfway(tmp_path_factory, lines):  # noqa: F811
    """Of either backend: the folder of a savepoint of two workers, half of the events in, and the alerts found until then."""
    made = {}
    for backend in ("heap", "rocksdb"):
        folder = tmp_path_factory.mktemp(backend)
        with Server(folder, "--checkpoint-interval", "0", "--state-backend", backend) as server:
            deploy(server)
            post(server, lines, 0, 25)
            assert server.post("/checkpoints").status_code == 201  # state in several files
            post(server, lines, 25, 50)
            # What no worker has taken yet is in the log alone, which the servers that begin with it do not have.
            until("half of the events are taken", lambda server=server: all(p["taken"] == p["end"] for p in server.partitions()))
            path = take(server, "half")["folder"]
            server.stop()
            server.start()
            made[backend] = path, crashing.stored_alerts(server)
    return made


def without_counts(alerts):
    """A match that repeats one which the first server has told raises a count that the second one does not have."""
    return collections.Counter({a: 1 if json.loads(a)[0] == "declines" else n for a, n in alerts.items()})


@pytest.mark.parametrize("backend,then,workers", [("heap", "heap", 1), ("heap", "heap", 3), ("heap", "heap", 8),
                                                  ("heap", "rocksdb", 2), ("rocksdb", "heap", 2)])
def test_an_empty_folder_begins_with_one_on_any_number_of_workers(tmp_path, lines, expected, halfway,  # noqa: F811
                                                                  backend, then, workers):
    folder, before = halfway[backend]
    with Server(tmp_path, "--from-savepoint", folder, "--state-backend", then, "--checkpoint-interval", "0",
                workers=workers) as server:
        assert [r["name"] for r in server.get("/rules")["data"]] and server.get("/checkpoints")["restored"] == 1
        post(server, lines, 50, 75)
        server.stop()  # the same options again: it goes on from where it has come to
        server.start()
        post(server, lines, 75, 100)
        assert without_counts(before | found(server)) == without_counts(expected)


def refused(tmp_path, folder, *options):
    run = subprocess.run([weirserver.WEIR, "serve", "--data", tmp_path / "data", "--port", "0", "--from-savepoint", folder, *options],
                         capture_output=True, timeout=30, text=True, check=False)
    assert run.returncode != 0
    return run.stderr


@pytest.mark.parametrize("what", ["_metadata", "worker-0.flow cut", "worker-1.0000", "definitions.db cut", "later"])
def test_a_start_refuses_what_is_damaged_or_of_a_later_release(tmp_path, halfway, what):
    folder = shutil.copytree(halfway["heap"][0], tmp_path / "copy")
    if what == "later":
        text = (folder / "_metadata").read_text().split("\nxxh3")[0] + "\n"
        write_metadata(folder, text.rstrip("\n").replace('"format":1', '"format":2', 1) + "\n")
    else:
        damage(folder, what)
    said = refused(tmp_path, str(folder))
    assert ("format 2" if what == "later" else what.split()[0]) in said, said
    assert not (tmp_path / "data" / "catalogue.db").exists() and not (tmp_path / "data" / "checkpoints").exists()


def write_metadata(folder, text):
    """With its checksum, as weir writes it."""
    xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
    xxh3.restype, xxh3.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
    (folder / "_metadata").write_text(f"{text}\nxxh3 {xxh3(text.encode(), len(text.encode())):016x}\n")


def test_stopped_with_one_all_that_was_taken_is_in_it(tmp_path, lines, expected):  # noqa: F811
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with Server(tmp_path / "a", "--checkpoint-interval", "0") as server:
        deploy(server)
        post(server, lines, 0, 60)
        answer = server.post("/savepoints", {"name": "last", "stop": True})
        assert answer.status_code == 201, answer.text
        assert sum(p["offset"] for p in answer.json()["positions"]) == sum(len(p) * 60 // 100 for p in parts_of(lines))
        assert server.process.wait(20) == 0
        server.start()
        before = crashing.stored_alerts(server)
    with Server(tmp_path / "b", "--from-savepoint", answer.json()["folder"], workers=1) as server:
        post(server, lines, 60, 100)
        assert without_counts(before | found(server)) == without_counts(expected)


def test_one_is_made_before_a_version_becomes_active(tmp_path, lines):  # noqa: F811
    with Server(tmp_path, "--checkpoint-interval", "0", "--savepoints-kept", "2") as server:
        deploy(server)
        post(server, lines, 0, 5)
        for limit, more in ((41, {}), (42, {"savepoint": False}), (43, {"savepoint": True}), (44, {})):
            sql = crashing.OWN[0].replace("B.amount < 40", f"B.amount < {limit}")
            version = server.post("/rules/declines/versions", {"sql": sql}).json()["version"]
            answer = server.post("/rules/declines:activate", {"version": version, **more})
            assert answer.status_code == 200, answer.text
        listed = server.get("/savepoints")["data"]
        assert [(s["trigger"], s["rule"], s["version"]) for s in listed] == [("activation", "declines", v) for v in (4, 5)]


def command(*words, code=0):
    run = subprocess.run([weirserver.WEIR, "savepoint", *words], capture_output=True, timeout=30, text=True, check=False)
    assert run.returncode == code, run.stdout + run.stderr
    return run.stdout + run.stderr


def test_it_is_looked_into_without_a_server(tmp_path, halfway):
    data = str(tmp_path / "data")
    shutil.copytree(pathlib.Path(halfway["heap"][0]).parent, tmp_path / "data" / "savepoints")
    assert "half" in command("list", "--data", data)
    assert "is whole" in command("verify", "half", "--data", data)
    said = command("inspect", "half", "--data", data)
    for rule in ("declines", "velocity", "join_twice"):
        assert rule in said
    partials = int(re.search(r"declines +version 1 +(\d+) partial", said).group(1))
    keys = [json.loads(line) for line in command("inspect", "half", "--data", data, "--rule", "declines").splitlines()]
    assert partials > 0 and sum(len(k["partials"]) + k["more"] for k in keys) == partials
    one = next(k for k in keys if k["partials"])
    assert json.loads(command("inspect", "half", "--data", data, "--rule", "declines", "--key", one["key"]["card"])) == one
    assert "no rule" in command("inspect", "half", "--data", data, "--rule", "nobody", code=1)
    copy = str(tmp_path / "copy")
    command("export", "half", "--data", data, "--to", copy)
    assert command("inspect", copy + "/") == said
    command("dispose", "half", "--data", data)
    assert command("list", "--data", data) == "" and "no such" in command("verify", "half", "--data", data, code=1)
    damage(pathlib.Path(copy), "worker-0.0000 cut")
    assert "worker-0.0000" in command("inspect", copy + "/", code=1)


def test_from_before_an_upgrade_the_version_hands_over_again(tmp_path, lines):  # noqa: F811
    """Also when nothing but the savepoint needed the version before any more."""
    results = []
    for back in (False, True):
        folder = tmp_path / str(back)
        folder.mkdir()
        with Server(folder, "--checkpoint-interval", "0", "--checkpoint-kept", "1") as server:
            deploy(server)
            post(server, lines, 0, 30)
            take(server, "before")
            sql = crashing.OWN[0].replace("B.amount < 40", "B.amount < 60")
            assert server.post("/rules/declines/versions", {"sql": sql}).status_code == 201
            assert server.post("/rules/declines:activate", {"version": 2, "savepoint": False}).status_code == 200
            post(server, lines, 30, 60)
            until("it has taken over", lambda server=server, folder=folder: server.post("/checkpoints").status_code == 201
                  and re.findall(r'"version":(\d+),"name":"declines"', newest_metadata(folder)) == ["2"])
            if back:
                dry = go_back(server, "before", dry_run=True).json()
                assert [(r["state"], r["from"]) for r in dry["rules"] if r["name"] == "declines"] == [("upgraded", 1)]
                assert go_back(server, "before").status_code == 200
            post(server, lines, 60, 100)
            results.append(found(server))
    assert results[0] == results[1]


def newest_metadata(folder):
    return max((folder / "data" / "checkpoints").glob("chk-*/_metadata")).read_text()


def test_events_that_are_deleted_since_are_told(tmp_path, lines):  # noqa: F811
    with Server(tmp_path, "--checkpoint-interval", "0", "--checkpoint-kept", "1", "--intake-retention", "1 ms") as server:
        deploy(server)
        post(server, lines, 0, 10)
        take(server, "early")
        post(server, lines, 10, 40)
        until("all is taken", lambda: all(p["taken"] == p["end"] for p in server.get("/watermarks")["data"]))
        until("old events are deleted", lambda: server.post("/checkpoints").status_code == 201
              and go_back(server, "early", dry_run=True).json()["events_missing"] > 0)
        refused = go_back(server, "early")
        assert refused.status_code == 422 and "deleted from the log" in refused.text
        assert server.get("/workers")["data"][0]["attempt"] == 1
        assert go_back(server, "early", allow_missing_events=True).status_code == 200


def test_what_workers_cannot_load_is_not_begun_without(tmp_path, halfway, monkeypatch):
    """The files are whole, but a worker cannot make anything of them: no rule runs with nothing instead."""
    monkeypatch.setenv("WEIR_FAULT", "restore.load:1:fail")
    log = tmp_path / "serve.log"
    with log.open("wb") as out:
        server = subprocess.Popen([weirserver.WEIR, "serve", "--data", tmp_path / "data", "--port", "0", "--restart-delay", "10 ms",
                                   "--from-savepoint", halfway["heap"][0]], stdout=out, stderr=out)
    try:
        until("it is said", lambda: log.read_text().count("the savepoint cannot be begun with") > 1)
        assert "workers run" not in log.read_text()
    finally:
        server.terminate()
        assert server.wait(20) == 0
    monkeypatch.delenv("WEIR_FAULT")
    with Server(tmp_path, "--from-savepoint", halfway["heap"][0]) as server:
        assert server.get("/checkpoints")["restored"] > 1
