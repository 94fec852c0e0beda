from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from smoke_gate.collect import allowance
from smoke_gate.collect.allowance import Allowance
from smoke_gate.collect.artifact_stores import MlflowRepository, RecordedPlace
from smoke_gate.collect.errors import ArtifactError, StoreError
from smoke_gate.collect.folders import Entry, Tree
from smoke_gate.collect.mlflow_environment import calm_mlflow
from smoke_gate.collect.remote import RemoteFolder, artifacts_at
from smoke_gate.collect.served import ENDPOINT, ServedArtifacts
from smoke_gate.collect.store import Store
from smoke_gate.origins import origin_of
from tests.support.http import Received, answering, dripping_server, serving, silent_server

# MLflow's repository of a local folder stands for those of object stores: they have one interface. Proxied artifacts
# are read from a real server in tests/integration.


@pytest.fixture
def store(tmp_path):
    (tmp_path / "scratch").mkdir()
    return Store(
        opened=lambda: MlflowClient("http://127.0.0.1:9"), uri="http://127.0.0.1:9", name="STORE", kind="server",
        folder=None, scratch=tmp_path / "scratch", patience=5,
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


def served_folder(address: str, store: Store, **changes: Any) -> RemoteFolder:
    served = ServedArtifacts(origin_of(address), ENDPOINT)
    return RemoteFolder(served, replace(store, patience=30), address, **changes)


def test_what_is_not_found_for_a_moment_is_asked_for_once_more(store):
    answers = iter([(404, b""), (200, b"weights")])
    with (
        calm_mlflow(),
        answering(lambda _request: next(answers)) as uri,
        served_folder(uri, store).opened(Entry("a.pt", 7), 100) as path,
    ):
        assert path.read_bytes() == b"weights"


def test_what_is_not_there_is_not_asked_for_for_ever(store):
    asked_for = []

    def answer(request: Received) -> tuple[int, bytes]:
        asked_for.append(request.path)
        return 404, b""

    with calm_mlflow(), answering(answer) as uri, pytest.raises(ArtifactError, match="is not there any more"):
        served_folder(uri, store).entries("")
    assert len(asked_for) == 2


@contextmanager
def cutting(bodies: Iterator[bytes]) -> Iterator[str]:
    """Say that each answer has seven bytes, and send what there is; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(next(bodies))

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        yield address


def test_a_body_that_is_cut_off_is_asked_for_again(store):
    with (
        calm_mlflow(),
        cutting(iter([b"wei", b"", b"weights"])) as uri,
        served_folder(uri, store).opened(Entry("a.pt", 7), 100) as path,
    ):
        assert path.read_bytes() == b"weights"


READS: dict[str, Callable[[RemoteFolder], object]] = {
    "a list": lambda folder: folder.entries(""),
    "a file": lambda folder: folder.opened(Entry("a.pt", 7), 100).__enter__(),
    "a part": lambda folder: part(folder, 3),
}


def part(folder: RemoteFolder, count: int) -> bytes:
    with folder.ranges(Entry("a.pt", 1000)) as fetch:
        return fetch(0, count)


@pytest.mark.parametrize(
    ("server", "read"),
    [*((silent_server, read) for read in READS), (dripping_server, "a list"), (dripping_server, "a file")],
)
def test_what_does_not_come_in_time_is_the_fault_of_that_run(store, monkeypatch, server, read):
    """spec: artifact-deadline"""
    for name, value in {"_USUAL_SECONDS": 0.1, "_SLOWEST_BYTES_PER_SECOND": 1e6}.items():
        monkeypatch.setattr(allowance, name, value)
    with calm_mlflow(), server() as uri:
        folder = served_folder(uri, store, allowance=Allowance(0.4))
        with pytest.raises(ArtifactError, match="did not send it in time"):
            READS[read](folder)


def test_all_that_a_run_waits_for_is_bounded(monkeypatch):
    """spec: artifact-deadline"""
    clock = iter([0.0, 100.0, 200.0, 245.0, 300.0, 600.0, 700.0, 701.0])
    monkeypatch.setattr(allowance, "monotonic", lambda: next(clock))
    left = Allowance(100)
    with left.request(60) as seconds:
        assert seconds == 60  # of the 100 seconds it takes, 5 are due
    with left.request(60, 2_000_000) as seconds:  # 40 seconds for the bytes, and 5: that is due
        assert seconds == 5 + 5 + 40
    with left.request(60) as seconds:
        assert seconds == 5 + 5
    with left.request(60) as seconds:
        assert seconds == 5


def test_an_artifact_store_that_nothing_here_can_read(store):
    with pytest.raises(
        ArtifactError, match="they are at unheard-of://bucket, which smoke-gate does not read"
    ):
        artifacts_at(RecordedPlace("unheard-of://bucket/x", "x"), store, ())


def test_artifacts_of_this_machine_are_not_copied(store, tmp_path):
    (tmp_path / "1/run/artifacts").mkdir(parents=True)
    folder = artifacts_at(RecordedPlace(str(tmp_path / "1/run/artifacts"), "run"), store, ())
    assert not isinstance(folder, RemoteFolder)
    empty = artifacts_at(RecordedPlace(str(tmp_path / "1/other/artifacts"), "other"), store, ())
    assert not empty.entries("")
