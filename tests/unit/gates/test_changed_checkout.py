"""A checkout with uncommitted changes is not compared with: the rule is `same`, and a note says so.

Where the verdict is about a pull request it is a WARNING: nobody looked whether the runs are of its code.
"""

from dataclasses import replace

import pytest

from smoke_gate.evidence import Head, HeadFrom
from smoke_gate.gates.base import Status
from smoke_gate.gates.plan import GATE
from tests.support.matrix import ask, passing_matrix, with_attempt


@pytest.mark.parametrize("origin", HeadFrom)
@pytest.mark.parametrize("rule", ["auto", "same", "any"])
def test_a_changed_checkout_is_told_under_auto(origin, rule):
    """spec: G0-checkout-changed"""
    evidence = replace(passing_matrix(), head=Head(origin=origin), codes={})
    outcome = ask(GATE, evidence, runs={"commit": rule})
    notes = [check for check in outcome.checks if check.kind == "code"]
    expected = {HeadFrom.CHECKOUT: [Status.SKIPPED], HeadFrom.PULL_REQUEST: [Status.WARNING]}
    assert [note.status for note in notes] == (expected.get(origin, []) if rule == "auto" else [])
    assert all("have uncommitted changes" in note.message for note in notes)


def test_under_auto_the_runs_are_compared_with_one_another_all_the_same():
    """spec: G0-checkout-changed"""
    evidence = replace(passing_matrix(), head=Head(origin=HeadFrom.CHECKOUT), codes={})
    outcome = ask(GATE, with_attempt(evidence, "A3/42", commit="a" * 40))
    warned = [check.run_id for check in outcome.checks if check.status is Status.WARNING]
    assert warned == ["run-A3-42"]
