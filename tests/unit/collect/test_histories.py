import hashlib
import math
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.collect.histories import MOST_POINTS, curve_of, in_order, read_history
from smoke_gate.evidence import metric_number
from smoke_gate.pictures import Curve
from tests.support.matrix import history

numbers = st.floats(allow_nan=True, allow_infinity=True)


def picked(values: Sequence[float]) -> tuple[str, ...]:
    """Return what a person sees of a history: its ends, its extremes, and whether there is a NaN in it."""
    real = [value for value in values if value == value]
    found = (values[0], values[-1], min(real, default=None), max(real, default=None), len(real) < len(values))
    return tuple(map(str, found))


@given(st.lists(numbers, min_size=1, max_size=500))
def test_a_curve_shows_the_ends_the_extremes_and_a_nan(values):
    found = curve_of(range(len(values)), values)
    assert len(found.steps) == len(found.values) <= MOST_POINTS + 3
    assert sorted(found.steps) == list(found.steps)
    assert list(map(str, found.values)) == [str(values[step]) for step in found.steps]
    assert picked(found.values) == picked(values)


def test_a_short_curve_stays_as_it_is():
    steps = tuple(range(MOST_POINTS))
    assert curve_of(steps, [1.0] * MOST_POINTS) == Curve(steps, (1.0,) * MOST_POINTS)


def test_a_long_curve_is_kept_evenly():
    assert curve_of(range(1991), [float(step) for step in range(1991)]).steps == tuple(range(0, 1991, 10))


@given(st.lists(numbers, min_size=1, max_size=30))
def test_a_history_says_of_its_values_what_a_rule_may_pick(values):
    """spec: G5-picks"""
    found, nan = history(*values), any(map(math.isnan, values))
    assert found.length == len(values)
    assert found.has_nan is nan
    ends = [min(values), max(values)] if not nan else [math.nan, math.nan]
    said = [metric_number(text) for text in (found.first, found.last, found.smallest, found.largest)]
    wanted = [values[0], values[-1], *ends]
    assert [
        one == other or one != one != other for one, other in zip(said, map(in_a_store, wanted), strict=True)
    ]


def in_a_store(value: float) -> float:
    """Return a value as a SQL store has it and MLflow returns it."""
    return math.copysign(1.7976931348623157e308, value) if math.isinf(value) else value


def test_a_history_without_values_is_none():
    assert read_history([], with_curve=True).history is None


def test_the_hash_is_over_all_steps_and_values_as_anybody_can_make_it():
    """spec: evidence-history"""
    values = (1.0, -0.0, math.inf, math.nan)
    found = read_history([(2 * at, 5, value) for at, value in enumerate(values)], with_curve=False)
    assert found.history is not None
    made = hashlib.sha256(b"0,2,4,6\n" + struct.pack("<4d", 1.0, 0.0, math.inf, math.nan)).hexdigest()
    assert found.history.sha256 == made
    assert history(*values[:3], 0.5).sha256 != history(*values[:3], 0.6).sha256


@pytest.mark.parametrize(
    ("steps", "are_two"),
    [
        ([0, 0, 0, 0], False),  # logged without steps
        ([0, 1, 2, 3], False),
        ([0, 1, 2, 2, 3, 3], False),  # resumed twice
        ([0, 0, 1, 1, 2, 2], True),
        ([*range(100), *range(40, 45)], False),  # less than a tenth
        ([*range(100), *range(40, 60)], True),
    ],
)
def test_two_trainings_are_many_steps_with_two_values(steps, are_two):
    """spec: G7-budget"""
    found = read_history([(step, time, 1.0) for time, step in enumerate(steps)], with_curve=False)
    assert found.history is not None
    assert found.history.two_trainings is are_two


def ordered(*points: tuple[int, int, float]) -> list[tuple[int, int, str]]:
    """Order (step, time, value)."""
    return [(step, time, str(value)) for step, time, value in in_order(points)]


def test_values_are_in_order_of_step_then_of_time_and_then_as_mlflow_finds_the_latest():
    """spec: G5-picks"""
    found = ordered((2, 5, 1.0), (1, 9, 2.0), (1, 8, 3.0), (2, 5, 0.5))
    assert found == [(1, 8, "3.0"), (1, 9, "2.0"), (2, 5, "0.5"), (2, 5, "1.0")]


@pytest.mark.parametrize("values", [(math.nan, 0.5), (0.5, math.nan), (0.5, math.nan, 0.7)])
def test_a_nan_is_not_hidden_by_another_value_of_its_step_and_millisecond(values):
    """spec: G5-picks"""
    found = ordered((0, 1, 1.0), *((3, 5, value) for value in values), (9, 9, 2.0))
    assert found == [(0, 1, "1.0"), (3, 5, "nan"), (9, 9, "2.0")]


def test_a_nan_hides_no_value_of_another_time():
    """Who logs without steps logs all at step 0."""
    assert ordered((0, 1, 1.0), (0, 2, math.nan), (0, 3, 0.5)) == [
        (0, 1, "1.0"),
        (0, 2, "nan"),
        (0, 3, "0.5"),
    ]
