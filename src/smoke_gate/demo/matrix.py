"""Runs the training script for every planned pair, into a store of the demo's own."""

import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from smoke_gate.demo.sabotage import SABOTAGES, Sabotage
from smoke_gate.errors import UsageError

_MARK = ".smoke-gate-demo"
_STORE, _ARTIFACTS, _POLICY = "mlflow.db", "artifacts", "smoke-gate.yml"
_URI_VARIABLE = "MLFLOW_TRACKING_URI"
_NAMES = (_STORE, f"{_STORE}-wal", f"{_STORE}-shm", _ARTIFACTS, _POLICY)


class DemoError(UsageError):
    """The demo cannot be made as it was asked for."""


@dataclass(frozen=True, slots=True)
class DemoStore:
    """Where the demo's runs are, and the policy that they are held against."""

    tracking_uri: str
    policy_path: Path


def train(
    directory: Path,
    sabotage: str | None,
    progress: Callable[[str], None],
    *,
    cells: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    epochs: int | None = None,
) -> DemoStore:
    """Preregister the metric and train the matrix, into a fresh store in ``directory``.

    What an earlier demo made there is replaced; anything else there stays, and is a reason to refuse where it has a
    name that the demo needs.

    Args:
        directory: gets ``mlflow.db``, ``artifacts/`` and ``smoke-gate.yml``; made if there is none.
        sabotage: the name of what goes wrong, of ``SABOTAGES``; None: nothing.
        progress: is told each run as it ends, in one line.
        cells: only these of the matrix; all if not given.
        seeds: only these; all if not given.
        epochs: fewer or more than the script's own.

    Raises:
        DemoError: there is no such sabotage, the directory cannot be written to, or it holds a store or policy that is
            not the demo's.

    """
    if sabotage is not None and sabotage not in SABOTAGES:
        raise DemoError(f"unknown sabotage {sabotage!r}; there are {', '.join(SABOTAGES)}")
    broken = SABOTAGES[sabotage] if sabotage else None
    directory = directory.resolve()
    policy = directory / _POLICY
    try:
        _make_room(directory)
        shutil.copyfile(str(files("smoke_gate.demo") / _POLICY), policy)
    except OSError as error:
        raise DemoError(f"{directory} cannot be used: {error.strerror}; choose another --dir") from None
    tracking_uri = f"sqlite:///{directory / _STORE}"
    with quiet_mlflow(tracking_uri):
        _train(directory / _ARTIFACTS, broken, progress, cells, seeds, epochs)
    return DemoStore(tracking_uri, policy)


def _train(
    artifacts: Path,
    broken: Sabotage | None,
    progress: Callable[[str], None],
    cells: Sequence[str] | None,
    seeds: Sequence[int] | None,
    epochs: int | None,
) -> None:
    from mlflow.tracking import MlflowClient

    from smoke_gate import contract
    from smoke_gate.demo import load_forecasting as script

    client = MlflowClient()
    experiment_id = client.create_experiment(script.EXPERIMENT, artifacts.as_uri())
    contract.preregister(dict(script.DEFINITION), script.golden(), experiment=script.EXPERIMENT)
    progress(f"preregistered {script.DEFINITION['metric']}")
    for cell in cells or script.CELLS:
        for seed in seeds or script.SEEDS:
            config = script.Config(cell, seed, **script.CELLS[cell])
            if epochs is not None:
                config = replace(config, epochs=epochs)
            try:
                run_id = script.run(broken.configure(config) if broken else config, experiment_id)
            except FloatingPointError as error:
                progress(f"{cell}/{seed} crashed: {error}")
                continue
            if broken and broken.hits(config):
                broken.accident(client, run_id)
            metrics = client.get_run(run_id).data.metrics
            progress(
                f"{cell}/{seed} "
                + ", ".join(f"{name} {value:.3g}" for name, value in sorted(metrics.items()))
            )


def _make_room(directory: Path) -> None:
    """Make the directory, remove what an earlier demo left in it, and mark it as the demo's."""
    if any(character in str(directory) for character in "%?#"):
        raise DemoError(
            f"{directory}: MLflow opens no SQLite store below a name with %, ? or #; choose another --dir"
        )
    mark = directory / _MARK
    taken = [path for name in _NAMES if (path := directory / name).exists()]
    if taken and not mark.exists():
        raise DemoError(f"{taken[0]} is not the demo's and stays as it is: choose another --dir")
    for path in taken:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    directory.mkdir(parents=True, exist_ok=True)
    mark.write_text("smoke-gate demo replaces the store, artifacts and policy in this directory.\n")


@contextmanager
def quiet_mlflow(tracking_uri: str) -> Iterator[None]:
    """Let the training script's MLflow use the store, without its chatter, and put everything back."""
    import mlflow

    before = os.environ.get(_URI_VARIABLE)  # MLflow keeps what set_tracking_uri said there too
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    mlflow.set_tracking_uri(tracking_uri)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message="no git commit"
            )  # a demo outside a repository is not a mistake
            yield
    finally:
        mlflow.set_tracking_uri(before or "")
        if before is None:
            os.environ.pop(_URI_VARIABLE, None)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
