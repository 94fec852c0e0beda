"""The summary on stdout: the verdict, a line a gate, what failed with its fix, and what was written.

Plain text, for logs, pipes and ``NO_COLOR``; :mod:`smoke_gate.report.screen` is for terminals.
"""

from collections.abc import Mapping
from pathlib import Path

from smoke_gate.gates.base import Check, Status
from smoke_gate.report.escape import log_line, shortened
from smoke_gate.report.grouping import CheckGroup, grouped, place_of
from smoke_gate.verdict import GateResult, Verdict

MOST_GROUPS = 10
_MOST_PLACES = 4
_LONGEST_MESSAGE = 400
_LONGEST_VALUE = 40


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
        lines += [*map(_gate, verdict.gates), *_failures(verdict)]
    lines += [f"{name}: {path}" for name, path in files.items()]
    return "".join(f"{log_line(line)}\n" for line in lines)


def _gate(result: GateResult) -> str:
    critical = "critical: " if result.critical else ""
    message = shortened(result.message, _LONGEST_MESSAGE)
    return f"{result.id} {result.status.value:<7} {result.name:<15} {critical}{message}"


def failures(verdict: Verdict) -> list[CheckGroup]:
    """Return what failed, the gates that fail first."""
    failing = {result.id for result in verdict.gates if result.status is Status.FAIL}
    groups = grouped(check for check in verdict.checks if check.status is Status.FAIL)
    return sorted(groups, key=lambda group: (group.gate not in failing, group.gate))


def _failures(verdict: Verdict) -> list[str]:
    """Return what failed and how to fix it."""
    groups = failures(verdict)
    lines = [_group(group) for group in groups[:MOST_GROUPS]]
    if len(groups) > MOST_GROUPS:
        lines.append(f"  … and {len(groups) - MOST_GROUPS} more findings; the report has them all")
    return lines


def _place(group: CheckGroup, check: Check) -> str:
    """Return where a check belongs and what it found there, since the group's message is only the first one's."""
    own = ", ".join(shortened(text, _LONGEST_VALUE) for text in group.own_words(check))
    return f"{place_of(check)} ({own})" if own else f"{place_of(check)}"


def _group(group: CheckGroup) -> str:
    places = [_place(group, check) for check in group.checks if place_of(check) is not None]
    more = f" and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
    where = f" {', '.join(places[:_MOST_PLACES])}{more}" if places else ""
    subject = f" {group.subject}:" if group.subject is not None else ""
    return f"  {group.gate}{where}:{subject} {shortened(group.message, _LONGEST_MESSAGE)}"
