import hashlib
import json
from pathlib import Path
from typing import Any

import mlflow
import pytest
from matplotlib.figure import Figure
from PIL import Image

from smoke_gate import contract
from smoke_gate.contract import ContractError
from tests.support.fluent import fluent_store


@pytest.fixture
def store(tmp_path):
    with fluent_store(tmp_path) as client:
        yield client


@pytest.fixture
def run_id(store):
    with mlflow.start_run(experiment_id="1") as active:
        yield active.info.run_id


@pytest.fixture
def artifacts(run_id, tmp_path):
    return tmp_path / "artifacts" / run_id / "artifacts"


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "weights.npz"
    path.write_bytes(b"weights")
    return path


def entry(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


# --- checkpoints ----------------------------------------------------------------------------------------------------


def test_a_checkpoint_and_its_manifest(artifacts, weights):
    """spec: contract-artifacts"""
    assert contract.log_checkpoint(weights) == "checkpoints/weights.npz"
    assert (artifacts / "checkpoints/weights.npz").read_bytes() == b"weights"
    manifest = json.loads((artifacts / "checkpoints/MANIFEST.json").read_text())
    assert manifest == {"checkpoints/weights.npz": entry(b"weights")}


def test_checkpoints_accumulate_and_replace(artifacts, weights, tmp_path):
    contract.log_checkpoint(str(weights), "epoch 1.npz")
    contract.log_checkpoint(weights, "last.npz")
    weights.write_bytes(b"better")
    contract.log_checkpoint(weights, "last.npz")
    manifest = json.loads((artifacts / "checkpoints/MANIFEST.json").read_text())
    assert manifest == {
        "checkpoints/epoch 1.npz": entry(b"weights"),
        "checkpoints/last.npz": entry(b"better"),
    }
    assert (artifacts / "checkpoints/last.npz").read_bytes() == b"better"
    assert weights.read_bytes() == b"better"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../weights.npz", "not a plain file name"),
        ("best/weights.npz", "not a plain file name"),
        ("..", "not a plain file name"),
        ("a\\b", "not a plain file name"),
        ("MANIFEST.json", "give the checkpoint another name"),
    ],
)
def test_no_checkpoint_name(run_id, weights, name, said):
    with pytest.raises(ContractError, match=said):
        contract.log_checkpoint(weights, name)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "expected a file that is not empty"),
        (lambda path: path.touch(), "expected a file that is not empty"),
        (lambda path: None, "there is no such file"),
    ],
)
def test_no_checkpoint(artifacts, tmp_path, make, said):
    make(tmp_path / "model")
    with pytest.raises(ContractError, match=said):
        contract.log_checkpoint(tmp_path / "model")
    assert not artifacts.exists()


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff"])
def test_a_manifest_of_something_else_is_not_overwritten(
    store, run_id, artifacts, weights, tmp_path, content
):
    (tmp_path / "MANIFEST.json").write_bytes(content)
    store.log_artifact(run_id, str(tmp_path / "MANIFEST.json"), "checkpoints")
    with pytest.raises(ContractError, match="is not a JSON object"):
        contract.log_checkpoint(weights)
    assert (artifacts / "checkpoints/MANIFEST.json").read_bytes() == content


# --- figures --------------------------------------------------------------------------------------------------------


def drawn() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([1, 2])
    return figure


def test_a_figure_says_where_it_comes_from(run_id, artifacts):
    """spec: contract-artifacts"""
    sha256 = contract.log_definition({"metric": "pape"})
    assert contract.log_figure(drawn(), "forecast") == "figures/forecast.png"
    text = contract.read_provenance(artifacts / "figures/forecast.png")
    assert json.loads(text["source_run_ids"]) == [run_id]
    assert text["pape_definition_hash"] == sha256


def test_a_figure_of_several_runs(run_id, artifacts, tmp_path):
    Image.new("RGB", (4, 3), "teal").save(tmp_path / "drawn.png")
    before = (tmp_path / "drawn.png").read_bytes()
    contract.log_definition({"metric": "rmse"}, key="rmse_hash")
    sources = ["0" * 32, run_id]
    contract.log_figure(str(tmp_path / "drawn.png"), "cells.png", source_run_ids=sources, key="rmse_hash")
    text = contract.read_provenance(artifacts / "figures/cells.png")
    assert json.loads(text["source_run_ids"]) == sources
    assert set(text) == {"source_run_ids", "rmse_hash"}
    assert (tmp_path / "drawn.png").read_bytes() == before


@pytest.mark.parametrize("key", ["rmse_definition_hash", "rmse_hash"])
def test_a_figure_carries_the_key_that_the_run_logged(key, run_id, artifacts):
    sha256 = contract.log_definition({"metric": "rmse"}, key=key)
    contract.log_figure(drawn(), "forecast")
    assert contract.read_provenance(artifacts / "figures/forecast.png")[key] == sha256


def test_pape_comes_before_another_metric(run_id, artifacts):
    contract.log_definition({"metric": "rmse"}, key="rmse_definition_hash")
    sha256 = contract.log_definition({"metric": "pape"})
    contract.log_figure(drawn(), "forecast")
    assert contract.read_provenance(artifacts / "figures/forecast.png")["pape_definition_hash"] == sha256


@pytest.mark.parametrize(
    ("keys", "named", "said"),
    [
        ([], None, "no param pape_definition_hash: call log_definition before log_figure"),
        (["rmse_hash"], "mae_hash", "no param mae_hash; it has rmse_hash: pass key="),
        (["rmse_hash", "mae_hash"], None, "it has mae_hash and rmse_hash: pass key="),
    ],
)
def test_a_figure_needs_a_definition(keys, named, said, run_id):
    for key in keys:
        contract.log_definition({"metric": key}, key=key)
    with pytest.raises(ContractError, match=said):
        contract.log_figure(drawn(), "forecast", key=named)


def test_a_figure_names_the_run_that_logs_it(run_id):
    contract.log_definition({"metric": "pape"})
    with pytest.raises(ContractError, match=f"lacks the run that logs it, {run_id}"):
        contract.log_figure(drawn(), "forecast", source_run_ids=["0" * 32])


def test_a_figure_is_a_png(run_id, artifacts, tmp_path):
    contract.log_definition({"metric": "pape"})
    (tmp_path / "drawn.png").write_bytes(b"\xff\xd8\xff\xe0 a JPEG")
    with pytest.raises(
        ContractError, match=r"'forecast': not a PNG.*expected a matplotlib Figure or a PNG file"
    ):
        contract.log_figure(tmp_path / "drawn.png", "forecast")
    with pytest.raises(FileNotFoundError):
        contract.log_figure(Path("none.png"), "forecast")
    assert not artifacts.exists()


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".png"])
def test_no_figure_name(run_id, name):
    with pytest.raises(ContractError, match="not a plain file name"):
        contract.log_figure(drawn(), name)
