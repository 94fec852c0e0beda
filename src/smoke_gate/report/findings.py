"""The findings of a verdict, put together once for every report: failures, warnings, and what a waiver accepts.

Each check that is not a plain pass is in exactly one of :func:`failures`, :func:`warnings` and :func:`waived`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from smoke_gate.gates.base import Check, CheckTable, Status
from smoke_gate.message import Message, cut, say
from smoke_gate.policy.model import Waiver
from smoke_gate.report.grouping import Alike, grouped
from smoke_gate.text import counted
from smoke_gate.verdict import GateResult, Verdict
from smoke_gate.waivers import WaiverState

_BEFORE = {Status.WARNING: Status.FAIL.value, Status.PASS: Status.WARNING.value}  # a waiver lowered it
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know that is not a finding: what it is about, what it says and lists, whether it makes a WARNING."""

    about: str
    message: Message
    warns: bool
    table: CheckTable | None = None


def failures(verdict: Verdict) -> Sequence[Alike]:
    """Return what failed, the gates that fail first."""
    failing = {result.id for result in verdict.gates if result.status is Status.FAIL}
    groups = grouped(check for check in verdict.checks if check.status is Status.FAIL)
    return sorted(groups, key=lambda alike: (alike[0].gate not in failing, alike[0].gate))


def warnings(verdict: Verdict) -> Sequence[Alike]:
    """Return the checks that warn of themselves."""
    return grouped(check for check in verdict.checks if check.warns)


def waived(verdict: Verdict) -> Sequence[Alike]:
    """Return the checks that a waiver accepts, also those that pass now; a group has one status and one reason."""
    return grouped(check for check in verdict.checks if check.waived is not None)


def accepted(check: Check) -> Message | None:
    """Return what a waiver made of a check, and the reason; None where no waiver names it."""
    if check.waived is None:
        return None
    words = f"Accepted by waiver, {_BEFORE[check.status]} before: {{reason}}"
    return cut(say(words, reason=check.waived), _LONGEST_REASON)


def remarks(verdict: Verdict) -> Sequence[Remark]:
    """Return the values off their reference, and the waivers that accept nothing; what is waived shows the others.

    An expired waiver warns only where it still names a finding.
    """
    tripped = [
        Remark(f"reference {result.reference.metric}", result.message, warns=True)
        for result in verdict.references
        if result.tripped
    ]
    stale = [
        Remark(f"waiver {_scope(result.waiver)}", result.message, warns=result.warns)
        for result in verdict.waivers
        if result.state in (WaiverState.EXPIRED, WaiverState.UNMATCHED)
    ]
    return [*tripped, *stale, *notes(verdict)]


def notes(verdict: Verdict) -> Iterator[Remark]:
    """Yield what a gate that judged something says of the whole matrix and could not compare."""
    judged = {result.id for result in verdict.gates if result.status is not Status.SKIPPED}
    for check in verdict.checks:
        if check.status is Status.SKIPPED and check.run_id is None and check.gate in judged:
            yield Remark(f"{check.gate} {check.subject}", check.message, warns=False, table=check.table)


def with_and_without(results: Iterable[GateResult]) -> tuple[list[GateResult], list[GateResult]]:
    """Return the gates that have findings, and the others, each in order."""
    every = list(results)
    found = [result for result in every if result.status in (Status.FAIL, Status.WARNING)]
    return found, [result for result in every if result not in found]


def clean_words(results: Iterable[GateResult]) -> str:
    """Count gates without findings: ``5 without a finding, 1 not judged``."""
    counts = Counter(result.status for result in results)
    words = {Status.PASS: "without a finding", Status.SKIPPED: "not judged"}
    return ", ".join(f"{counts[status]} {said}" for status, said in words.items() if counts[status])


def warnings_words(verdict: Verdict) -> str:
    """Count what is told besides the failures: ``3 warnings, 1 waiver``."""
    tripped = sum(result.tripped for result in verdict.references)
    counts = {"warning": len(warnings(verdict)) + tripped, "waiver": len(verdict.waivers)}
    return ", ".join(counted(number, what) for what, number in counts.items() if number)


def scope(waiver: Waiver) -> dict[str, str]:
    """Return what a waiver names besides its gate, by what it is."""
    named = {
        "kind": waiver.kind, "cell": waiver.cell, "seed": waiver.seed, "run": waiver.run_id,
        "subject": waiver.subject,
    }  # fmt: skip
    return {key: value for key, value in named.items() if value is not None}


def _scope(waiver: Waiver) -> str:
    return " ".join([waiver.gate, *(f"{key} {value}" for key, value in scope(waiver).items())])
