"""Histories of many runs by one query over MLflow's own table, instead of one call for each run and metric."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

_ROWS = 10_000  # that are held at a time


class Logged(NamedTuple):
    """A value of a history."""

    step: int
    timestamp: int
    value: float


def histories_in_database(
    run_ids: Sequence[str], metrics: Collection[str], made_of: Callable[[Sequence[Logged]], T]
) -> "Callable[[Connection], Mapping[tuple[str, str], T]]":
    """Return the query for the histories of these metrics of these runs, by run id and metric.

    ``made_of`` shortens a history, which may be long, before the next run's are read. One without values is empty.
    """

    def query(connection: "Connection") -> Mapping[tuple[str, str], T]:
        from sqlalchemy import select

        from smoke_gate.collect.sql_tables import METRICS

        metric = METRICS.c
        rows = connection.execute(
            select(metric.run_uuid, metric.key, metric.step, metric.timestamp, metric.value, metric.is_nan)
            .where(metric.run_uuid.in_(run_ids), metric.key.in_(sorted(metrics)))
            .order_by(metric.run_uuid, metric.key, metric.step, metric.timestamp, metric.value)
            .execution_options(yield_per=_ROWS)
        )
        found = {(run_id, key): made_of(()) for run_id in run_ids for key in metrics}
        for run_id, of_run in groupby(rows, key=lambda row: row[0]):
            values: dict[str, list[Logged]] = defaultdict(list)
            for _, key, step, timestamp, value, is_nan in of_run:
                values[key].append(Logged(step, timestamp, math.nan if is_nan else value))
            found.update({(run_id, key): made_of(values[key]) for key in values})
        return found

    return query
