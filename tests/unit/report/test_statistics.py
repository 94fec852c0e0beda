import math
from dataclasses import replace

import pytest

from smoke_gate.evidence import Evidence
from smoke_gate.gates import policy_of
from smoke_gate.policy.model import Policy
from smoke_gate.report.statistics import (
    MetricStatistics,
    PairedDifference,
    chance_words,
    coverage_words,
    difference_range_words,
    legend,
    metric_statistics,
    no_difference_words,
    number_words,
    p_words,
    pairing_words,
    range_words,
    signed_words,
    values_words,
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


THREE = {"B0": ["1.0", "2.0", "6.0"], "A3": ["0.5", "1.0", "3.0"]}


def test_values_mean_and_range_over_the_seeds():
    found = statistics(*with_values(THREE))
    b0 = found.cells[0]
    assert (b0.cell, b0.runs, b0.values, b0.mean) == ("B0", 3, (1.0, 2.0, 6.0), 3.0)
    assert (values_words(b0), range_words(b0)) == ("1, 2, 6", "1 to 6")
    assert (found.reference_cell, b0.difference) == ("B0", None)
    assert no_difference_words(b0, found) == "reference"


def test_the_difference_is_paired_and_says_how_far_it_may_be_trusted():
    """spec: report-statistics"""
    compared = difference(statistics(*with_values(THREE)))
    assert (compared.pairs, compared.low, compared.high) == (3, -3.0, -0.5)
    assert compared.mean == pytest.approx(-1.5)
    assert difference_range_words(compared) == "-3 to -0.5 (75 %)"
    assert compared.visible_from == pytest.approx(3.264 * math.sqrt(1.75), rel=1e-3)


@pytest.mark.parametrize(
    ("seeds", "coverage"),
    [(2, "50 %"), (3, "75 %"), (4, "87.5 %"), (5, "93.75 %"), (10, "99.8 %"), (40, "over 99.9 %")],
)
def test_the_coverage_of_the_range(seeds, coverage):
    assert coverage_words(seeds) == coverage


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1.1", "2.1", "6.2"], "yes, 0.015"),
        (["6.0", "2.0", "1.0"], "no, 1.3"),
        (["2.0", "2.0", "2.1"], "little, 0.98"),
        (["2.1", "2.0", "2.0"], "no, 1"),
        (["2.0", "3.0", "7.0"], "–"),  # the differences do not vary: nothing is gained or lost
    ],
)
def test_whether_pairing_helped(values, words):
    compared = difference(statistics(*with_values({"B0": ["1.0", "2.0", "6.0"], "A3": values})))
    assert pairing_words(compared) == words


@pytest.mark.parametrize("seeds", [1, 2, 3, 4, 5])
def test_fewer_than_six_seeds_give_no_p_value(seeds):
    """spec: report-statistics"""
    found = statistics(*with_values({"B0": ["1.0"] * seeds, "A3": ["0.5"] * seeds}))
    assert not found.is_tested
    assert "p:" not in legend([found])


def test_p_values_are_those_of_the_whole_table():
    values = ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7"]
    found = statistics(*with_values({"B0": ["1.0"] * 7, "A3": values, "A4": values, "A5": ["1.0"] * 7}))
    p_values = [one.p_value for one in found.differences]
    assert p_values == [pytest.approx(3 * 2 / 128), pytest.approx(3 * 2 / 128), 1.0]
    assert [p_words(one) for one in found.differences] == ["0.047", "0.047", "1"]
    assert "Holm" in legend([found])


def test_a_single_pair_is_shown_as_no_difference():
    found = statistics(*with_values({"B0": ["1.0"], "A3": ["0.5"]}))
    cell = found.cells[1]
    assert cell.difference is None
    assert (values_words(cell), range_words(cell)) == ("0.5", "–")
    assert no_difference_words(cell, found) == "one pair only"
    assert (
        chance_words(found) == "One pair of runs says nothing about the next seed, so no difference is shown."
    )
    assert legend([found]) == ""


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"B0": 3, "A3": 3, "A4": 3}, ("With 3 seeds, all 3", "in 1 of 4", "has 2.")),
        ({"B0": 5, "A3": 5}, ("With 5 seeds, all 5", "in 1 of 16", "has 1.")),
        ({"B0": 4, "A3": 4, "A4": 2}, ("With 2 seeds, the fewest here, all 2", "in 1 of 2", "has 2.")),
        ({"B0": 1100, "A3": 1100}, ("With 1100 seeds, all 1100", "in 1 of more than a million", "has 1.")),
        ({"B0": 3}, ()),
        ({"B0": 3, "A3": 0}, ()),
    ],
)
def test_how_much_of_a_table_may_be_chance(cells, words):
    most = max(cells.values())
    values = {cell: [str(seed) for seed in range(n)] + ["NaN"] * (most - n) for cell, n in cells.items()}
    said = chance_words(statistics(*with_values(values)))
    between = " differences have the same sign by chance {} comparisons, and this table "
    assert said == (f"{words[0]}{between.format(words[1])}{words[2]}" if words else "")


def test_of_many_values_the_first_are_shown_and_the_others_counted():
    found = statistics(*with_values({"B0": ["1.0"] * 12}))
    assert values_words(found.cells[0]).endswith(", 1 and 2 more")


@pytest.mark.parametrize("value", ["NaN", "Infinity", None])
def test_what_is_not_finite_is_counted_and_left_out(value):
    policy, evidence = with_values({"B0": ["1.0", "2.0", "3.0"], "A3": ["1.0", "2.0", "3.0"]})
    found = statistics(policy, with_run(evidence, "A3/1", metrics={"pape": value}))
    cell = found.cells[1]
    assert (cell.runs, cell.values, cell.mean, difference(found).pairs) == (3, (2.0, 3.0), 2.5, 2)


def test_a_cell_without_a_finite_value_has_no_mean():
    policy, evidence = with_values({"B0": ["1.0"], "A3": ["NaN"]})
    found = statistics(policy, evidence)
    cell = found.cells[1]
    assert (cell.mean, cell.values, cell.difference) == (None, (), None)
    assert (number_words(cell.mean), values_words(cell), range_words(cell)) == ("–", "–", "–")
    assert no_difference_words(cell, found) == "no common seed"


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
    compared = difference(found)
    assert math.isinf(compared.mean)
    assert (compared.visible_from, compared.pairing, compared.p_value) == (None, None, None)


@pytest.mark.parametrize(
    ("reference", "values", "words"),
    [
        (["0.3", "0.6"], ["0.30000000000000004", "0.6000000000000001"], ("0", "0 each", "–")),
        (["1e20", "3e20"], ["100000000000000010000", "3e20"], ("0", "0 each", "–")),
        (["0.6", "0.61"], ["0.63", "0.64"], ("+0.03", "+0.03 each", "–")),
        (["8.0", "8.0"], ["8.1", "7.9"], ("0", "-0.1 to +0.1 (50 %)", "1.633")),
        (["0.5", "0.5"], ["0.50000006", "0.5"], ("+3e-08", "0 to +6e-08 (50 %)", "4.9e-07")),
        (["0.0", "0.0"], ["1e-17", "0.0"], ("+5e-18", "0 to +1e-17 (50 %)", "8.167e-17")),
    ],
)
def test_what_floats_cannot_hold_is_no_difference_and_no_spread(reference, values, words):
    compared = difference(statistics(*with_values({"B0": reference, "A3": values})))
    assert (
        signed_words(compared.mean),
        difference_range_words(compared),
        number_words(compared.visible_from),
    ) == words
