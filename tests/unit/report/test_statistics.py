import math
from dataclasses import replace

import pytest

from smoke_gate.evidence import Evidence
from smoke_gate.gates import policy_of
from smoke_gate.policy.model import Policy
from smoke_gate.report.statistics import (
    MetricStatistics,
    PairedDifference,
    metric_statistics,
    sign_test,
    sign_words,
    signed_words,
)
from smoke_gate.verdict import evaluate
from tests.support.matrix import passing_matrix, passing_policy, with_run, without_run


def statistics(policy: Policy, evidence: Evidence, metric: str = "pape") -> MetricStatistics:
    found = metric_statistics(evaluate(policy, evidence), policy, evidence)
    return {one.metric: one for one in found}[metric]


def plan(cells: list[str], seeds: list[str]) -> Policy:
    return policy_of(
        {
            "version": 1,
            "experiments": ["e"],
            "plan": {"cells": cells, "seeds": seeds, "required_metrics": ["pape"]},
        }
    )


def difference(found: MetricStatistics) -> PairedDifference:
    """Return the difference of the second cell to the first."""
    compared = found.cells[1].difference
    assert compared is not None
    return compared


def with_values(cells: dict[str, list[str]]) -> tuple[Policy, Evidence]:
    """Return a plan and evidence with these values of pape: cell → one for each seed 1, 2, …"""
    seeds = [str(number + 1) for number in range(max(map(len, cells.values())))]
    evidence = passing_matrix(list(cells), seeds, ())
    for cell, values in cells.items():
        for seed, value in zip(seeds, values, strict=True):
            evidence = with_run(evidence, f"{cell}/{seed}", metrics={"pape": value})
    return plan(list(cells), seeds), evidence


def test_mean_and_range_over_the_seeds():
    policy, evidence = with_values({"B0": ["1.0", "2.0", "6.0"], "A3": ["0.5", "1.0", "3.0"]})
    found = statistics(policy, evidence)
    b0 = found.cells[0]
    assert (b0.cell, b0.runs, b0.finite, b0.mean, b0.low, b0.high) == ("B0", 3, 3, 3.0, 1.0, 6.0)
    assert (found.reference_cell, b0.difference) == ("B0", None)
    assert (difference(found).pairs, difference(found).lower, difference(found).higher) == (3, 3, 0)
    assert difference(found).mean == pytest.approx(-1.5)


def test_three_seeds_can_give_no_p_value():
    policy, evidence = with_values({"B0": ["1.0", "2.0", "6.0"], "A3": ["0.5", "1.0", "3.0"]})
    assert difference(statistics(policy, evidence)).p_value is None


@pytest.mark.parametrize(
    ("values", "p_value"),
    [
        (["0.5"] * 5, None),
        (["0.5"] * 6, 2 / 64),
        (["0.5"] * 5 + ["1.5"], 14 / 64),
        (["0.5"] * 5 + ["1.0"], None),
    ],
)
def test_a_p_value_is_given_where_the_seeds_could_give_one_below_0_05(values, p_value):
    policy, evidence = with_values({"B0": ["1.0"] * len(values), "A3": values})
    found = difference(statistics(policy, evidence)).p_value
    assert found == (None if p_value is None else pytest.approx(p_value))


@pytest.mark.parametrize(
    ("lower", "higher", "p_value"),
    [(0, 0, 1.0), (1, 0, 1.0), (3, 0, 0.25), (6, 0, 0.03125), (3, 3, 1.0), (9, 1, 22 / 1024)],
)
def test_sign_test(lower, higher, p_value):
    assert sign_test(lower, higher) == pytest.approx(p_value)
    assert sign_test(higher, lower) == sign_test(lower, higher)


def test_the_sign_test_of_many_seeds_does_not_overflow():
    assert 0 <= sign_test(2000, 1) < 1e-300


@pytest.mark.parametrize("value", ["NaN", "Infinity", None])
def test_what_is_not_finite_is_counted_and_left_out(value):
    policy, evidence = with_values({"B0": ["1.0", "2.0", "3.0"], "A3": ["1.0", "2.0", "3.0"]})
    found = statistics(policy, with_run(evidence, "A3/1", metrics={"pape": value}))
    cell = found.cells[1]
    assert (cell.runs, cell.finite, cell.mean, difference(found).pairs) == (3, 2, 2.5, 2)


def test_a_cell_without_a_finite_value_has_no_mean():
    policy, evidence = with_values({"B0": ["1.0"], "A3": ["NaN"]})
    cell = statistics(policy, evidence).cells[1]
    assert (cell.mean, cell.low, cell.high, cell.difference) == (None, None, None, None)


def test_seeds_pair_by_value_and_only_where_both_cells_have_a_run():
    evidence = without_run(passing_matrix(), "B0/42")
    found = statistics(passing_policy(), evidence)
    assert found.cells[0].runs == 2
    assert [cell.difference and cell.difference.pairs for cell in found.cells] == [None, 2, 2, 2]


def test_the_reference_cell_is_the_policys():
    found = statistics(passing_policy(report={"reference_cell": "A3"}), passing_matrix())
    assert found.reference_cell == "A3"
    assert [cell.difference is None for cell in found.cells] == [False, False, True, False]


def test_a_reference_cell_without_a_run_gives_way_to_the_first():
    evidence = passing_matrix()
    for seed in ("42", "123", "456"):
        evidence = without_run(evidence, f"A3/{seed}")
    found = statistics(passing_policy(report={"reference_cell": "A3"}), evidence)
    assert found.reference_cell == "B0"


@pytest.mark.parametrize(
    ("overrides", "metrics"),
    [
        ({}, ["pape", "val_loss", "train_loss"]),
        ({"report": {"metrics": ["val_loss"]}}, ["val_loss"]),
        ({"report": {"metrics": ["nowhere"]}}, ["nowhere"]),
        ({"gates": {"metric_ratio": {"enabled": "false", "reason": "none"}}}, ["pape"]),
        (
            {
                "plan": {"required_metrics": []},
                "references": [{"metric": "pape", "low": 1, "high": 9, "n": 1, "source": "s"}],
            },
            ["pape", "val_loss", "train_loss"],
        ),
    ],
)
def test_the_metrics_are_the_reports_or_those_that_the_policy_names(overrides, metrics):
    policy, evidence = passing_policy(**overrides), passing_matrix()
    found = metric_statistics(evaluate(policy, evidence), policy, evidence)
    assert [one.metric for one in found] == metrics


def test_no_run_no_statistics():
    policy, evidence = passing_policy(), replace(passing_matrix(), attempts=(), runs=())
    assert metric_statistics(evaluate(policy, evidence), policy, evidence) == ()


def test_huge_values_do_not_overflow():
    policy, evidence = with_values({"B0": ["1.5e308", "1.5e308"], "A3": ["-1.5e308", "1.5e308"]})
    found = statistics(policy, evidence)
    assert found.cells[0].mean == pytest.approx(1.5e308)
    assert math.isinf(difference(found).mean)


@pytest.mark.parametrize(
    ("reference", "values", "words"),
    [
        (["0.3", "0.6"], ["0.30000000000000004", "0.6000000000000001"], ("0", "2 of 2 equal")),
        (["1e20", "3e20"], ["100000000000000010000", "3e20"], ("0", "2 of 2 equal")),
        (["8.0", "8.0"], ["8.1", "7.9"], ("0", "1 of 2 lower")),  # no seed is equal; their mean is
        (["0.5", "0.5"], ["0.50000006", "0.5"], ("+3e-08", "1 of 2 higher")),  # float32 differs
        (
            ["0.0", "0.0"],
            ["1e-17", "0.0"],
            ("+5e-18", "1 of 2 higher"),
        ),  # beside nothing, little is something
    ],
)
def test_what_floats_cannot_hold_is_no_difference(reference, values, words):
    compared = difference(statistics(*with_values({"B0": reference, "A3": values})))
    assert (signed_words(compared.mean), sign_words(compared)) == words
