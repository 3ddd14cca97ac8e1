# SPDX-License-Identifier: Apache-2.0
"""A `weir serve` of a test's own: real processes, a free port, conditions with deadlines."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import requests

TESTS = pathlib.Path(__file__).resolve().parent.parent
WEIR = os.environ.get("WEIR") or str(TESTS.parent / "weir")
QUERIES = TESTS / "bench" / "queries"
EXPECTED = json.loads((TESTS / "bench" / "expected.json").read_text())["results"]["200000"]
STREAM = (QUERIES / "payments.sql").read_text()
SLOW = float(os.environ.get("SLOW") or 1)  # how many times longer things may take: sanitizers (see the Makefile)
SECONDS = 50 * SLOW
BLOCK = 2000

_pause = threading.Event()


def sanitized():
    """A sanitizer's shadow and red zones are several times what weir takes itself."""
    return any(name in pathlib.Path(WEIR).read_bytes() for name in (b"__asan_init", b"__tsan_init"))


def until(what, reached, seconds=SECONDS / SLOW):
    """The first true answer of reached(); asked again and again until the deadline."""
    end = time.monotonic() + seconds * SLOW
    while True:
        answer = reached()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        _pause.wait(0.02)


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, IndexError):
        return False


class Server:
    def __init__(self, folder, *options, workers=2):
        self.data, self.log = folder / "data", folder / "serve.log"
        self.options = ["--workers", str(workers), *options]
        self.process = None
        self.start()

    def start(self):
        """Starts on the same data folder as before."""
        seen = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            self.process = subprocess.Popen([WEIR, "serve", "--data", self.data, "--port", "0", *self.options],
                                            stdout=out, stderr=out)
        found = until("the server listens", lambda: self.said("url=", seen))
        self.url = found.group(1).rstrip("/")
        self.session = requests.Session()
        until("the workers run", lambda: self.session.get(self.url + "/readyz", timeout=5).status_code == 200)

    def said(self, key, since=0):
        text = self.log.read_bytes()[since:].decode(errors="replace")
        assert self.process.poll() is None, f"the server ended by itself:\n{text[-3000:]}"
        return re.search(re.escape(key) + r'"?([^ "\n]+)', text)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(SECONDS)
        said = self.log.read_text(errors="replace")
        assert code in (0, -signal.SIGKILL), said[-3000:]
        # A worker that a sanitizer ended is started again, so that the test itself may not notice.
        fault = re.search(r"Sanitizer: |: runtime error: ", said)
        assert not fault, said[max(0, fault.start() - 500):fault.start() + 6000]

    def kill(self):
        self.process.kill()
        self.process.wait(SECONDS)

    def kill_worker(self, which=0):
        """SIGKILL to a worker, once all run, and until the server has seen it: a second one cannot meet the dead."""
        def running():
            now = self.workers()
            return all(w["state"] == "running" for w in now) and [w["pid"] for w in now]
        pids, before = until("all workers run", running), len(self.get("/workers")["exceptions"])
        os.kill(pids[which % len(pids)], signal.SIGKILL)
        until("its death is seen", lambda: len(self.get("/workers")["exceptions"]) > before)

    def get(self, path):
        answer = self.session.get(self.url + "/api/v1" + path, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body=None, **more):
        return self.session.post(self.url + "/api/v1" + path, json=body, timeout=30, **more)

    def create(self, *queries, stream=STREAM):
        if stream is not None:
            answer = self.post("/streams", {"sql": stream})
            assert answer.status_code == 201, answer.text
        for query in queries:
            answer = self.post("/rules", {"sql": (QUERIES / f"{query}.sql").read_text()})
            assert answer.status_code == 201, answer.text

    def post_lines(self, lines, partition=0, stream="payments", session=None):
        for at in range(0, len(lines), BLOCK):
            block = b"".join(lines[at:at + BLOCK])
            url = f"{self.url}/api/v1/streams/{stream}/events?partition={partition}"
            answer = until("intake takes events", lambda block=block, url=url: self._post_block(url, block, session))
            assert answer.status_code == 202, answer.text

    def _post_block(self, url, block, session):
        answer = (session or self.session).post(url, data=block, timeout=30,
                                                headers={"content-type": "application/x-ndjson"})
        return None if answer.status_code == 429 else answer

    def finish(self, stream="payments"):
        answer = self.post(f"/streams/{stream}:finish")
        assert answer.status_code == 200, answer.text

    def partitions(self, stream="payments"):
        return self.get(f"/streams/{stream}")["partitions"]

    def metric(self, name):
        text = self.session.get(self.url + "/metrics", timeout=30).text
        return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1))

    def workers(self):
        return self.get("/workers")["data"]

    def alerts_by_rule(self):
        return {rule["name"]: rule["alerts"] for rule in self.get("/rules")["data"]}

    def pages(self, path):
        """All elements of a list, page by page."""
        found, after = [], ""
        while True:
            page = self.get(f"{path}?limit=500{after}")
            found += page["data"]
            if not page["page"]["has_more"]:
                return found
            after = f"&after={page['page']['next']}"

    def alert_ids(self):
        found = [alert["id"] for alert in self.pages("/alerts")]
        assert len(found) == len(set(found))
        return set(found)

    def settled(self):
        """Finished, all taken, nothing on its way between workers, every result stored: the alerts by rule."""
        def snapshot():
            workers = self.workers()
            if not all(p["finished"] and p["taken"] == p["end"] for p in self.get("/watermarks")["data"]):
                return None
            if any(w["state"] != "running" or w["rows_waiting"] or w["watermark"] for w in workers):
                return None
            if sum(w["frames_out"] for w in workers) != sum(w["frames_in"] for w in workers):
                return None
            if self.metric("weir_results_waiting_bytes") != 0:
                return None
            return self.alerts_by_rule(), [(w["attempt"], w["rows_in"], w["results"]) for w in workers]

        def same():
            before = snapshot()
            if before is not None:
                _pause.wait(0.6)  # a worker's next word
            return before if before is not None and before == snapshot() else None

        return until("all events have been worked off", same)[0]
