"""The callback for the Trainer of Hugging Face, called by a stand-in, or by itself in `make test-integrations`."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from smoke_gate.contract import ContractError, data_hash
from smoke_gate.hashing import file_sha256
from tests.support.fluent import fluent_store
from tests.support.frameworks import framework

COMMIT = "c0ffee" * 6 + "c0de"


@pytest.fixture(autouse=True)
def transformers():
    with framework("transformers"):
        yield


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "stage05")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with fluent_store(tmp_path) as client:
        yield client


def trainer(folder: Path, *, data: Any = None, **options: Any) -> Any:
    import tiny
    from transformers import Trainer, TrainingArguments

    from smoke_gate.integrations.transformers import TransformersContract

    usual = {"report_to": "mlflow", "seed": 42, "max_steps": 4, "save_steps": 2, "disable_tqdm": True}
    arguments = TrainingArguments(
        output_dir=str(folder / "trained"), use_cpu=True, dataloader_pin_memory=False, **(usual | options)
    )
    return Trainer(
        model=tiny.model(),
        args=arguments,
        train_dataset=tiny.rows(6),
        eval_dataset=tiny.rows(5),
        callbacks=[TransformersContract(cell="A3", commit=COMMIT, data=data)],
    )


def only_run(client: MlflowClient) -> Run:
    """The trained run. What is evaluated after it has ended goes to another one, by the Trainer's own callback."""
    (run,) = [run for run in client.search_runs(["1"]) if "cell" in run.data.params]
    return run


def checkpoints(client: MlflowClient) -> list[str]:
    return sorted(file.path for file in client.list_artifacts(only_run(client).info.run_id, "checkpoints"))


LOGGED = ["checkpoints/MANIFEST.json", "checkpoints/model.safetensors"]


def said(client: MlflowClient, *names: str) -> dict[str, str | None]:
    params = only_run(client).data.params
    return {name: params.get(name) for name in names}


def test_a_run_says_all_that_the_trainer_knows(client, tmp_path):
    import tiny

    made = trainer(tmp_path, data={"train": [np.arange(6.0), np.ones(6)]})
    made.train()
    made.evaluate()
    made.predict(tiny.rows(3))
    assert said(client, "cell", "seed", "train_data_hash", "train_count", "val_count", "test_count") == {
        "cell": "A3",
        "seed": "42",
        "train_data_hash": data_hash([np.arange(6.0), np.ones(6)]),
        "train_count": "6",
        "val_count": "5",
        "test_count": "3",
    }
    run = only_run(client)
    assert (run.data.tags["git_commit"], run.info.status) == (COMMIT, "FINISHED")
    assert "environment.python" in run.data.tags
    assert checkpoints(client) == LOGGED


def manifest(client: MlflowClient) -> Any:
    path = client.download_artifacts(only_run(client).info.run_id, "checkpoints/MANIFEST.json")
    return json.loads(Path(path).read_text())["checkpoints/model.safetensors"]["sha256"]


def sha256(folder: Path, step: int | str) -> str:
    return file_sha256(folder / "trained" / f"checkpoint-{step}" / "model.safetensors")


def test_the_newest_checkpoint_is_logged(client, tmp_path):
    trainer(tmp_path).train()
    assert manifest(client) == sha256(tmp_path, 4) != sha256(tmp_path, 2)


def test_under_load_best_model_at_end_it_is_the_best(client, tmp_path):
    made = trainer(tmp_path, load_best_model_at_end=True, eval_strategy="steps", eval_steps=2)
    made.train()
    step = made.state.best_model_checkpoint.rpartition("-")[2]
    assert manifest(client) == sha256(tmp_path, step)


def test_evaluations_under_other_names_are_other_splits(client, tmp_path):
    import tiny

    made = trainer(tmp_path)
    made.train()
    made.evaluate(tiny.rows(4), metric_key_prefix="test")
    made.evaluate(tiny.rows(2), metric_key_prefix="eval_rare")
    assert said(client, "test_count", "val_rare_count", "val_count") == {
        "test_count": "4",
        "val_rare_count": "2",
        "val_count": None,
    }


@pytest.mark.filterwarnings("default:val had")
def test_another_number_under_the_same_name_is_a_warning_and_no_end(client, tmp_path):
    import tiny

    made = trainer(tmp_path)
    made.train()
    made.evaluate()
    with pytest.warns(UserWarning, match="val had 5 samples and now has 4: the first number stays"):
        made.evaluate(tiny.rows(4))
    assert said(client, "val_count") == {"val_count": "5"}


@pytest.mark.filterwarnings("default:no checkpoint was saved")
def test_where_no_checkpoint_is_saved_a_warning_says_so(client, tmp_path):
    with pytest.warns(UserWarning, match="no checkpoint was saved, so none is logged: set save_strategy"):
        trainer(tmp_path, save_strategy="no").train()
    assert checkpoints(client) == []


def test_a_run_that_the_script_started_is_taken(client, tmp_path):
    import mlflow

    with mlflow.start_run(experiment_id="1"):
        trainer(tmp_path, report_to="none").train()
    assert (said(client, "seed"), checkpoints(client)) == ({"seed": "42"}, LOGGED)


def test_without_any_run_the_training_does_not_start(client, tmp_path):
    with pytest.raises(ContractError, match="no active MLflow run"):
        trainer(tmp_path, report_to="none").train()


def test_a_training_of_another_process_is_not_logged_twice(client, tmp_path):
    from smoke_gate.integrations.transformers import TransformersContract

    callback = TransformersContract(cell="A3")
    state = SimpleNamespace(is_world_process_zero=False)
    for hook in (callback.on_train_begin, callback.on_evaluate, callback.on_predict, callback.on_train_end):
        hook(SimpleNamespace(), state, None)
    assert client.search_runs(["1"]) == []
