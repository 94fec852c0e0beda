"""Set-up for all tests."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is not a failure: how long an example takes decides nothing.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


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
