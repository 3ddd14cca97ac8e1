# SPDX-License-Identifier: Apache-2.0
"""Time on a running server: idle partitions, quiet streams, what arrives when, and all of it again after a crash."""
import json
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
