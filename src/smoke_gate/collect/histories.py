"""Histories of metrics: what the gates ask of them, and curves for people to look at."""

import logging
import math
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import itemgetter

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.served_histories import served_history
from smoke_gate.collect.sql_histories import Logged, all_histories, histories_of_runs
from smoke_gate.collect.store import Store
from smoke_gate.evidence import History, metric_text, metric_value
from smoke_gate.hashing import sha256_hex
from smoke_gate.pictures import Curve

_LOG = logging.getLogger(__name__)

MOST_POINTS = 200  # of a curve
_AT_ONCE = 500  # runs in a query: databases bound how many ids one may name
_LEAST_REPEATED = 3  # steps with two values, and a tenth of all: a resumed training repeats one or two
_REPEATED_PART = 10


@dataclass(frozen=True, slots=True)
class Read:
    """A history as evidence has it, and its curve where somebody is to look at it; both None where it has no value."""

    history: History | None = None
    curve: Curve | None = None


@dataclass(frozen=True, slots=True)
class Histories:
    """The histories of runs: ``known`` were read before, by run id and metric; others are asked for."""

    store: Store
    known: Mapping[tuple[str, str], Read] = field(default_factory=dict)
    with_curves: bool = False

    def of(self, run_id: str, metric: str) -> Read:
        """Return a history.

        Raises:
            StoreError: The store cannot be read.

        """
        known = self.known.get((run_id, metric))
        return known or read_history(self._logged(run_id, metric), with_curve=self.with_curves)

    def _logged(self, run_id: str, metric: str) -> Iterable[Logged]:
        if self.store.kind == "server":
            return served_history(self.store, run_id, metric)
        values = self.store.call(self.store.client.get_metric_history, run_id, metric)
        return ((one.step, one.timestamp, one.value) for one in values)


def histories_of(
    store: Store,
    experiments: Sequence[str],
    run_ids: Sequence[str],
    metrics: Collection[str],
    *,
    are_most: bool = False,
    with_curves: bool = False,
) -> Histories:
    """Return the histories of runs. Those in a database are read off its tables, by a few queries.

    ``are_most`` says that few other runs are in the experiments: then one query for all of them is the fastest.
    """
    if store.tables is None or not metrics:
        return Histories(store, with_curves=with_curves)
    wanted = frozenset(run_ids)
    read = partial(read_history, with_curve=with_curves)
    queries = [all_histories(experiments, wanted, metrics, read)] if are_most else [
        histories_of_runs(run_ids[first : first + _AT_ONCE], metrics, read)
        for first in range(0, len(run_ids), _AT_ONCE)
    ]  # fmt: skip
    known: dict[tuple[str, str], Read] = {}
    try:
        for query in queries:
            known |= store.call(store.tables.read, query)
    except StoreError as error:
        _LOG.info("MLflow reads the histories, because the tables could not be read at once: %s", error)
    else:
        known = {(run_id, metric): Read() for run_id in run_ids for metric in metrics} | known
    return Histories(store, known, with_curves)


def read_history(values: Iterable[Logged], *, with_curve: bool) -> Read:
    """Return a history, whose values come in any order."""
    points = in_order(values)
    if not points:
        return Read()
    steps = [step for step, _, _ in points]
    numbers = [metric_value(value) for _, _, value in points]
    has_nan = any(map(math.isnan, numbers))
    history = History(
        length=len(points),
        first=metric_text(numbers[0]),
        last=metric_text(numbers[-1]),
        smallest=metric_text(math.nan if has_nan else min(numbers)),
        largest=metric_text(math.nan if has_nan else max(numbers)),
        two_trainings=holds_two_trainings(steps),
        sha256=_sha256(steps, numbers),
    )
    return Read(history, curve_of(steps, numbers) if with_curve else None)


def in_order(values: Iterable[Logged]) -> list[Logged]:
    """Return a history by step and time, and in one moment by value, as MLflow finds the latest one.

    Which of several values of one moment came first, no store says: where a NaN is among them, they are NaN, so that no
    other stands before it as the first or the last.
    """
    ordered = sorted(values)
    if not any(map(_is_nan, ordered)):
        return ordered
    return [one for _, group in groupby(ordered, key=itemgetter(0, 1)) for one in _known(list(group))]


def _is_nan(one: Logged) -> bool:
    return math.isnan(one[2])


def _known(values: list[Logged]) -> list[Logged]:
    return [one for one in values if _is_nan(one)] or values


def holds_two_trainings(steps: Sequence[int]) -> bool:
    """Return whether many steps of a history have more than one value."""
    distinct = len(set(steps))
    if distinct in (1, len(steps)):
        return False
    repeated = sum(number > 1 for number in Counter(steps).values())
    return repeated >= max(_LEAST_REPEATED, distinct / _REPEATED_PART)


def _sha256(steps: Sequence[int], values: Sequence[float]) -> str:
    return sha256_hex(",".join(map(str, steps)).encode() + b"\n" + struct.pack(f"<{len(values)}d", *values))


def curve_of(steps: Sequence[int], values: Sequence[float], most: int = MOST_POINTS) -> Curve:
    """Return about ``most`` points of a history, evenly; with the first, the last, the smallest, the largest, a NaN."""
    if len(steps) <= most:
        return Curve(tuple(steps), tuple(values))
    kept = {round(place * (len(steps) - 1) / (most - 1)) for place in range(most)}
    real = [place for place, value in enumerate(values) if not math.isnan(value)]
    if real:
        kept.update((min(real, key=values.__getitem__), max(real, key=values.__getitem__)))
    if len(real) < len(values):
        kept.add(next(place for place, value in enumerate(values) if math.isnan(value)))
    places = sorted(kept)
    return Curve(tuple(steps[place] for place in places), tuple(values[place] for place in places))
