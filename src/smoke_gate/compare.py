"""Two verdicts of the same plan, such as main's and a pull request's: their metrics, paired by cell and seed. Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from smoke_gate.evidence import Evidence, Run, metric_number
from smoke_gate.gates.definition import DefinitionHashSettings
from smoke_gate.gates.paired_data import PairedDataSettings
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import normal_seed
from smoke_gate.selection import Pair, matrix_of

Side = Literal["base", "head"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How far a metric may move from base to head at any pair: ``most``, down (``drop``) or up (``rise``)."""

    metric: str
    direction: Literal["drop", "rise"]
    most: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A metric at one pair, in base and in head; None where the run there did not log it."""

    pair: Pair
    base: str | None
    head: str | None

    @property
    def difference(self) -> Decimal | None:
        """Head minus base, of the decimal numbers as written; None where either is absent or not finite."""
        if not (_is_finite(self.base) and _is_finite(self.head)):
            return None
        return Decimal(self.head or "") - Decimal(self.base or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChanges:
    """A metric at every pair that has a run in both; in plan order."""

    metric: str
    changes: tuple[Change, ...]

    @property
    def differences(self) -> tuple[Decimal, ...]:
        """The differences that are known."""
        known = (change.difference for change in self.changes)
        return tuple(difference for difference in known if difference is not None)

    @property
    def incomplete(self) -> tuple[Change, ...]:
        """The pairs at which one side lacks the metric, or has no finite value."""
        return tuple(change for change in self.changes if change.difference is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitResult:
    """A limit, and why it does not hold, a line for each pair; none where it holds."""

    limit: Limit
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Head against base.

    ``metrics`` begin with those that the limits and head's report name. ``lacking`` are the planned pairs that are not
    in both, with the sides that have no run. ``redefined`` are the pairs whose two runs state different
    definitions of the metric, or of which only one states any, ``other_data`` those whose data hashes differ.
    """

    metrics: tuple[MetricChanges, ...]
    lacking: tuple[tuple[Pair, tuple[Side, ...]], ...]
    redefined: tuple[Pair, ...]
    other_data: tuple[Pair, ...]
    limits: tuple[LimitResult, ...]

    @property
    def holds(self) -> bool:
        """Whether every limit holds."""
        return not any(result.problems for result in self.limits)


@dataclass(frozen=True, slots=True)
class _Both:
    """A pair that has a run in base and in head."""

    pair: Pair
    base: Run
    head: Run


def compare(
    base: tuple[Policy, Evidence], head: tuple[Policy, Evidence], limits: Sequence[Limit] = ()
) -> Comparison:
    """Compare the metrics of the runs that stand for the pairs of two evaluations.

    Args:
        base: what is compared with: its policy and evidence.
        head: what is compared.
        limits: what must hold at every pair that either of them plans. A pair without a run in both, a metric that
            either lacks, a value that is not finite and a changed definition break a limit.

    """
    both, lacking = _paired(_runs(*base), _runs(*head))
    definition = base[0].settings(DefinitionHashSettings).key, head[0].settings(DefinitionHashSettings).key
    redefined = tuple(one.pair for one in both if not _states_the_same(one, *definition))
    metrics = tuple(_metric(name, both) for name in _names(both, head[0], limits))
    changes = {metric.metric: metric for metric in metrics}
    return Comparison(
        metrics=metrics,
        lacking=lacking,
        redefined=redefined,
        other_data=tuple(
            one.pair for one in both if any(_differs(one, *keys) for keys in _data(base[0], head[0]))
        ),
        limits=tuple(
            LimitResult(
                limit=limit,
                problems=tuple(_problems(limit, changes[limit.metric].changes, lacking, redefined)),
            )
            for limit in limits
        ),
    )


# --- pairing ----------------------------------------------------------------------------------------------------------

_Key = tuple[str, str | None]
_Lacking = tuple[tuple[Pair, tuple[Side, ...]], ...]


def _runs(policy: Policy, evidence: Evidence) -> dict[_Key, tuple[Pair, Run | None]]:
    """Return the planned pairs with the facts of their runs."""
    facts = {run.run_id: run for run in evidence.runs}
    return {
        (place.pair.cell, None if place.pair.seed is None else normal_seed(place.pair.seed)): (
            place.pair,
            None if place.selected is None else facts.get(place.selected.run_id),
        )
        for place in matrix_of(policy, evidence).places
    }


def _paired(
    before: Mapping[_Key, tuple[Pair, Run | None]], after: Mapping[_Key, tuple[Pair, Run | None]]
) -> tuple[list[_Both], _Lacking]:
    """Return the pairs that have a run in both, and the others with the sides that have none; head's order first."""
    both: list[_Both] = []
    lacking: list[tuple[Pair, tuple[Side, ...]]] = []
    for key, (pair, _) in {**after, **{key: one for key, one in before.items() if key not in after}}.items():
        old, new = before.get(key, (pair, None))[1], after.get(key, (pair, None))[1]
        if old is not None and new is not None:
            both.append(_Both(pair, old, new))
        else:
            sides: dict[Side, Run | None] = {"base": old, "head": new}
            lacking.append((pair, tuple(side for side, run in sides.items() if run is None)))
    return both, tuple(lacking)


def _names(both: Iterable[_Both], policy: Policy, limits: Iterable[Limit]) -> list[str]:
    """Return the metrics to compare: those of the limits, of the report and of the plan first, then all others.

    What MLflow logs of the machine (`system/…`) says nothing of the model.
    """
    logged = {name for one in both for run in (one.base, one.head) for name in run.metrics}
    named = [*policy.report.metrics, *policy.plan.required_metrics]
    of_model = sorted(name for name in logged if not name.startswith("system/"))
    return list(
        dict.fromkeys([*(limit.metric for limit in limits), *filter(logged.__contains__, named), *of_model])
    )


def _metric(name: str, both: Iterable[_Both]) -> MetricChanges:
    changes = (
        Change(pair=one.pair, base=one.base.metrics.get(name), head=one.head.metrics.get(name))
        for one in both
    )
    return MetricChanges(metric=name, changes=tuple(changes))


def _data(base: Policy, head: Policy) -> Iterator[tuple[str, str]]:
    """Yield the params that hold the data hashes, in base and in head."""
    before, after = base.settings(PairedDataSettings), head.settings(PairedDataSettings)
    for split in after.splits:
        yield before.key.replace("{split}", split), after.key.replace("{split}", split)


def _states_the_same(one: _Both, base_key: str, head_key: str) -> bool:
    """Whether both runs say the same of a param, be it nothing."""
    return one.base.params.get(base_key) == one.head.params.get(head_key)


def _differs(one: _Both, base_key: str, head_key: str) -> bool:
    before, after = one.base.params.get(base_key), one.head.params.get(head_key)
    return before is not None and after is not None and before != after


# --- limits -----------------------------------------------------------------------------------------------------------


def _problems(
    limit: Limit, changes: Sequence[Change], lacking: _Lacking, redefined: Iterable[Pair]
) -> Iterator[str]:
    if not changes and not lacking:
        yield "no pair is planned"
    for pair, sides in lacking:
        yield f"{pair.subject}: no run in {' and '.join(sides)}"
    for pair in redefined:
        yield f"{pair.subject}: the two runs do not state one definition"
    for change in changes:
        if problem := _problem(limit, change):
            yield f"{change.pair.subject}: {problem}"


def _problem(limit: Limit, change: Change) -> str | None:
    for side, value in (("base", change.base), ("head", change.head)):
        if value is None:
            return f"{side} lacks the metric"
        if not _is_finite(value):
            return f"{value} in {side}"
    difference = change.difference or Decimal()
    moved = -difference if limit.direction == "drop" else difference
    if moved <= limit.most:
        return None
    verb = "dropped" if limit.direction == "drop" else "rose"
    return f"{verb} by {moved:.6g}, from {change.base} to {change.head}"


def _is_finite(value: str | None) -> bool:
    return value is not None and math.isfinite(metric_number(value))
