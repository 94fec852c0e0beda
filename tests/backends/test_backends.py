"""The same matrix gives the same evidence from every kind of store, each with its real server.

CI tries PostgreSQL and S3; ``make test-backends`` tries them all.
"""

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, chdir, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy
from moto.server import ThreadedMotoServer

from smoke_gate.cli import run
from smoke_gate.collect import Source, StoreError, collect
from smoke_gate.collect.errors import ExperimentError
from smoke_gate.collect.locations import with_driver
from smoke_gate.evidence_json import evidence_json
from smoke_gate.gates import policy_of
from smoke_gate.hashing import canonical_json
from tests.backends.copies import (
    copy_blobs,
    copy_google_objects,
    copy_objects,
    copy_rows,
    copy_shared_rows,
    s3_environment,
)
from tests.backends.programs import (
    AZURE_ACCOUNT,
    INSTALLED,
    azurite,
    google_storage,
    mariadb,
    nginx,
    postgresql,
    program,
)
from tests.support.mlflow_server import mlflow_server
from tests.support.recorded import CELLS, EXPERIMENT, MINUTE, SEEDS, START, changed, matrix, recipe, record
from tests.support.stores import sqlite_store

POLICY = policy_of(
    {
        "version": 1,
        "experiments": [EXPERIMENT],
        "runs": {"where": "params.lr = '0.01'"},
        "plan": {"cells": list(CELLS), "seeds": list(SEEDS)},
        "gates": {"metric_ratio": {"rules": [{"value": "val_loss.min / train_loss.first", "max": 2}]}},
    }
)
RUNS = [
    *matrix(),
    changed(recipe("B0", "42"), name="failed", status="FAILED", start=START - MINUTE),
    changed(recipe("B0", "42"), name="deleted", start=START - 2 * MINUTE),
    changed(recipe("A3", "7"), name="stray", params={"lr": "0.5", "note": "µ → 한 %_\\'"}),
]


MAKE_TABLES = """
import sys
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore(sys.argv[1], sys.argv[2])
"""


@dataclass(frozen=True)
class Original:
    """The store that the others are copies of; ``uri`` is its address, ``artifacts`` the folder of its artifacts."""

    uri: str
    artifacts: Path
    facts: bytes

    @property
    def place(self) -> str:
        """The beginning of its artifact URIs."""
        return self.artifacts.as_uri()


def facts_in(uri: str) -> bytes:
    """Return the evidence in a store as the text that ``evidence_sha256`` is the hash of."""
    found = collect(POLICY, Source(tracking_uri=uri), clock=lambda: datetime(2026, 1, 31, tzinfo=UTC))
    assert len(found.evidence.runs) == len(CELLS) * len(SEEDS)
    assert all(run.checkpoints and run.figures for run in found.evidence.runs)
    return canonical_json(evidence_json(found.evidence))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    folder = tmp_path_factory.mktemp("original")
    uri, artifacts = f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts"
    client = sqlite_store(folder / "mlflow.db")
    client.create_experiment(EXPERIMENT, artifact_location=artifacts.as_uri())
    ids = record(client, RUNS)
    client.delete_run(ids["deleted"])
    with chdir(folder):  # which is not a checkout, whose commit would be a fact
        return Original(uri, artifacts, facts_in(uri))


# --- the stores -------------------------------------------------------------------------------------------------------


@contextmanager
def in_postgresql(original: Original, folder: Path) -> Iterator[str]:
    with postgresql() as place:
        copy_rows(original.uri, f"postgresql+psycopg2://smoke@{place}/postgres")
        yield f"postgres://smoke@{place}/postgres"


@contextmanager
def in_postgresql_that_is_only_read(original: Original, folder: Path) -> Iterator[str]:
    with in_postgresql(original, folder) as uri:
        owner = sqlalchemy.create_engine(with_driver(uri))
        with owner.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE ROLE reader LOGIN"))
            connection.execute(sqlalchemy.text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
        owner.dispose()
        yield uri.replace("smoke@", "reader@")


@contextmanager
def behind_a_server_with_postgresql(original: Original, folder: Path) -> Iterator[str]:
    with in_postgresql(original, folder) as uri, _served(folder, uri) as address:
        yield address


@contextmanager
def in_mariadb(original: Original, folder: Path) -> Iterator[str]:
    with mariadb() as place:
        copy_rows(original.uri, f"mysql+pymysql://smoke@{place}/smoke")
        yield f"mysql://smoke@{place}/smoke"


@contextmanager
def behind_a_server_with_mariadb(original: Original, folder: Path) -> Iterator[str]:
    with in_mariadb(original, folder) as uri, _served(folder, uri) as address:
        yield address


def _with_artifacts_at(place: str, original: Original, folder: Path) -> str:
    """Return the address of a copy whose runs recorded their artifacts at another place."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    copy_rows(original.uri, uri, {original.place: place})
    return uri


@contextmanager
def in_s3(original: Original, folder: Path) -> Iterator[str]:
    with _objects(original):
        yield _with_artifacts_at("s3://smoke/runs", original, folder)


@contextmanager
def in_s3_behind_a_server(original: Original, folder: Path) -> Iterator[str]:
    with _objects(original), _proxied(original, folder, "s3://smoke") as address:
        for name in s3_environment(""):
            os.environ.pop(name)  # the server has them, who asks it does not
        yield address


@contextmanager
def in_azure(original: Original, folder: Path) -> Iterator[str]:
    place = f"wasbs://smoke@{AZURE_ACCOUNT}.blob.core.windows.net/runs"
    with _blobs(original):
        yield _with_artifacts_at(place, original, folder)


@contextmanager
def in_azure_behind_a_server(original: Original, folder: Path) -> Iterator[str]:
    place = f"wasbs://smoke@{AZURE_ACCOUNT}.blob.core.windows.net"
    with _blobs(original), _proxied(original, folder, place) as address:
        os.environ.pop("AZURE_STORAGE_CONNECTION_STRING")  # the server has it, who asks it does not
        yield address


@contextmanager
def in_google_storage(original: Original, folder: Path) -> Iterator[str]:
    with _google_objects(original):
        yield _with_artifacts_at("gs://smoke/runs", original, folder)


@contextmanager
def in_google_storage_behind_a_server(original: Original, folder: Path) -> Iterator[str]:
    with _google_objects(original), _proxied(original, folder, "gs://smoke") as address:
        os.environ.pop("STORAGE_EMULATOR_HOST")
        yield address


@contextmanager
def behind_mlflow_2_9(original: Original, folder: Path) -> Iterator[str]:
    with _older_server(original, folder, "2.9") as address:
        yield address


@contextmanager
def behind_mlflow_2_22(original: Original, folder: Path) -> Iterator[str]:
    with _older_server(original, folder, "2.22") as address:
        yield address


@contextmanager
def in_a_workspace(original: Original, folder: Path) -> Iterator[str]:
    database = f"sqlite:///{folder / 'server.db'}"
    copy_rows(original.uri, database, {original.place: "mlflow-artifacts:"})
    engine = sqlalchemy.create_engine(database)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("INSERT INTO workspaces (name) VALUES ('team')"))
        connection.execute(
            sqlalchemy.text("UPDATE experiments SET workspace = 'team' WHERE name != 'Default'")
        )
    engine.dispose()
    shutil.copytree(original.artifacts, folder / "artifacts" / "workspaces" / "team")
    with mlflow_server(folder, "--enable-workspaces", workers=1) as address:
        with pytest.raises(ExperimentError, match="it has 'Default'"):
            facts_in(address)
        os.environ["MLFLOW_WORKSPACE"] = "team"
        yield address


@contextmanager
def behind_nginx(original: Original, folder: Path) -> Iterator[str]:
    """Have TLS by a private authority, a path before MLflow's own and a password in front of a server."""
    copy_rows(original.uri, f"sqlite:///{folder / 'server.db'}", {original.place: "mlflow-artifacts:"})
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "passwords").write_text("me:{PLAIN}pass/w@rd\n")
    folder.chmod(0o755)
    with mlflow_server(folder, "--artifacts-destination", str(original.artifacts), workers=1) as address:
        server = (
            f"server {{ listen 127.0.0.1:PORT ssl; ssl_certificate {certificate}; ssl_certificate_key {key}; "
            f"auth_basic mlflow; auth_basic_user_file {folder}/passwords; "
            f"location /tools/mlflow/ {{ proxy_pass {address}/; }} }}"
        )
        with nginx(folder, server) as port:
            os.environ |= {
                "REQUESTS_CA_BUNDLE": str(certificate),
                "MLFLOW_TRACKING_USERNAME": "me",
                "MLFLOW_TRACKING_PASSWORD": "pass/w@rd",
            }
            yield f"https://localhost:{port}/tools/mlflow"


@contextmanager
def _blobs(original: Original) -> Iterator[None]:
    """Have the artifacts in an Azure account, and the variable with which it is used."""
    with azurite() as connection:
        os.environ["AZURE_STORAGE_CONNECTION_STRING"] = connection
        copy_blobs(original.artifacts, connection, "smoke", "runs")
        yield


@contextmanager
def _google_objects(original: Original) -> Iterator[None]:
    """Have the artifacts in a bucket, and the variables with which it is used."""
    with google_storage() as address:
        os.environ |= {"STORAGE_EMULATOR_HOST": address, "GOOGLE_CLOUD_PROJECT": "smoke"}
        copy_google_objects(original.artifacts, "smoke", "runs")
        yield


@contextmanager
def _proxied(original: Original, folder: Path, destination: str) -> Iterator[str]:
    """Have a server that keeps its artifacts in an object store."""
    copy_rows(original.uri, f"sqlite:///{folder / 'server.db'}", {original.place: "mlflow-artifacts:/runs"})
    with mlflow_server(folder, "--artifacts-destination", destination, workers=1) as address:
        yield address


@contextmanager
def _older_server(original: Original, folder: Path, version: str) -> Iterator[str]:
    """Have a server of an older MLflow, with a database of its own schema."""
    python = str(INSTALLED / f"mlflow-{version}/bin/python")
    database = folder / "server.db"
    subprocess.run([python, "-c", MAKE_TABLES, f"sqlite:///{database}", str(folder)], check=True)
    copy_shared_rows(
        Path(original.uri.removeprefix("sqlite:///")), database, {original.place: "mlflow-artifacts:"}
    )
    artifacts = ("--artifacts-destination", str(original.artifacts))
    with mlflow_server(folder, *artifacts, workers=1, python=python) as address:
        yield address


def _served(folder: Path, database: str) -> AbstractContextManager[str]:
    """Have a server with a database behind it."""
    return mlflow_server(folder, "--backend-store-uri", with_driver(database), workers=1)


@contextmanager
def _objects(original: Original) -> Iterator[None]:
    """Have the artifacts in an S3 server, and the variables with which it is used."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        os.environ |= s3_environment(f"http://{host}:{port}")
        copy_objects(original.artifacts, f"http://{host}:{port}", "smoke", "runs")
        yield
    finally:
        server.stop()


Backend = Callable[[Original, Path], "object"]
IN_CI = (
    in_postgresql,
    in_postgresql_that_is_only_read,
    behind_a_server_with_postgresql,
    in_s3,
    in_s3_behind_a_server,
)
OTHERS = (
    in_mariadb,
    behind_a_server_with_mariadb,
    behind_nginx,
    in_a_workspace,
    in_azure,
    in_azure_behind_a_server,
    in_google_storage,
    in_google_storage_behind_a_server,
    behind_mlflow_2_9,
    behind_mlflow_2_22,
)
ALL = os.environ.get("SMOKE_GATE_BACKENDS") == "all"
TRIED = (*IN_CI, *OTHERS) if ALL else IN_CI


@pytest.fixture
def environment() -> Iterator[None]:
    """Put the variables back that a store needs."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ |= before


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("store", TRIED, ids=lambda store: store.__name__.replace("_", " "))
def test_the_evidence_is_the_same(original, tmp_path, monkeypatch, caplog, store):
    monkeypatch.chdir(tmp_path)
    with store(original, tmp_path) as uri, caplog.at_level(logging.INFO, "smoke_gate"):
        assert json.loads(facts_in(uri)) == json.loads(original.facts)
    assert (
        " because " not in caplog.text
    )  # the tables, or the server's list by start time, needed no other way


def test_a_database_without_tables_and_one_that_is_not_there_are_named():
    with postgresql() as place:
        with pytest.raises(StoreError, match="is a database without MLflow's tables: check its name"):
            facts_in(f"postgresql://smoke@{place}/postgres")
        with pytest.raises(StoreError, match='database "nothing" does not exist'):
            facts_in(f"postgresql://smoke@{place}/nothing")
        with pytest.raises(StoreError, match='role "nobody" does not exist'):
            facts_in(f"postgresql://nobody:s3cret@{place}/postgres")
    with pytest.raises(StoreError, match="connection refused") as refused:
        facts_in(f"postgresql://nobody:s3cret@{place}/postgres")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("with_mlflow", [True, False])
def test_two_programs_share_a_database(original, with_mlflow):
    """MLflow's tables and Optuna's have one name for their versions, each with its own: MLflow does not open it."""
    with postgresql() as place:
        uri = f"postgresql+psycopg2://smoke@{place}/postgres"
        if with_mlflow:
            copy_rows(original.uri, uri)
        owner = sqlalchemy.create_engine(uri)
        with owner.begin() as connection:
            for statement in (
                "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)",
                "INSERT INTO alembic_version VALUES ('v3.2.0.a')",
                "CREATE TABLE studies (study_id SERIAL PRIMARY KEY, study_name VARCHAR(512) NOT NULL)",
            ):
                connection.execute(sqlalchemy.text(statement))
        owner.dispose()
        found = (
            "holds MLflow's tables and those of another program" if with_mlflow else "without MLflow's tables"
        )
        with pytest.raises(StoreError, match=found):
            facts_in(f"postgresql://smoke@{place}/postgres")


@pytest.mark.usefixtures("environment")
@pytest.mark.skipif(not ALL, reason="starts one more server: make test-backends")
def test_a_verdict_knows_its_workspace(original, tmp_path, monkeypatch, capsys):
    """spec: verdict-file-workspace"""
    monkeypatch.chdir(tmp_path)
    with in_a_workspace(original, tmp_path) as uri:
        plan = ["--experiment", EXPERIMENT, "--cells", ",".join(CELLS), "--seeds", ",".join(SEEDS)]
        run(["check", "--tracking-uri", uri, *plan, "--no-figures"])
        os.environ.pop("MLFLOW_WORKSPACE")
        (verdict,) = (tmp_path / "outputs").glob("smoke_verdict_*.json")
        assert json.loads(verdict.read_text())["source"]["workspace"] == "team"
        capsys.readouterr()
        assert run(["reproduce", str(verdict), "--live", "--tracking-uri", uri]) == 0
        assert "unchanged since" in capsys.readouterr().out
