# SPDX-License-Identifier: Apache-2.0
"""The page Checkpoints in a real browser: one is made, a savepoint is made, verified, gone back to; another number of workers."""
import json
import os
import pathlib
import subprocess

import pytest
from test_dashboard import CHROMIUM, SECONDS, WEB, pytestmark as needs
from weirserver import Server, until

HERE = pathlib.Path(__file__).resolve().parent
STREAM = "CREATE STREAM t (id BIGINT NOT NULL, k STRING, v BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts)"
RULE = """CREATE RULE r AS SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS a
  PATTERN (A -> B) WITHIN INTERVAL '60' SECOND DEFINE A AS v = 1, B AS v = 2)"""

pytestmark = needs


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_a_checkpoint_over_a_savepoint_to_another_number_of_workers(tmp_path, scheme):
    with Server(tmp_path, "--web", str(WEB / "dist"), "--checkpoint-interval", "1 h") as server:
        server.create(stream=STREAM)
        assert server.post("/rules", {"sql": RULE}).status_code == 201
        rows = [{"id": i, "k": f"k{i % 50}", "v": i % 3, "ts": 1700000000000 + 100 * i} for i in range(500)]
        server.post_lines([json.dumps(row).encode() + b"\n" for row in rows], stream="t")
        until("matches are in progress", lambda: server.get("/rules/r")["partials"] > 0)
        run = subprocess.run(["node", HERE / "dashboard_checkpoints.mjs", server.url, scheme, tmp_path / "pictures"],
                             env=dict(os.environ, CHROMIUM=CHROMIUM), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, timeout=SECONDS, check=False)
        assert run.returncode == 0 and run.stdout.endswith("all seen\n"), run.stdout
        assert len(server.workers()) == 3
