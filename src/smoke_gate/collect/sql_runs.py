"""All runs of a SQL store by a few plain queries over MLflow's own tables, instead of an object for each row."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run
    from sqlalchemy import ColumnElement, Connection, Row, Select

T = TypeVar("T")


def runs_in_database(experiments: Sequence[str]) -> "Callable[[Connection], tuple[Run, ...]]":
    """Return the query for all runs of the experiments, deleted ones too, as MLflow's own search returns them."""

    def query(connection: "Connection") -> "tuple[Run, ...]":
        from mlflow.store.tracking.dbmodels.models import SqlRun
        from sqlalchemy import select

        run = SqlRun.__table__.c
        wanted = run.experiment_id.in_([int(experiment) for experiment in experiments])
        facts = select(
            run.run_uuid, run.name, run.experiment_id, run.user_id, run.status, run.start_time, run.end_time,
            run.lifecycle_stage, run.artifact_uri,
        )  # fmt: skip
        return _runs(connection, facts.where(wanted), select(run.run_uuid).where(wanted))

    return query


def _runs(connection: "Connection", query: "Select[Any]", ids: "Select[Any]") -> tuple["Run", ...]:
    """Return the runs of a query with all that they have; ``ids`` selects the ids of the same runs."""
    from mlflow.entities import (
        LoggedModelOutput,
        Metric,
        Param,
        Run,
        RunData,
        RunInfo,
        RunInputs,
        RunOutputs,
        RunTag,
    )
    from mlflow.store.tracking.dbmodels.models import SqlInput, SqlLatestMetric, SqlParam, SqlTag
    from sqlalchemy import select

    def by_run(
        make: Callable[..., T], of_run: "ColumnElement[str]", *columns: "ColumnElement[Any]"
    ) -> Mapping[str, list[T]]:
        return _by_run(connection.execute(select(of_run, *columns).where(of_run.in_(ids))), make)

    param, tag, metric = SqlParam.__table__.c, SqlTag.__table__.c, SqlLatestMetric.__table__.c
    params = by_run(Param, param.run_uuid, param.key, param.value)
    tags = by_run(RunTag, tag.run_uuid, tag.key, tag.value)
    metrics = by_run(
        lambda key, value, time, step, is_nan: Metric(key, float("nan") if is_nan else value, time, step),
        metric.run_uuid, metric.key, metric.value, metric.timestamp, metric.step, metric.is_nan,
    )  # fmt: skip
    output = SqlInput.__table__.c
    outputs = select(output.source_id, output.destination_id, output.step).where(
        output.source_type == "RUN_OUTPUT",
        output.destination_type == "MODEL_OUTPUT",
        output.source_id.in_(ids),
    )
    models = _by_run(
        connection.execute(outputs), lambda model, step: LoggedModelOutput(model_id=model, step=step)
    )
    data = _data(connection, ids)
    return tuple(
        Run(
            RunInfo(run_id, str(experiment), user, status, start, end, stage, place,
                    run_name=name or _name_in(tags.get(run_id, ()))),
            RunData(metrics=metrics.get(run_id), params=params.get(run_id), tags=tags.get(run_id)),
            RunInputs(data.get(run_id, [])),
            RunOutputs(models.get(run_id, [])),
        )
        for run_id, name, experiment, user, status, start, end, stage, place in connection.execute(query)
    )  # fmt: skip


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
    return next((tag.value for tag in tags if tag.key == "mlflow.runName"), None)
