# SPDX-License-Identifier: Apache-2.0
"""The pages Sinks and Tables in a real browser: what they were given and looked up, rules that use them, made and deleted."""
import json
import os
import pathlib
import sqlite3
import subprocess

import pytest
from test_dashboard import CHROMIUM, SECONDS, WEB, pytestmark as needs
from weirserver import Server, until

HERE = pathlib.Path(__file__).resolve().parent
STREAM = "CREATE STREAM t (id STRING NOT NULL, v BIGINT, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts)"

pytestmark = needs


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sinks_and_tables_are_seen_made_and_deleted(tmp_path, scheme):
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute("CREATE TABLE customers (id TEXT PRIMARY KEY, segment TEXT)")
        db.executemany("INSERT INTO customers VALUES (?, ?)", [("a", "vip"), ("b", "new")])
    with Server(tmp_path, "--web", str(WEB / "dist"), "--checkpoint-interval", "1 h", workers=1) as server:
        server.create(stream=STREAM)
        for path, sql in [
            ("/sinks", "CREATE SINK ops WITH ('connector'='file', 'path'='ops')"),
            ("/sinks", "CREATE SINK spare WITH ('connector'='file', 'path'='spare', 'roll-interval'='5 min')"),
            ("/tables", f"""CREATE TABLE customers (id STRING PRIMARY KEY, segment STRING)
               WITH ('connector'='sqlite', 'path'='{tmp_path / "shop.db"}')"""),
            ("/rules", "CREATE RULE large AS SELECT id, v FROM t WHERE v > 10 EMIT TO ops"),
            ("/rules", """CREATE RULE known AS SELECT t.id, c.segment FROM t
               LEFT JOIN customers FOR SYSTEM_TIME AS OF t.ts AS c ON c.id = t.id WHERE t.v > 10"""),
        ]:
            answer = server.post(path, {"sql": sql})
            assert answer.status_code == 201, answer.text
        rows = [{"id": k, "v": 20, "ts": 1000 * i} for i, k in enumerate("abc")]
        server.post_lines([json.dumps(row).encode() + b"\n" for row in rows], stream="t")
        until("all is looked up", lambda: server.get("/tables/customers")["figures"]["rows"] == 3)
        until("the sink has it", lambda: server.get("/sinks/ops")["figures"]["lines"] == 3)
        server.post("/checkpoints")
        until("readers can see it", lambda: server.get("/sinks/ops")["figures"]["committed_lines"] == 3)
        run = subprocess.run(["node", HERE / "dashboard_outside.mjs", server.url, scheme, tmp_path / "pictures"],
                             env=dict(os.environ, CHROMIUM=CHROMIUM), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, timeout=SECONDS, check=False)
        assert run.returncode == 0 and run.stdout.endswith("all seen\n"), run.stdout
        assert [s["name"] for s in server.get("/sinks")["data"]] == ["ops"]
