"""Where the policy ignores other runs, the store is asked for those of the plan: the evidence is the same."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smoke_gate.collect import Source, collect, listed_runs
from smoke_gate.collect.planned_part import planned_part
from smoke_gate.evidence import Evidence
from smoke_gate.gates import policy_of
from smoke_gate.policy.model import Policy
from smoke_gate.verdict import evaluate
from tests.support.stores import sqlite_store

CELLS, SEEDS = ("B0", "A3", "b0", "x-B0", "it's"), ("1", "01", "2", "3")
ANY_CELL, ANY_SEED = (*CELLS, None), (*SEEDS, None)
TEMPLATES = ("params.cell", "tags.variant", "x-{params.cell}", "{params.cell}/{params.lr}", "params.cel")
WHERE = ("", "params.lr = '0.1'", "tags.variant != 'A3' AND attributes.run_name LIKE 'r%'")
EXPECTED = ("preregistration", "r3", "nobody", "run_id")
KEYS = ("lr", "lrr", "only_outside")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A store with runs of many kinds; its address, and the id of one of the runs."""
    folder = tmp_path_factory.mktemp("store")
    client = sqlite_store(folder / "mlflow.db")
    experiment = client.create_experiment("matrix", artifact_location=str(folder))
    chance = random.Random(3)
    run_id = ""
    for number in range(60):
        cell, seed = (
            ("B0", "12"[number]) if number < 2 else (chance.choice(ANY_CELL), chance.choice(ANY_SEED))
        )
        tags = {"smoke_gate.kind": "preregistration"} if number % 20 == 7 else {}
        run_id = client.create_run(experiment, tags=tags, run_name=f"r{number}").info.run_id
        params = {"cell": cell, "seed": seed, "lr": chance.choice(["0.1", "0.2"]), "use_vq": "False"}
        for key, value in params.items():
            if value is not None:
                client.log_param(run_id, key, value)
        if cell == "A3":
            client.log_param(run_id, "only_outside", "1")
        client.set_tag(run_id, "variant", chance.choice(CELLS))
        client.log_metric(run_id, "pape", number)
        client.set_terminated(run_id, chance.choice(["FINISHED", "FINISHED", "FAILED"]))
        if chance.random() < 0.1:
            client.delete_run(run_id)
    return f"sqlite:///{folder / 'mlflow.db'}", run_id


def read(uri: str, policy: Policy) -> Evidence:
    return collect(policy, Source(tracking_uri=uri), clock=lambda: datetime(2026, 1, 31, tzinfo=UTC)).evidence


def policy_with(cells: list[str], seeds: list[str], run_id: str, **chosen: Any) -> Policy:
    expect = {chosen["key"]: "0.1"} if chosen["key"] else {}
    where = {"cell": chosen["template"], "where": chosen["where"], "unexpected": "ignore"}
    name = chosen["expected"]
    named = {"preregistration": name, "run_id": {"run_id": run_id}}
    return policy_of(
        {
            "version": 1, "experiments": ["matrix"], "runs": where,
            "plan": {"cells": {cell: {"expect": expect} for cell in cells}, "seeds": seeds},
            "gates": {"definition_hash": {"expected": named.get(name, {"run_name": name})},
                      "metric_ratio": {"enabled": False, "reason": "there are no losses"}},
        }
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    cells=st.lists(st.sampled_from(CELLS), min_size=1, max_size=3, unique=True),
    seeds=st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=2, unique=True),
    template=st.sampled_from(TEMPLATES),
    where=st.sampled_from(WHERE),
    expected=st.sampled_from(EXPECTED),
    key=st.sampled_from((*KEYS, None)),
)
def test_the_evidence_and_the_verdict_are_those_of_the_whole_listing(store, cells, seeds, **chosen):
    """spec: G0-by-cell"""
    uri, run_id = store
    policy = policy_with(cells, seeds, run_id, **chosen)
    found = read(uri, policy)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(listed_runs, "planned_part", lambda _: None)
        whole = read(uri, policy)
    assert found == whole
    assert evaluate(policy, found) == evaluate(policy, whole)


def test_other_runs_are_not_listed_where_nothing_is_missing(store, monkeypatch):
    uri, run_id = store
    chosen = {"template": "params.cell", "where": "", "expected": "preregistration", "key": "lr"}
    monkeypatch.delattr(listed_runs, "listing_of")
    found = read(uri, policy_with(["B0"], ["1", "2"], run_id, **chosen))
    assert not found.others.looked_for
    assert {attempt.cell for attempt in found.attempts} == {"B0"}
    assert len(found.registrations) == 3
    with pytest.raises(NameError, match="listing_of"):  # a pair that was never tried: the others may say why
        read(uri, policy_with(["B0"], ["77"], run_id, **chosen))


def test_an_sqlite_store_is_read_without_a_client_of_mlflow(store, monkeypatch):
    uri, run_id = store
    chosen = {"template": "params.cell", "where": WHERE[1], "expected": "r3", "key": "lr"}
    policy = policy_with(["B0"], ["1", "2"], run_id, **chosen)
    whole = read(uri, policy)

    def refused(_: str) -> None:
        raise AssertionError("a client was made")

    monkeypatch.setattr("smoke_gate.collect.store._client", refused)
    assert read(uri, policy) == whole
    assert whole.runs


@pytest.mark.parametrize(
    ("runs", "cells"),
    [
        ({"unexpected": "warn"}, ["B0"]),
        (
            {"cell": "run_name:(?P<cell>.*)-(?P<seed>.*)", "seed": "run_name:(?P<cell>.*)-(?P<seed>.*)"},
            ["B0"],
        ),
        ({"cell": "parent.params.cell"}, ["B0"]),
        ({"seed": "parent.params.seed"}, ["B0"]),
        ({"cell": "experiment"}, ["B0"]),
        ({}, ["it's"]),
        ({}, [f"cell{number}" for number in range(21)]),
        ({"cell": "x-{params.cell}"}, ["B0"]),
    ],
    ids=["not ignored", "names", "parent", "parent's seed", "experiment", "a quote", "many", "never matches"],
)
def test_all_runs_are_asked_for_where_a_store_cannot_be_asked_by_cell(runs, cells):
    policy = policy_of(
        {
            "version": 1,
            "runs": {"unexpected": "ignore", **runs},
            "plan": {"cells": cells, "seeds": ["1"]},
            "gates": {"metric_ratio": {"enabled": False, "reason": "there are no losses"}},
        }
    )
    assert planned_part(policy) is None
