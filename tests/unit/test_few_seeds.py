"""Every chance and every coverage that a report states is counted in simulated data.

Each simulation has a fixed generator, and bounds of five standard errors or more: by coincidence it fails in one of a
million cases.
"""

import itertools
import math
from decimal import Decimal

import numpy as np
import pytest
import scipy.stats

from smoke_gate.few_seeds import (
    FEWEST_FOR_A_TEST,
    MOST_FOR_A_TEST,
    chance_of_agreement,
    critical_value,
    gain_from,
    holm,
    mean_of,
    paired_differences,
    pairing_ratio,
    range_coverage,
    sign_flip_test,
    smallest_visible,
    spread_of,
    without_noise,
)

TIMES = 100_000
SKEWED_MEDIAN = math.log(2)  # of the exponential distribution


def generator() -> np.random.Generator:
    return np.random.default_rng(20260131)


def five_errors(chance: float, times: int = TIMES) -> float:
    return 5 * math.sqrt(chance * (1 - chance) / times)


# --- simulated --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [2, 3, 4, 5, 6, 8, 10])
def test_the_range_of_differences_holds_their_median_as_often_as_the_report_says(seeds):
    size = (TIMES, seeds)
    draws = generator()
    for differences, median in (
        (draws.normal(0.3, 2.0, size), 0.3),
        (draws.exponential(size=size), SKEWED_MEDIAN),
        (draws.standard_cauchy(size), 0.0),
    ):
        holds = (differences.min(axis=1) <= median) & (median <= differences.max(axis=1))
        assert holds.mean() == pytest.approx(range_coverage(seeds), abs=five_errors(range_coverage(seeds)))


@pytest.mark.parametrize("seeds", [2, 3, 4, 5, 6, 8, 10])
def test_all_seeds_agree_by_chance_as_often_as_the_report_says(seeds):
    above = (generator().normal(size=(TIMES, seeds)) > 0).sum(axis=1)
    agree = ((above == 0) | (above == seeds)).mean()
    assert agree == pytest.approx(chance_of_agreement(seeds), abs=five_errors(chance_of_agreement(seeds)))


@pytest.mark.parametrize("seeds", [2, 3, 4, 5, 6, 10, 24])
def test_the_smallest_visible_effect_is_found_in_80_percent_of_cases(seeds):
    noise = generator().normal(size=(TIMES, seeds))

    def found(effect: float) -> float:
        moved = noise + effect
        statistic = moved.mean(axis=1) / (moved.std(axis=1, ddof=1) / math.sqrt(seeds))
        return float((abs(statistic) > critical_value(seeds - 1)).mean())

    assert found(smallest_visible(seeds)) == pytest.approx(0.8, abs=five_errors(0.8))
    assert found(0.0) == pytest.approx(0.05, abs=five_errors(0.05))


@pytest.mark.parametrize("seeds", [6, 7, 8])
def test_a_table_without_an_effect_has_a_corrected_p_value_below_5_percent_in_at_most_5_percent(seeds):
    """Every cell is compared with the same reference, so the differences of one table depend on each other."""
    cells, tables = 3, 2000
    values = generator().normal(size=(tables, cells + 1, seeds))
    found = 0
    for table in values:
        p_values = [sign_flip_test(list(cell - table[0])) for cell in table[1:]]
        found += min(holm([one for one in p_values if one is not None])) <= 0.05
    assert found / tables <= 0.05 + five_errors(0.05, tables)
    assert found or seeds == FEWEST_FOR_A_TEST, "three cells of six seeds cannot go below 3 * 2/64"


# --- held against other computations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("seeds", "about"), [(3, 3.1), (4, 2.1), (5, 1.66)])
def test_the_smallest_visible_effect_is_about_what_tables_say(seeds, about):
    assert smallest_visible(seeds) == pytest.approx(about, rel=0.06)


@pytest.mark.parametrize("seeds", [3, 4, 5, 6, 10, 30, 100, 1000])
def test_the_smallest_visible_effect_has_the_power_that_scipy_computes(seeds):
    freedom, shift = seeds - 1, smallest_visible(seeds) * math.sqrt(seeds)
    bound = scipy.stats.t.ppf(0.975, freedom)
    assert critical_value(freedom) == pytest.approx(bound, rel=1e-9)
    power = scipy.stats.nct.sf(bound, freedom, shift) + scipy.stats.nct.cdf(-bound, freedom, shift)
    assert power == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_pairing_must_gain_more_than_the_degrees_of_freedom_that_it_costs(seeds):
    paired, unpaired = (scipy.stats.t.ppf(0.975, freedom) for freedom in (seeds - 1, 2 * seeds - 2))
    assert gain_from(seeds) == pytest.approx(unpaired / paired, rel=1e-9)


@pytest.mark.parametrize("seeds", range(FEWEST_FOR_A_TEST, 13))
def test_the_sign_flip_test_counts_every_choice_of_signs(seeds):
    differences = [round(float(one), 2) for one in generator().normal(0.4, 1.0, seeds)]
    found = abs(math.fsum(differences)) - 1e-9
    sums = [
        abs(math.fsum(sign * one for sign, one in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=seeds)
    ]
    assert sign_flip_test(differences) == pytest.approx(sum(one >= found for one in sums) / len(sums))


@pytest.mark.parametrize(
    ("p_values", "corrected"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.9, 0.5], [1.0, 1.0]),
    ],
)
def test_holms_method(p_values, corrected):
    assert holm(p_values) == pytest.approx(corrected)


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("differences", "p_value"),
    [
        ([1.0] * 5, None),
        ([1.0] * 6, 2 / 64),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 2 / 64),
        ([0.1, 0.2, 0.3, 0.4, 0.5, -0.6], 28 / 64),
        ([0.0] * 6, 1.0),
        ([1.0, -1.0] * 3, 1.0),
        ([math.inf] * 6, None),
        ([1.0] * MOST_FOR_A_TEST, 2.0 ** (1 - MOST_FOR_A_TEST)),
        ([1.0] * (MOST_FOR_A_TEST + 1), None),
    ],
)
def test_there_is_a_p_value_where_the_exact_test_can_be_made(differences, p_value):
    assert sign_flip_test(differences) == (None if p_value is None else pytest.approx(p_value, rel=1e-9))


def test_values_pair_by_seed():
    assert paired_differences({"1": 2.0, "2": 5.0}, {"2": 3.5, "3": 1.0}) == {"2": 1.5}


@pytest.mark.parametrize(
    ("values", "reference", "ratio"),
    [
        ([1.0, 2.0, 3.0], [2.0, 3.0, 4.0], 0.0),
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], math.sqrt(2)),
        ([1.0, 2.0, 3.0], [5.0, 5.0, 5.0], 1.0),
        ([1.0, 1.0], [5.0, 5.0], None),
        ([1.0], [5.0], None),
    ],
)
def test_the_pairing_ratio(values, reference, ratio):
    one, other = ({str(place): value for place, value in enumerate(side)} for side in (values, reference))
    assert pairing_ratio(one, other) == (None if ratio is None else pytest.approx(ratio))


@pytest.mark.parametrize(
    ("numbers", "spread"),
    [([], None), ([1.0], None), ([1.0, 3.0], math.sqrt(2)), ([0.0, 0.0], 0.0), ([1.7e308, -1.7e308], None)],
)
def test_the_spread(numbers, spread):
    assert spread_of(numbers) == (None if spread is None else pytest.approx(spread))


def test_the_mean_of_large_numbers_does_not_overflow():
    assert mean_of([1.5e308, 1.5e308]) == pytest.approx(1.5e308)


@pytest.mark.parametrize(
    ("difference", "values", "found"),
    [
        (1e-17, (0.3, 0.3), 0.0),
        (1e-9, (0.3, 0.3), 1e-9),
        (1e-17, (0.0, 1e-17), 1e-17),
        (math.inf, (math.inf,), math.inf),
        (Decimal("1e-13"), (Decimal(1), Decimal(1)), Decimal(0)),
        (Decimal("1e-11"), (Decimal(1), Decimal(1)), Decimal("1e-11")),
    ],
)
def test_noise_is_no_difference_in_floats_and_in_decimals(difference, values, found):
    assert without_noise(difference, *values) == found
    assert type(without_noise(difference, *values)) is type(difference)
