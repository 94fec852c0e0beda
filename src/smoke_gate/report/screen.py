"""The overview of a verdict in colours, for somebody who watches a terminal, with the matrix of the runs.

Widths are those of the terminal's cells, so that Korean names and emoji stand in line; foreign text is never markup.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from smoke_gate.gates.base import Status
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.matrix import Mark, PlaceState, rows_of, seeds_of
from smoke_gate.report.terminal import Notice, Overview, gate_words, overview
from smoke_gate.text import visible
from smoke_gate.verdict import VerdictStatus

_MOST_PLACES = 8
_LONGEST_NAME = 40  # cells of the terminal


@dataclass(frozen=True, slots=True)
class Symbol:
    """A state: the symbol, one cell wide, that says it without a colour, its colour, and its meaning in the legend."""

    symbol: str
    colour: str
    meaning: str


_STATUS = {
    Status.PASS: Symbol("✓", "green", "passes"),
    Status.WARNING: Symbol("!", "yellow", "warning"),
    Status.FAIL: Symbol("✗", "bold red", "fails"),
    Status.SKIPPED: Symbol("-", "dim", "skipped"),
}
_NOT_PLANNED = Symbol("·", "dim", "not planned")
_PLACES = {
    PlaceState.PASS: _STATUS[Status.PASS],
    PlaceState.WARNING: _STATUS[Status.WARNING],
    PlaceState.FAIL: _STATUS[Status.FAIL],
    PlaceState.UNFINISHED: Symbol("~", "cyan", PlaceState.UNFINISHED.value),
    PlaceState.LOST: Symbol("x", "bold red", PlaceState.LOST.value),
    PlaceState.NO_ATTEMPT: Symbol("?", "bold red", PlaceState.NO_ATTEMPT.value),
    PlaceState.EXCLUDED: _NOT_PLANNED,
    PlaceState.NOT_PLANNED: _NOT_PLANNED,
}
_VERDICTS = {
    VerdictStatus.ALL_PASS: _STATUS[Status.PASS],
    VerdictStatus.WARNING: _STATUS[Status.WARNING],
    VerdictStatus.FAIL: _STATUS[Status.FAIL],
}


def screen(judgement: Judgement, files: Mapping[str, Path], *, quiet: bool = False) -> RenderableType:
    """Return what a terminal shows.

    Args:
        judgement: the verdict with what led to it.
        files: what was written, by what it is.
        quiet: the verdict's line and the files only.

    """
    verdict, headline = judgement.verdict, judgement.document.headline
    told = overview(verdict, headline, files, quiet=quiet, most_places=_MOST_PLACES)
    parts: list[RenderableType] = [_headline(told, verdict.status)]
    if not quiet:
        parts += [Text(), _Matrix(judgement), Text(), _gates(told)]
        parts += [*map(_notice, told.notices), *map(_not_judged, told.not_judged), Text()]
    return Group(*parts, _files(told))


def _headline(told: Overview, status: VerdictStatus) -> Text:
    mark = _VERDICTS[status]
    words, _, rest = told.headline.partition(" · ")
    return Text.assemble((f"{mark.symbol} {words}", mark.colour), f" · {visible(rest)}")


def _gates(told: Overview) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for result in told.gates:
        mark = _STATUS[result.status]
        table.add_row(
            Text(f"{mark.symbol} {result.id}", mark.colour),
            Text(result.name),
            Text(visible(gate_words(result))),
        )
    return table


def _notice(notice: Notice) -> RenderableType:
    """Return what a finding is about, and below it what is said."""
    about, mark = visible(notice.about), _STATUS[notice.status]
    if not notice.message:
        return Text(f"\n{about} {notice.places}".rstrip(), "dim")
    where = " · ".join(visible(text) for text in (notice.places, notice.subject) if text)
    head = Text.assemble((f"\n{mark.symbol} {about}", mark.colour), f" {where}")
    lines = (Text(visible(line)) for line in (notice.message, *notice.below))
    return Group(head, Padding(Group(*lines), (0, 0, 0, 5)))


def _not_judged(words: str) -> Text:
    return Text(f"\n{visible(words)}", "dim")


def _files(told: Overview) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, path in told.files.items():
        table.add_row(Text(name, "dim"), Text(visible(str(path)), overflow="fold"))
    return table


# --- the matrix -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The plan as a table, cells by seeds, in as many blocks of seeds as the width needs, with a legend."""

    judgement: Judgement

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        judgement, urls = self.judgement, self.judgement.urls()
        heads = [_fitted(seed) for seed in seeds_of(judgement.verdict.matrix.places).values()]
        rows = rows_of(judgement.verdict, judgement.policy)
        room = options.max_width - max((cell_len(_fitted(cell)) for cell in rows), default=0)
        for block in _blocks(heads, room):
            table = Table.grid(padding=(0, 0, 0, 2))
            table.add_column(no_wrap=True)
            for _ in block:
                table.add_column(justify="center", no_wrap=True)
            table.add_row("", *(Text(heads[column], "bold") for column in block))
            for cell, marks in rows.items():
                table.add_row(Text(_fitted(cell), "bold"), *(_shown(marks[column], urls) for column in block))
            yield table
        yield _legend([_PLACES[mark.state] for marks in rows.values() for mark in marks])


def _blocks(heads: Sequence[str], room: int) -> Iterator[list[int]]:
    """Yield the columns of the seeds in runs that are not wider than ``room``, each at least one."""
    block: list[int] = []
    used = 0
    for column, head in enumerate(heads):
        width = max(cell_len(head), 1) + 2
        if block and used + width > room:
            yield block
            block, used = [], 0
        block.append(column)
        used += width
    if block:
        yield block


def _fitted(name: str) -> str:
    """Return a name on one line, cut where it is wider than a terminal can spare."""
    text = Text(visible(name))
    text.truncate(_LONGEST_NAME, overflow="ellipsis")
    return text.plain


def _shown(mark: Mark, urls: Mapping[str, str]) -> Text:
    symbol = _PLACES[mark.state]
    page = Style(link=urls.get(mark.attempt.run_id)) if mark.attempt else Style()
    return Text(symbol.symbol, Style.parse(symbol.colour) + page)


def _legend(symbols: Sequence[Symbol]) -> Text:
    return Text("  ".join(f"{symbol.symbol} {symbol.meaning}" for symbol in dict.fromkeys(symbols)), "dim")
