# SPDX-License-Identifier: Apache-2.0
"""JOIN list FOR SYSTEM_TIME AS OF: the list's columns beside the row's, wherever a rule reads rows."""
import json
import os
import subprocess

import pytest

SETUP = """CREATE STREAM p (id BIGINT, card STRING, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts)
  WITH ('connector'='inline');
CREATE LIST customers (card STRING PRIMARY KEY, level BIGINT, name STRING, vip BOOLEAN, since TIMESTAMP(3), cap DECIMAL(8,1));
INSERT INTO customers VALUES ('a', 3, 'Ann', TRUE, TIMESTAMP '2020-01-01 00:00:00', 7.5), ('b', 1, NULL, FALSE, NULL, NULL);
"""
EVENTS = [{"id": i, "card": card, "amount": amount, "ts": 1000 * i} for i, (card, amount) in
          enumerate([("a", 10), ("b", 10), ("c", 10), (None, 10), ("a", 1), ("b", 1)], 1)]
AS_OF = "customers FOR SYSTEM_TIME AS OF p.ts AS c"


def rows(tmp_path, rule, *options, setup=SETUP):
    (tmp_path / "rules.sql").write_text(setup + f"CREATE RULE r AS {rule};\n")
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in EVENTS))
    done = subprocess.run([os.environ.get("WEIR", "./weir"), "eval", str(tmp_path / "rules.sql"),
                           "--input", str(tmp_path / "events.jsonl"), *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [list(line["row"].values()) for line in found if line["kind"] == "match"]


@pytest.mark.parametrize("rule, wanted", [
    (f"SELECT p.id, c.level, c.name FROM p JOIN {AS_OF} ON c.card = p.card",
     [[1, 3, "Ann"], [2, 1, None], [5, 3, "Ann"], [6, 1, None]]),
    (f"SELECT id, level + 1 AS l, since, cap * 2 AS t FROM p JOIN {AS_OF} ON p.card = c.card AND vip AND c.cap > amount",
     [[5, 4, "2020-01-01T00:00:00.000Z", 15.0]]),
    (f"SELECT p.id, c.card AS k, c.vip FROM p LEFT JOIN {AS_OF} ON c.card = p.card AND amount > 5",
     [[1, "a", True], [2, "b", False], [3, None, None], [4, None, None], [5, None, None], [6, None, None]]),
    (f"SELECT p.id FROM p LEFT JOIN {AS_OF} ON c.card = p.card WHERE c.card IS NULL", [[3], [4]]),
    (f"SELECT p.id, c.level AS one, d.level AS two FROM p JOIN {AS_OF} ON c.card = p.card "
     "LEFT JOIN customers FOR SYSTEM_TIME AS OF p.ts AS d ON d.card = LOWER(SUBSTRING(c.name, 1, 1))",
     [[1, 3, 3], [2, 1, None], [5, 3, 3], [6, 1, None]]),
    (f"SELECT card, x, y FROM (SELECT p.card AS card, ts, id, c.level FROM p JOIN {AS_OF} ON c.card = p.card) MATCH_RECOGNIZE "
     "(PARTITION BY card ORDER BY ts MEASURES A.level AS x, B.id AS y AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '1' MINUTE "
     "DEFINE A AS level > 2, B AS B.level = A.level)", [["a", 3, 5]]),
    (f"SELECT card, SUM(level) AS n FROM TABLE(TUMBLE((SELECT p.card AS card, ts, c.level FROM p LEFT JOIN {AS_OF} ON c.card = p.card), "
     "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY card, window_start", [[None, None], ["a", 6], ["b", 2], ["c", None]]),
    (f"SELECT id, SUM(level) OVER (PARTITION BY card ORDER BY ts ROWS UNBOUNDED PRECEDING) AS s FROM "
     f"(SELECT id, ts, p.card AS card, level FROM p JOIN {AS_OF} ON c.card = p.card)", [[1, 3], [2, 1], [5, 6], [6, 2]]),
    ("SELECT x.id, y.id AS yid, c.name FROM p AS x JOIN customers FOR SYSTEM_TIME AS OF x.ts AS c ON c.card = x.card "
     "JOIN p AS y ON x.card = y.card AND y.ts > x.ts AND y.ts < x.ts + INTERVAL '10' SECOND AND c.level > 1", [[1, 5, "Ann"]]),
], ids=["inner", "conditions", "left", "anti", "two", "pattern", "window", "over", "join"])
@pytest.mark.parametrize("options", [[], ["--workers", "2", "--batch", "1"]], ids=["one", "two"])
def test_columns_of_a_list_are_looked_up(tmp_path, rule, wanted, options):
    assert sorted(rows(tmp_path, rule, *options), key=str) == sorted(wanted, key=str)


def test_items_of_a_file_have_all_their_columns(tmp_path):
    setup = SETUP[:SETUP.index("INSERT")]
    (tmp_path / "items.jsonl").write_text('{"card":"c","level":7,"name":"Cy","cap":"1.25"}\n{"card":"a"}\n{"card":"b","vip":true}\n')
    got = rows(tmp_path, f"SELECT p.id, c.level, c.name, c.vip, c.cap FROM p JOIN {AS_OF} ON c.card = p.card WHERE id < 4",
               "--list", f"customers={tmp_path / 'items.jsonl'}", setup=setup)
    assert got == [[1, None, None, None, None], [2, None, None, True, None], [3, 7, "Cy", None, 1.3]]
