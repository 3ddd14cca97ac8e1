# SPDX-License-Identifier: Apache-2.0
"""Lists of a running server: made, edited and searched over HTTP; what is refused, and with which words."""
import json
from urllib.parse import quote

import pytest

from conftest import Api
from weirserver import Server, until

LIST = "CREATE LIST blocked (card STRING PRIMARY KEY, reason STRING)"
RULE = "CREATE RULE hit AS SELECT id, card FROM payments WHERE card IN LIST blocked"
CSV = {"headers": {"content-type": "text/csv"}}


def make(api, sql=LIST, **more):
    return api.call("POST", "/lists", 201, "List", json={"sql": sql}, **more)


def bulk(api, items, name="blocked", status=200, **params):
    return api.call("POST", f"/lists/{name}/items:bulk", status, "ListEdited", json=items, params=params)


def csv(api, text, name="blocked", status=200, **params):
    return api.call("POST", f"/lists/{name}/items:bulk", status, "ListEdited", data=text.encode(), params=params, **CSV)


def items(api, name="blocked", **params):
    return api.call("GET", f"/lists/{name}/items", 200, "ListItemPage", params=params)


def keys(api, name="blocked", **params):
    return [i["key"] for i in items(api, name, **params)["data"]]


def changes(api, name="blocked", **params):
    return api.call("GET", f"/lists/{name}/changes", 200, "ListChangePage", params=params)["data"]


def eventually(found, want):
    until(f"{want} is found", lambda: found() == want, 20)


def test_an_item_is_put_changed_and_taken_out_with_who_and_why(api):
    made = make(api)
    assert made["key"] == "card" and made["items"] == 0 and made["rules"] == []
    put = api.call("PUT", "/lists/BLOCKED/items/c%201%2F2", 200, "ListItem", json={"reason": "stolen"},
                   params={"by": "ann", "reason": "alt_1", "expires_in": "30d"})
    assert put["key"] == "c 1/2" and put["values"] == {"card": "c 1/2", "reason": "stolen"}
    assert put["by"] == "ann" and put["reason"] == "alt_1" and put["expires_at"] > put["added"]
    changed = api.call("PATCH", "/lists/blocked/items/c%201%2F2", 200, "ListItem", json={"reason": None})
    assert changed["values"]["reason"] is None and changed["expires_at"] == put["expires_at"]
    assert changed["by"] is None
    kept = api.call("PATCH", "/lists/blocked/items/c%201%2F2", 200, "ListItem", json={},
                    params={"expires_in": "never"})
    assert kept["expires_at"] is None and kept["values"] == changed["values"]
    api.call("DELETE", "/lists/blocked/items/c%201%2F2", 204, params={"by": "bob", "reason": "found"})
    api.problem("DELETE", "/lists/blocked/items/c%201%2F2", 404, "not-found")
    api.problem("GET", "/lists/blocked/items/c%201%2F2", 404, "not-found")
    api.problem("PATCH", "/lists/blocked/items/c%201%2F2", 404, "not-found", json={"reason": "x"})
    told = [(c["what"], c["by"], c["reason"], c["added"], c["removed"], c["changed"], c["keys"]) for c in changes(api)]
    key = ["c 1/2"]
    assert told == [("edit", "bob", "found", 0, 1, 0, key), ("edit", None, None, 0, 0, 1, key),
                    ("edit", None, None, 0, 0, 1, key), ("edit", "ann", "alt_1", 1, 0, 0, key)]


def test_a_bulk_is_taken_whole(api):
    make(api)
    assert bulk(api, ["c1", {"card": "c2", "reason": "x"}, "c1"]) == {"added": 2, "removed": 0, "changed": 0}
    assert bulk(api, ["c2", "c3"], mode="keep") == {"added": 1, "removed": 0, "changed": 0}
    assert items(api)["data"][1]["values"] == {"card": "c2", "reason": "x"}
    assert bulk(api, ["c2"]) == {"added": 0, "removed": 0, "changed": 1}
    assert bulk(api, [{"card": "c1", "more": 1}, "c9"], mode="remove") == {"added": 0, "removed": 1, "changed": 0}
    assert bulk(api, ["c2", "c4"], mode="replace", by="sync") == {"added": 1, "removed": 1, "changed": 0}
    assert keys(api) == ["c2", "c4"]
    problem = api.problem("POST", "/lists/blocked/items:bulk", 422, "invalid-item", json=["c5", {"reason": "no key"}])
    assert "item 2" in problem["detail"] and "card" in problem["detail"]
    assert keys(api) == ["c2", "c4"] and changes(api)[0]["what"] == "replace"
    lines = api.call("POST", "/lists/blocked/items:bulk", 200, "ListEdited", data='"c5"\n{"card":"c6"}\n',
                     headers={"content-type": "application/x-ndjson"})
    assert lines["added"] == 2


def test_csv_has_a_header_or_has_none(api):
    make(api)
    assert csv(api, 'c1\n"c, 2",why\r\nc3,"a ""b"""\n\n')["added"] == 3
    assert [i["values"] for i in items(api)["data"]] == [
        {"card": "c, 2", "reason": "why"}, {"card": "c1", "reason": None}, {"card": "c3", "reason": 'a "b"'}]
    assert csv(api, '\ufeffreason,CARD\n,c4\n"",c5\n')["added"] == 2
    assert api.call("GET", "/lists/blocked/items/c4", 200)["values"]["reason"] is None
    assert api.call("GET", "/lists/blocked/items/c5", 200)["values"]["reason"] == ""
    assert csv(api, "card\nc1\nc3\n", mode="remove")["removed"] == 2
    for text, words in [("card,reson\nc,1\n", "line 1: list blocked has no column 'reson'"),
                        ("c1,a,b\n", "line 1: the line has 3 fields"), ('c1\n"c2\n', "line 2: a quoted field is not"),
                        ('c1\nc2,"a"b\n', "line 2: something stands behind"), ("card\nc1\n,\n", "line 3"),
                        (",x\n", "line 1: field 'card'"), ("card,card\nc,c\n", "'card' twice")]:
        problem = api.problem("POST", "/lists/blocked/items:bulk", 422, "invalid-item", data=text.encode(), **CSV)
        assert words in problem["detail"], problem["detail"]
    api.problem("POST", "/lists/blocked/items:bulk", 422, "invalid-item", data=b"c1\n\xff\xfe\n", **CSV)
    assert keys(api) == ["c, 2", "c4", "c5"]


def test_keys_of_every_type_are_found_by_any_text_of_theirs(api):
    for name, type_, texts, shown in [("n", "BIGINT", ["007", "7"], "7"), ("d", "DECIMAL(18,2)", ["1234567890123456.5"],
                                      "1234567890123456.50"), ("f", "DOUBLE", ["2.50"], "2.5"), ("b", "BOOLEAN", ["TRUE"], "true"),
                                      ("t", "TIMESTAMP(3)", ["2026-01-02 03:04:05"], "2026-01-02T03:04:05.000Z")]:
        make(api, f"CREATE LIST {name} (k {type_} PRIMARY KEY)")
        for text in texts:
            assert api.call("PUT", f"/lists/{name}/items/{quote(text, safe='')}", 200, "ListItem", json={})["key"] == shown
        assert keys(api, name) == [shown]
        assert csv(api, "\n".join(texts), name) == {"added": 0, "removed": 0, "changed": 0}
        api.problem("GET", f"/lists/{name}/items/neither", 400, "bad-parameter")
        problem = api.problem("POST", f"/lists/{name}/items:bulk", 422, "invalid-item", data=b"neither", **CSV)
        assert "line 1: field 'k' must be" in problem["detail"]
        api.call("DELETE", f"/lists/{name}/items/{quote(texts[0], safe='')}", 204)


def test_items_are_paged_and_searched(api):
    make(api)
    csv(api, "".join(f"c{i:03},{'odd' if i % 2 else 'EVEN 100%'}\n" for i in range(120)))
    got, after = [], None
    while True:
        page = items(api, limit=50, **({"after": after} if after else {}))
        got += [i["key"] for i in page["data"]]
        after = page["page"]["next"]
        if not page["page"]["has_more"]:
            break
    assert got == [f"c{i:03}" for i in range(120)]
    assert keys(api, contains="even", limit=1000) == got[::2]
    assert keys(api, contains="100%", limit=1000) == got[::2]
    assert keys(api, contains="C11") == [f"c11{i}" for i in range(10)]
    assert keys(api, contains="_") == []
    api.problem("GET", "/lists/blocked/items?limit=0", 400, "bad-parameter")
    api.problem("GET", "/lists/blocked/items?contain=x", 400, "bad-parameter")


def test_sql_makes_lists_and_puts_items_in(api):
    made = make(api, LIST + "; INSERT INTO blocked VALUES ('c1', 'x'), ('c2', NULL);")
    assert made["items"] == 2
    again = make(api, "INSERT INTO blocked VALUES ('c1', 'other'), ('c3', 'y')")
    assert again["items"] == 3 and items(api)["data"][0]["values"]["reason"] == "x"
    api.problem("POST", "/lists", 409, "already-exists", json={"sql": LIST})
    more = make(api, "CREATE OR REPLACE LIST blocked (since TIMESTAMP(3), card STRING PRIMARY KEY)")
    assert more["items"] == 3 and [c["name"] for c in more["columns"]] == ["since", "card"]
    api.problem("POST", "/lists", 409, "conflict", json={"sql": "CREATE OR REPLACE LIST blocked (card BIGINT PRIMARY KEY)"})
    for sql, code in [("CREATE LIST l (k STRING)", "invalid-list"), ("INSERT INTO bloked VALUES (1)", "invalid-list"),
                      ("CREATE STREAM s (ts TIMESTAMP(3), WATERMARK FOR ts AS ts)", "invalid-list"), ("", "invalid-list"),
                      ("INSERT INTO blocked VALUES (NULL, 7)", "invalid-list")]:
        api.problem("POST", "/lists", 422, code, json={"sql": sql})
    api.create_stream()
    api.problem("POST", "/lists", 409, "already-exists", json={"sql": "CREATE LIST payments (k STRING PRIMARY KEY)"})
    api.problem("POST", "/streams", 409, "already-exists",
                json={"sql": "CREATE STREAM blocked (ts TIMESTAMP(3), WATERMARK FOR ts AS ts)"})


def test_a_list_that_a_rule_reads_stays(api):
    api.create_stream()
    problem = api.problem("POST", "/rules", 422, "invalid-rule", json={"sql": RULE.replace("blocked", "bloked")})
    assert "no list bloked" in problem["detail"]
    make(api)
    api.create_rule(RULE)
    api.create_rule(RULE.replace("hit", "other").replace("IN LIST", "NOT IN LIST"))
    assert [r["name"] for r in api.call("GET", "/lists/blocked", 200, "List")["rules"]] == ["hit", "other"]
    problem = api.problem("DELETE", "/lists/blocked", 409, "conflict")
    assert "read by 2 rules: hit, other" in problem["detail"]
    for rule in ("hit", "other"):
        api.call("DELETE", f"/rules/{rule}", 204)
    api.call("DELETE", "/lists/blocked", 204)
    api.problem("GET", "/lists/blocked", 404, "not-found")
    assert api.call("GET", "/lists", 200, "ListPage")["data"] == []
    assert make(api)["items"] == 0


def test_in_list_is_refused_where_there_is_no_row(api):
    api.create_stream()
    make(api)
    window = "FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY card, window_start"
    for sql in (f"SELECT card, COUNT(*) AS n {window} HAVING card IN LIST blocked",
                f"SELECT card, card IN LIST blocked AS b {window}"):
        problem = api.problem("POST", "/rules", 422, "invalid-rule", json={"sql": sql, "name": "w"})
        assert "sums of a window" in problem["detail"]
        assert problem["errors"][0]["code"] == "unsupported" and problem["errors"][0]["line"] == 1
    api.create_rule(f"SELECT card, COUNT(*) FILTER (WHERE card IN LIST blocked) AS n {window}", "w")


@pytest.mark.parametrize("path, kind, body, status, code", [
    ("items:bulk", "application/json", b"{", 422, "invalid-item"), ("items:bulk", "application/json", b"", 422, "invalid-item"),
    ("items:bulk", "application/json", b"[[[[", 422, "invalid-item"), ("items:bulk", "application/json", b'["a",]', 422, "invalid-item"),
    ("items:bulk", "application/json", b'[{"card":"a","card":7}]', 422, "invalid-item"),
    ("items:bulk", "application/json", b'["a\\u0000b"]', 422, "invalid-item"), ("items:bulk", "application/json", b"[null]", 422, "invalid-item"),
    ("items:bulk", "application/json", b'["' + b"k" * 2000 + b'"]', 422, "invalid-item"),
    ("items:bulk", "application/json", b'["a"}]', 422, "invalid-item"), ("items:bulk", "text/plain", b"a", 415, "unsupported-media-type"),
    ("items:bulk?mode=drop", "application/json", b"[]", 400, "bad-parameter"),
    ("items:bulk?expires_in=soon", "application/json", b"[]", 400, "bad-parameter"),
    ("items:bulk?expires_at=2020-01-01", "application/json", b"[]", 400, "bad-parameter"),
    ("items:bulk?expires_in=1d&expires_at=2099-01-01", "application/json", b"[]", 400, "bad-parameter"),
    ("items:bulk?by=" + "x" * 1001, "application/json", b"[]", 400, "bad-parameter"),
    ("items:bulk", "text/csv", b'"', 422, "invalid-item"), ("items:bulk", "text/csv", b"a," * 300, 422, "invalid-item"),
    ("items:bulk", "text/csv", b"a\x00b\n", 422, "invalid-item")])
def test_hostile_bodies_are_told_what_is_wrong_and_change_nothing(api, path, kind, body, status, code):
    make(api)
    bulk(api, ["kept"])
    api.problem("POST", f"/lists/blocked/{path}", status, code, data=body, headers={"content-type": kind})
    api.problem("PUT", "/lists/blocked/items/x", 400, "bad-json", data=b"[1]", headers={"content-type": "application/json"})
    api.problem("PUT", "/lists/blocked/items/x", 422, "invalid-item", data=b'{"reason":}', headers={"content-type": "application/json"})
    api.problem("PUT", "/lists/nowhere/items/x", 404, "not-found", json={})
    assert keys(api) == ["kept"]
    api.alive()


def test_limits_are_told_with_their_options(tmp_path):
    with Server(tmp_path, "--max-lists", "1", "--max-list-items", "3", "--max-list-edits", "4") as server:
        api = Api(server)
        api.create_stream()
        make(api)
        problem = api.problem("POST", "/lists", 422, "list-full", json={"sql": "CREATE LIST l (k STRING PRIMARY KEY)"})
        assert "--max-lists" in problem["detail"]
        bulk(api, ["a", "b", "c"])
        problem = api.problem("PUT", "/lists/blocked/items/d", 422, "list-full", json={})
        assert "--max-list-items" in problem["detail"]
        api.create_rule(RULE)
        bulk(api, ["a", "b"], mode="remove")
        bulk(api, ["a", "b"])
        problem = api.problem("DELETE", "/lists/blocked/items/c", 422, "list-full")
        assert "--max-list-edits" in problem["detail"] and "CREATE OR REPLACE RULE" in problem["detail"]
        assert api.call("GET", "/lists/blocked", 200, "List")["edits_kept"] == 4
        api.create_rule(RULE.replace("CREATE", "CREATE OR REPLACE"))
        api.call("DELETE", "/lists/blocked/items/c", 204)
        assert api.call("GET", "/lists/blocked", 200, "List")["edits_kept"] == 1
        text = server.session.get(server.url + "/metrics", timeout=30).text
        assert 'weir_list_items{list="blocked"} 2' in text and 'weir_list_edits_kept{list="blocked"} 1' in text


def test_an_item_goes_when_its_time_is_over_and_that_is_an_edit(api):
    api.create_stream()
    make(api)
    api.create_rule(RULE)
    api.call("PUT", "/lists/blocked/items/c1", 200, "ListItem", json={}, params={"expires_in": "300 ms", "by": "ann"})
    api.call("PUT", "/lists/blocked/items/c2", 200, "ListItem", json={}, params={"expires_in": "1d"})
    api.post([{"id": "e1", "card": "c1", "ts": 1}, {"id": "e2", "card": "c2", "ts": 2}])
    eventually(lambda: keys(api), ["c2"])
    api.post([{"id": "e3", "card": "c1", "ts": 3}, {"id": "e4", "card": "c2", "ts": 4}])
    eventually(lambda: sorted(a["row"]["id"] for a in api.call("GET", "/alerts", 200)["data"]), ["e1", "e2", "e4"])
    assert changes(api)[0]["what"] == "expiry" and changes(api)[0]["keys"] == ["c1"]


def test_a_file_of_statements_is_loaded_once(tmp_path):
    path = tmp_path / "load.sql"
    path.write_text(LIST + ";\nINSERT INTO blocked VALUES ('c1', NULL), ('c2', NULL);\n")
    for first in (True, False):
        with Server(tmp_path, "--load", str(path)) as server:
            api = Api(server)
            assert keys(api) == (["c1", "c2"] if first else ["c2"])
            if first:
                api.call("DELETE", "/lists/blocked/items/c1", 204)


def test_many_items_are_there_after_a_start(tmp_path):
    n = 60_000  # several messages to each worker
    with Server(tmp_path, workers=2) as server:
        api = Api(server)
        api.create_stream()
        make(api)
        api.create_rule(RULE)
        assert csv(api, "\n".join(f"card-{i:032}" for i in range(n)))["added"] == n
    with Server(tmp_path, workers=3) as server:
        api = Api(server)
        api.post([{"id": f"e{i}", "card": f"card-{i:032}", "ts": i} for i in (0, n - 1, n)])
        eventually(lambda: sorted(a["row"]["id"] for a in api.call("GET", "/alerts", 200)["data"]), ["e0", f"e{n - 1}"])
        assert json.dumps(api.call("GET", "/lists", 200, "ListPage")["data"][0]["items"]) == str(n)
