"""File stores as versions and systems of MLflow lay them out, written byte for byte."""

from itertools import product
from pathlib import Path

from mlflow import MlflowClient

from tests.stores.shape import Answer, Left, StoreShape, Trained, mlmodel, runs
from tests.support.recorded import MINUTE, START, Recipe, npz
from tests.support.stores import file_store

_PAIRS = tuple(product(("linear", "mlp"), (1, 2, 3)))
_CELLS, _SEEDS = ("linear", "mlp"), ("1", "2", "3")


def _written(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _experiment(root: Path, experiment_id: str, name: str) -> Path:
    folder = root / experiment_id
    lines = [
        f"artifact_location: {folder.as_uri()}",
        f"experiment_id: '{experiment_id}'",
        "lifecycle_stage: active",
    ]
    _written(folder / "meta.yaml", "\n".join([*lines, f"name: {name}", ""]))
    return folder


def _run(folder: Path, index: int, run: Recipe, *, old: bool = False, root: str = "") -> Path:
    """Write a run as MLflow 2 does, or ``old``, as MLflow 1 did: its name is a tag. ``root``: where it was made."""
    run_id = f"c0ffee{folder.name}{index:025x}"
    start = START + index * MINUTE
    home = folder / run_id
    lines = [
        f"artifact_uri: {root or folder.as_uri()}/{run_id}/artifacts", f"end_time: {start + MINUTE // 2}",
        "entry_point_name: ''", f"experiment_id: '{folder.name}'", "lifecycle_stage: active",
        "name: ''" if old else f"run_id: {run_id}", f"run_id: {run_id}" if old else f"run_name: {run.name}",
        f"run_uuid: {run_id}", "source_name: ''", "source_type: 4", "source_version: ''", f"start_time: {start}",
        "status: 3", "tags: []", "user_id: ada",
    ]  # fmt: skip
    _written(home / "meta.yaml", "\n".join([*lines, ""]))
    for key, value in run.params.items():
        _written(home / "params" / key, value)
    for key, value in {"mlflow.user": "ada", "mlflow.runName": run.name, **run.tags}.items():
        _written(home / "tags" / key, value)
    for key, values in run.metrics.items():
        points = (f"{start + step} {value!r} {step}\n" for step, value in enumerate(values))
        _written(home / "metrics" / key, "".join(points))
    for path, content in run.artifacts.items():
        _written(home / "artifacts" / path, content)
    return home


def _recipe(index: int, model: str, seed: int) -> Recipe:
    return Recipe(
        name=f"{model} {seed}",
        params={"model": model, "seed": str(seed), "lr": "0.1"},
        metrics={
            "train_loss": (2.0, 1.0 + index / 10),
            "val_loss": (2.1, 1.1 + index / 10),
            "rmse": (0.5 + index / 9,),
        },
    )


def mlflow_1(folder: Path, _client: MlflowClient) -> Left:
    """Write the files of MLflow 1.30: the name of a run is a tag, a checkpoint an artifact."""
    experiment = _experiment(folder, "1", "demand")
    for index, (model, seed) in enumerate(_PAIRS):
        run = _recipe(index, model, seed)
        home = _run(experiment, index, run, old=True)
        _written(home / "artifacts" / "checkpoints" / "model.npz", npz(run.name))
    return Left(str(folder), ("demand",))


def mlflow_2(folder: Path, _client: MlflowClient) -> Left:
    """Write the files of MLflow 2.9: a model is a folder of artifacts, and a tag has its history."""
    experiment = _experiment(folder, "1", "demand")
    for index, (model, seed) in enumerate(_PAIRS):
        run = _recipe(index, model, seed)
        home = _run(experiment, index, run)
        history = f'[{{"run_id": "{home.name}", "artifact_path": "model", "flavors": {{"xgboost": {{}}}}}}]'
        _written(home / "tags" / "mlflow.log-model.history", history)
        _written(home / "artifacts" / "model" / "MLmodel", mlmodel("xgboost", "model.npz"))
        _written(home / "artifacts" / "model" / "model.npz", npz(run.name))
    return Left(str(folder), ("demand",))


def mlflow_3(folder: Path, _client: MlflowClient) -> Left:
    """Have the MLflow of the lock write its files: models lie in the experiment, and the run's outputs name them."""
    with file_store(folder) as client:
        model = {"MLmodel": mlmodel("xgboost", "model.npz")}
        trained = [
            Trained(_recipe(index, name, seed), model={**model, "model.npz": npz(f"{name}{seed}")})
            for index, (name, seed) in enumerate(_PAIRS)
        ]
        return Left(str(folder), runs(client, "demand", trained).experiments)


def windows(folder: Path, _client: MlflowClient) -> Left:
    """Write the files of a store that was made on Windows and copied here: it names its files as they were there."""
    experiment = _experiment(folder, "1", "demand")
    for index, (model, seed) in enumerate(_PAIRS):
        run = _recipe(index, model, seed)
        paths = {"data": rf"C:\Users\ada\data\part{index}.csv", "out": rf"D:\runs\{model}\{seed}"}
        weights = {"checkpoints/model.npz": npz(run.name)}
        made = Recipe(run.name, {**run.params, **paths}, metrics=run.metrics, artifacts=weights)
        _run(experiment, index, made, root="file:///C:/Users/ada/demand/mlruns/1")
    return Left(str(folder), ("demand",))


def another_machine(_folder: Path, client: MlflowClient) -> Left:
    """Leave runs whose artifacts are on a machine that is not here: nobody knows which files they have."""
    client.create_experiment("another machine", "file:///D:/artifacts/demand")
    recipes = (_recipe(index, model, seed) for index, (model, seed) in enumerate(_PAIRS))
    return runs(client, "another machine", map(Trained, recipes))


def one_name(folder: Path, _client: MlflowClient) -> Left:
    """Write two experiments of one name, as a folder that was copied by hand; the owner means the second."""
    for experiment_id, cells in (("1", ("old", "older")), ("2", _CELLS)):
        experiment = _experiment(folder, experiment_id, "demand")
        for index, (model, seed) in enumerate(product(cells, (1, 2, 3))):
            _run(experiment, index, _recipe(index, model, seed))
    return Left(str(folder), ("2",))


_LOSSES = ("val_loss / train_loss",)
LAYOUTS = (
    *(
        StoreShape(
            name,
            make,
            Answer(
                cell="params.model", seed="params.seed", cells=_CELLS, seeds=_SEEDS, metric="rmse", rules=_LOSSES
            ),
        )
        for name, make in (("MLflow 1 files", mlflow_1), ("MLflow 2 files", mlflow_2), ("MLflow 3 files", mlflow_3),
            ("Windows paths", windows),
        )
    ),
    StoreShape(
        "artifacts on another machine",
        another_machine,
        Answer(
            cell="params.model", seed="params.seed", cells=_CELLS, seeds=_SEEDS, metric="rmse", rules=_LOSSES,
            findings=frozenset([("G3", "count"), ("G4", "pattern")]), says="6 of 6 runs could not be read: ",
        ),
    ),
    StoreShape(
        "two experiments of one name",
        one_name,
        Answer(
            cell="params.model", seed="params.seed", cells=_CELLS, seeds=_SEEDS, metric="rmse", rules=_LOSSES,
            experiments=("2",),
        ),
    ),
)  # fmt: skip
