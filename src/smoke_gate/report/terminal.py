"""The overview of a verdict: the verdict, a line a gate, what failed with its fix, what warns, and what was written.

:func:`overview` says what a reader of the command line sees; :func:`summary` prints it as plain text, for logs, pipes
and ``NO_COLOR``, and :mod:`smoke_gate.report.screen` in colours.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smoke_gate.gates.base import Check, Status
from smoke_gate.report.findings import Remark, accepted, failures, remarks, waived, warnings
from smoke_gate.report.grouping import Alike, CheckGroup, place_of
from smoke_gate.report.unidentified import Unidentified, other_runs, run_words, unidentified
from smoke_gate.selection import Matrix
from smoke_gate.text import folded, log_line, shortened
from smoke_gate.verdict import GateResult, Verdict

_MOST_FINDINGS = 10  # of failures, and of warnings
_MOST_PLACES = 4
_LONGEST_MESSAGE = 600
_LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A finding as the overview tells it; one without a ``message`` counts what is left out.

    ``word`` says what it is where it is not a failure. ``below`` has a line for each place that needs one.
    """

    status: Status
    word: str = ""
    about: str
    places: str = ""
    subject: str = ""
    message: str = ""
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything that the command line says of a verdict, in order."""

    headline: str
    gates: tuple[GateResult, ...] = ()
    notices: tuple[Notice, ...] = ()
    not_judged: tuple[str, ...] = ()
    files: Mapping[str, Path]


def overview(
    verdict: Verdict,
    headline: str,
    files: Mapping[str, Path],
    *,
    quiet: bool = False,
    most_places: int = _MOST_PLACES,
) -> Overview:
    """Return what is told.

    Args:
        verdict: the verdict.
        headline: its line.
        files: what was written, by what it is.
        quiet: the verdict's line and the files only.
        most_places: how many places of a finding are named.

    """
    if quiet:
        return Overview(headline=headline, files=files)
    return Overview(
        headline=headline,
        gates=verdict.gates,
        notices=(*_failures(verdict, most_places), *_warnings(verdict, most_places)),
        not_judged=tuple(_beside(verdict.matrix, most_places)),
        files=files,
    )


def gate_words(result: GateResult) -> str:
    """Return what a gate decided."""
    return ("critical: " if result.critical else "") + _cut(result.message)


# --- plain text -------------------------------------------------------------------------------------------------------


def summary(
    verdict: Verdict,
    headline: str,
    files: Mapping[str, Path],
    *,
    quiet: bool = False,
    width: int | None = None,
) -> str:
    """Return the overview as plain text.

    Args:
        verdict: the verdict.
        headline: its line.
        files: what was written, by what it is.
        quiet: the verdict's line and the files only.
        width: the width of the terminal that shows it; None: lines are as long as they are.

    Returns:
        Text that ends in a new line, and that a GitHub runner takes for nothing but text.

    """
    told = overview(verdict, headline, files, quiet=quiet)
    lines = [told.headline, *map(_gate, told.gates)]
    lines += [line for notice in told.notices for line in _notice(notice)]
    lines += [f"  {line}" for line in told.not_judged]
    lines += [f"{name}: {path}" for name, path in told.files.items()]
    return "".join(f"{folded(log_line(line), width)}\n" for line in lines)


def _gate(result: GateResult) -> str:
    return f"{result.id} {result.status.value:<7} {result.name:<15} {gate_words(result)}"


def _notice(notice: Notice) -> list[str]:
    head = " ".join(text for text in (notice.word, notice.about, notice.places) if text)
    said = ": ".join(text for text in (head, notice.subject, notice.message) if text)
    return [f"  {said}", *(f"    {line}" for line in notice.below)]


# --- what failed, what warns ------------------------------------------------------------------------------------------


def _failures(verdict: Verdict, most: int) -> Iterator[Notice]:
    """Yield what failed and how to fix it; a failure of a gate that does not fail only warns."""
    failing = {result.id for result in verdict.gates if result.status is Status.FAIL}
    found = [
        _alike(alike, Status.FAIL if alike[0].gate in failing else Status.WARNING, "", most)
        for alike in failures(verdict)
    ]
    yield from _first(found, "findings")


def _warnings(verdict: Verdict, most: int) -> Iterator[Notice]:
    """Yield what a person must look at besides, what a waiver accepts, and what to know of the waivers."""
    found = [_alike(alike, Status.WARNING, "warning", most) for alike in warnings(verdict)]
    accepts = [_alike(alike, alike[0].checks[0].status, "waived", most) for alike in waived(verdict)]
    besides = remarks(verdict)
    yield from _first([*found, *([_remark(one)] for one in besides if one.warns)], "warnings")
    yield from _first(accepts, "waived findings")
    yield from _first([[_remark(one)] for one in besides if not one.warns], "notes")


def _remark(remark: Remark) -> Notice:
    return Notice(
        status=Status.WARNING if remark.warns else Status.SKIPPED,
        word="warning" if remark.warns else "note",
        about=_cut(remark.about),
        message=_cut(remark.message),
    )


def _first(found: Sequence[Iterable[Notice]], what: str) -> Iterator[Notice]:
    for notices in found[:_MOST_FINDINGS]:
        yield from notices
    rest = len(found) - _MOST_FINDINGS
    if rest > 0:
        yield Notice(status=Status.SKIPPED, about=f"… and {rest} more {what}; the report has them all")


def _alike(alike: Alike, status: Status, word: str, most: int) -> list[Notice]:
    """Return a notice for each group, and one that counts those that are left out."""
    notices = [_group(group, status, word, most) for group in alike[:most]]
    rest = _more(len(alike), most)
    return [*notices, Notice(status=status, word=word, about=alike[0].gate, places=rest)] if rest else notices


def _group(group: CheckGroup, status: Status, word: str, most: int) -> Notice:
    """Return what the checks say, and where: before it, or below, a line each, where there is much to be said."""
    places = [text for check in group.checks if (text := _place_and_values(group, check))]
    shown, rest = places[:most], _more(len(places), most)
    reason = accepted(group.checks[0])
    said = _cut(group.message) + (f" {reason}" if reason is not None else "")
    return Notice(
        status=status,
        word=word,
        about=group.gate,
        places="" if group.is_long else " ".join(filter(None, [", ".join(shown), rest])),
        subject=group.subject or "",
        message=said,
        below=tuple(filter(None, [*shown, rest])) if group.is_long else (),
    )


def _place_and_values(group: CheckGroup, check: Check) -> str:
    """Return where a check belongs and what it found there, which the group's message leaves out."""
    place = place_of(check)
    own = ": ".join(shortened(text, _LONGEST_VALUE) for text in group.own_words(check))
    if place is None or not own:
        return place or own
    return f"{place}: {own}" if group.is_long else f"{place} ({own})"


def _beside(matrix: Matrix, most: int) -> Iterator[str]:
    if words := other_runs(matrix):
        yield words
    for runs in unidentified(matrix):
        yield _not_judged(runs, most)


def _not_judged(runs: Unidentified, most: int) -> str:
    names = ", ".join(shortened(run_words(attempt), _LONGEST_MESSAGE) for attempt in runs.attempts[:most])
    rest = _more(runs.number, most)
    return f"not judged: {runs.words}: {names}" + (f" {rest}" if rest else "")


def _more(number: int, most: int) -> str:
    """Return what stands behind the first ``most`` of ``number`` things, nothing where those are all."""
    return f"and {number - most} more (in the report)" if number > most else ""


def _cut(text: str) -> str:
    return shortened(text, _LONGEST_MESSAGE)
