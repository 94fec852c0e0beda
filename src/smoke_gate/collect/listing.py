"""All runs of experiments, in the fastest way that a store has."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.file_store import META, refuse_lost_runs
from smoke_gate.collect.locations import files_path
from smoke_gate.collect.planned_part import PlannedPart
from smoke_gate.collect.progress import Progress, silent
from smoke_gate.collect.recorded import RecordedRun, of_mlflow
from smoke_gate.collect.served_runs import ServedRuns
from smoke_gate.collect.sql_runs import (
    Keys,
    brief_runs,
    keys_in_database,
    number_of_runs,
    runs_by_id,
    runs_in_database,
)
from smoke_gate.collect.sql_scope import ids_in_database
from smoke_gate.collect.store import Store, all_pages
from smoke_gate.errors import UsageError
from smoke_gate.evidence import DAMAGED
from smoke_gate.policy.model import Policy

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.store.entities import PagedList
    from sqlalchemy import Connection

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

_LOCAL_PAGE = 5000  # a file store reads every run again for each page
_REMOTE_PAGE = 500  # about a second of a server's time, well within one request's timeout
_MOST_LISTINGS = 5  # until nothing that the one before had is missing
_WORKERS = 4  # unless somebody says how many
_AT_ONCE = 500  # ids in a query: databases bound how many one may name


@dataclass(frozen=True, slots=True)
class RunListing:
    """The runs of experiments, by id.

    In a ``brief`` one they have only the params and tags that were asked for, and nothing else besides their info.
    One that is not ``whole`` has only the part of the experiments that the plan is about.
    """

    experiments: Sequence[str]
    runs: Mapping[str, RecordedRun]
    brief: bool = False
    whole: bool = True

    def are_most(self, run_ids: Collection[str]) -> bool:
        """Return whether runs of the listing are most of the experiments': then all are read as fast as these."""
        return self.whole and 2 * len(run_ids) > len(self.runs)


def search(
    store: Store, experiments: Sequence[str], where: str, progress: Progress, workers: int = _WORKERS
) -> tuple[RecordedRun, ...]:
    """Return all runs of the experiments that the filter selects, deleted ones too.

    Those of a database are read off its tables, which is much faster; a server is asked by start time. Elsewhere, and
    where that fails, MLflow lists them. A list of several pages is made at least twice: MLflow counts how many runs the
    pages before had, so that a run is passed over where one before it is erased in between. What a list passed over, or
    what was erased, the next one shows to be missing. A private copy does not change, and is listed once.

    Raises:
        StoreError: A page cannot be read, the runs change all the while, or a run of a file store is one that MLflow
            passes over.
    """
    if not where and (runs := off_the_tables(store, runs_in_database(experiments))) is not None:
        progress("runs", len(runs), None)
        return runs
    return _listed(store, experiments, where, progress, workers)


def listing_of(
    store: Store,
    experiments: Sequence[str],
    keys: Keys,
    progress: Progress,
    workers: int = _WORKERS,
    *,
    wanted: int = 0,
) -> RunListing:
    """Return all runs of the experiments, deleted ones too.

    Those of a database have only the keys, to begin with, unless most of them are ``wanted`` in full.

    Raises:
        StoreError: As :func:`search`.

    """
    number = off_the_tables(store, number_of_runs(experiments))
    brief = number is not None and 2 * wanted <= number
    runs = off_the_tables(store, brief_runs(experiments, keys)) if brief else None
    found = search(store, experiments, "", progress, workers) if runs is None else runs
    progress("runs", len(found), None)
    return RunListing(experiments, {run.run_id: run for run in found}, brief=runs is not None)


def planned_listing(
    store: Store,
    experiments: Sequence[str],
    part: PlannedPart,
    keys: Keys,
    progress: Progress,
    workers: int = _WORKERS,
) -> RunListing | None:
    """Return the part of the experiments that the plan is about, as :func:`listing_of` does; None: it must list all.

    Raises:
        StoreError: A page cannot be read.

    """
    if store.kind == "files":  # each question reads every run
        return None
    runs = off_the_tables(store, brief_runs(experiments, keys, part))
    brief = runs is not None
    if runs is None:
        try:
            runs = tuple(
                run for where in part.filters for run in _listed(store, experiments, where, progress, workers)
            )
        except StoreError as error:
            if not error.code:
                raise
            _LOG.info("all runs are listed, because those of the plan cannot be asked for: %s", error)
            return None
    progress("runs", len(runs), None)
    return RunListing(experiments, {run.run_id: run for run in runs}, brief=brief, whole=False)


def in_full(store: Store, listing: RunListing, run_ids: Collection[str]) -> Mapping[str, RecordedRun]:
    """Return runs of a listing with all that they have, by id.

    Raises:
        StoreError: As :func:`search`.

    """
    wanted = [run_id for run_id in listing.runs if run_id in run_ids]
    if not listing.brief:
        return {run_id: listing.runs[run_id] for run_id in wanted}
    if listing.are_most(wanted):
        queries = [runs_in_database(listing.experiments)]
    else:
        queries = [runs_by_id(wanted[at : at + _AT_ONCE]) for at in range(0, len(wanted), _AT_ONCE)]
    found: dict[str, RecordedRun] = {}
    for query in queries:
        runs = off_the_tables(store, query)
        if runs is None:
            runs = _listed(store, listing.experiments, "", silent, _WORKERS)
        found |= {run.run_id: run for run in runs}
    if not found.keys() >= set(wanted):
        raise _restless(store)
    return {run_id: found[run_id] for run_id in wanted}


def keys_of(store: Store, listing: RunListing, but: Collection[str]) -> Keys:
    """Return the keys of all params and tags of active runs, except runs ``but``."""
    if listing.brief:
        known = off_the_tables(store, keys_in_database(listing.experiments, but))
        if known is not None:
            return known
    active = [run for run in listing.runs.values() if run.lifecycle_stage == "active"]
    others = [run for run in active if run.run_id not in but]
    return Keys(
        frozenset(key for run in others for key in run.params),
        frozenset(key for run in others for key in run.tags),
    )


def ids_in_scope(
    store: Store,
    experiments: Sequence[str],
    policy: Policy,
    progress: Progress,
    workers: int = _WORKERS,
    part: PlannedPart | None = None,
) -> frozenset[str] | None:
    """Return the ids of the runs that ``runs.where`` selects, None where it selects all.

    A server is asked for those in the ``part`` only, where there is one.

    Raises:
        UsageError: MLflow does not understand the filter.
    """
    where = policy.runs.where.strip()
    if not where:
        return None
    ids = off_the_tables(store, ids_in_database(experiments, where))
    if ids is not None:
        return ids
    filters = [where] if part is None else [f"{where} and {one}" for one in part.filters]
    try:
        return frozenset(
            run.run_id for one in filters for run in search(store, experiments, one, progress, workers)
        )
    except StoreError as error:
        if error.code in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
            raise UsageError(f"MLflow refuses the filter `runs.where`: {where!r}: {error}") from error
        raise


def single_run(store: Store, run_id: str) -> RecordedRun | None:
    """Return a run of any experiment; None where it was erased, or the id is not one.

    Raises:
        StoreError: The store cannot be read.

    """
    found = off_the_tables(store, runs_by_id([run_id]))
    if found is not None:
        return found[0] if found else None
    try:
        return of_mlflow(store.call(store.client.get_run, run_id))
    except StoreError as error:
        if error.code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def off_the_tables(store: Store, query: "Callable[[Connection], T]") -> T | None:
    """Return what a database's tables say; None for other stores, and where MLflow must be asked."""
    if store.tables is None:
        return None
    try:
        return store.call(store.tables.read, query)
    except StoreError as error:
        _LOG.info("MLflow is asked, because the tables could not be read at once: %s", error)
        return None


def _listed(
    store: Store, experiments: Sequence[str], where: str, progress: Progress, workers: int
) -> tuple[RecordedRun, ...]:
    """Return the runs as a server lists them by start time, else as MLflow's client does."""
    if (
        store.kind == "server"
        and (runs := _by_time(store, experiments, where, progress, workers)) is not None
    ):
        return runs
    before: Mapping[str, RecordedRun] | None = None
    for _ in range(_MOST_LISTINGS):
        found, pages = _pages(store, experiments, where, progress)
        if pages == 1 or store.kind == "sqlite" or (before is not None and before.keys() <= found.keys()):
            break
        before = found
    else:
        raise _restless(store)
    if store.kind == "files" and not where:
        refuse_lost_runs(files_path(store.uri), experiments, found)
    return tuple(found.values())


def _by_time(
    store: Store, experiments: Sequence[str], where: str, progress: Progress, workers: int
) -> tuple[RecordedRun, ...] | None:
    """Return a server's runs; None where it answers that it cannot list them so."""
    try:
        return ServedRuns(store, experiments, where, workers, progress).listed()
    except StoreError as error:
        if not error.code:
            raise
        _LOG.info("MLflow lists the runs, because the server does not by start time: %s", error)
        return None


def _restless(store: Store) -> StoreError:
    return StoreError(f"the runs of {store.name} change while they are read: try again")


def _pages(
    store: Store, experiments: Sequence[str], where: str, progress: Progress
) -> tuple[Mapping[str, RecordedRun], int]:
    """Return the runs, by id, and on how many pages they were."""
    from mlflow.entities import ViewType

    size = _LOCAL_PAGE if store.patience is None else _REMOTE_PAGE
    pages = set()

    def page(token: str | None) -> "PagedList[Run]":
        pages.add(token)  # again where a call is tried again
        return store.client.search_runs(
            list(experiments),
            filter_string=where,
            run_view_type=ViewType.ALL,
            max_results=size,
            page_token=token,
        )

    found: dict[str, RecordedRun] = {}
    for run in map(of_mlflow, all_pages(store, page)):
        is_damaged = META in store.damaged.get(run.run_id, ())
        found[run.run_id] = replace(run, status=DAMAGED) if is_damaged else run
        progress("runs", len(found), None)
    return found, len(pages)
