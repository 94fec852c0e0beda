import json
from pathlib import Path

import mlflow
import numpy as np
import pytest

from smoke_gate import contract
from smoke_gate.contract import ContractError
from smoke_gate.contract.commit import WorkingTree, working_tree
from smoke_gate.hashing import HashError, definition_hash, sha256_hex
from tests.support.fluent import fluent_store

COMMIT = "c0ffee" * 6 + "c0de"
DEFINITION = {"metric": "pape", "peak": "daily maximum"}


@pytest.fixture
def store(tmp_path):
    with fluent_store(tmp_path) as client:
        yield client


@pytest.fixture
def run(store):
    """The active run, as the store has it when it is called."""
    with mlflow.start_run(experiment_id="1") as active:
        yield lambda: store.get_run(active.info.run_id)


# --- plan -----------------------------------------------------------------------------------------------------------


def test_plan(run):
    """spec: contract-facts"""
    contract.log_plan(cell="A3", seed=42, commit=COMMIT, dirty=False)
    data = run().data
    assert data.params == {"cell": "A3", "seed": "42"}
    assert (data.tags["git_commit"], data.tags["git_dirty"]) == (COMMIT, "false")


def test_plan_of_a_commit_whose_state_is_not_known(run):
    contract.log_plan(cell="A3", seed="042", commit=COMMIT)
    assert run().data.params["seed"] == "042"
    assert "git_dirty" not in run().data.tags


def test_plan_asks_git(run, tmp_path, monkeypatch):
    """spec: contract-facts"""
    from dulwich import porcelain
    from dulwich.repo import Repo

    with Repo.init(str(tmp_path)) as repository:
        made = porcelain.commit(repository, message=b"train", author=b"a <a@b>", committer=b"a <a@b>")
    monkeypatch.chdir(tmp_path)
    assert working_tree() == WorkingTree(made.decode(), dirty=False)
    contract.log_plan(cell="A3", seed=42)
    assert (run().data.tags["git_commit"], run().data.tags["git_dirty"]) == (made.decode(), "false")


def test_plan_outside_a_repository_warns_its_caller(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.warns(
        UserWarning, match=r"no git commit in the working directory \(there is no git rep"
    ) as caught:
        contract.log_plan(cell="A3", seed=42)
    assert caught[0].filename == __file__
    assert run().data.params == {"cell": "A3", "seed": "42"}
    assert "git_commit" not in run().data.tags


@pytest.mark.parametrize("commit", ["c0ffee", COMMIT.upper(), COMMIT + "0", "main"])
def test_plan_of_no_commit(run, commit):
    with pytest.raises(ContractError, match="40 or 64 lower-case hex"):
        contract.log_plan(cell="A3", seed=42, commit=commit)
    assert run().data.params == {}


def test_a_run_stands_for_one_pair(run):
    contract.log_plan(cell="A3", seed=42, commit=COMMIT)
    with pytest.raises(ContractError, match="param seed is '42' already and cannot become '43'"):
        contract.log_plan(cell="A3", seed=43, commit=COMMIT)


# --- definition -----------------------------------------------------------------------------------------------------


def test_definition(run):
    """spec: contract-facts"""
    sha256 = contract.log_definition(DEFINITION)
    assert sha256 == definition_hash(DEFINITION)
    assert run().data.params == {
        "pape_definition_hash": sha256,
        "pape_definition_hash_payload": '{"metric":"pape","peak":"daily maximum"}',
    }


def test_definition_as_text_is_logged_in_its_canonical_form(run):
    sha256 = contract.log_definition('{"peak": "일 최대", "metric": "pape"}', key="rmse_definition_hash")
    payload = run().data.params["rmse_definition_hash_payload"]
    assert payload == '{"metric":"pape","peak":"일 최대"}'
    assert sha256_hex(payload.encode()) == sha256 == run().data.params["rmse_definition_hash"]


@pytest.mark.parametrize("excess", [0, 1])
def test_definition_longer_than_a_param_is_an_artifact(store, run, tmp_path, excess):
    """spec: contract-facts"""
    definition = {"note": "x" * (500 - len('{"note":""}') + excess)}
    sha256 = contract.log_definition(definition)
    assert run().data.params["pape_definition_hash"] == sha256
    assert ("pape_definition_hash_payload" in run().data.params) == (excess == 0)
    logged = [file.path for file in store.list_artifacts(run().info.run_id)]
    assert logged == ([] if excess == 0 else ["definition.json"])
    if excess:
        path = store.download_artifacts(run().info.run_id, "definition.json", str(tmp_path))
        assert sha256_hex(Path(path).read_bytes()) == sha256


def test_a_run_has_one_definition(run):
    contract.log_definition(DEFINITION)
    contract.log_definition(json.dumps(DEFINITION))
    with pytest.raises(ContractError, match=r"pape_definition_hash is .* already"):
        contract.log_definition({"metric": "other"})


def test_no_definition(run):
    with pytest.raises(HashError, match="names a key twice: 'a'"):
        contract.log_definition('{"a": 1, "a": 2}')
    assert run().data.params == {}


# --- units and scaler spaces ----------------------------------------------------------------------------------------


def test_units(run):
    """spec: contract-facts"""
    contract.log_units(dlinear_output_unit="standardized", vq_input_unit="kW")
    assert run().data.params == {"dlinear_output_unit": "standardized", "vq_input_unit": "kW"}


def test_units_of_another_policy(run):
    contract.log_units(load_unit="MW", allowed=["MW", "GW"])
    assert run().data.params == {"load_unit": "MW"}


@pytest.mark.parametrize(
    ("units", "said"),
    [
        (
            {"dlinear_output_unit": "kW/h"},
            "dlinear_output_unit: unknown unit 'kW/h'; expected one of standardized, kW",
        ),
        ({"dlinear_output_unit": "kw"}, "unknown unit 'kw'"),
        ({"dlinear_output_unit": "kW", "vq_input_unit": ""}, "vq_input_unit: unknown unit ''"),
        ({}, "no unit is given"),
    ],
)
def test_no_units(run, units, said):
    with pytest.raises(ContractError, match=said):
        contract.log_units(**units)
    assert run().data.params == {}


def test_scaler_spaces(run):
    """spec: contract-facts"""
    contract.log_scaler_space(dlinear_output_scaler_space_signature="s1", vq_scaler_space_signature="s2")
    assert run().data.params == {
        "dlinear_output_scaler_space_signature": "s1",
        "vq_scaler_space_signature": "s2",
    }


@pytest.mark.parametrize("signatures", [{}, {"vq_scaler_space_signature": ""}])
def test_no_scaler_spaces(run, signatures):
    with pytest.raises(ContractError, match=r"no signature is given|is empty"):
        contract.log_scaler_space(**signatures)
    assert run().data.params == {}


# --- data -----------------------------------------------------------------------------------------------------------


def test_data_hashes(run):
    """spec: contract-facts"""
    train, val = np.arange(6.0), [np.zeros((2, 3)), np.ones(2)]
    logged = contract.log_data_hashes(train=train, val=val)
    assert logged == {"train_data_hash": contract.data_hash(train), "val_data_hash": contract.data_hash(val)}
    assert run().data.params == logged


@pytest.mark.parametrize(
    ("splits", "error", "said"),
    [
        ({}, ContractError, "no split is given"),
        ({"train": np.zeros(3), "test": np.zeros((0, 3))}, ContractError, "split test is empty"),
        ({"train": [np.zeros(0), np.zeros(0)]}, ContractError, "split train is empty"),
        ({"train": np.array([{}], dtype=object)}, HashError, "dtype object .* convert it first"),
        ({"train": [1.0, 2.0]}, HashError, "found float: pass numpy.asarray"),
    ],
)
def test_no_data(run, splits, error, said):
    with pytest.raises(error, match=said):
        contract.log_data_hashes(**splits)
    assert run().data.params == {}


def test_one_of_several_arrays_may_be_empty(run):
    contract.log_data_hashes(train=[np.zeros(0), np.zeros(2)])
    assert "train_data_hash" in run().data.params
