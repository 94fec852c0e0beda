"""Waivers: named failures that somebody accepted, for a reason and until a day. Always shown, never silent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from smoke_gate.gates.base import Check, Status
from smoke_gate.policy.model import Policy, Waiver
from smoke_gate.policy.terms import normal_seed


class WaiverState(StrEnum):
    """What became of a waiver."""

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
    message: str

    @property
    def warns(self) -> bool:
        """Whether a person must look: every waiver does that was looked at."""
        return self.state is not WaiverState.NOT_JUDGED


def apply_waivers(
    policy: Policy, checks: Sequence[Check], *, as_of: str
) -> tuple[tuple[Check, ...], tuple[WaiverResult, ...]]:
    """Turn the failing checks that a waiver in force names into waived ones.

    Returns:
        All the checks, in the same order, and a result for each waiver. The first waiver in the policy that matches
        gives the reason. ``as_of`` is a date like the waivers' ``expires``; that day is still covered.

    """
    results = tuple(_result(policy, waiver, checks, as_of) for waiver in policy.waivers)
    in_force = [result.waiver for result in results if result.state is WaiverState.USED]
    return tuple(_waived(check, in_force) for check in checks), results


def _waived(check: Check, in_force: Iterable[Waiver]) -> Check:
    reason = next((waiver.reason for waiver in in_force if _matches(waiver, check)), None)
    return check if reason is None else replace(check, status=Status.WARNING, waived=reason)


def _result(policy: Policy, waiver: Waiver, checks: Sequence[Check], as_of: str) -> WaiverResult:
    matched = sum(_matches(waiver, check) for check in checks)
    state, message = _state(policy, waiver, matched, as_of)
    return WaiverResult(waiver=waiver, state=state, matched=matched, message=message)


def _state(policy: Policy, waiver: Waiver, matched: int, as_of: str) -> tuple[WaiverState, str]:
    if _is_narrowed_out(policy, waiver):
        return WaiverState.NOT_JUDGED, "its cell or seed is not part of this narrowed evaluation"
    if as_of > waiver.expires:
        stands = f"what it names still fails ({matched}): fix that or renew it" if matched else "delete it"
        message = f"expired on {waiver.expires}: {stands}"
        return WaiverState.EXPIRED, message
    if not matched:
        return WaiverState.UNMATCHED, "matches no failing check: delete it, or correct what it names"
    return WaiverState.USED, f"accepts {matched} failing checks until {waiver.expires}"


def _matches(waiver: Waiver, check: Check) -> bool:
    return (
        check.status is Status.FAIL
        and waiver.gate == check.gate
        and waiver.cell in (None, check.cell)
        and (
            waiver.seed is None
            or (check.seed is not None and normal_seed(waiver.seed) == normal_seed(check.seed))
        )
        and waiver.run_id in (None, check.run_id)
        and waiver.subject in (None, check.subject)
    )


def _is_narrowed_out(policy: Policy, waiver: Waiver) -> bool:
    narrowed = policy.narrowed
    if narrowed is None:
        return False
    cell_out = narrowed.cells is not None and waiver.cell is not None and waiver.cell not in narrowed.cells
    seed_out = (
        narrowed.seeds is not None
        and waiver.seed is not None
        and normal_seed(waiver.seed) not in map(normal_seed, narrowed.seeds)
    )
    return cell_out or seed_out
