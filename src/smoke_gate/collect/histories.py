"""Histories of metrics, short enough for evidence that people send around. Pure."""

import math
from collections.abc import Sequence

from smoke_gate.evidence import Point, metric_number

MOST_POINTS = 200


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> tuple[Point, ...]:
    """Return about ``most`` of a history's points, evenly, in order.

    The first, the last, the smallest, the largest and a NaN, if there is one, are among them, so that
    whatever a policy picks from a history, it picks the same from this.
    """
    if len(points) <= most:
        return tuple(points)
    numbers = [metric_number(point.value) for point in points]
    kept = {round(step * (len(points) - 1) / (most - 1)) for step in range(most)}
    kept.update([place for place, number in enumerate(numbers) if math.isnan(number)][:1])
    real = [place for place, number in enumerate(numbers) if not math.isnan(number)]
    if real:
        kept.update((min(real, key=numbers.__getitem__), max(real, key=numbers.__getitem__)))
    return tuple(points[place] for place in sorted(kept))
