"""Every attempt at the matrix: which cell and seed each run is, and what became of it."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.file_store import refuse_lost_runs
from smoke_gate.collect.locations import files_path
from smoke_gate.collect.progress import Progress
from smoke_gate.collect.sql_runs import runs_in_database
from smoke_gate.collect.store import Store, all_pages
from smoke_gate.commits import read_commit, same_commit
from smoke_gate.errors import UsageError
from smoke_gate.evidence import Attempt, is_exact, metric_text
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import Template, flag_of
from smoke_gate.selection import attempt_order, identity, is_candidate, planned_pairs
from smoke_gate.vocabulary import COMMIT_TAG, DIRTY_TAG

if TYPE_CHECKING:
    from mlflow.entities import Run as RecordedRun
    from mlflow.store.entities import PagedList

_LOG = logging.getLogger(__name__)

_LOCAL_PAGE = 5000  # a file store reads every run again for each page
_REMOTE_PAGE = 500  # about a second of a server's time, well within one request's timeout
_MOST_LISTINGS = 5  # until nothing that the one before had is missing
# What training code says of itself comes first: MLflow's own tag is of the repository that holds the script.
_COMMIT_TAGS = (COMMIT_TAG, "mlflow.source.git.commit")
_DIRTY_TAGS = (DIRTY_TAG, "mlflow.source.git.dirty")
_EARLIEST = 946_684_800_000  # UTC milliseconds: the year 2000
_PARENT_TAG = "mlflow.parentRunId"


def search(
    store: Store, experiments: Sequence[str], where: str, progress: Progress
) -> tuple["RecordedRun", ...]:
    """Return all runs of the experiments that the filter selects, deleted ones too.

    Those of a database are read off its tables, which is much faster. Elsewhere, and where that fails, MLflow lists
    them. A list of several pages is made at least twice: MLflow counts how many runs the pages before had, so that a
    run is passed over where one before it is erased in between. What a list passed over, or what was erased, the next
    one shows to be missing. A private copy does not change, and is listed once.

    Raises:
        StoreError: A page cannot be read, the runs change all the while, or a run of a file store is one that MLflow
            passes over.
    """
    if not where and (runs := _off_the_tables(store, experiments)) is not None:
        progress("runs", len(runs), None)
        return runs
    before: Mapping[str, RecordedRun] | None = None
    for _ in range(_MOST_LISTINGS):
        found, pages = _listing(store, experiments, where, progress)
        if pages == 1 or store.kind == "sqlite" or (before is not None and before.keys() <= found.keys()):
            break
        before = found
    else:
        raise StoreError(f"the runs of {store.name} change while they are read: try again")
    if store.kind == "files" and not where:
        refuse_lost_runs(files_path(store.uri), experiments, found)
    return tuple(found.values())


def _off_the_tables(store: Store, experiments: Sequence[str]) -> tuple["RecordedRun", ...] | None:
    """Return all runs as a database's tables have them; None for other stores, and where MLflow must list them."""
    if store.tables is None:
        return None
    try:
        return store.call(store.tables.read, runs_in_database(experiments))
    except StoreError as error:
        _LOG.info("MLflow lists the runs, because the tables could not be read at once: %s", error)
        return None


def _listing(
    store: Store, experiments: Sequence[str], where: str, progress: Progress
) -> tuple[Mapping[str, "RecordedRun"], int]:
    """Return the runs, by id, and on how many pages they were."""
    from mlflow.entities import ViewType

    size = _LOCAL_PAGE if store.patience is None else _REMOTE_PAGE
    pages = set()

    def page(token: str | None) -> "PagedList[RecordedRun]":
        pages.add(token)  # again where a call is tried again
        return store.client.search_runs(
            list(experiments),
            filter_string=where,
            run_view_type=ViewType.ALL,
            max_results=size,
            page_token=token,
        )

    found: dict[str, RecordedRun] = {}
    for run in all_pages(store, page):
        found[run.info.run_id] = run
        progress("runs", len(found), None)
    return found, len(pages)


def ids_in_scope(
    store: Store, experiments: Sequence[str], policy: Policy, progress: Progress
) -> frozenset[str] | None:
    """Return the ids of the runs that ``runs.where`` selects, None where it selects all.

    Raises:
        UsageError: MLflow does not understand the filter.
    """
    where = policy.runs.where.strip()
    if not where:
        return None
    try:
        return frozenset(run.info.run_id for run in search(store, experiments, where, progress))
    except StoreError as error:
        if error.code in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
            raise UsageError(f"MLflow refuses the filter `runs.where`: {where!r}: {error}") from error
        raise


def parents_of(
    store: Store, policy: Policy, runs: Mapping[str, "RecordedRun"]
) -> Mapping[str, "RecordedRun"]:
    """Return the parents that cells or seeds are read from, by id; a parent that is gone is left out.

    Raises:
        StoreError: A parent in another experiment cannot be read.
    """
    if not (policy.runs.cell_template.reads_parent or policy.runs.seed_template.reads_parent):
        return {}
    ids = {parent for run in runs.values() if (parent := run.data.tags.get(_PARENT_TAG))}
    found = {parent: runs.get(parent) or _run(store, parent) for parent in sorted(ids)}
    return {parent: run for parent, run in found.items() if run is not None}


def _run(store: Store, run_id: str) -> "RecordedRun | None":
    try:
        return store.call(store.client.get_run, run_id)
    except StoreError as error:
        if error.code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # erased, or never an id
            return None
        raise


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads attempts off recorded runs, by the policy's templates."""

    cell: Template
    seed: Template
    parents: Mapping[str, "RecordedRun"]
    in_scope: Collection[str] | None
    experiments: Mapping[str, str]

    def attempt(self, run: "RecordedRun", *, registered: bool = False) -> Attempt:
        """Return the attempt that a run is; ``registered``: it is tagged as a preregistration."""
        info = run.info
        name = name_of(run)
        return Attempt(
            run_id=info.run_id,
            experiment_id=info.experiment_id,
            run_name=name,
            cell=self._stated(self.cell, run, name, "cell"),
            seed=self._stated(self.seed, run, name, "seed"),
            status=info.status,
            lifecycle_stage=info.lifecycle_stage,
            start_time=time_of(info.start_time),
            end_time=time_of(info.end_time),
            commit=commit_of(run),
            dirty=_dirty(run),
            other_commit=_other_commit(run),
            in_scope=self.in_scope is None or info.run_id in self.in_scope,
            parent=run.data.tags.get(_PARENT_TAG) or None,
            registered=registered,
            metrics={name: metric_text(value) for name, value in sorted(run.data.metrics.items())},
        )

    def _stated(self, template: Template, run: "RecordedRun", name: str, group: str) -> str | None:
        parent = self.parents.get(run.data.tags.get(_PARENT_TAG, ""))
        return template.read(
            run.data.params,
            run.data.tags,
            parent.data.params if parent else {},
            parent.data.tags if parent else {},
            name,
            "cell" if group == "cell" else "seed",
            self.experiments.get(run.info.experiment_id),
        )


def reader_of(
    policy: Policy,
    parents: Mapping[str, "RecordedRun"],
    in_scope: Collection[str] | None,
    experiments: Mapping[str, str],
) -> Reader:
    """Return the reader of a policy's attempts; ``experiments`` are the names of the experiments by id."""
    return Reader(policy.runs.cell_template, policy.runs.seed_template, parents, in_scope, experiments)


def worth_keeping(policy: Policy, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Return every attempt at a planned pair and every other active run, in order."""
    planned = {pair.key for pair in planned_pairs(policy, narrowed=False)}
    kept = []
    for attempt in attempts:
        is_planned = identity(policy, attempt) in planned
        if is_planned or (attempt.lifecycle_stage == "active" and not attempt.registered):
            told = is_planned and attempt.status == "FINISHED" and not is_candidate(attempt)
            kept.append(attempt if told else replace(attempt, metrics=None))
    return tuple(sorted(kept, key=attempt_order))


def name_of(run: "RecordedRun") -> str:
    """Return a run's name; old servers keep it in a tag only."""
    return run.info.run_name or run.data.tags.get("mlflow.runName") or ""


def time_of(milliseconds: int | None) -> int | None:
    """Return a recorded time as evidence holds it; one before MLflow was made is in seconds, or none."""
    known = milliseconds is not None and is_exact(milliseconds) and milliseconds >= _EARLIEST
    return milliseconds if known else None


def commit_of(run: "RecordedRun") -> str | None:
    """Return the commit that a run recorded."""
    return next((digits for digits in _commits(run)), None)


def _commits(run: "RecordedRun") -> Iterator[str]:
    for tag in _COMMIT_TAGS:
        if (digits := read_commit(run.data.tags.get(tag)).digits) is not None:
            yield digits


def _other_commit(run: "RecordedRun") -> str | None:
    """Return a second commit that a run's tags name beside the first."""
    commits = [*_commits(run)]
    return next((other for other in commits[1:] if not same_commit(commits[0], other)), None)


def _dirty(run: "RecordedRun") -> bool | None:
    said = next((text for tag in _DIRTY_TAGS if (text := run.data.tags.get(tag))), None)
    in_commit = any(read_commit(run.data.tags.get(tag)).dirty for tag in _COMMIT_TAGS)
    if said is None:
        return in_commit or None
    return in_commit or flag_of(said) is not False
