# SPDX-License-Identifier: Apache-2.0
"""What windows cost: many panes against one, and a million open windows. Processor seconds, in one run."""
import json
import os
import pathlib
import subprocess

import pytest

WEIR = os.environ.get("WEIR", "./weir")
STREAM = (pathlib.Path(__file__).resolve().parents[1] / "bench" / "queries" / "payments.sql").read_text()
RUNS = 3
MEGABYTES = 300


def rule(window, having):
    return f"""{STREAM}CREATE RULE r AS SELECT card, window_start, window_end, COUNT(*) AS n, MAX(amount) AS most
  FROM TABLE({window}) WHERE type = 'payment' GROUP BY card, window_start, window_end HAVING {having};"""


def cost(folder, sql, events, *more):
    (folder / "rule.sql").write_text(sql)
    done = subprocess.run([WEIR, "eval", str(folder / "rule.sql"), "--input", str(events), "--output", str(folder / "out"), "--stats",
                           *more], capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


@pytest.mark.parametrize("having", ["COUNT(*) >= 40", "MAX(amount) > 4990 AND COUNT(*) < 3"])
def test_sixty_panes_cost_at_most_twice_one(tmp_path, having):  # but for the results, which are more
    events = tmp_path / "events.jsonl"
    with events.open("wb") as out:
        subprocess.run([WEIR, "gen", "--events", "300000", "--cards", "3000"], stdout=out, stderr=subprocess.DEVNULL, check=True,
                       timeout=120)
    tumble = rule("TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '60' SECOND)", having)
    hop = rule("HOP(TABLE payments, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '60' SECOND)", having)
    ratios = []
    for _ in range(RUNS):
        one = cost(tmp_path, tumble, events)["cpu_s"]
        ratios.append(cost(tmp_path, hop, events)["cpu_s"] / one)
    assert sorted(ratios)[RUNS // 2] <= 2, ratios


@pytest.mark.parametrize("window", [
    "TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '1' HOUR)",
    "HOP(TABLE payments, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR)",
    "SESSION(TABLE payments PARTITION BY card, DESCRIPTOR(ts), INTERVAL '1' HOUR)"])
@pytest.mark.usefixtures("plain_memory")
def test_a_million_open_windows_fit(tmp_path, window):
    sql = f"""{STREAM}CREATE RULE r AS SELECT card, COUNT(*) AS n FROM TABLE({window})
  GROUP BY card, window_start, window_end HAVING COUNT(*) > 100;"""
    events = tmp_path / "events.jsonl"
    with events.open("w") as out:
        for i in range(1000001):  # the last one lets all others go into their windows
            ts = 1700000000000 + (i // 50 if i < 1000000 else 60000)
            out.write(f'{{"id":"e","ts":{ts},"card":"c{i}","type":"payment"}}\n')
    stats = cost(tmp_path, sql, events, "--no-end")
    assert stats["state_bytes"] > 100 << 20  # they are there
    assert stats["max_rss_bytes"] <= MEGABYTES * 1000 * 1000, stats
