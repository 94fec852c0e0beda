"""Selection: the run that stands for a planned pair, and the runs beside the plan."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Attempt
from smoke_gate.gates import policy_of
from smoke_gate.policy.model import Policy
from smoke_gate.selection import Matrix, Pair, Place, planned_pairs, select


def policy(**overrides: Any) -> Policy:
    return policy_of({"version": 1, "plan": {"cells": ["B0", "A3"], "seeds": ["42", "123"]}, **overrides})


def attempt(run_id: str = "r", cell: str | None = "A3", seed: str | None = "42", **facts: Any) -> Attempt:
    plain = Attempt(
        run_id=run_id, run_name=run_id, cell=cell, seed=seed, status="FINISHED", lifecycle_stage="active",
        start_time=1000, end_time=2000,
    )  # fmt: skip
    return replace(plain, **facts)


def place(matrix: Matrix, cell: str = "A3", seed: str | None = "42") -> Place:
    return next(place for place in matrix.places if place.pair == Pair(cell, seed))


def ids(attempts: Iterable[Attempt]) -> list[str]:
    return [attempt.run_id for attempt in attempts]


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_every_cell_has_every_seed_in_plan_order():
    subjects = [pair.subject for pair in planned_pairs(policy())]
    assert subjects == ["B0/42", "B0/123", "A3/42", "A3/123"]


def test_a_cell_may_name_its_own_seeds():
    ragged = policy(plan={"cells": {"B0": {}, "A3": {"seeds": ["7"]}}, "seeds": ["42"]})
    assert [pair.subject for pair in planned_pairs(ragged)] == ["B0/42", "A3/7"]


@pytest.mark.parametrize(("planned", "excluded"), [("42", "042"), ("042", "42")])
def test_excluded_pairs_are_not_planned_however_their_seed_is_spelled(planned, excluded):
    """spec: pair-excluded"""
    plan = {
        "cells": ["B0", "A3"],
        "seeds": [planned, "123"],
        "exclude": [{"cell": "A3", "seeds": [excluded], "reason": "memory"}],
    }
    subjects = [pair.subject for pair in planned_pairs(policy(plan=plan))]
    assert subjects == [f"B0/{planned}", "B0/123", "A3/123"]


def test_without_seeds_a_cell_is_one_pair_and_its_subject_is_the_cell():
    """spec: pair-seeds"""
    one_a_cell = policy(runs={"seed": "none"}, plan={"cells": ["B0", "A3"]})
    assert [pair.subject for pair in planned_pairs(one_a_cell)] == ["B0", "A3"]
    matrix = select(one_a_cell, [attempt("r", seed="9"), attempt("q", cell="B0", seed=None)])
    assert [(pair.subject, run.run_id) for pair, run in matrix.selected] == [("B0", "q"), ("A3", "r")]


@pytest.mark.parametrize(
    ("narrowed", "left"),
    [
        ({"cells": ["A3"]}, ["A3/42", "A3/123"]),
        ({"seeds": ["042"]}, ["B0/42", "A3/42"]),
        ({"cells": ["B0"], "seeds": ["123"]}, ["B0/123"]),
    ],
)
def test_options_narrow_the_plan(narrowed, left):
    matrix = select(policy(narrowed=narrowed), [])
    assert [place.pair.subject for place in matrix.places] == left
    assert matrix.planned == 4


def test_options_name_a_seed_in_any_spelling():
    narrowed = policy(plan={"cells": ["A3"], "seeds": ["042", "123"]}, narrowed={"seeds": ["42"]})
    assert [pair.subject for pair in planned_pairs(narrowed)] == ["A3/042"]


# --- candidates -------------------------------------------------------------------------------------------------------


def test_the_newest_candidate_stands_for_the_pair():
    """spec: pair-newest"""
    matrix = select(policy(), [attempt("old", start_time=1), attempt("new", start_time=2)])
    assert ids(place(matrix).candidates) == ["new", "old"]
    assert place(matrix).selected == attempt("new", start_time=2)


def test_of_two_that_started_together_the_run_id_decides():
    """spec: pair-newest"""
    matrix = select(policy(), [attempt("b"), attempt("a"), attempt("c")])
    assert ids(place(matrix).candidates) == ["c", "b", "a"]


@pytest.mark.parametrize(
    "facts",
    [
        *({"status": status} for status in ("RUNNING", "SCHEDULED", "FAILED", "KILLED")),
        {"lifecycle_stage": "deleted"},
        {"in_scope": False},
    ],
)
def test_what_is_no_candidate_is_seen_and_not_selected(facts):
    """spec: pair-candidates"""
    matrix = select(policy(), [attempt("good", start_time=1), attempt("other", start_time=2, **facts)])
    assert ids(place(matrix).candidates) == ["good"]
    assert ids(place(matrix).attempts) == ["other", "good"]


@pytest.mark.parametrize(
    ("recorded", "planned"), [("042", "42"), ("42", "042"), ("+42", "42"), ("-07", "-7")]
)
def test_integer_seeds_compare_as_integers(recorded, planned):
    """spec: pair-seeds"""
    matrix = select(policy(plan={"cells": ["A3"], "seeds": [planned]}), [attempt("r", seed=recorded)])
    assert place(matrix, seed=planned).selected == attempt("r", seed=recorded)


@pytest.mark.parametrize("recorded", ["42.0", "4_2", "42 ", "0x2a", "forty-two"])
def test_other_seeds_compare_as_text(recorded):
    """spec: pair-seeds"""
    matrix = select(policy(), [attempt("r", seed=recorded)])
    assert place(matrix).selected is None
    assert ids(matrix.unexpected) == ["r"]


def test_cells_compare_as_text():
    matrix = select(policy(), [attempt("r", cell="a3")])
    assert place(matrix).selected is None


# --- what is not planned ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cell", "seed"), [(None, "42"), ("", "42"), ("A3", None), ("A3", ""), (None, None)])
def test_runs_without_cell_or_seed_are_counted_and_not_judged(cell, seed):
    """spec: pair-unidentified"""
    matrix = select(policy(), [attempt("parent", cell, seed)])
    assert ids(matrix.unidentified) == ["parent"]
    assert not matrix.selected
    assert not matrix.unexpected


def test_deleted_runs_without_a_cell_are_not_counted():
    assert not select(policy(), [attempt(cell=None, lifecycle_stage="deleted")]).unidentified


def test_finished_runs_of_no_planned_pair_are_unexpected_by_cell_seed_and_start():
    runs = [
        attempt("a", "C9", "10", start_time=2),
        attempt("b", "C9", "10", start_time=1),
        attempt("c", "C9", "9", start_time=3),
        attempt("d", "A3", "70", start_time=4),
    ]
    assert ids(select(policy(), runs).unexpected) == ["d", "c", "b", "a"]


@pytest.mark.parametrize(
    "facts",
    [{"status": "FAILED"}, {"status": "RUNNING"}, {"lifecycle_stage": "deleted"}, {"in_scope": False}],
)
def test_only_finished_active_runs_that_where_selects_are_unexpected(facts):
    assert not select(policy(), [attempt(cell="C9", **facts)]).unexpected


@pytest.mark.parametrize(
    ("ignored", "is_ignored"),
    [
        ({"cell": "tuning"}, True),
        ({"seed": "007"}, True),
        ({"cell": "tuning", "seed": "7"}, True),
        ({"cell": "tuning", "seed": "8"}, False),
        ({"cell": "other"}, False),
    ],
)
@pytest.mark.parametrize("recorded", ["7", "07"])
def test_ignored_runs_are_no_surprise(ignored, is_ignored, recorded):
    known = policy(runs={"ignore": [{**ignored, "reason": "tuning"}]})
    assert (not select(known, [attempt("r", "tuning", recorded)]).unexpected) is is_ignored


def test_a_planned_pair_cannot_be_ignored():
    known = policy(runs={"ignore": [{"cell": "A3", "reason": "no"}]})
    assert place(select(known, [attempt("r")])).selected == attempt("r")


def test_a_run_of_an_excluded_pair_is_unexpected():
    """spec: pair-excluded"""
    plan = {
        "cells": ["A3"],
        "seeds": ["42", "123"],
        "exclude": [{"cell": "A3", "seeds": ["42"], "reason": "memory"}],
    }
    assert ids(select(policy(plan=plan), [attempt("r")]).unexpected) == ["r"]


def test_what_the_options_left_out_is_not_unexpected():
    """spec: pair-narrowed"""
    plan = {
        "cells": ["B0", "A3"],
        "seeds": ["42", "123"],
        "exclude": [{"cell": "A3", "seeds": ["42"], "reason": "memory"}],
    }
    narrowed = policy(plan=plan, narrowed={"cells": ["B0"]})
    runs = [attempt("left out"), attempt("left out too", seed="123"), attempt("nobody planned", "C9")]
    assert ids(select(narrowed, runs).unexpected) == ["nobody planned"]


# --- properties -------------------------------------------------------------------------------------------------------

ATTEMPTS = st.lists(
    st.builds(
        attempt,
        run_id=st.text("abcdef", min_size=4, max_size=4),
        cell=st.sampled_from(["A3", "B0", "C9", None]),
        seed=st.sampled_from(["42", "042", "123", "7", None]),
        status=st.sampled_from(["FINISHED", "FAILED", "RUNNING"]),
        start_time=st.sampled_from([None, 1, 2]),
        in_scope=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda attempt: attempt.run_id,
)


@given(ATTEMPTS, st.randoms())
def test_the_order_of_reading_changes_nothing(attempts, random):
    """spec: pair-newest"""
    shuffled = random.sample(attempts, len(attempts))
    assert select(policy(), shuffled) == select(policy(), attempts)


@given(ATTEMPTS)
def test_no_attempt_is_lost_or_counted_twice(attempts):
    """spec: pair-ledger"""
    matrix = select(policy(), attempts)
    placed = [attempt for place in matrix.places for attempt in place.attempts]
    beside = [*placed, *matrix.unexpected, *matrix.unidentified]
    assert len(set(ids(beside))) == len(beside)
    left = {attempt.run_id for attempt in attempts} - set(ids(beside))
    assert all(
        attempt.status != "FINISHED" or not attempt.in_scope for attempt in attempts if attempt.run_id in left
    )
