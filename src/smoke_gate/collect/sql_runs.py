"""Runs of a SQL store by a few plain queries over MLflow's own tables, instead of an object for each row."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from smoke_gate.collect.planned_part import PlannedPart
from smoke_gate.vocabulary import KIND_TAG, NAME_TAG, PREREGISTRATION

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Experiment, Run, RunData
    from sqlalchemy import ColumnElement, Connection, Row, Select

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of params and of tags."""

    params: frozenset[str]
    tags: frozenset[str]

    def __or__(self, other: "Keys") -> "Keys":
        """Return the keys of both."""
        return Keys(self.params | other.params, self.tags | other.tags)


def experiments_in_database(connection: "Connection") -> "Sequence[Experiment]":
    """Return all experiments, deleted ones too, without their tags."""
    from mlflow.entities import Experiment
    from mlflow.store.tracking.dbmodels.models import SqlExperiment
    from sqlalchemy import select

    one = SqlExperiment.__table__.c
    rows = connection.execute(select(one.experiment_id, one.name, one.artifact_location, one.lifecycle_stage))
    return [Experiment(str(number), name, place, stage) for number, name, place, stage in rows]


def runs_in_database(experiments: Sequence[str]) -> "Callable[[Connection], tuple[Run, ...]]":
    """Return the query for all runs of the experiments, deleted ones too, as MLflow's own search returns them."""

    def query(connection: "Connection") -> "tuple[Run, ...]":
        return _runs(connection, _of(experiments))

    return query


def runs_by_id(run_ids: Sequence[str]) -> "Callable[[Connection], tuple[Run, ...]]":
    """Return the query that reads runs by their ids, with all that they hold."""

    def query(connection: "Connection") -> "tuple[Run, ...]":
        from mlflow.store.tracking.dbmodels.models import SqlRun

        return _runs(connection, SqlRun.__table__.c.run_uuid.in_(run_ids))

    return query


def brief_runs(
    experiments: Sequence[str], keys: Keys, part: PlannedPart | None = None
) -> "Callable[[Connection], tuple[Run, ...]]":
    """Return the query for runs of the experiments with these params and tags only, and without all else.

    With a ``part``, those outside it are left out.
    """

    def query(connection: "Connection") -> "tuple[Run, ...]":
        from mlflow.entities import RunData

        wanted = _of(experiments) if part is None else _of(experiments) & _in(part)
        ids = _ids(wanted)
        params, tags = _params(connection, ids, keys.params), _tags(connection, ids, keys.tags)

        def data(run_id: str) -> "RunData":
            return RunData(params=params.get(run_id), tags=tags.get(run_id))

        return tuple(_run(row, data, tags, (), ()) for row in connection.execute(_infos(wanted)))

    return query


def keys_in_database(experiments: Sequence[str], but: Collection[str]) -> "Callable[[Connection], Keys]":
    """Return the query for the keys of all params and tags of active runs, except runs ``but``."""

    def query(connection: "Connection") -> Keys:
        from mlflow.store.tracking.dbmodels.models import SqlParam, SqlRun, SqlTag
        from sqlalchemy import select

        active = _ids(_of(experiments)).where(
            SqlRun.__table__.c.lifecycle_stage == "active", SqlRun.__table__.c.run_uuid.not_in(list(but))
        )
        params, tags = (
            frozenset(
                connection.execute(
                    select(table.__table__.c.key).distinct().where(table.__table__.c.run_uuid.in_(active))
                ).scalars()
            )
            for table in (SqlParam, SqlTag)
        )
        return Keys(params, tags)

    return query


def _of(experiments: Sequence[str]) -> "ColumnElement[bool]":
    from mlflow.store.tracking.dbmodels.models import SqlRun

    found: ColumnElement[bool] = SqlRun.__table__.c.experiment_id.in_([int(one) for one in experiments])
    return found


def _in(part: PlannedPart) -> "ColumnElement[bool]":
    """Return the condition that a run belongs to the part."""
    from mlflow.store.tracking.dbmodels.models import SqlParam, SqlRun, SqlTag
    from sqlalchemy import or_, select

    run, tag = SqlRun.__table__.c, SqlTag.__table__.c
    stated = SqlParam.__table__.c if part.place == "params" else tag
    asked = [
        run.run_uuid.in_(
            select(stated.run_uuid).where(stated.key == part.key, stated.value.in_(part.values))
        ),
        run.run_uuid.in_(select(tag.run_uuid).where(tag.key == KIND_TAG, tag.value == PREREGISTRATION)),
    ]
    if part.run_id is not None:
        asked.append(run.run_uuid == part.run_id)
    if part.run_name is not None:
        by_tag = select(tag.run_uuid).where(tag.key == NAME_TAG, tag.value == part.run_name)
        asked += [run.name == part.run_name, run.run_uuid.in_(by_tag)]
    return or_(*asked)


def _ids(wanted: "ColumnElement[bool]") -> "Select[Any]":
    from mlflow.store.tracking.dbmodels.models import SqlRun
    from sqlalchemy import select

    return select(SqlRun.__table__.c.run_uuid).where(wanted)


def _infos(wanted: "ColumnElement[bool]") -> "Select[Any]":
    from mlflow.store.tracking.dbmodels.models import SqlRun
    from sqlalchemy import select

    run = SqlRun.__table__.c
    return select(
        run.run_uuid, run.name, run.experiment_id, run.user_id, run.status, run.start_time, run.end_time,
        run.lifecycle_stage, run.artifact_uri,
    ).where(wanted)  # fmt: skip


def _runs(connection: "Connection", wanted: "ColumnElement[bool]") -> tuple["Run", ...]:
    """Return the runs that a condition selects with all that they have."""
    from mlflow.entities import LoggedModelOutput, Metric, RunData
    from mlflow.store.tracking.dbmodels.models import SqlInput, SqlLatestMetric
    from sqlalchemy import select

    ids = _ids(wanted)
    params, tags = _params(connection, ids), _tags(connection, ids)
    metric, output = SqlLatestMetric.__table__.c, SqlInput.__table__.c
    metrics = _by_run(
        connection.execute(
            select(metric.run_uuid, metric.key, metric.value, metric.timestamp, metric.step, metric.is_nan)
            .where(metric.run_uuid.in_(ids))
        ),
        lambda key, value, time, step, is_nan: Metric(key, float("nan") if is_nan else value, time, step),
    )  # fmt: skip
    models = _by_run(
        connection.execute(
            select(output.source_id, output.destination_id, output.step).where(
                output.source_type == "RUN_OUTPUT",
                output.destination_type == "MODEL_OUTPUT",
                output.source_id.in_(ids),
            )
        ),
        lambda model, step: LoggedModelOutput(model_id=model, step=step),
    )
    inputs = _data(connection, ids)

    def data(run_id: str) -> "RunData":
        return RunData(metrics=metrics.get(run_id), params=params.get(run_id), tags=tags.get(run_id))

    return tuple(
        _run(row, data, tags, inputs.get(row[0], ()), models.get(row[0], ()))
        for row in connection.execute(_infos(wanted))
    )


def _run(
    row: Sequence[Any],
    data: "Callable[[str], RunData]",
    tags: Mapping[str, Sequence[Any]],
    inputs: Sequence[Any],
    models: Sequence[Any],
) -> "Run":
    from mlflow.entities import Run, RunInfo, RunInputs, RunOutputs

    run_id, name, experiment, user, status, start, end, stage, place = row
    return Run(
        RunInfo(run_id, str(experiment), user, status, start, end, stage, place,
                run_name=name or _name_in(tags.get(run_id, ()))),
        data(run_id),
        RunInputs(list(inputs)),
        RunOutputs(list(models)),
    )  # fmt: skip


def _params(
    connection: "Connection", ids: "Select[Any]", keys: Collection[str] | None = None
) -> Mapping[str, list[Any]]:
    from mlflow.entities import Param
    from mlflow.store.tracking.dbmodels.models import SqlParam

    return _facts(connection, SqlParam.__table__.c, ids, keys, Param)


def _tags(
    connection: "Connection", ids: "Select[Any]", keys: Collection[str] | None = None
) -> Mapping[str, list[Any]]:
    from mlflow.entities import RunTag
    from mlflow.store.tracking.dbmodels.models import SqlTag

    return _facts(connection, SqlTag.__table__.c, ids, keys, RunTag)


def _facts(
    connection: "Connection",
    table: Any,
    ids: "Select[Any]",
    keys: Collection[str] | None,
    make: Callable[..., T],
) -> Mapping[str, list[T]]:
    """Return params or tags by the run's id: all of them, or those of the keys."""
    from sqlalchemy import select

    query = select(table.run_uuid, table.key, table.value).where(table.run_uuid.in_(ids))
    return _by_run(
        connection.execute(query if keys is None else query.where(table.key.in_(sorted(keys)))), make
    )


def _data(connection: "Connection", ids: "Select[Any]") -> Mapping[str, list["DatasetInput"]]:
    """Return the data sets that the runs name, with their tags."""
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.store.tracking.dbmodels.models import SqlDataset, SqlInput, SqlInputTag
    from sqlalchemy import select

    link, data, tag = SqlInput.__table__.c, SqlDataset.__table__.c, SqlInputTag.__table__.c
    query = (
        select(
            link.destination_id, data.dataset_uuid, tag.name, tag.value, data.name, data.digest,
            data.dataset_source_type, data.dataset_source, data.dataset_schema, data.dataset_profile,
        )
        .select_from(SqlInput.__table__)
        .join(SqlDataset.__table__, link.source_id == data.dataset_uuid)
        .outerjoin(SqlInputTag.__table__, tag.input_uuid == link.input_uuid)
        .where(link.destination_type == "RUN", link.destination_id.in_(ids))
    )  # fmt: skip
    found: dict[str, dict[str, DatasetInput]] = defaultdict(dict)
    for run_id, dataset, name, text, *facts in connection.execute(query):
        one = found[run_id].setdefault(dataset, DatasetInput(Dataset(*facts), []))
        if name is not None:
            one.tags.append(InputTag(name, text))
    return {run_id: list(inputs.values()) for run_id, inputs in found.items()}


def _by_run(rows: Iterable["Row[Any]"], make: Callable[..., T]) -> Mapping[str, list[T]]:
    """Return what is made of the rows by the run's id, which each of them begins with."""
    found: dict[str, list[T]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(make(*row[1:]))
    return found


def _name_in(tags: Iterable[Any]) -> str | None:
    """Return the name of a run that an older MLflow kept in a tag only."""
    return next((tag.value for tag in tags if tag.key == NAME_TAG), None)
