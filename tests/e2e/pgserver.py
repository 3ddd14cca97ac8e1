# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of a test's own: Debian's, in a folder of its own, on a Unix socket and a loopback port, gone with the test."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest


def programs():
    """The folder of initdb and postgres, or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


class Postgres:
    def __init__(self, folder):
        self.bin, self.folder, self.process = programs(), pathlib.Path(folder), None
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]

    def _as(self):
        """It refuses to be run by root."""
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}

    def run(self, program, *args, text=None):
        done = subprocess.run([self.bin / program, *args], input=text, capture_output=True, text=True, check=False, timeout=120,
                              cwd=self.folder, **self._as())
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self):
        if not (self.folder / "data").exists():
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
            self.run("initdb", "-D", "data", "-U", "weir", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        log = open(self.folder / "log", "a", encoding="utf-8")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [self.bin / "postgres", "-D", "data", "-k", str(self.folder), "-p", str(self.port), "-h", "127.0.0.1", "-c", "fsync=off"],
            cwd=self.folder, stdout=log, stderr=log, **self._as())
        until = time.monotonic() + 60
        while subprocess.run([self.bin / "pg_isready", "-q", "-h", str(self.folder), "-p", str(self.port), "-U", "weir"],
                             check=False).returncode != 0:
            assert time.monotonic() < until and self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)
        return self

    def stop(self, how=signal.SIGINT):
        if self.process:
            self.process.send_signal(how)
            self.process.wait(60)
        self.process = None

    def sql(self, text):
        return self.run("psql", "-h", str(self.folder), "-p", str(self.port), "-U", "weir", "-d", "postgres", "-qAt", "-v",
                        "ON_ERROR_STOP=1", text=text)

    @property
    def url(self):
        return f"postgresql://weir@127.0.0.1:{self.port}/postgres"


@pytest.fixture(name="postgres", scope="module")
def running_postgres():
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = tempfile.mkdtemp(prefix="weir-pg-")
    server = Postgres(folder)
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
