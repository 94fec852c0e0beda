"""Histories of metrics, short enough for evidence that people send around."""

import logging
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol, TypeVar

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.ledger import holds_two_trainings
from smoke_gate.collect.served_histories import served_history
from smoke_gate.collect.sql_histories import histories_in_database
from smoke_gate.collect.store import Store
from smoke_gate.evidence import Point, is_exact, metric_number, metric_text

_LOG = logging.getLogger(__name__)

MOST_POINTS = 200
_AT_ONCE = 500  # runs in a query: databases bound how many ids one may name


class LoggedValue(Protocol):
    """A value of a history: MLflow's entity, or a row of its table."""

    @property
    def step(self) -> int:
        """The step."""

    @property
    def timestamp(self) -> int:
        """The time, in milliseconds."""

    @property
    def value(self) -> float:
        """The value, NaN included."""


V = TypeVar("V", bound=LoggedValue)


@dataclass(frozen=True, slots=True)
class History:
    """A history, thinned and in order; ``repeated``: it holds two trainings."""

    points: tuple[Point, ...]
    repeated: bool


@dataclass(frozen=True, slots=True)
class Histories:
    """The histories of runs: ``known`` were read before, by run id and metric; others are asked for."""

    store: Store
    known: Mapping[tuple[str, str], History] = field(default_factory=dict)

    def of(self, run_id: str, metric: str) -> History:
        """Return a history.

        Raises:
            StoreError: The store cannot be read.

        """
        known = self.known.get((run_id, metric))
        if known is not None:
            return known
        if self.store.kind == "server":
            return history_of(served_history(self.store, run_id, metric))
        return history_of(self.store.call(self.store.client.get_metric_history, run_id, metric))


def histories_of(store: Store, run_ids: Sequence[str], metrics: Collection[str]) -> Histories:
    """Return the histories of runs. Those in a database are read off its tables, by a few queries."""
    if store.tables is None or not metrics:
        return Histories(store)
    known: dict[tuple[str, str], History] = {}
    try:
        for first in range(0, len(run_ids), _AT_ONCE):
            some = run_ids[first : first + _AT_ONCE]
            known |= store.call(store.tables.read, histories_in_database(some, metrics, history_of))
    except StoreError as error:
        _LOG.info("MLflow reads the histories, because the tables could not be read at once: %s", error)
    return Histories(store, known)


def history_of(values: Iterable[LoggedValue]) -> History:
    """Return what evidence holds of a history's values, which come in any order."""
    points = tuple(
        Point(step=one.step if is_exact(one.step) else str(one.step), value=metric_text(one.value))
        for one in in_order(values)
    )
    return History(thinned(points), holds_two_trainings(points))


def in_order(values: Iterable[V]) -> list[V]:
    """Return a history by step and time.

    Which of several values of one step and millisecond came first, no store says: where a NaN is among them, they are
    NaN, so that no other stands before it as the first or the last.
    """
    ordered = sorted(values, key=_moment)
    return [one for _, group in groupby(ordered, key=_moment) for one in _known(list(group))]


def _moment(one: LoggedValue) -> tuple[int, int]:
    return one.step, one.timestamp


def _known(values: list[V]) -> list[V]:
    return [one for one in values if math.isnan(one.value)] or values


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
