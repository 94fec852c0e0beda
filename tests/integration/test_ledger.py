"""The facts that are read for G7: params by column, versions, data sets, steps and histories of two trainings."""

import json
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric

from smoke_gate.collect import Source, collect
from smoke_gate.evidence import Column, Evidence
from smoke_gate.gates import policy_of
from smoke_gate.gates.needs import Needs
from tests.support.recorded import EXPERIMENT, Recipe, changed, recipe, record
from tests.support.stores import sqlite_store

PLAN = {"cells": ["B0"], "seeds": ["42", "123"]}
MODEL = """\
flavors:
  python_function: {loader_module: mlflow.sklearn, model_path: model.npz, python_version: 3.10.8}
  sklearn: {pickled_model: model.npz, sklearn_version: 1.1.3}
"""
CONDA = "dependencies: [python=3.9.1, {pip: [numpy==1.26.4, requests==2.0, scikit-learn==9.9]}]\n"


@pytest.fixture
def store(tmp_path) -> MlflowClient:
    """An empty store."""
    return sqlite_store(tmp_path / "mlflow.db")


def read(store: MlflowClient, *histories: str, **keys: Any) -> Evidence:
    policy = policy_of({"version": 1, "experiments": [EXPERIMENT], "plan": PLAN, **keys})
    source, also = Source(tracking_uri=store.tracking_uri), Needs(histories=frozenset(histories))
    return collect(policy, source, also=also).evidence


def run(seed: str, **facts: Any) -> Recipe:
    return changed(recipe("B0", seed), **facts)


def test_params_and_tags_are_read_by_column(store):
    long = "x" * 300
    ids = record(store, [run("42", params={"lr": "0.1", "only": "here"}), run("123", params={"lr": long})])
    ledger = read(store).ledger
    assert set(ledger.runs) == set(ids.values())
    values, of_runs = ledger.params["lr"].values, ledger.params["lr"].of_runs
    told = {
        run_id: values[place] for run_id, place in zip(ledger.runs, of_runs, strict=True) if place is not None
    }
    assert told[ids["B0-42"]] == "0.1"
    assert told[ids["B0-123"]].startswith("sha256:")
    assert sorted(map(str, ledger.params["only"].of_runs)) == ["0", "None"]
    assert ledger.tags["note"] == Column(values=("any",), of_runs=(0, 0))


def test_nothing_of_it_is_read_where_no_gate_compares(store):
    record(store, [run("42"), run("123")])
    found = read(store, gates={"comparison": {"enabled": False, "reason": "later"}})
    assert (found.ledger.runs, found.ledger.params) == ((), {})
    assert [(one.last_step, one.rows) for one in found.runs] == [(None, {}), (None, {})]


def test_versions_are_read_off_models(store):
    files = {
        "model/MLmodel": MODEL.encode(),
        "model/conda.yaml": CONDA.encode(),
        "model/model.npz": b"x",
        "model/requirements.txt": b"pandas==2.1.4 ; python_version > '3'\nrequests>=2\n",
    }
    record(store, [run("42", artifacts=files), run("123")])
    (model,) = next(one for one in read(store).runs if one.models).models
    assert model.versions == {"numpy": "1.26.4", "python": "3.10.8", "scikit-learn": "1.1.3"}
    assert model.requirements == {"pandas": "2.1.4"}


def test_data_sets_have_rows(store):
    ids = record(store, [run("42"), run("123")])
    for number, profile in enumerate([{"num_rows": 668}, {"num_rows": "many"}, None]):
        made = Dataset(
            name=f"d{number}", digest="0", source_type="local", source="{}",
            profile=json.dumps(profile) if profile else None,
        )  # fmt: skip
        store.log_inputs(ids["B0-42"], [DatasetInput(made, [InputTag("mlflow.data.context", "eval")])])
    rows = {one.run_id: one.rows for one in read(store).runs}
    assert rows == {ids["B0-42"]: {"eval d0": 668}, ids["B0-123"]: {}}


def test_the_last_step_and_two_trainings_in_one_history(store):
    ids = record(store, [run("42"), run("123")])
    again = [Metric("val_loss", 0.5 + step, 1_700_000_100_000 + step, step) for step in range(9)]
    store.log_batch(ids["B0-42"], metrics=again)
    store.log_batch(
        ids["B0-42"], metrics=[Metric("val_loss", 9.0, 1_700_000_200_000, step) for step in range(3)]
    )
    found = {one.run_id: one for one in read(store, "val_loss").runs}
    assert (found[ids["B0-42"]].last_step, found[ids["B0-123"]].last_step) == (8, 1)
    twice = {run_id: one.histories["val_loss"].two_trainings for run_id, one in found.items()}
    assert twice == {ids["B0-42"]: True, ids["B0-123"]: False}
