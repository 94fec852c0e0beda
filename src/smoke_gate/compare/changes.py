"""A metric in two runs of the same cell and seed, and the pairs that have no two runs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from smoke_gate.evidence import metric_number
from smoke_gate.few_seeds import without_noise
from smoke_gate.selection import Pair

Presence = Literal["a run", "no run", "not planned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A pair that lacks a run in base, in head or in both, and what each of them has."""

    pair: Pair
    base: Presence
    head: Presence


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A metric at one pair, in base and in head; None where the run there did not log it."""

    pair: Pair
    base: str | None
    head: str | None

    @property
    def difference(self) -> Decimal | None:
        """Head minus base, of the decimal numbers as written; None where either is absent or not finite.

        What floating-point arithmetic alone may change is 0.
        """
        if not (is_finite(self.base) and is_finite(self.head)):
            return None
        base, head = Decimal(self.base or ""), Decimal(self.head or "")
        return without_noise(head - base, base, head)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """A metric of one cell, over the ``seeds`` that have a finite value in base and in head.

    ``mean`` is the mean of head minus base. ``spread`` is how far the values of different seeds lie apart: the larger
    of the ranges in base and in head. It is None for a single seed, which has no spread.
    """

    cell: str
    seeds: int
    mean: Decimal
    spread: Decimal | None

    @property
    def is_change(self) -> bool:
        """True if the cell moved further than its seeds lie apart."""
        if self.spread is None:
            return False
        return without_noise(abs(self.mean) - self.spread, self.mean, self.spread) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChanges:
    """A metric at every pair that has a run in both; in plan order. ``cells`` are those that can be compared."""

    metric: str
    changes: tuple[Change, ...]
    cells: tuple[CellChange, ...]

    @property
    def differences(self) -> tuple[Decimal, ...]:
        """The differences that are known."""
        known = (change.difference for change in self.changes)
        return tuple(difference for difference in known if difference is not None)

    @property
    def incomplete(self) -> tuple[Change, ...]:
        """The pairs at which one side lacks the metric, or has no finite value."""
        return tuple(change for change in self.changes if change.difference is None)


def mean_change(differences: Sequence[Decimal]) -> Decimal:
    """Return the mean of at least one difference."""
    return without_noise(sum(differences, Decimal()) / len(differences), *differences)


def cell_changes(changes: Iterable[Change]) -> tuple[CellChange, ...]:
    """Return how far each cell moved, and how far its seeds lie apart."""
    cells: dict[str, list[tuple[Decimal, Decimal, Decimal]]] = {}
    for change in changes:
        if (difference := change.difference) is not None:
            numbers = Decimal(change.base or ""), Decimal(change.head or ""), difference
            cells.setdefault(change.pair.cell, []).append(numbers)
    return tuple(_cell_change(cell, found) for cell, found in cells.items())


def _cell_change(cell: str, found: Sequence[tuple[Decimal, Decimal, Decimal]]) -> CellChange:
    base, head, differences = zip(*found, strict=True)
    return CellChange(
        cell=cell,
        seeds=len(found),
        mean=mean_change(differences),
        spread=max(_range(base), _range(head)) if len(found) > 1 else None,
    )


def _range(values: Sequence[Decimal]) -> Decimal:
    return without_noise(max(values) - min(values), *values)


def is_finite(value: str | None) -> bool:
    """Return whether a run logged a number here, and it is neither infinite nor NaN."""
    return value is not None and math.isfinite(metric_number(value))
