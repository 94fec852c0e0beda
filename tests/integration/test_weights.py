"""G3 on what runs left behind: which files are weights, which models lie among them, and who has the same weights."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from safetensors.numpy import save
from sklearn.linear_model import LogisticRegression

from smoke_gate.collect import Source, collect
from smoke_gate.evidence import Evidence
from smoke_gate.gates import policy_of
from smoke_gate.gates.base import Check, Status
from smoke_gate.verdict import evaluate
from tests.support.recorded import EXPERIMENT, Recipe, changed, npz, recipe, record
from tests.support.stores import sqlite_store

PAIR = {"cells": ["B0"], "seeds": ["42"]}
RUN = recipe("B0", "42")
BARE = changed(RUN, artifacts=dict.fromkeys(RUN.artifacts))


@pytest.fixture
def store(tmp_path) -> MlflowClient:
    """An empty store."""
    return sqlite_store(tmp_path / "mlflow.db")


def read(store: MlflowClient, runs: list[Recipe], **keys: Any) -> Evidence:
    """Record runs of one pair, and return what is read of them."""
    record(store, runs)
    return again(store, **keys)


def again(store: MlflowClient, **keys: Any) -> Evidence:
    """Return what is read of the pair."""
    return collect(policy(**keys), Source(tracking_uri=store.tracking_uri)).evidence


def policy(**keys: Any) -> Any:
    return policy_of(
        {"version": 1, "experiments": [EXPERIMENT], "plan": PAIR, "gates": {"checkpoints": keys}}
    )


def findings(evidence: Evidence, **keys: Any) -> list[Check]:
    """Return what G3 finds, without the notes."""
    checks = evaluate(policy(**keys), evidence).checks
    return [check for check in checks if check.gate == "G3" and check.status in (Status.FAIL, Status.WARNING)]


# --- weights and what lies beside -------------------------------------------------------------------------------------


def test_weights_in_a_folder_of_an_epoch_count_and_a_scaler_beside_them_does_not(store):
    files = {"checkpoints/epoch_3/model.npz": npz("a"), "checkpoints/scaler.npz": npz("b")}
    evidence = read(store, [changed(BARE, artifacts=files)])
    assert findings(evidence) == []
    (check,) = findings(evidence, min_count=2)
    assert "There is checkpoints/scaler.npz, which does not look like weights" in check.message


def shards(*names: str) -> Mapping[str, bytes]:
    """Return the files of a model in shards, and the index that names them."""
    index = {"metadata": {}, "weight_map": {f"layer{number}": name for number, name in enumerate(names)}}
    files = {
        f"checkpoints/{name}": save({f"layer{number}": np.full(2, number)})
        for number, name in enumerate(names)
    }
    return {**files, "checkpoints/model.safetensors.index.json": json.dumps(index).encode()}


def test_an_index_has_its_shards(store):
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    assert findings(read(store, [changed(BARE, artifacts=shards(*names))])) == []


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (
            "model-00002-of-00002.safetensors",
            "It names model-00002-of-00002.safetensors, which the run does not",
        ),
        ("../other.safetensors", "it names a file that does not lie beside it: '../other.safetensors'"),
        ("/etc/passwd", "it names a file that does not lie beside it: '/etc/passwd'"),
    ],
)
def test_a_shard_that_is_not_there_is_missed(store, lost, said):
    """spec: G3-shards"""
    files = {
        path: data
        for path, data in shards("model-00001-of-00002.safetensors", lost).items()
        if lost not in path
    }
    (check,) = findings(read(store, [changed(BARE, artifacts=files)]))
    assert (check.subject, check.status) == ("checkpoints/model.safetensors.index.json", Status.FAIL)
    assert said in check.message


def test_files_where_the_policy_does_not_look_are_named(store):
    evidence = read(store, [changed(BARE, artifacts={"checkpoints/a/b.npz": npz("a")})], paths=["out/*"])
    (check,) = findings(evidence, paths=["out/*"])
    assert "There is checkpoints/a/b.npz, which `paths` does not match." in check.message


# --- models among a run's own artifacts -------------------------------------------------------------------------------


def saved(folder: Path, border: float = 1.0) -> Path:
    """Save a model as MLflow 2 logged it: a folder of the run's artifacts."""
    model = LogisticRegression().fit([[0.0], [border]], [0, 1])
    mlflow.sklearn.save_model(model, folder, pip_requirements=[], serialization_format="cloudpickle")
    return folder


def log_model(store: MlflowClient, folder: Path, place: str | None) -> None:
    """Record a run with a model among its artifacts."""
    run_id = record(store, [BARE])[BARE.name]
    store.log_artifacts(run_id, str(folder), place)


@pytest.mark.parametrize(
    ("place", "name"), [("model", "model"), (None, "."), ("checkpoints/best", "checkpoints/best")]
)
def test_a_model_in_the_artifacts_of_a_run_is_found(store, tmp_path, place, name):
    log_model(store, saved(tmp_path / "saved"), place)
    evidence = again(store)
    (model,) = evidence.runs[0].models
    assert (model.name, model.model_id, model.data, model.absent, model.problem) == (
        name,
        "",
        ("model.pkl",),
        (),
        None,
    )
    assert evidence.runs[0].checkpoints == ()
    assert findings(evidence, allow_globals=["*"]) == []


@pytest.mark.parametrize("place", ["model", None, "checkpoints/best"])
def test_what_its_description_names_must_be_there(store, tmp_path, place):
    folder = saved(tmp_path / "saved")
    (folder / "model.pkl").unlink()
    log_model(store, folder, place)
    (check,) = findings(again(store), allow_globals=["*"])
    assert (check.kind, check.status) == ("model", Status.FAIL)
    assert "MLmodel names model.pkl, which the model does not have" in check.message


def test_a_model_in_a_folder_of_a_folder_is_found_where_the_policy_reaches(store, tmp_path):
    log_model(store, saved(tmp_path / "saved"), "out/models/best")
    assert again(store).runs[0].models == ()
    (model,) = again(store, paths=["out/**"]).runs[0].models
    assert model.name == "out/models/best"


# --- another attempt at the pair --------------------------------------------------------------------------------------

EARLIER = changed(RUN, name="earlier", start=RUN.start - 1)


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_weights_of_an_earlier_attempt_warn(store, status):
    evidence = read(store, [RUN, changed(EARLIER, status=status)])
    (check,) = findings(evidence)
    assert (check.kind, check.subject, check.status) == ("duplicate", "checkpoints/model.npz", Status.WARNING)


@pytest.mark.parametrize("data", [npz("another"), b"of another size"])
def test_an_attempt_with_other_weights_says_nothing(store, data):
    other = changed(EARLIER, artifacts={"checkpoints/model.npz": data, "checkpoints/MANIFEST.json": None})
    assert findings(read(store, [RUN, other])) == []


def test_only_the_newest_attempts_are_read(store):
    """spec: G3-equal-attempts"""
    others = [changed(EARLIER, name=f"earlier {n}", start=RUN.start - n) for n in range(1, 6)]
    attempts = read(store, [RUN, *others]).attempts
    assert sum(bool(attempt.weights) for attempt in attempts) == 3


def test_an_attempt_whose_artifacts_are_gone_says_nothing(store):
    ids = record(store, [RUN, EARLIER])
    shutil.rmtree(Path(store.get_run(ids["earlier"]).info.artifact_uri.removeprefix("file://")))
    assert findings(again(store)) == []


def log_models(store: MlflowClient, run_id: str, folders: Sequence[Path], name: str = "model") -> None:
    """Log models by one name, as training does that logs one again and again."""
    experiment = store.get_run(run_id).info.experiment_id
    for folder in folders:
        model_id = store.create_logged_model(experiment, name=name, source_run_id=run_id).model_id
        store.log_model_artifacts(model_id, str(folder))
        store.finalize_logged_model(model_id, "READY")
        store.log_outputs(run_id, [LoggedModelOutput(model_id=model_id, step=0)])


@pytest.mark.parametrize(("last", "warns"), [(2.0, True), (3.0, False)])
def test_all_models_of_one_name_are_held_against_those_of_an_earlier_attempt(store, tmp_path, last, warns):
    ids = record(store, [BARE, changed(BARE, name="earlier", start=RUN.start - 1)])
    folders = [saved(tmp_path / str(number), border) for number, border in enumerate([1.0, 2.0, last])]
    log_models(store, ids[BARE.name], folders[:2])
    log_models(store, ids["earlier"], [folders[2], folders[0]])
    found = findings(again(store), allow_globals=["*"])
    assert [(check.kind, check.subject) for check in found] == (
        [("duplicate", "model/model.pkl")] if warns else []
    )


def test_a_model_may_be_called_like_a_folder_of_the_run(store, tmp_path):
    ids = record(store, [RUN, EARLIER])
    folder = saved(tmp_path / "saved")
    for run_id in ids.values():
        log_models(store, run_id, [folder], name="checkpoints")
    found = findings(again(store), allow_globals=["*"])
    assert [(check.kind, check.subject) for check in found] == [("duplicate", "checkpoints/model.npz")]
