"""Figures for people to look at: they decide nothing, and no hash covers them."""

from dataclasses import dataclass

from smoke_gate.evidence import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The summary figures that were drawn, and ``notes`` on what was left out, and why."""

    drawn: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()


NO_PICTURES = Pictures()
