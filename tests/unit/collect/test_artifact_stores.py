from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mlflow.store.artifact import artifact_repository_registry

from smoke_gate.collect.artifact_stores import MlflowRepository, RecordedPlace, artifact_store, underlying
from smoke_gate.collect.errors import RefusedPlaceError, StoreError
from smoke_gate.collect.locations import Kind
from smoke_gate.collect.served import ServedArtifacts
from smoke_gate.collect.store import Store
from smoke_gate.origins import ArtifactHost, origin_of

API = "/api/2.0/mlflow-artifacts/artifacts"
HOME = "http://me:pw@home:5000/prefix"
ALLOWED = (
    ArtifactHost(origin_of("http://plain.example:8080")),
    ArtifactHost(origin_of("https://trusted.example"), with_credentials=True),
)


def store(uri: str = HOME, kind: Kind = "server", client: Any = None) -> Store:
    return Store(
        opened=lambda: cast("Any", client), uri=uri, name="STORE", kind=kind, folder=None, scratch=Path(), patience=5,
        artifact_hosts=ALLOWED,
    )  # fmt: skip


SQLITE = store("sqlite:///x.db", "sqlite")


@pytest.mark.parametrize(
    ("uri", "name", "url", "credentials", "user_info"),
    [
        ("mlflow-artifacts:/1/r", "STORE", f"http://home:5000/prefix{API}/1/r", True, "me:pw@"),
        ("mlflow-artifacts://home:5000/1/r", "STORE", f"http://home:5000/prefix{API}/1/r", True, "me:pw@"),
        (f"http://home:5000{API}/1/r", "STORE", f"http://home:5000{API}/1/r", True, "me:pw@"),
        (f"http://you:guess@home:5000{API}/1/r", "STORE", f"http://home:5000{API}/1/r", True, "me:pw@"),
        (f"http://plain.example:8080{API}/1/r?x=1", "http://plain.example:8080", f"http://plain.example:8080{API}/1/r",
         False, ""),
        (f"https://you:guess@trusted.example{API}/1/r", "https://trusted.example", f"https://trusted.example{API}/1/r",
         True, "me:pw@"),
        ("mlflow-artifacts://plain.example:8080/1/r", "http://plain.example:8080",
         f"http://plain.example:8080/prefix{API}/1/r", False, ""),
    ],
)  # fmt: skip
def test_who_is_asked_and_with_which_credentials(uri, name, url, credentials, user_info):
    """spec: credentials-home"""
    found, repository = artifact_store(uri, store())
    assert isinstance(repository, ServedArtifacts)
    assert found == name
    assert f"{repository.origin}{repository.path}" == url
    assert (repository.with_credentials, repository.user_info) == (credentials, user_info)


def test_an_allowed_host_serves_artifacts_of_a_store_that_is_read_without_a_server():
    name, _ = artifact_store("mlflow-artifacts://plain.example:8080/1/r", SQLITE)
    assert name == "http://plain.example:8080"


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        (f"http://elsewhere.example{API}/x", "http://elsewhere.example"),
        (f"https://home:5000{API}/x", "https://home:5000"),
        (f"http://home:5001{API}/x", "http://home:5001"),
        (f"http://home{API}/x", "http://home"),
        (f"http://home:5000@elsewhere.example{API}/x", "http://elsewhere.example"),
        (f"http://plain.example{API}/x", "http://plain.example"),
        ("http://169.254.169.254/latest/meta-data", "http://169.254.169.254"),
        ("mlflow-artifacts://elsewhere.example:5000/x", "http://elsewhere.example:5000"),
        ("http://home:5000/another/path", "http://home:5000"),
        ("http://home:5000\\@elsewhere.example/x", "http://elsewhere.example"),
        ("ftp://me:CANARY@elsewhere.example/x", "ftp://elsewhere.example"),
        ("sftp://elsewhere.example/x", "sftp://elsewhere.example"),
        ("hdfs://elsewhere.example/x", "hdfs://elsewhere.example"),
        ("viewfs://elsewhere.example/x", "viewfs://elsewhere.example"),
        ("r2://bucket@elsewhere.example/x", "r2://elsewhere.example"),
        ("b2://bucket@elsewhere.example/x", "b2://elsewhere.example"),
        ("abfss://files@elsewhere.example/x", "abfss://elsewhere.example"),
        ("abfss://files@dfs.core.windows.net.elsewhere.example/x", "elsewhere.example"),
        ("wasbs://files@elsewhere.example/x", "wasbs://elsewhere.example"),
        ("s3://elsewhere.example:443/x", "s3://elsewhere.example:443"),
        ("s3://me:CANARY@bucket/x", "s3://bucket"),
        ("s3://", "s3:"),
        ("gs:///x", "gs:"),
        ("dbfs:/x", "dbfs:"),
        ("data:text/plain,CANARY", "data:"),
        ("unheard-of:x", "unheard-of:"),
        ("http:", "http:"),
        ("http://", "http:"),
        ("http://[", "http://["),
        ("http://home:port/x", "http://home:port"),
        ("s3://[", "s3://["),
    ],
)
@pytest.mark.parametrize("store", [store(), SQLITE], ids=["server", "sqlite"])
def test_nobody_else_is_asked(uri, host, store):
    """spec: credentials-foreign-host"""
    with pytest.raises(RefusedPlaceError) as raised:
        artifact_store(uri, store)
    assert host in str(raised.value)
    assert "CANARY" not in str(raised.value)


def test_a_store_without_a_server_has_no_home():
    with pytest.raises(RefusedPlaceError, match="STORE is not a server"):
        artifact_store("mlflow-artifacts:/1/r", SQLITE)
    with pytest.raises(RefusedPlaceError, match="STORE is not a server"):
        artifact_store("mlflow-artifacts:/1/r", store("databricks"))


@pytest.mark.parametrize(
    "uri",
    [
        "s3://my-bucket.x/1/r", "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/point/r", "gs://bucket_1/r",
        "wasbs://files@account.blob.core.windows.net/r", "abfss://files@account.dfs.core.windows.net/r",
    ],
)  # fmt: skip
def test_object_stores_are_read_by_mlflow_with_their_own_credentials(uri, monkeypatch):
    monkeypatch.setattr(
        artifact_repository_registry, "get_artifact_repository", lambda *_, **__: SimpleNamespace()
    )
    name, repository = artifact_store(uri, SQLITE)
    assert isinstance(repository, MlflowRepository)
    assert uri.startswith(name.split("://")[0])


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("azure", r'azure\.identity is not installed\. Type: pip install "smoke-gate\[azure\]"'),
        ("somebodys", "gs://bucket needs the Python package somebodys"),
    ],
)
def test_a_package_that_is_not_installed_is_named(monkeypatch, module, said):
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(artifact_repository_registry, "get_artifact_repository", missing)
    with pytest.raises(StoreError, match=said):
        artifact_store("gs://bucket/x", SQLITE)


# --- URIs that name a run or a model ----------------------------------------------------------------------------------


def client(uri: str | None, error: Exception | None = None) -> SimpleNamespace:
    def given(*_: str) -> Any:
        if error is not None:
            raise error
        return SimpleNamespace(info=SimpleNamespace(artifact_uri=uri), artifact_location=uri)

    return SimpleNamespace(
        get_run=given, get_logged_model=given, get_model_version_download_uri=lambda *_: uri
    )


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/x", ("s3://bucket/x", "owner")),
        ("/data/x", ("/data/x", "owner")),
        ("runs:/other", ("s3://b/other", "other")),
        ("runs:/other/sub/path", ("s3://b/other/sub/path", "other")),
        ("models:/m-1", ("s3://b/other", "m-1")),
        ("models:/m-1/sub", ("s3://b/other/sub", "m-1")),
        ("models:/name/3", ("s3://b/other", "name")),
        ("MODELS:/name/3/sub", ("s3://b/other/sub", "name")),
    ],
)
def test_what_a_uri_leads_to(uri, expected):
    assert underlying(uri, "owner", store(client=client("s3://b/other"))) == RecordedPlace(*expected)


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("runs:", "s3://b"), ("runs:/", "s3://b"), ("runs://elsewhere.example/r", "s3://b"), ("models://x/y", "s3://b"),
        ("runs:/r", "runs:/r"), ("runs:/r", "models:/m"), ("runs:/r", None), ("runs:/r", ""),
    ],
)  # fmt: skip
def test_a_uri_that_leads_to_no_place(uri, found):
    """spec: credentials-foreign-host"""
    with pytest.raises(RefusedPlaceError, match="leads to no place"):
        underlying(uri, "owner", store(client=client(found)))


def test_a_run_that_is_not_there_is_no_end_of_the_check():
    absent = StoreError("no such run", code="RESOURCE_DOES_NOT_EXIST")
    with pytest.raises(RefusedPlaceError, match="leads to no place"):
        underlying("runs:/r", "owner", store(client=client(None, absent)))
    silent = StoreError("the server is down")
    with pytest.raises(StoreError, match="the server is down"):
        underlying("runs:/r", "owner", store(client=client(None, silent)))
