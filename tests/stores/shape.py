"""A store as training code leaves it, with the answer that its owner would give to `init`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, LoggedModelStatus

from tests.support.recorded import MINUTE, START, Recipe, record


class Left(NamedTuple):
    """A store that was made: its URI, and the experiments that its owner would name."""

    uri: str
    experiments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The policy that the owner of a store would write, and the questions that init must ask.

    ``cell`` is None where nothing in the store says it: then ``asks`` are the places that `init` must offer, and
    ``cells`` are not judged. ``of_cells`` are the metrics of some cells only. ``findings`` are the gates and kinds of
    what is not as it should be in this store, and so of what `check` must find by the written policy, and nothing else.
    ``says`` is a text that the policy must have.
    """

    cell: str | None
    seed: str = "none"
    cells: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    metric: str | None = None
    asks: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    of_cells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: frozenset[tuple[str, str]] = frozenset()
    experiments: tuple[str, ...] = ()
    says: str = ""


class StoreShape(NamedTuple):
    """A kind of store: how one is made in a folder, and the right answer."""

    name: str
    make: Callable[[Path, MlflowClient], Left]
    answer: Answer


class Trained(NamedTuple):
    """A run with what MLflow 3 keeps beside it: its parent's name, and the files of its model."""

    recipe: Recipe
    parent: str = ""
    model: Mapping[str, bytes] | None = None


def runs(client: MlflowClient, experiment: str, trained: Iterable[Trained], first: int = 0) -> Left:
    """Record runs that start a minute apart in an experiment of the session's store, the first after so many."""
    ids: dict[str, str] = {}
    for index, one in enumerate(trained, first):
        tags = {**one.recipe.tags, **({"mlflow.parentRunId": ids[one.parent]} if one.parent else {})}
        recipe = replace(one.recipe, tags=tags, start=START + index * MINUTE)
        ids |= record(client, [recipe], experiment)
        if one.model is not None:
            _log_model(client, ids[recipe.name], one.model)
    return Left(client.tracking_uri, (experiment,))


def plain(recipes: Iterable[Recipe]) -> Sequence[Trained]:
    """Return runs without parents and models."""
    return [Trained(recipe) for recipe in recipes]


def _log_model(client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> None:
    run = client.get_run(run_id)
    model = client.create_logged_model(run.info.experiment_id, name="model", source_run_id=run_id)
    folder = Path(model.artifact_location.removeprefix("file://"))
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])


def mlmodel(flavor: str, data: str) -> bytes:
    """Return an MLmodel as MLflow 3.17 writes it, as far as it says what the model's data is."""
    lines = (
        "flavors:", "  python_function:", f"    data: {data}", f"    loader_module: mlflow.{flavor}",
        "    python_version: 3.11.7", f"  {flavor}:", "    code: null", f"    data: {data}", "mlflow_version: 3.17.2",
        "utc_time_created: '2026-12-01 07:46:33.600745'",
    )  # fmt: skip
    return "\n".join([*lines, ""]).encode()
