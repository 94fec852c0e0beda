"""Runs that are read off a database's tables are those that MLflow's own search returns."""

import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, ViewType

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.histories import MOST_POINTS, Histories, histories_of
from smoke_gate.collect.listing import in_full, keys_of, listing_of, search
from smoke_gate.collect.progress import silent
from smoke_gate.collect.sql_runs import Keys, runs_in_database
from smoke_gate.collect.sql_scope import ids_in_database
from smoke_gate.collect.store import open_store
from smoke_gate.collect.tables import Tables

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
    tags = [InputTag(f"tag{number}", context) for number, context in enumerate(contexts)]
    return DatasetInput(Dataset(name, name[:8], "local", "{}", profile='{"num_rows": 3}'), tags)


def named_by_tag(uri: str, run_id: str) -> None:
    """Take a run's name away, as an older MLflow left it: only the tag has it."""
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE runs SET name = NULL WHERE run_uuid = ?", [run_id])


def ids_of(client: MlflowClient, names: Sequence[str]) -> list[str]:
    found = (client.get_experiment_by_name(name) for name in names)
    return [experiment.experiment_id for experiment in found if experiment]


def facts(run: Any) -> dict[str, Any]:
    return {
        "info": dict(run.info),
        "params": run.data.params,
        "tags": run.data.tags,
        "metrics": sorted(str(dict(metric)) for metric in run.data._metric_objs),
        "inputs": sorted(str(one.to_dictionary()) for one in run.inputs.dataset_inputs),
        "outputs": [(one.model_id, one.step) for one in run.outputs.model_outputs],
    }


def by_id(runs: Any) -> dict[str, dict[str, Any]]:
    return {run.info.run_id: facts(run) for run in runs}


KEYS = Keys(
    params=frozenset(["lr", "none"]), tags=frozenset(["leer", "mlflow.parentRunId", "mlflow.runName"])
)


@pytest.mark.parametrize("part", [1, 4], ids=["one run", "half of them"])
def test_a_brief_listing_has_the_keys_that_were_asked_for_and_the_rest_on_demand(uri, part):
    with open_store(uri) as store:
        ids = ids_of(store.client, ["one", "two"])
        everything = {run.info.run_id: run for run in search(store, ids, "", silent)}
        listing = listing_of(store, ids, KEYS, silent)
        assert listing.brief
        for run_id, run in everything.items():
            brief = listing.runs[run_id]
            assert dict(brief.info) == dict(run.info)
            assert brief.data.params == {
                key: run.data.params[key] for key in KEYS.params & run.data.params.keys()
            }
            assert brief.data.tags == {key: run.data.tags[key] for key in KEYS.tags & run.data.tags.keys()}
            assert not brief.data.metrics
        wanted = sorted(everything)[:part]
        found = in_full(store, listing, wanted)
        assert by_id(found.values()) == by_id(everything[run_id] for run_id in wanted)
        active = [run.data for run in everything.values() if run.info.lifecycle_stage == "active"]
        keys = keys_of(store, listing, ())
        assert keys.params == {key for data in active for key in data.params} == {"lr"}
        assert keys.tags == {key for data in active for key in data.tags}
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
    listed = client.search_runs(ids, run_view_type=ViewType.ALL) if ids else []
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
        runs = [run.info.run_id for run in search(store, ids, "", silent)][1:]
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
        runs = [run.info.run_id for run in search(store, ids, "", silent)]
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
