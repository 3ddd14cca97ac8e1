# SPDX-License-Identifier: Apache-2.0
"""File sinks: what readers see is what checkpoints have made sure of, each line once, also when steps fail or all is killed."""
import json
import re

import crashing
import pytest
import requests
from test_checkpoint_faults import with_fault
from weirserver import Server, until

STREAM = """CREATE STREAM p (id STRING NOT NULL, card STRING, amount BIGINT, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)"""
LARGE = "CREATE RULE large WITH ('title'='{id}') AS SELECT id, amount FROM p WHERE amount > 10 EMIT TO ops"
START = 1700000000000


def begin(folder, *options, workers=1):
    return Server(folder, "--checkpoint-interval", "0", "--restart-strategy", "fixed-delay", "--restart-delay", "20 ms", *options,
                  workers=workers)


def made(server, *rules, sink="CREATE SINK ops WITH ('connector'='file')"):
    for path, sql in [("/streams", STREAM), ("/sinks", sink)] + [("/rules", sql) for sql in rules]:
        answer = server.post(path, {"sql": sql})
        assert answer.status_code == 201, answer.text


def send(server, *ids, ts=START, **more):
    for i in ids:
        answer = server.post("/streams/p/events", {"id": str(i), "card": "c", "amount": 100, "ts": ts + i, **more})
        assert answer.status_code == 202, answer.text


def stored(server, n):
    until("alerts are stored", lambda: server.get("/overview")["alerts"] >= n)


def checkpoint(server):
    until("the workers run", lambda: all(w["state"] == "running" for w in server.workers()))
    answer = server.post("/checkpoints")
    assert answer.status_code == 201, answer.text


def read(server, sink="ops"):
    parts = sorted((server.data / "sinks" / sink).glob("part-*.jsonl"))
    return [[json.loads(line) for line in part.read_text().splitlines()] for part in parts]


def ids(server):
    return sorted(int(line["row"]["id"]) for part in read(server) for line in part)


def sink_of(server, name="ops"):
    return server.get(f"/sinks/{name}")


def until_read(server, expected):
    until("they are committed", lambda: ids(server) == expected, 10)


def test_a_line_is_there_when_the_checkpoint_is_complete_and_not_before(tmp_path):
    with begin(tmp_path) as server:
        made(server, LARGE)
        send(server, 1, 2, 3)
        stored(server, 3)
        assert read(server) == []
        checkpoint(server)
        until_read(server, [1, 2, 3])
        line = read(server)[0][0]
        alert = next(a for a in server.pages("/alerts") if a["id"] == line["id"])
        assert {k: alert[k] for k in line} == line
        assert set(alert) - set(line) == {"seq", "created", "mode", "count", "status"}
        figures = sink_of(server)["figures"]
        assert (figures["lines"], figures["committed_lines"], figures["parts"]) == (3, 3, 1)
        send(server, 4)
        stored(server, 4)
        checkpoint(server)
        until_read(server, [1, 2, 3, 4])
        assert len(read(server)) == 2


def test_a_part_may_stay_open_for_longer_and_is_cut_after_a_crash(tmp_path):
    with begin(tmp_path) as server:
        made(server, LARGE, sink="CREATE SINK ops WITH ('connector'='file', 'roll-interval'='1 h', 'path'='ops')")
        send(server, 1)
        stored(server, 1)
        checkpoint(server)
        send(server, 2)
        stored(server, 2)
        assert read(server) == []
        server.kill()
        server.start()
        send(server, 3)
        stored(server, 3)
        checkpoint(server)
        requests.delete(f"{server.url}/api/v1/rules/large", timeout=10).raise_for_status()
        requests.delete(f"{server.url}/api/v1/sinks/ops", timeout=10).raise_for_status()
        assert ids(server) == [1, 2, 3]
        assert len(read(server)) == 1
        assert server.get("/sinks")["data"] == []


def test_side_outputs_go_to_sinks_and_shadow_rules_give_nothing(tmp_path):
    with begin(tmp_path, workers=2) as server:
        assert server.post("/sinks", {"sql": "CREATE SINK sides WITH ('connector'='file')"}).status_code == 201
        made(server, """CREATE RULE pair AS SELECT card, a FROM p MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts
               MEASURES A.id AS a PATTERN (A B) WITHIN INTERVAL '10' SECOND DEFINE A AS amount > 10, B AS amount < 5)
               EMIT TO ops, LATE TO sides, TIMEOUTS TO sides""",
             """CREATE RULE quiet WITH ('mode'='shadow') AS SELECT id, amount FROM p WHERE amount > 10 EMIT TO ops""")
        send(server, 1)
        send(server, 2, amount=1)
        send(server, 1000)
        send(server, 60000)
        send(server, 3, ts=START)
        server.post("/streams/p:finish")
        server.settled()
        checkpoint(server)
        until("the sides are committed", lambda: read(server, "sides") and read(server))
        kinds = [line["kind"] for part in read(server, "sides") for line in part]
        assert kinds.count("late") == 1 and kinds.count("timeout") >= 1, kinds
        assert [line["rule"] for part in read(server) for line in part] == ["pair"]


def test_a_sink_cannot_leave_its_folder_nor_share_it(tmp_path):
    with begin(tmp_path, "--sinks-folder", str(tmp_path / "out")) as server:
        made(server, LARGE, sink="CREATE SINK ops WITH ('connector'='file', 'path'='a/b')")
        assert (tmp_path / "out" / "a" / "b").is_dir()
        for path in ("../x", "/etc", "a/../../x", ""):
            answer = server.post("/sinks", {"sql": f"CREATE SINK s WITH ('connector'='file', 'path'='{path}')"})
            assert answer.status_code == 422, answer.text
        answer = server.post("/sinks", {"sql": "CREATE SINK s WITH ('connector'='file', 'path'='a/b')"})
        assert answer.status_code == 409 and "sink ops" in answer.text
        assert server.post("/rules", {"sql": LARGE.replace("RULE large", "RULE l2").replace("TO ops", "TO opps")}).json()["detail"] \
            == "line 1, column 92: no sink opps (did you mean ops?)"
        gone = requests.delete(f"{server.url}/api/v1/sinks/ops", timeout=10)
        assert gone.status_code == 409 and "large" in gone.text
        assert requests.get(f"{server.url}/api/v1/sinks/opss", timeout=10).status_code == 404


def test_a_full_disk_fails_the_checkpoint_with_its_reason_and_loses_nothing(tmp_path):
    with with_fault("sink.write:1:fail", lambda: begin(tmp_path)) as server:
        made(server, LARGE)
        send(server, 1, 2)
        stored(server, 2)
        answer = server.post("/checkpoints")
        assert answer.status_code == 500
        assert re.search(r"sink ops: .*inprogress: cannot be written: No space left on device", answer.json()["detail"]), answer.text
        assert "No space left" in sink_of(server)["wrong"]
        assert "No space left" in server.get("/checkpoints")["data"][0]["reason"]
        assert 'weir_sink_wrong{sink="ops"} 1' in requests.get(server.url + "/metrics", timeout=10).text
        send(server, 3)
        stored(server, 3)
        checkpoint(server)
        until_read(server, [1, 2, 3])
        assert sink_of(server)["wrong"] is None


POINTS = [f"sink.{point}:{n}:{action}" for point in ("open", "write", "sync", "rename") for n in (1, 2)
          for action in ("fail", "kill")] + \
    [f"sink.sync_folder:{n}:{action}" for n in (2, 3) for action in ("fail", "kill")] + ["sink.write:2:torn", "sink.remove:1:fail"]


@pytest.mark.parametrize("wish", POINTS)
def test_whatever_fails_each_line_comes_once(tmp_path, wish):
    """Three lines, each with a checkpoint that may fail; the server is killed before the third one, and once more."""
    server = with_fault(wish, lambda: begin(tmp_path))
    try:
        made(server, LARGE)
        for i in (1, 2, 3):
            try:
                send(server, i)
                stored(server, i)
                until("the workers run", lambda: server.workers()[0]["state"] == "running")
                if i < 3:
                    server.post("/checkpoints")
            except requests.RequestException:  # it has died of the wish
                server.process.wait(30)
                server.start()
        if server.process.poll() is None:
            server.kill()
        with_fault(wish, server.start) if "remove" in wish else server.start()
        stored(server, 3)
        until("a checkpoint is made", lambda: server.post("/checkpoints").status_code == 201)
        until("the next one, too", lambda: server.post("/checkpoints").status_code == 201)
        until_read(server, [1, 2, 3])
        assert len(server.alert_ids()) == 3
    finally:
        server.stop()


def test_a_slow_sink_holds_the_clients_and_not_the_memory(tmp_path):
    """64 KiB of lines at a time take 5 ms: what waits is within the budget of results, and nothing is lost."""
    text = "x" * 200
    with with_fault("sink.write:1:delay=5", lambda: begin(tmp_path, "--memory-exchange", "2 MiB", "--max-backlog", "1000")) as server:
        made(server, "CREATE RULE all_of_them AS SELECT id, card FROM p WHERE amount > 10 EMIT TO ops")
        taken, refused, most = 0, 0, 0
        while refused < 5 or taken < 15000:  # 6 MB of lines
            rows = [{"id": str(taken + i), "card": text, "amount": 100, "ts": START + taken + i} for i in range(500)]
            answer = server.session.post(f"{server.url}/api/v1/streams/p/events", json=rows, timeout=60)
            assert answer.status_code in (202, 429), answer.text
            taken += 500 * (answer.status_code == 202)
            refused += answer.status_code == 429
            most = max(most, server.get("/workers")["memory"]["exchange"]["used_bytes"])
        print(f"{taken} events, refused {refused} times, at most {most >> 10} KiB waited")
        assert most < 4 << 20  # a step may overdraw credit by what it makes: 1,024 lines of 450 bytes
        server.finish("p")
        server.settled()
        checkpoint(server)
        until_read(server, list(range(taken)))
