"""The steps that mutations share: how they find a run, and how they change its facts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from smoke_gate.evidence import Attempt, Column, Evidence, Ledger, Run
from smoke_gate.gates.base import Case, Judged, Unbroken
from smoke_gate.gates.columns import Fact, by_cell, comparable, facts_of
from smoke_gate.gates.twins import compared
from smoke_gate.message import say

STALE_COMMIT = "0ddc0de" * 5 + "0ddc0"
"""A commit that no run has."""
NO_RUN = Unbroken(say("No planned run is finished."))


def other_hash(text: str) -> str:
    """Return a hash of the same length that is not the same."""
    return text[::-1] if text[::-1] != text else "0123456789abcdef" * 4


# --- a run ------------------------------------------------------------------------------------------------------------


def first(case: Case, has: Callable[[Judged], bool] = lambda _: True) -> Judged | None:
    """Return the first run in plan order that has something; None: no run has it."""
    return next(filter(has, case.judged), None)


def first_with(case: Case, fact: Fact) -> Judged | None:
    """Return the first run in plan order that logs a fact; None: no run does."""
    return first(case, lambda judged: fact.of(judged) is not None)


def two_seeds(case: Case) -> Iterator[tuple[Judged, Judged]]:
    """Yield the pairs of runs of one cell."""
    return _two(case, lambda one, other: one.pair.cell == other.pair.cell)


def two_cells(case: Case) -> Iterator[tuple[Judged, Judged]]:
    """Yield the pairs of runs of one seed."""
    return _two(case, lambda one, other: one.pair.key[1] == other.pair.key[1])


def two_runs(case: Case) -> Iterator[tuple[Judged, Judged]]:
    """Yield the pairs of runs."""
    return _two(case, lambda _one, _other: True)


def _two(case: Case, is_meant: Callable[[Judged, Judged], bool]) -> Iterator[tuple[Judged, Judged]]:
    return (
        (one, other)
        for one in case.judged
        for other in case.judged
        if other is not one and is_meant(one, other)
    )


# --- its facts --------------------------------------------------------------------------------------------------------


def with_run(evidence: Evidence, run: Run, **facts: Any) -> Evidence:
    """Change facts of a run."""
    return replace(
        evidence,
        runs=tuple(
            replace(other, **facts) if other.run_id == run.run_id else other for other in evidence.runs
        ),
    )


def with_attempt(evidence: Evidence, attempt: Attempt, **facts: Any) -> Evidence:
    """Change facts of an attempt."""
    return replace(
        evidence,
        attempts=tuple(
            replace(other, **facts) if other.run_id == attempt.run_id else other
            for other in evidence.attempts
        ),
    )


def with_new_attempt(evidence: Evidence, like: Attempt, run_id: str, later: int, **facts: Any) -> Evidence:
    """Add an attempt that is like another one, and started some milliseconds later."""
    start = None if like.start_time is None else like.start_time + later
    new = replace(like, **{"run_id": run_id, "run_name": run_id, "start_time": start, **facts})
    return replace(evidence, attempts=(*evidence.attempts, new))


def with_param(evidence: Evidence, run: Run, key: str, text: str | None) -> Evidence:
    """Change a param of a run, in whatever part of the evidence has it; None takes it away."""
    mine = next(other for other in evidence.runs if other.run_id == run.run_id)
    is_fact = key in mine.params or (key not in evidence.ledger.params and text is not None)
    params = updated(mine.params, key, text) if is_fact else mine.params
    return replace(
        with_run(evidence, run, params=params),
        ledger=replace(evidence.ledger, params=_columns(evidence.ledger, "params", run, key, text)),
    )


def with_fact(evidence: Evidence, run: Run, reference: str, text: str | None) -> Evidence:
    """Change ``params.KEY`` or ``tags.KEY`` of a run; None takes it away."""
    kind, _, key = reference.partition(".")
    if kind == "params":
        return with_param(evidence, run, key, text)
    mine = next(other for other in evidence.runs if other.run_id == run.run_id)
    return with_tag(with_run(evidence, run, tags=updated(mine.tags, key, text)), run, key, text)


def with_tag(evidence: Evidence, run: Run, key: str, text: str | None) -> Evidence:
    """Change a tag of a run where tags are compared."""
    tags = _columns(evidence.ledger, "tags", run, key, text)
    return replace(evidence, ledger=replace(evidence.ledger, tags=tags))


def with_metric(evidence: Evidence, run: Run, metric: str, text: str | None) -> Evidence:
    """Change the last value of a metric, and the end of its history with it; None takes both away."""
    histories = dict(run.histories)
    history = histories.pop(metric, None)
    if history is not None and text is not None:
        histories[metric] = replace(history, last=text)
    return with_run(evidence, run, metrics=updated(run.metrics, metric, text), histories=histories)


def updated(texts: Mapping[str, str], key: str, text: str | None) -> Mapping[str, str]:
    """Return a mapping with another text for a key; None: without the key."""
    rest = {name: value for name, value in texts.items() if name != key}
    return rest if text is None else {**rest, key: text}


def _columns(ledger: Ledger, part: str, run: Run, key: str, text: str | None) -> Mapping[str, Column]:
    columns: Mapping[str, Column] = getattr(ledger, part)
    if key not in columns or run.run_id not in ledger.runs:
        return columns
    column = columns[key]
    values = column.values if text is None or text in column.values else (*column.values, text)
    place = None if text is None else values.index(text)
    of_runs = list(column.of_runs)
    of_runs[ledger.runs.index(run.run_id)] = place
    return {**columns, key: Column(values=values, of_runs=tuple(of_runs))}


# --- what the runs log ------------------------------------------------------------------------------------------------


def main_metric(case: Case) -> str | None:
    """Return the metric that the matrix is about, as far as the policy or the runs say; None: runs log no metric."""
    logged = set().union(*(compared(judged.run.metrics) for judged in case.judged))
    named = (*case.policy.plan.all_required, *([case.policy.metric] if case.policy.metric else ()))
    return next((metric for metric in (*named, *sorted(logged)) if metric in logged), None)


def params_of(case: Case) -> Sequence[Fact]:
    """Return all params that the runs log, where params are compared."""
    facts = facts_of(case.evidence.ledger, case.evidence.ledger.params, case.judged)
    return sorted(facts, key=lambda fact: fact.key)


def settings_of(case: Case) -> Sequence[Fact]:
    """Return the params that say how runs are made: without those that say which runs they are."""
    templates = (case.policy.runs.cell_template, case.policy.runs.seed_template)
    identity = {name.removeprefix("params.") for template in templates for name in template.references}
    return comparable(params_of(case), case.judged, identity)


def telling_cells_apart(case: Case) -> Iterator[Fact]:
    """Yield the params that have one value in each cell, and not the same in all."""
    cells = by_cell(case.judged)
    for fact in settings_of(case):
        values = [{fact.of(one) for one in runs} for runs in cells.values()]
        if all(len(own) == 1 and None not in own for own in values) and len(fact.distinct) > 1:
            yield fact


def runs_of_cell(case: Case, judged: Judged) -> Iterable[Judged]:
    """Return the runs of a run's cell."""
    return (one for one in case.judged if one.pair.cell == judged.pair.cell)
