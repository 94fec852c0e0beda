import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from smoke_gate.evidence_json import evidence_from_json
from smoke_gate.gates.base import Plugin
from smoke_gate.hashing import canonical_json, sha256_hex
from smoke_gate.policy_file.formats import policy_from_json
from smoke_gate.report.judgement import Judgement
from smoke_gate.typed_json import TypedJsonError
from smoke_gate.verdict import evaluate
from smoke_gate.verdict_file.document import document_form
from smoke_gate.verdict_file.headline import headline
from smoke_gate.verdict_file.schema import made_schema, schema_text, verdict_schema
from smoke_gate.verdict_file.write import document_json, document_text
from tests.support.matrix import (
    passing_matrix,
    passing_policy,
    with_another_attempt,
    with_attempt,
    with_run,
    without_run,
)
from tests.unit.report.judgements import HOSTILE, judgement

KEYS = [
    "schema", "verdict", "critical", "pending", "headline", "created_at", "tool", "context", "source", "policy",
    "policy_sha256", "evidence", "evidence_sha256", "summary", "gates", "checks", "attempts", "unidentified",
    "references", "waivers", "pictures",
]  # fmt: skip
REFERENCES = [{"metric": "pape", "low": 9, "high": 10, "n": 1, "source": "Kim 2024"}]
WAIVERS = [
    {"gate": "G3", "cell": "A4", "reason": HOSTILE, "expires": "2030-01-01"},
    {"gate": "G5", "reason": "old", "expires": "2020-01-01"},
]


def hostile() -> Judgement:
    policy = passing_policy(plan={"cells": {"B0": {}, HOSTILE: {}}, "seeds": ["42", HOSTILE]})
    evidence = passing_matrix(["B0", HOSTILE], ["42", HOSTILE], ())
    evidence = with_run(
        evidence, f"{HOSTILE}/42", params={"pape_definition_hash": HOSTILE}, metrics={HOSTILE: "NaN"}
    )
    return judgement(policy, with_attempt(evidence, "B0/42", start_time=10**15, commit=HOSTILE))


DOCUMENTS: dict[str, Callable[[], Judgement]] = {
    "all pass": judgement,
    "references": lambda: judgement(passing_policy(references=REFERENCES)),
    "fail": lambda: judgement(evidence=with_run(passing_matrix(), "A3/42", checkpoints=())),
    "critical": lambda: judgement(
        evidence=with_run(passing_matrix(), "A3/42", params={"pape_definition_hash": None})
    ),
    "pending": lambda: judgement(
        evidence=with_attempt(passing_matrix(), "A3/42", status="RUNNING", end_time=None)
    ),
    "nothing found": lambda: judgement(evidence=replace(passing_matrix(), attempts=(), runs=())),
    "waivers": lambda: judgement(
        passing_policy(waivers=WAIVERS), with_run(passing_matrix(), "A4/42", checkpoints=(), manifest=None)
    ),
    "basic": lambda: judgement(passing_policy(profile="basic")),
    "no seeds": lambda: judgement(passing_policy(runs={"seed": "none"}, plan={"seeds": []})),
    "hostile": hostile,
}


@pytest.fixture(params=list(DOCUMENTS))
def judged(request) -> Judgement:
    return DOCUMENTS[request.param]()


def problems(document: Mapping[str, Any]) -> list[str]:
    return [error.message for error in Draft202012Validator(verdict_schema()).iter_errors(document)]


def test_a_document_is_what_its_schema_says(judged):
    """spec: verdict-file-schema"""
    assert problems(json.loads(document_text(judged.document))) == []


def test_it_has_exactly_the_keys_in_order(judged):
    document = document_json(judged.document)
    assert list(document) == KEYS
    assert [gate["id"] for gate in document["gates"]] == ["G0", "G1", "G2", "G3", "G4", "G5", "G6", "G7"]


def test_a_replay_from_the_file_gives_the_same(judged):
    document = json.loads(document_text(judged.document))
    policy, evidence = policy_from_json(document["policy"]), evidence_from_json(document["evidence"])
    again = judgement(policy, evidence)
    assert document_text(again.document) == document_text(judged.document)
    assert document["headline"] == headline(evaluate(policy, evidence), policy, evidence)


def test_the_hash_is_of_the_evidence_as_written(judged):
    """spec: verdict-file-hashes"""
    document = json.loads(document_text(judged.document))
    assert sha256_hex(canonical_json(document["evidence"])) == document["evidence_sha256"]


def test_the_facts_around_it():
    document = document_json(judgement().document)
    assert document["created_at"] == "2026-01-31T12:30:15Z"
    assert document["tool"] == {"name": "smoke-gate", "version": "1.2.3", "image_digest": None}
    assert document["source"] == {
        "tracking_uri": "https://mlflow.example",
        "experiments": [{"id": "1", "name": "stage05"}],
        "policy_file": None,
        "workspace": None,
    }
    assert document["context"]["pull_request"] == 7
    assert [one["path"] for one in document["pictures"]["drawn"]] == ["ratio.png"]
    assert document["summary"]["planned"] == document["summary"]["found"] == 12


def test_every_attempt_at_a_planned_pair_is_there():
    """spec: verdict-file-schema"""
    evidence = with_another_attempt(
        passing_matrix(), "A3/42", "killed", status="KILLED", seed="042", commit=None
    )
    attempts = judgement(evidence=evidence).document.attempts
    assert len(attempts) == 13
    own = [attempt for attempt in attempts if (attempt.cell, attempt.seed) == ("A3", "42")]
    assert [(attempt.run_id, attempt.status, attempt.selected) for attempt in own] == [
        ("run-A3-42", "FINISHED", True),
        ("killed", "KILLED", False),
    ]
    assert own[0].start_time == "2023-11-14T22:20:20.000Z"


def test_a_pair_without_a_run_has_no_attempt():
    attempts = judgement(evidence=without_run(passing_matrix(), "A3/42")).document.attempts
    assert len(attempts) == 11


def test_a_check_has_no_internal_key():
    (check, *_) = document_json(judgement().document)["checks"]
    assert list(check) == [
        "gate", "kind", "status", "run_id", "cell", "seed", "subject", "message", "observed", "expected", "waived",
            "table",
    ]  # fmt: skip


def test_a_waiver_says_what_it_did():
    used, expired = DOCUMENTS["waivers"]().document.waivers
    assert (used.state, used.matched, used.reason, used.seed) == ("used", 2, HOSTILE, None)
    assert (expired.state, expired.matched) == ("expired", 0)


def test_the_same_judgement_gives_the_same_bytes():
    """spec: verdict-file-schema"""
    assert document_text(judgement().document) == document_text(judgement().document)
    assert document_text(judgement().document).endswith("}\n")


# --- the schema -------------------------------------------------------------------------------------------------------


def test_a_check_an_attempt_and_a_run_have_a_line_each():
    document = judgement().document
    lines = document_text(document).splitlines()
    written = [json.loads(line.rstrip(",")) for line in lines if line.startswith("{") and line != "{"]
    parts = document_json(document)
    runs, attempts = parts["evidence"]["runs"], parts["evidence"]["attempts"]
    for entry in [*parts["checks"], *parts["attempts"], *runs, *attempts]:
        assert entry in written
    assert lines[0] == "{"
    assert lines[1] == f' "schema": "{parts["schema"]}",'
    assert json.loads("\n".join(lines)) == parts


def test_the_shipped_schema_is_what_the_types_say():
    """After a change: python -m smoke_gate.verdict_file.schema > src/smoke_gate/schemas/verdict.json."""
    assert json.loads(schema_text()) == verdict_schema() == made_schema()


def test_it_is_a_schema():
    Draft202012Validator.check_schema(verdict_schema())


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every description of an object whose keys are known."""
    if isinstance(node, dict):
        if "properties" in node and node.get("type") == "object":
            yield node
        for part in node.values():
            yield from objects(part)
    elif isinstance(node, list):
        for part in node:
            yield from objects(part)


def test_every_key_is_required_and_no_other_allowed():
    """spec: verdict-file-schema"""
    found = list(objects(verdict_schema()))
    assert len(found) > 20
    for part in found:
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False


WRONG = [
    lambda document: document.update(extra=1),
    lambda document: document.pop("pictures"),
    lambda document: document.update(verdict="PASS"),
    lambda document: document.update(schema="smoke-gate/verdict/v2"),
    lambda document: document.update(evidence_sha256="ab"),
    lambda document: document.update(created_at="yesterday"),
    lambda document: document["gates"][0].update(id="g0"),
    lambda document: document["gates"][0].update(plugin="smoke-gate-extra"),
    lambda document: document["gates"][0].update(status="ERROR"),
    lambda document: document["checks"][0].update(at_once=True),
    lambda document: document["attempts"][0].update(start_time=1),
    lambda document: document["summary"].update(failed=-1),
    lambda document: document["source"].update(password="x"),
]
WRONG_EVIDENCE = [
    lambda document: document["evidence"]["runs"][0].pop("params"),
    lambda document: document["evidence"]["runs"][0]["metrics"].update(pape=1.0),
]


@pytest.mark.parametrize("change", WRONG + WRONG_EVIDENCE)
def test_what_is_not_a_verdict_is_refused_by_the_schema(change):
    document = document_json(judgement().document)
    change(document)
    assert problems(document)


@pytest.mark.parametrize("change", WRONG)
def test_what_is_not_a_verdict_is_refused_by_the_reader(change):
    document = document_json(judgement().document)
    change(document)
    with pytest.raises(TypedJsonError):
        document_form().read(json.loads(json.dumps(document)), most=1)


def test_a_document_comes_back_as_it_was(judged):
    assert document_form().read(json.loads(document_text(judged.document)), most=1) == judged.document


def test_a_gate_of_a_plugin_stands_in_the_file_with_its_package():
    """spec: plugin-section"""
    gate = judgement().document.gates[0]
    other = replace(gate, id="LEAK2", name="leaks", plugin=Plugin(name="smoke-gate-leaks", version="1.0"))
    document = replace(judgement().document, gates=(gate, other))
    assert problems(document_json(document)) == []
    assert document_form().read(json.loads(document_text(document)), most=1) == document
    assert document_json(document)["gates"][1]["plugin"] == {"name": "smoke-gate-leaks", "version": "1.0"}
    assert document_json(document)["gates"][0]["plugin"] is None
