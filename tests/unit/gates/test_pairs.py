"""The messages of G0 about pairs without a run and runs without a pair: how to get what is missing."""

from dataclasses import replace
from typing import Any

import pytest

from smoke_gate.evidence import Evidence
from smoke_gate.gates.base import Check
from smoke_gate.gates.plan import GATE
from tests.support.matrix import (
    MINUTE,
    REGISTERED,
    ask,
    not_passed,
    passing_matrix,
    with_another_attempt,
    with_attempt,
    without_run,
)

LATER = {"start_time": REGISTERED + 1000 * MINUTE}


def of_pair(evidence: Evidence, subject: str = "A3/123", **overrides: Any) -> Check:
    (check,) = [check for check in not_passed(ask(GATE, evidence, **overrides)) if check.subject == subject]
    return check


# --- a pair without a run ---------------------------------------------------------------------------------------------


def test_a_deleted_run_can_be_restored():
    check = of_pair(with_attempt(passing_matrix(), "A3/123", lifecycle_stage="deleted"))
    assert check.message == (
        "No finished run, 1 attempt: deleted (FINISHED). "
        "Restore it (mlflow runs restore --run-id run-A3-123), or run it again."
    )
    assert check.observed == "run-A3-123: deleted"


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "FAILED", "lifecycle_stage": "deleted"},
        {"in_scope": False, "lifecycle_stage": "deleted"},
        {"status": "RUNNING", "lifecycle_stage": "deleted"},
        {"status": "FAILED"},
    ],
)
def test_what_cannot_become_the_run_is_neither_restored_nor_waited_for(facts):
    check = of_pair(with_attempt(passing_matrix(), "A3/123", **facts))
    assert "Run it, or exclude the pair" in check.message


@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED"])
def test_a_run_that_goes_on_may_be_dead(status):
    check = of_pair(with_attempt(passing_matrix(), "A3/123", status=status))
    assert check.message.endswith(
        "Wait for it (--wait). If the process of run-A3-123 is dead, run the pair again: "
        "what it left stays in the ledger as an attempt."
    )
    assert check.observed == f"run-A3-123: {status}"


def test_what_goes_on_comes_before_what_was_deleted():
    evidence = with_attempt(passing_matrix(), "A3/123", lifecycle_stage="deleted")
    evidence = with_another_attempt(evidence, "A3/123", "second", status="RUNNING", **LATER)
    evidence = replace(
        evidence,
        attempts=tuple(
            replace(one, lifecycle_stage="active") if one.run_id == "second" else one
            for one in evidence.attempts
        ),
    )
    assert "If the process of second is dead" in of_pair(evidence).message


def unsaid(**lacking: Any) -> Evidence:
    """Return a matrix of which no run says its cell, or its seed, as the policy has it."""
    evidence = passing_matrix()
    attempts = tuple(replace(attempt, **lacking) for attempt in evidence.attempts)
    return replace(evidence, attempts=attempts, runs=())


@pytest.mark.parametrize(
    ("lacking", "near", "runs", "said"),
    [
        (
            {"cell": None}, {"params.cel": "params.cell"}, {"cell": "params.cel"},
            "None of 12 runs says its cell by runs.cell: params.cel. Did you mean params.cell?",
        ),
        (
            {"seed": None}, {}, {},
            ("None of 12 runs says its seed by runs.seed: params.seed. "
            "Correct that, or call contract.log_plan in training."),
        ),
        (
            {"cell": None, "seed": None}, {"tags.b": "params.b"}, {"cell": "{params.a}-{tags.b}"},
            ("None of 12 runs says its cell by runs.cell: {params.a}-{tags.b}. Did you mean params.b? "
            "None of 12 runs says its seed by runs.seed: params.seed. "
            "Correct that, or call contract.log_plan in training."),
        ),
        ({"cell": None}, {}, {"seed": "none"}, "None of 12 runs says its cell"),
    ],
)  # fmt: skip
def test_what_no_run_at_all_says_is_the_cause(lacking, near, runs, said):
    check = of_pair(
        replace(unsaid(**lacking), nearest=near), "A3" if runs.get("seed") else "A3/123", runs=runs
    )
    assert check.message.startswith(f"No finished run, no attempt. {said}")


def test_what_a_run_says_is_not_what_all_lack():
    parent = replace(passing_matrix().attempts[0], run_id="parent", cell=None, seed=None)
    evidence = without_run(passing_matrix(), "A3/123")
    check = of_pair(replace(evidence, attempts=(parent, *evidence.attempts)))
    assert "Run it, or exclude the pair" in check.message


# --- names that are nearly those of the plan --------------------------------------------------------------------------


def misspelt(cell: str = "A3", seed: str = "123", **facts: Any) -> Evidence:
    """Return a matrix in which the run of A3/123 states another cell, or another seed."""
    return with_attempt(passing_matrix(), "A3/123", cell=cell, seed=seed, **facts)


@pytest.mark.parametrize(
    ("evidence", "meant", "planned"),
    [(misspelt(cell="A33"), "cell 'A33'", "cell 'A3'"), (misspelt(seed="1234"), "seed '1234'", "seed '123'")],
)
def test_both_sides_of_a_slip_ask_for_the_other(evidence, meant, planned):
    missing, unexpected = sorted(not_passed(ask(GATE, evidence)), key=lambda check: check.kind != "pair")
    assert missing.message.endswith(f"Did you mean {meant}? A run of that finished, and is not planned.")
    assert unexpected.message.endswith(f"Did you mean {planned}? That is planned, and has no run.")
    assert unexpected.kind == "unexpected"


def test_seeds_are_compared_by_value():
    assert "Did you mean cell 'A33'?" in of_pair(misspelt(cell="A33", seed="0123")).message


@pytest.mark.parametrize(
    "evidence",
    [
        misspelt(cell="A5"),
        misspelt(seed="999"),
        misspelt(cell="A33", status="FAILED"),
        misspelt(cell="A33", seed="7"),
        without_run(passing_matrix(), "A3/123"),
    ],
)
def test_what_is_far_from_the_plan_is_no_slip(evidence):
    assert all("Did you mean" not in check.message for check in not_passed(ask(GATE, evidence)))


def test_names_that_look_alike_are_told_apart():
    evidence = with_attempt(passing_matrix(["v\u00e9"], ["1"]), "v\u00e9/1", cell="ve\u0301")
    check = of_pair(evidence, "v\u00e9/1", plan={"cells": {"v\u00e9": {}}, "seeds": ["1"]})
    assert "Did you mean cell 've\\u0301'? A run of that finished" in check.message


def test_a_pair_that_was_tried_is_not_misspelt():
    evidence = with_another_attempt(misspelt(cell="A33"), "A3/42", "tried", seed="123", status="FAILED")
    assert all("Did you mean" not in check.message for check in not_passed(ask(GATE, evidence)))


@pytest.mark.parametrize(("most", "asked"), [(1, 2), (0, 0)])
def test_of_very_many_names_none_is_compared(monkeypatch, most, asked):
    monkeypatch.setattr("smoke_gate.gates.pairs._MOST_COMPARED", most)
    checks = not_passed(ask(GATE, misspelt(cell="A33")))
    assert sum("Did you mean" in check.message for check in checks) == asked


def test_without_seeds_cells_are_compared_alone():
    evidence = with_attempt(
        passing_matrix(["linear", "quadratic"], ["42"], vq_cells=()), "quadratic/42", cell="quadratc"
    )
    plan = {"cells": {"linear": {}, "quadratic": {}}, "seeds": []}
    messages = [check.message for check in not_passed(ask(GATE, evidence, runs={"seed": "none"}, plan=plan))]
    assert any("Did you mean cell 'quadratc'?" in message for message in messages)
    assert any("Did you mean cell 'quadratic'?" in message for message in messages)
