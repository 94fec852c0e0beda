"""The content of runs of a SQL store, by the run's id: params, tags, latest metrics, data sets, LoggedModels.

Each is one query over the rows of all runs at once. ``ids`` selects the runs.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, TableClause, and_, select

from smoke_gate.collect.recorded import (
    CONTEXT_TAG,
    DataSet,
    LatestValue,
    LoggedModelRecord,
    RecordedRun,
    run_name,
)
from smoke_gate.collect.sql_tables import (
    DATASETS,
    INPUT_TAGS,
    INPUTS,
    LATEST_METRICS,
    LOGGED_MODELS,
    PARAMS,
    RUNS,
    TAGS,
)

_STATUSES = ("UNSPECIFIED", "PENDING", "READY", "FAILED")  # of LoggedModels, as MLflow counts them

Texts = Mapping[str, Mapping[str, str]]
"""Params or tags: by the run's id, then by key."""


def ids_of(wanted: ColumnElement[bool]) -> Select[Any]:
    """Return the ids of the runs that a condition selects."""
    return select(RUNS.c.run_uuid).where(wanted)


def whole_runs(connection: Connection, wanted: ColumnElement[bool]) -> tuple[RecordedRun, ...]:
    """Return the runs that a condition selects with all that they have."""
    ids = ids_of(wanted)
    params, tags = _texts(connection, PARAMS, ids), _texts(connection, TAGS, ids)
    metrics, data_sets, models = (
        _latest(connection, ids),
        _data_sets(connection, ids),
        _models(connection, ids),
    )

    def facts(run_id: str) -> dict[str, Any]:
        own = models.get(run_id, {})
        return {
            "metrics": metrics.get(run_id, {}),
            "data_sets": tuple(data_sets.get(run_id, ())),
            "model_ids": tuple(sorted(own)),
            "models": {model_id: model for model_id, model in own.items() if model is not None},
        }

    return tuple(_run(info, params, tags, facts(info[0])) for info in _infos(connection, wanted))


def runs_with_keys(
    connection: Connection, wanted: ColumnElement[bool], params: Collection[str], tags: Collection[str]
) -> tuple[RecordedRun, ...]:
    """Return the runs that a condition selects with these params and tags only, and without all else."""
    ids = ids_of(wanted)
    texts = _texts(connection, PARAMS, ids, params), _texts(connection, TAGS, ids, tags)
    return tuple(_run(info, *texts, {}) for info in _infos(connection, wanted))


def _infos(connection: Connection, wanted: ColumnElement[bool]) -> Iterable[Sequence[Any]]:
    run = RUNS.c
    return connection.execute(
        select(
            run.run_uuid, run.name, run.experiment_id, run.status, run.start_time, run.end_time,
            run.lifecycle_stage, run.artifact_uri,
        ).where(wanted)
    )  # fmt: skip


def _run(info: Sequence[Any], params: Texts, tags: Texts, facts: Mapping[str, Any]) -> RecordedRun:
    run_id, name, experiment, status, start, end, stage, place = info
    own_tags = tags.get(run_id, {})
    return RecordedRun(
        run_id=run_id,
        experiment_id=str(experiment),
        name=run_name(name, own_tags),
        status=status,
        lifecycle_stage=stage,
        start_time=start,
        end_time=end,
        artifact_uri=place,
        params=params.get(run_id, {}),
        tags=own_tags,
        **facts,
    )


def _texts(
    connection: Connection, table: TableClause, ids: Select[Any], keys: Collection[str] | None = None
) -> Texts:
    """Return params or tags: all of the runs', or those of the keys."""
    one = table.c
    query = select(one.run_uuid, one.key, one.value).where(one.run_uuid.in_(ids))
    if keys is not None:
        query = query.where(one.key.in_(sorted(keys)))
    found: dict[str, dict[str, str]] = defaultdict(dict)
    known: dict[str, str] = {}  # runs have the same keys, and many of the same values
    for run_id, key, value in connection.execute(query):
        found[run_id][known.setdefault(key, key)] = known.setdefault(value, value)
    return found


def _latest(connection: Connection, ids: Select[Any]) -> Mapping[str, Mapping[str, LatestValue]]:
    one = LATEST_METRICS.c
    query = select(one.run_uuid, one.key, one.value, one.timestamp, one.step, one.is_nan)
    found: dict[str, dict[str, LatestValue]] = defaultdict(dict)
    known: dict[str, str] = {}
    for run_id, key, value, time, step, is_nan in connection.execute(query.where(one.run_uuid.in_(ids))):
        latest = LatestValue(math.nan if is_nan else value, time, step)
        found[run_id][known.setdefault(key, key)] = latest
    return found


def _models(connection: Connection, ids: Select[Any]) -> Mapping[str, Mapping[str, LoggedModelRecord | None]]:
    """Return the LoggedModels among the runs' outputs, by id; None stands for one that is deleted or erased."""
    link, model = INPUTS.c, LOGGED_MODELS.c
    with_models = INPUTS.outerjoin(
        LOGGED_MODELS, and_(model.model_id == link.destination_id, model.lifecycle_stage != "deleted")
    )
    query = (
        select(link.source_id, link.destination_id, model.name, model.status, model.artifact_location)
        .select_from(with_models)
        .where(
            link.source_type == "RUN_OUTPUT",
            link.destination_type == "MODEL_OUTPUT",
            link.source_id.in_(ids),
        )
    )
    found: dict[str, dict[str, LoggedModelRecord | None]] = defaultdict(dict)
    for run_id, model_id, name, status, place in connection.execute(query):
        known = None if name is None else LoggedModelRecord(name, _STATUSES[status], place)
        found[run_id][model_id] = known
    return found


def _data_sets(connection: Connection, ids: Select[Any]) -> Mapping[str, Sequence[DataSet]]:
    """Return the data sets that the runs name."""
    link, data, tag = INPUTS.c, DATASETS.c, INPUT_TAGS.c
    with_context = INPUTS.join(DATASETS, link.source_id == data.dataset_uuid).outerjoin(
        INPUT_TAGS, and_(tag.input_uuid == link.input_uuid, tag.name == CONTEXT_TAG)
    )
    query = (
        select(link.destination_id, data.name, data.dataset_profile, tag.value)
        .select_from(with_context)
        .where(link.destination_type == "RUN", link.destination_id.in_(ids))
    )
    found: dict[str, list[DataSet]] = defaultdict(list)
    for run_id, name, profile, context in connection.execute(query):
        found[run_id].append(DataSet(name, profile, context or ""))
    return found
