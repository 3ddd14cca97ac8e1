# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser on a real server: a rule is typed, checked while typing, and deployed; events come by
HTTP, the alert appears without a reload, its page shows its events, or the results of rules below that made it; every page
is looked at, and no console complains."""
import os
import pathlib
import shutil
import subprocess

import pytest
from weirserver import Server

HERE = pathlib.Path(__file__).resolve().parent
WEB = HERE.parents[1] / "web"
SECONDS = 240
STREAM = """CREATE STREAM payments (
  id STRING NOT NULL, ts TIMESTAMP(3) NOT NULL, card STRING NOT NULL, amount DECIMAL(12,2),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)"""
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"

pytestmark = [
    pytest.mark.skipif(not pathlib.Path(CHROMIUM).exists(), reason="no chromium (make deps)"),
    pytest.mark.skipif(not (WEB / "node_modules" / "playwright-core").exists(), reason="no web/node_modules (make web)"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_typing_a_rule_to_looking_at_its_alert(tmp_path, scheme):
    with Server(tmp_path, "--web", str(WEB / "dist")) as server:
        server.create(stream=STREAM)
        run = subprocess.run(["node", HERE / "dashboard.mjs", server.url, scheme, tmp_path / "pictures"],
                             env=dict(os.environ, CHROMIUM=CHROMIUM), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, timeout=SECONDS, check=False)
        assert run.returncode == 0 and run.stdout.endswith("all seen\n"), run.stdout
        rules = [alert["rule"] for alert in server.pages("/alerts")]
        assert rules.count(f"tried_then_spent_{scheme}") == 1
        assert set(rules) == {f"tried_then_spent_{scheme}", "sums", "growing", "missed"}


def test_any_page_can_be_loaded_by_its_address_and_files_are_cached_by_their_hash(tmp_path):
    with Server(tmp_path, "--web", str(WEB / "dist")) as server:
        index = server.session.get(server.url + "/", timeout=30)
        assert index.status_code == 200 and "text/html" in index.headers["content-type"]
        assert "no-cache" in index.headers["cache-control"]
        for path in ("/rules", "/rules/any_name", "/alerts/alt_x?tab=y", "/dead-letters"):
            assert server.session.get(server.url + path, timeout=30).text == index.text
        scripts = sorted((WEB / "dist" / "assets").glob("index-*.js"))
        assert scripts
        answer = server.session.get(f"{server.url}/assets/{scripts[0].name}", timeout=30)
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
        assert server.session.get(server.url + "/assets/none.js", timeout=30).status_code == 404


def test_nothing_is_fetched_from_another_host():
    """Text of the built files: the only addresses in them are names of XML vocabularies and of licences."""
    for file in sorted((WEB / "dist").rglob("*.*")):
        text = file.read_text()
        for scheme in ("https://", "http://"):
            for found in text.split(scheme)[1:]:
                host = found.split("/")[0].split('"')[0].split("'")[0]
                assert host in {"www.w3.org", "github.com"} or not host[:1].isalnum(), f"{file.name}: {scheme}{found[:60]}"
