import pytest

from smoke_gate.evidence import Evidence
from smoke_gate.report.matrix import PlaceState, rows_of, seeds_of
from smoke_gate.selection import select
from smoke_gate.verdict import evaluate
from tests.support.matrix import (
    passing_matrix,
    passing_policy,
    with_another_attempt,
    with_attempt,
    with_run,
    without_run,
)


def state(evidence: Evidence, pair: str) -> tuple[PlaceState, tuple[str, ...], str | None]:
    """Return state, gates and attempt of a place of the plain matrix."""
    cell, seed = pair.split("/")
    rows = rows_of(evaluate(passing_policy(), evidence), passing_policy())
    mark = dict(zip(("42", "123", "456"), rows[cell], strict=True))[seed]
    return mark.state, mark.gates, mark.attempt.run_id if mark.attempt else None


MISSING = without_run(passing_matrix(), "A3/42")
RETRIED = with_another_attempt(passing_matrix(), "A3/42", "second")


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (passing_matrix(), (PlaceState.PASS, (), "run-A3-42")),
        (with_run(passing_matrix(), "A3/42", checkpoints=()), (PlaceState.FAIL, ("G3",), "run-A3-42")),
        (RETRIED, (PlaceState.WARNING, ("G0",), "run-A3-42")),
        (with_attempt(passing_matrix(), "A3/42", status="RUNNING"), (PlaceState.UNFINISHED, (), "run-A3-42")),
        (with_attempt(passing_matrix(), "A3/42", status="KILLED"), (PlaceState.LOST, (), "run-A3-42")),
        (
            with_attempt(passing_matrix(), "A3/42", status="RUNNING", lifecycle_stage="deleted"),
            (PlaceState.LOST, (), "run-A3-42"),
        ),
        (MISSING, (PlaceState.NO_ATTEMPT, (), None)),
    ],
)
def test_a_place_says_what_became_of_its_run(evidence, expected):
    assert state(evidence, "A3/42") == expected


def test_places_that_nobody_planned_are_marked_too():
    cells = {"B0": {"seeds": ["42"]}, "B1": {"seeds": ["42", "123"]}}
    exclude = [{"cell": "B1", "seeds": ["123"], "reason": "memory"}]
    policy = passing_policy(plan={"cells": cells, "exclude": exclude})
    rows = rows_of(evaluate(policy, passing_matrix()), policy)
    states = {cell: [mark.state for mark in rows[cell]] for cell in cells}
    assert states == {
        "B0": [PlaceState.PASS, PlaceState.NOT_PLANNED, PlaceState.NOT_PLANNED],
        "B1": [PlaceState.PASS, PlaceState.EXCLUDED, PlaceState.NOT_PLANNED],
    }


def test_seeds_are_spelled_as_the_plan_first_spells_them():
    policy = passing_policy(plan={"cells": {"B0": {"seeds": ["042", "7"]}}})
    assert seeds_of(select(policy, ()).places) == {"42": "042", "7": "7", "123": "123", "456": "456"}
