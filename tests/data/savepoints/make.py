#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/savepoints/NAME with the weir that is built: a savepoint after half of the events, and what is found in the others.

  WEIR=./weir tests/data/savepoints/make.py v2

Once for a form of savepoints: what stands there is never made anew, since later releases are held to it."""
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "e2e"))
from weirserver import Server, WEIR  # noqa: E402  # pylint: disable=wrong-import-position

STATEMENTS = ["""CREATE STREAM payments (id STRING NOT NULL, card STRING NOT NULL, account STRING NOT NULL, amount DECIMAL(10,2),
  status STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('partitions'='2')""",
              "CREATE LIST risky (card STRING PRIMARY KEY)", "INSERT INTO risky VALUES ('c1'), ('c3')"]
RULES = ["""CREATE RULE declines WITH ('cooldown'='60 s', 'title'='{card}') AS SELECT card, n, last FROM payments MATCH_RECOGNIZE (
  PARTITION BY card ORDER BY ts MEASURES COUNT(A.id) AS n, B.id AS last AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A->{2,4} -> B) WITHIN INTERVAL '5' MINUTE DEFINE A AS A.status = 'declined', B AS B.amount > 60)""",
         """CREATE RULE rising AS SELECT account, a, b FROM payments MATCH_RECOGNIZE (PARTITION BY account ORDER BY ts
  MEASURES A.id AS a, B.id AS b AFTER MATCH NO SKIP PATTERN (A ->> B) WITHIN INTERVAL '30' SECOND DEFINE B AS B.amount > A.amount + 70)""",
         """CREATE RULE tumbling AS SELECT card, COUNT(*) AS n, SUM(amount) AS s, APPROX_COUNT_DISTINCT(account) AS accounts
  FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '40' SECOND)) GROUP BY card, window_start, window_end HAVING COUNT(*) > 3""",
         """CREATE RULE hopping AS SELECT account, MAX(amount) AS most, AVG(amount) AS mean
  FROM TABLE(HOP(TABLE payments, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '60' SECOND)) GROUP BY account, window_start, window_end
  HAVING COUNT(*) > 9""",
         """CREATE RULE sessions AS SELECT card, COUNT(*) AS n FROM TABLE(SESSION(TABLE payments PARTITION BY card, DESCRIPTOR(ts),
  INTERVAL '10' SECOND)) GROUP BY card, window_start, window_end HAVING COUNT(*) > 2""",
         """CREATE RULE often AS SELECT id, n FROM (SELECT id, amount, COUNT(*) OVER (PARTITION BY card ORDER BY ts
  RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS n FROM payments) WHERE n > 6 AND amount > 50""",
         """CREATE RULE pairs AS SELECT a.id AS one, b.id AS other FROM payments a JOIN payments b ON a.card = b.card
  AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '15' SECOND WHERE a.status = 'declined' AND b.amount > 85""",
         "CREATE RULE listed AS SELECT id FROM payments WHERE card IN LIST risky AND amount > 90"]
EVENTS = 240


def events(begin, end):
    """Of partition 0 and 1, as lines; the same for ever."""
    lines = ([], [])
    for i in range(begin, end):
        at = 1700000000000 + i * 1300 - (i * 7919 % 5) * 400
        row = {"id": f"e{i}", "card": f"c{i * 31 % 7}", "account": f"a{i * 17 % 4}", "amount": f"{i * 7907 % 9973 / 100:.2f}",
               "status": "declined" if i * 13 % 5 < 3 else "approved", "ts": at}
        lines[i % 2].append((json.dumps(row) + "\n").encode())
    return lines


def post(server, begin, end):
    for partition, lines in enumerate(events(begin, end)):
        server.post_lines(lines, partition=partition)


def found(server):
    """Alerts as lines: rule, id, time, row, how often."""
    server.finish()
    server.settled()
    alerts = [server.get(f"/alerts/{a['id']}") for a in server.pages("/alerts")]
    return sorted(json.dumps([a["rule"], a["id"], a["row"]], sort_keys=True) for a in alerts)


def make(name):
    to = HERE / name
    to.mkdir()
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "rules.sql"
        script.write_text("".join(f"{sql};\n" for sql in STATEMENTS + RULES))
        with Server(pathlib.Path(folder), "--checkpoint-interval", "0", "--load", str(script)) as server:
            post(server, 0, EVENTS // 2)
            answer = server.post("/savepoints", {"name": name, "stop": True})
            assert answer.status_code == 201, answer.text
            assert server.process.wait(20) == 0
        subprocess.run([WEIR, "savepoint", "export", answer.json()["folder"], "--to", to / "savepoint"], check=True)
        then = pathlib.Path(folder) / "then"
        then.mkdir()
        with Server(then, "--from-savepoint", str(to / "savepoint")) as server:
            post(server, EVENTS // 2, EVENTS)
            (to / "alerts.txt").write_text("\n".join(found(server)) + "\n")
    (to / "inspect.txt").write_text(subprocess.run([WEIR, "savepoint", "inspect", str(to / "savepoint")], check=True, text=True,
                                                   stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    make(sys.argv[1])
