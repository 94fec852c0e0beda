"""The ways of breaking a matrix that a policy catches: recorded evidence is broken in each, and judged again.

A gate that cannot fail is worse than none. Each gate brings the mutations that it should see. Pure: the same policy
and the same evidence give the same answer.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import count

from smoke_gate.evidence import Evidence
from smoke_gate.gates import gates_of
from smoke_gate.gates.base import Case, Check, Gate, Mutation, Outcome, Remedy, Status, Unbroken, case_of
from smoke_gate.gates.guard import FAULTS, text_of
from smoke_gate.message import Message, say
from smoke_gate.policy.model import Policy
from smoke_gate.references import ReferenceResult
from smoke_gate.selection import matrix_of
from smoke_gate.verdict import Verdict, evaluate, outcomes_of

Outcomes = Mapping[Gate, Outcome]
"""What gates found, by gate."""

MOST_RUNS = 100
"""The most selected runs for which ``check`` asks; the command asks for any number."""


class BiteState(StrEnum):
    """The answer of the gates to a mutation."""

    CAUGHT = "caught"
    """A check fails that did not fail before."""
    WARNED = "warned"
    """A check warns that did not warn before."""
    MISSED = "missed"
    """Neither, or the runs do not log what it changes."""
    OFF = "off"
    """The gate that should see it is switched off, with a reason. Not counted."""
    NOT_APPLICABLE = "not applicable"
    """The matrix has nothing of the kind. Not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitten:
    """One mutation, and what the gates said of it.

    ``gate`` brings it, and ``seen_by`` are the ids of all gates that may see it. ``found`` are the new findings, the
    failures first. ``why`` says why nothing was found, ``remedy`` what would find it.
    """

    number: int
    gate: str
    mutation: Mutation
    state: BiteState
    found: tuple[Check | ReferenceResult, ...] = ()
    why: Message | None = None
    remedy: Remedy | None = None

    @property
    def seen_by(self) -> tuple[str, ...]:
        """The gates that may see it, in order."""
        return tuple(sorted({self.gate, *self.mutation.also}))


@dataclass(frozen=True, slots=True)
class Bite:
    """All mutations, in a fixed order."""

    every: tuple[Bitten, ...]

    def of(self, *states: BiteState) -> Sequence[Bitten]:
        """Return the mutations of some states, in order."""
        return [one for one in self.every if one.state in states]

    @property
    def seen(self) -> int:
        """How many were caught or warned of."""
        return len(self.of(BiteState.CAUGHT, BiteState.WARNED))

    @property
    def counted(self) -> int:
        """How many could have been."""
        return self.seen + len(self.of(BiteState.MISSED))

    @property
    def percent(self) -> float:
        """How many of those that are counted were caught or warned of, in percent; 0 where none is counted."""
        return 100 * self.seen / self.counted if self.counted else 0.0


def bite(policy: Policy, evidence: Evidence, only: Collection[str] | None = None) -> Bite:
    """Break the evidence in every way that the policy's gates know, and judge each by the policy.

    ``only`` are the names of the mutations that are tried; left out, all.
    """
    case = case_of(policy, evidence, matrix_of(policy, evidence))
    return Bite(tuple(_each(case, outcomes_of(case), only)))


def bite_for_report(policy: Policy, evidence: Evidence) -> Bite | None:
    """Return what a report says of it; None where the policy does not ask, or for more runs than that is cheap for."""
    if not policy.report.bite or len(evidence.runs) > MOST_RUNS:
        return None
    return bite(policy, evidence)


def _each(case: Case, before: Outcomes, only: Collection[str] | None) -> Iterator[Bitten]:
    numbers = count(1)
    known = {_identity(found) for found in _findings(evaluate(case.policy, case.evidence, before))}
    for gate in gates_of(case.policy):
        for mutation in gate.mutations():
            number = next(numbers)
            if only is None or mutation.name in only:
                unasked = {
                    other: found
                    for other, found in before.items()
                    if other.id not in (gate.id, *mutation.also)
                }
                yield _bitten(number, gate, mutation, case, unasked, known)


def _bitten(
    number: int, gate: Gate, mutation: Mutation, case: Case, unasked: Outcomes, known: set[object]
) -> Bitten:
    """Judge a mutation by the gates that may see it; ``unasked`` is what the others said before."""
    changed = _changed(mutation, case)
    result = partial(Bitten, number=number, gate=gate.id, mutation=mutation)
    after = None if isinstance(changed, Unbroken) else evaluate(case.policy, changed, unasked)
    new = [] if after is None else [one for one in _findings(after) if _identity(one) not in known]
    if new:
        found = sorted(new, key=lambda one: not _fails(one))
        return result(state=BiteState.CAUGHT if _fails(found[0]) else BiteState.WARNED, found=tuple(found))
    settings = case.policy.gates.by_section()[gate.section]
    if not settings.enabled:
        return result(
            state=BiteState.OFF,
            why=say("{gate} is off: {reason}", gate=gate.id, reason=settings.reason or ""),
        )
    if isinstance(changed, Unbroken):
        state = BiteState.NOT_APPLICABLE if changed.remedy is None else BiteState.MISSED
        return result(state=state, why=changed.why, remedy=changed.remedy)
    waived = None if after is None else _waived(after, known)
    if waived is not None:
        return result(state=BiteState.MISSED, why=say("A waiver accepts it: {reason}", reason=waived))
    return result(state=BiteState.MISSED, remedy=_remedy(mutation, case))


def _changed(mutation: Mutation, case: Case) -> Evidence | Unbroken:
    """Return the broken evidence. A mutation that cannot be made, as another package's may be, breaks nothing."""
    try:
        changed: object = mutation.change(case)
    except FAULTS as error:
        return _unmade(f"{type(error).__name__}: {text_of(error)}")
    if not isinstance(changed, Evidence | Unbroken):
        return _unmade(f"it returned {type(changed).__name__}")
    return changed


def _unmade(problem: str) -> Unbroken:
    return Unbroken(say("It could not be made: {problem}.", problem=problem))


def _remedy(mutation: Mutation, case: Case) -> Remedy | None:
    try:
        return mutation.remedy(case)
    except FAULTS:  # a package's advice costs nobody the answer
        return None


# --- what is new ------------------------------------------------------------------------------------------------------


def _findings(verdict: Verdict) -> Iterator[Check | ReferenceResult]:
    yield from (check for check in verdict.checks if check.status in (Status.FAIL, Status.WARNING))
    yield from (result for result in verdict.references if result.tripped)


def _fails(found: Check | ReferenceResult) -> bool:
    return isinstance(found, Check) and found.status is Status.FAIL


def _identity(found: Check | ReferenceResult) -> object:
    """Return what tells a finding from others. What was observed belongs to it: a worse failure is a new one."""
    if isinstance(found, ReferenceResult):
        return found.reference.metric, found.reference.source, found.run_id
    return (
        found.gate, found.kind, found.status, found.subject, found.run_id, found.cell, found.seed, found.observed,
    )  # fmt: skip


def _waived(verdict: Verdict, known: Iterable[object]) -> str | None:
    """Return the reason of a waiver that accepts what is new; None: nothing is new."""
    before = set(known)
    return next(
        (
            check.waived
            for check in verdict.checks
            if check.waived is not None and _identity(check) not in before
        ),
        None,
    )
