"""What a person must act on or look at, put together once for every report: failures, warnings, and what is waived."""

from collections.abc import Sequence
from dataclasses import dataclass

from smoke_gate.gates.base import Status
from smoke_gate.policy.model import Waiver
from smoke_gate.report.grouping import Alike, grouped
from smoke_gate.verdict import Verdict
from smoke_gate.waivers import WaiverState


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning that is no check's: what it is about, and what it says."""

    about: str
    message: str


def failures(verdict: Verdict) -> Sequence[Alike]:
    """Return what failed, the gates that fail first."""
    failing = {result.id for result in verdict.gates if result.status is Status.FAIL}
    groups = grouped(check for check in verdict.checks if check.status is Status.FAIL)
    return sorted(groups, key=lambda alike: (alike[0].gate not in failing, alike[0].gate))


def warnings(verdict: Verdict) -> Sequence[Alike]:
    """Return the checks that warn of themselves."""
    return grouped(check for check in verdict.checks if check.warns)


def waived(verdict: Verdict) -> Sequence[Alike]:
    """Return the failures that a waiver accepts; groups have one reason each."""
    return grouped(check for check in verdict.checks if check.waived is not None)


def remarks(verdict: Verdict) -> Sequence[Remark]:
    """Return the values off their reference, and the waivers that are stale; what is waived shows the others."""
    tripped = [
        Remark(f"reference {result.reference.metric}", result.message)
        for result in verdict.references
        if result.tripped
    ]
    stale = [
        Remark(f"waiver {_scope(result.waiver)}", result.message)
        for result in verdict.waivers
        if result.state in (WaiverState.EXPIRED, WaiverState.UNMATCHED)
    ]
    return [*tripped, *stale]


def _scope(waiver: Waiver) -> str:
    named = {"cell": waiver.cell, "seed": waiver.seed, "run": waiver.run_id, "subject": waiver.subject}
    return " ".join([waiver.gate, *(f"{key} {value}" for key, value in named.items() if value is not None)])
