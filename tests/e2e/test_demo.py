# SPDX-License-Identifier: Apache-2.0
"""make demo: one command starts server and traffic, one signal ends both, and the next run goes on from there."""
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 90  # for what takes two of them on a quiet machine


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def processes_of(session):
    """Pids of the session that are not zombies: a leader that nobody has waited for yet is not running."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue  # it ended while we looked
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


class Demo:
    def __init__(self, data, port):
        self.url = f"http://127.0.0.1:{port}"
        env = dict(os.environ, WEIR_DATA=str(data), WEIR_PORT=str(port), WEIR_RATE="1000")
        self.log = open(data.parent / f"{data.name}.log", "ab")
        self.process = subprocess.Popen([ROOT / "tools" / "demo.sh"], env=env, stdout=self.log, stderr=self.log,
                                        start_new_session=True)

    def said(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text(errors="replace")[-4000:]

    def wait_for(self, what, reached):
        """The overview, once reached(it) holds."""
        overview, end = None, time.monotonic() + SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, f"the demo ended by itself:\n{self.said()}"
            try:
                overview = requests.get(f"{self.url}/api/v1/overview", timeout=5).json()
                if reached(overview):
                    return overview
            except requests.RequestException:
                pass  # not listening yet
            time.sleep(0.2)
        raise AssertionError(f"no {what} within {SECONDS} s: {overview}\n{self.said()}")

    def end(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        return self.process.wait(timeout=SECONDS)

    def close(self):
        for pid in processes_of(self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait(timeout=SECONDS)
        self.log.close()


@pytest.fixture
def start(tmp_path):
    demos = []

    def run(name, port):
        demos.append(Demo(tmp_path / name, port))
        return demos[-1]

    yield run
    for demo in demos:
        demo.close()


def test_a_signal_ends_every_process_and_the_next_run_goes_on(start):
    port = free_port()
    demo = start("data", port)
    before = demo.wait_for("alerts", lambda o: o["events_processed"] > 3000 and o["alerts"] > 0)
    assert before["rules"]["active"] > 0
    assert demo.end() == 0, demo.said()
    assert processes_of(demo.process.pid) == []
    with socket.socket() as s:
        assert s.connect_ex(("127.0.0.1", port)) != 0, "somebody still listens"

    again = start("data", port)
    after = again.wait_for("events", lambda o: o["events_processed"] > before["events_processed"])
    assert after["alerts"] >= before["alerts"]
    assert after["rules"] == before["rules"]
    assert again.end(signal.SIGINT) == 0, again.said()
    assert processes_of(again.process.pid) == []


def test_a_server_that_cannot_start_ends_the_demo_with_a_reason(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        demo = start("data", taken.getsockname()[1])
        assert demo.process.wait(timeout=SECONDS) == 1
    assert processes_of(demo.process.pid) == []
    assert "in use" in demo.said()
