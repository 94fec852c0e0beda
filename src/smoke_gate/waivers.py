"""Waivers: named findings that somebody accepted, for a reason and until a day. Always shown, never silent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from smoke_gate.gates.base import Check, Status
from smoke_gate.message import Message, say
from smoke_gate.policy.model import Policy, Waiver
from smoke_gate.policy.terms import normal_seed
from smoke_gate.selection import Matrix, Pair, planned_pairs
from smoke_gate.text import counted


class WaiverState(StrEnum):
    """The effect of a waiver."""

    USED = "used"
    EXPIRED = "expired"
    UNMATCHED = "unmatched"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverResult:
    """A waiver and what it did; ``matched`` counts the failing checks that it names, accepted or (expired) not."""

    waiver: Waiver
    state: WaiverState
    matched: int
    message: Message

    @property
    def warns(self) -> bool:
        """True if a person must look: it has expired, and what it accepted is still there."""
        return self.state is WaiverState.EXPIRED and self.matched > 0


def apply_waivers(
    policy: Policy, matrix: Matrix, checks: Sequence[Check], *, as_of: str
) -> tuple[tuple[Check, ...], tuple[WaiverResult, ...]]:
    """Lower each check that a waiver in force names by one step: FAIL to WARNING, WARNING to PASS.

    No waiver names a check that is not ``waivable``, as a failure to judge is not.

    Returns:
        All the checks, in the same order, and a result for each waiver. The first waiver in the policy that matches
        gives the reason. ``as_of`` is a date like the waivers' ``expires``; that day is still covered.

    """
    results = tuple(_result(policy, matrix, waiver, checks, as_of) for waiver in policy.waivers)
    in_force = [result.waiver for result in results if result.state is WaiverState.USED]
    return tuple(_waived(check, in_force) for check in checks), results


_LOWERED = {Status.FAIL: Status.WARNING, Status.WARNING: Status.PASS}


def _waived(check: Check, in_force: Iterable[Waiver]) -> Check:
    reason = next((waiver.reason for waiver in in_force if _matches(waiver, check)), None)
    return check if reason is None else replace(check, status=_LOWERED[check.status], waived=reason)


def _result(
    policy: Policy, matrix: Matrix, waiver: Waiver, checks: Sequence[Check], as_of: str
) -> WaiverResult:
    matched = sum(_matches(waiver, check) for check in checks)
    unjudged = None if matched else _why_not_judged(policy, matrix, waiver, checks)
    state, message = (WaiverState.NOT_JUDGED, unjudged) if unjudged else _state(waiver, matched, as_of)
    return WaiverResult(waiver=waiver, state=state, matched=matched, message=message)


def _state(waiver: Waiver, matched: int, as_of: str) -> tuple[WaiverState, Message]:
    if as_of > waiver.expires:
        stands = "what it names still stands ({matched}): fix that or renew it" if matched else "delete it"
        return WaiverState.EXPIRED, say("expired on {day}: " + stands, day=waiver.expires, matched=matched)
    if not matched:
        return WaiverState.UNMATCHED, say("matches no finding: delete it, or correct what it names")
    return WaiverState.USED, say(
        "accepts {findings} until {day}", findings=say(counted(matched, "finding")), day=waiver.expires
    )


def _why_not_judged(
    policy: Policy, matrix: Matrix, waiver: Waiver, checks: Sequence[Check]
) -> Message | None:
    """Return why a waiver that matches nothing may still be needed, None where it is not."""
    if _may_be_of_left_out(policy, matrix, waiver):
        return say("what it names is, or may be, left out of this narrowed evaluation")
    if any(
        check.gate == waiver.gate and check.status is Status.FAIL and not check.waivable for check in checks
    ):
        return say("its gate judged nothing, and no waiver accepts that")
    return None


def _matches(waiver: Waiver, check: Check) -> bool:
    return (
        check.status in _LOWERED
        and check.waivable
        and waiver.gate == check.gate
        and waiver.kind in (None, check.kind)
        and _is_at(waiver, check.cell, check.seed)
        and waiver.run_id in (None, check.run_id)
        and waiver.subject in (None, check.subject)
    )


def _is_at(waiver: Waiver, cell: str | None, seed: str | None) -> bool:
    """Return whether the waiver is for a cell and a seed, as far as it names them."""
    return waiver.cell in (None, cell) and (
        waiver.seed is None or (seed is not None and normal_seed(waiver.seed) == normal_seed(seed))
    )


def _may_be_of_left_out(policy: Policy, matrix: Matrix, waiver: Waiver) -> bool:
    """Return whether the waiver may be for a planned pair that the options left out.

    A waiver that names a run of a pair that is left is not.
    """
    left: set[Pair] = {place.pair for place in matrix.places}
    known = {attempt.run_id for place in matrix.places for attempt in place.attempts}
    return waiver.run_id not in known and any(
        _is_at(waiver, pair.cell, pair.seed)
        for pair in planned_pairs(policy, narrowed=False)
        if pair not in left
    )
