# SPDX-License-Identifier: Apache-2.0
"""Look-ups in a list of a running server: a row sees the list as it was at its place, whoever is killed and read again."""
import json

import pytest
from weirserver import Server, is_running, until

STREAM = "CREATE STREAM p (id STRING NOT NULL, card STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts)"
LIST = "CREATE LIST customers (card STRING PRIMARY KEY, level BIGINT, name STRING)"
RULES = [
    "CREATE RULE known AS SELECT p.id, c.level, c.name FROM p JOIN customers FOR SYSTEM_TIME AS OF p.ts AS c ON c.card = p.card",
    "CREATE RULE unknown AS SELECT p.id FROM p LEFT JOIN customers FOR SYSTEM_TIME AS OF p.ts AS c ON c.card = p.card WHERE c.card IS NULL",
    """CREATE RULE twice AS SELECT x, y FROM (SELECT p.card AS card, ts, id, level FROM p JOIN customers FOR SYSTEM_TIME AS OF p.ts AS c
       ON c.card = p.card) MATCH_RECOGNIZE (PARTITION BY card ORDER BY ts MEASURES A.id AS x, B.id AS y AFTER MATCH NO SKIP
       PATTERN (A -> B) WITHIN INTERVAL '1' HOUR DEFINE A AS level = 2, B AS level = 3)"""]
EDITS = {10: ("a", {"level": 2, "name": "Ann"}), 20: ("a", {"level": 3, "name": "Ann"}), 30: ("b", {"level": 9, "name": None}),
         40: ("b", None), 50: ("a", {"level": 1, "name": "A."}), 60: ("c", {"level": 7, "name": "Cy"})}


def wanted():
    """(id, level, name) of the rows whose card is in the list at their place."""
    known, at = {"b": (5, "Bo")}, []
    for n in range(80):
        if n in EDITS:
            key, row = EDITS[n]
            known[key] = row and (row["level"], row["name"])
        for card in "abc":
            if known.get(card):
                at.append((f"{card}{n}", *known[card]))
    return sorted(at, key=str)


def play(server, disturb):
    for sql in (STREAM, LIST, "INSERT INTO customers VALUES ('b', 5, 'Bo')"):
        path = "/streams" if "STREAM" in sql else "/lists" if "LIST" in sql else "/lists/customers/items:bulk"
        body = [{"card": "b", "level": 5, "name": "Bo"}] if "INSERT" in sql else {"sql": sql}
        answer = server.post(path, body)
        assert answer.status_code in (200, 201), answer.text
    for sql in RULES:
        answer = server.post("/rules", {"sql": sql})
        assert answer.status_code == 201, answer.text
    for n in range(80):
        if n in EDITS:
            key, row = EDITS[n]
            url = f"{server.url}/api/v1/lists/customers/items/{key}"
            answer = until("the list is edited", lambda url=url, row=row: edit(server, url, row))
            assert answer.status_code in (200, 204), answer.text
        disturb(n)
        server.post_lines([json.dumps({"id": f"{card}{n}", "card": card, "ts": 1000 * n}).encode() + b"\n" for card in "abc"], stream="p")
    server.finish("p")
    counts = server.settled()
    rows = sorted((tuple(a["row"].values()) for a in server.pages("/alerts") if a["rule"] == "known"), key=str)
    return counts, server.alert_ids(), rows


def edit(server, url, row):
    answer = server.session.delete(url, timeout=30) if row is None else server.session.put(url, json=row, timeout=30)
    return None if answer.status_code == 503 else answer


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("undisturbed"), workers=1) as server:
        return play(server, lambda n: None)


def test_rows_see_the_list_of_their_place(undisturbed):
    counts, _, rows = undisturbed
    assert rows == wanted()
    assert counts["unknown"] == 240 - len(rows)
    assert counts["twice"] == 10  # each row of level 2, and the first of level 3


@pytest.mark.parametrize("workers", [2, 3])
def test_a_replay_sees_what_the_first_run_saw(tmp_path, undisturbed, workers):
    with Server(tmp_path, workers=workers) as server:
        def disturb(n):
            if n in (25, 55):
                server.kill_worker(n)
            if n == 65:
                pids = [w["pid"] for w in server.workers()]
                server.kill()
                until("its workers end with it", lambda: not any(is_running(pid) for pid in pids), seconds=10)
                server.start()

        assert play(server, disturb) == undisturbed
