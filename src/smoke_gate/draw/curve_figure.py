"""The histories of a rule's metrics, a panel for each cell: what a person looks at when a ratio is off."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from smoke_gate.draw.canvas import GREY, INK, INSIDE, can_be_told_apart, labels, marks, paper, png_of
from smoke_gate.draw.facts import Row, all_drawable, are_many, drawable, fits_logarithmic, seeds_of
from smoke_gate.draw.layout import LineStyle, curve_legend, logarithmic_ticks
from smoke_gate.pictures import Curve, Curves

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    Numbers: TypeAlias = np.ndarray[Any, Any]

_STYLES: tuple[LineStyle, ...] = ("solid", (0, (2.5, 1.2)))  # by metric: a rule names one or two
_PANEL_MM, _AROUND_MM = 21.0, 20.0
_LOGARITHMIC_FROM = 30.0  # largest over smallest value
_NOTHING = Curve((), ())


def curve_figure(
    rows: Sequence[Row], fonts: Sequence[str], metrics: Sequence[str], curves: Curves
) -> bytes | None:
    """Return a PNG of the metrics' curves by cell; None where no history has two points."""
    shown = {
        (run.run_id, metric): _drawable(curves.get((run.run_id, metric), _NOTHING))
        for row in rows
        for run in row.runs.values()
        for metric in metrics
    }
    if max((len(curve.steps) for curve in shown.values()), default=0) < 2:
        return None
    finite = [value for curve in shown.values() for value in curve.values if math.isfinite(value)]
    columns = _columns(len(rows))
    lines = math.ceil(len(rows) / columns)
    seeds = seeds_of(rows)
    names = labels([row.cell for row in rows], 44 // columns)
    with paper(_AROUND_MM + _PANEL_MM * lines, fonts) as figure:
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place < len(rows):
                if are_many(rows):
                    _bands(axes, rows[place], metrics, shown)
                else:
                    _lines(axes, rows[place], metrics, shown, seeds)
                axes.tick_params(labelsize=5.5, colors=GREY, labelcolor=INK)
                axes.locator_params(axis="x", nbins=4, integer=True)
                axes.set_title(names[place], parse_math=False, loc="left", pad=2)
                axes.tick_params(labelbottom=place + columns >= len(rows))
            else:
                axes.set_visible(False)
        if finite and fits_logarithmic(finite) and max(finite) > _LOGARITHMIC_FROM * min(finite):
            grid.flat[0].set_yscale("log")
            logarithmic_ticks(grid.flat[0].yaxis, min(finite), max(finite))
        figure.supxlabel("step", fontsize=7)
        figure.supylabel("value", fontsize=7)
        told_apart = marks(seeds) if can_be_told_apart(seeds) else {}
        curve_legend(figure, list(zip(metrics, _STYLES, strict=False)), told_apart)
        return png_of(figure)


def _columns(panels: int) -> int:
    return 2 if panels <= 4 else 3 if panels <= 12 else 4


def _drawable(curve: Curve) -> Curve:
    """Return a curve in which a value that cannot be drawn is NaN, a gap in the line."""
    if all_drawable(curve.values):
        return curve
    values = (drawable(value) for value in curve.values)
    return Curve(curve.steps, tuple(math.nan if value is None else value for value in values))


def _bands(axes: "Axes", row: Row, metrics: Sequence[str], curves: Curves) -> None:
    """Draw, for each metric, all runs as one band from the smallest to the largest value, and the median."""
    for metric, style in zip(metrics, _STYLES, strict=False):
        steps, low, middle, high = band_of([curves[run.run_id, metric] for run in row.runs.values()])
        axes.fill_between(steps, low, high, color=INSIDE, alpha=0.2, linewidth=0)
        axes.plot(steps, middle, color=INSIDE, linestyle=style, linewidth=0.8)


def band_of(curves: Sequence[Curve]) -> tuple["Numbers", "Numbers", "Numbers", "Numbers"]:
    """Return the steps of curves in order, and at each the smallest value, the median and the largest, without NaN."""
    import numpy as np

    steps = np.array([step for curve in curves for step in curve.steps], dtype=np.int64)
    values = np.array([value for curve in curves for value in curve.values])
    finite = np.isfinite(values)
    order = np.lexsort((values[finite], steps[finite]))
    ordered = values[finite][order]
    shown, first, count = np.unique(steps[finite][order], return_index=True, return_counts=True)
    middle = (ordered[first + (count - 1) // 2] + ordered[first + count // 2]) / 2
    return shown, ordered[first], middle, ordered[first + count - 1]


def _lines(axes: "Axes", row: Row, metrics: Sequence[str], curves: Curves, seeds: Sequence[str]) -> None:
    looks = marks(seeds)
    for metric, style in zip(metrics, _STYLES, strict=False):
        for seed, run in row.runs.items():
            curve = curves[run.run_id, metric]
            axes.plot(
                curve.steps, curve.values, color=looks[seed].colour, linestyle=style, linewidth=0.8, alpha=0.9,
                marker=looks[seed].symbol, markersize=2.2, markevery=[len(curve.steps) - 1] if curve.steps else [],
            )  # fmt: skip
