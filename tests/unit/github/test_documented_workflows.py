"""The workflows of the documentation and of `init`: what they use exists, and they take no more than they need."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from smoke_gate.init.workflow import workflow_text

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "docs" / "workflows").glob("*.yml"))
PAGE = (ROOT / "docs" / "workflows.md").read_text(encoding="utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
WORKFLOWS: dict[str, dict[str, Any]] = {
    name: yaml.load(text, yaml.BaseLoader)
    for name, text in [
        *((file.name, file.read_text(encoding="utf-8")) for file in FILES),
        ("init", workflow_text("smoke-gate.yml")),
    ]
}


def gates(name: str) -> list[dict[str, Any]]:
    steps = [step for job in WORKFLOWS[name]["jobs"].values() for step in job["steps"]]
    return [step for step in steps if step.get("uses", "").startswith("org/smoke-gate@")]


def test_the_page_names_them_all():
    assert FILES
    assert all(f"](workflows/{file.name})" in PAGE for file in FILES)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_inputs_are_those_of_the_action(name):
    assert all(set(gate["with"]) <= set(ACTION["inputs"]) for gate in gates(name))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_permissions_are_given_to_jobs_alone_and_gates_do_not_race(name):
    assert WORKFLOWS[name]["permissions"] == {}
    assert WORKFLOWS[name]["concurrency"]["group"]
    for job in WORKFLOWS[name]["jobs"].values():
        assert job["permissions"]
        assert job["permissions"]["contents"] == "read"  # every gate reads the policy of the base branch


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_commit_status_has_its_permission(name):
    (job,) = WORKFLOWS[name]["jobs"].values()
    assert ("statuses" in job["permissions"]) == any("commit_status" in gate["with"] for gate in gates(name))


def test_names_and_groups_tell_them_apart():
    names = [workflow["name"] for workflow in WORKFLOWS.values()]
    groups = [workflow["concurrency"]["group"] for workflow in WORKFLOWS.values()]
    assert len({*names}) == len(names)
    assert len({*groups}) == len(groups)


def test_training_of_an_older_commit_cancels_no_gate_of_a_newer_one():
    group = WORKFLOWS["dispatched.yml"]["concurrency"]["group"]
    assert "client_payload.pull_request }}" in group
    assert "client_payload.sha }}" in group


def test_the_privileged_half_checks_nothing_out():
    steps = WORKFLOWS["publish.yml"]["jobs"]["publish"]["steps"]
    assert not any("checkout" in step.get("uses", "") or "run" in step for step in steps)


def test_the_privileged_half_follows_the_first_one_alone():
    publish = WORKFLOWS["publish.yml"]
    assert publish["on"]["workflow_run"]["workflows"] == [WORKFLOWS["judge.yml"]["name"]]
    job = publish["jobs"]["publish"]
    assert """fromJSON('["success", "failure", "timed_out"]')""" in job["if"]
    artifact, gate = job["steps"]
    assert gate["with"]["publish"].startswith(f"{artifact['with']['path']}/")
