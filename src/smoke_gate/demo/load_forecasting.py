"""Train the smoke matrix of a load forecaster, and log each run so that smoke-gate can judge it.

    python train.py --preregister    # once, before the first run
    python train.py
    smoke-gate check

Four cells (B0, B1: DLinear, without and with instance normalisation; A3, A4: on windows that a codebook of 16 or 64
codes has quantised) with three seeds each, on half-hourly electricity demand. The store is MLflow's:
``MLFLOW_TRACKING_URI``, else ``sqlite:///mlflow.db``.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import numpy as np
from matplotlib.figure import Figure

from smoke_gate import contract
from smoke_gate.demo.data import Scaler, Values, Windows, load_demand, split, windows
from smoke_gate.demo.model import Adam, Codebook, DLinear, mean_squared_error, save_safetensors

EXPERIMENT = "load-forecasting"
DEFINITION: Mapping[str, Any] = json.loads(Path(__file__).with_name("definition.json").read_text())
CELLS: Mapping[str, Mapping[str, Any]] = {
    "B0": {},
    "B1": {"instance_norm": True},
    "A3": {"use_vq": True, "codebook_size": 16},
    "A4": {"use_vq": True, "codebook_size": 64},
}
SEEDS = (42, 123, 456)


@dataclass(frozen=True)
class Config:
    """The settings of one run."""

    cell: str
    seed: int
    use_vq: bool = False
    instance_norm: bool = False
    codebook_size: int = 16
    vq_input_unit: str = "standardized"  # the series that the quantiser gets
    vq_scaler_days: int = 56  # the days that its scaler is fitted to
    train_days: int = 56
    val_days: int = 14
    outliers_above_kw: float | None = None  # where a filter of outliers cuts off the demand
    train_windows: int | None = None  # for debugging: train on the first few windows only
    train_on_test: bool = False  # for debugging: can the model learn the test windows at all?
    test_days: int | None = None  # for debugging: evaluate on the first few days only
    learning_rate: float = 5e-4
    epochs: int = 6
    batches_per_epoch: int = 48
    batch_size: int = (
        16  # products this small stay on one thread: BLAS threads wait for each other on a busy machine
    )
    peak_half_hours: int = DEFINITION["peak_half_hours"]

    @property
    def definition(self) -> dict[str, Any]:
        """The definition of the metric that this run computes."""
        return {**DEFINITION, "peak_half_hours": self.peak_half_hours}


def pape(actual: Values, forecast: Values, peak_half_hours: int = DEFINITION["peak_half_hours"]) -> float:
    """Return the peak absolute percentage error, as definition.json defines it, of days of shape (n, 48) in kW."""
    actual_peak, forecast_peak = (
        np.sort(days)[:, -peak_half_hours:].mean(axis=1) for days in (actual, forecast)
    )
    return float(100.0 * np.mean(np.abs(forecast_peak - actual_peak) / actual_peak))


def golden() -> contract.Golden:
    """Return two days whose PAPE is known by hand: peaks 100 and 200, forecast (at another hour) as 110 and 170."""
    day = np.arange(53.0, 101.0)
    actual = np.stack([day, 2.0 * day])
    forecast = np.stack([1.1 * day, 1.7 * day])[:, ::-1]
    return contract.Golden({"actual": actual, "forecast": forecast}, {"pape": 12.5})


def run(config: Config, experiment_id: str) -> str:
    """Train and log one run; return its id.

    Raises:
        FloatingPointError: the training diverged. The run is FAILED then.

    """
    name = f"{config.cell}-{config.seed}"
    with (
        mlflow.start_run(experiment_id=experiment_id, run_name=name) as active,
        TemporaryDirectory() as folder,
    ):
        log_settings(config)
        rng = np.random.default_rng(config.seed)
        demand = np.minimum(load_demand(), config.outliers_above_kw or np.inf)
        splits = split(demand, train_days=config.train_days, val_days=config.val_days)
        contract.log_data_hashes(train=splits.train, val=splits.val, test=splits.test)
        scaler = Scaler.fit(splits.train)
        contract.log_scaler_space(dlinear_output_scaler_space_signature=signature(scaler))
        contract.log_units(dlinear_output_unit="standardized")
        raw = windows(splits)
        if config.train_on_test:
            raw["train"] = raw["train"].followed_by(raw["test"])
        contract.data_overlap(raw["train"].targets, raw["test"].targets)
        data = {
            part: Windows(scaler.standardize(w.inputs), scaler.standardize(w.targets))
            for part, w in raw.items()
        }
        if config.use_vq:
            data = quantized(config, data, raw, demand, rng)

        model = DLinear(instance_norm=config.instance_norm, rng=rng)
        optimizer = Adam(config.learning_rate)
        losses = train(config, model, optimizer, data, rng)

        actual = raw["test"].targets[::48][: config.test_days]  # one forecast a day
        forecast = scaler.restore(model.predict(data["test"].inputs[::48][: config.test_days]))
        contract.log_counts(train=raw["train"].inputs, val=raw["val"].inputs, test=actual)
        mlflow.log_metric("pape", pape(actual, forecast, config.peak_half_hours))

        weights, state = Path(folder, "model.safetensors"), Path(folder, "optimizer.npz")
        save_safetensors(weights, model.weights)
        optimizer.save(state)
        contract.log_checkpoint(weights)
        contract.log_checkpoint(state)
        contract.log_figure(draw_forecast(name, actual, forecast), "forecast")
        contract.log_figure(draw_losses(name, losses), "losses")
        return str(active.info.run_id)


def log_settings(config: Config) -> None:
    """Log which planned pair this is, how it is made, and with what."""
    contract.log_plan(cell=config.cell, seed=config.seed)
    contract.log_environment()
    contract.log_definition(config.definition)
    logged_elsewhere = ("cell", "seed", "vq_input_unit")
    mlflow.log_params({key: value for key, value in asdict(config).items() if key not in logged_elsewhere})


def signature(scaler: Scaler) -> str:
    """Return the text by which two stages know that one fitted scaler made both."""
    return "standard-" + contract.data_hash(np.array([scaler.mean, scaler.std]))


def quantized(
    config: Config,
    data: dict[str, Windows],
    raw: dict[str, Windows],
    demand: Values,
    rng: np.random.Generator,
) -> dict[str, Windows]:
    """Return ``data`` with its inputs quantised by a codebook of the training series, and log what it got."""
    scaler = Scaler.fit(demand[: config.vq_scaler_days * 48])
    contract.log_scaler_space(vq_scaler_space_signature=signature(scaler))
    contract.log_units(vq_input_unit=config.vq_input_unit)
    codebook = Codebook(scaler.standardize(demand[: config.train_days * 48]), config.codebook_size, rng)
    series = {part: scaler.standardize(w.inputs) for part, w in raw.items()}
    if config.vq_input_unit == "kW":
        series = {part: w.inputs for part, w in raw.items()}
    return {part: Windows(codebook.quantize(series[part]), w.targets) for part, w in data.items()}


def train(
    config: Config, model: DLinear, optimizer: Adam, data: dict[str, Windows], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Train by mini-batches, log both losses of each epoch and return them."""
    inputs, targets = (
        values[: config.train_windows] for values in (data["train"].inputs, data["train"].targets)
    )
    losses = []
    for epoch in range(1, config.epochs + 1):
        for _ in range(config.batches_per_epoch):
            batch = rng.integers(0, len(inputs), config.batch_size)
            optimizer.update(model.weights, model.gradients(inputs[batch], targets[batch]))
        train_loss = mean_squared_error(model, inputs, targets)
        val_loss = mean_squared_error(model, data["val"].inputs, data["val"].targets)
        mlflow.log_metrics({"train_loss": train_loss, "val_loss": val_loss}, step=epoch)
        losses.append((train_loss, val_loss))
        if not train_loss < 10.0:  # the targets' variance is 1: forecasting their mean costs that much
            raise FloatingPointError(f"training diverged: loss {train_loss:.3g} in epoch {epoch}")
    return losses


def draw_forecast(name: str, actual: Values, forecast: Values) -> Figure:
    """Draw the first week of the test split and its forecasts; both of shape (days, 48), in kW."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    for days, label, style in ((actual, "demand", "-"), (forecast, "forecast", "--")):
        axes.plot(np.arange(7 * 48) / 48.0, days[:7].ravel() / 1e6, style, label=label)
    axes.set(title=f"{name}: first test week", xlabel="day", ylabel="GW")
    axes.legend()
    return figure


def draw_losses(name: str, losses: list[tuple[float, float]]) -> Figure:
    """Draw the losses by epoch."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(losses) + 1), losses, label=["train", "validation"])
    axes.set(title=f"{name}: mean squared error", xlabel="epoch", ylabel="standardised", yscale="log")
    axes.legend()
    return figure


def main() -> None:
    """Preregister the metric, or train what the command line names: by default the whole matrix."""
    parser = argparse.ArgumentParser(description="Train the smoke matrix of the load forecaster.")
    parser.add_argument(
        "--preregister", action="store_true", help="log the metric's definition, train nothing"
    )
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    arguments = parser.parse_args()
    if arguments.preregister:
        contract.preregister(dict(DEFINITION), golden(), experiment=EXPERIMENT)
        return
    experiment_id = mlflow.set_experiment(EXPERIMENT).experiment_id
    for cell in arguments.cells:
        for seed in arguments.seeds:
            run(Config(cell, seed, **CELLS[cell]), experiment_id)


if __name__ == "__main__":
    main()
