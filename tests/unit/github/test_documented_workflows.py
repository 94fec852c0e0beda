"""The ready workflows of the documentation: what they use exists, and they take no more than they need."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / "docs" / "workflows").glob("*.yml"))
PAGE = (ROOT / "docs" / "workflows.md").read_text(encoding="utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def workflow(file: Path) -> dict[str, Any]:
    return dict(yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader))


def gates(file: Path) -> list[dict[str, Any]]:
    steps = [step for job in workflow(file)["jobs"].values() for step in job["steps"]]
    return [step for step in steps if step.get("uses", "").startswith("org/smoke-gate@")]


def test_the_page_names_them_all():
    assert WORKFLOWS
    assert all(f"](workflows/{file.name})" in PAGE for file in WORKFLOWS)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_inputs_are_those_of_the_action(file):
    assert all(set(gate["with"]) <= set(ACTION["inputs"]) for gate in gates(file))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_permissions_are_given_to_jobs_alone_and_gates_do_not_race(file):
    assert workflow(file)["permissions"] == {}
    assert workflow(file)["concurrency"]["group"]
    for job in workflow(file)["jobs"].values():
        assert job["permissions"]
        assert job["permissions"].get("contents", "read") == "read"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_commit_status_has_its_permission(file):
    (job,) = workflow(file)["jobs"].values()
    assert ("statuses" in job["permissions"]) == any("commit_status" in gate["with"] for gate in gates(file))


def test_the_privileged_half_checks_nothing_out():
    steps = workflow(ROOT / "docs" / "workflows" / "publish.yml")["jobs"]["publish"]["steps"]
    assert not any("checkout" in step.get("uses", "") or "run" in step for step in steps)
