"""Runs that are read off a database's tables are those that MLflow's own search returns."""

import math
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    ViewType,
)
from mlflow.store.db.base_sql_model import Base

from smoke_gate.collect import sql_tables
from smoke_gate.collect.errors import ExperimentError, StoreError
from smoke_gate.collect.experiments import find_experiments
from smoke_gate.collect.histories import MOST_POINTS, Histories, histories_of
from smoke_gate.collect.listing import in_full, keys_of, listing_of, search, single_run
from smoke_gate.collect.progress import silent
from smoke_gate.collect.recorded import RecordedRun, of_mlflow
from smoke_gate.collect.sql_runs import Keys, runs_in_database
from smoke_gate.collect.sql_scope import ids_in_database
from smoke_gate.collect.store import open_store
from smoke_gate.collect.tables import Tables
from smoke_gate.errors import ExitCode
from tests.support.recorded import CELLS, SEEDS, experiment_id, matrix, record
from tests.support.stores import sqlite_store

METRICS = ("pape", "up", "loss", "long", "never logged")


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a run of every kind."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    client = MlflowClient(uri)
    for experiment in ("one", "two"):
        made = client.create_experiment(experiment)
        plain = client.create_run(made, run_name="plain").info.run_id
        client.log_param(plain, "lr", "0.1")
        for key, value in (("pape", math.nan), ("up", math.inf), ("down", -math.inf), ("zero", -0.0)):
            client.log_batch(plain, metrics=[Metric(key, value, 5, 2**53)])
        losses = ((1.0, 1, 1), (0.5, 2, 2), (0.75, 3, 2), (math.nan, 3, 2))
        client.log_batch(plain, metrics=[Metric("loss", *values) for values in losses])
        client.log_batch(plain, metrics=[Metric("long", 1.0, step, step) for step in range(400)])
        client.log_inputs(plain, datasets=[dataset("demand", "train", "gold"), dataset("demand2")])
        model = client.create_logged_model(made, name="model", source_run_id=plain)
        client.log_outputs(plain, [LoggedModelOutput(model.model_id, step=3)])
        client.set_terminated(plain)
        client.delete_run(client.create_run(made, run_name="deleted").info.run_id)
        client.create_run(made, run_name="running", tags={"mlflow.parentRunId": plain, "leer": ""})
        named_by_tag(uri, client.create_run(made, run_name="named by its tag").info.run_id)
    return uri


def dataset(name: str, *contexts: str) -> DatasetInput:
    names = ("mlflow.data.context", "other")
    tags = [InputTag(key, context) for key, context in zip(names, contexts, strict=False)]
    return DatasetInput(Dataset(name, name[:8], "local", "{}", profile='{"num_rows": 3}'), tags)


def named_by_tag(uri: str, run_id: str) -> None:
    """Take a run's name away, as an older MLflow left it: only the tag has it."""
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE runs SET name = NULL WHERE run_uuid = ?", [run_id])


def ids_of(client: MlflowClient, names: Sequence[str]) -> list[str]:
    found = (client.get_experiment_by_name(name) for name in names)
    return [experiment.experiment_id for experiment in found if experiment]


def by_id(runs: Iterable[RecordedRun]) -> dict[str, tuple[RecordedRun, dict[str, str]]]:
    """Return the runs, and their metrics as text, since a NaN equals no other; MLflow lists no models with a run."""
    return {
        run.run_id: (
            replace(run, metrics={}, models={}, data_sets=tuple(sorted(run.data_sets))),
            {key: str(latest) for key, latest in run.metrics.items()},
        )
        for run in runs
    }


KEYS = Keys(
    params=frozenset(["lr", "none"]), tags=frozenset(["leer", "mlflow.parentRunId", "mlflow.runName"])
)


@pytest.mark.parametrize(("wanted", "brief"), [(0, True), (2, True), (3, False)])
def test_where_most_runs_are_wanted_they_are_read_in_full_at_once(uri, wanted, brief):
    with open_store(uri) as store:
        ids = ids_of(store.client, ["one"])
        listing = listing_of(store, ids, KEYS, silent, wanted=wanted)
        assert listing.brief is brief
        assert brief or by_id(listing.runs.values()) == by_id(search(store, ids, "", silent))


def test_a_single_run_is_read_off_the_tables(uri, monkeypatch):
    with open_store(uri) as store:
        for run in search(store, ids_of(store.client, ["one"]), "", silent):
            assert by_id([run]) == by_id(filter(None, [single_run(store, run.run_id)]))
        assert single_run(store, "0" * 32) is None
        monkeypatch.setattr(Tables, "read", broken)
        assert single_run(store, run.run_id) is not None
        assert single_run(store, "0" * 32) is None


@pytest.mark.parametrize("read", [Tables.read, lambda *_: broken()], ids=["tables", "MLflow"])
def test_without_a_name_the_only_experiment_with_active_runs_is_meant(tmp_path, monkeypatch, read):
    monkeypatch.setattr(Tables, "read", read)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(uri)
    first, second, _ = (client.create_experiment(name) for name in ("first", "second", "empty"))
    client.create_run(first)
    other = client.create_run(second)
    with open_store(uri) as store, pytest.raises(ExperimentError, match="has 2 with runs: 'first', 'second'"):
        find_experiments(store, [])
    client.delete_run(other.info.run_id)
    with open_store(uri) as store:
        assert find_experiments(store, []) == ((first, "first"),)


def test_the_columns_that_are_read_are_those_of_the_installed_mlflow():
    for table in sql_tables.ALL:
        assert set(table.c.keys()) <= set(Base.metadata.tables[table.name].c.keys()), table.name


@pytest.mark.parametrize("status", list(LoggedModelStatus))
def test_a_logged_model_is_read_with_its_run(tmp_path, status):
    client = sqlite_store(tmp_path / "mlflow.db")
    run = client.create_run("0").info.run_id
    kept, deleted = (client.create_logged_model("0", name=name, source_run_id=run) for name in ("net", "old"))
    client.log_outputs(run, [LoggedModelOutput(one.model_id, step=0) for one in (kept, deleted)])
    client.delete_logged_model(deleted.model_id)
    with sqlite3.connect(tmp_path / "mlflow.db") as tables:
        tables.execute("UPDATE logged_models SET status = ?", [status.to_int()])
    with open_store(client.tracking_uri) as store:
        (found,) = search(store, ["0"], "", silent)
        said = store.client.get_logged_model(kept.model_id)
    assert found.model_ids == tuple(sorted([kept.model_id, deleted.model_id]))
    assert found.models == {kept.model_id: (said.name, str(said.status), said.artifact_location)}


@pytest.mark.parametrize("part", [1, 4], ids=["one run", "half of them"])
def test_a_brief_listing_has_the_keys_that_were_asked_for_and_the_rest_on_demand(uri, part):
    with open_store(uri) as store:
        ids = ids_of(store.client, ["one", "two"])
        everything = {run.run_id: run for run in search(store, ids, "", silent)}
        listing = listing_of(store, ids, KEYS, silent)
        assert listing.brief
        for run_id, run in everything.items():
            brief = listing.runs[run_id]
            assert brief == replace(
                run,
                params={key: run.params[key] for key in KEYS.params & run.params.keys()},
                tags={key: run.tags[key] for key in KEYS.tags & run.tags.keys()},
                metrics={},
                data_sets=(),
                model_ids=(),
                models={},
            )
        wanted = sorted(everything)[:part]
        found = in_full(store, listing, wanted)
        assert by_id(found.values()) == by_id(everything[run_id] for run_id in wanted)
        active = [run for run in everything.values() if run.lifecycle_stage == "active"]
        keys = keys_of(store, listing, ())
        assert keys.params == {key for run in active for key in run.params} == {"lr"}
        assert keys.tags == {key for run in active for key in run.tags}
        assert keys_of(store, listing, everything) == Keys(frozenset(), frozenset())


def test_where_the_tables_break_after_the_listing_mlflow_lists_the_runs(uri, monkeypatch):
    with open_store(uri) as store:
        ids = ids_of(store.client, ["one"])
        listing = listing_of(store, ids, KEYS, silent)
        read, keys = in_full(store, listing, listing.runs), keys_of(store, listing, ())
        monkeypatch.setattr(Tables, "read", broken)
        assert by_id(in_full(store, listing, listing.runs).values()) == by_id(read.values())
        assert keys_of(store, listing, ()).params == keys.params
        whole = listing_of(store, ids, KEYS, silent)
        assert not whole.brief
        assert by_id(in_full(store, whole, whole.runs).values()) == by_id(read.values())
        assert keys_of(store, whole, ()) == keys


@pytest.mark.parametrize("names", [["one"], ["one", "two"], []])
def test_the_tables_say_what_mlflow_says(uri, names):
    client = MlflowClient(uri)
    ids = ids_of(client, names)
    listed = map(of_mlflow, client.search_runs(ids, run_view_type=ViewType.ALL) if ids else [])
    tables = Tables(uri)
    found = by_id(tables.read(runs_in_database(ids)))
    tables.end()
    assert found == by_id(listed)
    assert len(found) == 4 * len(names)


@pytest.mark.parametrize(
    "where",
    [
        "params.lr = '0.1'",
        "params.`lr` != '0.2'",
        "attributes.run_name LIKE 'named%'",
        "attributes.start_time > 0 AND tags.leer = ''",
        "tags.`mlflow.runName` ILIKE 'PLAIN'",
        "tags.leer IS NULL",
        "params.lr IS NOT NULL and attributes.user_id != 'nobody'",
    ],
)
def test_a_filter_selects_what_mlflow_selects(uri, where):
    client = MlflowClient(uri)
    ids = ids_of(client, ["one", "two"])
    tables = Tables(uri)
    found = tables.read(ids_in_database(ids, where))
    tables.end()
    assert found == {run.info.run_id for run in client.search_runs(ids, where, run_view_type=ViewType.ALL)}
    assert found


@pytest.mark.parametrize("are_most", [False, True])
def test_the_tables_have_the_histories_that_mlflow_has(uri, are_most):
    with open_store(uri) as store:
        ids = ids_of(store.client, ["one", "two"])
        runs = [run.run_id for run in search(store, ids, "", silent)][1:]
        read = histories_of(store, ids, runs, METRICS, are_most=are_most, with_curves=True)
        asked = Histories(store, with_curves=True)
        pairs = {(run_id, metric) for run_id in runs for metric in METRICS}
        assert read.known.keys() == pairs
        assert {pair: read.of(*pair) for pair in pairs} == {pair: asked.of(*pair) for pair in pairs}
        found = {metric: {read.of(run_id, metric).history for run_id in runs} - {None} for metric in METRICS}
        lengths = {metric: [one.length for one in histories if one] for metric, histories in found.items()}
        assert lengths == {"pape": [1], "up": [1], "loss": [3], "long": [400], "never logged": []}
        curves = [read.of(run_id, "long").curve for run_id in runs]
        assert MOST_POINTS in [len(curve.steps) for curve in curves if curve]


def test_where_the_tables_have_no_histories_mlflow_is_asked(uri, monkeypatch):
    with open_store(uri) as store:
        ids = ids_of(store.client, ["one"])
        runs = [run.run_id for run in search(store, ids, "", silent)]
        read = histories_of(store, ids, runs, METRICS)
        monkeypatch.setattr(Tables, "read", broken)
        asked = histories_of(store, ids, runs, METRICS)
        assert not asked.known
        assert [asked.of(run_id, "loss") for run_id in runs] == [read.of(run_id, "loss") for run_id in runs]


def broken(*_: object) -> None:
    raise StoreError("no such column")


def test_where_the_tables_cannot_be_read_mlflow_lists_the_runs(uri, monkeypatch):
    with open_store(uri) as store:
        ids = ids_of(store.client, ["one"])
        read = search(store, ids, "", silent)
        monkeypatch.setattr(Tables, "read", broken)
        assert by_id(search(store, ids, "", silent)) == by_id(read)


def test_reading_the_tables_changes_no_byte(uri):
    before = Path(uri.removeprefix("sqlite:///")).read_bytes()
    with open_store(uri) as store:
        search(store, ["1"], "", silent)
    assert Path(uri.removeprefix("sqlite:///")).read_bytes() == before


def test_a_store_with_local_artifacts_is_checked_without_mlflow(tmp_path):
    client = sqlite_store(tmp_path / "mlflow.db")
    ids = record(client, matrix())
    model = client.create_logged_model(experiment_id(client), name="net", source_run_id=ids["B0-42"])
    client.log_outputs(ids["B0-42"], [LoggedModelOutput(model.model_id, step=0)])
    arguments = ["check", "--quiet", "--no-figures", "--cells", ",".join(CELLS), "--seeds", ",".join(SEEDS)]
    code = f"import sys; from smoke_gate.cli import run; print(run({arguments}), *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    verdict, *modules = done.stdout.splitlines()[-1].split()
    assert int(verdict) in (ExitCode.OK, ExitCode.FAIL), done.stderr
    assert not {"mlflow", "matplotlib", "pandas", "alembic", "requests"} & set(modules)
