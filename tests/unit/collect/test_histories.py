import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import Metric

from smoke_gate.collect.histories import MOST_POINTS, in_order, thinned
from smoke_gate.evidence import Point, metric_number, metric_text

values = st.floats(allow_nan=True, allow_infinity=True).map(metric_text)
histories = st.lists(values, max_size=500).map(
    lambda texts: [Point(step=step, value=text) for step, text in enumerate(texts)]
)


def picked(points: Sequence[Point]) -> tuple[object, ...]:
    """Return what a policy can pick of a history, and whether there is a NaN in it."""
    numbers = [metric_number(point.value) for point in points]
    real = [number for number in numbers if number == number]
    return points[0], points[-1], min(real, default=None), max(real, default=None), len(real) < len(numbers)


@given(histories)
def test_whatever_is_picked_from_a_history_is_picked_from_the_thinned_one(points):
    found = thinned(points)
    assert len(found) <= MOST_POINTS + 3
    assert sorted(found, key=lambda point: point.step) == list(found)
    assert set(found) <= set(points)
    if points:
        assert picked(found) == picked(points)


def test_a_short_history_stays_as_it_is():
    points = [Point(step=step, value="1.0") for step in range(MOST_POINTS)]
    assert thinned(points) == tuple(points)


def test_a_long_history_is_kept_evenly():
    points = [Point(step=step, value=repr(float(step))) for step in range(1991)]
    assert [point.step for point in thinned(points)] == list(range(0, 1991, 10))


def ordered(*points: tuple[int, int, float]) -> list[tuple[int, int, str]]:
    """Order (step, time, value)."""
    metrics = in_order([Metric("loss", value, time, step) for step, time, value in points])
    return [(metric.step, metric.timestamp, metric_text(metric.value)) for metric in metrics]


def test_points_are_in_order_of_step_and_then_of_time():
    found = ordered((2, 5, 1.0), (1, 9, 2.0), (1, 8, 3.0), (2, 5, 0.5))
    assert found == [(1, 8, "3.0"), (1, 9, "2.0"), (2, 5, "1.0"), (2, 5, "0.5")]


@pytest.mark.parametrize("values", [(math.nan, 0.5), (0.5, math.nan), (0.5, math.nan, 0.7)])
def test_a_nan_is_not_hidden_by_another_value_of_its_step_and_millisecond(values):
    """spec: G5-picks"""
    found = ordered((0, 1, 1.0), *((3, 5, value) for value in values), (9, 9, 2.0))
    assert found == [(0, 1, "1.0"), (3, 5, "NaN"), (9, 9, "2.0")]


def test_a_nan_hides_no_value_of_another_time():
    """Who logs without steps logs all at step 0."""
    assert ordered((0, 1, 1.0), (0, 2, math.nan), (0, 3, 0.5)) == [
        (0, 1, "1.0"),
        (0, 2, "NaN"),
        (0, 3, "0.5"),
    ]
