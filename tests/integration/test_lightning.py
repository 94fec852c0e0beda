"""The callback for Lightning, called by a stand-in, or by Lightning itself in `make test-integrations`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from smoke_gate.contract import ContractError, data_hash
from tests.support.fluent import fluent_store
from tests.support.frameworks import framework

COMMIT = "c0ffee" * 6 + "c0de"
DATA = {"train": np.arange(6.0), "test": ["a", "b"]}


@pytest.fixture(autouse=True)
def lightning(monkeypatch):
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    with framework("lightning"):
        yield


@pytest.fixture
def client(tmp_path):
    with fluent_store(tmp_path) as client:
        yield client


def contract(**facts: Any) -> Any:
    from smoke_gate.integrations.lightning import LightningContract

    return LightningContract(cell="A3", commit=COMMIT, **facts)


def trainer(folder: Path, callback: object, **options: Any) -> Any:
    from lightning.pytorch import Trainer

    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu", "devices": 1}
    return Trainer(max_epochs=1, default_root_dir=str(folder), callbacks=[callback], **(quiet | options))


def logger(folder: Path) -> Any:
    from lightning.pytorch.loggers import MLFlowLogger

    return MLFlowLogger(experiment_name="stage05", tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")


def fitted(trainer: Any) -> Any:
    import tiny

    trainer.fit(tiny.lightning_module(), tiny.loader(6, 2), tiny.loader(5, 2))
    return trainer


def files(client: MlflowClient, run: Run) -> list[str]:
    return sorted(file.path for file in client.list_artifacts(run.info.run_id, "checkpoints"))


def test_a_run_says_all_that_the_trainer_knows(client, tmp_path):
    import tiny

    mine = logger(tmp_path)
    made = fitted(trainer(tmp_path, contract(seed=42, data=DATA), logger=mine))
    made.test(tiny.lightning_module(), tiny.loader(3, 2))
    run = client.get_run(mine.run_id)
    assert run.data.params == {
        "cell": "A3",
        "seed": "42",
        "train_data_hash": data_hash(np.arange(6.0)),
        "test_data_hash": data_hash(np.asarray(["a", "b"])),
        "train_count": "6",
        "val_count": "5",
        "test_count": "3",
    }
    assert run.data.tags["git_commit"] == COMMIT
    assert "environment.python" in run.data.tags
    (weights,) = [path for path in files(client, run) if path.endswith(".ckpt")]
    assert files(client, run) == sorted(["checkpoints/MANIFEST.json", weights])
    assert run.info.status == "FINISHED"


def test_of_limited_batches_the_samples_that_are_taken_count(client, tmp_path):
    mine = logger(tmp_path)
    fitted(trainer(tmp_path, contract(seed=42), logger=mine, limit_val_batches=1))
    assert client.get_run(mine.run_id).data.params["val_count"] == "2"


def test_without_its_logger_the_active_run_is_logged_to(client, tmp_path):
    import mlflow

    with mlflow.start_run(experiment_id="1") as active:
        fitted(trainer(tmp_path, contract(seed=42), logger=False))
    run = client.get_run(active.info.run_id)
    assert (run.data.params["cell"], len(files(client, run))) == ("A3", 2)


def test_without_any_run_the_training_does_not_start(client, tmp_path):
    with pytest.raises(ContractError, match="no active MLflow run"):
        fitted(trainer(tmp_path, contract(seed=42), logger=False))


def test_the_seed_is_the_one_of_seed_everything(client, tmp_path, monkeypatch):
    mine = logger(tmp_path)
    with pytest.raises(ContractError, match=r"the seed is not known: call seed_everything"):
        fitted(trainer(tmp_path, contract(), logger=mine))
    monkeypatch.setenv("PL_GLOBAL_SEED", "7")  # as seed_everything(7) does
    again = logger(tmp_path)
    fitted(trainer(tmp_path, contract(), logger=again))
    assert client.get_run(again.run_id).data.params["seed"] == "7"


@pytest.mark.filterwarnings("default:no checkpoint was saved")
def test_where_no_checkpoint_is_saved_a_warning_says_so(client, tmp_path):
    mine = logger(tmp_path)
    with pytest.warns(UserWarning, match="no checkpoint was saved, so none is logged: give the trainer"):
        fitted(trainer(tmp_path, contract(seed=42), logger=mine, enable_checkpointing=False))
    assert files(client, client.get_run(mine.run_id)) == []


def test_a_run_for_debugging_logs_nothing(client, tmp_path):
    fitted(trainer(tmp_path, contract(seed=42), logger=logger(tmp_path), fast_dev_run=True))
    assert client.search_runs(["1"]) == []


def test_a_training_of_another_process_is_not_logged_twice(client, tmp_path):
    callback = contract(seed=42)

    class Second:
        is_global_zero, fast_dev_run = False, False

    for hook in (callback.on_fit_start, callback.on_train_start, callback.on_test_start, callback.on_fit_end):
        hook(Second(), None)
    assert client.search_runs(["1"]) == []
