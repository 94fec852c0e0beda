"""A metric by cell: every seed's point and the mean, and beside them the differences to the reference cell.

A difference is paired by seed. Each is a point, and a bar shows their range. Very many points are a cloud.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smoke_gate.draw.canvas import (
    FAINT,
    GREY,
    INK,
    RANGE,
    SeedMark,
    can_be_told_apart,
    label,
    labels,
    marks,
    paper,
    png_of,
)
from smoke_gate.draw.facts import Row, are_many, drawable, fits_logarithmic, seeds_of, value_of
from smoke_gate.draw.layout import cell_axis, cloud, few_ticks, height_of_rows, logarithmic_ticks, seed_legend
from smoke_gate.few_seeds import mean_of, paired_differences

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOGARITHMIC_FROM = 300.0  # largest over smallest value

Values = Mapping[str, float]  # by seed


@dataclass(frozen=True, slots=True)
class _Room:
    """How many panels share the width of a figure, and so how many ticks and letters of names have room."""

    panels: int
    ticks: int
    name: int
    metric: int
    reference: int


_WHOLE = _Room(panels=1, ticks=7, name=22, metric=48, reference=0)
_HALF = _Room(panels=2, ticks=3, name=15, metric=20, reference=10)


def metric_figure(rows: Sequence[Row], fonts: Sequence[str], metric: str, reference: str) -> bytes | None:
    """Return a PNG of a metric over the cells; None where no run has a value that can be drawn.

    The differences to the cell ``reference`` are left out if no cell has two seeds in common with it.
    """
    by_cell = values_by_cell(rows, metric)
    values = list(by_cell.values())
    if not any(values):
        return None
    seeds = seeds_of(rows)
    differences = paired_by_cell(by_cell, reference)
    room = _HALF if any(differences) else _WHOLE
    names = [
        name + _missing(own, len(row.runs))
        for name, own, row in zip(labels(list(by_cell), room.name), values, rows, strict=True)
    ]
    looks = None if are_many(rows) else marks(seeds)
    with paper(height_of_rows(len(rows)), fonts) as figure:
        panels = figure.subplots(1, room.panels, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.1})[0]
        axes = panels[0]
        _seeds(axes, values, looks, linewidth=0.6)
        _scale(axes, values, room)
        axes.set_xlabel(label(metric, room.metric), parse_math=False)
        if any(differences):
            _compare(panels[1], differences, looks)
            panels[1].set_xlabel(f"Δ to {label(reference, _HALF.reference)}", parse_math=False)
        cell_axis(axes, names)
        for panel in panels:
            panel.margins(x=0.06)
            panel.grid(axis="x", color=FAINT, linewidth=0.4)
            panel.tick_params(axis="y", length=0)
            panel.set_axisbelow(True)
        if can_be_told_apart(seeds):
            seed_legend(figure, marks(seeds), has_bars=any(differences))
        return png_of(figure)


def values_by_cell(rows: Sequence[Row], metric: str) -> dict[str, Values]:
    """Return the values of each cell that can be drawn, by seed."""
    return {
        row.cell: {
            seed: value for seed, run in row.runs.items() if (value := value_of(run, metric)) is not None
        }
        for row in rows
    }


def paired_by_cell(values: Mapping[str, Values], reference: str) -> list[Values]:
    """Return the differences of each cell to the reference cell, by seed.

    There are none for the reference cell, and none for a cell with a single difference: it says nothing about the
    next seed.
    """
    to = values.get(reference, {})
    found = [{} if cell == reference else paired_differences(own, to) for cell, own in values.items()]
    seen = [{seed: one for seed, one in row.items() if drawable(one) is not None} for row in found]
    return [row if len(row) > 1 else {} for row in seen]


def _missing(values: Values, runs: int) -> str:
    """Return how many of a cell's runs have a value, where not all do."""
    return "" if len(values) == runs else f" ({len(values)} of {runs})"


def _scale(axes: "Axes", values: Sequence[Values], room: _Room) -> None:
    """Make the axis logarithmic where all values are above 0 and some are very much larger than others."""
    every = [value for own in values for value in own.values()]
    if fits_logarithmic(every) and max(every) > _LOGARITHMIC_FROM * min(every):
        axes.set_xscale("log")
        logarithmic_ticks(axes.xaxis, min(every), max(every), room.ticks)
    else:
        few_ticks(axes.xaxis, room.ticks)


def _compare(axes: "Axes", differences: Sequence[Values], looks: Mapping[str, SeedMark] | None) -> None:
    """Draw each cell's differences: a point for each seed, a bar from the smallest to the largest, and the mean."""
    axes.axvline(0, color=GREY, linewidth=0.7, zorder=1)
    for place, row in enumerate(differences):
        if row:
            axes.hlines(place, min(row.values()), max(row.values()), color=RANGE, linewidth=4.0, zorder=1.5)
    _seeds(axes, differences, looks, linewidth=0)
    few_ticks(axes.xaxis, _HALF.ticks)


def _seeds(
    axes: "Axes", values: Sequence[Values], looks: Mapping[str, SeedMark] | None, linewidth: float
) -> None:
    """Draw the points of each cell, and their mean. ``looks`` has the mark of each seed; None: they are too many.

    A line joins a seed's points from cell to cell; a cell without one is a gap. Seeds that look the same are drawn at
    once, and very many points as a cloud.
    """
    if looks is None:
        cloud(axes, [(value, place) for place, own in enumerate(values) for value in own.values()])
    alike: dict[SeedMark, list[str]] = defaultdict(list)
    for seed, mark in (looks or {}).items():
        alike[mark].append(seed)
    for mark, seeds in alike.items():
        found = [
            value for seed in seeds for value in (*(own.get(seed, math.nan) for own in values), math.nan)
        ]
        axes.plot(
            found, [*range(len(values)), 0] * len(seeds), color=mark.colour, marker=mark.symbol, markersize=3.2,
            markeredgecolor="white", markeredgewidth=0.3, linewidth=linewidth, alpha=0.85, zorder=3,
        )  # fmt: skip
    for place, own in enumerate(values):
        if len(own) > 1:
            _mean(axes, place, list(own.values()), is_above=looks is None)


def _mean(axes: "Axes", place: int, values: Sequence[float], *, is_above: bool) -> None:
    """Mark the mean of values by an upright stroke, below the points or above them."""
    axes.plot(
        [mean_of(values)] * 2, [place - 0.28, place + 0.28], color=INK, linewidth=1.1,
        zorder=4 if is_above else 2,
    )  # fmt: skip
