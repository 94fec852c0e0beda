"""The work of GitHub's runner for a step: an environment, an event file, files for outputs and summary."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smoke_gate import pipeline
from smoke_gate.collect.progress import silent
from smoke_gate.evidence import Evidence
from smoke_gate.github.action import publish_file, run_action
from smoke_gate.github.transport import Clock
from smoke_gate.pipeline import Request, Result, judge, write
from smoke_gate.policy_file.formats import effective_yaml
from smoke_gate.verdict_file.document import Experiment, StoreOrigin
from tests.github.server import REPOSITORY, FakeGitHub
from tests.support.matrix import (
    COMMIT,
    passing_matrix,
    passing_policy,
    with_another_attempt,
    with_run,
    without_run,
)

CODE = "train.py"  # the file of each commit that is code
POLICY = effective_yaml(passing_policy())
ORIGIN = StoreOrigin(tracking_uri="https://mlflow.example.org", experiments=(Experiment("1", "stage05"),))


def all_pass() -> Evidence:
    return passing_matrix()


def warning() -> Evidence:
    return with_another_attempt(passing_matrix(), "A3/42", "run-A3-42-again")


def fail() -> Evidence:
    return with_run(passing_matrix(), "A3/42", params={"vq_input_unit": "kW"})


def critical() -> Evidence:
    return with_run(passing_matrix(), "A3/42", params={"pape_definition_hash": "0" * 64})


def pending() -> Evidence:
    return without_run(passing_matrix(), "A3/42")


@dataclass(frozen=True)
class Step:
    """The result of a step."""

    code: int
    outputs: Mapping[str, str]
    summary: str
    stdout: str
    stderr: str


@dataclass
class Runner:
    """A workspace with the policy in it, and a GitHub that it talks to."""

    workspace: Path
    github: FakeGitHub
    capture: pytest.CaptureFixture[str]
    clock: Clock

    def run(
        self,
        evidence: Evidence | BaseException,
        event: Mapping[str, str],
        payload: Mapping[str, Any],
        **inputs: str,
    ) -> Step:
        """Run the action on evidence as if it had been read, or on an error that reading raises."""

        environ = self.environ(event, payload, inputs)
        if "publish" not in inputs:
            self.commit(payload, inputs)
        return self._step(environ, lambda: self.act(environ, evidence))

    def commit(self, payload: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
        """Let the head commit hold what the workspace holds, and the code of the runs unless it has other code."""
        commit_workspace(
            self.github, self.workspace, heads_of(self.github, payload, inputs), {CODE: "trains"}
        )

    def judge_store(
        self, event: Mapping[str, str], payload: Mapping[str, Any], *, tracking_uri: str, **inputs: str
    ) -> Step:
        """Run the action as it is, on the runs of a store."""
        environ = self.environ(event, payload, {"tracking_uri": tracking_uri, "no_figures": "true", **inputs})

        def check(request: Request, wait: float) -> Result:
            return pipeline.check(request, silent, wait=wait)

        return self._step(environ, lambda: run_action(environ, check, self.clock))

    def act(self, environ: Mapping[str, str], evidence: Evidence | BaseException) -> int:
        """Run the action in an environment."""

        def check(request: Request, wait: float) -> Result:
            if isinstance(evidence, BaseException):
                raise evidence
            evidence_here = replace(evidence, policy_change=request.policy_change)
            return write(request, judge(request, evidence_here, ORIGIN, datetime.now(UTC)))

        return run_action({"INPUT_TRACKING_URI": ORIGIN.tracking_uri, **environ}, check, self.clock)

    def publish(
        self,
        file: Path,
        event: Mapping[str, str],
        payload: Mapping[str, Any],
        *,
        require_publish: bool = False,
        **inputs: str,
    ) -> Step:
        """Run ``smoke-gate publish``."""
        environ = self.environ(event, payload, inputs)
        return self._step(
            environ,
            lambda: publish_file(file, environ, require_publish=require_publish, clock=self.clock),
        )

    def printed(self, action: Callable[[], object]) -> str:
        """Return what an action prints on stdout."""
        self.capture.readouterr()
        action()
        return self.capture.readouterr().out

    def environ(
        self, event: Mapping[str, str], payload: Mapping[str, Any], inputs: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the environment of a step."""
        folder = self.workspace.parent / f"step-{len(list(self.workspace.parent.iterdir()))}"
        folder.mkdir()
        (folder / "event.json").write_text(json.dumps(payload))
        given = {"github_token": "secret-token", "output_dir": "outputs", **inputs}
        return {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": f"{self.github.url}/graphql",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "100",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            **event,
            **{f"INPUT_{name.upper()}": value for name, value in given.items()},
        }

    def _step(self, environ: Mapping[str, str], action: Callable[[], int]) -> Step:
        self.capture.readouterr()
        code = action()
        printed = self.capture.readouterr()
        return Step(
            code=code,
            outputs=read_outputs(Path(environ["GITHUB_OUTPUT"])),
            summary=Path(environ["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8"),
            stdout=printed.out,
            stderr=printed.err,
        )


def heads_of(github: FakeGitHub, payload: Mapping[str, Any], inputs: Mapping[str, str]) -> set[str]:
    """Return the commits that a job may be about: those of its event, and those that its inputs name."""
    named = {pull.sha for pull in github.pulls.values() if str(pull.number) == inputs.get("pull_request")}
    event = {
        inputs.get("sha"),
        payload.get("workflow_run", {}).get("head_sha"),
        payload.get("pull_request", {}).get("head", {}).get("sha"),
    }
    return {sha for sha in named | event if sha}


def commit_workspace(
    github: FakeGitHub, workspace: Path, heads: Collection[str], others: Mapping[str, str]
) -> None:
    """Let commits hold what a workspace holds, and files that stand there already or else are as ``others`` says."""
    for head in heads:
        for name, text in others.items():
            github.files.setdefault(f"{head}:{name}", {"text": text})
    for file in workspace.rglob("*"):
        path = file.relative_to(workspace)
        if path.suffix in (".yml", ".yaml", ".json") and path.parts[0] not in ("outputs", ".git"):
            link = file.is_symlink()
            blob = {"text": str(file.readlink()) if link else file.read_bytes().decode()}
            for head in heads:
                github.files[f"{head}:{path}"] = {**blob, "mode": "120000"} if link else blob


def runner_in(folder: Path, github: FakeGitHub, capture: pytest.CaptureFixture[str], clock: Clock) -> Runner:
    """Make the workspace, its policy, which is the base branch's too, and the commit that the runs are of."""
    workspace = folder / "workspace"
    workspace.mkdir()
    (workspace / ".git").mkdir()
    (workspace / "smoke-gate.yml").write_text(POLICY, encoding="utf-8")
    github.files["refs/heads/main:smoke-gate.yml"] = {"text": POLICY}
    github.files[f"{COMMIT}:{CODE}"] = {"text": "trains"}
    return Runner(workspace=workspace, github=github, capture=capture, clock=clock)


def read_outputs(file: Path) -> dict[str, str]:
    """Read an outputs file as the runner does: ``name=value``, or a value between delimiters; the last one counts."""
    outputs: dict[str, str] = {}
    lines = iter(file.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if match := re.fullmatch(r"([^=<]+)<<(.+)", line):
            value = iter(lambda: next(lines), match[2])
            outputs[match[1]] = "\n".join(value)
        else:
            name, _, outputs_value = line.partition("=")
            outputs[name] = outputs_value
    return outputs


# --- events -----------------------------------------------------------------------------------------------------------


def pull_request(number: int, sha: str, *, fork: bool = False) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the environment and the payload of a pull request's event; ``GITHUB_SHA`` is the merge commit."""
    payload = {
        "pull_request": {
            "number": number,
            "head": {
                "sha": sha,
                "ref": "feature",
                "repo": {"full_name": "fork/forecasts" if fork else REPOSITORY},
            },
            "base": {"ref": "main", "sha": "0" * 40, "repo": {"full_name": REPOSITORY}},
        }
    }
    return {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": "9" * 40}, payload


def workflow_run(
    sha: str, *, owner: str = "fork", branch: str = "main", event: str = "pull_request"
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the same for the second workflow, whose own ``GITHUB_SHA`` is the default branch's."""
    run = {
        "id": 100,
        "run_attempt": 1,
        "event": event,
        "head_sha": sha,
        "head_branch": branch,
        "head_repository": {"owner": {"login": owner}},
        "pull_requests": [],
    }
    environ = {"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_SHA": "8" * 40, "GITHUB_RUN_ID": "200"}
    return environ, {"workflow_run": run}


def other(name: str, sha: str, **payload: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the same for an event without a pull request."""
    return {"GITHUB_EVENT_NAME": name, "GITHUB_SHA": sha}, payload
