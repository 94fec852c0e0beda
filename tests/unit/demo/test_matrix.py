import logging
import os
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from smoke_gate import demo
from smoke_gate.contract import definition_hash
from smoke_gate.demo.load_forecasting import DEFINITION
from smoke_gate.demo.matrix import quiet_mlflow
from smoke_gate.errors import SmokeGateError


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small demo, two runs of which the second crashes, into the folder of an earlier one."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "notes.txt").write_text("mine")
    (folder / ".smoke-gate-demo").touch()
    (folder / "mlflow.db").write_bytes(b"an earlier store")
    (folder / "artifacts" / "earlier").mkdir(parents=True)
    (folder / "smoke-gate.yml").write_text("an earlier policy")
    lines: list[str] = []
    store = demo.train(folder, "missing-run", lines.append, cells=["A4"], seeds=[42, 456], epochs=1)
    return folder, store, lines


def test_the_store_holds_the_registration_and_the_last_matrix(trained):
    folder, store, _ = trained
    assert store.tracking_uri == f"sqlite:///{folder / 'mlflow.db'}"
    client = MlflowClient(store.tracking_uri)
    (experiment,) = client.search_experiments(filter_string="name = 'load-forecasting'")
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    assert [(run.info.run_name, run.info.status) for run in runs] == [
        ("preregistration", "FINISHED"),
        ("A4-42", "FINISHED"),
        ("A4-456", "FAILED"),
    ]
    assert runs[0].data.params["pape_definition_hash"] == definition_hash(dict(DEFINITION))
    assert runs[0].info.end_time <= runs[1].info.start_time
    assert experiment.artifact_location == (folder / "artifacts").as_uri()


def test_each_run_is_told_as_it_ends(trained):
    _, _, lines = trained
    assert lines[0] == "preregistered pape"
    assert lines[1].startswith("A4/42 pape ")
    assert lines[2].startswith("A4/456 crashed: training diverged")


def test_the_folder_holds_the_store_the_policy_and_what_was_there(trained):
    folder, store, _ = trained
    assert sorted(path.name for path in folder.iterdir()) == [
        ".smoke-gate-demo",
        "artifacts",
        "mlflow.db",
        "notes.txt",
        "smoke-gate.yml",
    ]
    assert store.policy_path == folder / "smoke-gate.yml"
    assert store.policy_path.read_bytes() == Path(demo.__file__).with_name("smoke-gate.yml").read_bytes()
    assert not (folder / "artifacts" / "earlier").exists()


@pytest.mark.parametrize("name", ["mlflow.db", "artifacts", "smoke-gate.yml"])
def test_what_is_not_the_demos_stays(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(
        SmokeGateError, match=f"{name} is not the demo's and stays as it is: choose another --dir"
    ):
        demo.train(tmp_path, None, lambda line: None)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_folder_that_mlflow_cannot_open(tmp_path):
    with pytest.raises(SmokeGateError, match="choose another --dir"):
        demo.train(tmp_path / "50%", None, lambda line: None)
    assert not (tmp_path / "50%").exists()


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        SmokeGateError, match="file/demo cannot be used: Not a directory; choose another --dir"
    ):
        demo.train(tmp_path / "file" / "demo", None, lambda line: None)


def test_an_unknown_sabotage(tmp_path):
    with pytest.raises(SmokeGateError, match="unknown sabotage 'sabot'; there are missing-run, unplanned-vq"):
        demo.train(tmp_path / "demo", "sabot", lambda line: None)
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("before", [None, "sqlite:///before.db"])
def test_the_callers_store_and_log_levels_are_put_back(monkeypatch, before):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    mlflow.set_tracking_uri(before or "")
    logging.getLogger("alembic").setLevel(logging.INFO)
    with quiet_mlflow("sqlite:///demo.db"):
        assert mlflow.get_tracking_uri() == "sqlite:///demo.db"
        assert not logging.getLogger("alembic").isEnabledFor(logging.WARNING)
    assert (os.environ.get("MLFLOW_TRACKING_URI") or None) == before
    assert mlflow.get_tracking_uri() == before or before is None
    assert logging.getLogger("alembic").level == logging.INFO
    mlflow.set_tracking_uri("")
