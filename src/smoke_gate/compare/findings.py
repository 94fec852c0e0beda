"""The failures of two verdicts: which are new, which are fixed, and which are still there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smoke_gate.gates.base import Check, Status
from smoke_gate.policy.terms import normal_seed

_Place = tuple[str, str | None, str | None]  # gate, cell, seed
_Key = tuple[_Place, str, str]  # place, kind, subject


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingChanges:
    """The failing checks of two verdicts, by what became of them.

    A check that a waiver accepts does not count as fixed. ``unlooked`` are checks that failed in base, at places where
    their gate judged nothing in head: nobody knows whether they are fixed.
    """

    new: tuple[Check, ...] = ()
    fixed: tuple[Check, ...] = ()
    still: tuple[Check, ...] = ()
    unlooked: tuple[Check, ...] = ()


def finding_changes(base: Sequence[Check], head: Sequence[Check]) -> FindingChanges:
    """Compare the checks of two verdicts.

    A check is known by its gate, kind, cell, seed and subject, not by its run: head has other runs. A failure of head
    that waiting may end is left out.
    """
    before, after = _failures(base), _failures(check for check in head if not check.pending)
    accepted = {_key(check) for check in head if check.waived is not None}
    looked_at = {_place(check) for check in head if check.status is not Status.SKIPPED and not check.pending}
    gone = [check for key, check in before.items() if key not in after and key not in accepted]
    return FindingChanges(
        new=tuple(check for key, check in after.items() if key not in before),
        fixed=tuple(check for check in gone if _place(check) in looked_at),
        still=tuple(
            after.get(key, check) for key, check in before.items() if key in after or key in accepted
        ),
        unlooked=tuple(check for check in gone if _place(check) not in looked_at),
    )


def _failures(checks: Iterable[Check]) -> Mapping[_Key, Check]:
    return {_key(check): check for check in checks if check.status is Status.FAIL}


def _key(check: Check) -> _Key:
    return _place(check), check.kind, check.subject


def _place(check: Check) -> _Place:
    return check.gate, check.cell, None if check.seed is None else normal_seed(check.seed)
