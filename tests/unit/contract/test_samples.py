"""Of how many samples each split is, and how many are in two."""

import datetime

import mlflow
import numpy as np
import pandas as pd
import pytest

from smoke_gate import contract
from smoke_gate.contract import ContractError
from tests.support.fluent import fluent_store


@pytest.fixture
def store(tmp_path):
    with fluent_store(tmp_path) as client:
        yield client


@pytest.fixture
def params(store):
    """The params of the active run, as the store has them when it is called."""
    with mlflow.start_run(experiment_id="1") as active:
        yield lambda: store.get_run(active.info.run_id).data.params


# --- counts ---------------------------------------------------------------------------------------------------------


def test_numbers_and_what_has_a_length(params):
    logged = contract.log_counts(train=np.zeros((5, 2)), val=np.int64(3), test=["a", "b"], held_out=0)
    assert logged == {"train_count": "5", "val_count": "3", "test_count": "2", "held_out_count": "0"}
    assert params() == logged


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        ({}, "no split is given"),
        ({"train": 5, "test": -1}, "test: expected a number of samples, .* found -1"),
        ({"test": 5.0}, "found 5.0"),
        ({"test": True}, "found True"),
        ({"test": "12"}, "found '12'"),
        ({"test": np.float64(3)}, "found 3.0|found .*3.0"),
        ({"test": iter([1])}, "found list_iterator"),
    ],
)
def test_no_number(params, splits, said):
    with pytest.raises(ContractError, match=said):
        contract.log_counts(**splits)
    assert params() == {}


# --- overlap --------------------------------------------------------------------------------------------------------

ROWS = np.arange(12.0).reshape(6, 2)
DAY = datetime.date(2000, 6, 5)


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        pytest.param(ROWS[:4], ROWS[4:], 0, id="rows that differ"),
        pytest.param(ROWS[:4], ROWS[2:], 2, id="rows in both"),
        pytest.param(ROWS[:4], ROWS[[0, 0, 5]], 2, id="a row that is in the test data twice"),
        pytest.param(ROWS[::-1], np.asfortranarray(ROWS), 6, id="another order in memory"),
        pytest.param(ROWS.astype("float32"), ROWS.astype(">f8"), 6, id="other types of equal numbers"),
        pytest.param(ROWS.astype(int), ROWS, 6, id="integers and floats"),
        pytest.param(ROWS.tolist(), ROWS, 6, id="lists and arrays"),
        pytest.param(list(ROWS), ROWS, 6, id="a list of arrays"),
        pytest.param(ROWS / 10, (ROWS / 10).astype("float32"), 0, id="numbers that were rounded are others"),
        pytest.param(np.array([[np.nan, -0.0]]), np.array([[-np.nan, 0.0]]), 1, id="NaN, and both zeros"),
        pytest.param(np.array([2**62]), np.array([2**62, 2**62 + 1]), 1, id="integers that no double has"),
        pytest.param([2**62], np.array([2**62], "uint64"), 1, id="such integers in two forms"),
        pytest.param([1, 2.5], np.array([1.0, 2.5]), 2, id="plain numbers"),
        pytest.param(np.zeros((3000, 2)), np.zeros((1, 2)), 1, id="many rows"),
        pytest.param(np.ones((2, 3, 4), "uint8"), np.ones((5, 3, 4), "uint8"), 5, id="images"),
        pytest.param(["a cat", "a dog"], ["a dog", "a cow"], 1, id="texts"),
        pytest.param(np.array(["a", "b"]), ["b"], 1, id="an array of texts"),
        pytest.param([b"a"], ["a"], 0, id="bytes are not a text"),
        pytest.param(["1"], [1], 0, id="a text is not a number"),
        pytest.param([("ab", "c")], [("a", "bc")], 0, id="where a text ends"),
        pytest.param([("a", 1)], [["a", 1]], 1, id="tuples and lists"),
        pytest.param([{"x": 1, "y": "a"}], [{"y": "a", "x": 1}], 1, id="mappings in any order"),
        pytest.param([(np.ones(2), 1)], [([1.0, 1.0], 1), (np.ones(2), 0)], 1, id="inputs with a target"),
        pytest.param([None, DAY], [None, DAY, True], 2, id="nothing, and a day"),
        pytest.param(
            pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}), pd.DataFrame({"x": [2, 3], "y": ["b", "a"]}), 1, id="tables"
        ),
    ],
)  # fmt: skip
def test_samples_in_both(params, train, test, expected):
    """spec: contract-comparison"""
    assert contract.data_overlap(train, test) == expected
    assert params() == {"data_overlap": str(expected)}


def test_it_agrees_with_a_comparison_of_every_pair(params):
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 3, (size, 3)) for size in (20, 30))
    by_pairs = (test[:, None] == train[None]).all(axis=2).any(axis=1).sum()
    assert 0 < by_pairs < 30
    assert contract.data_overlap(train, test) == by_pairs


ITSELF: list[object] = ["it holds"]
ITSELF.append(ITSELF)


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), r"different shapes, \(3,\) and \(4,\)"),
        (np.zeros((0, 3)), np.zeros((2, 3)), "train is empty"),
        ([1], [], "test is empty"),
        ("abc", ["a"], "train: expected an array or a list of samples; found str"),
        ({"x": [1]}, [1], "train: .* found dict"),
        ([1], iter([1]), "test: .* found list_iterator"),
        ([object()], [1], "train has a sample of type object"),
        ([1], [ITSELF], "test has a sample that is nested too deeply"),
        (np.zeros(2, complex), np.zeros(2), "train has values of dtype complex128"),
        (np.ma.masked_array([1.0], [True]), np.zeros(1), r"train is a masked array.*array\.filled"),
    ],
)
def test_no_samples(params, train, test, said):
    with pytest.raises(ContractError, match=said):
        contract.data_overlap(train, test)
    assert params() == {}


def test_another_run(store):
    run_id = store.create_run("1").info.run_id
    contract.log_counts(train=1, client=store, run_id=run_id)
    contract.data_overlap([1], [1], client=store, run_id=run_id)
    assert store.get_run(run_id).data.params == {"train_count": "1", "data_overlap": "1"}
