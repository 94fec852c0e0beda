"""The summary for somebody who watches a terminal: the matrix in colours, what failed, what warns, the paths.

It says what :func:`smoke_gate.report.terminal.summary` says in plain text, and shows besides which run is which. Widths
are those of the terminal's cells, so that Korean names and emoji stand in line; foreign text is never markup.
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
from smoke_gate.report.escape import shortened, visible
from smoke_gate.report.findings import failures, remarks, waived, warnings
from smoke_gate.report.grouping import Alike, CheckGroup
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.places import Mark, PlaceState, rows_of, seeds_of
from smoke_gate.report.terminal import MOST_GROUPS, more, places_and_values
from smoke_gate.report.unidentified import run_words, unidentified
from smoke_gate.verdict import Verdict, VerdictStatus

_MOST_PLACES = 8
_LONGEST_NAME = 40  # cells of the terminal
_LONGEST_MESSAGE = 600


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
    verdict = judgement.verdict
    parts: list[RenderableType] = [_headline(judgement)]
    if not quiet:
        parts += [Text(), _Matrix(judgement), Text(), _gates(verdict)]
        parts += [*_failures(verdict), *_warnings(verdict), *_not_judged(verdict), Text()]
    return Group(*parts, _files(files))


def _headline(judgement: Judgement) -> Text:
    mark = _VERDICTS[judgement.verdict.status]
    words, _, rest = judgement.document["headline"].partition(" · ")
    return Text.assemble((f"{mark.symbol} {words}", mark.colour), f" · {visible(rest)}")


def _gates(verdict: Verdict) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for result in verdict.gates:
        mark = _STATUS[result.status]
        critical = "critical: " if result.critical else ""
        table.add_row(
            Text(f"{mark.symbol} {result.id}", mark.colour),
            Text(result.name),
            Text(critical + visible(shortened(result.message, _LONGEST_MESSAGE))),
        )
    return table


def _files(files: Mapping[str, Path]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, path in files.items():
        table.add_row(Text(name, "dim"), Text(visible(str(path)), overflow="fold"))
    return table


# --- what failed, what warns ------------------------------------------------------------------------------------------


def _failures(verdict: Verdict) -> list[RenderableType]:
    """Return what failed and how to fix it, the gates that fail first."""
    failing = {result.id for result in verdict.gates if result.status is Status.FAIL}
    findings = [
        _alike(Status.FAIL if alike[0].gate in failing else Status.WARNING, alike)
        for alike in failures(verdict)
    ]
    return _first(findings, "findings")


def _warnings(verdict: Verdict) -> list[RenderableType]:
    """Return what a person must look at besides, and what to do about it."""
    findings = [_alike(Status.WARNING, alike) for alike in (*warnings(verdict), *waived(verdict))]
    findings += [_finding(Status.WARNING, remark.about, "", remark.message) for remark in remarks(verdict)]
    return _first(findings, "warnings")


def _not_judged(verdict: Verdict) -> Iterator[RenderableType]:
    for runs in unidentified(verdict.matrix):
        names = ", ".join(map(run_words, runs.attempts[:_MOST_PLACES]))
        words = f"{runs.words}: {names}{more(len(runs.attempts), _MOST_PLACES)}"
        yield Text(f"\nnot judged: {visible(shortened(words, _LONGEST_MESSAGE))}", "dim")


def _first(findings: Sequence[RenderableType], what: str) -> list[RenderableType]:
    rest = len(findings) - MOST_GROUPS
    cut = [Text(f"\n… and {rest} more {what}; the report has them all", "dim")] if rest > 0 else []
    return [*findings[:MOST_GROUPS], *cut]


def _alike(status: Status, alike: Alike) -> RenderableType:
    rest = more(len(alike), _MOST_PLACES)
    cut = [Text(f"    {rest}", "dim")] if rest else []
    return Group(*(_group(status, group) for group in alike[:_MOST_PLACES]), *cut)


def _group(status: Status, group: CheckGroup) -> RenderableType:
    """Return what the checks say below their places, or above them where each place needs a line."""
    places = places_and_values(group)
    shown, rest = places[:_MOST_PLACES], more(len(places), _MOST_PLACES)
    reason = group.checks[0].waived
    said = group.message if reason is None else f"{group.message} Waived: {reason}"
    if group.is_long:
        below = [*shown, *([rest.strip()] if rest else [])]
        return _finding(status, group.gate, group.subject or "", said, below)
    where = f"{', '.join(shown)}{rest}"
    return _finding(status, group.gate, " · ".join(text for text in (where, group.subject) if text), said)


def _finding(
    status: Status, about: str, places: str, message: str, below: Sequence[str] = ()
) -> RenderableType:
    mark = _STATUS[status]
    name = visible(shortened(about, _LONGEST_MESSAGE))
    head = Text.assemble((f"\n{mark.symbol} {name}", mark.colour), f" {visible(places)}")
    lines = [shortened(message, _LONGEST_MESSAGE), *below]
    return Group(head, Padding(Group(*(Text(visible(line)) for line in lines)), (0, 0, 0, 5)))


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
    """Yield the columns of the seeds in runs that are no wider than ``room``, each at least one."""
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
