from pathlib import Path
from typing import Any

import pytest

from smoke_gate.baseline import HOW_TO, Against, Baseline, BaselineVerdict, against, baseline_in
from smoke_gate.evidence import Evidence
from smoke_gate.message import say
from smoke_gate.policy.model import Policy
from smoke_gate.verdict import evaluate
from smoke_gate.verdict_file.read import Recorded, VerdictFileError
from smoke_gate.verdict_file.write import document_text
from tests.support.matrix import passing_matrix, passing_policy, with_run, without_run
from tests.unit.report.judgements import judgement

CELLS, SEEDS = ["B0", "A3"], ["42", "123"]
PLAN = {"cells": CELLS, "seeds": SEEDS}
LIMITED = passing_policy(plan=PLAN, compare={"max_rise": {"pape": 0.5}})


def matrix(pape: str | None = "8.0", pair: str = "B0/42") -> Evidence:
    return with_run(passing_matrix(CELLS, SEEDS), pair, metrics={"pape": pape})


def recorded(policy: Policy, evidence: Evidence) -> Recorded:
    return Recorded(document=judgement(policy, evidence).document, policy=policy, evidence=evidence)


def held(
    base: Evidence, head: Evidence, policy: Policy = LIMITED, base_policy: Policy | None = None
) -> Against:
    baseline = Baseline(name=say("main"), recorded=recorded(base_policy or policy, base))
    found = against(baseline, policy, head, evaluate(policy, head))
    assert found is not None
    return found


def other(**overrides: Any) -> Policy:
    return passing_policy(**{"plan": PLAN, "compare": {"max_rise": {"pape": 0.5}}, **overrides})


NOWHERE = matrix(None)
for PAIR in ("B0/123", "A3/42", "A3/123"):
    NOWHERE = with_run(NOWHERE, PAIR, metrics={"pape": None})


@pytest.mark.parametrize(
    ("base", "head", "policy", "verdict"),
    [
        (matrix(), matrix(), LIMITED, "PASS"),
        (matrix(), matrix("8.5"), LIMITED, "PASS"),
        (matrix(), matrix("8.51"), LIMITED, "FAIL"),
        (matrix(), matrix("1.0"), LIMITED, "PASS"),
        (matrix(), matrix("99"), other(compare={}), "PASS"),
        (matrix(), matrix("NaN"), LIMITED, "FAIL"),
        (matrix("NaN"), matrix(), LIMITED, "PASS"),
        (NOWHERE, matrix(), LIMITED, "NONE"),  # the limit was held against nothing
        (matrix(), without_run(matrix(), "A3/42"), LIMITED, "NONE"),  # pending
        (matrix(), without_run(matrix("99"), "A3/42"), LIMITED, "FAIL"),  # a finished run is not pending
        (without_run(matrix(), "A3/42"), matrix(), LIMITED, "PASS"),
        (passing_matrix(["C1"], ["7"]), matrix(), LIMITED, "NONE"),  # nothing in common
    ],
)
def test_the_limits_have_a_verdict_of_their_own(base, head, policy, verdict):
    """spec: baseline-own-verdict"""
    before = evaluate(policy, head)
    found = held(base, head, policy)
    assert found.verdict == verdict
    assert (found.why is None) is (verdict != "NONE")
    assert evaluate(policy, head) == before


def test_what_is_not_decided_says_why():
    assert (
        str(held(matrix(), without_run(matrix(), "A3/42")).why)
        == "Not decided yet: 1 planned run not finished."
    )
    assert "no cell and seed has a run in both" in str(held(passing_matrix(["C1"], ["7"]), matrix()).why)
    assert "The limit of pape was not judged" in str(held(NOWHERE, matrix()).why)


def test_a_baseline_of_another_policy_is_said_to_be_one():
    assert not held(matrix(), matrix()).other_policy
    assert not held(
        matrix(), matrix(), base_policy=other(compare={})
    ).other_policy  # the limits decide no verdict
    assert held(matrix(), matrix(), base_policy=other(runs={"commit": "any"})).other_policy


def test_the_baselines_verdict_is_that_of_its_evidence_and_its_findings_are_compared():
    broken = with_run(matrix(), "A3/42", params={"vq_input_unit": "kW"})
    found = held(broken, matrix())
    assert str(found.headline).startswith("FAIL")
    assert found.findings is not None
    assert {check.gate for check in found.findings.fixed} == {"G2"}
    assert not found.findings.new


def test_a_file_that_is_not_there_is_no_baseline_and_one_that_is_broken_is_an_error(tmp_path: Path):
    missing = baseline_in(tmp_path / "main.json")
    assert missing.recorded is None
    assert str(missing.missing) == f"There is no file {tmp_path / 'main.json'}. {HOW_TO}"
    held_against = against(missing, LIMITED, matrix(), evaluate(LIMITED, matrix()))
    assert held_against is not None
    assert held_against.verdict is BaselineVerdict.NONE
    file = tmp_path / "base.json"
    text = document_text(judgement(LIMITED, matrix()).document)
    file.write_text(text)
    assert baseline_in(file).recorded is not None
    with pytest.raises(VerdictFileError, match="is larger than"):
        baseline_in(file, largest=100)
    for broken, words in (
        ("{}", "is not a verdict file"),
        (text.replace('"8.0"', '"7.0"'), "was tampered with"),
    ):
        file.write_text(broken)
        with pytest.raises(VerdictFileError, match=words):
            baseline_in(file)


def test_no_baseline_was_asked_for():
    assert against(None, LIMITED, matrix(), evaluate(LIMITED, matrix())) is None
