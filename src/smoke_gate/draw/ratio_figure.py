"""The value of a G5 rule by cell, with its band, and the runs that are outside by their names."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smoke_gate.draw.canvas import BAND, FAINT, GREY, INSIDE, OUTSIDE, label, labels, paper, png_of
from smoke_gate.draw.facts import Row, are_many, drawable, fits_logarithmic
from smoke_gate.draw.layout import cell_axis, cloud, height_of_rows, logarithmic_ticks
from smoke_gate.gates.metric_ratio import RatioRule, ratio_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMED = 2  # runs of one cell that are named
_FAR = 3.0  # how many widths of what is seen an outlier may be away; on a logarithmic axis, decades


@dataclass(frozen=True, slots=True)
class _Point:
    """A run's value at the row of its cell; None where it has none."""

    place: int
    seed: str
    value: float | None
    outside: bool


def ratio_figure(rows: Sequence[Row], fonts: Sequence[str], rule: RatioRule) -> bytes | None:
    """Return a PNG of a rule's value over the cells that it is for; None where it is for none that has a run."""
    judged = [row for row in rows if rule.is_for(row.cell)]
    if not judged:
        return None
    by_row = [[_point(rule, place, seed, row) for seed in row.runs] for place, row in enumerate(judged)]
    points = [point for row in by_row for point in row]
    names = labels([row.cell for row in judged])
    with paper(height_of_rows(len(judged)), fonts) as figure:
        axes = figure.add_subplot()
        low, high = _span(axes, rule, points)
        _band(axes, rule)
        _points(axes, points, low, high, are_many=are_many(judged))
        axes.hlines(range(len(judged)), low, high, color=FAINT, linewidth=0.4, zorder=1)
        cell_axis(axes, names)
        axes.set_xlim(low, high)
        axes.set_xlabel(label(rule.value, 48), parse_math=False)
        for place, row in enumerate(by_row):
            axes.annotate(
                _note(row), (1, place), xycoords=("axes fraction", "data"), xytext=(3, 0),
                textcoords="offset points", va="center", color=OUTSIDE, fontsize=6, parse_math=False,
            )  # fmt: skip
        return png_of(figure)


def _point(rule: RatioRule, place: int, seed: str, row: Row) -> _Point:
    value = ratio_of(rule, row.runs[seed])
    return _Point(place, seed, drawable(value), value is None or not rule.holds(value))


def _note(points: Iterable[_Point]) -> str:
    """Return the runs of a row that are outside, as ``123: 60``."""
    outside = [point for point in points if point.outside]
    named = [
        f"{label(point.seed, 8)}: {'none' if point.value is None else f'{point.value:.3g}'}".removeprefix(
            ": "
        )
        for point in outside[:_MOST_NAMED]
    ]
    more = [f"+{len(outside) - _MOST_NAMED}"] if len(outside) > _MOST_NAMED else []
    return "  ".join([*named, *more])


def _span(axes: "Axes", rule: RatioRule, points: Sequence[_Point]) -> tuple[float, float]:
    """Choose the axis, logarithmic where all is above 0, and return its ends.

    The band and what lies inside are seen whole; what is far outside does not squeeze them, but stands at the edge.
    """
    bounds = [bound for bound in (rule.min, rule.max) if bound is not None and drawable(bound) is not None]
    values = [point.value for point in points if point.value is not None]
    near = bounds + [point.value for point in points if point.value is not None and not point.outside]
    every = near + values or [1.0]
    if fits_logarithmic(every):
        axes.set_xscale("log")
        low, high = min(near or every), max(near or every)
        low, high = max(min(every), low / 10**_FAR), min(max(every), high * 10**_FAR)
        margin = (high / low) ** 0.06 if high > low else 1.5
        logarithmic_ticks(axes.xaxis, low / margin, high * margin)
        return low / margin, high * margin
    low, high = min(near or every), max(near or every)
    width = (high - low) or abs(high) or 1.0
    low, high = max(min(every), low - _FAR * width), min(max(every), high + _FAR * width)
    margin = 0.06 * ((high - low) or width)
    return low - margin, high + margin


def _band(axes: "Axes", rule: RatioRule) -> None:
    """Shade the band from bound to bound, or to the edge where there is only one."""
    left, right = axes.get_xlim()
    axes.axvspan(
        left if rule.min is None else rule.min,
        right if rule.max is None else rule.max,
        color=BAND,
        linewidth=0,
    )
    for bound, side in ((rule.min, "right"), (rule.max, "left")):
        if bound is not None:
            axes.axvline(bound, color=GREY, linewidth=0.7, linestyle=(0, (4, 2)))
            axes.annotate(
                f"{bound:g}", (bound, 1), xycoords=("data", "axes fraction"), xytext=(0, 1.5),
                textcoords="offset points", ha=side, va="bottom", color=GREY, fontsize=6,
            )  # fmt: skip


def _points(axes: "Axes", points: Sequence[_Point], low: float, high: float, *, are_many: bool) -> None:
    """Draw the values: inside a dot, outside a diamond, beyond the edge an arrow at it. Very many dots are a cloud."""
    alike: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for point in points:
        if point.value is not None:
            beyond = point.value < low or point.value > high
            symbol = ("<" if point.value < low else ">") if beyond else ("D" if point.outside else "o")
            alike[symbol].append((min(max(point.value, low), high), point.place))
    if are_many:
        cloud(axes, alike.pop("o", []))
    for symbol, places in alike.items():
        axes.plot(
            *zip(*places, strict=True), color=INSIDE if symbol == "o" else OUTSIDE, marker=symbol, markersize=3.4,
            markeredgecolor="white", markeredgewidth=0.3, linewidth=0, clip_on=symbol in "Do", zorder=3,
        )  # fmt: skip
