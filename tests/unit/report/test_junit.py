from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml
from xmlschema import XMLSchema

from smoke_gate.evidence import Evidence
from smoke_gate.message import say
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.junit import junit
from tests.support.matrix import passing_matrix, passing_policy, with_run, without_run
from tests.unit.report.judgements import HOSTILE, in_experiment, judgement

SCHEMA = Path(__file__).parents[2] / "fixtures" / "jenkins-junit.xsd"


@cache
def schema() -> XMLSchema:
    return XMLSchema(SCHEMA)


def written(evidence: Evidence | None = None, **overrides: Any) -> str:
    return "".join(junit(judgement(passing_policy(**overrides), evidence)))


def suites(text: str) -> dict[str, Any]:
    """The suites as another program reads them, once they hold to the schema and to their own counts."""
    schema().validate(text)
    read = JUnitXml.fromstring(text.encode())
    found: dict[str, Any] = {suite.name: suite for suite in read}
    for suite in found.values():
        counts = suite.tests, suite.failures, suite.errors, suite.skipped
        suite.update_statistics()
        assert counts == (suite.tests, suite.failures, suite.errors, suite.skipped)
    assert (read.tests, read.failures) == tuple(
        sum(getattr(suite, count) for suite in found.values()) for count in ("tests", "failures")
    )
    return found


def cases(suite: Any) -> dict[str, Any]:
    found = {case.name: case for case in suite}
    assert len(found) == suite.tests, "every case has a name of its own"
    return found


def facts(suite: Any) -> dict[str, str]:
    return {one.name: one.value for one in suite.properties()}


def test_a_suite_a_gate_and_a_case_a_check():
    """spec: report-junit"""
    found = suites(written())
    assert list(found) == [
        "G0 plan", "G1 definition_hash", "G2 unit_contract", "G3 checkpoints", "G4 figures", "G5 metric_ratio",
        "G6 paired_data", "G7 comparison",
    ]  # fmt: skip
    case = cases(found["G0 plan"])["pair A3/42"]
    assert (case.classname, case.result, case.system_out) == ("smoke-gate.G0 plan", [], None)
    assert sum(suite.failures for suite in found.values()) == 0


def test_the_verdict_is_in_the_properties():
    evidence = with_run(passing_matrix(), "A3/42", params={"pape_definition_hash": None})
    for suite in suites(written(evidence)).values():
        said = facts(suite)
        assert (said["verdict"], said["critical"], said["pending"]) == ("FAIL", "true", "false")
        assert said["headline"].startswith("CRITICAL FAIL")
        assert len(said["evidence_sha256"]) == 64


def test_a_failure_says_what_was_found_expected_and_where():
    evidence = with_run(in_experiment(passing_matrix()), "A3/42", params={"vq_input_unit": "kW/h"})
    suite = suites(written(evidence))["G2 unit_contract"]
    (failure,) = cases(suite)["allowed A3/42 vq_input_unit"].result
    assert failure.type == "allowed"
    assert "kW/h" in failure.message
    assert "found: kW/h" in failure.text
    assert "run: run-A3-42\npage: https://mlflow.example" in failure.text


def test_what_only_warns_is_output_and_no_failure():
    """spec: report-junit"""
    evidence = with_run(passing_matrix(), "B1/42", metrics={"val_loss": "60.0"})
    found = suites(written(evidence))
    assert facts(found["G5 metric_ratio"])["verdict"] == "WARNING"
    assert sum(suite.failures for suite in found.values()) == 0
    warned = [case.system_out for case in found["G5 metric_ratio"] if case.system_out]
    assert len(warned) == 1
    assert warned[0].startswith("WARNING: ")


def test_at_the_threshold_the_same_checks_are_failures():
    evidence = with_run(passing_matrix(), "B1/42", metrics={"val_loss": "60.0"})
    evidence = with_run(evidence, "B0/42", metrics={"val_loss": "60.0"})
    assert suites(written(evidence))["G5 metric_ratio"].failures == 2


def test_a_failing_check_of_a_warning_gate_warns_even_where_another_gate_fails():
    evidence = with_run(passing_matrix(), "B1/42", metrics={"val_loss": "60.0"})
    found = suites(written(without_run(evidence, "A3/42")))
    assert (found["G0 plan"].failures, found["G5 metric_ratio"].failures) == (1, 0)


def test_what_is_off_is_skipped():
    suite = suites(written(gates={"checkpoints": {"enabled": "false", "reason": "no disk"}}))[
        "G3 checkpoints"
    ]
    (case,) = suite
    assert case.is_skipped
    assert case.result[0].message == "Off: no disk"
    assert suite.skipped == 1


def test_references_warn_and_waivers_are_told():
    waiver = {"gate": "G3", "cell": "A3", "seed": "42", "reason": "disk full", "expires": "2026-12-31"}
    reference = {"metric": "pape", "low": 1, "high": 2, "n": 1, "source": "a paper"}
    evidence = with_run(passing_matrix(), "A3/42", checkpoints=(), manifest=None)
    found = suites(written(evidence, waivers=[waiver], references=[reference]))
    assert sum(suite.failures for suite in found.values()) == 0
    told = [case.system_out or "" for case in found["G3 checkpoints"]]
    assert any("Accepted by waiver, FAIL before: disk full" in text for text in told)
    assert found["references"].tests == 12
    assert all("a paper" in case.system_out for case in found["references"])
    assert cases(found["waivers"])["G3 disk full"].system_out.startswith("NOTE: accepts ")


def test_a_pending_verdict_has_failures():
    found = suites(written(without_run(passing_matrix(), "A3/42")))
    assert facts(found["G0 plan"])["pending"] == "true"
    assert found["G0 plan"].failures == 1


@pytest.mark.parametrize(
    "value", [HOSTILE, "]]></failure>&amp;", "\x00\x1b\ufffe\U0001ffff\u2028", "한국 🧪"]
)
def test_foreign_text_is_text(value: str):
    evidence = with_run(passing_matrix(), "A3/42", params={"vq_input_unit": value})
    text = written(evidence)
    assert suites(text)["G2 unit_contract"].failures >= 1
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


@given(st.text(alphabet=st.characters(exclude_categories=()), min_size=1, max_size=8))
def test_any_text_gives_xml_that_is_well_formed(value: str):
    judged = sound()
    check = replace(
        judged.verdict.checks[0], message=say("{value}", value=value), subject=value, observed=value
    )
    read = JUnitXml.fromstring(
        "".join(junit(replace(judged, verdict=replace(judged.verdict, checks=(check,))))).encode()
    )
    assert sum(suite.tests for suite in read) == 1


@cache
def sound() -> Judgement:
    return judgement()


def test_the_same_judgement_gives_the_same_text():
    assert written() == written()
