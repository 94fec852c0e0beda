import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from smoke_gate.collect.errors import ArtifactError
from smoke_gate.collect.locations import Kind
from smoke_gate.collect.roots import Root, locate, lost_folders
from smoke_gate.collect.store import Store

RUN = "0123456789abcdef0123456789abcdef"
MODEL = "m-0123456789abcdef0123456789abcdef"


@pytest.fixture
def here(tmp_path):
    return tmp_path.resolve()


def store(kind: Kind, folder: Path | None = None) -> Store:
    return Store(
        opened=lambda: MlflowClient("http://127.0.0.1:9"), uri="", name="", kind=kind, folder=folder, scratch=Path(),
        patience=None,
    )  # fmt: skip


@contextmanager
def denied(monkeypatch: pytest.MonkeyPatch, folder: str) -> Iterator[None]:
    """Have the system deny a look into a folder, as it does to all but root and its owner."""
    plain = os.stat

    def stat(path: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(folder):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", stat)
        yield


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    "uri", ["s3://bucket/1/{run}/artifacts", "gs://b/x", "dbfs:/x", "abfss://c@a/x", "hdfs:/x"]
)
def test_artifact_stores_are_left_to_mlflow(uri):
    assert locate(uri.format(run=RUN), RUN, store("sqlite", Path("/")), ()) == Root(uri=uri.format(run=RUN))


def test_artifacts_in_the_home_of_another_are_not_here(here, monkeypatch):
    recorded = f"/home/another/mlruns/1/{RUN}/artifacts"
    with denied(monkeypatch, "/home/another"), pytest.raises(ArtifactError, match="this user may not look"):
        locate(recorded, RUN, store("sqlite", here), ())
    moved = made(here / "mlruns/1" / RUN / "artifacts")
    with denied(monkeypatch, "/home/another"):
        assert locate(recorded, RUN, store("sqlite", here), ()) == Root(folder=moved)


def test_proxied_artifacts_are_the_servers():
    uri = f"mlflow-artifacts:/1/{RUN}/artifacts"
    assert locate(uri, RUN, store("server"), ()) == Root(uri=uri)


@pytest.mark.parametrize("name", ["plain", "with space", "a%20b", "실험", "c#1", "q?"])
@pytest.mark.parametrize("form", ["path", "uri", "raw uri"])
def test_recorded_here(here, name, form):
    folder = made(here / name / "1" / RUN / "artifacts")
    recorded = {"path": str(folder), "uri": folder.as_uri(), "raw uri": f"file://{folder}"}[form]
    for kind in ("sqlite", "server", "files"):
        assert locate(recorded, RUN, store(kind, here / "x"), ()) == Root(folder=folder)


@pytest.mark.parametrize(
    "recorded",
    [
        "file:///elsewhere/mlruns/1/{run}/artifacts",
        "/elsewhere/mlruns/1/{run}/artifacts",
        "file:///C:/Users/me/mlruns/1/{run}/artifacts",
        "C:\\Users\\me\\mlruns\\1\\{run}\\artifacts",
        "./mlruns/1/{run}/artifacts",
        "file:///home/%D0%9C%D0%B0%D1%88%D0%B0/a%20b/mlruns/1/{run}/artifacts",
        "mlflow-artifacts:/1/{run}/artifacts",
    ],
)
def test_a_file_store_keeps_its_artifacts_beside_the_run(here, recorded):
    """spec: cli-artifact-places"""
    folder = made(here / "1" / RUN / "artifacts")
    assert locate(recorded.format(run=RUN), RUN, store("files", here), ()) == Root(folder=folder)


def test_logged_models_of_a_file_store(here):
    folder = made(here / "1" / "models" / MODEL / "artifacts")
    recorded = f"file:///elsewhere/mlruns/1/models/{MODEL}/artifacts"
    assert locate(recorded, MODEL, store("files", here), ()) == Root(folder=folder)


def test_beside_a_database_the_longest_tail_wins(here):
    """spec: cli-artifact-places"""
    recorded = f"file:///elsewhere/project/mlruns/1/{RUN}/artifacts"
    short = made(here / RUN / "artifacts")
    assert locate(recorded, RUN, store("sqlite", here), ()) == Root(folder=short)
    long = made(here / "mlruns" / "1" / RUN / "artifacts")
    assert locate(recorded, RUN, store("sqlite", here), ()) == Root(folder=long)
    longest = made(here / "project" / "mlruns" / "1" / RUN / "artifacts")
    assert locate(recorded, RUN, store("sqlite", here), ()) == Root(folder=longest)


def test_a_server_database_read_without_its_server(here):
    folder = made(here / "mlartifacts" / "1" / RUN / "artifacts")
    assert locate(f"mlflow-artifacts:/1/{RUN}/artifacts", RUN, store("sqlite", here), ()) == Root(
        folder=folder
    )


def test_a_path_that_climbs_is_not_followed(here):
    made(here.parent / f"{here.name}-outside" / RUN / "artifacts")
    recorded = f"/elsewhere/../{here.name}-outside/{RUN}/artifacts"
    with pytest.raises(ArtifactError):
        locate(recorded, RUN, store("sqlite", here), ())


@pytest.mark.parametrize(
    ("recorded", "old", "rest"),
    [
        ("file:///data/mlruns/1/{run}/artifacts", "/data/mlruns", "1"),
        ("file:///data/mlruns/1/{run}/artifacts", "file:///data/mlruns/", "1"),
        ("/data/mlruns/1/{run}/artifacts", "/data", "mlruns/1"),
        ("mlflow-artifacts:/1/{run}/artifacts", "mlflow-artifacts:", "1"),
        ("mlflow-artifacts:/1/{run}/artifacts", "mlflow-artifacts:/", "1"),
        ("s3://bucket/1/{run}/artifacts", "s3://bucket", "1"),
    ],
)
def test_a_map_comes_first(here, recorded, old, rest):
    """spec: cli-artifact-places"""
    made(here / "1" / RUN / "artifacts")
    folder = made(here / "mapped" / rest / RUN / "artifacts")
    path_map = (("/other", "/nowhere"), (old, str(here / "mapped")))
    assert locate(recorded.format(run=RUN), RUN, store("sqlite", here), path_map) == Root(folder=folder)


def test_a_map_to_an_artifact_store():
    found = locate(f"/data/1/{RUN}/artifacts", RUN, store("sqlite"), (("/data", "s3://bucket/x/"),))
    assert found == Root(uri=f"s3://bucket/x/1/{RUN}/artifacts")


def test_a_map_is_about_whole_folders(here):
    """spec: cli-artifact-places"""
    with pytest.raises(ArtifactError):
        locate(f"/database/1/{RUN}/artifacts", RUN, store("server"), (("/data", str(here)),))


def test_a_dead_place_is_named_without_the_machine():
    """spec: cli-artifact-places"""
    with pytest.raises(ArtifactError) as raised:
        locate(f"file:///home/secret%20me/mlruns/1/{RUN}/artifacts", RUN, store("server"), ())
    message = str(raised.value)
    assert f"1/{RUN}/artifacts" in message
    assert "--artifact-path-map OLD=NEW" in message
    assert "secret" not in message
    assert "home" not in message


def test_a_map_to_nowhere_is_dead(here):
    with pytest.raises(ArtifactError):
        locate(f"/data/1/{RUN}/artifacts", RUN, store("sqlite", here), (("/data", "/nowhere/at/all"),))


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("file:///home/me/mlruns/1/{run}/artifacts", "/home/me/mlruns"),
        ("/home/my%20own/mlruns/1/{run}/artifacts", "/home/my own/mlruns"),
        ("C:\\runs\\1\\{run}\\artifacts", "C:/runs"),
        ("/elsewhere/all/artifacts", "/elsewhere/all"),
    ],
)
def test_the_folder_to_map_is_told_and_mapping_it_helps(here, uri, folder):
    recorded = uri.format(run=RUN)
    assert lost_folders([(recorded, RUN), (recorded, RUN)], store("server"), ()) == (folder,)
    made(here / "1" / RUN / "artifacts")
    made(here / "artifacts")
    assert lost_folders([(recorded, RUN)], store("server"), ((folder, str(here)),)) == ()


def test_no_folder_is_lost_where_artifacts_are_in_a_store():
    assert lost_folders([(f"s3://bucket/1/{RUN}/artifacts", RUN)], store("server"), ()) == ()


def test_nothing_logged_is_no_dead_place(here):
    made(here / "mlruns" / "1" / "another run")
    recorded = str(here / "mlruns" / "1" / RUN / "artifacts")
    assert locate(recorded, RUN, store("server"), ()) == Root()
    made(here / "project")
    untouched = str(here / "project" / "mlruns" / "1" / RUN / "artifacts")
    assert locate(untouched, RUN, store("sqlite", here / "project"), ()) == Root()
    with pytest.raises(ArtifactError):
        locate(untouched, RUN, store("server"), ())


def test_an_address_that_means_a_null_character_is_a_place_that_is_not_here(here):
    with pytest.raises(ArtifactError, match="which is not here"):
        locate(f"file:///%00/{RUN}/artifacts", RUN, store("sqlite", here), ())


@pytest.mark.parametrize("shut", ["artifacts", "artifacts/1"])
def test_a_folder_that_may_not_be_looked_into_is_not_empty(here, monkeypatch, shut):
    made(here / "artifacts" / "1" / "another run")
    recorded = str(here / "artifacts" / "1" / RUN / "artifacts")
    assert locate(recorded, RUN, store("sqlite", here), ()) == Root()
    within = f"{here / shut}/"  # the folder itself is seen, what is in it is not
    with denied(monkeypatch, within), pytest.raises(ArtifactError, match="this user may not look into"):
        locate(recorded, RUN, store("sqlite", here), ())


def test_a_map_to_nowhere_is_no_place_where_nothing_was_logged(here):
    recorded = f"mlflow-artifacts:/1/{RUN}/artifacts"
    with pytest.raises(ArtifactError, match="which is not here"):
        locate(recorded, RUN, store("sqlite", here), (("mlartifacts", str(here / "typo")),))
    made(here / "right")
    assert locate(recorded, RUN, store("sqlite", here), (("mlartifacts", str(here / "right")),)) == Root()


def test_a_run_folder_that_git_left_without_artifacts(here):
    made(here / "1" / RUN)
    assert locate(f"file:///elsewhere/mlruns/1/{RUN}/artifacts", RUN, store("files", here), ()) == Root()
    with pytest.raises(ArtifactError):
        locate(f"file:///elsewhere/other/{RUN}/artifacts", RUN, store("files", here), ())
