# SPDX-License-Identifier: Apache-2.0
"""Versions of a rule in a real browser: a draft from the editor, its plan, the upgrade with what was half seen, and back."""
import json
import os
import pathlib
import subprocess

import pytest
from test_dashboard import CHROMIUM, SECONDS, WEB, pytestmark as needs
from weirserver import Server, until

HERE = pathlib.Path(__file__).resolve().parent
STREAM = """CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"""
RULE = """CREATE RULE r AS
SELECT * FROM t MATCH_RECOGNIZE (
  PARTITION BY k ORDER BY ts
  MEASURES A.id AS a
  PATTERN (A -> B) WITHIN INTERVAL '60' SECOND
  DEFINE A AS v = 1,
         B AS v = 2
)"""

pytestmark = needs


def feed(server, values, first):
    rows = [{"id": i, "k": "x", "v": v, "ts": 1700000000000 + 1000 * i} for i, v in enumerate(values, first)]
    server.post_lines([json.dumps(row).encode() + b"\n" for row in rows], stream="t")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_a_draft_over_its_plan_to_the_upgrade_and_back(tmp_path, scheme):
    with Server(tmp_path, "--web", str(WEB / "dist")) as server:
        server.create(stream=STREAM)
        assert server.post("/rules", {"sql": RULE}).status_code == 201
        feed(server, [1, 0, 0, 0], 0)
        until("a match is in progress", lambda: server.get("/rules/r")["partials"] == 1)
        run = subprocess.run(["node", HERE / "dashboard_versions.mjs", server.url, scheme, tmp_path / "pictures"],
                             env=dict(os.environ, CHROMIUM=CHROMIUM), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, timeout=SECONDS, check=False)
        assert run.returncode == 0 and run.stdout.endswith("all seen\n"), run.stdout
        versions = server.get("/rules/r/versions")["data"]
        assert [(v["version"], v["state"]) for v in versions] == [(4, "active"), (3, "retired"), (2, "retired"), (1, "retired")]
        assert "v = 3" in versions[2]["sql"] and versions[2]["author"] == "ann"
        assert (versions[2]["reason"], versions[2]["activated_reason"]) == ("B is 3 now", "as agreed")
        assert versions[1]["sql"] == RULE
