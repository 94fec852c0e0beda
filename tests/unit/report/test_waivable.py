from dataclasses import replace

import pytest
import yaml
from pydantic import ValidationError

from smoke_gate.evidence import Evidence
from smoke_gate.gates.base import Check, Status
from smoke_gate.hashing import canonical_json, sha256_hex
from smoke_gate.message import say
from smoke_gate.policy.model import Waiver
from smoke_gate.report.markdown import markdown
from smoke_gate.report.waivable import waivable
from smoke_gate.verdict import VerdictStatus, evaluate
from smoke_gate.verdict_file.write import fingerprint
from tests.support.matrix import passing_matrix, passing_policy, with_another_attempt, with_run
from tests.unit.report.judgements import HOSTILE, judgement

FAILING = with_run(passing_matrix(), "A3/42", checkpoints=(), params={"vq_input_unit": HOSTILE})


def entries(evidence: Evidence) -> str:
    return waivable(evaluate(passing_policy(), evidence), evidence.as_of)


def test_the_entries_accept_exactly_the_failing_checks_once_they_have_a_reason():
    ready = yaml.safe_load(entries(FAILING))["waivers"]
    before = evaluate(passing_policy(), FAILING)
    failing = [check for check in before.checks if check.status is Status.FAIL]
    assert len(ready) == len(failing) > 1

    after = evaluate(passing_policy(waivers=[{**entry, "reason": "known"} for entry in ready]), FAILING)

    assert (before.status, after.status) == (VerdictStatus.FAIL, VerdictStatus.WARNING)
    assert [result.matched for result in after.waivers] == [1] * len(ready)


def test_a_warning_has_an_entry_and_what_is_accepted_has_none():
    evidence = with_another_attempt(
        passing_matrix(), "A3/42", "newer", status="FAILED", start_time=4_000_000_000_000
    )
    (ready,) = yaml.safe_load(entries(evidence))["waivers"]
    assert (ready["gate"], ready["cell"]) == ("G0", "A3")
    after = evaluate(passing_policy(waivers=[{**ready, "reason": "known"}]), evidence)
    assert after.status is VerdictStatus.ALL_PASS
    assert waivable(after, evidence.as_of) == "# There is nothing that a waiver could accept.\n"


def test_an_entry_without_a_reason_is_refused():
    ready = yaml.safe_load(entries(FAILING))["waivers"]
    with pytest.raises(ValidationError, match="reason"):
        passing_policy(waivers=ready)


def test_an_entry_names_everything_and_expires_in_30_days():
    ready = yaml.safe_load(entries(FAILING))["waivers"]
    first = next(entry for entry in ready if entry["gate"] == "G3" and entry["subject"] == "checkpoints")
    assert first == {
        "gate": "G3", "kind": "count", "cell": "A3", "seed": "42", "run_id": "run-A3-42", "subject": "checkpoints",
        "expires": "2026-03-02", "reason": None,
    }  # fmt: skip


def test_what_cannot_be_waived_is_said():
    text = entries(with_run(FAILING, "A3/123", params={"pape_definition_hash": None}))
    assert "# G1 fails too and cannot be waived: fix it.\n" in text
    assert not [entry for entry in yaml.safe_load(text)["waivers"] if entry["gate"] in ("G0", "G1")]


def test_that_nothing_was_judged_cannot_be_waived():
    text = entries(replace(passing_matrix(), attempts=(), runs=()))
    assert "# There is nothing that a waiver could accept.\n" in text
    assert "# G3 fails too and cannot be waived: fix it.\n" in text


def test_there_may_be_nothing():
    assert entries(passing_matrix()) == "# There is nothing that a waiver could accept.\n"


def test_hostile_text_stays_in_its_comment_or_its_scalar():
    evidence = with_run(passing_matrix(), "A3/42", params={"vq_input_unit": "\n- gate: G9\n"})
    assert [entry["gate"] for entry in yaml.safe_load(entries(evidence))["waivers"]] == ["G2", "G2"]


def test_hostile_text_starts_no_workflow_command_and_is_the_same_again():
    subject = "##[error]x"
    verdict = evaluate(passing_policy(), FAILING)
    checks = tuple(
        replace(check, subject=subject, message=say("{hostile}", hostile=f"::error::x {subject}"))
        if check.waivable
        else check
        for check in verdict.checks
    )
    text = waivable(replace(verdict, checks=checks), FAILING.as_of)
    assert "##[" not in text
    assert {entry["subject"] for entry in yaml.safe_load(text)["waivers"]} == {subject}


# --- the fingerprint --------------------------------------------------------------------------------------------------


def waiver(**facts: str) -> Waiver:
    return Waiver.model_validate({"gate": "G3", "reason": "known", "expires": "2030-01-01", **facts})


def test_the_fingerprint_is_of_the_scope():
    """spec: waiver-fingerprint"""
    scope = {
        "gate": "G3",
        "kind": "count",
        "cell": "A3",
        "seed": None,
        "run_id": None,
        "subject": "checkpoints",
    }
    assert (
        fingerprint(waiver(kind="count", cell="A3", subject="checkpoints"))
        == sha256_hex(canonical_json(scope))[:16]
    )


def test_reason_and_date_do_not_change_it():
    assert fingerprint(waiver(cell="A3")) == fingerprint(
        waiver(cell="A3", reason="else", expires="2031-01-01")
    )


def test_the_scope_changes_it():
    scopes = [
        {},
        {"kind": "A3"},
        {"cell": "A3"},
        {"seed": "A3"},
        {"run_id": "A3"},
        {"subject": "A3"},
        {"gate": "G4"},
    ]
    assert len({fingerprint(waiver(**scope)) for scope in scopes}) == len(scopes)


def test_a_check_and_its_waiver_have_the_same():
    check = Check(
        gate="G3", kind="count", status=Status.FAIL, subject="x", message=say(""), cell="A3", seed="42"
    )
    assert fingerprint(check) == fingerprint(waiver(kind="count", cell="A3", seed="42", subject="x"))


def test_every_output_shows_it():
    """spec: waiver-fingerprint"""
    policy = passing_policy(
        waivers=[{"gate": "G3", "cell": "A3", "reason": "known", "expires": "2030-01-01"}]
    )
    judged = judgement(policy, FAILING)
    name = fingerprint(policy.waivers[0])
    assert judged.document.waivers[0].fingerprint == name
    assert name in markdown(judged)
