"""MLflow's own entities, made without a store."""

from collections.abc import Mapping

from mlflow.entities import Metric, Param, Run, RunData, RunInfo, RunTag

STARTED = 1_700_000_000_000


def run(
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
