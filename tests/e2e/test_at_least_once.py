# SPDX-License-Identifier: Apache-2.0
"""--checkpoint-mode at-least-once, with kills: nothing is lost, what comes again has the ids of the first time, and what counts
events may count those between the barriers twice, never less than once."""
import collections
import json
import random

import crashing
from weirserver import until

KILLS = 4


def by_key(found, rule, *key):
    """The row of each result of a rule, by what its id is made from."""
    return {tuple(f["row"][k] for k in key) + (f["time"],): f["row"] for f in found if f["rule"] == rule}


def test_nothing_is_lost_and_what_comes_again_is_known(tmp_path):
    dice = random.Random(11)
    crashes = crashing.Crashes(tmp_path, dice, options=["--checkpoint-mode", "at-least-once"])
    try:
        while sum(crashes.kills.values()) < KILLS:
            until("events are on their way", crashes.source.wrote_more)
            crashes.kill_one()
        crashes.finish()
        server = crashes.server
        alerts = server.pages("/alerts")
        assert len({a["id"] for a in alerts}) == len(alerts)
        expected = crashing.evaluated(tmp_path, crashes.source.taken)
        # A filter tells of each event: the same ones, each once in the store, each at least once in the sink.
        told = collections.Counter(json.dumps(a["row"]) for a in alerts if a["rule"] == "filter")
        assert told == collections.Counter(json.dumps(f["row"]) for f in expected if f["rule"] == "filter")
        until("the sink has all of them", lambda: set(told) <= {json.dumps(line["row"]) for line in crashing.lines(server)
                                                                if line["rule"] == "filter"})
        stored = {a["id"] for a in alerts}
        assert all(line["id"] in stored for line in crashing.lines(server))
        # Counts are those of eval, or more.
        for rule, key, counts in (("per_card", ("card",), "n"), ("often", ("id",), "n")):
            mine, theirs = by_key(alerts, rule, *key), by_key(expected, rule, *key)
            assert theirs and set(theirs) <= set(mine), rule
            assert all(mine[k][counts] >= row[counts] for k, row in theirs.items()), rule
        assert "the workers begin from a checkpoint" in crashes.log()
    finally:
        crashes.source.ending.set()
        crashes.server.stop()
