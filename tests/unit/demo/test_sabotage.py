import io
import sys
from dataclasses import replace
from subprocess import run as start

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from smoke_gate import contract
from smoke_gate.demo import SABOTAGES
from smoke_gate.demo.load_forecasting import CELLS, SEEDS, Config, run
from smoke_gate.gates import BUILT_IN
from tests.support.fluent import fluent_store

pytestmark = pytest.mark.filterwarnings("ignore:no git commit")
MATRIX = [Config(cell, seed, **CELLS[cell]) for cell in CELLS for seed in SEEDS]


@pytest.fixture
def store(tmp_path):
    with fluent_store(tmp_path) as client:
        yield client


def changed(name: str) -> tuple[Config, Config]:
    """Return the first run that a sabotage hits, as planned and as really made."""
    planned = next(config for config in MATRIX if SABOTAGES[name].hits(config))
    return planned, SABOTAGES[name].configure(planned)


def params_of(store: MlflowClient, config: Config) -> dict[str, str]:
    return dict(store.get_run(run(config, "1")).data.params)


def short(config: Config) -> Config:
    return replace(config, epochs=1, batches_per_epoch=2)


def test_every_gate_has_one_to_catch():
    assert {sabotage.gate for sabotage in SABOTAGES.values()} == {gate.id for gate in BUILT_IN}
    assert all(sabotage.name == name and sabotage.description for name, sabotage in SABOTAGES.items())


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_sabotage_touches_its_runs_and_no_other(name):
    sabotage = SABOTAGES[name]
    hit = [config for config in MATRIX if sabotage.hits(config)]
    assert len(hit) == (1 if sabotage.seed else 3)
    assert {config.cell for config in hit} == {sabotage.cell}
    assert all(
        (sabotage.configure(config) != config) == (config in hit and bool(sabotage.settings))
        for config in MATRIX
    )


@pytest.mark.parametrize(
    ("name", "differing"),
    [
        ("definition", {"pape_definition_hash", "pape_definition_hash_payload", "peak_half_hours"}),
        ("unit", {"vq_input_unit"}),
        ("scaler", {"vq_scaler_space_signature", "vq_scaler_days"}),
        (
            "data",
            {
                "train_data_hash",
                "val_data_hash",
                "test_data_hash",
                "outliers_above_kw",
                "dlinear_output_scaler_space_signature",
            },
        ),
        ("unplanned-vq", {"use_vq", "vq_input_unit", "vq_scaler_space_signature"}),
        ("ratio", {"train_windows"}),
        ("subset", {"test_days", "test_count"}),
        ("overlap", {"train_on_test", "train_count", "data_overlap"}),
        ("drift", {"learning_rate", "batch_size"}),
    ],
)
def test_a_wrong_setting_shows_in_what_the_run_logs(store, name, differing):
    planned, made = changed(name)
    right, wrong = params_of(store, short(planned)), params_of(store, short(made))
    assert {key for key in right.keys() | wrong.keys() if right.get(key) != wrong.get(key)} == differing


def test_a_learnt_subset_overfits(store):
    planned, made = changed("ratio")
    ratio = {}
    for config in (planned, made):
        metrics = store.get_run(run(replace(config, epochs=4), "1")).data.metrics
        ratio[config] = metrics["val_loss"] / metrics["train_loss"]
    assert 0.2 <= ratio[planned] <= 5.0 < ratio[made]


def test_the_missing_run_crashes(store):
    _, made = changed("missing-run")
    with pytest.raises(FloatingPointError):
        run(made, "1")


def test_the_checkpoint_is_cut_off(store, tmp_path):
    _, made = changed("checkpoint")
    run_id = run(short(made), "1")
    path = tmp_path / "artifacts" / run_id / "artifacts" / "checkpoints" / "model.safetensors"
    before = path.read_bytes()
    SABOTAGES["checkpoint"].accident(store, run_id)
    assert path.read_bytes() == before[: len(before) * 2 // 3]


def test_the_run_of_an_older_library_says_so(store):
    _, made = changed("environment")
    run_id = run(short(made), "1")
    before = store.get_run(run_id).data.tags
    SABOTAGES["environment"].accident(store, run_id)
    assert before["environment.numpy"] == np.__version__
    assert store.get_run(run_id).data.tags == before | {"environment.numpy": "1.26.4"}


def test_the_shorter_training_ends_earlier(store):
    planned, made = changed("budget")
    ends = []
    for config in (planned, made):
        run_id = run(replace(config, batches_per_epoch=1), "1")
        ends.append(store.get_metric_history(run_id, "val_loss")[-1].step)
    assert ends == [6, 3]


def test_the_figure_loses_its_text_and_no_pixel(store, tmp_path):
    _, made = changed("figure")
    run_id = run(short(made), "1")
    path = tmp_path / "artifacts" / run_id / "artifacts" / "figures" / "forecast.png"
    before = path.read_bytes()
    SABOTAGES["figure"].accident(store, run_id)
    assert contract.read_provenance(path) == {}
    with Image.open(io.BytesIO(before)) as old, Image.open(path) as new:
        assert np.array_equal(np.asarray(old), np.asarray(new))


def test_the_command_line_can_list_them_without_paying_for_mlflow():
    program = (
        "import sys; from smoke_gate.demo import SABOTAGES; print({'mlflow', 'numpy'} & set(sys.modules))"
    )
    assert (
        start([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "set()\n"
    )
