import math
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pytest

from smoke_gate.compare import Change, Comparison, Limit, compare, limits_of
from smoke_gate.compare.changes import cell_changes
from smoke_gate.evidence import Evidence
from smoke_gate.gates import policy_of
from smoke_gate.policy.model import Policy
from smoke_gate.policy.plan import Narrowing
from smoke_gate.selection import Pair
from tests.support.matrix import (
    passing_matrix,
    passing_policy,
    sha256,
    with_another_attempt,
    with_attempt,
    with_run,
    without_run,
)

CELLS, SEEDS = ["B0", "A3"], ["42", "123"]
PAIRS = ["B0/42", "B0/123", "A3/42", "A3/123"]


def policy(**overrides: Any) -> Policy:
    return passing_policy(plan={"cells": CELLS, "seeds": SEEDS}, **overrides)


def matrix(**values: str) -> Evidence:
    """Return the matrix with ``pape`` at the pairs, named as ``B0_42``."""
    evidence = passing_matrix(CELLS, SEEDS)
    for pair in PAIRS:
        value = values.get(pair.replace("/", "_"), "0.9")
        evidence = with_run(evidence, pair, metrics={"pape": value})
    return evidence


def limit(most: str = "0.01", direction: Literal["drop", "rise"] = "drop", metric: str = "pape") -> Limit:
    return Limit(metric=metric, direction=direction, most=Decimal(most))


def compared(
    base: Evidence,
    head: Evidence,
    *limits: Limit,
    head_policy: Policy | None = None,
    base_policy: Policy | None = None,
    pending: bool = False,
) -> Comparison:
    return compare((base_policy or policy(), base), (head_policy or policy(), head), limits, pending=pending)


def problems(comparison: Comparison) -> tuple[str, ...]:
    (result,) = comparison.limits
    assert comparison.is_broken is bool(result.problems)
    assert comparison.holds is (result.judged > 0 and not result.problems)
    return tuple(map(str, result.problems))


def judged(comparison: Comparison) -> int:
    (result,) = comparison.limits
    return result.judged


def gaps(comparison: Comparison) -> list[tuple[str, str, str]]:
    return [(gap.pair.subject, gap.base, gap.head) for gap in comparison.gaps]


def pape(comparison: Comparison) -> dict[str, Decimal | None]:
    metric = next(metric for metric in comparison.metrics if metric.metric == "pape")
    return {change.pair.subject: change.difference for change in metric.changes}


def test_runs_are_paired_by_cell_and_seed():
    found = pape(compared(matrix(B0_42="1.5"), matrix(B0_42="1.25", A3_123="1.0")))
    assert found == {
        "B0/42": Decimal("-0.25"),
        "B0/123": 0,
        "A3/42": 0,
        "A3/123": Decimal("0.1"),
    }


def test_the_selected_run_of_a_pair_counts():
    head = with_another_attempt(matrix(B0_42="1.25"), "B0/42", "failed", status="FAILED", start_time=10**13)
    assert pape(compared(matrix(), head))["B0/42"] == Decimal("0.35")


def test_a_seed_that_is_spelled_otherwise_is_the_same_pair():
    base = with_attempt(matrix(), "B0/42", seed="042")
    assert compared(base, matrix()).gaps == ()
    planned = passing_policy(plan={"cells": CELLS, "seeds": ["042", "123"]})
    assert compared(base, matrix(), head_policy=planned).gaps == ()


def test_without_seeds_runs_are_paired_by_cell():
    one_a_cell = passing_policy(runs={"seed": "none"}, plan={"cells": CELLS, "seeds": []})
    evidence = passing_matrix(CELLS, ["42"])
    found = compare((one_a_cell, evidence), (one_a_cell, evidence), [limit()])
    assert pape(found) == {"B0": 0, "A3": 0}
    assert problems(found) == ()


def test_metrics_begin_with_those_that_somebody_named():
    base = with_run(matrix(), "B0/42", metrics={"a": "1", "system/cpu": "3"})
    head = with_run(matrix(), "A3/42", metrics={"b": "2"})
    named = policy(report={"metrics": ["val_loss", "never logged"]})
    found = compared(base, head, limit(metric="train_loss"), head_policy=named)
    assert [metric.metric for metric in found.metrics] == ["train_loss", "val_loss", "pape", "a", "b"]
    assert [change.pair.subject for change in found.metrics[4].incomplete] == PAIRS
    assert found.metrics[4].differences == ()
    assert (found.metrics[2].incomplete, len(found.metrics[2].differences)) == ((), len(PAIRS))


@pytest.mark.parametrize(
    ("base", "head", "limits", "said"),
    [
        ("0.91", "0.90", limit("0.01"), None),  # as floats, the drop is more than 0.01
        ("0.91", "0.8999", limit("0.01"), "dropped by 0.0101, from 0.91 to 0.8999"),
        ("0.5", "9.0", limit("0"), None),
        ("0.9", "0.9", limit("0"), None),
        ("1.5", "2.0", limit("0.5", "rise"), None),
        ("1.5", "2.25", limit("0.5", "rise"), "rose by 0.75, from 1.5 to 2.25"),
        ("1.5", "0.1", limit("0", "rise"), None),
        ("1e-05", "2e-05", limit("0.000005", "rise"), "rose by 1e-05, from 1e-05 to 2e-05"),
        ("0.9", "NaN", limit("100"), "NaN in head"),
        ("0.9", "Infinity", limit("100", "drop"), "Infinity in head"),
        ("Infinity", "0.9", limit("0", "rise"), None),  # nobody knows how far it moved
        ("NaN", "NaN", limit("100"), "NaN in head"),
        ("0.3", "0.30000000000000004", limit("0", "rise"), None),  # another order of additions
        ("0.91", "0.8999999999999999", limit("0.01"), None),
    ],
)
def test_a_limit_holds_at_each_pair(base, head, limits, said):
    """spec: baseline-limits"""
    found = problems(compared(matrix(B0_42=base), matrix(B0_42=head), limits))
    assert found == ((f"B0/42: {said}",) if said else ())


def test_one_pair_that_moves_is_not_outweighed_by_others():
    head = matrix(B0_42="0.8", B0_123="1.9", A3_42="1.9", A3_123="1.9")
    assert problems(compared(matrix(), head, limit())) == ("B0/42: dropped by 0.1, from 0.9 to 0.8",)


B0_ONLY = {"plan": {"cells": ["B0"], "seeds": SEEDS}}


@pytest.mark.parametrize(
    ("base_lacks", "head_lacks", "found"),
    [
        ((), (), ()),
        (("A3/42",), (), ()),  # otherwise no change could add what the base branch lacks
        ((), ("A3/42",), ("A3/42: no run in head",)),
        (("A3/42",), ("A3/42",), ("A3/42: no run in head",)),
    ],
)
def test_a_limit_is_broken_by_a_run_that_head_lacks_and_not_by_one_that_base_lacks(
    base_lacks, head_lacks, found
):
    base, head = matrix(), matrix()
    for pair in base_lacks:
        base = without_run(base, pair)
    for pair in head_lacks:
        head = without_run(head, pair)
    comparison = compared(base, head, limit())
    assert problems(comparison) == found
    lacking = {*base_lacks, *head_lacks}
    assert judged(comparison) == len(PAIRS) - len(lacking)
    assert gaps(comparison) == [
        (pair, "no run" if pair in base_lacks else "a run", "no run" if pair in head_lacks else "a run")
        for pair in PAIRS
        if pair in lacking
    ]


def test_a_run_that_is_not_finished_breaks_no_limit_and_one_that_moved_does():
    head = without_run(matrix(B0_42="0.5"), "A3/42")
    assert problems(compared(matrix(), head, limit(), pending=True)) == (
        "B0/42: dropped by 0.4, from 0.9 to 0.5",
    )
    assert problems(compared(matrix(), without_run(matrix(), "A3/42"), limit(), pending=True)) == ()


@pytest.mark.parametrize("side", ["base", "head"])
def test_a_pair_that_one_of_two_plans_lacks_is_not_compared(side):
    smaller = passing_policy(**B0_ONLY)
    if side == "base":
        found = compared(matrix(), matrix(), limit(), base_policy=smaller)
    else:
        found = compared(matrix(), matrix(), limit(), head_policy=smaller)
    other = ("not planned", "a run") if side == "base" else ("a run", "not planned")
    assert gaps(found) == [("A3/42", *other), ("A3/123", *other)]
    assert (problems(found), judged(found), found.paired) == ((), 2, 2)


@pytest.mark.parametrize(
    ("base", "head", "found"),
    [
        (None, "0.9", ()),
        ("0.9", None, ("A3/42: head lacks the metric",)),
        (None, None, ("A3/42: head lacks the metric",)),
    ],
)
def test_a_metric_that_head_lacks_breaks_a_limit(base, head, found):
    """spec: baseline-limits"""
    one = with_run(matrix(), "A3/42", metrics={"pape": base})
    other = with_run(matrix(), "A3/42", metrics={"pape": head})
    comparison = compared(one, other, limit())
    assert (problems(comparison), judged(comparison)) == (found, 3)
    assert pape(comparison)["A3/42"] is None


def test_a_limit_that_nothing_was_held_against_does_not_hold():
    """spec: baseline-limits"""
    nothing = policy_of({"version": 1}), Evidence(as_of="2026-01-31")
    base = matrix()
    for pair in PAIRS:
        base = with_run(base, pair, metrics={"pape": None})
    for comparison in (compare(nothing, nothing, [limit()]), compared(base, matrix(), limit())):
        assert (problems(comparison), judged(comparison), comparison.holds) == ((), 0, False)


def test_a_metric_that_nobody_logged_breaks_its_limit():
    found = compared(matrix(), matrix(), limit(metric="typo"))
    assert len(problems(found)) == len(PAIRS)


def test_a_narrowed_verdict_says_nothing_of_the_other_pairs():
    narrowed = policy().model_copy(update={"narrowed": Narrowing(cells=("B0",))})
    found = compared(matrix(), matrix(), limit(), head_policy=narrowed)
    assert gaps(found) == [("A3/42", "a run", "not planned"), ("A3/123", "a run", "not planned")]
    assert problems(found) == ()


def test_facts_that_the_evidence_lacks_are_no_run():
    base = matrix()
    unread = Evidence(as_of=base.as_of, attempts=base.attempts)
    assert len(problems(compared(base, unread, limit()))) == len(PAIRS)
    assert compared(base, unread).metrics == ()


def test_a_changed_definition_breaks_a_limit():
    head = with_run(matrix(), "A3/42", params={"pape_definition_hash": sha256("another")})
    found = compared(matrix(), head, limit())
    assert [pair.subject for pair in found.redefined] == ["A3/42"]
    assert problems(found) == ("A3/42: the two runs do not state one definition",)


def test_a_data_hash_that_one_side_lacks_is_no_other_data():
    less = with_run(matrix(), "A3/42", params={"train_data_hash": None})
    for found in (compared(less, matrix()), compared(matrix(), less)):
        assert found.other_data == ()


def test_a_definition_that_one_side_lacks_breaks_a_limit_and_one_that_both_lack_does_not():
    less = with_run(matrix(), "A3/42", params={"pape_definition_hash": None})
    for found in (compared(less, matrix(), limit()), compared(matrix(), less, limit())):
        assert problems(found) == ("A3/42: the two runs do not state one definition",)
    assert compared(less, less, limit()).holds


def test_other_data_is_told_and_breaks_nothing():
    head = with_run(matrix(), "A3/42", params={"train_data_hash": "0" * 16})
    found = compared(matrix(), head, limit())
    assert [pair.subject for pair in found.other_data] == ["A3/42"]
    assert problems(found) == ()


def test_without_a_limit_nothing_fails():
    assert compared(matrix(), without_run(matrix(B0_42="0.1"), "A3/42")).holds


def test_the_limits_of_a_policy_are_the_numbers_as_written():
    limited = policy(compare={"max_drop": {"accuracy": "0.01", "f1": "1e-3"}, "max_rise": {"pape": "2"}})
    assert limits_of(limited) == (
        limit("0.01", "drop", "accuracy"),
        limit("0.001", "drop", "f1"),
        limit("2", "rise"),
    )
    assert str(limits_of(limited)[-1].most) == "2"
    assert limits_of(policy()) == ()


@pytest.mark.parametrize(("seeds", "chance"), [(2, 0.22), (3, 0.05), (4, 0.01), (5, 0.002)])
def test_without_a_change_one_is_called_as_rarely_as_the_page_says(seeds, chance):
    """docs/statistics.md has these numbers: both sides are normal and have nothing in common but the seeds' names."""
    times = 10_000
    values = np.random.default_rng(20260131).normal(8.0, 1.0, (times, seeds, 2))
    called = 0
    for table in values:
        pairs = [Pair("B0", str(seed)) for seed in range(seeds)]
        changes = [
            Change(pair=pair, base=repr(float(base)), head=repr(float(head)))
            for pair, (base, head) in zip(pairs, table, strict=True)
        ]
        (cell,) = cell_changes(changes)
        called += cell.is_change
    assert called / times == pytest.approx(chance, abs=5 * math.sqrt(chance * (1 - chance) / times))
