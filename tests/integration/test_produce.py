"""`preregister`, as a new project meets it: before any run, in a folder that may hold nothing."""

from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from smoke_gate.cli import run
from smoke_gate.contract import Golden
from smoke_gate.hashing import definition_hash
from tests.support.forked import python_m
from tests.support.mlflow_server import free_port
from tests.support.recorded import EXPERIMENT, experiment_id
from tests.support.stores import sqlite_store

FIRST, SECOND = '{"metric": "rmse"}', '{"metric": "rmse", "peaks": true}'
PRIOR = definition_hash(FIRST)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project's folder with a definition, a changed one and a golden tensor."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path("first.json").write_text(FIRST)
    Path("second.json").write_text(SECOND)
    Path("golden.npz").write_bytes(Golden({"actual": np.ones(2)}, {"rmse": 0.5}).to_bytes())
    return tmp_path


@pytest.fixture
def store(folder, monkeypatch) -> MlflowClient:
    """An empty store, named by its whole path: MLflow holds on to what a relative one meant in the first test."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    return sqlite_store(folder / "mlflow.db")


def register(definition: str, *options: str) -> int:
    return run(["preregister", f"{definition}.json", "--experiment", EXPERIMENT, *options])


def registered(client: MlflowClient) -> list[dict[str, str]]:
    """The params of what is registered, the oldest first."""
    found = client.search_runs([experiment_id(client)], order_by=["attributes.start_time"])
    return [dict(one.data.params) for one in found]


def test_where_there_is_no_store_mlflows_own_is_made(capsys):
    command = ["smoke_gate", "preregister", "first.json", "--experiment", EXPERIMENT]
    first = python_m(*command, cwd=Path.cwd())
    assert first.returncode == 0, first.stderr
    assert first.stdout.decode().splitlines()[:3] == [
        "store: sqlite:///mlflow.db, which is new: none is named, and none was here",
        f"definition: {PRIOR}",
        "key: pape_definition_hash",
    ]
    assert run(["preregister", "--show"]) == 0
    assert f"{PRIOR} (in force)" in capsys.readouterr().out
    again = python_m(*command, cwd=Path.cwd())
    assert (again.stdout, again.returncode) == (b"", 2)


@pytest.mark.parametrize(
    ("policy", "options", "key"),
    [
        (None, [], "pape_definition_hash"),
        (None, ["--key", "rmse_definition_hash"], "rmse_definition_hash"),
        ("mae_definition_hash", [], "mae_definition_hash"),
        ("mae_definition_hash", ["--key", "rmse_definition_hash"], "rmse_definition_hash"),
    ],
)
def test_the_key_is_said_and_can_be_named(policy: str | None, options: list[str], key: str, store, capsys):
    if policy:
        plan = "plan: {cells: [A], seeds: [1]}"
        Path("smoke-gate.yml").write_text(
            f"version: 1\n{plan}\ngates: {{definition_hash: {{key: {policy}}}}}\n"
        )
    assert register("first", *options) == 0
    assert f"key: {key}" in capsys.readouterr().out.splitlines()
    assert registered(store)[0][key] == PRIOR


def test_what_another_key_registered_is_shown_by_it(store, capsys):
    assert register("first", "--key", "rmse_definition_hash") == 0
    capsys.readouterr()
    assert run(["preregister", "--show", "--experiment", EXPERIMENT, "--key", "rmse_definition_hash"]) == 0
    assert f"{PRIOR} (in force)" in capsys.readouterr().out


def policy(experiments: str) -> None:
    Path("smoke-gate.yml").write_text(f"version: 1\n{experiments}plan: {{cells: [A], seeds: [1]}}\n")


def test_the_experiment_is_the_policys(store):
    policy(f"experiment: {EXPERIMENT}\n")
    assert run(["preregister", "first.json"]) == 0
    assert len(registered(store)) == 1


@pytest.mark.parametrize(
    ("experiments", "said"),
    [
        (None, "preregister needs --experiment: no policy names one"),
        ("", "preregister needs --experiment: no policy names one"),
        ("experiments: [a, b]\n", "preregister needs --experiment: the policy names a, b"),
    ],
)
def test_the_experiment_is_not_guessed(experiments, said, store, capsys):
    if experiments is not None:
        policy(experiments)
    assert run(["preregister", "first.json"]) == 2
    assert said in capsys.readouterr().err


def test_the_golden_tensor_of_another_key(store, folder, monkeypatch, capsys):
    monkeypatch.syspath_prepend(folder)
    Path("errors_of.py").write_text("def rmse(actual):\n    return 0.5\n")
    assert register("first", "--golden", "golden.npz", "--key", "rmse_definition_hash") == 0
    command = ["golden", "errors_of:rmse", "--experiment", EXPERIMENT]
    assert run(command) == 2
    assert "not exactly one is in force of pape_definition_hash" in capsys.readouterr().err
    assert run([*command, "--key", "rmse_definition_hash"]) == 0
    assert "PASS rmse" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], f"{PRIOR} is registered already: give it as prior, with a reason"),
        (["--prior", "abc", "--reason", "x"], f"there is no abc to replace: what counts now is {PRIOR}"),
        (["--prior", PRIOR], f"the registration replaces {PRIOR}: give the reason"),
        (["--prior", PRIOR, "--reason", "x"], "has a golden tensor, and this one has none"),
    ],
)
def test_a_registration_that_may_not_follow_is_refused(options: list[str], said: str, store, capsys):
    assert register("first", "--golden", "golden.npz") == 0
    assert register("second", *options) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "prior=" not in error
    assert len(registered(store)) == 1


def test_a_warning_is_a_message(store, capsys):
    assert register("first") == 0
    error = capsys.readouterr().err
    assert error.startswith("smoke-gate: no git commit in the working directory")
    assert "UserWarning" not in error


def test_a_golden_tensor_is_followed_by_another(store):
    assert register("first", "--golden", "golden.npz") == 0
    assert register("second", "--prior", PRIOR, "--reason", "x", "--golden", "golden.npz") == 0


def test_a_file_store_is_used_where_that_is_the_store(folder, capsys):
    Path("mlruns").mkdir()
    assert register("first") == 0
    assert "store:" not in capsys.readouterr().out
    assert run(["preregister", "--show"]) == 0
    assert f"{PRIOR} (in force)" in capsys.readouterr().out
    assert register("first") == 2
    assert f"{PRIOR} is registered already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("localhost:5000", "write http://localhost:5000"),
        ("./mlruns", "there is no tracking store at ./mlruns"),
        ("sqlite:////proc/none/mlflow.db", "sqlite:////proc/none/mlflow.db cannot be read"),
        ("nosuch://me:s3cret@host/?token=s3cret", "nosuch://host/ cannot be read"),
        ("http://me:s3cret@127.0.0.1:PORT/?token=s3cret", "cannot connect to http://127.0.0.1:PORT/"),
    ],
)
def test_a_store_that_cannot_be_used_is_told(uri: str, said: str, capsys):
    port = str(free_port())
    assert register("first", "--tracking-uri", uri.replace("PORT", port)) == 3
    error = capsys.readouterr().err
    assert said.replace("PORT", port) in error
    assert "bug" not in error
    assert "s3cret" not in error
    assert not Path("mlruns").exists()
