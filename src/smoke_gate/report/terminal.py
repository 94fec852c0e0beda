"""The summary on stdout: the verdict, a line a gate, what failed with its fix, what warns, and what was written.

Plain text, for logs, pipes and ``NO_COLOR``; :mod:`smoke_gate.report.screen` is for terminals.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from smoke_gate.gates.base import Check
from smoke_gate.report.escape import log_line, shortened
from smoke_gate.report.findings import failures, remarks, waived, warnings
from smoke_gate.report.grouping import CheckGroup, place_of
from smoke_gate.report.unidentified import Unidentified, run_words, unidentified
from smoke_gate.verdict import GateResult, Verdict

MOST_GROUPS = 10  # of failures, and of warnings
_MOST_PLACES = 4
_LONGEST_MESSAGE = 400
_LONGEST_VALUE = 120  # two hashes with words


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
    return _first([_group(group) for group in failures(verdict)], "findings")


def _warnings(verdict: Verdict) -> list[str]:
    """Return what a person must look at besides, and what to do about it."""
    lines = [_group(group, "warning ") for group in warnings(verdict)]
    lines += [f"{_group(group, 'waived ')} Waived: {group.checks[0].waived}" for group in waived(verdict)]
    lines += [f"  warning {_cut(remark.about)}: {_cut(remark.message)}" for remark in remarks(verdict)]
    return _first(lines, "warnings")


def _first(lines: Sequence[str], what: str) -> list[str]:
    rest = len(lines) - MOST_GROUPS
    return [*lines[:MOST_GROUPS], *([f"  … and {rest} more {what}; the report has them all"] * (rest > 0))]


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
    own = ", ".join(shortened(text, _LONGEST_VALUE) for text in group.own_words(check))
    return own if place is None else f"{place} ({own})" if own else place


def _group(group: CheckGroup, status: str = "") -> str:
    places = places_and_values(group)
    shown = f" {', '.join(places[:_MOST_PLACES])}{more(len(places), _MOST_PLACES)}" if places else ""
    subject = f" {group.subject}:" if group.subject is not None else ""
    return f"  {status}{group.gate}{shown}:{subject} {_cut(group.message)}"


def _cut(text: str) -> str:
    return shortened(text, _LONGEST_MESSAGE)
