"""A metric by cell: every seed's point and the mean, and beside them the differences to the reference cell.

A difference is paired by seed. Each is a point, and a bar shows their range.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smoke_gate.draw.canvas import (
    ANY_SEED,
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
from smoke_gate.draw.facts import MANY, Row, are_many, drawable, fits_logarithmic, seeds_of, value_of
from smoke_gate.draw.layout import cell_axis, few_ticks, height_of_rows, logarithmic_ticks, seed_legend
from smoke_gate.few_seeds import mean_of, paired_differences

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOGARITHMIC_FROM = 300.0  # largest over smallest value


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
    if not any(_values(row, metric) for row in rows):
        return None
    seeds = seeds_of(rows)
    differences = paired_by_cell(rows, metric, reference)
    room = _HALF if any(differences) else _WHOLE
    names = [
        name + _missing(row, metric)
        for name, row in zip(labels([row.cell for row in rows], room.name), rows, strict=True)
    ]
    with paper(height_of_rows(len(rows)), fonts) as figure:
        panels = figure.subplots(1, room.panels, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.1})[0]
        axes = panels[0]
        values = [_values(row, metric) for row in rows]
        if are_many(rows):
            _all_points(axes, values)
        else:
            for seed, mark in marks(seeds).items():
                _line(axes, values, seed, mark)
        for place, own in enumerate(values):
            _mean(axes, place, list(own.values()))
        _scale(axes, rows, metric, room)
        axes.set_xlabel(label(metric, room.metric), parse_math=False)
        if any(differences):
            _compare(panels[1], differences, marks(seeds))
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


def _values(row: Row, metric: str) -> dict[str, float]:
    """Return the values of a cell that can be drawn, by seed."""
    return {seed: value for seed, run in row.runs.items() if (value := value_of(run, metric)) is not None}


def paired_by_cell(rows: Sequence[Row], metric: str, reference: str) -> list[dict[str, float]]:
    """Return the differences of each cell to the reference cell, by seed.

    There are none for the reference cell, and none for a cell with a single difference: it says nothing about the
    next seed.
    """
    to = next((_values(row, metric) for row in rows if row.cell == reference), {})
    found = [{} if row.cell == reference else paired_differences(_values(row, metric), to) for row in rows]
    seen = [{seed: one for seed, one in row.items() if drawable(one) is not None} for row in found]
    return [row if len(row) > 1 else {} for row in seen]


def _missing(row: Row, metric: str) -> str:
    """Return how many of a cell's runs have a value, where not all do."""
    there = len(_values(row, metric))
    return "" if there == len(row.runs) else f" ({there} of {len(row.runs)})"


def _scale(axes: "Axes", rows: Sequence[Row], metric: str, room: _Room) -> None:
    """Make the axis logarithmic where all values are above 0 and some are very much larger than others."""
    values = [value for row in rows for value in _values(row, metric).values()]
    if fits_logarithmic(values) and max(values) > _LOGARITHMIC_FROM * min(values):
        axes.set_xscale("log")
        logarithmic_ticks(axes.xaxis, min(values), max(values), room.ticks)
    else:
        few_ticks(axes.xaxis, room.ticks)


def _line(axes: "Axes", values: Sequence[Mapping[str, float]], seed: str, mark: SeedMark) -> None:
    """Draw a seed's points, joined from cell to cell; a cell without one is a gap."""
    found = [own.get(seed, math.nan) for own in values]
    _points(axes, found, range(len(values)), mark, linewidth=0.6)


def _all_points(axes: "Axes", values: Sequence[Mapping[str, float]]) -> None:
    """Draw the points of all seeds at once: so many cannot be told apart."""
    places = [place for place, own in enumerate(values) for _ in own]
    found = [value for own in values for value in own.values()]
    _points(axes, found, places, ANY_SEED, linewidth=0)


def _compare(axes: "Axes", differences: Sequence[Mapping[str, float]], marks: Mapping[str, SeedMark]) -> None:
    """Draw each cell's differences: a point for each seed, a bar from the smallest to the largest, and the mean."""
    axes.axvline(0, color=GREY, linewidth=0.7, zorder=1)
    for place, row in enumerate(differences):
        if row:
            axes.hlines(place, min(row.values()), max(row.values()), color=RANGE, linewidth=4.0, zorder=1.5)
            _mean(axes, place, list(row.values()))
    if sum(map(len, differences)) > MANY:
        _all_points(axes, differences)
    else:
        for place, row in enumerate(differences):
            for seed, one in row.items():
                _points(axes, [one], [place], marks[seed], linewidth=0)
    few_ticks(axes.xaxis, _HALF.ticks)


def _points(
    axes: "Axes", values: Sequence[float], places: Sequence[int], mark: SeedMark, linewidth: float
) -> None:
    axes.plot(
        values, places, color=mark.colour, marker=mark.symbol, markersize=3.2, markeredgecolor="white",
        markeredgewidth=0.3, linewidth=linewidth, alpha=0.85, zorder=3,
    )  # fmt: skip


def _mean(axes: "Axes", place: int, values: Sequence[float]) -> None:
    """Mark the mean of values by an upright stroke."""
    if len(values) > 1:
        axes.plot([mean_of(values)] * 2, [place - 0.28, place + 0.28], color=INK, linewidth=1.1, zorder=2)
