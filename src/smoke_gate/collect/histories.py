"""Histories of metrics, short enough for evidence that people send around. Pure."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from smoke_gate.evidence import Point, metric_number

if TYPE_CHECKING:
    from mlflow.entities import Metric

MOST_POINTS = 200


def in_order(metrics: Iterable["Metric"]) -> list["Metric"]:
    """Return a history by step and time.

    Which of several values of one step and millisecond came first, no store says: where a NaN is among them, they are
    NaN, so that no other stands before it as the first or the last.
    """
    ordered = sorted(metrics, key=_moment)
    return [metric for _, group in groupby(ordered, key=_moment) for metric in _known(list(group))]


def _moment(metric: "Metric") -> tuple[int, int]:
    return metric.step, metric.timestamp


def _known(metrics: list["Metric"]) -> list["Metric"]:
    return [metric for metric in metrics if math.isnan(metric.value)] or metrics


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
