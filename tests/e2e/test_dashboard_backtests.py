# SPDX-License-Identifier: Apache-2.0
"""Backtests in a real browser: from the rule's page over several values to the curve, the alerts and back to the editor."""
import os
import pathlib
import random
import subprocess

import pytest
from test_backtests import FILTER, STREAM, feed
from test_dashboard import CHROMIUM, SECONDS, WEB, pytestmark as needs
from weirserver import Server

HERE = pathlib.Path(__file__).resolve().parent
BEGIN = 1772000000000

pytestmark = needs


def events(n, seed=11):
    """Three days in which fraud is dearer than most; of the last, all is dearer."""
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        fraud = rng.random() < 0.15
        v = rng.choice([4, 6, 7, 8, 9, 9]) if fraud else rng.choice([0, 1, 2, 3, 4, 5, 5, 6, 7, 9])
        v = max(v, 7) if i > 0.8 * n and i % 2 else v
        rows.append({"id": i, "k": f"c{rng.randrange(20)}", "v": v, "fraud": fraud, "ts": BEGIN + 120_000 * i})
    return rows


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_a_rule_over_several_values_to_the_curve_and_back(tmp_path, scheme):
    with Server(tmp_path, "--web", str(WEB / "dist")) as server:
        server.create(stream=STREAM)
        shown = FILTER.replace(' AND k', '\n  AND k').replace(':limit', '8')
        text = f"CREATE RULE f AS\n{shown}"
        assert server.post("/rules", {"sql": text}).status_code == 201
        feed(server, events(2000))
        server.finish("t")
        server.settled()
        run = subprocess.run(["node", HERE / "dashboard_backtests.mjs", server.url, scheme, tmp_path / "pictures"],
                             env=dict(os.environ, CHROMIUM=CHROMIUM), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, timeout=SECONDS, check=False)
        assert run.returncode == 0 and run.stdout.endswith("all seen\n"), run.stdout
