# SPDX-License-Identifier: Apache-2.0
"""Drafts, the archive, approval by a second person, what a version changes, who did what."""
import json

import requests
from weirserver import Server, until

STREAM = """CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"""
ONE = "SELECT id, v\nFROM t\nWHERE v > 1"
TWO = "SELECT id, v\nFROM t\nWHERE v > 2"


def call(server, method, path, body=None, who=None, status=200):
    headers = {"x-weir-user": who} if who else {}
    answer = requests.request(method, f"{server.url}/api/v1{path}", json=body, headers=headers, timeout=10)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def feed(server, *values, first=0):
    rows = [{"id": first + i, "k": "x", "v": v, "ts": 1700000000000 + 1000 * (first + i)} for i, v in enumerate(values)]
    server.post_lines([json.dumps(r).encode() + b"\n" for r in rows], stream="t")


def found(server):
    return sorted((a["version"], a["row"]["id"]) for a in server.pages("/alerts"))


def test_a_draft_is_kept_and_not_run_until_it_is_activated(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        draft = call(server, "POST", "/rules", {"name": "r", "sql": ONE, "draft": True, "author": "ann"}, status=201)
        assert (draft["state"], draft["version"], draft["kind"]) == ("draft", 1, "filter")
        call(server, "POST", "/rules", {"name": "R", "sql": ONE, "draft": True}, status=409)
        assert server.get("/rules")["data"] == []
        assert [r["state"] for r in server.get("/rules?state=all")["data"]] == ["draft"]
        feed(server, 1, 2, 3)
        second = call(server, "POST", "/rules/r/versions", {"sql": TWO}, who="ann", status=201)
        assert (second["version"], second["author"]) == (2, "ann")
        call(server, "POST", "/rules/r:shadow", {"version": 2}, status=404)
        call(server, "POST", "/rules/r:activate", {"version": 2, "rollout_percent": 10}, status=409)
        server.stop()
        server.start()
        assert [v["state"] for v in server.get("/rules/r/versions")["data"]] == ["draft", "draft"]
        active = call(server, "POST", "/rules/r:activate", {"version": 2})
        assert (active["state"], active["version"]) == ("active", 2)
        feed(server, 2, 3, first=3)
        until("it finds what comes from here on", lambda: found(server) == [(2, 4)])
        assert [r["name"] for r in server.get("/rules?state=draft")["data"]] == []


def test_a_rule_of_the_archive_keeps_versions_and_alerts_and_comes_back(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        call(server, "POST", "/rules", {"name": "r", "sql": ONE}, status=201)
        uid = server.get("/rules/r")["id"]
        feed(server, 2)
        until("an alert", lambda: found(server) == [(1, 0)])
        call(server, "POST", "/rules/r:restore", {}, status=409)
        call(server, "POST", "/rules/r:archive", {"reason": "season is over"}, who="ann", status=204)
        feed(server, 2, first=1)
        assert server.get("/rules")["data"] == []
        kept = server.get("/rules/r")
        assert (kept["state"], kept["id"], kept["alerts"]) == ("archived", uid, 1)
        assert len(server.get("/rules/r/versions")["data"]) == 1
        call(server, "POST", "/rules", {"name": "r", "sql": TWO}, status=201)  # its name is free
        assert server.get("/rules/r")["state"] == "active"
        call(server, "POST", f"/rules/{uid}:restore", {})
        assert server.get(f"/rules/{uid}")["state"] == "draft"
        call(server, "POST", f"/rules/{uid}:activate", {"version": 1}, status=409)  # another has its name
        call(server, "DELETE", "/rules/r", status=204)
        back = call(server, "POST", f"/rules/{uid}:activate", {"version": 1})
        assert (back["state"], back["id"], back["version"]) == ("active", uid, 2)
        server.kill()
        server.start()
        feed(server, 2, first=2)
        until("it finds again", lambda: found(server) == [(1, 0), (2, 2)])
        call(server, "POST", "/rules/r:archive", {}, status=204)
        call(server, "DELETE", "/rules/r", status=204)
        call(server, "GET", f"/rules/{uid}", status=404)
        audit = [(e["what"], e["who"]) for e in server.get("/audit?name=r")["data"]]
        assert ("rule :archive", "ann") in audit and ("rule :restore", None) in audit


def test_a_rule_that_is_read_is_not_archived(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        call(server, "POST", "/rules", {"name": "r", "sql": ONE}, status=201)
        call(server, "POST", "/rules", {"name": "reader", "sql": "SELECT id FROM r"}, status=201)
        call(server, "POST", "/rules/r:archive", {}, status=409)
        assert server.get("/rules/r")["state"] == "active"
        call(server, "DELETE", "/rules/reader", status=204)
        call(server, "DELETE", "/rules/r", status=204)
        call(server, "GET", "/rules/r", status=404)


def test_a_second_person_approves(tmp_path):
    with Server(tmp_path, "--approval", "required") as server:
        server.create(stream=STREAM)
        said = call(server, "POST", "/rules", {"name": "r", "sql": ONE}, who="ann", status=409)
        assert said["type"] == "/problems/approval-required"
        call(server, "POST", "/rules", {"sql": f"CREATE OR REPLACE RULE r AS {ONE}"}, who="ann", status=409)
        call(server, "POST", "/rules", {"name": "r", "sql": ONE, "draft": True}, status=422)  # nobody knows whose
        call(server, "POST", "/rules", {"name": "r", "sql": ONE, "draft": True}, who="ann", status=201)
        call(server, "POST", "/rules/r:activate", {"version": 1}, who="ben", status=409)
        say = lambda verdict, who, status=201, version=1: call(  # noqa: E731
            server, "POST", "/rules/r/approvals", {"version": version, "verdict": verdict, "comment": "because"}, who, status)
        say("approve", None, 422)
        say("approve", "Ann", 409)
        say("request", "cid")
        say("approve", "cid", 409)
        say("perhaps", "ben", 422)
        say("approve", "ben", 404, version=7)
        assert server.get("/rules/r/versions")["data"][0]["approval"] == "requested"
        say("reject", "ben")
        call(server, "POST", "/rules/r:activate", {"version": 1}, status=409)
        approvals = say("approve", "ben")
        assert approvals["required"] and [(a["verdict"], a["by"], a["comment"]) for a in approvals["data"]] == [
            ("approve", "ben", "because"), ("reject", "ben", "because"), ("request", "cid", "because")]
        call(server, "POST", "/rules/r:activate", {"version": 1, "reason": "go"}, who="ann")
        call(server, "POST", "/rules/r/versions", {"sql": TWO}, status=422)
        call(server, "POST", "/rules/r/versions", {"sql": TWO}, who="ann", status=201)
        call(server, "POST", "/rules/r:activate", {"version": 2, "rollout_percent": 10}, who="ann", status=409)
        call(server, "POST", "/rules/r:shadow", {"version": 2}, who="ann")  # it tells nobody
        say("approve", "ben", version=2)
        call(server, "POST", "/rules/r:activate", {"version": 2, "rollout_percent": 10}, who="ann")
        call(server, "POST", "/rules/r:activate", {"version": 2}, who="ann")
        call(server, "POST", "/rules/r:rollback", {"state": "keep"}, who="ann")  # its text was active before
        audit = [(e["what"], e["who"]) for e in server.get("/audit")["data"]]
        for entry in (("rule drafted", "ann"), ("version 1 requested", "cid"), ("version 1 rejected", "ben"),
                      ("version 2 approved", "ben"), ("rule replaced", "ann"), ("version runs beside", "ann"),
                      ("share of a version", "ann")):
            assert entry in audit, entry
        page = server.get("/audit?limit=2")
        assert page["page"]["has_more"] and server.get(f"/audit?limit=2&after={page['page']['next']}")["data"][0]["id"] < page["data"][1]["id"]


def test_what_a_version_changes(tmp_path):
    with Server(tmp_path) as server:
        server.create(stream=STREAM)
        call(server, "POST", "/rules", {"name": "r", "sql": ONE}, status=201)
        call(server, "POST", "/rules/r/versions", {"sql": TWO}, status=201)
        diff = server.get("/rules/r/versions/1..2")
        assert diff == server.get("/rules/r/versions/2") | {"from": 1, "to": 2}
        assert [(x["op"], x["line"]) for x in diff["lines"]] == [
            ("same", "SELECT id, v"), ("same", "FROM t"), ("removed", "WHERE v > 1"), ("added", "WHERE v > 2")]
        assert diff["plan"]["state"] in ("kept", "reset", "mapped")
        for bad, status in (("x", 400), ("1..", 400), ("1..9", 404), ("0", 400), ("-1", 400)):
            call(server, "GET", f"/rules/r/versions/{bad}", status=status)
