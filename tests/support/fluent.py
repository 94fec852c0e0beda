"""An empty SQLite store that fluent MLflow logs to, for tests of what training scripts do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow import MlflowClient

from tests.support.stores import sqlite_store


@contextmanager
def fluent_store(folder: Path) -> Iterator[MlflowClient]:
    """Make ``folder / "mlflow.db"`` MLflow's store, with the experiment ``stage05`` (id 1); yield a client of it."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    client = sqlite_store(folder / "mlflow.db")
    client.create_experiment("stage05", (folder / "artifacts").as_uri())
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    try:
        yield client
    finally:
        while mlflow.active_run():
            mlflow.end_run()
        mlflow.set_tracking_uri(before or "")
        if before is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
