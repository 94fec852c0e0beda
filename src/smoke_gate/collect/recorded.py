"""Runs and experiments as a tracking store records them, in whatever way they are read.

MLflow's client returns entities of its own. Where they come in, these records are made of them, so that the code that
looks at a run is the same for all stores, and a store that is read off its tables needs no part of MLflow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from smoke_gate.vocabulary import NAME_TAG

if TYPE_CHECKING:
    from mlflow.entities import Run

CONTEXT_TAG = "mlflow.data.context"
"""The tag of a data set that says what a run used it for."""


@dataclass(frozen=True, slots=True)
class RecordedExperiment:
    """An experiment."""

    experiment_id: str
    name: str
    lifecycle_stage: str


class LatestValue(NamedTuple):
    """The value of a metric at its highest step, and when it was logged, in milliseconds."""

    value: float
    timestamp: int
    step: int


class DataSet(NamedTuple):
    """A data set that a run names; ``context`` is empty where the run does not say what it used it for."""

    name: str
    profile: str | None
    context: str


class LoggedModelRecord(NamedTuple):
    """A LoggedModel: its name, its status, and where its files are."""

    name: str
    status: str
    artifact_location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """A run.

    Times are in milliseconds. ``name`` is empty where it has none. ``model_ids`` are those of the LoggedModels among
    its outputs, in order; ``models`` are the ones of them that were read with the run, by id.
    """

    run_id: str
    experiment_id: str
    name: str
    status: str
    lifecycle_stage: str
    start_time: int | None
    end_time: int | None
    artifact_uri: str | None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, LatestValue] = field(default_factory=dict)
    data_sets: tuple[DataSet, ...] = ()
    model_ids: tuple[str, ...] = ()
    models: Mapping[str, LoggedModelRecord] = field(default_factory=dict)


def run_name(recorded: str | None, tags: Mapping[str, str]) -> str:
    """Return a run's name; an older MLflow keeps it in a tag only."""
    return recorded or tags.get(NAME_TAG) or ""


def of_mlflow(run: "Run") -> RecordedRun:
    """Return the record of a run that MLflow's client returned."""
    info, data, outputs = run.info, run.data, getattr(run, "outputs", None)  # MLflow 2 has none
    latest = getattr(data, "_metric_objs", ())  # `data.metrics` has the values without their times
    return RecordedRun(
        run_id=info.run_id,
        experiment_id=info.experiment_id,
        name=run_name(info.run_name, data.tags),
        status=info.status,
        lifecycle_stage=info.lifecycle_stage,
        start_time=info.start_time,
        end_time=info.end_time,
        artifact_uri=info.artifact_uri,
        params=data.params,
        tags=data.tags,
        metrics={one.key: LatestValue(one.value, one.timestamp, one.step) for one in latest},
        data_sets=tuple(
            DataSet(
                one.dataset.name,
                one.dataset.profile,
                next((tag.value for tag in one.tags if tag.key == CONTEXT_TAG), ""),
            )
            for one in (run.inputs.dataset_inputs if run.inputs else ())
        ),
        model_ids=tuple(sorted({one.model_id for one in (outputs.model_outputs if outputs else ())})),
    )
