# SPDX-License-Identifier: Apache-2.0
"""Time on a running server: idle partitions, quiet streams, what arrives when, and all of it again after a crash."""
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import time

import pytest
from weirserver import Server, until

START = 1750000000000
STREAM = """CREATE STREAM moves (id BIGINT NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING, kind STRING,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('partitions'='3', 'idle-timeout'='1 s'%s);"""
UNCONFIRMED = """CREATE RULE unconfirmed AS SELECT card, n FROM moves MATCH_RECOGNIZE (
  PARTITION BY card ORDER BY ts MEASURES A.id AS n
  PATTERN (A -> !B) WITHIN INTERVAL '4' SECOND
  DEFINE A AS kind = 'ask', B AS kind = 'confirm');"""
COUNTED = """CREATE RULE counted AS SELECT card, COUNT(*) AS n, window_start
  FROM TABLE(TUMBLE(TABLE moves, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY card, window_start, window_end;"""


def event(n, ts, card="c1", kind="ask"):
    return json.dumps({"id": n, "ts": ts, "card": card, "kind": kind}).encode() + b"\n"


def deploy(server, *rules, more=""):
    answer = server.post("/streams", {"sql": STREAM % more})
    assert answer.status_code == 201, answer.text
    for rule in rules:
        answer = server.post("/rules", {"sql": rule})
        assert answer.status_code == 201, answer.text


def alerts(server, rule):
    return [a for a in server.pages("/alerts") if a["rule"] == rule]


@pytest.mark.parametrize("workers", [2, 3])
def test_the_last_alerts_of_a_quiet_stream_come_out(tmp_path, workers):
    with Server(tmp_path, workers=workers) as server:
        deploy(server, UNCONFIRMED, COUNTED)
        for n in range(6):
            server.post_lines([event(n, START + n * 100, f"c{n}")], partition=n % 2, stream="moves")
        asked = time.monotonic()
        until("the absence is told", lambda: len(alerts(server, "unconfirmed")) == 6)
        # W was 1.5 s behind the last event's time and has to pass 4 s after each: by the clock that takes so long.
        assert time.monotonic() - asked > 4
        until("the window is told", lambda: len(alerts(server, "counted")) == 6)


def test_a_rule_that_reads_a_rule_of_a_quiet_stream_tells_its_last_results(tmp_path):
    with Server(tmp_path, workers=2) as server:
        deploy(server, UNCONFIRMED)
        sums = """CREATE RULE sums AS SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE unconfirmed, DESCRIPTOR(rowtime),
          INTERVAL '10' SECOND)) GROUP BY window_start, window_end;"""
        answer = server.post("/rules", {"sql": sums})
        assert answer.status_code == 201, answer.text
        for n in range(3):
            server.post_lines([event(n, START + n * 100, f"c{n}")], partition=n, stream="moves")
        until("the absences are told", lambda: len(alerts(server, "unconfirmed")) == 3)
        until("their count is told", lambda: [a["row"]["n"] for a in alerts(server, "sums")] == [3])


def replay_from_nothing(server):
    """Stopped by force, its alerts and checkpoints forgotten, started again: what the log alone gives. The ids of the alerts."""
    server.kill()
    shutil.rmtree(server.data / "checkpoints")
    with contextlib.closing(sqlite3.connect(server.data / "catalogue.db")) as db, db:
        for table in ("alerts", "alert_details"):
            db.execute(f"DELETE FROM {table}")
    server.start()


def settled_ids(server):
    server.settled()
    return {(a["rule"], a["id"]) for a in server.pages("/alerts")}


OVER = """CREATE RULE often AS SELECT card, COUNT(*) OVER (PARTITION BY card ORDER BY ts
  RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW) AS n FROM moves QUALIFY n >= 2;"""


def post_around_silences(server, disturb):
    """Events with silences between, in which time goes on; disturb(n) is called in each of them. Late rows are among them."""
    deploy(server, UNCONFIRMED, COUNTED, OVER)
    for n in range(4):
        for k in range(5):
            server.post_lines([event(10 * n + k, START + 20000 * n + 300 * k, f"c{k % 3}", "confirm" if k == 3 else "ask")],
                              partition=k % (3 if n % 2 else 2), stream="moves")
        before = len(alerts(server, "counted"))
        until("time goes on in silence", lambda before=before: len(alerts(server, "counted")) > before)
        disturb(n)
        # Behind what the clock has said by now, and for a partition that was idle all the time.
        server.post_lines([event(10 * n + 9, START + 20000 * n + 1000, "late")], partition=2, stream="moves")


@pytest.mark.parametrize("workers", [2, 3])
def test_what_the_clock_decided_is_the_same_after_kill_9(tmp_path, workers):
    with Server(tmp_path, workers=workers) as server:
        def disturb(n):
            if n == 0:
                os.kill(server.workers()[0]["pid"], signal.SIGKILL)
            elif n == 1:
                server.kill()
                server.start()

        post_around_silences(server, disturb)
        server.finish("moves")
        ids = settled_ids(server)
        late = server.get("/overview")["dead_letters"]
        assert late > 0
        assert {rule for rule, _ in ids} == {"unconfirmed", "counted", "often"}
        replay_from_nothing(server)
        assert settled_ids(server) == ids
        server.stop()
        server.options[1] = str(5 - workers)  # two become three, three two
        server.start()
        replay_from_nothing(server)
        assert settled_ids(server) == ids
        assert server.get("/overview")["dead_letters"] == late


def test_an_idle_partition_holds_nothing_back_and_one_without_a_timeout_does(tmp_path):
    with Server(tmp_path, workers=3) as server:
        deploy(server, COUNTED)
        patient = STREAM.replace("moves", "patient").replace(", 'idle-timeout'='1 s'", "") % ""
        assert server.post("/streams", {"sql": patient}).status_code == 201
        assert server.post("/rules", {"sql": COUNTED.replace("counted", "held").replace("moves", "patient")}).status_code == 201
        for stream in ("moves", "patient"):
            for p in (0, 1):
                server.post_lines([event(1, START + 1000 * p)], partition=p, stream=stream)

        def keep_active():  # two partitions go on, the third has never had an event
            keep_active.n += 1
            for stream in ("moves", "patient"):
                for p in (0, 1):
                    server.post_lines([event(2, START + 8000 + keep_active.n)], partition=p, stream=stream)
            return len(alerts(server, "counted")) >= 1

        keep_active.n = 0
        until("the window of the first events is told", keep_active)
        times = server.get("/watermarks")
        of = {(p["stream"], p["partition"]): p for p in times["data"]}
        assert of["moves", 2]["idle"] and of["moves", 2]["idle_since"] and not of["moves", 2]["holds_back"]
        assert of["moves", 2]["watermark"] and of["moves", 2]["last_event"] is None
        holder = of["patient", 2]
        assert holder["holds_back"] and holder["holds_why"] == "no-event" and holder["holds_since"]
        assert holder["watermark"] is None and not holder["idle"]
        assert alerts(server, "held") == []
        streams = {s["stream"]: s for s in times["streams"]}
        assert streams["moves"]["idle_timeout_ms"] == 1000 and streams["patient"]["watermark"] is None
        assert {w["worker"] for w in times["workers"]} == {0, 1, 2}
        text = server.session.get(server.url + "/metrics", timeout=30).text
        assert 'weir_partition_idle{stream="moves",partition="2"} 1' in text
        assert 'weir_partition_idle{stream="patient",partition="2"} 0' in text
        server.post_lines([event(3, START + 20000)], partition=2, stream="patient")
        until("it holds nothing back any more", lambda: len(alerts(server, "held")) == 1)


def test_a_server_that_was_stopped_does_not_take_that_for_silence(tmp_path):
    with Server(tmp_path, workers=2) as server:
        deploy(server, COUNTED)
        for p in range(3):
            server.post_lines([event(1, START)], partition=p, stream="moves")
        until("the events are taken", lambda: all(p["taken"] == 1 for p in server.get("/watermarks")["data"]))
        server.process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        until("it was stopped for longer than the timeout", lambda: time.monotonic() - stopped > 4)
        server.process.send_signal(signal.SIGCONT)
        server.post_lines([event(2, START + 500)], partition=0, stream="moves")
        server.finish("moves")
        server.settled()
        assert [a["row"]["n"] for a in alerts(server, "counted")] == [4]
        assert server.get("/overview")["late"] == 0


def test_a_file_that_is_followed_may_be_idle(tmp_path):
    files = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    files[0].write_bytes(event(1, START))
    files[1].write_bytes(b"")
    (tmp_path / "server").mkdir()
    with Server(tmp_path / "server") as server:
        sql = STREAM.replace("'partitions'='3'", f"'connector'='file', 'path'='{files[0]}, {files[1]}', 'follow'='true'") % ""
        assert server.post("/streams", {"sql": sql}).status_code == 201
        assert server.post("/rules", {"sql": COUNTED}).status_code == 201
        until("the window of a file that grows no more is told", lambda: len(alerts(server, "counted")) == 1)
        with files[1].open("ab") as out:
            out.write(event(2, START + 60000))
        until("a file that grows again is read", lambda: len(alerts(server, "counted")) == 2)


def test_ingestion_and_processing_time_are_those_of_the_log(tmp_path):
    with Server(tmp_path, workers=2) as server:
        for name in ("ingestion", "processing"):
            sql = (f"CREATE STREAM {name} (id BIGINT, ts TIMESTAMP(3) NOT NULL, card STRING, WATERMARK FOR ts AS ts)"
                   f" WITH ('time'='{name}', 'partitions'='2')")
            rule = f"""CREATE RULE of_{name} AS SELECT card, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE {name}, DESCRIPTOR(ts),
              INTERVAL '1' SECOND)) GROUP BY card, window_start, window_end"""
            assert server.post("/streams", {"sql": sql}).status_code == 201
            assert server.post("/rules", {"sql": rule}).status_code == 201
        for name in ("ingestion", "processing"):
            for n in range(10):  # without a time, or with one that means nothing here
                server.post_lines([json.dumps({"id": n, "card": "c", "ts": "no time"} if n % 2 else {"id": n, "card": "c"})
                                   .encode() + b"\n"], partition=n % 2, stream=name)
        until("processing time goes on by itself", lambda: sum(a["row"]["n"] for a in alerts(server, "of_processing")) == 10)
        assert alerts(server, "of_ingestion") == [] or server.get("/overview")["late"] == 0
        server.finish("ingestion")
        server.finish("processing")
        ids = settled_ids(server)
        assert sum(a["row"]["n"] for a in alerts(server, "of_ingestion")) == 10
        replay_from_nothing(server)
        assert settled_ids(server) == ids
        assert server.get("/overview")["late"] == 0


def test_a_partition_that_runs_ahead_waits(tmp_path):
    """Files of one stream, one of which is dense: with alignment the other is never far behind while it is read."""
    files = [tmp_path / "dense.jsonl", tmp_path / "sparse.jsonl"]
    files[0].write_bytes(b"".join(event(n, START + n) for n in range(60000)))
    files[1].write_bytes(b"".join(event(n, START + 1000 * n) for n in range(60000)))
    (tmp_path / "server").mkdir()
    with Server(tmp_path / "server", workers=2) as server:
        sql = STREAM.replace("'partitions'='3', 'idle-timeout'='1 s'",
                             f"'connector'='file', 'path'='{files[0]}, {files[1]}', 'watermark-alignment'='10 min'") % ""
        assert server.post("/streams", {"sql": sql}).status_code == 201
        assert server.post("/rules", {"sql": COUNTED}).status_code == 201
        paused = []

        def read():
            data = server.get("/watermarks")["data"]
            paused.extend(p["partition"] for p in data if p["paused_since"])
            return all(p["finished"] for p in data)

        until("both files are read", read)
        assert set(paused) <= {1}
        server.settled()
        assert len(alerts(server, "counted")) == 12000
