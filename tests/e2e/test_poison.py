# SPDX-License-Identifier: Apache-2.0
"""An event that kills each worker that touches it: found by real kills, set aside if the stream says so, else named."""
import pytest
from weirserver import Server, until

POISON = 1233  # its offset; an event of key k1
ROWS = 4000
FILTER = "CREATE RULE of_k1 AS SELECT k, n FROM t WHERE k = 'k1'"
PATTERN = """CREATE RULE third AS SELECT k, n FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.n AS n
  PATTERN (A) DEFINE A AS MOD(n, 3) = 0)"""


def stream(more=""):
    return f"""CREATE STREAM t (k STRING, n BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts)
  WITH ('partitions'='2'{more})"""


def rows():
    return [b'{"k":"k%d","n":%d,"ts":%d}\n' % (i % 7, i, 1000 * i) for i in range(ROWS)]


def start(server, more="", waits=False):
    for path, sql in [("/streams", stream(more)), ("/rules", FILTER), ("/rules", PATTERN)]:
        answer = server.post(path, {"sql": sql})
        assert answer.status_code == 201, answer.text
    if not waits:
        assert server.post("/streams/t:finish?partition=1").status_code == 200
    server.post_lines(rows(), partition=0, stream="t")


def settled(server):
    server.finish("t")
    return server.settled()


def expected(poisoned):
    """Alerts by rule, with or without that event."""
    ns = [i for i in range(ROWS) if not (poisoned and i == POISON)]
    return {"of_k1": sum(1 for i in ns if i % 7 == 1), "third": sum(1 for i in ns if i % 3 == 0)}


def letters(server):
    return [d for d in server.pages("/dead_letters") if d["code"] == "poison"]


@pytest.mark.parametrize("point", ["worker.row", "worker.decoded"])
def test_an_event_that_kills_three_times_is_set_aside_where_the_stream_says_so(tmp_path, monkeypatch, point):
    monkeypatch.setenv("WEIR_FAULT", f"{point}:{POISON}:kill")
    with Server(tmp_path, "--restart-delay", "10 ms") as server:
        start(server, ", 'poison'='skip'")
        letter = until("it is set aside", lambda: letters(server), 15)[0]
        assert (letter["stream"], letter["partition"], letter["offset"]) == ("t", 0, POISON)
        assert str(POISON) in str(letter) and "signal 9" in letter["reason"]
        found = settled(server)
        assert found["third"] == expected(True)["third"]
        # A filter's alert of it may have been told before an operator of the same attempt died of it.
        assert found["of_k1"] - expected(True)["of_k1"] in ([0] if point == "worker.decoded" else [0, 1])
        seen = server.get("/workers")
        assert [(p["stream"], p["partition"], p["offset"], p["set_aside"]) for p in seen["poison"]][0] == ("t", 0, POISON, True)
        assert seen["poison"][0]["times"] == 3
        assert len(seen["exceptions"]) <= 5  # three deaths at the place, one before it was known
        alerts = [a for a in server.pages("/alerts") if a["rule"] == "weir.poison"]
        assert [(a["severity"], a["status"]) for a in alerts] == [("critical", "open")]
        assert f"offset {POISON}" in alerts[0]["title"]
        whole = server.get(f"/alerts/{alerts[0]['id']}")
        assert whole["match"][0]["events"][0]["event"]["n"] == POISON
        assert "an event that kills the workers is set aside" in server.log.read_text()
        assert server.metric("weir_poison_events") == 1
        server.kill()
        server.start()  # it is read again, but not that one
        assert server.settled() == found
        assert server.get("/workers")["exceptions"] == [] and len(letters(server)) == 1


def test_without_leave_the_workers_stay_down_and_say_where(tmp_path, monkeypatch):
    monkeypatch.setenv("WEIR_FAULT", f"worker.decoded:{POISON}:kill")
    with Server(tmp_path, "--restart-delay", "10 ms") as server:
        start(server)
        down = until("given up", lambda: server.get("/workers")["restart"]["given_up"] and server.get("/workers")["restart"])
        assert f"stream t, partition 0, offset {POISON}" in down["why"] and "poison=skip" in down["why"]
        assert server.session.get(server.url + "/readyz", timeout=10).status_code == 503
        assert letters(server) == []
        assert server.post("/workers:restart").status_code == 204  # the same again
        until("it dies once more", lambda: server.get("/workers")["poison"][0]["times"] == 4)
        until("given up", lambda: server.get("/workers")["restart"]["given_up"])
        assert server.post("/workers:restart?poison=maybe").status_code == 400
        assert server.post("/workers:restart?poison=skip").status_code == 204
        assert settled(server) == expected(True)
        assert len(letters(server)) == 1


def test_an_event_that_hangs_is_found_by_silence(tmp_path, monkeypatch):
    monkeypatch.setenv("WEIR_FAULT", f"worker.row:{POISON}:delay=60000")
    with Server(tmp_path, "--restart-delay", "10 ms", "--heartbeat-timeout", "2 s") as server:
        start(server, ", 'poison'='skip'")
        letter = until("it is set aside", lambda: letters(server))[0]
        assert letter["offset"] == POISON and "has not been heard" in letter["reason"]
        assert settled(server)["third"] == expected(True)["third"]


def test_an_event_that_waits_in_a_checkpoint_is_set_aside_too(tmp_path, monkeypatch):
    monkeypatch.setenv("WEIR_FAULT", f"worker.row:{POISON}:kill")
    with Server(tmp_path, "--restart-delay", "10 ms") as server:
        start(server, ", 'poison'='skip'", waits=True)
        until("all are taken", lambda: all(p["taken"] == p["end"] for p in server.partitions("t")))
        assert server.post("/checkpoints").status_code == 201  # all rows wait for partition 1, and are in it
        assert server.get("/workers")["exceptions"] == []
        assert server.post("/streams/t:finish?partition=1").status_code == 200
        until("it is set aside", lambda: letters(server), 15)
        assert settled(server) == {**expected(True), "of_k1": expected(False)["of_k1"]}
        assert server.get("/checkpoints")["restored"] is not None


def test_kills_from_outside_are_no_poison(tmp_path):
    with Server(tmp_path, "--restart-delay", "10 ms") as server:
        start(server)
        for n in range(5):
            server.kill_worker(n)
        assert settled(server) == expected(False)
        seen = server.get("/workers")
        assert not any(p["set_aside"] for p in seen["poison"]) and not seen["restart"]["given_up"]


def test_a_list_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "poison.list").write_text("1 0 7\nwhat\n")
    with pytest.raises(AssertionError, match="poison.list"):
        Server(tmp_path)
