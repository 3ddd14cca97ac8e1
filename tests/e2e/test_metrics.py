# SPDX-License-Identifier: Apache-2.0
"""Metrics, their document, alert rules and dashboard name the same things."""
import json
import pathlib
import re

import pytest
import yaml
from weirserver import Server, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = ROOT / "examples" / "monitoring"
STREAM = """CREATE STREAM t (k STRING, x STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)"""
NAME = re.compile(r"\bweir_[a-z_]+")


def documented():
    text = (ROOT / "docs" / "metrics.md").read_text()
    return dict(re.findall(r"^\| `(weir_[a-z_]+)` \| (\w+) \|", text, re.M))


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("metrics"), "--memory-total", "1 GiB", workers=2) as server:
        for path, sql in [("/streams", STREAM), ("/lists", "CREATE LIST l (k STRING PRIMARY KEY)"),
                          ("/sinks", "CREATE SINK f WITH ('connector'='file','path'='o','format'='json')"),
                          ("/rules", "CREATE RULE q AS SELECT k, x FROM t WHERE x = 'a'")]:
            answer = server.post(path, {"sql": sql})
            assert answer.status_code == 201, answer.text
        server.post_lines([b'{"k":"a","x":"a","ts":1000}\n'], stream="t")
        server.post("/checkpoints")
        until("there is a checkpoint", lambda: server.metric("weir_checkpoints_completed_total") > 0)
        return server.session.get(server.url + "/metrics", timeout=30).text


def test_each_metric_that_is_shown_is_documented_with_its_kind(shown):
    there = dict(re.findall(r"^# TYPE (weir_[a-z_]+) (\w+)$", shown, re.M))
    assert len(there) > 80
    known = documented()
    assert {n: k for n, k in there.items() if known.get(n) != k} == {}


def test_each_metric_that_is_documented_is_written_somewhere():
    sources = "".join(f.read_text() for f in (ROOT / "server").rglob("*.c"))
    assert [n for n in documented() if f'"{n.removeprefix("weir_")}"' not in sources and f"# TYPE {n} " not in sources] == []


def test_each_shown_line_has_a_help_and_a_kind(shown):
    names = set(re.findall(r"^# HELP (weir_[a-z_]+) \S", shown, re.M))
    for name in re.findall(r"^(weir_[a-z_]+)", shown, re.M):
        assert name in names or re.sub("_(sum|count|bucket)$", "", name) in names, name


def expressions():
    for group in yaml.safe_load((MONITORING / "weir-alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            assert {"alert", "expr", "for", "labels", "annotations"} == set(rule), rule
            assert rule["labels"]["severity"] in ("warning", "critical") and rule["annotations"]["summary"]
            yield rule["alert"], rule["expr"]
    dashboard = json.loads((MONITORING / "weir-grafana.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def test_alert_rules_and_the_dashboard_name_metrics_that_there_are():
    known, used = documented(), 0
    for what, expr in expressions():
        names = NAME.findall(expr)
        used += len(names)
        assert names and [n for n in names if n not in known] == [], f"{what}: {expr}"
        assert expr.count("(") == expr.count(")") and expr.count("{") == expr.count("}"), expr
        for o in re.findall(r'weir_limit\{option="([a-z-]+)"', expr):
            assert f"| `{o}` |" in (ROOT / "docs" / "CONFIGURATION.md").read_text(), f"{what}: there is no option {o}"
        for n in re.findall(r"(?:rate|increase)\((weir_[a-z_]+)", expr):
            assert known[n] == "counter", f"{what}: {n} is no counter"
    assert used > 50


def test_the_panels_of_the_dashboard_do_not_overlap():
    taken = set()
    for panel in json.loads((MONITORING / "weir-grafana.json").read_text())["panels"]:
        g = panel["gridPos"]
        cells = {(x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
        assert g["x"] + g["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
