"""Figures for people to look at: they decide nothing, and no hash covers them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from smoke_gate.evidence import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The summary figures that were drawn, and ``notes`` on what was left out, and why."""

    drawn: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()


NO_PICTURES = Pictures()


@dataclass(frozen=True, slots=True)
class Curve:
    """Steps and values of a metric's history, so few of them as a person can see, in order."""

    steps: tuple[int, ...]
    values: tuple[float, ...]


Curves: TypeAlias = Mapping[tuple[str, str], Curve]
"""By run id and metric."""
