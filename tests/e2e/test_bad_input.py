# SPDX-License-Identifier: Apache-2.0
"""What people and programs do wrong: each has a clear answer that says what to do, and the server goes on."""
import os
import pathlib
import socket
import subprocess
import time

import pytest

from conftest import STREAM
from weirserver import WEIR, SECONDS, until

EVENT = {"id": "t0", "card": "c1", "amount": "1.00", "ts": 1_700_000_000_000}


# --- rules ---

@pytest.mark.parametrize("sql, code, says, place", [
    ("SELECT card FROM payments WHERE amout > 1", "unknown-column", "amount", (1, 33)),
    ("SELECT card FROM payment WHERE amount > 1", "unknown-stream", "payments", (1, 18)),
    ("SELECT card FROM payments\nWHERE amount > 'x'", None, "", (2, None)),
    ("SELECT card FROM payments WHERE (amount > 1", None, "", (1, None)),
    ("SELECT LENTGH(card) AS n FROM payments", "unknown-function", "LENGTH", (1, 8)),
    ("SELEC card FROM payments", None, "", (1, 1)),
    ("", None, "", None),
], ids=["column", "stream", "type", "parenthesis", "function", "keyword", "empty"])
def test_a_rule_with_an_error_says_where(api, sql, code, says, place):
    api.create_stream()
    problem = api.problem("POST", "/rules", 422, "invalid-rule", json={"sql": sql, "name": "r"})
    first = problem["errors"][0]
    assert first["message"] and first["severity"] == "error"
    if code:
        assert first["code"] == code
    assert says in (first["hint"] or "") + first["message"]
    if place:
        assert first["line"] == place[0] and place[1] in (None, first["column"])
    assert not api.call("POST", "/rules:validate", 200, "Validation", json={"sql": sql, "name": "r"})["valid"]
    assert api.call("GET", "/rules", 200)["data"] == []
    api.alive()


def test_a_rule_of_a_megabyte(api):
    api.create_stream()
    sql = "SELECT card FROM payments WHERE " + " AND ".join(["amount > 1"] * 80_000)
    problem = api.problem("POST", "/rules", 422, "invalid-rule", json={"sql": sql, "name": "long"})
    assert problem["errors"] and problem["detail"]
    assert not api.call("POST", "/rules:validate", 200, "Validation", json={"sql": sql})["valid"]
    deep = "SELECT card FROM payments WHERE " + "(" * 100_000 + "amount > 1" + ")" * 100_000
    api.problem("POST", "/rules", 422, "invalid-rule", json={"sql": deep, "name": "deep"})
    api.alive()


@pytest.mark.parametrize("body, code, says", [
    ({}, "bad-field", "'sql' is missing"),
    ({"sql": 5}, "bad-field", "'sql' is missing or no text"),
    ({"sql": "SELECT card FROM payments"}, "bad-field", "needs the field 'name'"),
    ({"sql": "SELECT card FROM payments", "name": 5}, "bad-field", "'name' is no text"),
    ({"slq": "SELECT card FROM payments"}, "bad-field", "unknown field 'slq'"),
    ([], "bad-field", "must be a JSON object"),
], ids=str)
def test_a_body_that_is_not_a_rule(api, body, code, says):
    problem = api.problem("POST", "/rules", 422, code, json=body)
    assert says in problem["detail"]


@pytest.mark.parametrize("text, place", [(b"", None), (b"{", (1, 1)), (b'{"sql": "x"} x', (1, None)), (b'{"sql":\n nope}', (2, None)),
                                         (b'{"sql": "\xff"}', None), (b"[" * 100_000, (1, None))], ids=range(6))
def test_a_body_that_is_not_json(api, text, place):
    problem = api.problem("POST", "/rules", 400, "bad-json", data=text, headers={"content-type": "application/json"})
    assert problem["errors"][0]["message"]
    if place:
        assert problem["errors"][0]["line"] == place[0]


def test_statements_in_the_wrong_place(api):
    api.create_stream()
    problem = api.problem("POST", "/streams", 422, "invalid-stream",
                          json={"sql": "CREATE RULE r AS SELECT card FROM payments"})
    assert "POST /api/v1/rules" in problem["hint"]
    api.problem("POST", "/streams", 422, "invalid-stream", json={"sql": STREAM.replace("payments", "a") + ";" + STREAM.replace("payments", "b")})
    api.problem("POST", "/rules", 422, "invalid-rule", json={"sql": STREAM.replace("payments", "c")})
    assert [s["name"] for s in api.call("GET", "/streams", 200)["data"]] == ["payments"]


# --- events ---

@pytest.mark.parametrize("event, code, says", [
    ("7", "not-an-object", "object"),
    ('"text"', "not-an-object", "object"),
    ('{"id":"t0","card":"c1","ts":1700000000000', "not-json", ""),
    ('{"id":"t0","card":"c1"}', "missing-field", "'ts'"),
    ('{"id":"t0","card":null,"ts":1700000000000}', "missing-field", "'card'"),
    ('{"id":"t0","card":"c1","amount":true,"ts":1700000000000}', "wrong-type", "'amount'"),
    ('{"id":"t0","card":5,"ts":1700000000000}', "wrong-type", "'card'"),
    ('{"id":"t0","card":"c1","amount":12345678901.00,"ts":1700000000000}', "out-of-range", "'amount'"),
    ('{"id":"t0","card":"c1","ts":"10000-01-01T00:00:00Z"}', None, "'ts'"),
    ('{"id":"t0","card":"c1","ts":253402300800000}', "time-out-of-range", "'ts'"),
    ('{"id":"t0","card":"c1","ts":99999999999999999999999}', None, "'ts'"),
    ('{"id":"t0","card":"c\xff","ts":1700000000000}', "invalid-utf8", ""),
], ids=range(12))
def test_an_event_that_does_not_fit(api, event, code, says):
    api.create_stream()
    data = event.encode("latin-1")
    json_type = {"content-type": "application/json"}
    problem = api.problem("POST", "/streams/payments/events", 422, "invalid-event", data=data, headers=json_type)
    assert says in problem["detail"] and (code is None or problem["detail"].startswith(code + ":"))
    good = b'{"id":"t1","card":"c1","ts":1700000000000}'
    taken = api.call("POST", "/streams/payments/events", 207, "Taken", data=good + b"\n" + data + b"\n" + good,
                     headers={"content-type": "application/x-ndjson"})
    assert (taken["accepted"], taken["rejected"], [r["index"] for r in taken["rows"]]) == (2, 1, [1])
    letters = until("dead letters", lambda: api.call("GET", "/dead_letters", 200, "DeadLetterPage")["data"])
    assert says in letters[0]["reason"]


@pytest.mark.parametrize("body, line", [(b"[{}, {}", 1), (b'[{},\n{"a":"x]', 2), (b"[{}]]", 1), (b"[{},]", 1), (b"  ", None)], ids=range(5))
def test_an_array_that_is_cut_off_takes_nothing(api, body, line):
    api.create_stream()
    problem = api.problem("POST", "/streams/payments/events", 400, "bad-json", data=body, headers={"content-type": "application/json"})
    if line:
        assert problem["errors"][0]["line"] == line
    assert api.call("GET", "/streams/payments/events", 200)["data"] == []


def test_bodies_past_the_limit(api):
    api.create_stream()
    json_type = {"content-type": "application/json"}
    for size in (10 << 20) + 1, 64 << 20:
        problem = api.problem("POST", "/streams/payments/events", 413, "body-too-large", data=b" " * size, headers=json_type)
        assert "max-body" in problem["detail"]
    api.problem("POST", "/streams/payments/events", 413, "too-many-events", data=b"{}\n" * 10_001,
                headers={"content-type": "application/x-ndjson"})
    huge = b'{"id":"' + b"x" * (2 << 20) + b'","card":"c1","ts":1}'
    assert "event-too-big" in api.problem("POST", "/streams/payments/events", 422, "invalid-event", data=huge, headers=json_type)["detail"]
    api.alive()


def test_events_for_what_is_not_there(api):
    api.create_stream()
    problem = api.problem("POST", "/streams/payment/events", 404, "not-found", json=EVENT)
    assert problem["hint"] == "did you mean 'payments'?"
    assert "from 0 to 1" in api.problem("POST", "/streams/payments/events?partition=2", 400, "bad-parameter", json=EVENT)["detail"]
    assert "durable" in api.problem("POST", "/streams/payments/events?wait=long", 400, "bad-parameter", json=EVENT)["detail"]
    api.call("POST", "/streams/payments:finish?partition=0", 200)
    api.problem("POST", "/streams/payments/events", 409, "stream-finished", json=EVENT)
    api.post(EVENT, partition=1)


# --- HTTP ---

def test_addresses_methods_and_types(api):
    root = api.server.url
    assert api.problem("GET", "/rule", 404, "no-route")["hint"] == "did you mean /api/v1/rules?"
    assert "puase" in api.problem("POST", "/rules/r:puase", 404, "no-route")["detail"]
    api.problem("GET", "/nothing.js", 404, "no-route", url=root)
    answer = api.server.session.put(api.url + "/rules", timeout=30)
    assert answer.status_code == 405 and answer.headers["allow"] == "POST, GET, HEAD"
    problem = api.problem("POST", "/streams/payments/events", 415, "unsupported-media-type", data="{}",
                          headers={"content-type": "application/x-www-form-urlencoded"})
    assert "application/json" in problem["hint"]
    api.problem("POST", "/rules", 415, "unsupported-media-type", data=b"{}")
    assert "it takes: limit after" in api.problem("GET", "/rules?lmit=1", 400, "bad-parameter")["hint"]
    api.problem("GET", "/alerts?limit=501", 400, "bad-parameter")
    api.problem("GET", "/alerts?severity=hgih", 400, "bad-parameter")
    api.problem("GET", "/alerts/alt_nothing", 404, "not-found")
    api.problem("GET", "/rules/%00", 400, "bad-parameter")
    api.problem("POST", "/rules", 403, "cross-origin", json={}, headers={"origin": "http://elsewhere.example"})
    api.problem("POST", "/rules", 422, "bad-field", json={}, headers={"origin": root})
    assert api.server.session.head(root + "/healthz", timeout=30).status_code == 200
    given = api.server.session.get(root + "/healthz", headers={"X-Request-Id": "mine-1"}, timeout=30)
    assert given.headers["X-Request-Id"] == "mine-1"
    odd = api.server.session.get(root + "/healthz", headers={"X-Request-Id": 'a"b c'}, timeout=30)
    assert odd.headers["X-Request-Id"] != 'a"b c'


def talk(api, *parts, wait=0.0):
    """Raw bytes to the server, all that it answers back."""
    port = int(api.server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        for part in parts:
            try:
                s.sendall(part)
            except OSError:
                break  # it has closed already; its answer is still to be read
            time.sleep(wait)
        got = b""
        while True:
            try:
                more = s.recv(65536)
            except OSError:
                return got
            if not more:
                return got
            got += more


@pytest.mark.parametrize("request_, says", [
    (b"POST /api/v1/rules HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n{}", b"/problems/bad-request"),
    (b"POST /api/v1/rules HTTP/1.1\r\nHost: x\r\nContent-Length: 1e3\r\n\r\n{}", b"/problems/bad-request"),
    (b"POST /api/v1/rules HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551617\r\n\r\n{}", b"400"),
    (b"POST /api/v1/rules HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", b"/problems/bad-request"),
    (b"GET / HTTP/9.9\r\n\r\n", b"400"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
    (b"GET /" + b"a" * 500_000 + b" HTTP/1.1\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % i for i in range(200)) + b"\r\n", b"400"),
], ids=range(9))
def test_broken_requests(api, request_, says):
    assert says in talk(api, request_)
    api.alive()


def test_half_requests_are_given_up_and_cost_the_others_nothing(tmp_path):
    from conftest import Api
    from weirserver import Server
    with Server(tmp_path, "--request-timeout", "1 s", "--max-connections", "60") as server:
        api = Api(server)
        port = int(server.url.rsplit(":", 1)[1])
        halves = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(50)]
        for i, s in enumerate(halves):
            s.sendall(b"POST /api/v1/rules HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"[:10 + i])
        began = time.monotonic()
        api.alive()
        assert time.monotonic() - began < 1
        for s in halves:
            assert s.recv(1) == b""
            s.close()


# --- the start ---

def serve(*options, seconds=SECONDS, **more):
    return subprocess.run([WEIR, "serve", *map(str, options)], capture_output=True, text=True, timeout=seconds, **more)


def refuses(*options, says, **more):
    ended = serve(*options, **more)
    assert ended.returncode == 2, ended
    assert says in ended.stderr, ended.stderr


def test_a_port_in_use(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        refuses("--data", tmp_path / "data", "--port", port,
                says=f"port {port} is in use by another process (choose another with --port")
    assert not (tmp_path / "data" / "catalogue.db").exists()


def test_a_data_folder_in_use(server):
    ended = serve("--data", server.data, "--port", 0)
    assert ended.returncode == 2 and "is used by another weir" in ended.stderr and "--data" in ended.stderr
    server.get("/overview")


def test_data_folders_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    refuses("--port", 0, "--data", tmp_path / "file", says="--data")
    refuses("--port", 0, "--data", tmp_path / "file" / "below", says="cannot be made: Not a directory")
    refuses("--port", 0, "--data", "/proc/nowhere", says="cannot be made")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "catalogue.db").write_text("x" * 5000)
    refuses("--port", 0, "--data", broken, says="is damaged or is no SQLite file")


@pytest.mark.skipif(os.getuid() != 0 or not pathlib.Path("/usr/bin/setpriv").exists(), reason="root may write anywhere")
def test_a_data_folder_of_another_user(tmp_path):
    folder = tmp_path / "roots"
    folder.mkdir(mode=0o755)
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.owner() == "root" and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    ended = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", WEIR, "serve", "--port", "0", "--data", folder],
                           capture_output=True, text=True, timeout=SECONDS)
    if ended.returncode == 127:
        pytest.skip("the program cannot be reached by that user")
    assert ended.returncode == 2 and "cannot be written to: Permission denied" in ended.stderr, ended


@pytest.mark.parametrize("options, says", [
    (["--prot", "1"], "did you mean 'port'?"),
    (["--port", "http"], "it must be a whole number from 0 to 65535"),
    (["--port"], "--port has no value"),
    (["--bind", "nowhere.example"], "--bind nowhere.example is no address"),
    (["--bind", "192.0.2.1", "--port", "0"], "does not have the address 192.0.2.1"),
    (["--config", "/nowhere.yaml"], "/nowhere.yaml cannot be read"),
    (["--key-groups", "100"], "must be a power of two"),
    (["--workers", "65"], "from 0 to 64"),
    (["--web", "/nowhere"], "there is no index.html in /nowhere"),
    (["--log-level", "loud"], "it may be debug, info, warn, error"),
], ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_wrong_options(tmp_path, options, says):
    refuses("--data", tmp_path / "data", *options, says=says)


def test_a_file_to_load_with_an_error_creates_nothing(tmp_path):
    file = tmp_path / "rules.sql"
    file.write_text(STREAM + ";\nCREATE RULE r AS SELECT crad FROM payments;\n")
    refuses("--data", tmp_path / "data", "--port", 0, "--load", file, says="line 5, column")
    refuses("--data", tmp_path / "data", "--port", 0, "--load", tmp_path / "none.sql", says="none.sql cannot be read")
    file.write_text(STREAM)
    from weirserver import Server
    with Server(tmp_path, "--load", str(file)) as server:
        assert len(server.get("/streams")["data"]) == 1
