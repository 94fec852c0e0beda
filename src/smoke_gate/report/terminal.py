"""The summary on stdout: the verdict, a line a gate, what failed with its fix, what warns, and what was written.

Plain text, for logs, pipes and ``NO_COLOR``; :mod:`smoke_gate.report.screen` is for terminals.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from smoke_gate.gates.base import Check
from smoke_gate.report.escape import log_line, shortened
from smoke_gate.report.findings import failures, remarks, waived, warnings
from smoke_gate.report.grouping import Alike, CheckGroup, place_of
from smoke_gate.report.unidentified import Unidentified, run_words, unidentified
from smoke_gate.verdict import GateResult, Verdict

MOST_GROUPS = 10  # of failures, and of warnings
_MOST_PLACES = 4
_LONGEST_MESSAGE = 600
_LONGEST_VALUE = 200


def summary(verdict: Verdict, headline: str, files: Mapping[str, Path], *, quiet: bool = False) -> str:
    """Return the lines of the summary.

    Args:
        verdict: the verdict.
        headline: its line.
        files: what was written, by what it is.
        quiet: the verdict's line and the files only.

    Returns:
        Text that ends in a new line, and that a GitHub runner takes for nothing but text.

    """
    lines = [headline]
    if not quiet:
        lines += [*map(_gate, verdict.gates), *_failures(verdict), *_warnings(verdict)]
        lines += map(_not_judged, unidentified(verdict.matrix))
    lines += [f"{name}: {path}" for name, path in files.items()]
    return "".join(f"{log_line(line)}\n" for line in lines)


def _gate(result: GateResult) -> str:
    critical = "critical: " if result.critical else ""
    return f"{result.id} {result.status.value:<7} {result.name:<15} {critical}{_cut(result.message)}"


def _failures(verdict: Verdict) -> list[str]:
    """Return what failed and how to fix it."""
    return _first([_alike(alike) for alike in failures(verdict)], "findings")


def _warnings(verdict: Verdict) -> list[str]:
    """Return what a person must look at besides, and what to do about it."""
    found = [_alike(alike, "warning ") for alike in warnings(verdict)]
    found += [_alike(alike, "waived ") for alike in waived(verdict)]
    found += [[f"  warning {_cut(remark.about)}: {_cut(remark.message)}"] for remark in remarks(verdict)]
    return _first(found, "warnings")


def _first(found: Sequence[Sequence[str]], what: str) -> list[str]:
    rest = len(found) - MOST_GROUPS
    cut = [f"  … and {rest} more {what}; the report has them all"] if rest > 0 else []
    return [*(line for lines in found[:MOST_GROUPS] for line in lines), *cut]


def _not_judged(runs: Unidentified) -> str:
    names = [shortened(run_words(attempt), _LONGEST_MESSAGE) for attempt in runs.attempts[:_MOST_PLACES]]
    return f"  not judged: {runs.words}: {', '.join(names)}{more(len(runs.attempts), _MOST_PLACES)}"


def more(number: int, most: int) -> str:
    """Return what stands behind the first ``most`` of ``number`` places, nothing where those are all."""
    return f" and {number - most} more (in the report)" if number > most else ""


def places_and_values(group: CheckGroup) -> list[str]:
    """Return where the checks of a group belong and what each found there, which the group's message leaves out."""
    return [text for check in group.checks if (text := _place_and_values(group, check))]


def _place_and_values(group: CheckGroup, check: Check) -> str:
    place = place_of(check)
    own = ": ".join(shortened(text, _LONGEST_VALUE) for text in group.own_words(check))
    if place is None or not own:
        return place or own
    return f"{place}: {own}" if group.is_long else f"{place} ({own})"


def _alike(alike: Alike, status: str = "") -> list[str]:
    """Return a line for each group, and one that counts those that are left out."""
    lines = [line for group in alike[:_MOST_PLACES] for line in _group(group, status)]
    rest = more(len(alike), _MOST_PLACES)
    return [*lines, f"  {status}{alike[0].gate}{rest}"] if rest else lines


def _group(group: CheckGroup, status: str) -> list[str]:
    """Return what the checks say, and where: before it, or below, a line each, where there is much to be said."""
    places = places_and_values(group)
    shown, rest = places[:_MOST_PLACES], more(len(places), _MOST_PLACES)
    waived = group.checks[0].waived
    said = _cut(group.message) + (f" Waived: {waived}" if waived is not None else "")
    subject = f" {group.subject}:" if group.subject is not None else ""
    if group.is_long:
        below = [*shown, *([rest.strip()] if rest else [])]
        return [f"  {status}{group.gate}:{subject} {said}", *(f"    {line}" for line in below)]
    where = f" {', '.join(shown)}{rest}" if places else ""
    return [f"  {status}{group.gate}{where}:{subject} {said}"]


def _cut(text: str) -> str:
    return shortened(text, _LONGEST_MESSAGE)
