"""The paper that figures are drawn on: size, type, colours, and the way to PNG bytes.

Colours are those of Okabe and Ito, Color Universal Design (2008), which colour-blind readers tell apart; symbols and
line styles say the same again. The background is white on any page, as in print.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN_MM = 85.0  # of a paper with two columns
DOTS_PER_INCH = 300
INK, GREY, FAINT = "#1a1a1a", "#6b6b6b", "#d9d9d9"
INSIDE, OUTSIDE, BAND = "#0072b2", "#d55e00", "#e8f3ee"
RANGE = "#c9d8e6"  # a bar from the smallest value to the largest
_MM_PER_INCH = 25.4
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1a1a1a")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_LONGEST_LABEL = 22
_TYPE = 7.0  # points
_STYLE: dict[Any, Any] = {
    "font.size": _TYPE,
    "axes.titlesize": _TYPE,
    "axes.labelsize": _TYPE,
    "xtick.labelsize": _TYPE - 1,
    "ytick.labelsize": _TYPE,
    "legend.fontsize": _TYPE - 1,
    "axes.linewidth": 0.5,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": INK,
    "xtick.major.width": 0.5,
    "xtick.major.size": 2.0,
    "ytick.major.width": 0.5,
    "ytick.major.size": 2.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "lines.linewidth": 0.8,
    "legend.frameon": False,
}


@dataclass(frozen=True, slots=True)
class SeedMark:
    """How a seed is drawn: by a colour and by a symbol."""

    colour: str
    symbol: str


ANY_SEED = SeedMark(INSIDE, "o")
"""The mark of seeds that cannot be told apart."""


def marks(seeds: Sequence[str]) -> dict[str, SeedMark]:
    """Return a mark for each seed; where there are more than can be told apart, all have one."""
    if len(seeds) > len(_COLOURS):
        return dict.fromkeys(seeds, ANY_SEED)
    return {
        seed: SeedMark(*mark) for seed, mark in zip(seeds, zip(_COLOURS, _MARKERS, strict=True), strict=False)
    }


def can_be_told_apart(seeds: Sequence[str]) -> bool:
    """Return whether each seed has a mark of its own; a single one needs no legend."""
    return 1 < len(seeds) <= len(_COLOURS)


def label(text: str, longest: int = _LONGEST_LABEL) -> str:
    """Return a name as a figure shows it: on one line, without what shows as nothing, cut in the middle if long."""
    line = "".join(character if character.isprintable() else "·" for character in text)
    if len(line) <= longest:
        return line
    tail = longest // 3
    return f"{line[: longest - tail - 1]}…{line[-tail:]}"


def labels(texts: Sequence[str], longest: int = _LONGEST_LABEL) -> list[str]:
    """Return names as ``label`` does; those that cutting made the same get their place in the order behind them."""
    shown = [label(text, longest) for text in texts]
    return [
        name if shown.count(name) == 1 else f"{label(text, longest - 4)} #{place}"
        for place, (text, name) in enumerate(zip(texts, shown, strict=True), 1)
    ]


@contextmanager
def paper(height_mm: float, fonts: Sequence[str]) -> Iterator["Figure"]:
    """Give a figure as wide as a column; ``fonts`` are the families in which a letter is looked for.

    While it is drawn, matplotlib has the settings of this module. Afterwards it has the user's again.
    """
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")
    }
    with matplotlib.rc_context(settings | _STYLE | {"font.family": list(fonts)}):
        size = (COLUMN_MM / _MM_PER_INCH, height_mm / _MM_PER_INCH)
        yield Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")


def png_of(figure: "Figure") -> bytes:
    """Return the figure as PNG, without what changes from one drawing to the next: no date, no version."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    stream = io.BytesIO()
    with warnings.catch_warnings():  # of letters that no font has: that was said once, with what helps
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        # `savefig` would draw it twice, the first time for the layout alone.
        FigureCanvasAgg(figure).print_png(stream, metadata={"Software": None})
    return stream.getvalue()
