# SPDX-License-Identifier: Apache-2.0
"""`server`: a running `weir serve` for one test, with its log in the report if the test fails."""
import jsonschema
import pathlib
import pytest
import yaml

from weirserver import WEIR, Server, sanitized

OPENAPI = yaml.safe_load((pathlib.Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml").read_text())
STREAM = """CREATE STREAM payments (
  id STRING NOT NULL, card STRING NOT NULL, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,
  WATERMARK FOR ts AS ts
) WITH ('partitions'='2')"""


def fits(schema, value):
    """Fails with the place and the reason if value is not what docs/openapi.yaml says."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": OPENAPI["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


class Api:
    """A server with its answers held to docs/openapi.yaml."""

    def __init__(self, server):
        self.server, self.url = server, server.url + "/api/v1"

    def call(self, method, path, status=200, schema=None, url=None, **more):
        answer = self.server.session.request(method, (url or self.url) + path, timeout=30, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        assert answer.headers["X-Request-Id"]
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            fits("Problem", answer.json())
        elif schema:
            assert answer.headers["content-type"] == "application/json"
            fits(schema, answer.json())
        return answer.json() if answer.headers.get("content-type", "").endswith("json") else answer

    def problem(self, method, path, status, code, **more):
        problem = self.call(method, path, status, **more)
        assert problem["type"] == f"/problems/{code}" and problem["status"] == status
        page = self.server.session.get(self.server.url + problem["type"], timeout=30)
        assert page.status_code == 200 and "What to do" in page.text
        return problem

    def create_stream(self, sql=STREAM):
        return self.call("POST", "/streams", 201, "Stream", json={"sql": sql})

    def create_rule(self, sql, name=None, **more):
        return self.call("POST", "/rules", 201, "Rule", json={"sql": sql, **({"name": name} if name else {})}, **more)

    def post(self, events, status=202, stream="payments", **params):
        return self.call("POST", f"/streams/{stream}/events", status, "Taken", json=events, params=params)

    def alive(self):
        assert self.server.session.get(self.server.url + "/healthz", timeout=30).text == "ok\n"


@pytest.fixture(params=[2], ids=lambda n: f"workers{n}")
def server(request, tmp_path):
    with Server(tmp_path, workers=request.param) as running:
        request.node.weir_log = running.log
        yield running


@pytest.fixture
def api(server):
    return Api(server)


@pytest.fixture(scope="session")
def plain_memory():
    """For tests that hold memory to a bound."""
    if sanitized():
        pytest.skip(f"{WEIR} is built with a sanitizer, which takes memory of its own")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report, log = outcome.get_result(), getattr(item, "weir_log", None)
    if report.failed and log and log.exists():
        report.sections.append(("log of weir serve", log.read_text(errors="replace")[-6000:]))
