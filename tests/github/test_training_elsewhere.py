"""Training elsewhere, as docs/workflows.md has it: a push is pending until the cluster has trained its code.

Everything is as it will be, but GitHub: MLflow's own store, git's own clones, the action's own code.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from dulwich import porcelain
from mlflow import MlflowClient

from smoke_gate.hashing import sha256_hex
from tests.github.runner import Runner, Step, other, pull_request
from tests.github.server import MAIN, FakeGitHub, Pull, Token
from tests.support.recorded import (
    CELLS,
    EXPERIMENT,
    MINUTE,
    SEEDS,
    START,
    changed,
    npz,
    recipe,
    record,
    registration,
)
from tests.support.stores import sqlite_store

ME = b"Me <me@example.org>"
OFF = {"enabled": False, "reason": "not of interest here"}
OLD_CODE, NEW_CODE, MAINS_CODE = {"train.py": "1"}, {"train.py": "2"}, {"other.py": "1"}


def policy(commit: str) -> str:
    made: dict[str, Any] = {
        "version": 1,
        "experiments": [EXPERIMENT],
        "runs": {"commit": commit},
        "plan": {"cells": {cell: {} for cell in CELLS}, "seeds": list(SEEDS), "required_metrics": ["pape"]},
        "gates": {"unit_contract": OFF, "figures": OFF},
    }
    return yaml.safe_dump(made)


@dataclass
class Project:
    """A repository on GitHub, its clone where the action runs, and the store that the cluster logs to."""

    runner: Runner
    github: FakeGitHub
    folder: Path
    client: MlflowClient
    tracking_uri: str
    committed: int = 0
    trained: int = 0

    def commit(self, *code: Mapping[str, str], rules: str = "code") -> str:
        """Put a commit on GitHub: the policy, a text that no other commit has, and files of code."""
        self.committed += 1
        files = {"smoke-gate.yml": policy(rules), "README.md": f"{self.committed}"}
        for some in code:
            files |= some
        for name, text in files.items():
            (self.folder / name).write_text(text)
        porcelain.add(self.folder, [str(self.folder / name) for name in files])
        sha = porcelain.commit(self.folder, message=b"m", author=ME, committer=ME).decode()
        self.github.revisions.add(sha)
        self.github.files |= {f"{sha}:{name}": {"text": text} for name, text in files.items()}
        return sha

    def clone(self, *, shallow: bool) -> None:
        """Check the newest commit out where the action runs."""
        for path in self.runner.workspace.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        depth = 1 if shallow else None
        porcelain.clone(str(self.folder), str(self.runner.workspace), depth=depth).close()

    def train(self, commit: str, *pairs: tuple[str, str], **facts: Any) -> None:
        """Do what the cluster does: log a run of each pair, all of them unless some are named."""
        for cell, seed in pairs or [(cell, seed) for cell in CELLS for seed in SEEDS]:
            self.trained += 1
            weights = npz(f"{self.trained}")
            entry = {"checkpoints/model.npz": {"sha256": sha256_hex(weights), "size": len(weights)}}
            manifest = json.dumps(entry).encode()
            run = changed(
                recipe(cell, seed, self.trained),
                name=f"{cell}-{seed}-{self.trained}",
                start=START + self.trained * MINUTE,
                tags={"git_commit": commit, "mlflow.source.git.commit": None},
                artifacts={"checkpoints/model.npz": weights, "checkpoints/MANIFEST.json": manifest},
            )
            record(self.client, [changed(run, **facts)])

    def judge(self, event: tuple[dict[str, str], dict[str, Any]], **inputs: str) -> Step:
        """Run the action."""
        environ, payload = event
        inputs = {"commit_status": "smoke-gate", **inputs}
        return self.runner.judge_store(environ, payload, tracking_uri=self.tracking_uri, **inputs)

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(one["sha"], one["state"]) for one in self.github.statuses]


@pytest.fixture
def project(runner: Runner, github: FakeGitHub, tmp_path: Path) -> Project:
    folder, cluster = tmp_path / "origin", tmp_path / "cluster"
    for made in (folder, cluster):
        made.mkdir()
    porcelain.init(folder).close()
    client = sqlite_store(cluster / "mlflow.db")
    client.create_experiment(EXPERIMENT, (cluster / "artifacts").as_uri())
    record(client, [registration()])
    github.files[f"{MAIN}:smoke-gate.yml"] = {"text": policy("code")}
    uri = f"sqlite:///{cluster / 'mlflow.db'}"
    return Project(runner=runner, github=github, folder=folder, client=client, tracking_uri=uri)


def pushed(project: Project, head: str, merge: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the event of a push to pull request 7; ``merge`` is the commit that GitHub made for it."""
    project.github.pulls[7] = Pull(7, head)
    environ, payload = pull_request(7, head)
    return {**environ, "GITHUB_SHA": merge}, payload


def trained() -> tuple[dict[str, str], dict[str, Any]]:
    """Return the event that the cluster's last step causes; its own commit is the default branch's."""
    environ, payload = other("repository_dispatch", "8" * 40)
    return {**environ, "GITHUB_RUN_ID": "150"}, payload


def codes(step: Step) -> dict[str, tuple[str, str]]:
    """Return what the verdict file says of each commit's code, and who said so."""
    evidence = json.loads(Path(step.outputs["verdict_file"]).read_text())["evidence"]
    return {commit: (code["same_code"], code["by"]) for commit, code in evidence["codes"].items()}


@pytest.mark.parametrize("shallow", [False, True], ids=["full clone", "shallow clone"])
@pytest.mark.parametrize("named", [("sha",), ("pull_request",), ("sha", "pull_request")], ids=" and ".join)
def test_a_push_is_pending_until_its_code_is_trained(project, shallow, named):
    old = project.commit(OLD_CODE)
    project.train(old)
    head = project.commit(NEW_CODE)
    merge = project.commit(NEW_CODE)
    project.clone(shallow=shallow)
    step = project.judge(pushed(project, head, merge))
    assert (step.code, step.outputs["verdict"], step.outputs["pending"]) == (1, "FAIL", "true")
    assert project.states == [(head, "pending")]
    assert codes(step) == {old: ("no", "api" if shallow else "clone")}
    assert "pending: 4 planned runs not finished yet ·" in step.stdout
    assert "No finished run, no attempt; 1 attempt is of other code than head's." in step.stdout

    inputs = {"sha": head, "pull_request": "7"}
    inputs = {name: value for name, value in inputs.items() if name in named} | {"policy_ref": "base"}
    project.train(head, ("B0", "42"), ("A3", "123"))
    step = project.judge(trained(), **inputs)
    assert (step.code, step.outputs["pending"]) == (1, "true")
    assert "pending: 2 planned runs not finished yet ·" in step.stdout

    project.train(head, ("B0", "123"), ("A3", "42"))
    step = project.judge(trained(), **inputs)
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS"), step.stdout
    assert project.states == [(head, "pending"), (head, "pending"), (head, "success")]
    assert codes(step)[head] == ("yes", "equal")
    (note,) = project.github.of()
    assert "Smoke gate: ALL PASS" in note.body


def test_a_run_that_failed_is_no_longer_pending(project):
    project.train(project.commit(OLD_CODE))
    head = project.commit(NEW_CODE)
    project.clone(shallow=True)
    project.judge(pushed(project, head, head))
    project.train(head, ("B0", "42"), ("B0", "123"), ("A3", "42"))
    project.train(head, ("A3", "123"), status="FAILED")
    step = project.judge(trained(), sha=head, policy_ref="base")
    assert (step.code, step.outputs["verdict"], step.outputs["pending"]) == (1, "FAIL", "false")
    assert project.states == [(head, "pending"), (head, "failure")]


@pytest.mark.parametrize("newer", [{}, {"notes.md": "x"}], ids=["squashed", "rebased onto notes"])
def test_a_squashed_or_rebased_branch_has_the_code_that_its_runs_had(project, newer):
    """spec: G0-same-code"""
    branch = project.commit(NEW_CODE)
    project.train(branch)
    shutil.rmtree(project.folder / ".git")
    porcelain.init(project.folder).close()
    main = project.commit(NEW_CODE, newer)
    project.clone(shallow=False)
    step = project.judge(other("push", main))
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS"), step.stdout
    assert codes(step) == {branch: ("yes", "api")}


@pytest.mark.parametrize("shallow", [False, True], ids=["full clone", "shallow clone"])
def test_runs_of_the_merge_commit_ran_heads_code_also_where_main_has_moved(project, shallow):
    """spec: G0-same-code"""
    head = project.commit(NEW_CODE)
    merge = project.commit(NEW_CODE, MAINS_CODE)
    project.clone(shallow=shallow)
    project.train(merge)
    step = project.judge(pushed(project, head, merge))
    assert (step.code, step.outputs["verdict"]) == (0, "ALL PASS"), step.stdout
    assert codes(step) == {merge: ("yes", "api")}


def test_where_nobody_knows_the_code_nothing_passes(project):
    """spec: G0-commit-auto"""
    old = project.commit(NEW_CODE)
    project.train(old)
    head = project.commit(NEW_CODE)
    project.clone(shallow=True)
    project.github.tokens["secret-token"] = Token(may_read_files=False)
    step = project.judge(pushed(project, head, head))
    assert (step.code, step.outputs["verdict"], step.outputs["pending"]) == (1, "FAIL", "false")
    assert codes(step) == {old: ("unknown", "none")}


@pytest.mark.parametrize(
    ("rules", "verdict", "state"), [("auto", "WARNING", "success"), ("any", "ALL PASS", "success")]
)
def test_other_rules_let_old_runs_stand_for_a_pull_request(project, rules, verdict, state):
    project.github.files[f"{MAIN}:smoke-gate.yml"] = {"text": policy(rules)}
    project.train(project.commit(OLD_CODE, rules=rules))
    head = project.commit(NEW_CODE, rules=rules)
    project.clone(shallow=True)
    project.github.merge_base = head
    step = project.judge(pushed(project, head, head))
    assert (step.code, step.outputs["verdict"]) == (0, verdict), step.stdout
    assert project.states == [(head, state)]
    assert ("4 runs are of other code than head's" in step.stdout) is (rules == "auto")
