import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smoke_gate import contract
from smoke_gate.demo import load_forecasting as script
from smoke_gate.demo.load_forecasting import CELLS, DEFINITION, Config, golden, pape, run
from tests.support.fluent import fluent_store

COMMITS = pytest.mark.filterwarnings("ignore:no git commit")
EXAMPLE = Path(__file__).parents[3] / "examples" / "load_forecasting"
PACKAGED = Path(script.__file__).parent


@pytest.fixture
def store(tmp_path):
    with fluent_store(tmp_path) as client:
        yield client


@pytest.mark.parametrize(
    ("example", "packaged"),
    [
        ("train.py", "load_forecasting.py"),
        ("definition.json", "definition.json"),
        ("smoke-gate.yml", "smoke-gate.yml"),
    ],
)
def test_the_demo_runs_the_example(example, packaged):
    assert (EXAMPLE / example).read_bytes() == (PACKAGED / packaged).read_bytes()


def test_pape_by_hand():
    actual = np.array([[50.0, 100.0, 80.0], [200.0, 150.0, 10.0]])
    forecast = np.array([[110.0, 100.0, 80.0], [1.0, 170.0, 10.0]])
    assert pape(actual, forecast) == pytest.approx((10.0 + 15.0) / 2)
    assert pape(actual, forecast, peak_half_hours=2) == pytest.approx((100 * 15 / 90 + 100 * 85 / 175) / 2)


def test_the_golden_tensor_agrees_with_the_metric_and_tells_definitions_apart():
    example = golden()
    assert pape(example.inputs["actual"], example.inputs["forecast"]) == pytest.approx(
        example.expected["pape"], rel=1e-12
    )
    same_hour = 100 * np.abs(example.inputs["forecast"] / example.inputs["actual"] - 1)[:, -1].mean()
    assert same_hour != pytest.approx(example.expected["pape"], rel=0.1)


def test_the_definition_is_logged_as_it_was_registered():
    assert Config("B0", 42).definition == dict(DEFINITION)
    assert Config("B0", 42, peak_half_hours=4).definition != dict(DEFINITION)


@COMMITS
@pytest.mark.parametrize("cell", CELLS)
def test_a_run_logs_what_the_gates_need(store, tmp_path, cell):
    run_id = run(Config(cell, 42, epochs=2, batches_per_epoch=4, **CELLS[cell]), "1")
    logged = store.get_run(run_id)
    params, vq = logged.data.params, cell in ("A3", "A4")
    assert logged.info.status == "FINISHED"
    assert (params["cell"], params["seed"], params["use_vq"]) == (cell, "42", str(vq))
    assert params["pape_definition_hash"] == contract.definition_hash(dict(DEFINITION))
    assert params["dlinear_output_unit"] == "standardized"
    assert params.get("vq_input_unit") == ("standardized" if vq else None)
    signature = params["dlinear_output_scaler_space_signature"]
    assert params.get("vq_scaler_space_signature") == (signature if vq else None)
    assert len({params[f"{part}_data_hash"] for part in ("train", "val", "test")}) == 3
    counts = {"train_count": "2305", "val_count": "625", "test_count": "14", "data_overlap": "0"}
    assert counts.items() <= params.items()
    assert logged.data.tags["environment.numpy"] == np.__version__
    assert all(np.isfinite(logged.data.metrics[name]) for name in ("train_loss", "val_loss", "pape"))
    assert [point.step for point in store.get_metric_history(run_id, "val_loss")] == [1, 2]
    assert not [value for value in params.values() if str(tmp_path) in value or str(PACKAGED) in value]

    folder = tmp_path / "artifacts" / run_id / "artifacts"
    manifest = json.loads((folder / "checkpoints" / "MANIFEST.json").read_text())
    assert set(manifest) == {"checkpoints/model.safetensors", "checkpoints/optimizer.npz"}
    for figure in ("forecast", "losses"):
        text = contract.read_provenance(folder / "figures" / f"{figure}.png")
        assert json.loads(text["source_run_ids"]) == [run_id]
        assert text["pape_definition_hash"] == params["pape_definition_hash"]


@COMMITS
def test_a_seed_decides_the_run_and_another_seed_another(store):
    config = Config("A3", 42, epochs=1, batches_per_epoch=4, **CELLS["A3"])
    first, again, other = (
        store.get_run(run(one, "1")).data.metrics for one in (config, config, replace(config, seed=43))
    )
    assert first == again
    assert all(first[name] != other[name] for name in first)


@COMMITS
def test_a_run_that_diverges_is_failed(store):
    with pytest.raises(FloatingPointError, match=r"training diverged: loss .* in epoch 1"):
        run(Config("B0", 42, learning_rate=5.0), "1")
    assert [found.info.status for found in store.search_runs(["1"])] == ["FAILED"]


@COMMITS
def test_the_command_line_registers_then_trains(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(script, "EXPERIMENT", "stage05")
    monkeypatch.setattr(script, "CELLS", {"B0": {"epochs": 1, "batches_per_epoch": 1}})
    monkeypatch.setattr("sys.argv", ["train.py", "--preregister"])
    script.main()
    monkeypatch.setattr("sys.argv", ["train.py", "--seeds", "42", "123"])
    script.main()
    pairs = [
        (found.data.params.get("cell"), found.data.params.get("seed")) for found in store.search_runs(["1"])
    ]
    assert sorted(pairs, key=str) == [("B0", "123"), ("B0", "42"), (None, None)]
