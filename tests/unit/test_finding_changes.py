from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.compare import FindingChanges, finding_changes
from smoke_gate.gates.base import Check, Status
from smoke_gate.message import say


def check(status: Status, **facts: Any) -> Check:
    made = Check(
        gate="G2",
        kind="unit",
        status=status,
        subject="vq_input_unit",
        message=say("said"),
        cell="A3",
        seed="42",
        run_id="run",
    )
    return replace(made, **facts)


FAIL, PASS = check(Status.FAIL), check(Status.PASS)
ACCEPTED = check(Status.WARNING, waived="known")
WAITING = check(Status.FAIL, pending=True)
SKIPPED = check(Status.SKIPPED)


def fates(changes: FindingChanges) -> dict[str, int]:
    counts = {name: len(getattr(changes, name)) for name in ("new", "fixed", "still", "unlooked")}
    return {name: number for name, number in counts.items() if number}


@pytest.mark.parametrize(
    ("base", "head", "found"),
    [
        ([PASS], [PASS], {}),
        ([PASS], [FAIL], {"new": 1}),
        ([], [FAIL], {"new": 1}),
        ([FAIL], [PASS], {"fixed": 1}),
        ([FAIL], [replace(PASS, subject="another of the same gate and run")], {"fixed": 1}),
        ([FAIL], [FAIL], {"still": 1}),
        ([FAIL], [ACCEPTED], {"still": 1}),
        ([ACCEPTED], [FAIL], {"new": 1}),
        ([FAIL], [], {"unlooked": 1}),
        ([FAIL], [SKIPPED], {"unlooked": 1}),
        ([FAIL], [replace(PASS, gate="G3")], {"unlooked": 1}),
        ([FAIL], [replace(PASS, seed="123")], {"unlooked": 1}),
        ([FAIL], [WAITING], {"unlooked": 1}),
        ([PASS], [WAITING], {}),
        ([FAIL], [replace(FAIL, run_id="another", message=say("other words"))], {"still": 1}),
        ([replace(FAIL, seed="042")], [FAIL], {"still": 1}),
        ([FAIL], [replace(FAIL, subject="vq_output_unit")], {"new": 1, "fixed": 1}),
    ],
)
def test_what_becomes_of_a_failure(base, head, found):
    assert fates(finding_changes(base, head)) == found


CHECKS = st.lists(
    st.builds(
        check,
        st.sampled_from(list(Status)),
        gate=st.sampled_from(["G2", "G3"]),
        seed=st.sampled_from(["42", "042", "123", None]),
        subject=st.sampled_from(["a", "b"]),
        pending=st.booleans(),
    ),
    max_size=8,
)


def names(checks: Iterable[Check]) -> set[tuple[str, int | None, str]]:
    return {(one.gate, None if one.seed is None else int(one.seed), one.subject) for one in checks}


@given(CHECKS, CHECKS)
def test_each_failure_has_one_fate(base, head):
    changes = finding_changes(base, head)
    before = names(one for one in base if one.status is Status.FAIL)
    after = names(one for one in head if one.status is Status.FAIL and not one.pending)
    groups = [names(getattr(changes, name)) for name in ("new", "fixed", "still", "unlooked")]
    new, fixed, still, unlooked = groups
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert new == after - before
    assert still == after & before
    assert fixed | unlooked == before - after
    looked_at = {
        (one.gate, None if one.seed is None else int(one.seed))
        for one in head
        if one.status is not Status.SKIPPED and not one.pending
    }
    assert {one[:2] for one in fixed} <= looked_at
    assert not {one[:2] for one in unlooked} & looked_at


@given(CHECKS)
def test_against_itself_nothing_is_new_and_nothing_is_fixed(checks):
    settled = [replace(one, pending=False) for one in checks]
    changes = finding_changes(settled, settled)
    assert not changes.new
    assert not changes.fixed
    assert not changes.unlooked
