import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from smoke_gate.cli.bite import bite
from smoke_gate.errors import ExitCode
from smoke_gate.verdict_file.read import VerdictFileError
from smoke_gate.verdict_file.write import document_json
from tests.unit.report.judgements import judgement


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(document_json(judgement().document)))
    return path


def asked(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(bite, list(map(str, arguments)), standalone_mode=False, catch_exceptions=False)
    return done.return_value, done.stdout


def test_the_list_is_printed(file: Path):
    """spec: bite"""
    code, text = asked(file)
    assert code == ExitCode.OK
    assert text.startswith(judgement().document.headline)
    assert "  1 caught a run crashed" in text


def test_json_and_the_least_that_must_be_caught(file: Path):
    """spec: bite"""
    code, text = asked(file, "--json")
    percent = json.loads(text)["percent"]
    assert code == ExitCode.OK
    assert asked(file, "--min", percent - 1)[0] == ExitCode.OK
    assert asked(file, "--min", percent + 1)[0] == ExitCode.FAIL


@pytest.mark.parametrize("content", ["", "{}", "[1]"])
def test_what_is_not_a_verdict_file_is_a_usage_error(tmp_path: Path, content: str):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(VerdictFileError) as error:
        asked(path)
    assert error.value.exit_code == ExitCode.USAGE


def test_a_file_that_was_changed_is_refused(file: Path):
    document = json.loads(file.read_text())
    document["evidence"]["as_of"] = "2026-01-30"
    file.write_text(json.dumps(document))
    with pytest.raises(VerdictFileError, match="tampered"):
        asked(file)
