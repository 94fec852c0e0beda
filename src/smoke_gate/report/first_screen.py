"""The first lines of a report: one for each gate that is behind the verdict, with what was found and where."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from smoke_gate.gates import gates_of
from smoke_gate.gates.base import Status
from smoke_gate.message import Message, between, cut, first_sentence, say
from smoke_gate.policy.model import Policy
from smoke_gate.report import findings
from smoke_gate.report.grouping import CheckGroup
from smoke_gate.report.places import where
from smoke_gate.selection import Matrix
from smoke_gate.text import counted
from smoke_gate.verdict import Verdict, VerdictStatus

_MOST_FINDINGS = 2  # of one gate
_LONGEST = 240  # characters of one finding


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLine:
    """A gate, or another cause of the verdict, and what it found: ``Units · A7, all 5 seeds: input is kW, …``.

    ``label`` is ours, ``words`` may hold foreign values. ``gate`` is None for what is not a gate.
    """

    status: Status
    label: str
    words: Message
    gate: str | None = None


def first_lines(verdict: Verdict, policy: Policy) -> Sequence[FirstLine]:
    """Return a line for each gate that makes the verdict what it is, in the gates' order; none for ALL PASS."""
    if verdict.status is VerdictStatus.ALL_PASS:
        return ()
    status = Status.FAIL if verdict.status is VerdictStatus.FAIL else Status.WARNING
    labels = {gate.id: gate.label for gate in gates_of(policy)}
    groups = _groups(verdict)
    lines = [
        FirstLine(status=status, label=labels[result.id], words=_found(own, verdict.matrix), gate=result.id)
        for result in verdict.gates
        if result.status is status and (own := [group for group in groups if group.gate == result.id])
    ]
    return lines if status is Status.FAIL else [*lines, *_besides(verdict)]


def _groups(verdict: Verdict) -> list[CheckGroup]:
    """Return what is behind the verdict, failures first, and of equal ones that of most runs first."""
    waived = [alike for alike in findings.waived(verdict) if alike[0].checks[0].status is Status.WARNING]
    every = (
        [findings.failures(verdict)]
        if verdict.status is VerdictStatus.FAIL
        else [findings.failures(verdict), findings.warnings(verdict), waived]
    )
    return [
        group
        for found in every
        for group in sorted(
            (group for alike in found for group in alike), key=lambda group: -len(group.checks)
        )
        if not verdict.pending or any(check.cell for check in group.checks)
    ]


def _found(groups: Sequence[CheckGroup], matrix: Matrix) -> Message:
    shown = [_group(group, matrix) for group in groups[:_MOST_FINDINGS]]
    rest = len(groups) - _MOST_FINDINGS
    return between("; ", [*shown, *([say(f"and {counted(rest, 'more finding')}")] if rest > 0 else [])])


def _group(group: CheckGroup, matrix: Matrix) -> Message:
    place, found = where(group.checks, matrix), cut(group.brief, _LONGEST)
    return say("{place}: {found}", place=place, found=found) if place else found


def _besides(verdict: Verdict) -> Iterator[FirstLine]:
    """Yield what warns and is not a gate: published values, expired waivers."""
    tripped = [first_sentence(result.message) for result in verdict.references if result.tripped]
    expired = [
        say("{gate} {message}", gate=say(result.waiver.gate), message=result.message)
        for result in verdict.waivers
        if result.warns
    ]
    for label, found in (("Published values", tripped), ("Waivers", expired)):
        if found:
            rest = len(found) - _MOST_FINDINGS
            more = [say(f"and {rest} more")] if rest > 0 else []
            words = between("; ", [*(cut(one, _LONGEST) for one in found[:_MOST_FINDINGS]), *more])
            yield FirstLine(status=Status.WARNING, label=label, words=words)
