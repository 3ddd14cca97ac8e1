# SPDX-License-Identifier: Apache-2.0
"""The life of a rule in a real browser: draft, approval, shadow, roll-out, activation, the archive."""
import os
import pathlib
import subprocess

import pytest
from test_dashboard import CHROMIUM, SECONDS, WEB, pytestmark as needs
from weirserver import Server

HERE = pathlib.Path(__file__).resolve().parent
STREAM = """CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"""
RULE = """SELECT * FROM t MATCH_RECOGNIZE (
  PARTITION BY k ORDER BY ts
  MEASURES A.id AS a, B.id AS b, B.v AS v
  AFTER MATCH NO SKIP
  PATTERN (A -> B) WITHIN INTERVAL '5' MINUTE
  DEFINE A AS v = 1,
         B AS {}
)"""

pytestmark = needs


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_a_draft_over_approval_and_a_shadow_to_the_archive(tmp_path, scheme):
    with Server(tmp_path, "--web", str(WEB / "dist"), "--approval", "required") as server:
        server.create(stream=STREAM)
        draft = {"name": "r", "sql": RULE.format("v = 2 OR v = 3"), "draft": True, "author": "ann", "reason": "first"}
        assert server.post("/rules", draft).status_code == 201
        run = subprocess.run(["node", HERE / "dashboard_lives.mjs", server.url, scheme, tmp_path / "pictures"],
                             env=dict(os.environ, CHROMIUM=CHROMIUM, NEW_SQL=RULE.format("v >= 3")), stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
        assert run.returncode == 0 and run.stdout.endswith("all seen\n"), run.stdout
        rule = server.get("/rules/r")
        assert rule["state"] == "draft" and rule["alerts"] > 20
        assert {e["who"] for e in server.get("/audit?name=r")["data"]} >= {"ann", "ben"}
