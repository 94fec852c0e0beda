"""Parts of objects: of S3 by boto3 against a server that speaks its protocol, of the others by stand-in clients."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.store.artifact.azure_blob_artifact_repo import AzureBlobArtifactRepository
from mlflow.store.artifact.azure_data_lake_artifact_repo import AzureDataLakeArtifactRepository
from mlflow.store.artifact.gcs_artifact_repo import GCSArtifactRepository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

from smoke_gate.collect.artifact_stores import MlflowRepository
from smoke_gate.collect.errors import ArtifactError
from tests.support.parts import Served, serving_parts

DATA = bytes(range(256)) * 10


@contextmanager
def bucket(
    monkeypatch, *, knows_ranges: bool = True
) -> Iterator[tuple[MlflowRepository, list[BaseHTTPRequestHandler]]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    served = Served({"/bucket/1/run/artifacts/x/model.npz": DATA}, knows_ranges=knows_ranges)
    with serving_parts(served) as uri:
        monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", uri)
        yield MlflowRepository(S3ArtifactRepository("s3://bucket/1/run/artifacts")), served.asked


def test_s3(monkeypatch):
    with bucket(monkeypatch) as (repository, asked):
        assert repository.part("x/model.npz", 5, 10) == DATA[5:15]
        assert repository.part("x/model.npz", 0, len(DATA)) == DATA
    assert [request.headers["Range"] for request in asked] == ["bytes=5-14", f"bytes=0-{len(DATA) - 1}"]
    assert all("Credential=key/" in request.headers["Authorization"] for request in asked)


def test_s3_that_does_not_know_ranges(monkeypatch):
    with (
        bucket(monkeypatch, knows_ranges=False) as (repository, _),
        pytest.raises(ArtifactError, match="parts"),
    ):
        repository.part("x/model.npz", 5, 10)


def test_s3_without_the_object(monkeypatch):
    with bucket(monkeypatch) as (repository, _), pytest.raises(Exception, match="NoSuchKey"):
        repository.part("x/gone.npz", 5, 10)


def made(kind: type, **attributes: Any) -> MlflowRepository:
    """Make MLflow's repository of a store without the store's own client."""
    repository: Any = object.__new__(kind)
    for name, value in attributes.items():
        setattr(repository, name, value)
    return MlflowRepository(repository)


def test_google():
    class Blob:
        def __init__(self, name: str) -> None:
            assert name == "1/run/artifacts/x/model.npz"

        def download_as_bytes(self, *, start: int, end: int, timeout: float) -> bytes:
            """Return a part as the library does: ``end`` is the last byte."""
            assert timeout == 60
            return DATA[start : end + 1]

    def get(name: str) -> SimpleNamespace:
        assert name == "bucket"
        return SimpleNamespace(blob=Blob)

    repository = made(
        GCSArtifactRepository,
        artifact_uri="gs://bucket/1/run/artifacts",
        client=SimpleNamespace(bucket=get),
        _GCS_DEFAULT_TIMEOUT=60,
    )
    assert repository.part("x/model.npz", 5, 10) == DATA[5:15]


def stream(offset: int, length: int) -> SimpleNamespace:
    return SimpleNamespace(readall=io.BytesIO(DATA[offset : offset + length]).read)


def test_azure_blobs():
    def container(name: str) -> SimpleNamespace:
        assert name == "models"
        return SimpleNamespace(download_blob=download)

    def download(name: str, *, offset: int, length: int) -> SimpleNamespace:
        assert name == "1/run/artifacts/x/model.npz"
        return stream(offset, length)

    uri = "wasbs://models@account.blob.core.windows.net/1/run/artifacts"
    client = SimpleNamespace(get_container_client=container)
    repository = made(AzureBlobArtifactRepository, artifact_uri=uri, client=client)
    assert repository.part("x/model.npz", 5, 10) == DATA[5:15]


def test_azure_data_lake():
    def file(name: str) -> SimpleNamespace:
        assert name == "1/run/artifacts/x/model.npz"
        return SimpleNamespace(download_file=lambda *, offset, length: stream(offset, length))

    repository = made(
        AzureDataLakeArtifactRepository,
        artifact_uri="abfss://models@account.dfs.core.windows.net/1/run/artifacts",
        fs_client=SimpleNamespace(get_file_client=file),
        base_data_lake_directory="1/run/artifacts",
    )
    assert repository.part("x/model.npz", 5, 10) == DATA[5:15]


def test_another_kind_of_store(tmp_path):
    repository = MlflowRepository(LocalArtifactRepository(tmp_path.as_uri()))
    with pytest.raises(ArtifactError, match="parts of files"):
        repository.part("x", 0, 1)
