"""Limits on how far a metric may move from base to head."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from smoke_gate.compare.changes import Change, Gap, is_finite
from smoke_gate.few_seeds import without_noise
from smoke_gate.message import Message, say
from smoke_gate.policy.model import Policy
from smoke_gate.selection import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How far a metric may move from base to head at any pair: ``most``, down (``drop``) or up (``rise``)."""

    metric: str
    direction: Literal["drop", "rise"]
    most: Decimal


@dataclass(frozen=True, slots=True)
class Broken:
    """A pair at which a limit is broken, and why."""

    pair: Pair
    why: Message

    def __str__(self) -> str:
        return f"{self.pair.subject}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitResult:
    """A limit, how many pairs it was judged at, and where it is broken."""

    limit: Limit
    judged: int
    problems: tuple[Broken, ...]

    @property
    def holds(self) -> bool:
        """True if it was judged and is not broken."""
        return self.judged > 0 and not self.problems


def limits_of(policy: Policy) -> tuple[Limit, ...]:
    """Return the limits of a policy. A number counts as it is written: 0.01 is not 0.010000000000000000208."""
    drops, rises = policy.compare.max_drop, policy.compare.max_rise
    return (
        *(Limit(metric=name, direction="drop", most=_as_written(most)) for name, most in drops.items()),
        *(Limit(metric=name, direction="rise", most=_as_written(most)) for name, most in rises.items()),
    )


def _as_written(number: float) -> Decimal:
    return Decimal(repr(number).removesuffix(".0"))


def judged_limit(
    limit: Limit, changes: Sequence[Change], gaps: Sequence[Gap], redefined: Iterable[Pair], *, pending: bool
) -> LimitResult:
    """Judge a limit at every pair.

    What head lacks breaks it. What base lacks, and head has, cannot be compared and breaks nothing: otherwise no change
    could add a cell or a metric.

    Args:
        limit: the limit.
        changes: its metric at the pairs that have a run in both.
        gaps: the other pairs.
        redefined: the pairs whose two runs do not state one definition.
        pending: a planned run that head lacks is not finished yet, and breaks nothing.

    """
    other = frozenset(redefined)
    judged = [change for change in changes if change.pair not in other and change.difference is not None]
    return LimitResult(
        limit=limit,
        judged=len(judged),
        problems=tuple(_problems(limit, changes, () if pending else gaps, other)),
    )


def _problems(
    limit: Limit, changes: Sequence[Change], gaps: Sequence[Gap], redefined: frozenset[Pair]
) -> Iterator[Broken]:
    for gap in gaps:
        if gap.head == "no run":
            yield Broken(gap.pair, say("no run in head"))
    for change in changes:
        if change.pair in redefined:
            yield Broken(change.pair, say("the two runs do not state one definition"))
        elif (why := _problem(limit, change)) is not None:
            yield Broken(change.pair, why)


def _problem(limit: Limit, change: Change) -> Message | None:
    if change.head is None:
        return say("head lacks the metric")
    if not is_finite(change.head):
        return say("{value} in head", value=change.head)
    difference = change.difference
    if difference is None:
        return None
    moved = -difference if limit.direction == "drop" else difference
    if without_noise(moved - limit.most, Decimal(change.base or ""), Decimal(change.head)) <= 0:
        return None
    base, head, moved_by = _number(change.base or ""), _number(change.head), say(_number(moved))
    verb = "dropped" if limit.direction == "drop" else "rose"
    return say(
        f"{verb} by {{moved}}, from {{base}} to {{head}}", moved=moved_by, base=say(base), head=say(head)
    )


def _number(value: str | Decimal) -> str:
    return f"{float(value):.6g}"
