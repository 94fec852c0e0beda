"""The image shows no secret: canaries in the container's environment, in the store and in what servers answer."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from mlflow.entities import Param

from tests.container.conftest import HEAD
from tests.container.image import run
from tests.github.runner import pull_request
from tests.support.canaries import FORMS, VARIABLES, canaries, leaks
from tests.support.http import Received, answering
from tests.support.recorded import EXPERIMENT, changed, recipe, record
from tests.support.stores import sqlite_store

PARAMS_AT_ONCE = 100  # as many as MLflow takes in one request


def given(values: dict[str, str]) -> list[str]:
    return [f"--env={name}={value}" for name, value in values.items()]


def refusal(text: str) -> tuple[int, bytes]:
    return 400, json.dumps({"error_code": "INVALID_PARAMETER_VALUE", "message": text}).encode()


def test_facts_of_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = canaries()
    forms = [form(value) for value in values.values() for form in FORMS.values()]
    params = {f"p{place}": f"before {form} after" for place, form in enumerate(forms)}
    client = sqlite_store(tmp_path / "mlflow.db")
    run_id = record(client, [changed(recipe("B0", "1"), name="run")])["run"]
    rest = [Param(key, text) for key, text in params.items()]
    for first in range(0, len(rest), PARAMS_AT_ONCE):
        client.log_batch(run_id, params=rest[first : first + PARAMS_AT_ONCE])
    policy = {
        "version": 1,
        "profile": "basic",
        "experiments": [EXPERIMENT],
        "plan": {"cells": {"B0": {"expect": dict.fromkeys(params, "something else")}}, "seeds": ["1"]},
    }
    (tmp_path / "smoke-gate.yml").write_text(yaml.safe_dump(policy))
    options = [f"--volume={tmp_path}:/work", "--workdir=/work", *given(values)]
    ended = run("check", "--tracking-uri=sqlite:///mlflow.db", "--verbose", options=options)
    files = [file for file in Path(tmp_path, "outputs").iterdir() if file.is_file()]
    assert (ended.code, len(files) >= 5) == (1, True), ended.stderr
    shown = {file.name: file.read_bytes().decode() for file in files}
    shown |= {"stdout": ended.stdout, "stderr": ended.stderr}
    assert {place: leaks(text) for place, text in shown.items() if leaks(text)} == {}


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_server_that_quotes_secrets(variable):
    value = canaries()[variable]
    said = [FORMS[form](value) for form in ("clear", "repr", "JSON", "part of a URL", "Basic")]
    with answering(lambda _request: refusal(" | ".join(said))) as uri:
        ended = run(
            "check",
            "--cells=B0",
            "--seeds=1",
            f"--tracking-uri={uri}",
            options=given({variable: value}),
            network="host",
        )
    assert ended.code == 3
    assert "***" in ended.stderr
    assert leaks(ended.stdout + ended.stderr) == []


def test_a_token_with_a_line_end(tmp_path):
    options = given({"MLFLOW_TRACKING_TOKEN": "tok-CANARY-1\n"})
    ended = run("check", "--cells=B0", "--seeds=1", "--tracking-uri=http://127.0.0.1:9", options=options)
    assert ended.code == 3
    assert "MLFLOW_TRACKING_TOKEN begins or ends with white space" in ended.stderr
    assert leaks(ended.stdout + ended.stderr) == []


def test_the_action(runner, github):
    """Comment, commit status, summary, outputs and log of a job whose tracking server quotes the header."""

    def answer(request: Received) -> tuple[int, bytes]:
        header = request.headers.get("Authorization", "")
        return refusal(f"{header} | {header!r} | tok-CANARY/+1 | pw-CANARY/+2")

    environment = {"MLFLOW_TRACKING_TOKEN": "tok-CANARY/+1\n", "AWS_SECRET_ACCESS_KEY": "pw-CANARY/+2"}
    with answering(answer) as uri:
        job = replace(runner, env={**runner.env, **environment})
        step = job.run(*pull_request(7, HEAD), tracking_uri=uri, commit_status="smoke-gate")
    assert step.outputs["verdict"] == "ERROR"
    (note,) = github.of()
    shown = {
        "comment": note.body, "status": json.dumps(github.statuses), "summary": step.summary, "log": step.log,
        "outputs": json.dumps(dict(step.outputs)),
    }  # fmt: skip
    assert {place: leaks(text) for place, text in shown.items() if leaks(text)} == {}
