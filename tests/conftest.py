"""Set-up for all tests."""

import fcntl
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from smoke_gate.demo import train

# A busy machine is not a failure: how long an example takes decides nothing.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """Let Python look for dead cycles more seldom, and not among all that was imported: that is a tenth of the time."""
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.fixture(autouse=True)
def _no_credentials_outlive_their_test() -> Iterator[None]:
    """Forget the credentials that boto3 keeps for the whole process once a test has asked S3."""
    yield
    if boto3 := sys.modules.get("boto3"):
        vars(boto3)["DEFAULT_SESSION"] = None


@pytest.fixture(scope="module", autouse=True)
def _no_connection_outlives_its_module() -> Iterator[None]:
    """Close the connections that MLflow keeps for ever to each database that a test made."""
    yield
    for module in ("tracking", "model_registry"):
        stores = sys.modules.get(f"mlflow.store.{module}.sqlalchemy_store")
        for engine in getattr(getattr(stores, "SqlAlchemyStore", None), "_engine_map", {}).values():
            engine.dispose()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str, testrun_uid: str) -> Path:
    """Train the demo's twelve runs, once for all processes of this test run. Nobody writes into the folder."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder = shared / f"demo-{testrun_uid}"
    with folder.with_suffix(".trained").open("a") as trained:
        fcntl.flock(trained, fcntl.LOCK_EX)
        # Its size of now: another process may have written since it was opened.
        if not os.fstat(trained.fileno()).st_size:
            train(folder, None, lambda line: None)
            trained.write("yes")
    return folder
