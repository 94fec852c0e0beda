import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from smoke_gate.evidence import Evidence
from smoke_gate.policy.model import Policy
from smoke_gate.report.predicate import PREDICATE_TYPE, predicate, predicate_text
from tests.support.matrix import passing_matrix, passing_policy, with_run, without_run
from tests.unit.report.judgements import HOSTILE, judgement

DIGEST = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"},
}
RESOURCE_DESCRIPTOR = {  # in-toto Attestation Framework, spec/v1/resource_descriptor.md
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "uri": {"type": "string", "format": "uri"},
        "digest": DIGEST,
        "content": {"type": "string", "contentEncoding": "base64"},
        "downloadLocation": {"type": "string", "format": "uri"},
        "mediaType": {"type": "string"},
        "annotations": {"type": "object"},
    },
    "additionalProperties": False,
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
}
TESTS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
TEST_RESULT = {  # spec/predicates/test-result.md
    "type": "object",
    "properties": {
        "result": {"enum": ["PASSED", "WARNED", "FAILED"]},
        "configuration": {"type": "array", "items": RESOURCE_DESCRIPTOR},
        "url": {"type": "string", "format": "uri"},
        "passedTests": TESTS,
        "warnedTests": TESTS,
        "failedTests": TESTS,
    },
    "required": ["result", "configuration"],
    "additionalProperties": False,
}

PASSING = passing_matrix()
BAD_RATIO = with_run(PASSING, "A3/42", metrics={"val_loss": "99.0"})  # one run: below G5's threshold
NO_CHECKPOINT = with_run(PASSING, "A3/42", checkpoints=(), manifest=None)
WAIVERS = [
    {"gate": "G3", "cell": "A3", "reason": HOSTILE, "expires": "2030-01-01"},
    {"gate": "G5", "reason": "old", "expires": "2020-01-01"},
]
CASES: dict[str, tuple[dict[str, Any], Evidence, str]] = {
    "passed": ({}, PASSING, "PASSED"),
    "warned": ({}, BAD_RATIO, "WARNED"),
    "failed": ({}, NO_CHECKPOINT, "FAILED"),
    "critical": ({}, with_run(PASSING, "A3/42", params={"pape_definition_hash": None}), "FAILED"),
    "missing run": ({}, without_run(PASSING, "A3/42"), "FAILED"),
    "waived": ({"waivers": WAIVERS}, NO_CHECKPOINT, "WARNED"),
    "basic": ({"profile": "basic"}, PASSING, "PASSED"),
    "off the reference": (
        {"references": [{"metric": "pape", "low": 1, "high": 2, "n": 1, "source": "Kim 2024"}]}, PASSING, "WARNED",
    ),
}  # fmt: skip


def predicate_of(evidence: Evidence, policy: Policy | None = None) -> Any:
    return json.loads(predicate_text(judgement(policy, evidence).document))


@pytest.mark.parametrize(("overrides", "evidence", "result"), CASES.values(), ids=CASES)
def test_it_is_what_the_specification_says(overrides, evidence, result):
    """spec: report-predicate"""
    found = predicate_of(evidence, passing_policy(**overrides))
    assert [error.message for error in Draft202012Validator(TEST_RESULT).iter_errors(found)] == []
    assert found["result"] == result
    assert bool(found["failedTests"]) is (result == "FAILED")
    assert bool(found["warnedTests"]) is (result == "WARNED") or result == "FAILED"
    lists = [found["passedTests"], found["warnedTests"], found["failedTests"]]
    assert len(set().union(*lists)) == sum(map(len, lists))


def test_the_policy_is_the_configuration():
    document = judgement().document
    (policy,) = predicate(document)["configuration"]
    assert (policy["name"], policy["digest"]) == ("policy", {"sha256": document.policy_sha256})
    assert policy["annotations"]["tool"] == "smoke-gate 1.2.3"


def test_gates_and_checks_are_tests():
    found = predicate_of(NO_CHECKPOINT)
    assert {"G1 definition_hash", "G1/hash A3/42 pape_definition_hash"} <= set(found["passedTests"])
    assert {"G3 checkpoints", "G3/count A3/42 checkpoints"} <= set(found["failedTests"])


def test_a_failing_check_of_a_gate_that_does_not_fail_is_warned():
    found = predicate_of(BAD_RATIO)
    ratio = [name for name in found["warnedTests"] if name.endswith(" A3/42 val_loss / train_loss")]
    assert [name.partition("/")[0] for name in ratio] == ["G5"]
    assert "G5 metric_ratio" in found["warnedTests"]


def test_what_is_off_is_in_no_list():
    found = predicate_of(PASSING, passing_policy(profile="basic"))
    names = [*found["passedTests"], *found["warnedTests"]]
    assert not [name for name in names if name.startswith("G1")]


def test_waivers_and_references_are_told():
    references = [{"metric": "pape", "low": 1, "high": 2, "n": 1, "source": "Kim 2024", "cells": ["B0"]}]
    found = predicate_of(NO_CHECKPOINT, passing_policy(waivers=WAIVERS, references=references))
    assert {"waiver G3 A3 (used)", "waiver G5 (expired)"} <= set(found["passedTests"])
    assert "reference B0/42 pape" in found["warnedTests"]


def test_an_expired_waiver_warns_while_what_it_names_still_stands():
    expired = {"gate": "G3", "cell": "A3", "reason": "old", "expires": "2020-01-01"}
    found = predicate_of(NO_CHECKPOINT, passing_policy(waivers=[expired]))
    assert "waiver G3 A3 (expired)" in found["warnedTests"]


def test_the_same_verdict_gives_the_same_bytes():
    assert predicate_text(judgement().document) == predicate_text(judgement().document)
    assert PREDICATE_TYPE == "https://in-toto.io/attestation/test-result/v0.1"
