from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.collect.histories import MOST_POINTS, thinned
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
