"""Which file is the policy, and which looks as if it was meant to be it."""

from pathlib import Path

import pytest

from smoke_gate.cli import run
from smoke_gate.errors import ExitCode, UsageError
from smoke_gate.init.workflow import workflow_text
from smoke_gate.options import Options
from smoke_gate.policy_file.names import POLICY_NAMES, found_policy, reported, unread_policies

PLAN = "version: 1\nplan: {cells: [B0], seeds: [1]}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_either_name_is_the_policy(name: Path):
    """spec: policy-file-name"""
    name.write_text(PLAN)
    assert found_policy() == Options().policy_file == name
    assert unread_policies() is None


def test_there_may_be_none():
    assert found_policy() is None
    assert unread_policies() is None


def test_both_are_an_error_that_names_both():
    """spec: policy-file-name"""
    for name in POLICY_NAMES:
        name.write_text(PLAN)
    with pytest.raises(UsageError, match=r"found both smoke-gate\.yml and smoke-gate\.yaml"):
        found_policy()
    assert Options(policy=Path("smoke-gate.yaml")).policy_file == Path("smoke-gate.yaml")


@pytest.mark.parametrize(
    "name",
    [
        "smoke_gate.yml", "smoke-gates.yaml", ".smoke-gate.yml", "Smoke-Gate.YML", "smokegate.yml", "smoke gate.yaml",
        "smoke-gate.yml.", "smok-gate.yml", "smoke-gaet.yml", "smoke.gate.yaml", "smoke-gate.yalm",
    ],
)  # fmt: skip
def test_a_near_name_is_named(name: str):
    """spec: policy-file-name"""
    Path(name).write_text(PLAN)
    warning = unread_policies()
    assert warning is not None
    assert warning.startswith(f"{name} is not read: the policy file is smoke-gate.yml or smoke-gate.yaml.")


@pytest.mark.parametrize(
    "name",
    [
        "smoke-gate.md", "smoke-gate-nightly.yml", "smoke-gate.basic.yaml", "gate.yml", "smoke.yml", "smoke-gate",
        "smoke_gate.py", "docker-compose.yml", "smoke_verdict_20260101.json",
    ],
)  # fmt: skip
def test_other_files_are_not(name: str):
    Path(name).write_text(PLAN)
    assert unread_policies() is None


def test_a_folder_is_not():
    Path("smoke_gate.yml").mkdir()
    assert unread_policies() is None


def test_beside_the_policy_a_near_name_is_named_too():
    for name in ("smoke-gate.yml", "smoke_gate.yml", ".smoke-gate.yaml"):
        Path(name).write_text(PLAN)
    warning = unread_policies()
    assert warning is not None
    assert warning.startswith(
        ".smoke-gate.yaml, smoke_gate.yml are not read: the policy file is smoke-gate.yml."
    )


def test_a_command_warns_on_stderr_and_goes_on(capsys: pytest.CaptureFixture[str]):
    Path("smoke_gate.yml").write_text(PLAN)
    assert run(["policy", "--cells", "B0", "--seeds", "1"]) == ExitCode.OK
    said = capsys.readouterr()
    assert "smoke-gate: smoke_gate.yml is not read" in said.err
    assert "is not read" not in said.out


def test_a_named_policy_needs_no_warning(capsys: pytest.CaptureFixture[str]):
    Path("smoke_gate.yml").write_text(PLAN)
    assert run(["policy", "--policy", "smoke_gate.yml"]) == ExitCode.OK
    assert capsys.readouterr().err == ""


def test_both_names_end_a_command(capsys: pytest.CaptureFixture[str]):
    for name in POLICY_NAMES:
        name.write_text(PLAN)
    assert run(["policy"]) == ExitCode.USAGE
    assert "smoke-gate.yml and smoke-gate.yaml" in capsys.readouterr().err


def test_init_overwrites_neither_name(capsys: pytest.CaptureFixture[str]):
    Path("smoke-gate.yaml").write_text(PLAN)
    assert run(["init", "--yes", "--tracking-uri", "sqlite:///nowhere.db"]) == ExitCode.USAGE
    assert "smoke-gate.yaml is there already" in capsys.readouterr().err
    assert not Path("smoke-gate.yml").exists()


def test_a_workflow_names_a_policy_only_where_it_must():
    assert "policy:" not in workflow_text("smoke-gate.yaml")
    assert "policy: 'gates/smoke-gate.yaml'" in workflow_text("gates/smoke-gate.yaml")


def test_reports_show_no_folder_of_the_machine(folder: Path):
    assert reported(Path("../gates/x.yml")) == "../gates/x.yml"
    assert reported(folder / "gates" / "x.yml") == "gates/x.yml"
    assert reported(folder.parent / "x.yml") == "x.yml"
