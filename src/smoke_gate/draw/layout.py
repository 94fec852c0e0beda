"""The parts that figures with a row for each cell share: their height, the axis of cells, the legend of seeds."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from smoke_gate.draw.canvas import INK, INSIDE, RANGE, SeedMark, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

LineStyle = Literal["solid"] | tuple[float, Sequence[float]]  # as matplotlib takes it: an offset, and dashes

_ROW_MM, _AROUND_MM = 4.6, 17.0
_LEGEND_COLUMNS = 7
_LONGEST_SEED = 8
_CLOUD, _GOLDEN = 0.44, (math.sqrt(5) - 1) / 2
_FEW_DECADES = 300.0  # within this ratio there is room for numbers between the powers of ten


def height_of_rows(rows: int) -> float:
    """Return the height in mm of a figure with so many rows: each has room for a line of type."""
    return _AROUND_MM + _ROW_MM * max(rows, 3)


def cell_axis(axes: "Axes", names: Sequence[str]) -> None:
    """Make the upright axis one of cells, the first on top. A ``$`` in a name is not a formula."""
    axes.set_yticks(range(len(names)))
    axes.set_yticklabels(names, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def cloud(axes: "Axes", points: Sequence[tuple[float, int]]) -> None:
    """Draw very many values at the rows of their cells, each moved up or down so that their density is seen.

    By how much is not chance: multiples of the golden ratio fill a row evenly.
    """
    places = [place + _CLOUD * (number * _GOLDEN % 1 - 0.5) for number, (_, place) in enumerate(points)]
    axes.plot(
        [value for value, _ in points], places, color=INSIDE, marker="o", markersize=1.4, markeredgewidth=0,
        linewidth=0, alpha=0.4, zorder=3,
    )  # fmt: skip


def logarithmic_ticks(axis: "Axis", low: float, high: float, most: int = 7) -> None:
    """Give a logarithmic axis, on which values from ``low`` to ``high`` are seen, few ticks with plain numbers."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < _FEW_DECADES * low else (1,), numticks=most))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.minorticks_off()


def few_ticks(axis: "Axis", most: int) -> None:
    """Give an axis so few ticks that their numbers do not touch."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most, min_n_ticks=2))


def seed_legend(figure: "Figure", marks: Mapping[str, SeedMark], *, has_bars: bool) -> None:
    """Say above the axes which symbol is which seed, that an upright stroke is the mean, and a bar the range."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=mark.colour, marker=mark.symbol, markersize=3.2, linewidth=0.6)
        for mark in marks.values()
    ]
    names = [label(seed, _LONGEST_SEED) for seed in marks]
    handles.append(Line2D([], [], color=INK, marker="|", markersize=6, markeredgewidth=1.1, linewidth=0))
    names.append("(mean)")
    if has_bars:
        handles.append(Line2D([], [], color=RANGE, linewidth=4.0, solid_capstyle="butt"))
        names.append("(range)")
    rows = math.ceil(len(names) / _LEGEND_COLUMNS)
    legend = figure.legend(
        handles, names, loc="outside upper center", ncols=math.ceil(len(names) / rows), title="seed",
        handlelength=1.4, columnspacing=1.0, handletextpad=0.4, borderpad=0.1, title_fontsize=6,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)


def curve_legend(
    figure: "Figure", styles: Sequence[tuple[str, LineStyle]], marks: Mapping[str, SeedMark]
) -> None:
    """Say above the panels which line is which metric, and which colour and symbol which seed."""
    from matplotlib.lines import Line2D

    metrics = [(label(name, 24), Line2D([], [], color=INK, linestyle=style)) for name, style in styles]
    seeds = [
        (
            f"seed {label(seed, _LONGEST_SEED)}",
            Line2D([], [], color=mark.colour, marker=mark.symbol, markersize=2.6),
        )
        for seed, mark in marks.items()
    ]
    entries = [*metrics, *seeds]
    legend = figure.legend(
        [handle for _, handle in entries], [name for name, _ in entries], loc="outside upper center",
        ncols=4, handlelength=2.0, columnspacing=1.0, handletextpad=0.4, borderpad=0.1,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)
