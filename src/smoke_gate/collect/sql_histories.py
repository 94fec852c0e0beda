"""Histories of many runs by one query over MLflow's own table, instead of one call for each run and metric."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

T = TypeVar("T")

_ROWS = 10_000  # that are held at a time


Logged: TypeAlias = tuple[int, int, float]
"""A value of a history: its step, its time, and the value."""


def all_histories(
    experiments: Sequence[str],
    run_ids: Collection[str],
    metrics: Collection[str],
    made_of: Callable[[Sequence[Logged]], T],
) -> "Callable[[Connection], Mapping[tuple[str, str], T]]":
    """Return the query for the histories of these metrics of these runs, which are most of the experiments.

    ``made_of`` shortens a history, which may be long, before the next run's are read. The result has those with values
    by run id and metric.
    """

    def query(connection: "Connection") -> Mapping[tuple[str, str], T]:
        from sqlalchemy import select

        from smoke_gate.collect.sql_tables import METRICS, RUNS

        run = RUNS.c
        ours = select(run.run_uuid).where(run.experiment_id.in_([int(one) for one in experiments]))
        return _read(connection, METRICS.c.run_uuid.in_(ours), run_ids, metrics, made_of)

    return query


def histories_of_runs(
    run_ids: Sequence[str], metrics: Collection[str], made_of: Callable[[Sequence[Logged]], T]
) -> "Callable[[Connection], Mapping[tuple[str, str], T]]":
    """Return the same for runs that are few of the experiments, by their ids."""

    def query(connection: "Connection") -> Mapping[tuple[str, str], T]:
        from smoke_gate.collect.sql_tables import METRICS

        return _read(connection, METRICS.c.run_uuid.in_(run_ids), run_ids, metrics, made_of)

    return query


def _read(
    connection: "Connection",
    condition: "ColumnElement[bool]",
    run_ids: Collection[str],
    metrics: Collection[str],
    made_of: Callable[[Sequence[Logged]], T],
) -> Mapping[tuple[str, str], T]:
    from sqlalchemy import select

    from smoke_gate.collect.sql_tables import METRICS

    metric = METRICS.c
    rows = connection.execute(
        select(metric.run_uuid, metric.key, metric.step, metric.timestamp, metric.value, metric.is_nan)
        .where(condition, metric.key.in_(sorted(metrics)))
        .order_by(metric.run_uuid)
        .execution_options(yield_per=_ROWS)
    )
    found: dict[tuple[str, str], T] = {}
    by_run = groupby(chain.from_iterable(rows.partitions()), key=itemgetter(0))
    for run_id, of_run in by_run:
        if run_id not in run_ids:
            continue
        values: dict[str, list[Logged]] = defaultdict(list)
        for _, key, step, timestamp, value, is_nan in of_run:
            values[key].append((step, timestamp, math.nan if is_nan else value))
        found.update({(run_id, key): made_of(values[key]) for key in values})
    return found
