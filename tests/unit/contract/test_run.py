import socket

import mlflow
import pytest
from mlflow import MlflowClient

from smoke_gate import contract
from smoke_gate.contract import ContractError
from smoke_gate.contract.run import LoggedRun, logged_run
from smoke_gate.credentials import without_credentials_and_query
from smoke_gate.errors import ExitCode, SmokeGateError
from tests.support.fluent import fluent_store


@pytest.fixture
def store(tmp_path):
    with fluent_store(tmp_path) as client:
        yield client


@pytest.fixture
def run(store):
    experiment = store.get_experiment_by_name("stage05")
    return LoggedRun(store, store.create_run(experiment.experiment_id).info.run_id)


def test_the_active_run_is_meant_where_none_is_named(store):
    with mlflow.start_run(experiment_id="1") as active:
        assert logged_run(None, None).run_id == active.info.run_id


def test_a_named_run_is_meant_before_the_active_one(store, run):
    with mlflow.start_run(experiment_id="1"):
        assert logged_run(store, run.run_id) == run
        assert logged_run(None, run.run_id).run_id == run.run_id


def test_no_run_is_said_with_what_to_do(store):
    with pytest.raises(ContractError, match=r"with mlflow\.start_run\(\):"):
        logged_run(None, None)
    with pytest.raises(ContractError, match="client= is given without run_id="):
        logged_run(store, None)


def test_an_error_of_the_contract_is_one_that_the_command_line_shows():
    assert issubclass(ContractError, SmokeGateError)
    assert issubclass(ContractError, ValueError)


def test_params_and_tags_are_logged(run):
    run.log({"cell": "A3", "seed": "42"}, {"git_dirty": "false"})
    data = run.client.get_run(run.run_id).data
    assert (data.params, data.tags["git_dirty"]) == ({"cell": "A3", "seed": "42"}, "false")


def test_the_same_value_again_is_no_mistake(run):
    """spec: contract-refuses"""
    run.log({"cell": "A3"})
    run.log({"cell": "A3", "seed": "42"})
    assert run.params() == {"cell": "A3", "seed": "42"}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"cell": "B0", "other": "x"}, "param cell is 'A3' already and cannot become 'B0'"),
        ({"other": "x", "empty": " "}, "param empty is empty"),
        ({"other": "x", "long": "x" * 501}, "param long has 501 characters"),
    ],
)
def test_a_refused_param_leaves_the_run_as_it_was(run, params, said):
    """spec: contract-refuses"""
    run.log({"cell": "A3"})
    with pytest.raises(ContractError, match=said):
        run.log(params)
    assert run.params() == {"cell": "A3"}


def test_files_go_where_they_are_named_and_come_back(run):
    run.log_file(b"one", "folder/file.json")
    run.log_file(b"two", "top.json")
    assert run.read_file("folder/file.json") == b"one"
    assert run.read_file("top.json") == b"two"
    assert run.read_file("folder/none.json") is None


# --- secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:s3cret@host:5000/api failed", "https://host:5000/api failed"),
        ("https://token@host/x", "https://host/x"),
        ("'https://me:s3/c@ret@host/x'", "'https://host/x'"),
        ("postgresql://host/db?password=s3cret failed", "postgresql://host/db failed"),
        (
            "Max retries exceeded with url: /x?token=s3cret/api (Caused",
            "Max retries exceeded with url: /x (Caused",
        ),
        ("two: http://a:s3cret@h and http://b:s3cret@h", "two: http://h and http://h"),
        ("no address, me@host", "no address, me@host"),
    ],
)
def test_credentials_are_removed(text, shown):
    assert without_credentials_and_query(text) == shown


@pytest.fixture
def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize(
    ("scheme", "said", "code"),
    [
        ("http", r"the MLflow store does not answer \(ConnectionError\)", ExitCode.NO_VERDICT),
        ("nosuchscheme", "the MLflow store refused", ExitCode.USAGE),
    ],
)
def test_no_secret_in_an_error(monkeypatch, closed_port, scheme, said, code):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    uri = f"{scheme}://me:s3cret@127.0.0.1:{closed_port}/?token=s3cret"
    # Not by the variable: what an earlier test told MLflow would come before it.
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", uri)
    with pytest.raises(ContractError, match=said) as error:
        contract.log_plan(cell="A3", seed=42, commit="c" * 40, run_id="0" * 32)
    assert "s3cret" not in str(error.value)
    assert error.value.exit_code == code
    assert error.value.__suppress_context__


def test_a_run_that_is_not_there(store):
    with pytest.raises(ContractError, match=r"the MLflow store refused.*not found"):
        contract.log_plan(cell="A3", seed=42, commit="c" * 40, client=store, run_id="0" * 32)


def test_a_client_of_its_own_needs_no_fluent_mlflow(store, run, tmp_path, monkeypatch):
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    contract.log_plan(cell="A3", seed=42, commit="c" * 40, client=client, run_id=run.run_id)
    assert run.params() == {"cell": "A3", "seed": "42"}
    assert not (tmp_path / "elsewhere.db").exists()


def test_every_error_that_the_contract_raises_is_exported_under_one_base():
    """spec: contract-refuses"""
    exported = {getattr(contract, name) for name in contract.__all__}
    errors = {one for one in exported if isinstance(one, type) and issubclass(one, Exception)}
    assert errors == {contract.ContractError, *_below(contract.ContractError)}


def _below(kind: type[Exception]) -> set[type[Exception]]:
    return {one for direct in kind.__subclasses__() for one in (direct, *_below(direct))}


def test_params_that_are_still_on_their_way_are_waited_for(store):
    with mlflow.start_run(experiment_id="1"):
        for number in range(20):
            mlflow.log_params({f"setting_{number}": number}, synchronous=False)
        params = logged_run(None, None).params()
    assert len(params) == 20
