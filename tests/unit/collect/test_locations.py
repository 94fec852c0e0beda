from pathlib import Path

import pytest

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.locations import (
    default_tracking_uri,
    files_path,
    kind_of,
    shown,
    sqlite_path,
    usual_tracking_uri,
    with_driver,
)


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("http://host:5000", "server"),
        ("https://host/prefix", "server"),
        ("databricks", "server"),
        ("databricks://profile", "server"),
        ("plugin-scheme://x", "server"),
        ("sqlite:///a.db", "sqlite"),
        ("sqlite+pysqlite:////a.db", "sqlite"),
        ("postgresql+psycopg2://u:p@host/db", "database"),
        ("mysql://host/db", "database"),
        ("mlruns", "files"),
        ("./mlruns", "files"),
        ("/abs/mlruns", "files"),
        ("file:///abs/mlruns", "files"),
        ("C:\\mlruns", "files"),
    ],
)
def test_kind_of_store(uri, kind):
    assert kind_of(uri) == kind


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://host:5000/x", "http://host:5000/x"),
        ("http://user:secret@host:5000/x", "http://host:5000/x"),
        ("https://token@host", "https://host"),
        ("https://user:p@ss@host", "https://host"),
        ("https://user:pa/ss@host/x", "https://host/x"),
        ("https://host/team@home", "https://host/team@home"),
        ("https://host:80/team@home", "https://host:80/team@home"),
        ("postgresql://u:p@host/db?password=secret#x", "postgresql://host/db"),
        ("sqlite:///odd?name#.db", "sqlite:///odd?name#.db"),
        ("./ml#runs", "./ml#runs"),
    ],
)
def test_shown_without_credentials(uri, expected):
    assert shown(uri) == expected


@pytest.mark.parametrize("uri", ["localhost:5000", "127.0.0.1:5000", "host.example.org:80/prefix"])
def test_an_address_without_a_scheme_is_no_store(uri):
    with pytest.raises(StoreError, match=f"write http://{uri}"):
        kind_of(uri)


def test_default_tracking_uri(tmp_path):
    """spec: cli-names"""
    assert default_tracking_uri(tmp_path, {"MLFLOW_TRACKING_URI": "http://host"}) == "http://host"
    assert usual_tracking_uri(tmp_path, {}) is None
    with pytest.raises(
        StoreError, match=r"--tracking-uri is not given, MLFLOW_TRACKING_URI is not set, and .* neither"
    ):
        default_tracking_uri(tmp_path, {})
    (tmp_path / "mlruns").mkdir()
    assert default_tracking_uri(tmp_path, {"MLFLOW_TRACKING_URI": ""}) == "./mlruns"
    (tmp_path / "mlflow.db").touch()
    assert default_tracking_uri(tmp_path, {}) == "sqlite:///mlflow.db"


@pytest.mark.parametrize(
    "name", ["plain.db", "with space.db", "100%.db", "a%20b.db", "what?.db", "no#1.db", "실험.db"]
)
def test_sqlite_path_as_written(tmp_path, name):
    (tmp_path / name).touch()
    assert sqlite_path(f"sqlite:///{tmp_path / name}") == tmp_path / name


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("sqlite:///{folder}/with%20space.db", "with space.db"),
        ("sqlite:///{folder}/a.db?mode=ro", "a.db"),
        ("sqlite:///file:{folder}/a.db?mode=ro&uri=true", "a.db"),
        ("sqlite:///file://{folder}/a.db?mode=ro&uri=true", "a.db"),
        ("sqlite+pysqlite:///{folder}/a.db", "a.db"),
    ],
)
def test_sqlite_path_in_other_spellings(tmp_path, uri, name):
    (tmp_path / name).touch()
    assert sqlite_path(uri.format(folder=tmp_path)) == tmp_path / name


def test_sqlite_path_is_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlflow.db").touch()
    assert sqlite_path("sqlite:///mlflow.db") == tmp_path / "mlflow.db"


def test_absent_database_is_an_error_and_stays_absent(tmp_path):
    with pytest.raises(StoreError, match=r"typo\.db does not exist"):
        sqlite_path(f"sqlite:///{tmp_path / 'typo.db'}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_in_memory_is_none(uri):
    with pytest.raises(StoreError, match="names no file"):
        sqlite_path(uri)


def test_folder_given_as_database_and_database_given_as_folder(tmp_path):
    (tmp_path / "mlflow.db").touch()
    with pytest.raises(StoreError, match="is a folder, not a database"):
        sqlite_path(f"sqlite:///{tmp_path}")
    with pytest.raises(StoreError, match="write sqlite:///"):
        files_path(str(tmp_path / "mlflow.db"))


def test_files_path(tmp_path, monkeypatch):
    folder = tmp_path / "ml runs"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    for uri in (str(folder), "ml runs", "./ml runs", folder.as_uri(), f"file:{folder}"):
        assert files_path(uri) == folder
    with pytest.raises(StoreError, match="does not exist"):
        files_path("nowhere")
    assert [path.name for path in Path(tmp_path).iterdir()] == ["ml runs"]


@pytest.mark.parametrize(
    ("uri", "installed", "expected"),
    [
        ("postgres://u:p@h/db", ["psycopg2", "psycopg"], "postgresql+psycopg2://u:p@h/db"),
        ("postgresql://h/db", ["psycopg"], "postgresql+psycopg://h/db"),
        ("postgres://h/db", [], "postgresql://h/db"),
        ("postgresql+asyncpg://h/db", ["psycopg2"], "postgresql+asyncpg://h/db"),
        ("mysql://h/db", ["pymysql"], "mysql+pymysql://h/db"),
        ("mssql://h/db", ["pymysql"], "mssql://h/db"),
    ],
)
def test_a_database_is_read_by_the_driver_that_is_installed(monkeypatch, uri, installed, expected):
    monkeypatch.setattr("smoke_gate.collect.locations.find_spec", lambda name: name in installed or None)
    assert with_driver(uri) == expected
