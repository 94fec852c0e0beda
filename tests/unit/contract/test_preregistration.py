import io
from typing import Any, cast

import numpy as np
import pytest
from mlflow import MlflowClient

from smoke_gate import contract
from smoke_gate.contract import ContractError, Golden, read_golden
from smoke_gate.hashing import HashError, definition_hash
from tests.support.fluent import fluent_store

COMMIT = "c0ffee" * 6 + "c0de"
FIRST, SECOND, THIRD = ({"metric": "pape", "version": version} for version in (1, 2, 3))
GOLDEN = Golden({"actual": np.ones((2, 48)), "forecast": np.full((2, 48), 1.1)}, {"pape": 10.0})


@pytest.fixture
def store(tmp_path):
    with fluent_store(tmp_path) as client:
        yield client


def register(definition: dict[str, Any], golden: Golden | None = None, **options: Any) -> str:
    return contract.preregister(definition, golden, **{"experiment": "stage05", "commit": COMMIT, **options})


def finished(store: MlflowClient) -> dict[str, str]:
    return {run.info.run_id: run.info.status for run in store.search_runs(["1"])}


def test_what_a_registration_holds(store, tmp_path):
    """spec: prereg-run"""
    run = store.get_run(register(FIRST, GOLDEN, policy_sha256="5" * 64))
    assert run.info.status == "FINISHED"
    assert run.data.tags["smoke_gate.kind"] == "preregistration"
    assert run.data.tags["git_commit"] == COMMIT
    assert run.data.params == {
        "pape_definition_hash": definition_hash(FIRST),
        "pape_definition_hash_payload": '{"metric":"pape","version":1}',
        "policy_sha256": "5" * 64,
    }
    golden = read_golden(store.download_artifacts(run.info.run_id, "golden.npz", str(tmp_path)))
    assert golden.expected == {"pape": 10.0}
    assert {name: array.tobytes() for name, array in golden.inputs.items()} == {
        name: array.tobytes() for name, array in GOLDEN.inputs.items()
    }


def test_a_long_definition_is_an_artifact(store):
    run_id = register({"note": "x" * 500}, key="rmse_hash")
    assert set(store.get_run(run_id).data.params) == {"rmse_hash"}
    assert [file.path for file in store.list_artifacts(run_id)] == ["definition.json"]


def test_an_experiment_by_name_or_id_or_made(store):
    assert store.get_run(register(FIRST)).info.experiment_id == "1"
    later = register(SECOND, experiment="1", prior=definition_hash(FIRST), reason="peaks over an hour")
    assert store.get_run(later).info.experiment_id == "1"
    made = store.get_run(register(FIRST, experiment="stage06", client=store)).info.experiment_id
    assert store.get_experiment(made).name == "stage06"
    numbered = store.get_run(register(FIRST, experiment="2024")).info.experiment_id
    assert store.get_experiment(numbered).name == "2024"


def test_a_chain_of_registrations(store):
    register(FIRST)
    register(SECOND, prior=definition_hash(FIRST), reason="peaks over an hour")
    third = register(THIRD, prior=definition_hash(SECOND), reason="unit corrected")
    params = store.get_run(third).data.params
    assert (params["prior_sha256"], params["reason"]) == (definition_hash(SECOND), "unit corrected")


@pytest.mark.parametrize(
    ("definition", "options", "said"),
    [
        (FIRST, {}, "registered already"),
        (SECOND, {"prior": definition_hash(FIRST), "reason": "again"}, "registered already"),
        (THIRD, {}, f"{definition_hash(SECOND)} is registered already: give it as prior, with a reason"),
        (
            THIRD,
            {"prior": definition_hash(FIRST), "reason": "fork"},
            f"no {definition_hash(FIRST)} to replace: what counts now is {definition_hash(SECOND)}",
        ),
        (THIRD, {"prior": "0" * 64, "reason": "unknown"}, f"what counts now is {definition_hash(SECOND)}"),
        (THIRD, {"prior": definition_hash(SECOND)}, f"replaces {definition_hash(SECOND)}: give the reason"),
    ],
)
def test_what_does_not_carry_on_the_chain(store, definition, options, said):
    """spec: prereg-chain"""
    register(FIRST)
    register(SECOND, prior=definition_hash(FIRST), reason="peaks over an hour")
    before = finished(store)
    with pytest.raises(ContractError, match=said):
        register(definition, **options)
    assert finished(store) == before


def test_the_first_registration_replaces_none(store):
    with pytest.raises(ContractError, match="nothing is registered yet, so give no prior"):
        register(FIRST, prior="0" * 64, reason="unknown")


def test_a_golden_tensor_is_not_lost(store):
    """spec: prereg-chain"""
    register(FIRST, GOLDEN)
    replacement: dict[str, Any] = {"prior": definition_hash(FIRST), "reason": "peaks over an hour"}
    with pytest.raises(ContractError, match="has a golden tensor, and this one has none"):
        register(SECOND, **replacement)
    assert len(finished(store)) == 1
    register(SECOND, GOLDEN, **replacement)


def test_definitions_of_other_metrics_and_deleted_ones_do_not_count(store):
    register(FIRST, key="rmse_hash")
    store.delete_run(register(FIRST))
    register(SECOND)


def test_a_registration_that_breaks_off_is_failed(store):
    with pytest.raises(ContractError, match="param reason has 501 characters"):
        register(FIRST, reason="x" * 501)
    assert list(finished(store).values()) == ["FAILED"]
    register(FIRST)


# --- the golden tensor ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("golden", "error", "said"),
    [
        (Golden({}, {"pape": 1.0}), ContractError, "at least one input array"),
        (Golden({"actual": np.ones(2)}, {}), ContractError, "one expected metric value"),
        (Golden({"actual": np.ones(2)}, {"pape": float("nan")}), ContractError, "the expected pape is nan"),
        (Golden({"actual": np.array([{}])}, {"pape": 1.0}), HashError, "Python objects"),
        (Golden(cast("Any", {"actual": [1.0]}), {"pape": 1.0}), HashError, "found float"),
    ],
)
def test_no_golden_tensor(store, golden, error, said):
    with pytest.raises(error, match=said):
        register(FIRST, golden)
    assert finished(store) == {}


def archive(**arrays: Any) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        archive(**{"input.actual": np.ones(2)}),
        archive(**{"expected.pape": 1.0}),
        archive(**{"input.actual": np.array([{}], dtype=object), "expected.pape": 1.0}),
        archive(**{"input.actual": np.ones(2), "expected.pape": np.ones(2)}),
        archive(**{"input.actual": np.ones(2), "expected.pape": 1.0})[:-30],
        GOLDEN.to_bytes().replace(b"PK\x01\x02-\x03-\0\0", b"PK\x01\x02-\x03-\0\1"),  # as if encrypted
        GOLDEN.to_bytes().replace(b"(2, 48), }" + 13 * b" ", b"(2, 48" + 13 * b"0" + b"), }"),
    ],
)
def test_no_golden_file(tmp_path, content):
    (tmp_path / "golden.npz").write_bytes(content)
    with pytest.raises(ContractError, match=r"golden\.npz"):
        read_golden(tmp_path / "golden.npz")
