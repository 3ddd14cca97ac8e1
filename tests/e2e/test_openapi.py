# SPDX-License-Identifier: Apache-2.0
"""docs/openapi.yaml says what the server does: the same routes and parameters. (Answers: conftest.fits, everywhere.)"""
import pathlib
import re

from conftest import OPENAPI

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


def resolve(parameter):
    while "$ref" in parameter:
        node = OPENAPI
        for part in parameter["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        parameter = node
    return parameter


def documented():
    for path, item in OPENAPI["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            parameters = [resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
            yield method.upper(), path, operation, parameters


def test_routes_and_parameters_are_the_servers(api):
    served = {(r["method"], r["path"]): set(r["query"]) for r in api.call("GET", "", 200, "Routes")["data"]}
    written = {(m, p): {x["name"] for x in ps if x["in"] == "query"} for m, p, _, ps in documented()}
    assert written == served
    for _, path, _, parameters in documented():
        assert {x["name"] for x in parameters if x["in"] == "path"} == set(re.findall(r"{(\w+)}", path))


def test_every_operation_says_what_it_does_and_answers():
    for method, path, operation, _ in documented():
        assert operation["summary"] and operation["responses"], (method, path)


def test_the_page_for_people_has_every_route():
    text = (DOCS / "rest.md").read_text()
    for method, path, _, _ in documented():
        short = path.removeprefix("/api/v1") or "/api/v1"
        assert f"{short}" in text, f"{method} {path} is not in docs/rest.md"
