"""The libraries and the machine that a run says it is made with."""

import platform
import sys
from importlib.metadata import version
from types import SimpleNamespace

import mlflow
import pytest

from smoke_gate import contract
from smoke_gate.contract import ContractError
from tests.support.fluent import fluent_store


@pytest.fixture
def store(tmp_path):
    with fluent_store(tmp_path) as client:
        yield client


@pytest.fixture
def tags(store):
    """The tags ``environment.…`` of the active run, as the store has them when it is called."""
    with mlflow.start_run(experiment_id="1") as active:
        yield lambda: {
            key: value
            for key, value in store.get_run(active.info.run_id).data.tags.items()
            if key.startswith("environment.")
        }


def torch(*, cuda: bool) -> SimpleNamespace:
    """Return what is asked of torch, as torch answers it with a GPU and without."""
    return SimpleNamespace(
        get_default_dtype=lambda: "torch.float32",
        get_float32_matmul_precision=lambda: "highest",
        version=SimpleNamespace(cuda="12.4" if cuda else None),
        cuda=SimpleNamespace(is_available=lambda: cuda, get_device_name=lambda: "NVIDIA A100"),
        backends=SimpleNamespace(cudnn=SimpleNamespace(version=lambda: 90100)),
    )


def test_python_and_the_installed_libraries(tags, monkeypatch):
    """spec: contract-comparison"""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    imported = set(sys.modules)
    logged = contract.log_environment()
    assert tags() == logged
    assert logged["environment.python"] == platform.python_version()
    assert logged["environment.numpy"] == version("numpy")
    assert logged["environment.scikit-learn"] == version("scikit-learn")
    assert "environment.cuda" not in logged
    assert not {"sklearn", "torch", "pandas"} & (set(sys.modules) - imported)


@pytest.mark.parametrize(
    ("cuda", "found"),
    [
        (False, {}),
        (True, {"environment.cuda": "12.4", "environment.cudnn": "90100", "environment.gpu": "NVIDIA A100"}),
    ],
)
def test_torch_is_asked_where_it_is_imported(tags, monkeypatch, cuda, found):
    monkeypatch.setitem(sys.modules, "torch", torch(cuda=cuda))
    contract.log_environment()
    of_torch = {
        key: value for key, value in tags().items() if key.partition(".")[2] in ("cuda", "cudnn", "gpu")
    }
    assert of_torch == found
    assert tags()["environment.precision"] == "torch.float32, matmul highest"


def test_facts_of_the_users_own_come_last(tags):
    contract.log_environment(driver="550.54", numpy="1.26.4")
    assert tags()["environment.driver"] == "550.54"
    assert tags()["environment.numpy"] == "1.26.4"


def test_a_second_time_replaces_the_first(tags):
    contract.log_environment(gpu="T4")
    contract.log_environment(gpu="A100")
    assert tags()["environment.gpu"] == "A100"


def test_an_empty_fact(tags):
    with pytest.raises(ContractError, match=r"environment\.driver is empty"):
        contract.log_environment(driver=" ")
    assert tags() == {}


def test_another_run(store):
    run_id = store.create_run("1").info.run_id
    logged = contract.log_environment(client=store, run_id=run_id)
    assert logged.items() <= store.get_run(run_id).data.tags.items()
    with pytest.raises(ContractError, match="no active MLflow run"):
        contract.log_environment()
