# SPDX-License-Identifier: Apache-2.0
"""What happens at each memory limit (docs/operations.md): who waits, what is said, what ends it, and that nothing is lost."""
import socket
import subprocess

from weirserver import WEIR, Server, until

MIB = 1 << 20
REFUSALS = 25  # one after the other, 20 ms apart
WINDOW = """CREATE RULE w AS SELECT k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
  GROUP BY k, window_start, window_end"""
GREEDY = """CREATE RULE greedy AS SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES COUNT(*) AS n
  AFTER MATCH NO SKIP PATTERN (A -> B) WITHIN INTERVAL '90' DAY DEFINE A AS x = 'a', B AS x = 'never')"""


def stream(partitions, delay="'1' SECOND"):
    return f"""CREATE STREAM t (k STRING, x STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts - INTERVAL {delay})
  WITH ('partitions'='{partitions}')"""


def windows(rows_of_partitions, keys=100):
    """How many windows of WINDOW have something in them."""
    return len({(i % keys, i // 60) for n in rows_of_partitions for i in range(n)})


def rows(n, first=0, x="a", keys=100):
    return [b'{"k":"k%d","x":"%s","ts":%d}\n' % (i % keys, x.encode(), 1000 * (first + i)) for i in range(n)]


def memory(server, part):
    return server.get("/workers")["memory"][part]


def create(server, stream, *rules):
    for path, sql in [("/streams", stream)] * (stream is not None) + [("/rules", r) for r in rules]:
        answer = server.post(path, {"sql": sql})
        assert answer.status_code == 201, answer.text


def post_until_refused(server, lines, partition=lambda n: 0, blocks=2000):
    """Posts lines(n) for n = 0, 1, 2 …; how many were taken before 429 for good, not just until the workers are there."""
    for n in range(blocks):
        url = f"{server.url}/api/v1/streams/t/events?partition={partition(n)}"
        body, refused = b"".join(lines(n)), 0

        def taken(url=url, body=body):
            nonlocal refused
            answer = server.session.post(url, data=body, timeout=60, headers={"content-type": "application/x-ndjson"})
            refused += answer.status_code == 429
            assert answer.status_code == 202 or int(answer.headers["retry-after"]) >= 1, answer.text
            return answer.status_code if answer.status_code == 202 or refused == REFUSALS else None
        if until("taken or refused for good", taken) == 429:
            return n
    raise AssertionError("never refused")


def waits(server):
    return {w["waits_for"] for w in server.workers()}


def test_rows_that_wait_for_a_silent_partition_stay_within_their_budget(tmp_path):
    with Server(tmp_path, "--memory-ordering", "16 MiB", "--max-backlog", "20000") as server:
        create(server, stream(2), WINDOW)
        blocks = post_until_refused(server, lambda n: rows(2000, 2000 * n))
        until("it is said why", lambda: "ordering" in waits(server) or memory(server, "ordering")["used_bytes"] > 8 * MIB)
        used = memory(server, "ordering")["used_bytes"]
        print(f"ordering: {blocks * 2000} rows taken, {used / MIB:.1f} MiB wait")
        assert 4 * MIB < used <= 16 * MIB
        for wait in ("accepted", "durable"):
            refused = server.session.post(f"{server.url}/api/v1/streams/t/events?wait={wait}", data=rows(1)[0], timeout=60,
                                          headers={"content-type": "application/x-ndjson"})
            assert refused.status_code == 429 and refused.headers["retry-after"] == "1"
        later = rows(blocks * 2000 // 2)
        server.post_lines(later, partition=1, stream="t")  # it is what the others wait for: it is let in
        server.post_lines(rows(2000, 2000 * blocks), partition=0, stream="t")  # … and so they go on
        assert all(w["state"] == "running" and w["attempt"] == 1 for w in server.workers())
        server.finish("t")
        assert server.settled()["w"] == windows([(blocks + 1) * 2000, len(later)])
        assert memory(server, "ordering")["used_bytes"] < 4 * MIB


def test_one_partition_that_makes_too_much_wait_ends_the_workers_with_what_to_do(tmp_path):
    with Server(tmp_path, "--memory-ordering", "8 MiB", "--restart-strategy", "none", "--max-backlog", "10000000",
                workers=1) as server:
        create(server, stream(1, "'30' DAY"), WINDOW)
        for n in range(400):
            if server.get("/workers")["restart"]["given_up"]:
                break
            server.post_lines(rows(2000, 2000 * n), stream="t")
        down = until("given up", lambda: server.get("/workers")["restart"]["given_up"] and server.get("/workers")["restart"])
        assert "memory-ordering" in down["why"] and "WATERMARK" in down["why"]


def test_state_at_its_limit_stops_the_sources_until_a_rule_goes(tmp_path):
    with Server(tmp_path, "--memory-state", "8 MiB", "--max-backlog", "20000") as server:
        create(server, stream(2), WINDOW, GREEDY)
        blocks = post_until_refused(server, lambda n: rows(2000, 2000 * (n // 2)), partition=lambda n: n % 2)
        until("it is said why", lambda: "state" in waits(server))
        used = memory(server, "state")["used_bytes"]
        print(f"state: {blocks * 2000} rows taken, {used / MIB:.1f} MiB of 8")
        assert 4 * MIB <= used <= 16 * MIB  # what was under way is still taken in
        assert all(w["attempt"] == 1 for w in server.workers())
        assert server.log.read_text().count("state fills its budget") >= 1
        assert server.session.delete(server.url + "/api/v1/rules/greedy", timeout=60).status_code < 300
        until("sources go on", lambda: all(p["taken"] == p["end"] for p in server.partitions("t")))
        server.finish("t")
        assert server.settled()["w"] == windows([p["end"] for p in server.partitions("t")])


def test_a_slow_catalogue_holds_the_workers_and_no_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("WEIR_FAULT", "alerts.store:1:delay=100")
    everything = "CREATE RULE everything AS SELECT k, x FROM t WHERE x = 'a'"
    n = 60000
    with Server(tmp_path, "--memory-exchange", "4 MiB", "--heartbeat-timeout", "2 s") as server:
        create(server, stream(2), everything)
        for p in range(2):
            server.post_lines(rows(n // 2), partition=p, stream="t")
        most, full, waited = 0, 0, set()
        while server.alerts_by_rule()["everything"] < n:
            now = server.get("/workers")
            most = max(most, now["memory"]["exchange"]["used_bytes"])
            full = max(full, now["memory"]["resident_bytes"])
            waited |= {w["waits_for"] for w in now["data"]}
        results = [c for c in server.get("/workers")["channels"] if c["to"] == "coordinator"]
        print(f"slow catalogue: exchange {most / MIB:.2f} MiB of 4, resident {full / MIB:.0f} MiB; "
              f"results made workers wait {[c['blocked_ms'] for c in results]} ms")
        assert "channel" in waited and sum(c["blocked_ms"] for c in results) > 0
        assert most <= 6 * MIB  # a step may overdraw
        assert all(w["attempt"] == 1 for w in server.workers())  # they could be heard all the time
        assert server.alerts_by_rule()["everything"] == n


def test_refused_rows_that_come_faster_than_they_are_kept_are_answered_429(tmp_path, monkeypatch):
    monkeypatch.setenv("WEIR_FAULT", "alerts.store:1:delay=500")
    with Server(tmp_path, "--memory-exchange", "2 MiB") as server:
        create(server, stream(2))
        bad = b'{"k":"' + b"x" * 1000 + b'","ts":"never"}\n'
        url = f"{server.url}/api/v1/streams/t/events"
        answers = [server.session.post(url, data=bad * 500, timeout=60, headers={"content-type": "application/x-ndjson"})
                   for _ in range(20)]
        assert {a.status_code for a in answers} == {207, 429}
        assert server.metric("weir_results_waiting_bytes") < 3 * MIB
        until("there is room again", lambda: server.session.post(
            url, data=rows(1)[0], timeout=60, headers={"content-type": "application/x-ndjson"}).status_code == 202)


def test_options_that_cannot_be_met_are_refused_at_the_start(tmp_path):
    for options, says in [(["--memory-total", "100 MiB"], "workers need at least"),
                          (["--memory-total", "1 GiB", "--memory-state", "1 GiB"], "memory-total is 1024 MiB"),
                          (["--memory-exchange", "1 KiB"], "memory-exchange is 1 KiB")]:
        run = subprocess.run([WEIR, "serve", "--data", tmp_path / "data", "--port", "0", "--workers", "2", *options],
                             capture_output=True, text=True, timeout=60)
        assert run.returncode != 0 and says in run.stdout + run.stderr, run.stderr


def test_bodies_that_come_in_together_have_a_bound(tmp_path):
    """Forty clients are in the midst of 5 MiB each; 20 MiB is what all may hold."""
    with Server(tmp_path, "--memory-intake", "8 MiB", "--max-body", "10 MiB", "--request-timeout", "60 s") as server:
        create(server, stream(2))
        port = int(server.url.rsplit(":", 1)[1])
        body = b"".join(rows(1000)) + b"\n" * (5 * MIB)
        head = (f"POST /api/v1/streams/t/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode()
        clients = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(40)]
        most = 0
        for c in clients:
            try:
                c.sendall(head + body[:-1])  # all but the last byte
            except OSError:
                pass
            most = max(most, server.metric("weir_http_bodies_waiting_bytes"))
        until("some are refused", lambda: server.metric("weir_http_bodies_refused_total") >= 30)
        answers = []
        for c in clients:
            try:
                c.sendall(body[-1:])
            except OSError:
                pass
            answer = b""
            try:
                while b"\r\n\r\n" not in answer:
                    piece = c.recv(65536)
                    if not piece:
                        break
                    answer += piece
            except OSError:
                pass
            answers.append(answer)
            c.close()
        taken = sum(a.startswith(b"HTTP/1.1 202") for a in answers)
        refused = [a for a in answers if a.startswith(b"HTTP/1.1 429")]
        print(f"bodies: {taken} taken, {len(refused)} answered 429, most {most / MIB:.1f} MiB of 20")
        assert taken >= 3 and len(refused) >= 20 and taken + len(refused) == 40
        assert all(b"retry-after: 1" in a.lower() for a in refused)
        assert most <= 26 * MIB
        assert sum(p["end"] for p in server.partitions("t")) == taken * 1000
        until("none is left", lambda: server.metric("weir_http_bodies_waiting_bytes") < MIB)
        assert server.session.get(server.url + "/healthz", timeout=10).status_code == 200


def test_memory_near_the_total_holds_clients_and_backtests_and_nobody_dies(tmp_path):
    """A list is in no part's budget: it fills what was left, up to the total."""
    with Server(tmp_path, "--memory-total", "216 MiB", "--checkpoint-interval", "0", workers=1) as server:
        create(server, stream(1), WINDOW)
        server.post_lines(rows(100), stream="t")
        total = server.get("/workers")["memory"]
        assert total["total_bytes"] == 216 * MIB and total["level"] == "ok" and server.metric("weir_memory_level") == 0
        assert server.post("/lists", {"sql": "CREATE LIST big (k STRING PRIMARY KEY, v STRING)"}).status_code == 201
        create(server, None, "CREATE RULE listed AS SELECT k, x FROM t WHERE k IN LIST big")
        level = lambda: server.get("/workers")["memory"]["level"]  # noqa: E731
        for n in range(100):
            if level() in ("full", "over"):
                break
            body = "".join(f'{{"k":"key {n} {i}","v":"{"v" * 200}"}}\n' for i in range(20000))
            answer = server.session.post(f"{server.url}/api/v1/lists/big/items:bulk", data=body, timeout=60,
                                         headers={"content-type": "application/x-ndjson"})
            assert answer.status_code == 200, answer.text
        refused = server.session.post(f"{server.url}/api/v1/streams/t/events", data=rows(1)[0], timeout=60,
                                      headers={"content-type": "application/x-ndjson"})
        assert refused.status_code == 429 and "memory-total" in refused.json()["detail"], refused.text
        assert int(refused.headers["retry-after"]) >= 1
        assert server.metric("weir_memory_level") >= 2
        assert server.get("/overview")["memory_level"] in server.session.get(server.url + "/readyz", timeout=10).text
        backtest = server.post("/backtests", {"rule": "w"}).json()["id"]
        until("intake has refused for a while", lambda: server.metric("weir_memory_refusing_seconds_total") > 1)
        assert server.get(f"/backtests/{backtest}")["state"] == "queued"
        assert server.session.delete(server.url + "/api/v1/rules/listed", timeout=60).status_code < 300
        assert server.session.delete(server.url + "/api/v1/lists/big", timeout=60).status_code < 300
        until("memory is given back", lambda: level() == "ok")
        server.post_lines(rows(100, 100), stream="t")
        until("the backtest begins", lambda: server.get(f"/backtests/{backtest}")["state"] != "queued")
        assert all(w["attempt"] == 1 for w in server.workers())
