"""A metric by cell: every seed's point, the mean, and a line for each seed from cell to cell."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from smoke_gate.draw.canvas import (
    FAINT,
    INK,
    SeedMark,
    can_be_told_apart,
    label,
    labels,
    marks,
    paper,
    png_of,
)
from smoke_gate.draw.facts import Row, fits_logarithmic, seeds_of, value_of
from smoke_gate.draw.layout import cell_axis, height_of_rows, logarithmic_ticks, seed_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOGARITHMIC_FROM = 300.0  # largest over smallest value


def metric_figure(rows: Sequence[Row], fonts: Sequence[str], metric: str) -> bytes | None:
    """Return a PNG of a metric over the cells; None where no run has a value that can be drawn."""
    if not any(value_of(run, metric) is not None for row in rows for run in row.runs.values()):
        return None
    seeds = seeds_of(rows)
    names = [
        name + _missing(row, metric)
        for name, row in zip(labels([row.cell for row in rows]), rows, strict=True)
    ]
    with paper(height_of_rows(len(rows)), fonts) as figure:
        axes = figure.add_subplot()
        for seed, mark in marks(seeds).items():
            _line(axes, rows, metric, seed, mark)
        for place, row in enumerate(rows):
            _mean(axes, place, row, metric)
        _scale(axes, rows, metric)
        cell_axis(axes, names)
        axes.set_xlabel(label(metric, 48), parse_math=False)
        axes.margins(x=0.06)
        axes.grid(axis="x", color=FAINT, linewidth=0.4)
        axes.set_axisbelow(True)
        if can_be_told_apart(seeds):
            seed_legend(figure, marks(seeds), mean=True)
        return png_of(figure)


def _missing(row: Row, metric: str) -> str:
    """Return how many of a cell's runs have a value, where not all do."""
    there = sum(value_of(run, metric) is not None for run in row.runs.values())
    return "" if there == len(row.runs) else f" ({there} of {len(row.runs)})"


def _scale(axes: "Axes", rows: Sequence[Row], metric: str) -> None:
    """Make the axis logarithmic where all values are above 0 and some are very much larger than others."""
    values = [
        value for row in rows for run in row.runs.values() if (value := value_of(run, metric)) is not None
    ]
    if fits_logarithmic(values) and max(values) > _LOGARITHMIC_FROM * min(values):
        axes.set_xscale("log")
        logarithmic_ticks(axes.xaxis, min(values), max(values))


def _line(axes: "Axes", rows: Sequence[Row], metric: str, seed: str, mark: SeedMark) -> None:
    """Draw a seed's points, joined from cell to cell; a cell without one is a gap."""
    found = [value_of(row.runs[seed], metric) if seed in row.runs else None for row in rows]
    axes.plot(
        [math.nan if value is None else value for value in found],
        range(len(rows)),
        color=mark.colour,
        marker=mark.symbol,
        markersize=3.2,
        markeredgecolor="white",
        markeredgewidth=0.3,
        linewidth=0.6,
        alpha=0.85,
        zorder=3,
    )


def _mean(axes: "Axes", place: int, row: Row, metric: str) -> None:
    """Mark the mean of a cell's values by an upright stroke."""
    values = [value for run in row.runs.values() if (value := value_of(run, metric)) is not None]
    if len(values) > 1:
        axes.plot([fmean(values)] * 2, [place - 0.28, place + 0.28], color=INK, linewidth=1.1, zorder=2)
