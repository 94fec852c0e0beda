"""An eighth gate, from a package that is installed: nothing else is edited, and every command and output knows it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from junitparser import JUnitXml

from tests.support.plugin import install
from tests.support.stores import sqlite_store

LATENCIES = {("A", "1"): 0.5, ("A", "2"): 3.0}
POLICY = """\
version: 1
profile: basic
experiments: [stage05]
plan: {cells: [A], seeds: [1, 2]}
gates: {latency: {device: gpu}}
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a store of two runs, a policy, and an installed package."""
    folder = tmp_path_factory.mktemp("work")
    client = sqlite_store(folder / "mlflow.db")
    experiment = client.create_experiment("stage05", artifact_location=str(folder / "artifacts"))
    for (cell, seed), seconds in LATENCIES.items():
        run_id = client.create_run(experiment).info.run_id
        for key, value in {"cell": cell, "seed": seed, "device": "gpu"}.items():
            client.log_param(run_id, key, value)
        client.log_metric(run_id, "latency", seconds)
        client.set_terminated(run_id)
    (folder / "smoke-gate.yml").write_text(POLICY)
    install(folder / "packages")
    return folder


SOURCES = str(Path(__file__).parents[2] / "src")


def run(work: Path, *arguments: object, is_installed: bool = True) -> subprocess.CompletedProcess[str]:
    paths = [*([str(work / "packages")] if is_installed else []), SOURCES]
    return subprocess.run(
        [sys.executable, "-m", "smoke_gate", *map(str, arguments)],
        cwd=work,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def checked(work: Path) -> Path:
    """Return the folder of what `check` wrote."""
    done = run(work, "check", "--no-figures", "--output-dir", "outputs")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "latency of A/2 is 3.0, expected at most 1.0." in done.stdout
    return work / "outputs"


def only(folder: Path, pattern: str) -> str:
    (path,) = folder.glob(pattern)
    return path.read_text(encoding="utf-8")


def document_of(checked: Path) -> dict[str, Any]:
    return dict(json.loads(only(checked, "smoke_verdict*.json")))


def test_the_verdict_file_holds_to_its_schema(work, checked):
    document = document_of(checked)
    schema = json.loads(run(work, "policy", "--schema", "verdict").stdout)
    jsonschema.validate(document, schema)
    gate = document["gates"][-1]
    assert (gate["id"], gate["name"], gate["status"], gate["failing"]) == ("L1", "latency", "FAIL", 1)
    statuses = {check["seed"]: check["status"] for check in document["checks"] if check["gate"] == "L1"}
    assert statuses == {"1": "PASS", "2": "FAIL"}


def test_every_report_has_it(checked):
    markdown, page = only(checked, "*.md"), only(checked, "*.html")
    assert "**L1** Predictions are fast enough" in markdown
    assert "Predictions are fast enough" in page
    suites = {suite.name: suite for suite in JUnitXml.fromstring(only(checked, "*.xml").encode())}
    assert (suites["L1 latency"].tests, suites["L1 latency"].failures) == (2, 1)
    predicate = only(checked, "*predicate*.json")
    assert "L1 latency" in predicate


def test_the_policy_has_its_section(work):
    policy = yaml.safe_load(run(work, "policy").stdout)
    assert policy["gates"]["latency"]["device"] == "gpu"
    schema = json.loads(run(work, "policy", "--schema").stdout)
    jsonschema.validate(yaml.safe_load(POLICY), schema)
    wrong = {"version": 1, "gates": {"latency": {"mots": 1}}}
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)


def test_it_is_explained_and_stands_on_the_page(work):
    assert run(work, "explain").stdout.count("\nL1  latency") == 1
    assert run(work, "explain", "latency").stdout.startswith("L1 latency: Predictions are fast enough")
    command = [sys.executable, "-m", "smoke_gate.report.explain"]
    paths = os.pathsep.join([str(work / "packages"), SOURCES])
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=True
    )
    assert "## L1 latency: Predictions are fast enough" in done.stdout


def test_init_proposes_it(work):
    done = run(work, "init", "--yes", "--output", "proposed.yml")
    assert (done.stderr, (work / "proposed.yml").exists()) == ("", True)
    text = (work / "proposed.yml").read_text(encoding="utf-8")
    assert "  # L1: 2 of 2 runs log latency." in text


def test_the_verdict_is_reproduced(work, checked):
    (path,) = checked.glob("smoke_verdict*.json")
    done = run(work, "reproduce", path)
    assert (done.returncode, done.stdout.startswith("reproduced: FAIL")) == (0, True), done.stdout
    live = run(work, "reproduce", "--live", path)
    assert "unchanged since" in live.stdout


def test_without_the_package_the_replay_fails_with_its_name(work, checked):
    (path,) = checked.glob("smoke_verdict*.json")
    done = run(work, "reproduce", path, is_installed=False)
    assert (done.returncode, done.stderr) == (1, "")
    head, reason, *_ = done.stdout.splitlines()
    assert head == "differs: a gate cannot judge here"
    assert reason.startswith("  No gate 'latency' is installed here")


def test_without_the_package_the_policy_is_refused(work):
    done = run(work, "check", is_installed=False)
    assert done.returncode == 2
    assert "gates.latency: unknown key" in done.stderr
    assert "Is the package that brings this gate installed?" in done.stderr


def test_a_plug_in_brings_its_mutations(work: Path, checked: Path):
    (verdict,) = checked.glob("smoke_verdict_*.json")
    done = run(work, "bite", verdict, "--json")
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout)["mutations"][-1]
    assert (last["name"], last["gates"], last["state"]) == ("slower", ["L1"], "caught")
    assert [found["kind"] for found in last["found"]] == ["latency"]
