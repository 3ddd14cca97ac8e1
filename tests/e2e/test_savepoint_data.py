# SPDX-License-Identifier: Apache-2.0
"""Savepoints that were written once (tests/data/savepoints): this release begins with them and finds what the one that wrote them found."""
import pathlib
import subprocess
import sys

import pytest
import weirserver
from weirserver import Server

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "savepoints"
sys.path.insert(0, str(DATA))
import make  # noqa: E402  # pylint: disable=wrong-import-position

FORMS = sorted(p.parent.name for p in DATA.glob("*/savepoint"))


def test_there_is_one_of_this_release():
    assert "v1" in FORMS


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("workers", [1, 3])
def test_a_server_begins_with_it(tmp_path, form, workers):
    with Server(tmp_path, "--from-savepoint", str(DATA / form / "savepoint"), workers=workers) as server:
        make.post(server, make.EVENTS // 2, make.EVENTS)
        assert make.found(server) == (DATA / form / "alerts.txt").read_text().splitlines()


@pytest.mark.parametrize("form", FORMS)
def test_it_is_inspected(form):
    run = subprocess.run([weirserver.WEIR, "savepoint", "inspect", str(DATA / form / "savepoint")], capture_output=True, text=True,
                         timeout=30, check=True)
    assert sorted(run.stdout.splitlines()) == sorted((DATA / form / "inspect.txt").read_text().splitlines())
