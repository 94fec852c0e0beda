"""A metric in two runs of the same cell and seed, and the pairs that have no two runs."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from smoke_gate.evidence import metric_number
from smoke_gate.selection import Pair

Presence = Literal["a run", "no run", "not planned"]
_NOISE = Decimal("1e-12")  # of the larger value: what another order of float64 additions may change


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
        difference = head - base
        return Decimal() if abs(difference) <= _NOISE * max(abs(base), abs(head)) else difference


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChanges:
    """A metric at every pair that has a run in both; in plan order."""

    metric: str
    changes: tuple[Change, ...]

    @property
    def differences(self) -> tuple[Decimal, ...]:
        """The differences that are known."""
        known = (change.difference for change in self.changes)
        return tuple(difference for difference in known if difference is not None)

    @property
    def incomplete(self) -> tuple[Change, ...]:
        """The pairs at which one side lacks the metric, or has no finite value."""
        return tuple(change for change in self.changes if change.difference is None)


def is_finite(value: str | None) -> bool:
    """Whether a run logged a number here, and it is neither infinite nor NaN."""
    return value is not None and math.isfinite(metric_number(value))
