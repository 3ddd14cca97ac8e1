# SPDX-License-Identifier: Apache-2.0
"""`weir why-not`: why a rule, or every rule, did not fire, from a shell."""
import json
import subprocess

import pytest
from weirserver import WEIR, Server, until

STREAM = """CREATE STREAM t (id BIGINT NOT NULL, card STRING, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)"""
RULES = {
    "big": "SELECT id, card FROM t WHERE amount > 100",
    "spend": """SELECT card, SUM(amount) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '60' SECOND))
      GROUP BY card, window_start, window_end HAVING SUM(amount) >= 1000""",
    "numbers": "SELECT id, COUNT(*) OVER (PARTITION BY id ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM t QUALIFY n >= 2",
}
T0 = 1700000040000


def weir(*args):
    return subprocess.run([WEIR, "why-not", *map(str, args)], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("whycmd"), workers=1) as s:
        s.create(stream=STREAM)
        for name, sql in RULES.items():
            assert s.post("/rules", {"name": name, "sql": sql}).status_code == 201
        rows = [(1, "a", 99.5, 0), (2, "a", 500, 1), (3, "z", 1, 300)]
        s.post_lines([json.dumps({"id": i, "card": c, "amount": a, "ts": T0 + 1000 * t}).encode() + b"\n" for i, c, a, t in rows], stream="t")
        until("all is taken", lambda: sum(p["taken"] for p in s.partitions("t")) == 3 and s.alerts_by_rule().get("big") == 1)
        yield s


def test_the_sentence_comes_first_and_json_is_what_the_server_answers(server):
    run = weir("spend", "--key", "a", "--steps", 2, "--url", server.url)
    lines = run.stdout.splitlines()
    assert run.returncode == 0 and "SUM(amount) was 599.50, off by 400.50" in lines[0], run.stdout + run.stderr
    assert "condition of rule spend, version 1, key {\"card\": \"a\"}, 2 events" in lines[1]
    assert lines[2].split()[0] == "no" and "599.5" in lines[2] and "0/1  yes" in lines[-1]
    whole = weir("spend", "--key", '{"card": "a"}', "--json", "--url", server.url + "/")
    assert json.loads(whole.stdout)["verdict"]["text"] == lines[0]
    early = weir("spend", "--key", "a", "--at", "2023-11-14T22:14:00.500Z", "--url", server.url)
    assert early.returncode == 0 and ", 1 event\n" in early.stdout, early.stdout
    assert "no event" in weir("numbers", "--key", 77, "--url", server.url).stdout


def test_every_rule_is_asked_of_one_event(server):
    run = weir("--stream", "t", "--where", "id=2", "--where", "card=a", "--url", server.url)
    lines = run.stdout.splitlines()
    assert run.returncode == 0 and lines[0] == "event 0/1 of stream t", run.stdout + run.stderr
    assert [line.split()[:2] for line in lines if not line.startswith(" ")][1:] == [["big", "matched"], ["spend", "condition"], ["numbers", "condition"]]
    assert next(line for line in lines if line.startswith("  alert")).split()[1].startswith("alt_")
    by_place = json.loads(weir("--stream", "t", "--event", "0/0", "--json", "--url", server.url).stdout)
    assert by_place["data"][0]["verdict"] == "condition"
    one = weir("big", "--event", "0/0", "--url", server.url)
    assert "off by 0.50" in one.stdout.splitlines()[0]


@pytest.mark.parametrize("args,says", [
    ([], "which RULE?"),
    (["a", "b"], "one argument too many"),
    (["--stream", "t"], "which event"),
    (["--stream", "t", "--event", "0/1", "--where", "a=1"], "which event"),
    (["--stream", "t", "--event", "0/1", "--key", "1"], "for one RULE"),
    (["a", "--where", "b=1"], "--where is for every rule"),
    (["--stream", "t", "--where", "b"], "COLUMN=VALUE"),
    (["a", "--steps", "501"], "--steps"),
    (["a", "--url", "http://127.0.0.1:1"], "is the server running?"),
])
def test_wrong_use_says_what_is_wrong(args, says):
    run = weir(*args)
    assert run.returncode == 2 and says in run.stderr, run.stderr


def test_what_the_server_refuses_is_told_with_its_reason(server):
    for args, says in ((("nope", "--key", "a"), "404"), (("spend",), "422"), (("spend", "--key", "a", "--at", "soon"), "'at'")):
        run = weir(*args, "--url", server.url)
        assert run.returncode == 1 and says in run.stderr, run.stderr
    assert "Exit code" in weir("--help").stdout
