# SPDX-License-Identifier: Apache-2.0
"""A rule with OVER on a running server finds what `weir eval` finds, whatever the number of workers."""
import json
import os
import subprocess

import pytest
from weirserver import Server

STREAM = """CREATE STREAM logins (id STRING NOT NULL, ts TIMESTAMP(3) NOT NULL, account STRING, country STRING,
  WATERMARK FOR ts AS ts)"""
RULE = """CREATE RULE hops AS SELECT id, account, COUNT(DISTINCT country) OVER
  (PARTITION BY account ORDER BY ts RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS n FROM logins QUALIFY n >= 3"""


@pytest.mark.parametrize("workers", [1, 3])
def test_a_server_and_eval_agree_on_over(tmp_path, workers):
    events = [{"id": f"e{i}", "ts": 1000 * (i // 2), "account": f"a{i % 7}", "country": "ABCDE"[(i * i) % 5]} for i in range(700)]
    lines = [json.dumps(e).encode() + b"\n" for e in events]
    (tmp_path / "rule.sql").write_text(f"{STREAM};\n{RULE};\n")
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))
    done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(tmp_path / "rule.sql"), "--input", str(tmp_path / "events.jsonl")],
                          capture_output=True, text=True, check=True, timeout=60)
    wanted = len(done.stdout.splitlines())
    assert wanted > 0
    with Server(tmp_path, workers=workers) as server:
        assert server.post("/streams", {"sql": STREAM}).status_code == 201
        assert server.post("/rules", {"sql": RULE}).status_code == 201
        server.post_lines(lines, stream="logins")
        server.finish("logins")
        assert server.settled() == {"hops": wanted}
