"""The metrics of two evaluations, paired by cell and seed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from smoke_gate.compare.changes import Change, Gap, MetricChanges, Presence, cell_changes
from smoke_gate.compare.limits import Limit, LimitResult, judged_limit
from smoke_gate.evidence import Evidence, Run
from smoke_gate.gates.definition import DefinitionHashSettings
from smoke_gate.gates.paired_data import PairedDataSettings
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import normal_seed
from smoke_gate.selection import Pair, matrix_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Head against base.

    ``metrics`` begin with those that the limits and head's report name. ``paired`` counts the pairs that have a run in
    both, ``gaps`` are the other planned ones. ``redefined`` are the pairs whose two runs state different definitions of
    the metric, or of which only one states any, ``other_data`` those whose data hashes differ.
    """

    metrics: tuple[MetricChanges, ...]
    paired: int
    gaps: tuple[Gap, ...]
    redefined: tuple[Pair, ...]
    other_data: tuple[Pair, ...]
    limits: tuple[LimitResult, ...]

    @property
    def holds(self) -> bool:
        """True if every limit holds: none is broken, and each was judged somewhere."""
        return all(result.holds for result in self.limits)

    @property
    def is_broken(self) -> bool:
        """True if a limit is broken."""
        return any(result.problems for result in self.limits)


@dataclass(frozen=True, slots=True)
class _Both:
    """A pair that has a run in base and in head."""

    pair: Pair
    base: Run
    head: Run


def compare(
    base: tuple[Policy, Evidence],
    head: tuple[Policy, Evidence],
    limits: Sequence[Limit] = (),
    *,
    pending: bool = False,
) -> Comparison:
    """Compare the metrics of the runs that stand for the pairs of two evaluations.

    Args:
        base: what is compared with: its policy and evidence.
        head: what is compared.
        limits: what must hold at every pair, as :func:`judged_limit` says.
        pending: the planned runs that head lacks are not finished yet.

    """
    both, gaps = _paired(_runs(*base), _runs(*head))
    definition = base[0].settings(DefinitionHashSettings).key, head[0].settings(DefinitionHashSettings).key
    redefined = tuple(one.pair for one in both if not _states_the_same(one, *definition))
    metrics = tuple(_metric(name, both, redefined) for name in _names(both, head[0], limits))
    changes = {metric.metric: metric for metric in metrics}
    return Comparison(
        metrics=metrics,
        paired=len(both),
        gaps=gaps,
        redefined=redefined,
        other_data=tuple(
            one.pair for one in both if any(_differs(one, *keys) for keys in _data(base[0], head[0]))
        ),
        limits=tuple(
            judged_limit(limit, changes[limit.metric].changes, gaps, redefined, pending=pending)
            for limit in limits
        ),
    )


# --- pairing ----------------------------------------------------------------------------------------------------------

_Key = tuple[str, str | None]


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
) -> tuple[list[_Both], tuple[Gap, ...]]:
    """Return the pairs that have a run in both, and the others; head's order first."""
    both: list[_Both] = []
    gaps: list[Gap] = []
    for key, (pair, _) in {**after, **{key: one for key, one in before.items() if key not in after}}.items():
        old, new = before.get(key, (pair, None))[1], after.get(key, (pair, None))[1]
        if old is not None and new is not None:
            both.append(_Both(pair, old, new))
        else:
            gaps.append(Gap(pair=pair, base=_presence(before, key), head=_presence(after, key)))
    return both, tuple(gaps)


def _presence(runs: Mapping[_Key, tuple[Pair, Run | None]], key: _Key) -> Presence:
    if key not in runs:
        return "not planned"
    return "no run" if runs[key][1] is None else "a run"


def _names(both: Iterable[_Both], policy: Policy, limits: Iterable[Limit]) -> list[str]:
    """Return the metrics to compare: those of the limits, of the report and of the plan first, then all others.

    What MLflow logs of the machine (`system/…`) says nothing of the model.
    """
    logged = {name for one in both for run in (one.base, one.head) for name in run.metrics}
    named = [*policy.report.metrics, *policy.plan.all_required]
    of_model = sorted(name for name in logged if not name.startswith("system/"))
    return list(
        dict.fromkeys([*(limit.metric for limit in limits), *filter(logged.__contains__, named), *of_model])
    )


def _metric(name: str, both: Iterable[_Both], redefined: Sequence[Pair]) -> MetricChanges:
    changes = tuple(
        Change(pair=one.pair, base=one.base.metrics.get(name), head=one.head.metrics.get(name))
        for one in both
    )
    other = frozenset(redefined)
    comparable = (change for change in changes if change.pair not in other)
    return MetricChanges(metric=name, changes=changes, cells=cell_changes(comparable))


def _data(base: Policy, head: Policy) -> Iterator[tuple[str, str]]:
    """Yield the params that hold the data hashes, in base and in head."""
    before, after = base.settings(PairedDataSettings), head.settings(PairedDataSettings)
    for split in after.splits:
        yield before.key.replace("{split}", split), after.key.replace("{split}", split)


def _states_the_same(one: _Both, base_key: str, head_key: str) -> bool:
    """Return whether both runs say the same of a param, be it nothing."""
    return one.base.params.get(base_key) == one.head.params.get(head_key)


def _differs(one: _Both, base_key: str, head_key: str) -> bool:
    before, after = one.base.params.get(base_key), one.head.params.get(head_key)
    return before is not None and after is not None and before != after
