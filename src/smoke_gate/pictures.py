"""Curves and figures for people to look at: they decide nothing, and no hash covers them."""

from dataclasses import dataclass

from smoke_gate.evidence import Figure, Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The history of a run's metric, as a figure shows it: some of its points, in order."""

    run_id: str
    metric: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The curves that were read, the summary figures that were drawn, and ``notes`` on what was left out, and why."""

    curves: tuple[Curve, ...] = ()
    drawn: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()


NO_PICTURES = Pictures()
