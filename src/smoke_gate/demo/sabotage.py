"""The ways in which a smoke matrix breaks in life: a wrong setting of some runs, or an accident after one of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from smoke_gate.vocabulary import ENVIRONMENT_PREFIX

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from smoke_gate.demo.load_forecasting import Config


def _nothing(_client: "MlflowClient", _run_id: str) -> None:
    """Leave the run as it is."""


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One way to break the matrix.

    ``gate`` must catch it. ``settings`` replace those of the runs of ``cell`` (all its seeds where ``seed`` is None),
    and ``accident`` happens to those runs when they have finished.
    """

    name: str
    description: str
    gate: str
    cell: str
    seed: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    accident: "Callable[[MlflowClient, str], None]" = _nothing

    def hits(self, config: "Config") -> bool:
        """Tell whether a run is among those that it breaks."""
        return config.cell == self.cell and self.seed in (None, config.seed)

    def configure(self, config: "Config") -> "Config":
        """Return the settings with which a run is really made."""
        return replace(config, **self.settings) if self.hits(config) else config


def _cut_off_upload(client: "MlflowClient", run_id: str) -> None:
    """Log the checkpoint again, by a connection that broke after two thirds."""
    with TemporaryDirectory() as folder:
        path = Path(client.download_artifacts(run_id, "checkpoints/model.safetensors", folder))
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) * 2 // 3])
        client.log_artifact(run_id, str(path), "checkpoints")


def _recompress_figure(client: "MlflowClient", run_id: str) -> None:
    """Save the figure by an image tool that keeps the pixels and drops the text chunks."""
    from PIL import Image

    with TemporaryDirectory() as folder:
        path = Path(client.download_artifacts(run_id, "figures/forecast.png", folder))
        with Image.open(path) as image:
            pixels = image.copy()
        pixels.info.clear()
        pixels.save(path, optimize=True)
        client.log_artifact(run_id, str(path), "figures")


def _older_numpy(client: "MlflowClient", run_id: str) -> None:
    """Let the run say what it would say of a machine that nobody has brought up to date."""
    client.set_tag(run_id, f"{ENVIRONMENT_PREFIX}numpy", "1.26.4")


SABOTAGES: Mapping[str, Sabotage] = {
    sabotage.name: sabotage
    for sabotage in (
        Sabotage(
            "missing-run",
            "A4/456 was started with a learning rate of 5 for 5e-4, and crashed when the loss exploded",
            gate="G0",
            cell="A4",
            seed=456,
            settings={"learning_rate": 5.0},
        ),
        Sabotage(
            "unplanned-vq",
            "a wrong flag trained B1, a cell without quantiser, with use_vq=True",
            gate="G0",
            cell="B1",
            settings={"use_vq": True},
        ),
        Sabotage(
            "definition",
            "A4 computes PAPE over the four highest half hours of a day, not over the highest",
            gate="G1",
            cell="A4",
            settings={"peak_half_hours": 4},
        ),
        Sabotage(
            "unit",
            "the quantiser of A3 gets the series in kW, its codes are standardised",
            gate="G2",
            cell="A3",
            settings={"vq_input_unit": "kW"},
        ),
        Sabotage(
            "scaler",
            "the quantiser of A4 has a scaler of its own, fitted to all 84 days, test days included",
            gate="G2",
            cell="A4",
            settings={"vq_scaler_days": 84},
        ),
        Sabotage(
            "checkpoint",
            "the upload of A3/123's checkpoint broke off",
            gate="G3",
            cell="A3",
            seed=123,
            accident=_cut_off_upload,
        ),
        Sabotage(
            "figure",
            "B1/42's figure was saved again by a tool that strips the text chunks",
            gate="G4",
            cell="B1",
            seed=42,
            accident=_recompress_figure,
        ),
        Sabotage(
            "ratio",
            "A4 was trained with a debugging limit of 64 windows left on, and learnt them by heart",
            gate="G5",
            cell="A4",
            settings={"train_windows": 64},
        ),
        Sabotage(
            "data",
            "B1 has a filter of outliers of its own, which cut off its peaks at 36 GW",
            gate="G6",
            cell="B1",
            settings={"outliers_above_kw": 36e6},
        ),
        Sabotage(
            "environment",
            "A3/456 was trained on another machine, which still has numpy 1.26",
            gate="G7",
            cell="A3",
            seed=456,
            accident=_older_numpy,
        ),
        Sabotage(
            "subset",
            "B1 was evaluated with a debugging limit of 7 test days left on, the other cells on 14",
            gate="G7",
            cell="B1",
            settings={"test_days": 7},
        ),
        Sabotage(
            "budget",
            "B0/123 was trained for 3 epochs, the other runs for 6",
            gate="G7",
            cell="B0",
            seed=123,
            settings={"epochs": 3},
        ),
        Sabotage(
            "overlap",
            "A4 had the test windows among its training windows",
            gate="G7",
            cell="A4",
            settings={"train_on_test": True},
        ),
        Sabotage(
            "drift",
            "A3/42 was tuned by hand: another learning rate and another batch size than the other seeds",
            gate="G7",
            cell="A3",
            seed=42,
            settings={"learning_rate": 1e-3, "batch_size": 32},
        ),
    )
}
