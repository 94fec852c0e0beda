"""Artifact URIs that a run's author may write into a store: nobody is asked who was not allowed, nobody gets the token.

Asked of a SQLite store and of a real MLflow server in front of one, by the command line in a process of its own.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput

from smoke_gate.hashing import sha256_hex
from tests.support.forked import python_m
from tests.support.http import Received, answering
from tests.support.mlflow_server import mlflow_server
from tests.support.recorded import EXPERIMENT, changed, experiment_id, npz, recipe, record
from tests.support.stores import sqlite_store

TOKEN = "tok-CANARY-1"
API = "/api/2.0/mlflow-artifacts/artifacts"
WEIGHTS = npz("from another host")

# {port} is a host that listens and remembers; what a message must name of the place
REFUSED = {
    f"http://127.0.0.1:{{port}}{API}/1/x": "http://127.0.0.1:{port}",
    f"http://me:pw-CANARY@127.0.0.1:{{port}}{API}/1/x": "http://127.0.0.1:{port}",
    f"HTTP://127.0.0.1:{{port}}{API}/1/x": "http://127.0.0.1:{port}",
    "http://127.0.0.1:{port}/anything": "http://127.0.0.1:{port}",
    f"https://127.0.0.1:{{port}}{API}/1/x": "https://127.0.0.1:{port}",
    "mlflow-artifacts://127.0.0.1:{port}/1/x": "http://127.0.0.1:{port}",
    "http://169.254.169.254/latest/meta-data": "http://169.254.169.254",
    "ftp://127.0.0.1:{port}/x": "ftp://127.0.0.1:{port}",
    "sftp://me:pw-CANARY@127.0.0.1:{port}/x": "sftp://127.0.0.1:{port}",
    "hdfs://127.0.0.1:{port}/x": "hdfs://127.0.0.1:{port}",
    "r2://bucket@127.0.0.1:{port}/x": "r2://127.0.0.1:{port}",
    "abfss://files@127.0.0.1:{port}/x": "abfss://127.0.0.1:{port}",
    "s3://127.0.0.1:{port}/x": "s3://127.0.0.1:{port}",
    "dbfs:/x": "dbfs:",
    "data:text/plain,x": "data:",
    "unheard-of://127.0.0.1:{port}/x": "unheard-of://127.0.0.1:{port}",
    "runs:/0123456789abcdef0123456789abcdef/x": "leads to no place",
    "runs://127.0.0.1:{port}/x": "leads to no place",
    "models:/nobody/1": "leads to no place",
    "models:/m-0123456789abcdef0123456789abcdef": "leads to no place",
    "http://[": "is not understood",
    "http://": "is not understood",
    "http://home\\@127.0.0.1:{port}/x": "is not understood",
    "": "does not say where they are",
    None: "does not say where they are",
    "/nowhere\0at all": "does not say where they are",
}

CELLS = (*(f"C{number}" for number in range(len(REFUSED))), "MODEL", "B0")
POLICY = {
    "version": 1,
    "profile": "basic",
    "experiments": [EXPERIMENT],
    "plan": {"cells": list(CELLS), "seeds": ["1"]},
}


@contextmanager
def listening(asked: list[tuple[str, str | None]]) -> Iterator[int]:
    """Have a host that serves weights to everybody; give its port."""

    def answer(request: Received) -> tuple[int, bytes]:
        asked.append((request.path, request.headers.get("Authorization")))
        if request.path.startswith(f"{API}?"):
            inner = "checkpoints" in request.path
            file = {"path": "model.npz", "is_dir": False, "file_size": len(WEIGHTS)}
            return 200, json.dumps(
                {"files": [file if inner else {"path": "checkpoints", "is_dir": True}]}
            ).encode()
        return 200, WEIGHTS

    with answering(answer) as uri:
        yield int(uri.rpartition(":")[2])


@dataclass
class Place:
    """A store with one run for each cell, and its database, in which a test says where a run's artifacts are."""

    uri: str
    database: Path
    runs: Mapping[str, str]

    def move(self, cell: str, artifact_uri: str | None) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(
                "UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", (artifact_uri, self.runs[cell])
            )

    def move_model(self, location: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("UPDATE logged_models SET artifact_location = ?", (location,))


@pytest.fixture(scope="module", params=["sqlite", "server"])
def place(request, tmp_path_factory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp(request.param)
    database = folder / "server.db"
    client = sqlite_store(database)
    with ExitStack() as stack:
        uri = f"sqlite:///{database}"
        if request.param == "server":
            uri = stack.enter_context(mlflow_server(folder, workers=1))
            client = MlflowClient(uri)
        before = Path.cwd()
        os.chdir(folder)  # artifacts of a SQLite store go into the working directory
        try:
            runs = record(
                client, [changed(recipe(cell, "1", index), name=cell) for index, cell in enumerate(CELLS)]
            )
        finally:
            os.chdir(before)
        model = client.create_logged_model(experiment_id(client), name="net", source_run_id=runs["MODEL"])
        client.log_outputs(runs["MODEL"], [LoggedModelOutput(model.model_id, 0)])
        yield Place(uri, database, runs)


def checked(place: Place, folder: Path, *options: str) -> tuple[dict[str, Any], str]:
    """Return the facts of the runs by cell, and all that was printed and written; every check has a verdict."""
    (folder / "smoke-gate.yml").write_text(yaml.safe_dump(POLICY))
    variables = {**os.environ, "MLFLOW_TRACKING_TOKEN": TOKEN, "HOME": str(folder)}
    arguments = ["check", "--tracking-uri", place.uri, "--no-figures", *options]
    done = python_m("smoke_gate", *arguments, cwd=folder, env=variables)
    assert done.returncode in (0, 1), done.stderr
    files = sorted((folder / "outputs").glob("*.*"))
    shown = (done.stdout + done.stderr).decode() + "".join(file.read_text() for file in files)
    assert "CANARY" not in shown
    assert "Traceback" not in shown
    (verdict,) = (file for file in files if file.name.startswith("smoke_verdict_"))
    cells = {run_id: cell for cell, run_id in place.runs.items()}
    facts = {cells[run["run_id"]]: run for run in json.loads(verdict.read_text())["evidence"]["runs"]}
    assert facts.keys() == set(CELLS)
    return facts, shown


def test_a_place_that_is_not_asked_is_that_runs_failure(place, tmp_path):
    """spec: credentials-foreign-host"""
    asked: list[tuple[str, str | None]] = []
    with listening(asked) as port:
        for cell, recorded in zip(CELLS, REFUSED, strict=False):
            place.move(cell, recorded if recorded is None else recorded.replace("{port}", str(port)))
        place.move_model(f"http://127.0.0.1:{port}{API}/1/model")
        facts, shown = checked(place, tmp_path)
    assert asked == []
    named = {
        cell: named.replace("{port}", str(port)) for cell, named in zip(CELLS, REFUSED.values(), strict=False)
    }
    assert {
        cell: text for cell, text in named.items() if text not in (facts[cell]["artifacts_problem"] or "")
    } == {}
    assert [text for text in named.values() if text not in shown] == []
    assert f"http://127.0.0.1:{port}" in facts["MODEL"]["artifacts_problem"]
    assert facts["B0"]["artifacts_problem"] is None
    assert [one["path"] for one in facts["B0"]["checkpoints"]] == ["checkpoints/model.npz"]


def test_a_host_that_is_allowed_gets_no_credentials(place, tmp_path):
    """spec: credentials-home"""
    asked: list[tuple[str, str | None]] = []
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password CANARY-netrc\n")
    if place.uri.startswith("http"):  # or the tracking server would get them too, and in place of the token
        (tmp_path / ".netrc").write_text("machine elsewhere login me password CANARY-netrc\n")
    with listening(asked) as port:
        place.move(CELLS[0], f"http://127.0.0.1:{port}{API}/1/x")
        place.move(CELLS[1], f"mlflow-artifacts://127.0.0.1:{port}/1/x")
        place.move(CELLS[2], f"runs:/{place.runs['B0']}")
        facts, _ = checked(place, tmp_path, "--artifact-host", f"http://127.0.0.1:{port}")
    assert [facts[cell]["artifacts_problem"] for cell in CELLS[:3]] == [None, None, None]
    assert {header for _, header in asked} == {None}
    hashes = {cell: [one["sha256"] for one in facts[cell]["checkpoints"]] for cell in (*CELLS[:3], "B0")}
    assert hashes[CELLS[0]] == hashes[CELLS[1]] == [sha256_hex(WEIGHTS)]
    assert hashes[CELLS[2]] == hashes["B0"] != []
