from pathlib import Path

import pytest

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.file_store import private_links, refuse_lost_runs
from tests.support.recorded import fingerprint

META = "experiment_id: 1\nname: one\nrun_id: run\nstart_time: 1\nstatus: 3\n"


@pytest.fixture
def store(tmp_path):
    store = tmp_path / "mlruns"
    for folder in (
        "1/run/artifacts",
        "1/run/metrics",
        "1/run/params",
        "1/run/tags",
        "models/registered",
        "1/models/m-1",
    ):
        (store / folder).mkdir(parents=True)
    for path in ("1/meta.yaml", "1/run/meta.yaml", "models/registered/meta.yaml"):
        (store / path).write_text(META)
    (store / "1/run/params/a").write_text("x")
    return store


@pytest.fixture
def private(tmp_path):
    (tmp_path / "private").mkdir()
    return tmp_path / "private"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_links_to_experiments_only_and_trash_of_its_own(store, private):
    (store / "2").mkdir()  # artifacts of an SQLite store share the folder `mlruns`
    before = fingerprint(store)
    assert private_links(store, private) == {}
    links = private
    assert names(links) == [".trash", "1"]
    assert (links / "1/run/params/a").read_text() == "x"
    assert (links / "1/models/m-1").is_dir()
    assert fingerprint(store) == before


def test_a_run_that_git_left_without_empty_folders(store, private):
    (store / "1/run/artifacts").rmdir()
    (store / "1/run/metrics").rmdir()
    before = fingerprint(store)
    assert private_links(store, private) == {}
    links = private
    assert names(links / "1/run") == ["artifacts", "meta.yaml", "metrics", "params", "tags"]
    assert (links / "1/run/params/a").read_text() == "x"
    assert fingerprint(store) == before


def test_deleted_experiments_stay_deleted(store, private):
    (store / ".trash").mkdir()
    (store / "1").rename(store / ".trash/1")
    assert private_links(store, private) == {}
    links = private
    assert names(links) == [".trash"]
    assert names(links / ".trash") == ["1"]


@pytest.mark.parametrize("place", ["params/leak", "tags", "meta.yaml"])
def test_a_run_must_not_show_files_of_this_machine(store, private, tmp_path, place):
    (tmp_path / "secret").mkdir()
    target = store / "1/run" / place
    if target.is_dir():
        target.rmdir()
    elif target.exists():
        target.rename(tmp_path / "secret" / "meta.yaml")
    target.symlink_to(tmp_path / "secret" / ("meta.yaml" if place == "meta.yaml" else ""))
    with pytest.raises(StoreError, match="holds a link that leads out"):
        private_links(store, private)


@pytest.mark.parametrize("place", ["params/lr", "tags/loop", "tags"])
def test_a_link_that_leads_nowhere_is_no_fact_that_is_absent(store, private, place):
    link = store / "1/run" / place
    if link.is_dir():
        link.rmdir()
    link.symlink_to(link.name)  # to itself
    with pytest.raises(StoreError, match="leads out or nowhere"):
        private_links(store, private)


def test_an_endless_link_beside_the_runs_is_nothing(store, private):
    (store / "1/notes").symlink_to("notes")
    private_links(store, private)
    assert (private / "1/run/params/a").read_text() == "x"


def test_a_run_that_was_not_found_is_lost(store):
    refuse_lost_runs(store, ["1"], {"run"})
    refuse_lost_runs(store, [], set())
    with pytest.raises(StoreError, match=r"run run of the file store \(experiment 1\)"):
        refuse_lost_runs(store, ["1"], {"other"})
    (store / "1/run/meta.yaml").unlink()
    with pytest.raises(StoreError, match=r"its meta\.yaml is missing"):
        refuse_lost_runs(store, ["1"], set())


def test_what_is_no_run_is_not_lost(store):
    (store / "1/run.bak").mkdir()
    (store / "1/run.bak/meta.yaml").write_text("lifecycle_stage: active\nrun_id: run\nrun_uuid: run\n")
    for folder in ("datasets/d/params", "traces/t/tags", "tags", "other/artifacts"):
        (store / "1" / folder).mkdir(parents=True)
    refuse_lost_runs(store, ["1"], {"run"})


def test_an_experiment_may_live_elsewhere(store, private, tmp_path):
    (store / "1").rename(tmp_path / "big-disk")
    (store / "1").symlink_to(tmp_path / "big-disk")
    private_links(store, private)
    assert (private / "1/run/params/a").read_text() == "x"


def test_a_folder_without_experiments_says_what_was_meant(tmp_path, private):
    (tmp_path / "here/mlruns").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"no MLflow experiments; did you mean .*here/mlruns\?"):
        private_links(tmp_path / "here", private)
    (tmp_path / "here/mlflow.db").touch()
    with pytest.raises(StoreError, match=r"did you mean sqlite:///.*mlflow\.db\?"):
        private_links(tmp_path / "here/mlruns", private)
    with pytest.raises(StoreError, match="check the path"):
        private_links(private, private)


VALUES = [
    ("1700000000000 0.5 0\n", True),
    ("1700000000000 0.5 0\n1700000000001 0.25 1\n", True),
    ("1700000000000 0.5\n", True),
    ("1700000000000 nan 3\n1 -inf -4\n2 1e-05 5\n", True),
    ("1700000000000 0.5 0 data digest\n", True),
    ("1700000000000 0.5 12", True),
    ("", False),
    ("1700000000000 0.5 0\n17000", False),
    ("1700000000000 0.5 0\n1700000000001 0.2", False),
    ("\0\0\0\0", False),
    ("1700000000000 half 0\n", False),
]


@pytest.mark.parametrize(("content", "is_whole"), VALUES)
def test_a_damaged_metric_is_left_out_and_named(tmp_path, content, is_whole):
    store, private = tmp_path / "mlruns", tmp_path / "private"
    metrics = store / "1" / "run" / "metrics"
    for name in ("params", "tags", "artifacts"):
        (store / "1" / "run" / name).mkdir(parents=True)
    (metrics / "val").mkdir(parents=True)
    for path in (store / "1", store / "1" / "run"):
        (path / "meta.yaml").write_text(META)
    (metrics / "val" / "loss").write_text(content)
    (metrics / "pape").write_text("1700000000000 8.5 0\n")
    (metrics / ".DS_Store").write_bytes(b"\0\1")
    (metrics / ".nfs0001").write_bytes(b"")
    private.mkdir()
    assert private_links(store, private) == ({} if is_whole else {"run": ("metrics.val/loss",)})
    found = {
        path.relative_to(private).as_posix() for path in private.glob("1/run/metrics/**/*") if path.is_file()
    }
    assert found == {"1/run/metrics/pape"} | ({"1/run/metrics/val/loss"} if is_whole else set())
