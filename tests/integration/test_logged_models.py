"""G3 and models as MLflow logs them: all that loading needs is there, or is missed."""

import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from mlflow.pyfunc.model import PythonModel
from sklearn.linear_model import LogisticRegression

from smoke_gate.collect import Source, collect
from smoke_gate.evidence import LoggedModel
from smoke_gate.gates import policy_of
from smoke_gate.gates.base import Check, Status
from smoke_gate.verdict import evaluate
from tests.support.fluent import fluent_store

T = TypeVar("T")
BESIDE = "conda.yaml, python_env.yaml, requirements.txt"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project's folder, which is the working directory too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", "1")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    return tmp_path


def only(facts: Iterable[T]) -> T:
    (fact,) = facts
    return fact


class Echo(PythonModel):
    """A model of one's own."""

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        return model_input


def sklearn_model() -> None:
    mlflow.sklearn.log_model(
        LogisticRegression().fit([[0.0], [1.0]], [0, 1]),
        name="net",
        pip_requirements=[],
        serialization_format="cloudpickle",
    )


def own_model() -> None:
    """Log a model with a folder of artifacts, and with no code, which MLmodel names all the same."""
    Path("words").mkdir()
    Path("words", "en.txt").write_text("smoke")
    mlflow.pyfunc.log_model(
        name="net", python_model=Echo(), artifacts={"words": "words"}, code_paths=[], pip_requirements=[]
    )


def external_model() -> None:
    of_the_run(mlflow.create_external_model(name="net"))


def files_without_a_description() -> None:
    Path("files").mkdir()
    Path("files", "requirements.txt").write_text("torch")
    Path("files", "weights.txt").write_text("0.5")
    model = mlflow.initialize_logged_model(name="net")
    MlflowClient().log_model_artifacts(model.model_id, "files")
    of_the_run(mlflow.finalize_logged_model(model.model_id, "READY"))


def of_the_run(model: Any) -> None:
    run = mlflow.active_run()
    assert run is not None
    MlflowClient().log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])


def logged(folder: Path, log: Callable[[], None]) -> Path:
    """Have a run log a model; return the model's folder."""
    with fluent_store(folder):
        mlflow.set_experiment("stage05")
        with mlflow.start_run():
            mlflow.log_params({"cell": "B0", "seed": "42"})
            log()
    return only(folder.glob("artifacts/models/*/artifacts"))


def judged(folder: Path, **keys: Any) -> tuple[LoggedModel, Check]:
    """Return the model as it was read, and what G3 says of it."""
    policy = policy_of({
        "version": 1,
        "experiments": ["stage05"],
        "plan": {"cells": ["B0"], "seeds": ["42"]},
        "gates": {"checkpoints": keys},
    })  # fmt: skip
    evidence = collect(policy, Source(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")).evidence
    checks = [check for check in evaluate(policy, evidence).checks if check.kind == "model"]
    return only(only(evidence.runs).models), only(checks)


@pytest.mark.parametrize("log", [sklearn_model, own_model, files_without_a_description])
def test_a_whole_model_passes(folder, log):
    logged(folder, log)
    model, check = judged(folder, allow_globals=["*"])
    assert (model.status, model.absent, model.problem) == ("READY", (), None)
    assert check.status is Status.PASS
    assert check.message == "The model is READY, and its files of known formats are intact."


def test_of_a_model_that_lies_elsewhere_nothing_is_known(folder):
    logged(folder, external_model)
    model, check = judged(folder)
    assert (model.status, model.data, model.problem) == ("READY", (), None)
    assert check.status is Status.WARNING
    assert check.message.startswith("Nothing in the model is known to be one")


@pytest.mark.parametrize(
    ("log", "gone", "named"),
    [
        (sklearn_model, "model.pkl", "model.pkl"),
        (own_model, "python_model.pkl", "python_model.pkl"),
        (own_model, "artifacts/words/en.txt", "artifacts/words"),
    ],
)
def test_a_model_without_what_its_description_names_fails(folder, log, gone, named):
    """spec: G3-model"""
    place = logged(folder, log)
    (place / gone).unlink()  # an empty folder is left
    model, check = judged(folder, allow_globals=["*"])
    assert (model.absent, model.problem) == ((named,), None)
    assert (check.status, check.message) == (
        Status.FAIL,
        f"MLmodel names {named}, which the model does not have. Restore it, or log the model again.",
    )


@pytest.mark.parametrize("left", [b"", b"smok"])
def test_a_model_that_lost_bytes_of_no_known_format_fails(folder, left):
    (logged(folder, own_model) / "artifacts/words/en.txt").write_bytes(left)
    model, check = judged(folder, allow_globals=["*"], max_bytes=1)
    assert re.fullmatch(
        r"the model was saved with \d+ bytes and has \d+, so a file is lost or cut off", model.problem or ""
    )
    assert check.status is Status.FAIL


def test_weights_are_missed_where_no_byte_of_a_file_is_read(folder):
    (logged(folder, sklearn_model) / "model.pkl").unlink()
    assert judged(folder, max_bytes=1)[0].absent == ("model.pkl",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, f"it is missing beside {BESIDE}"),
        ("", "it names no flavors"),
        ("flavors: {", "it is not YAML"),
        ("flavors: {}\n" + "#" * (16 << 20), "it is larger than 16777216 bytes"),
    ],
)
def test_a_model_without_its_description_fails(folder, text, problem):
    description = logged(folder, sklearn_model) / "MLmodel"
    description.unlink()
    if text is not None:
        description.write_text(text)
    model, check = judged(folder, allow_globals=["*"])
    assert model.absent == ()
    assert str(model.problem).startswith(problem)
    assert check.status is Status.FAIL
    assert check.message.startswith(f"MLmodel does not describe the model: {problem}")
