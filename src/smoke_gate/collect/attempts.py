"""Every attempt at the matrix: which cell and seed each run is, and what became of it."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from smoke_gate.collect.listing import single_run
from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.collect.sql_runs import Keys
from smoke_gate.collect.store import Store
from smoke_gate.commits import read_commit, same_commit
from smoke_gate.evidence import DAMAGED, Attempt, Lack, Others, is_exact, metric_text
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import Template, flag_of
from smoke_gate.selection import attempt_order, identity, is_candidate, lacks, planned_pairs, select
from smoke_gate.vocabulary import COMMIT_TAG, DIRTY_TAG, KIND_TAG, NAME_TAG, PARENT_TAG

MOST_UNEXPECTED = 200  # finished runs of pairs that are not planned: each has a check
MOST_UNIDENTIFIED = 50  # that lack the same: reports name some of them
# What training code says of itself comes first: MLflow's own tag is of the repository that holds the script.
_COMMIT_TAGS = (COMMIT_TAG, "mlflow.source.git.commit")
_DIRTY_TAGS = (DIRTY_TAG, "mlflow.source.git.dirty")
_EARLIEST = 946_684_800_000  # UTC milliseconds: the year 2000


def parents_of(store: Store, policy: Policy, runs: Mapping[str, RecordedRun]) -> Mapping[str, RecordedRun]:
    """Return the parents that cells or seeds are read from, by id; a parent that is gone is left out.

    Raises:
        StoreError: A parent in another experiment cannot be read.
    """
    if not (policy.runs.cell_template.reads_parent or policy.runs.seed_template.reads_parent):
        return {}
    ids = {parent for run in runs.values() if (parent := run.tags.get(PARENT_TAG))}
    found = {parent: runs.get(parent) or single_run(store, parent) for parent in sorted(ids)}
    return {parent: run for parent, run in found.items() if run is not None}


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns recorded runs into attempts: the policy's templates say which cell and seed each is."""

    cell: Template
    seed: Template
    parents: Mapping[str, RecordedRun]
    in_scope: Collection[str] | None
    experiments: Mapping[str, str]

    def attempt(self, run: RecordedRun, *, registered: bool = False) -> Attempt:
        """Return the attempt that a run is; ``registered``: it is tagged as a preregistration."""
        return Attempt(
            run_id=run.run_id,
            experiment_id=run.experiment_id,
            run_name=run.name,
            cell=self._stated(self.cell, run, "cell"),
            seed=self._stated(self.seed, run, "seed"),
            status=run.status,
            lifecycle_stage=run.lifecycle_stage,
            start_time=time_of(run.start_time),
            end_time=time_of(run.end_time),
            commit=commit_of(run),
            dirty=_dirty(run),
            other_commit=_other_commit(run),
            in_scope=self.in_scope is None or run.run_id in self.in_scope,
            parent=run.tags.get(PARENT_TAG) or None,
            registered=registered,
        )

    def _stated(self, template: Template, run: RecordedRun, group: Literal["cell", "seed"]) -> str | None:
        parent = self.parents.get(run.tags.get(PARENT_TAG, ""))
        return template.read(
            run.params,
            run.tags,
            parent.params if parent else {},
            parent.tags if parent else {},
            run.name,
            group,
            self.experiments.get(run.experiment_id),
        )


def reader_of(
    policy: Policy,
    parents: Mapping[str, RecordedRun],
    in_scope: Collection[str] | None,
    experiments: Mapping[str, str],
) -> Reader:
    """Return the reader of a policy's attempts; ``experiments`` are the names of the experiments by id."""
    return Reader(policy.runs.cell_template, policy.runs.seed_template, parents, in_scope, experiments)


def keys_for_attempts(policy: Policy) -> Keys:
    """Return the params and tags of a run, or of its parent, that say which attempt it is."""
    templates = (policy.runs.cell_template, policy.runs.seed_template)
    named = {name.removeprefix("parent.") for template in templates for name in template.references}
    own = frozenset([*_COMMIT_TAGS, *_DIRTY_TAGS, PARENT_TAG, NAME_TAG, KIND_TAG])
    return Keys(
        params=frozenset(name.removeprefix("params.") for name in named if name.startswith("params.")),
        tags=own.union(name.removeprefix("tags.") for name in named if name.startswith("tags.")),
    )


def planned_and_others(
    policy: Policy, attempts: Iterable[Attempt]
) -> tuple[Sequence[Attempt], Sequence[Attempt], Others]:
    """Return every attempt at a planned pair, the newest other runs that reports name, and the count of the rest.

    Where the policy ignores other runs and every pair was tried, nothing is said of the others, whether the store
    was asked for them or not. Where a pair was never tried, the others may say why.
    """
    planned = {pair.key for pair in planned_pairs(policy, narrowed=False)}
    ours: list[Attempt] = []
    beside: list[Attempt] = []
    for attempt in attempts:
        if identity(policy, attempt) in planned:
            ours.append(attempt)
        elif attempt.lifecycle_stage == "active" and not attempt.registered:
            beside.append(attempt)
    if policy.runs.unexpected == "ignore" and all_are_tried(policy, ours):
        return ours, (), Others(looked_for=False)
    matrix = select(policy, beside)
    unexpected = _newest(matrix.unexpected, MOST_UNEXPECTED)
    by_lack: dict[Lack, list[Attempt]] = {}
    for attempt in matrix.unidentified:
        by_lack.setdefault(lacks(policy, attempt), []).append(attempt)
    unidentified = [one for runs in by_lack.values() for one in _newest(runs, MOST_UNIDENTIFIED)]
    rest = {lack: len(runs) - MOST_UNIDENTIFIED for lack, runs in sorted(by_lack.items())}
    others = Others(
        statuses=dict(sorted(Counter(attempt.status for attempt in beside).items())),
        unexpected=len(matrix.unexpected) - len(unexpected),
        unidentified={lack: number for lack, number in rest.items() if number > 0},
    )
    return ours, [*unexpected, *unidentified], others


def all_are_tried(policy: Policy, attempts: Iterable[Attempt]) -> bool:
    """Return whether there is an attempt at every planned pair that the options left."""
    tried = {identity(policy, attempt) for attempt in attempts}
    return all(pair.key in tried for pair in planned_pairs(policy))


def _newest(attempts: Sequence[Attempt], most: int) -> Sequence[Attempt]:
    """Return the newest attempts. A damaged one has a check, whenever it was, so it comes first."""
    order = sorted(attempts, key=lambda one: (one.status == DAMAGED, one.start_time or 0, one.run_id))
    return order[::-1][:most]


def in_order(attempts: Iterable[Attempt], recorded: Mapping[str, RecordedRun]) -> tuple[Attempt, ...]:
    """Return attempts in order; those that finished and do not count have the metrics of the recorded runs."""
    return tuple(
        replace(attempt, metrics=_metrics(recorded[attempt.run_id]))
        if attempt.run_id in recorded and attempt.status == "FINISHED" and not is_candidate(attempt)
        else attempt
        for attempt in sorted(attempts, key=attempt_order)
    )


def _metrics(run: RecordedRun) -> dict[str, str]:
    return {name: metric_text(latest.value) for name, latest in sorted(run.metrics.items())}


def time_of(milliseconds: int | None) -> int | None:
    """Return a recorded time as evidence holds it; one before MLflow was made is in seconds, or none."""
    known = milliseconds is not None and is_exact(milliseconds) and milliseconds >= _EARLIEST
    return milliseconds if known else None


def commit_of(run: RecordedRun) -> str | None:
    """Return the commit that a run recorded."""
    return next((digits for digits in _commits(run)), None)


def _commits(run: RecordedRun) -> Iterator[str]:
    for tag in _COMMIT_TAGS:
        if (digits := read_commit(run.tags.get(tag)).digits) is not None:
            yield digits


def _other_commit(run: RecordedRun) -> str | None:
    """Return a second commit that a run's tags name beside the first."""
    commits = [*_commits(run)]
    return next((other for other in commits[1:] if not same_commit(commits[0], other)), None)


def _dirty(run: RecordedRun) -> bool | None:
    said = next((text for tag in _DIRTY_TAGS if (text := run.tags.get(tag))), None)
    in_commit = any(read_commit(run.tags.get(tag)).dirty for tag in _COMMIT_TAGS)
    if said is None:
        return in_commit or None
    return in_commit or flag_of(said) is not False
