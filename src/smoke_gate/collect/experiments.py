"""Which experiments hold the matrix."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from smoke_gate.collect.errors import ExperimentError, NoExperimentError
from smoke_gate.collect.listing import off_the_tables
from smoke_gate.collect.recorded import RecordedExperiment
from smoke_gate.collect.sql_runs import experiments_in_database, experiments_with_runs
from smoke_gate.collect.store import Store, all_pages

if TYPE_CHECKING:
    from mlflow.entities import Experiment
    from mlflow.store.entities import PagedList

_MOST_LISTED = 20


def find_experiments(
    store: Store, asked: Sequence[str], ids: Sequence[str] = ()
) -> tuple[tuple[str, str], ...]:
    """Return (id, name) of experiments.

    Args:
        store: the store.
        asked: names or ids, a name first. Where none is given, the only experiment with runs is meant.
        ids: ids, which count instead, whatever the names are.

    Raises:
        ExperimentError: One is not there, is deleted, or shares its name; or none is asked for and not exactly one
            has runs.
        StoreError: The store cannot be read.

    """
    known = _experiments(store)
    if not asked and not ids:
        return (_only_one_with_runs(store, known),)
    found = [_find(store, known, text, by_name=not ids) for text in ids or asked]
    return tuple(dict.fromkeys((experiment.experiment_id, experiment.name) for experiment in found))


def _experiments(store: Store) -> Sequence[RecordedExperiment]:
    in_tables = off_the_tables(store, experiments_in_database)
    if in_tables is not None:
        return in_tables
    from mlflow.entities import ViewType

    def page(token: str | None) -> "PagedList[Experiment]":
        return store.client.search_experiments(view_type=ViewType.ALL, max_results=1000, page_token=token)

    return [
        RecordedExperiment(one.experiment_id, one.name, one.lifecycle_stage) for one in all_pages(store, page)
    ]


def _find(
    store: Store, known: Sequence[RecordedExperiment], text: str, *, by_name: bool
) -> RecordedExperiment:
    named = [experiment for experiment in known if experiment.name == text] if by_name else []
    found = named or [experiment for experiment in known if experiment.experiment_id == text]
    if not found:
        raise NoExperimentError(f"{store.name} has no experiment {text!r}{_nearest(text, known)}")
    active = _active(found)
    if not active:
        raise ExperimentError(f"experiment {text!r} of {store.name} is deleted: restore it, or name another")
    if len(active) > 1:
        ids = " and ".join(sorted(experiment.experiment_id for experiment in active))
        raise ExperimentError(
            f"{store.name} has {len(active)} experiments {text!r}: {ids}. Name the one that you mean by its id, or "
            "all of them"
        )
    return active[0]


def _active(experiments: Sequence[RecordedExperiment]) -> list[RecordedExperiment]:
    return [experiment for experiment in experiments if experiment.lifecycle_stage == "active"]


def _nearest(text: str, known: Sequence[RecordedExperiment]) -> str:
    names = [experiment.name for experiment in _active(known)]
    near = get_close_matches(text, names, n=3, cutoff=0.5)
    if near:
        return f"; did you mean {' or '.join(map(repr, near))}?"
    return f"; it has {_listed(names)}" if names else "; it has none at all"


def _only_one_with_runs(store: Store, known: Sequence[RecordedExperiment]) -> tuple[str, str]:
    active = _active(known)
    with_runs = _with_runs(store, active)
    if len(with_runs) == 1:
        return with_runs[0].experiment_id, with_runs[0].name
    if not with_runs:
        raise ExperimentError(
            f"no experiment is named, and none of {store.name} has runs: "
            f"{_listed([experiment.name for experiment in active]) or 'there is none at all'}. Check the tracking URI"
        )
    names = _listed([experiment.name for experiment in with_runs])
    raise ExperimentError(
        f"no experiment is named, and {store.name} has {len(with_runs)} with runs: {names}. "
        "Name one with --experiment, or as `experiment` in the policy"
    )


def _with_runs(store: Store, active: Sequence[RecordedExperiment]) -> Sequence[RecordedExperiment]:
    in_tables = off_the_tables(store, experiments_with_runs)
    if in_tables is not None:
        return [experiment for experiment in active if experiment.experiment_id in in_tables]
    return [
        experiment
        for experiment in active
        if store.call(store.client.search_runs, [experiment.experiment_id], max_results=1)
    ]


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(map(repr, sorted(names)[:_MOST_LISTED]))
    return listed if len(names) <= _MOST_LISTED else f"{listed} and {len(names) - _MOST_LISTED} more"
