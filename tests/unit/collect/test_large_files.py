"""Artifacts above ``max_bytes``: of each kind of store, a few parts tell their structure."""

import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

from smoke_gate.collect.artifacts import probed_here, read_artifacts, way_to
from smoke_gate.collect.mlflow_environment import calm_mlflow
from smoke_gate.collect.served import ENDPOINT
from smoke_gate.collect.store import Store
from smoke_gate.evidence import Artifact
from smoke_gate.gates.needs import Needs
from tests.support.entities import run
from tests.support.parts import Served, serving_parts
from tests.unit.probes.files import SHELL, zipped

FOLDER = "1/run/artifacts"
NEEDS = Needs(checkpoints=("checkpoints/*",), max_bytes=100_000)
STORES = ["local", "s3", "server"]


def npz(value: float) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, weight=np.full((400, 500), value), bias=np.ones(3))
    return buffer.getvalue()


@dataclass
class Place:
    """Artifacts somewhere: their URI, the store, and the server that gives them, if any."""

    uri: str
    store: Store
    served: Served


def store(tmp_path: Path, uri: str | None = None) -> Store:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    uri = uri or f"sqlite:///{tmp_path / 'store.db'}"
    kind: Any = "server" if uri.startswith("http") else "sqlite"
    return Store(
        opened=lambda: MlflowClient(uri),
        uri=uri,
        name="STORE",
        kind=kind,
        folder=None,
        scratch=scratch,
        patience=5,
    )


@contextmanager
def place(kind: str, tmp_path: Path, monkeypatch, files: dict[str, bytes], **options: Any) -> Iterator[Place]:
    if kind == "local":
        for name, data in files.items():
            path = tmp_path / FOLDER / "checkpoints" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        yield Place(str(tmp_path / FOLDER), store(tmp_path), Served({}))
        return
    served = Served({}, **options)
    with calm_mlflow(), serving_parts(served) as address:
        if kind == "s3":
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
            monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", address)
            keys = {f"{FOLDER}/checkpoints/{name}": data for name, data in files.items()}
            served.files |= {f"/bucket/{key}": data for key, data in keys.items()}
            served.files["/bucket"] = listing(keys)
            served.above["/bucket"] = PREFIX
            yield Place(f"s3://bucket/{FOLDER}", store(tmp_path), served)
            return
        root = f"/api/2.0{ENDPOINT}"
        served.files |= {f"{root}/{FOLDER}/checkpoints/{name}": data for name, data in files.items()}
        served.files[root] = listed(files)
        served.above[root] = b'{"files": [{"path": "checkpoints", "is_dir": true}]}'
        yield Place(f"mlflow-artifacts:/{FOLDER}", store(tmp_path, address), served)


PREFIX = (
    f"<ListBucketResult><IsTruncated>false</IsTruncated><CommonPrefixes><Prefix>{FOLDER}/checkpoints/</Prefix>"
    "</CommonPrefixes></ListBucketResult>"
).encode()


def listing(keys: dict[str, bytes]) -> bytes:
    """Return what S3 says of the folder."""
    found = "".join(
        f"<Contents><Key>{key}</Key><Size>{len(data)}</Size></Contents>" for key, data in keys.items()
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode()


def listed(files: dict[str, bytes]) -> bytes:
    """Return what MLflow's server says of the folder."""
    found = ", ".join(
        f'{{"path": "{name}", "is_dir": false, "file_size": "{len(data)}"}}' for name, data in files.items()
    )
    return f'{{"files": [{found}]}}'.encode()


def read(where: Place) -> dict[str, Artifact]:
    recorded = replace(run("run"), artifact_uri=where.uri)
    found = read_artifacts(recorded, way_to(recorded, where.store, ()), NEEDS, where.store, (), probed_here)
    assert found.problem is None
    return {artifact.path.rpartition("/")[2]: artifact for artifact in found.checkpoints}


FILES = {
    "first.npz": npz(0.5),
    "second.npz": npz(0.25),
    "cut.npz": npz(0.5)[:-30],
    "evil.pt": zipped({"a/data.pkl": b"\x80\x02" + SHELL, "a/data/0": bytes(200_000), "a/version": b"3"}),
    "forest.pkl": pickle.dumps(bytes(200_000)),
}


@pytest.mark.parametrize("kind", STORES)
def test_structure_is_read(tmp_path, monkeypatch, kind):
    with place(kind, tmp_path, monkeypatch, FILES) as where:
        found = read(where)
    assert {name for name, artifact in found.items() if artifact.structure_only} == FILES.keys() - {
        "forest.pkl"
    }
    first, second = found["first.npz"], found["second.npz"]
    assert (first.format, first.problem, first.holds, first.sha256) == ("zip", None, "tensors", None)
    assert first.content
    assert first.content != second.content
    assert "does not end" in (found["cut.npz"].problem or "")
    assert found["evil.pt"].globals.dangerous == ("os.system",)
    assert found["forest.pkl"] == Artifact(path="checkpoints/forest.pkl", size=len(FILES["forest.pkl"]))


@pytest.mark.parametrize("kind", ["s3", "server"])
def test_little_is_transferred(tmp_path, monkeypatch, kind):
    large = {"first.npz": npz(0.5)}
    with place(kind, tmp_path, monkeypatch, large) as where:
        assert read(where)["first.npz"].structure_only
        listings = sum(len(data) for path, data in where.served.files.items() if not path.endswith(".npz"))
        assert where.served.given <= 150_000 + 10 * listings


@pytest.mark.parametrize("kind", ["s3", "server"])
def test_where_there_are_no_parts_the_file_is_only_listed(tmp_path, monkeypatch, kind):
    large = {"first.npz": npz(0.5)}
    with place(kind, tmp_path, monkeypatch, large, knows_ranges=False) as where:
        found = read(where)
    assert found == {"first.npz": Artifact(path="checkpoints/first.npz", size=len(large["first.npz"]))}


def test_a_server_that_fails_costs_no_verdict(tmp_path, monkeypatch):
    large = {"first.npz": npz(0.5)}
    with place("server", tmp_path, monkeypatch, large) as where:
        where.served.files = {path: data for path, data in where.served.files.items() if "first" not in path}
        found = read(where)
    assert found["first.npz"] == Artifact(path="checkpoints/first.npz", size=len(large["first.npz"]))
