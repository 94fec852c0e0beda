from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from smoke_gate.collect.artifact_stores import MlflowRepository
from smoke_gate.collect.errors import ArtifactError, StoreError
from smoke_gate.collect.folders import Entry, Tree
from smoke_gate.collect.mlflow_environment import calm_mlflow
from smoke_gate.collect.remote import RemoteFolder, artifacts_at
from smoke_gate.collect.served import ENDPOINT, ServedArtifacts
from smoke_gate.collect.store import Store
from smoke_gate.origins import origin_of
from tests.support.http import answering

# MLflow's repository of a local folder stands for those of object stores: they have one interface. Proxied artifacts
# are read from a real server in tests/integration.


@pytest.fixture
def store(tmp_path):
    (tmp_path / "scratch").mkdir()
    return Store(
        client=MlflowClient("http://127.0.0.1:9"), uri="http://127.0.0.1:9", name="STORE", kind="server", folder=None,
        scratch=tmp_path / "scratch", patience=5,
    )  # fmt: skip


@pytest.fixture
def folder(store, tmp_path):
    for path in ("bucket/x/a.pt", "bucket/x/y/b.pt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    return RemoteFolder(
        MlflowRepository(LocalArtifactRepository((tmp_path / "bucket").as_uri())), store, "STORE"
    )


def test_listing(folder):
    assert [entry.path for entry in Tree(folder).matching(("**/*.pt",))] == ["x/a.pt", "x/y/b.pt"]
    assert Tree(folder).file("x/a.pt") == Entry("x/a.pt", 13)
    assert folder.entries("nothing") == []


def test_a_file_is_here_for_a_while_and_gone_afterwards(folder, store):
    with folder.opened(Entry("x/a.pt", 13), 100) as path:
        assert path.read_text() == "bucket/x/a.pt"
        assert path.is_relative_to(store.scratch)
    assert not list(store.scratch.iterdir())


def test_a_file_that_vanished_after_it_was_listed(folder):
    with pytest.raises(ArtifactError, match="not there any more"), folder.opened(Entry("x/gone.pt", 13), 100):
        pass


def test_a_file_that_is_listed_and_not_there(folder, monkeypatch):
    def download(*_: object) -> None:
        raise FileNotFoundError("as a 404 is told")

    monkeypatch.setattr(folder.repository, "download", download)
    with pytest.raises(ArtifactError, match="not there any more"), folder.opened(Entry("x/a.pt", 13), 100):
        pass


def test_a_download_that_fails_is_no_absence(folder, store, tmp_path):
    entry = Entry("x/y", 13)  # still listed, but no file that can be copied
    with pytest.raises(StoreError, match="STORE cannot be read"), folder.opened(entry, 100):
        pass
    assert not list(store.scratch.iterdir())


@pytest.mark.parametrize("failures", [1, 2])
def test_a_download_that_a_busy_server_refuses_is_tried_again(store, failures):
    asked = iter([(503, b"")] * failures + [(200, b"weights")])
    with calm_mlflow(), answering(lambda _request: next(asked)) as uri:
        served = ServedArtifacts(origin_of(uri), ENDPOINT)
        folder = RemoteFolder(served, replace(store, patience=30), uri)
        with folder.opened(Entry("a.pt", 7), 100) as path:
            assert path.read_bytes() == b"weights"


def test_an_artifact_store_that_nothing_here_can_read(store):
    with pytest.raises(
        ArtifactError, match="they are at unheard-of://bucket, which smoke-gate does not read"
    ):
        artifacts_at("unheard-of://bucket/x", "x", store, ())


def test_artifacts_of_this_machine_are_not_copied(store, tmp_path):
    (tmp_path / "1/run/artifacts").mkdir(parents=True)
    folder = artifacts_at(str(tmp_path / "1/run/artifacts"), "run", store, ())
    assert not isinstance(folder, RemoteFolder)
    empty = artifacts_at(str(tmp_path / "1/other/artifacts"), "other", store, ())
    assert empty.entries("") == []
    assert not (Path(store.scratch) / "nothing logged").exists()
