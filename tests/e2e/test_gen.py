# SPDX-License-Identifier: Apache-2.0
"""weir gen: the stream is reproducible and has the frauds that it says; posting keeps to the server's pace."""
import collections
import http.server
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse

import pytest

WEIR = os.environ.get("WEIR") or os.path.join(os.path.dirname(__file__), "..", "..", "weir")
FIELDS = ["id", "ts", "type", "card", "account", "merchant", "mcc", "country", "channel", "amount", "currency",
          "status", "device"]


def gen(*options, **kw):
    return subprocess.run([WEIR, "gen", *map(str, options)], capture_output=True, text=True, check=False, timeout=60,
                          **kw)


def planted(run):
    return {k: int(v) for k, v in re.findall(r"(\w+) (\d+)", run.stderr.split("planted:")[1])}


@pytest.fixture(scope="module")
def stream():
    run = gen("--events", 200000)
    assert run.returncode == 0
    return [json.loads(x) for x in run.stdout.splitlines()], planted(run)


def test_each_event_has_all_fields_and_an_id_of_its_own(stream):
    events, _ = stream
    assert len(events) == 200000
    assert all(list(e) == FIELDS for e in events)
    assert len({e["id"] for e in events}) == 200000
    assert {e["channel"] for e in events} == {"pos", "ecom", "atm"}


def test_events_are_out_of_order_by_the_disorder_but_for_the_late_ones(stream):
    events, told = stream
    latest, beyond = 0, 0
    for e in events:
        beyond += e["ts"] < latest - 2000
        latest = max(latest, e["ts"])
    assert 50 < told["late"] < 160
    assert told["late"] - 15 <= beyond <= told["late"]


def test_the_usual_payment_looks_like_one(stream):
    events, _ = stream
    amounts = sorted(e["amount"] for e in events if e["type"] == "payment")
    assert 23 < amounts[len(amounts) // 2] < 26             # exp(3.2)
    declined = sum(e["status"] == "declined" for e in events) / len(events)
    assert 0.028 < declined < 0.035
    most = collections.Counter(e["card"] for e in events).most_common(1)[0][1]
    assert 1500 < most < 3500                               # of 200,000, on 20,000 cards


def test_the_frauds_that_it_says_are_there(stream):
    events, told = stream
    by_card = collections.defaultdict(list)
    for e in sorted(events, key=lambda e: (e["ts"], e["id"])):
        by_card[e["card"]].append(e)
    testing = unconfirmed = 0
    for card in by_card.values():
        small = 0
        for e in card:
            if e["status"] == "declined" and e["amount"] < 2:
                small += 1
            elif small >= 3 and e["status"] == "approved" and e["amount"] > 500:
                testing += 1
                small = 0
        for i, e in enumerate(card):
            if e["channel"] == "ecom" and e["amount"] >= 1000 and e["type"] == "payment" and e["mcc"] == 5944:
                unconfirmed += not any(x["type"] == "confirm" and x["ts"] < e["ts"] + 300000 for x in card[i:])
    assert told["testing"] <= testing <= told["testing"] * 1.3 + 10
    assert told["unconfirmed"] <= unconfirmed <= told["unconfirmed"] * 1.5 + 20
    for kind in ("travel", "velocity", "confirmed"):
        assert told[kind] > 20


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    a, b, c = gen("--events", 5000), gen("--events", 5000), gen("--events", 5000, "--seed", 8)
    assert a.stdout == b.stdout != c.stdout


def test_a_shorter_stream_without_disorder_begins_a_longer_one():
    a, b = gen("--events", 1000, "--disorder", 0, "--late", 0), gen("--events", 3000, "--disorder", 0, "--late", 0)
    assert b.stdout.startswith(a.stdout)
    times = [json.loads(x)["ts"] for x in a.stdout.splitlines()]
    assert times == sorted(times)


def test_a_million_events_take_no_second_of_processor_time():
    before = os.times()
    with open(os.devnull, "w", encoding="utf-8") as null:
        assert subprocess.run([WEIR, "gen", "--events", "1000000"], stdout=null, stderr=null, check=False).returncode == 0
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    assert seconds < 1.0


def test_wrong_options_are_refused_with_the_reason():
    for options, words in [(["--events", "x"], "--events: 'x' is not a whole number"),
                           (["--cards", "0"], "from 1 to"), (["--bogus"], "weir gen --help"),
                           (["more"], "'more' is no option"), (["--partitions", "2"], "need --url")]:
        run = gen(*options)
        assert run.returncode == 2 and words in run.stderr and run.stdout == ""


def test_a_reader_that_goes_away_ends_it_quietly():
    with subprocess.Popen([WEIR, "gen"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        p.stdout.readline()
        p.stdout.close()
        assert p.wait(10) == 0
        assert b"planted" in p.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_live_stream_with_the_summary(number):
    start = time.time()
    with subprocess.Popen([WEIR, "gen", "--live", "--rate", "200", "--disorder", "100"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as p:
        time.sleep(1.5)
        p.send_signal(number)
        out, err = p.communicate(timeout=10)
    assert p.returncode == 0 and "planted:" in err
    times = [json.loads(x)["ts"] / 1000 for x in out.splitlines()]
    assert 100 < len(times) < 400
    assert start - 1 < min(times) and max(times) < time.time() + 0.1


def test_the_rate_is_kept():
    start = time.monotonic()
    run = gen("--events", 1000, "--rate", 1000)
    assert len(run.stdout.splitlines()) == 1000
    assert 0.8 < time.monotonic() - start < 3


class Intake(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        s = self.server
        lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
        s.requests += 1
        s.connections.add(self.client_address)
        status, headers = 202, {}
        if s.refuse and s.requests % 3 == 2:
            status, headers = s.refuse, {"Retry-After": "1"} if s.refuse == 429 and s.requests < 3 else {}
        else:
            where = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("partition", ["-"])[0]
            s.taken[where].extend(lines)
        body = json.dumps({"accepted": len(lines), "rejected": 0} if status == 202 else {"detail": "no"}).encode()
        self.send_response(status)
        for k, v in dict(headers, **{"Content-Length": str(len(body))}).items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def intake():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Intake)
    server.requests, server.refuse, server.connections = 0, None, set()
    server.taken = collections.defaultdict(list)
    server.url = f"http://127.0.0.1:{server.server_address[1]}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_posts_go_over_one_connection_to_the_partitions_in_turn(intake):
    run = gen("--events", 5000, "--url", intake.url, "--partitions", 2, "--batch", 500)
    assert run.returncode == 0 and "accepted 5000, rejected 0" in run.stderr
    assert len(intake.connections) == 1 and intake.requests == 10
    plain = gen("--events", 5000).stdout.encode().splitlines()
    assert intake.taken["0"] == plain[0::2] and intake.taken["1"] == plain[1::2]


@pytest.mark.parametrize("status", [429, 503])
def test_what_is_refused_for_now_is_sent_again_after_a_while(intake, status):
    intake.refuse = status
    start = time.monotonic()
    run = gen("--events", 3000, "--url", intake.url, "--batch", 1000, "--partition", 3)
    assert run.returncode == 0 and "accepted 3000" in run.stderr
    assert intake.taken["3"] == gen("--events", 3000).stdout.encode().splitlines()
    assert status != 429 or time.monotonic() - start > 0.9          # Retry-After: 1


def test_a_signal_still_sends_what_is_waiting(intake):
    with subprocess.Popen([WEIR, "gen", "--live", "--rate", "300", "--url", intake.url], stderr=subprocess.PIPE,
                          text=True) as p:
        time.sleep(1.5)
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=10)
    told = int(re.search(r"(\d+) events", err)[1])
    assert p.returncode == 0 and told == int(re.search(r"accepted (\d+)", err)[1]) == len(intake.taken["0"]) > 100


def test_what_is_refused_for_good_ends_it_with_the_servers_words(intake):
    intake.refuse = 404
    run = gen("--events", 3000, "--url", intake.url)
    assert run.returncode == 2 and "404: no" in run.stderr
