import copy
import json
from typing import Any

import click
import pytest
from click.testing import CliRunner

from smoke_gate.cli.reproduce import compare, reproduce
from smoke_gate.errors import ExitCode, UsageError
from smoke_gate.verdict_file.read import VerdictFileError
from smoke_gate.verdict_file.write import document_json
from tests.support.matrix import passing_matrix, with_run
from tests.unit.report.judgements import judgement


def asked(command: click.Command, *arguments: object) -> tuple[int, str]:
    """Return the exit code and what was printed."""
    done = CliRunner().invoke(
        command, list(map(str, arguments)), standalone_mode=False, catch_exceptions=False
    )
    return done.return_value, done.stdout


@pytest.fixture
def document():
    return document_json(judgement().document)


@pytest.fixture
def write(tmp_path):
    def written(document, name="verdict.json"):
        path = tmp_path / name
        path.write_text(json.dumps(document))
        return path

    return written


def test_a_reproduced_verdict_is_exit_0(document, write):
    code, text = asked(reproduce, write(document))
    assert code == ExitCode.OK
    assert text.startswith(f"reproduced: {document['headline']}\n")
    assert f"evidence {document['evidence_sha256']}" in text
    assert "not covered by a hash, and deciding nothing: created_at, tool, context, source, pictures" in text


def test_tampering_is_said_as_such(document, write):
    document["evidence"]["as_of"] = "2026-01-30"
    code, text = asked(reproduce, write(document))
    assert code == ExitCode.FAIL
    assert text.startswith("tampered: the evidence does not match its hash")


def test_a_difference_is_shown(document, write):
    document["checks"][5]["status"] = "FAIL"
    code, text = asked(reproduce, write(document))
    assert code == ExitCode.FAIL
    assert text.startswith("differs: ")
    assert 'status: the file says "FAIL", its evidence gives "PASS"' in text


def test_many_differences_are_counted(document, write):
    document["checks"] = []
    _, text = asked(reproduce, write(document))
    assert f"  … and {len(judgement().document.checks) - 20} more\n" in text


def test_a_hostile_file_starts_no_workflow_command(document, write):
    document["headline"] = "\n::error::x ##[error]y"
    _, text = asked(reproduce, write(document))
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]


def test_no_verdict_file_is_a_usage_error(tmp_path):
    with pytest.raises(VerdictFileError, match="No such file"):
        asked(reproduce, tmp_path / "none.json")


def test_a_live_reading_that_is_not_made_is_said(document, write):
    document["checks"][5]["status"] = "FAIL"
    code, text = asked(reproduce, write(document), "--live")
    assert code == ExitCode.FAIL
    assert text.endswith("\n--live: the store is not read, since the verdict is not reproduced\n")


@pytest.mark.parametrize(
    ("option", "switch"),
    [("--tracking-uri", "--live"), ("--artifact-path-map", "--live"), ("--image", "--docker")],
)
def test_an_option_without_its_switch_is_a_usage_error(option, switch, document, write):
    with pytest.raises(click.UsageError, match=f"{option} does nothing without {switch}"):
        asked(reproduce, write(document), option, "a=b")


def test_a_variable_without_its_switch_is_for_other_commands(document, write, monkeypatch):
    monkeypatch.setenv("SMOKE_GATE_TRACKING_URI", "sqlite:///mlflow.db")
    monkeypatch.setenv("SMOKE_GATE_ARTIFACT_PATH_MAP", "a=b")
    code, _ = asked(reproduce, write(document))
    assert code == ExitCode.OK


# --- compare ----------------------------------------------------------------------------------------------------------


def moved() -> Any:
    """Return the document of a head whose metric is lower at one pair."""
    return document_json(
        judgement(evidence=with_run(passing_matrix(), "B0/42", metrics={"pape": "8.0"})).document
    )


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ([], ExitCode.OK),
        (["--max-drop", "pape=0.5"], ExitCode.OK),
        (["--max-drop", "pape=0.4"], ExitCode.FAIL),
        (["--max-rise", "pape=0"], ExitCode.OK),
        (["--max-rise", "pape=0", "--max-drop", "val_loss=0", "--max-drop", "pape=0"], ExitCode.FAIL),
        (["--max-drop", "nope=1"], ExitCode.FAIL),
    ],
)
def test_a_broken_limit_is_exit_1(limits, code, document, write):
    """spec: compare-files"""
    found, text = asked(compare, write(document, "base.json"), write(moved(), "head.json"), *limits)
    assert found == code
    assert text.startswith(f"base: {document['headline']}\nhead: ")
    assert "  B0/42: 8.5 → 8.0 (-0.5)\n" in text
    assert ("FAIL --max-" in text) is (code == ExitCode.FAIL)


@pytest.mark.parametrize("text", ["pape", "pape=", "=1", "pape=-1", "pape=nan", "pape=inf", "pape=1%"])
def test_a_limit_that_is_none_is_a_usage_error(text, document, write):
    with pytest.raises(click.BadParameter, match="expected METRIC=VALUE"):
        asked(compare, write(document), write(document), "--max-drop", text)


def test_the_headlines_are_those_of_the_evidence(document, write):
    said = document["headline"]
    document["headline"] = "ALL PASS · whatever you like"
    _, text = asked(compare, write(document, "base.json"), write(document, "head.json"))
    assert text.startswith(f"base: {said}\nhead: {said}\n")


def test_a_baseline_that_is_absent_is_an_error(document, write, tmp_path):
    with pytest.raises(VerdictFileError, match="No such file"):
        asked(compare, tmp_path / "none.json", write(document))


def test_a_baseline_that_was_tampered_with_is_an_error(document, write):
    head = write(copy.deepcopy(document), "head.json")
    document["evidence"]["runs"][0]["metrics"]["pape"] = "0.1"
    with pytest.raises(VerdictFileError, match="was tampered with"):
        asked(compare, write(document), head)


# --- reproduce --docker -----------------------------------------------------------------------------------------------


def test_a_verdict_of_no_image_asks_for_one(document, write):
    with pytest.raises(UsageError, match="name one with --image"):
        asked(reproduce, write(document), "--docker")


def test_no_engine_is_said_so(document, write, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(UsageError, match="no Docker engine answers"):
        asked(reproduce, write(document), "--docker", "--image", "smoke-gate")


def test_a_file_that_was_tampered_with_is_given_to_no_image(document, write, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    document["evidence"]["as_of"] = "2026-01-30"
    code, _ = asked(reproduce, write(document), "--docker", "--image", "smoke-gate")
    assert code == ExitCode.FAIL
