"""What every gate is made of: checks, and the one interface that turns evidence into them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from smoke_gate.evidence import Attempt, Evidence, Run
from smoke_gate.policy.model import GateId, Policy
from smoke_gate.policy.terms import seed_order
from smoke_gate.selection import Matrix, Pair


class Status(StrEnum):
    """Of a check or a gate. There is no ERROR: what cannot be checked is FAIL."""

    PASS = "PASS"  # noqa: S105
    WARNING = "WARNING"
    FAIL = "FAIL"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One assertion of a gate on one subject.

    ``kind`` is a stable word for what was asserted. ``observed`` and ``expected`` are texts for people. ``message``
    says what was found and, where it is no PASS, how to fix it. ``waived`` is the reason of the waiver that accepted a
    failure. ``at_once`` marks a failure that reaches any threshold by itself, as one of no run does. ``waivable`` is
    False for the failure to judge anything, which no waiver accepts: a gate that did not look never passes.
    """

    gate: GateId
    kind: str
    status: Status
    subject: str
    message: str
    run_id: str | None = None
    cell: str | None = None
    seed: str | None = None
    observed: str | None = None
    expected: str | None = None
    waived: str | None = None
    at_once: bool = False
    waivable: bool = True

    @property
    def warns(self) -> bool:
        """Whether it warns of itself; a failure that a waiver accepts is the waiver's warning."""
        return self.status is Status.WARNING and self.waived is None

    @property
    def order(self) -> tuple[object, ...]:
        """Sort key: gate, cell, seed (integers by value), subject, kind, run id; no cell comes before any."""
        return (
            self.gate, self.cell or "", seed_order(self.seed or ""), self.subject, self.kind, self.run_id or "",
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A planned pair with the run that stands for it: what G1 to G6 judge."""

    pair: Pair
    attempt: Attempt
    run: Run

    def check(
        self,
        gate: GateId,
        kind: str,
        status: Status,
        subject: str,
        message: str,
        *,
        observed: str | None = None,
        expected: str | None = None,
        at_once: bool = False,
        waivable: bool = True,
    ) -> Check:
        """Return a check of this run."""
        return Check(
            gate=gate, kind=kind, status=status, subject=subject, message=message, run_id=self.run.run_id,
            cell=self.pair.cell, seed=self.pair.seed, observed=observed, expected=expected, at_once=at_once,
            waivable=waivable,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a gate sees: the policy, the evidence, and the matrix that both make."""

    policy: Policy
    evidence: Evidence
    matrix: Matrix
    judged: tuple[Judged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a gate found.

    ``expected`` counts the planned pairs that the gate applies to, ``evaluated`` those that it judged. Where it applies
    to none, ``skipped`` says why.
    """

    checks: tuple[Check, ...] = ()
    expected: int
    evaluated: int
    skipped: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A named decision. ``section`` is its key under ``gates`` in the policy; ``title`` is for headings."""

    id: GateId
    section: str
    title: str
    judge: Callable[[Case], Outcome]


def case_of(policy: Policy, evidence: Evidence, matrix: Matrix) -> Case:
    """Join the selected attempts with their facts.

    A selected attempt whose facts are absent from the evidence is not judged, so that the gates' count of evaluated
    pairs shows it.
    """
    runs: Mapping[str, Run] = {run.run_id: run for run in evidence.runs}
    judged = tuple(
        Judged(pair=pair, attempt=attempt, run=runs[attempt.run_id])
        for pair, attempt in matrix.selected
        if attempt.run_id in runs
    )
    return Case(policy=policy, evidence=evidence, matrix=matrix, judged=judged)


def abbreviated(digits: str, others: Iterable[str | None] = ()) -> str:
    """Return a commit or a hash as messages name it: its first 12 characters, or all where another begins alike."""
    alike = (other for other in others if other and other[:12].lower() == digits[:12].lower())
    return digits if any(other != digits for other in alike) else digits[:12]


def quoted(value: str) -> str:
    """Return a recorded text as messages show it: in quotes, on one line, cut where it is long."""
    return repr(value if len(value) <= 80 else f"{value[:79]}…")
