# SPDX-License-Identifier: Apache-2.0
"""The tab State of a rule's page in a real browser: partial matches of a key, and why it has not fired, step by step."""
import json
import os
import pathlib
import subprocess

import pytest
from test_dashboard import CHROMIUM, SECONDS, WEB, pytestmark as needs
from weirserver import Server, until

HERE = pathlib.Path(__file__).resolve().parent
STREAM = """CREATE STREAM payments (id BIGINT NOT NULL, card STRING, status STRING, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts)"""
RULE = """CREATE RULE card_testing AS
SELECT * FROM payments MATCH_RECOGNIZE (
  PARTITION BY card ORDER BY ts
  MEASURES COUNT(A.id) AS n
  AFTER MATCH NO SKIP
  PATTERN (A->{2,} -> B) WITHIN INTERVAL '60' SECOND
  DEFINE A AS status = 'declined' AND amount < 2,
         B AS status = 'approved' AND amount > 500 AND amount > 10 * AVG(A.amount)
)"""
WINDOW = ("SELECT card, COUNT(*) AS n, SUM(amount) AS total FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '10' MINUTE))"
          " GROUP BY card, window_start, window_end")
T0 = 1700000000000

pytestmark = needs


def event(second, card, status, amount):
    return {"id": second, "card": card, "status": status, "amount": amount, "ts": T0 + 1000 * second}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_partial_matches_and_why_not_are_looked_at(tmp_path, scheme):
    with Server(tmp_path, "--web", str(WEB / "dist"), workers=2) as server:
        server.create(stream=STREAM)
        for rule in ({"sql": RULE}, {"name": "w", "sql": WINDOW}):
            assert server.post("/rules", rule).status_code == 201
        events = [event(0, "c1", "declined", 1), event(2, "c1", "declined", 1.2), event(4, "c1", "declined", 700),
                  event(6, "c1", "approved", 499.5), event(7, "c2", "declined", 1), event(9, "c2", "declined", 1),
                  event(20, "c5", "declined", 1), event(21, "c5", "declined", 1), event(23, "c5", "approved", 900),
                  event(75, "c2", "approved", 800), event(80, "c3", "declined", 1.5), event(82, "c3", "declined", 1),
                  event(90, "x", "approved", 1)]
        server.post_lines([json.dumps(e).encode() + b"\n" for e in events])
        until("one key is in progress", lambda: server.get("/rules/card_testing")["partials"] == 2)
        until("one has matched", lambda: server.alerts_by_rule()["card_testing"] == 1)
        run = subprocess.run(["node", HERE / "dashboard_inspect.mjs", server.url, scheme, tmp_path / "pictures"],
                             env=dict(os.environ, CHROMIUM=CHROMIUM), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, timeout=SECONDS, check=False)
        assert run.returncode == 0 and run.stdout.endswith("all seen\n"), run.stdout
