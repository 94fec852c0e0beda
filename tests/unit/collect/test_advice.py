"""Advice follows what happened: real clients of MLflow and S3 are asked, and fail as they do for users."""

import re
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

from smoke_gate.collect.errors import RefusedPlaceError, StoreError
from smoke_gate.collect.mlflow_calls import explained
from smoke_gate.collect.mlflow_environment import calm_mlflow
from smoke_gate.collect.served import ENDPOINT, ServedArtifacts
from smoke_gate.origins import origin_of
from tests.support.http import answering
from tests.support.mlflow_server import free_port


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """Nothing that this machine's user has set up."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it keeps the credentials that it found first
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with calm_mlflow():
        yield


def said(function, store: str) -> str:
    with pytest.raises(StoreError) as raised:
        explained(store, function)
    return str(raised.value)


def bucket(uri: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what is said of a bucket whose service is at ``uri``."""
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", uri)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    repository: S3ArtifactRepository = S3ArtifactRepository("s3://bucket/x")
    return said(repository.list_artifacts, "s3://bucket")


def test_an_object_store_that_refuses_access(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "one-CANARY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "two-CANARY")
    refusal = b"<Error><Code>AccessDenied</Code><Message>one-CANARY may not</Message></Error>"
    with answering(lambda _request: (403, refusal)) as uri:
        message = bucket(uri, monkeypatch)
    assert re.match(
        r"s3://bucket refuses access .* Check AWS_ACCESS_KEY_ID and .*may list and read", message
    ), message
    assert "CANARY" not in message
    assert "MLFLOW" not in message


def test_an_object_store_without_credentials(monkeypatch):
    message = bucket(f"http://127.0.0.1:{free_port()}", monkeypatch)
    assert message.startswith(
        "s3://bucket holds the artifacts, and no credentials for it were found. Set AWS_ACCESS"
    )


@pytest.mark.parametrize("uri", ["databricks", "databricks://stage"])
def test_databricks_without_credentials(monkeypatch, uri):
    for name in ("HOST", "TOKEN", "CONFIG_PROFILE", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(f"DATABRICKS_{name}", raising=False)
    assert said(MlflowClient(uri).search_experiments, uri) == (
        f"{uri} needs credentials, and none were found. Set DATABRICKS_HOST and DATABRICKS_TOKEN, or name a profile of "
        "~/.databrickscfg: databricks://PROFILE"
    )


def test_an_object_store_that_is_down(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "one")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "two")
    assert bucket(f"http://127.0.0.1:{free_port()}", monkeypatch).startswith("cannot connect to s3://bucket")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_that_is_down(monkeypatch, variable):
    port = free_port()
    monkeypatch.setenv(variable, f"http://me:pw-CANARY@127.0.0.1:{port}")
    message = said(MlflowClient("http://mlflow.invalid").search_experiments, "http://mlflow.invalid")
    assert message == (
        f"http://mlflow.invalid is asked through the proxy http://127.0.0.1:{port}, which fails (connection refused). "
        "Check HTTP_PROXY and ALL_PROXY, or name the host in NO_PROXY to ask it without a proxy"
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_netrc_that_takes_the_place_of_a_token(monkeypatch, tmp_path, status):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "right-CANARY")
    with answering(
        lambda request: (200, b"{}") if "Bearer" in request.headers["Authorization"] else (status, b"no")
    ) as uri:
        assert MlflowClient(uri).search_experiments() == []
        Path(tmp_path, "netrc").write_text("machine 127.0.0.1 login me password wrong-CANARY\n")
        message = said(MlflowClient(uri).search_experiments, uri)
    assert (
        "~/.netrc (or the file in NETRC) has an entry for 127.0.0.1, which is sent in place of these"
        in message
    )
    assert "CANARY" not in message


@pytest.mark.parametrize("status", [401, 403])
def test_an_allowed_host_that_asks_for_credentials(tmp_path, status):
    with answering(lambda _request: (status, b"")) as uri:
        folder = ServedArtifacts(origin_of(uri), f"/api/2.0{ENDPOINT}/1/run")
        with pytest.raises(RefusedPlaceError, match=r"without credentials .*-with-credentials"):
            folder.list_artifacts()
