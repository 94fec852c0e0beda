"""Histories that only figures show. What cannot be had in time is left out with a note: no verdict waits for it."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.histories import MOST_POINTS, histories_of, history_of
from smoke_gate.collect.progress import Progress
from smoke_gate.collect.served_runs import asked
from smoke_gate.collect.sql_histories import Logged
from smoke_gate.collect.store import Store
from smoke_gate.collect.workers import in_parallel
from smoke_gate.pictures import Curve, Pictures

if TYPE_CHECKING:
    from mlflow.entities import Run as RecordedRun

_LONGEST = 60.0  # seconds for all curves of a store
_AT_ONCE = 100  # runs that a server gives the histories of in one answer
_SAMPLED = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"  # what MLflow's own pages draw

Portion = tuple[str, Sequence[str]]
"""A metric, and the ids of runs."""


def curves_of(
    store: Store,
    runs: Sequence["RecordedRun"],
    metrics: Collection[str],
    workers: int,
    progress: Progress,
    clock: Callable[[], float] = monotonic,
) -> Pictures:
    """Return the histories of the runs' metrics, sampled, and a note where some are left out."""
    end = clock() + _LONGEST
    read = _from_server if store.kind == "server" else _from_store

    def portion(one: Portion) -> tuple[list[Curve], str]:
        metric, run_ids = one
        if clock() >= end:
            return [], f"reading them took longer than {_LONGEST:.0f} seconds"
        try:
            return list(read(store, metric, run_ids)), ""
        except StoreError as error:
            return [], str(error)

    portions = list(_portions(runs, metrics))
    answers = in_parallel(portion, portions, workers=workers, stage="curves", progress=progress)
    left_out = sum(
        len(run_ids) for (_, run_ids), (_, problem) in zip(portions, answers, strict=True) if problem
    )
    problem = next((problem for _, problem in answers if problem), "")
    return Pictures(
        curves=tuple(curve for curves, _ in answers for curve in curves),
        notes=(f"{left_out} curves are not drawn: {problem}",) if problem else (),
    )


def _portions(runs: Sequence["RecordedRun"], metrics: Collection[str]) -> Iterator[Portion]:
    for metric in sorted(metrics):
        having = [run.info.run_id for run in runs if metric in run.data.metrics]
        yield from ((metric, having[at : at + _AT_ONCE]) for at in range(0, len(having), _AT_ONCE))


def _from_store(store: Store, metric: str, run_ids: Sequence[str]) -> Iterator[Curve]:
    histories = histories_of(store, run_ids, [metric])
    for run_id in run_ids:
        yield Curve(run_id=run_id, metric=metric, points=histories.of(run_id, metric).points)


def _from_server(store: Store, metric: str, run_ids: Sequence[str]) -> Iterator[Curve]:
    values: dict[str, list[Logged]] = {run_id: [] for run_id in run_ids}
    params = {"run_ids": list(run_ids), "metric_key": metric, "max_results": MOST_POINTS}
    answer = store.call(asked, store, _SAMPLED, "GET", {"params": params})
    for one in answer.get("metrics", []):
        values[one["run_id"]].append(
            Logged(int(one.get("step", 0)), int(one.get("timestamp", 0)), float(one.get("value", math.nan)))
        )
    for run_id, own in values.items():
        yield Curve(run_id=run_id, metric=metric, points=history_of(own).points)
