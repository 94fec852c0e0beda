"""The mathematics of what a few seeds can tell about a difference. Pure; ``docs/statistics.md`` says it in words.

scipy has the t distributions. It would save some twenty lines here and add some 100 MB to the image.
"""

import math
import statistics
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from itertools import accumulate
from typing import TypeVar

POWER, LEVEL = 0.8, 0.05  # of the paired t test that the smallest visible effect is about
FEWEST_FOR_A_TEST = 6  # with 5 seeds the exact test cannot give a p-value below 0.0625
MOST_FOR_A_TEST = 24  # the exact test of n seeds makes 2^(n/2) sums
_SMALLEST_PART = 10**12  # what is less than this part of a value is floating-point noise
_NODES = 100  # of the numerical integral

Number = TypeVar("Number", float, Decimal)


def without_noise(difference: Number, *values: Number) -> Number:
    """Return a difference; 0 if it is not larger than the floating-point noise of the values that it is made of.

    The last bits of a float64 are a thousandth of what counts as noise here. A float32 has 1e-7.
    """
    largest = max(map(abs, values), default=type(difference)())
    is_noise = math.isfinite(difference) and abs(difference) <= largest / _SMALLEST_PART
    return type(difference)() if is_noise else difference


def paired_differences(values: Mapping[str, float], reference: Mapping[str, float]) -> dict[str, float]:
    """Return value minus reference for each seed that both have."""
    return {
        seed: without_noise(value - reference[seed], value, reference[seed])
        for seed, value in values.items()
        if seed in reference
    }


def mean_of(numbers: Sequence[float]) -> float:
    """Return the mean of at least one number. Each is divided first, so that large ones do not overflow."""
    return math.fsum(number / len(numbers) for number in numbers)


def spread_of(numbers: Sequence[float]) -> float | None:
    """Return the standard deviation; None if there are fewer than two numbers, or it is too large for a float."""
    largest = max(map(abs, numbers), default=0.0)
    if len(numbers) < 2 or not math.isfinite(largest):
        return None
    spread = statistics.stdev(number / largest for number in numbers) * largest if largest else 0.0
    return without_noise(spread, *numbers) if math.isfinite(spread) else None


# --- how far a range may be trusted -----------------------------------------------------------------------------------


def range_coverage(seeds: int) -> float:
    """Return how often the range of so many differences holds their median: it misses only if all lie on one side.

    Exact for any continuous distribution, at least this much for any other. Source: Thompson, Annals of Mathematical
    Statistics 7 (1936).
    """
    return 1 - chance_of_agreement(seeds)


def chance_of_agreement(seeds: int) -> float:
    """Return how often so many differences have the same sign if there is no effect: one in 2^(seeds - 1)."""
    return 2.0 ** (1 - seeds)


# --- how large an effect must be --------------------------------------------------------------------------------------


@cache
def smallest_visible(seeds: int) -> float:
    """Return the smallest effect that a paired t test finds in 80 % of cases, at 5 %, two-sided.

    In standard deviations of the differences, from the exact power, which is a noncentral t distribution. Source:
    Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd ed. (1988), chapter 2.

    Args:
        seeds: at least two.

    """
    freedom = seeds - 1
    critical = critical_value(freedom)
    return _where(lambda shift: _exceeded(critical, shift, freedom) >= POWER) / math.sqrt(seeds)


@cache
def critical_value(freedom: int) -> float:
    """Return the bound that a t statistic passes, up or down, in 5 % of cases if there is no effect."""
    return _where(lambda bound: _exceeded(bound, 0.0, freedom) <= LEVEL)


def _exceeded(bound: float, shift: float, freedom: int) -> float:
    """Return how often a noncentral t statistic is above ``bound`` or below its negative.

    The statistic is (Z + shift) / S, where S is the estimated spread over the true one: an integral over S.
    """
    return sum(
        weight * (_normal(shift - bound * spread) + _normal(-shift - bound * spread))
        for spread, weight in _estimated_spreads(freedom)
    )


def _normal(value: float) -> float:
    """Return how often a normal variable is below a value."""
    return math.erfc(-value / math.sqrt(2)) / 2


@cache
def _estimated_spreads(freedom: int) -> tuple[tuple[float, float], ...]:
    """Return nodes and weights of an integral over sqrt(chi square / freedom), by Gauss and Legendre."""
    import numpy as np

    width = 10 / math.sqrt(2 * freedom)  # ten standard deviations
    low, high = max(0.0, 1 - width), 1 + width
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half = (high - low) / 2
    places = [float(low + half * (1 + node)) for node in nodes]
    constant = math.log(2) + freedom / 2 * math.log(freedom / 2) - math.lgamma(freedom / 2)
    return tuple(
        (place, half * weight * math.exp(constant + (freedom - 1) * math.log(place) - freedom * place**2 / 2))
        for place, weight in zip(places, map(float, weights), strict=True)
    )


def _where(reached: Callable[[float], bool]) -> float:
    """Return the number from which on a condition holds."""
    low, high = 0.0, 1.0
    while not reached(high):
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


# --- whether pairing helped -------------------------------------------------------------------------------------------


def pairing_ratio(values: Mapping[str, float], reference: Mapping[str, float]) -> float | None:
    """Return the spread of the paired differences over what it would be if seeds had nothing in common.

    None if fewer than two seeds are in both, or nothing varies.
    """
    common = [seed for seed in values if seed in reference]
    spreads = [spread_of([side[seed] for seed in common]) for side in (values, reference)]
    paired = spread_of(list(paired_differences(values, reference).values()))
    if paired is None or spreads[0] is None or spreads[1] is None:
        return None
    unpaired = math.hypot(spreads[0], spreads[1])
    return paired / unpaired if unpaired else None


@cache
def gain_from(seeds: int) -> float:
    """Return the ratio below which pairing gives a narrower interval.

    Pairing halves the degrees of freedom. So the t interval of few pairs is narrower only if the spread falls by more
    than that costs.
    """
    return critical_value(2 * seeds - 2) / critical_value(seeds - 1)


# --- tests, from six seeds on -----------------------------------------------------------------------------------------


def sign_flip_test(differences: Sequence[float]) -> float | None:
    """Return the exact two-sided p-value of the sign-flip test; None below 6 differences and above 24.

    If there is no effect, each difference could as well have the other sign. The p-value is the part of all 2^n choices
    of signs whose mean is as far from 0 as the one found. Source: Fisher, The Design of Experiments (1935), section 21.
    """
    total, size = math.fsum(differences), math.fsum(map(abs, differences))
    if not FEWEST_FOR_A_TEST <= len(differences) <= MOST_FOR_A_TEST or not math.isfinite(size):
        return None
    found = abs(without_noise(total, size))
    if not found:
        return 1.0
    half = len(differences) // 2
    left, right = _signed_sums(differences[:half]), sorted(_signed_sums(differences[half:]))
    # Sums that only noise tells apart are equal. As many sums are below -found as are above found.
    above = sum(len(right) - bisect_left(right, found - size / _SMALLEST_PART - one) for one in left)
    return min(1.0, 2 * above / 2.0 ** len(differences))


def _signed_sums(numbers: Iterable[float]) -> list[float]:
    sums = [0.0]
    for number in numbers:
        sums = [one + sign * number for one in sums for sign in (1, -1)]
    return sums


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that hold for all of them together, in the given order.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    raised = [(len(order) - rank) * p_values[place] for rank, place in enumerate(order)]
    adjusted = dict(zip(order, accumulate(raised, max), strict=True))
    return [min(1.0, adjusted[place]) for place in range(len(p_values))]
