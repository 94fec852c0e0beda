"""Runs made without a store: as MLflow's client returns them, and as records."""

from collections.abc import Mapping
from typing import Any

from mlflow.entities import Metric, Param, Run, RunData, RunInfo, RunTag

from smoke_gate.collect.recorded import RecordedRun, of_mlflow

STARTED = 1_700_000_000_000


def entity(
    run_id: str = "r",
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    *,
    name: str = "A-42",
    stage: str = "active",
    status: str = "FINISHED",
    start: int = STARTED,
    end: int | None = STARTED + 1,
) -> Run:
    """Return a run as MLflow gives it."""
    info = RunInfo(
        run_id=run_id, experiment_id="1", user_id="u", status=status, start_time=start, end_time=end,
        lifecycle_stage=stage, run_name=name,
    )  # fmt: skip
    data = RunData(
        metrics=[Metric("m", 1.0, 0, 0)],
        params=[Param(key, value) for key, value in (params or {}).items()],
        tags=[RunTag(key, value) for key, value in (tags or {}).items()],
    )
    return Run(info, data)


def run(
    run_id: str = "r",
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    **facts: Any,
) -> RecordedRun:
    """Return the record of a run; the facts are those of :func:`entity`."""
    return of_mlflow(entity(run_id, params, tags, **facts))
