# SPDX-License-Identifier: Apache-2.0
"""The conformance cases: no result may be wrong, and nothing that passed may be lost."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))
import run as conformance  # noqa: E402


@pytest.fixture(scope="module")
def outcomes():
    return {o.name: o for o in conformance.run_all(conformance.load())}


def listed(outcomes, names):
    return "\n".join(f"{outcomes[n].file}:{n}: {outcomes[n].verdict}: {outcomes[n].why}" for n in names)


def test_all_cases_are_there_and_have_names_of_their_own(outcomes):
    cases = conformance.load()
    assert len(cases) == len(outcomes) > 1000


def test_no_case_has_wrong_results(outcomes):
    excepted = conformance.names_of(conformance.EXCEPTIONS)
    wrong = [n for n, o in outcomes.items() if o.verdict == "fail" and n not in excepted]
    assert not wrong, listed(outcomes, wrong)


def test_what_passed_passes(outcomes):
    passing = conformance.names_of(conformance.PASSING)
    assert passing
    lost = [n for n in passing if outcomes[n].verdict != "pass"]
    assert not lost, listed(outcomes, lost)


def test_exceptions_are_still_needed(outcomes):
    healed = [n for n in conformance.names_of(conformance.EXCEPTIONS) if outcomes[n].verdict == "pass"]
    assert not healed, f"take out of exceptions.txt: {healed}"
