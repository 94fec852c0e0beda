"""The work of GitHub's runner for a step that is a container action: mounts, variables, an event file, file commands.

Source: ``ContainerActionHandler`` and ``DockerCommandManager`` of the runner (actions/runner 2.336), and "Default
environment variables" of GitHub's documentation. The engine's socket is not mounted: the action has no use for it.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from tests.container.accidents import set_commit
from tests.container.image import DOCKER, IMAGE, docker
from tests.github.runner import CODE, commit_workspace, heads_of, read_outputs
from tests.github.server import REPOSITORY, FakeGitHub

ACTION = yaml.safe_load(Path(__file__).parents[2].joinpath("action.yml").read_text(encoding="utf-8"))
TOKEN = "secret-token"  # the one that the loopback GitHub knows
TRAINED = "f" * 39 + "e"
RUNNER_USER = 1001  # the container is root, and the checkout somebody else's


@dataclass(frozen=True)
class Step:
    """The result of a step. Paths among the outputs are from the workspace."""

    code: int
    outputs: Mapping[str, str]
    summary: str
    log: str


@dataclass(frozen=True)
class Running:
    """A step that has not ended yet."""

    name: str
    client: "subprocess.Popen[str]"
    commands: Mapping[str, Path]

    def send(self, sent: signal.Signals) -> None:
        """Send the container's process a signal, as a runner does whose job is cancelled."""
        docker("kill", f"--signal={sent.name}", self.name)

    def ended(self) -> Step:
        """Wait for the end, and return what is left behind."""
        stdout, stderr = self.client.communicate(timeout=240)
        return Step(
            code=self.client.returncode,
            outputs=read_outputs(self.commands["GITHUB_OUTPUT"]),
            summary=self.commands["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8"),
            log=stdout + stderr,
        )


@dataclass(frozen=True)
class Runner:
    """A machine with one checkout, and the GitHub that it works for. ``env`` is the action's own environment."""

    root: Path
    github: FakeGitHub
    env: Mapping[str, str] = field(default_factory=lambda: dict(ACTION["runs"]["env"]))

    @property
    def workspace(self) -> Path:
        """The checkout: ``<work>/<repository>/<repository>``."""
        name = REPOSITORY.rpartition("/")[2]
        return self.root / "work" / name / name

    def run(self, event: Mapping[str, str], payload: Mapping[str, Any], **inputs: str) -> Step:
        """Run the action as a step of a job that this event started."""
        return self.start(event, payload, **inputs).ended()

    def start(self, event: Mapping[str, str], payload: Mapping[str, Any], **inputs: str) -> Running:
        """Start the action as a step of such a job. The head commits hold what the workspace holds."""
        heads = heads_of(self.github, payload, inputs) | {event["GITHUB_SHA"]}
        commit_workspace(self.github, self.workspace, heads, {CODE: "trains"})
        commands = self._file_commands()
        mounts = self._mounts()
        (self.root / "temp/_github_workflow/event.json").write_text(json.dumps(payload), encoding="utf-8")
        if os.geteuid() == 0:
            for path in (self.root / "temp", self.workspace, *self.workspace.rglob("*")):
                os.chown(path, RUNNER_USER, RUNNER_USER, follow_symlinks=False)
        variables = {
            **self.env,
            **_inputs(inputs),
            **self._variables(),
            **{name: str(path) for name, path in commands.items()},
            **event,
        }
        name = f"smoke-gate-test-{uuid4()}"
        arguments = [
            *("run", "--rm", "--name", name, "--workdir", "/github/workspace", "--network", "host"),
            *(f"--env={name}={_translated(value, mounts)}" for name, value in variables.items()),
            *(f"--volume={host}:{inside}" for host, inside in mounts.items()),
            IMAGE,
        ]
        client = subprocess.Popen(
            [DOCKER, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        return Running(name=name, client=client, commands=commands)

    def commit(self, head: str) -> None:
        """Let a commit hold what the workspace holds, where the event does not name it."""
        commit_workspace(self.github, self.workspace, {head}, {CODE: "trains"})

    def _mounts(self) -> dict[Path, str]:
        """Make the folders that a container action gets; host → container, the more special ones first."""
        temp = self.root / "temp"
        mounts = {
            temp / "_github_home": "/github/home",
            temp / "_github_workflow": "/github/workflow",
            temp / "_runner_file_commands": "/github/file_commands",
            temp: "/github/runner_temp",
            self.workspace: "/github/workspace",
        }
        for folder in mounts:
            folder.mkdir(parents=True, exist_ok=True)
        return mounts

    def _file_commands(self) -> dict[str, Path]:
        """Make the empty files by which a step answers."""
        folder = self.root / "temp/_runner_file_commands"
        folder.mkdir(parents=True, exist_ok=True)
        names = {
            "GITHUB_ENV": "set_env",
            "GITHUB_OUTPUT": "set_output",
            "GITHUB_PATH": "add_path",
            "GITHUB_STATE": "save_state",
            "GITHUB_STEP_SUMMARY": "step_summary",
        }
        step = uuid4()
        files = {name: folder / f"{prefix}_{step}" for name, prefix in names.items()}
        for file in files.values():
            file.touch()
        return files

    def _variables(self) -> dict[str, str]:
        """Return the variables that do not depend on the event. PYTHONPATH is a workflow's own, for its own steps."""
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION": "gate",
            "GITHUB_ACTION_REF": "v1",
            "GITHUB_ACTION_REPOSITORY": "org/smoke-gate",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_EVENT_PATH": str(self.root / "temp/_github_workflow/event.json"),
            "GITHUB_GRAPHQL_URL": f"{self.github.url}/graphql",
            "GITHUB_JOB": "gate",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_REPOSITORY_OWNER": REPOSITORY.partition("/")[0],
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": "100",
            "GITHUB_RUN_NUMBER": "1",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_WORKFLOW": "gate",
            "GITHUB_WORKSPACE": str(self.workspace),
            "HOME": str(self.root / "temp/_github_home"),
            "PYTHONPATH": "src",
            "RUNNER_ARCH": "X64",
            "RUNNER_NAME": "GitHub Actions 1",
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.root / "temp"),
            "RUNNER_WORKSPACE": str(self.workspace.parent),
        }


def runner_in(root: Path, github: FakeGitHub, demo: Path) -> Runner:
    """Set up a machine whose workspace holds the demo's store and policy; the base branch has the same policy.

    The runs are of a commit with the code that the head of every pull request has.
    """
    runner = Runner(root=root, github=github)
    shutil.copytree(demo, runner.workspace)
    set_commit(runner.workspace, TRAINED)
    github.files[f"{TRAINED}:{CODE}"] = {"text": "trains"}
    commit_policy(runner, (runner.workspace / "smoke-gate.yml").read_text(encoding="utf-8"))
    return runner


def commit_policy(runner: Runner, text: str) -> None:
    """Let a policy be the checkout's and the base branch's."""
    (runner.workspace / "smoke-gate.yml").write_text(text, encoding="utf-8")
    runner.github.files["refs/heads/main:smoke-gate.yml"] = {"text": text}


def _inputs(given: Mapping[str, str]) -> dict[str, str]:
    """Return every input as the runner passes it: what the step gives, else the default, expressions evaluated."""
    unknown = given.keys() - ACTION["inputs"].keys()
    assert not unknown, f"action.yml has no input {unknown}"
    values = {name: str(given.get(name, one.get("default", ""))) for name, one in ACTION["inputs"].items()}
    return {
        f"INPUT_{name.upper()}": text.replace("${{ github.token }}", TOKEN) for name, text in values.items()
    }


def _translated(value: str, mounts: Mapping[Path, str]) -> str:
    """Rewrite a path of the host to where the container has it."""
    for host, inside in mounts.items():
        if value == str(host) or value.startswith(f"{host}/"):
            return inside + value.removeprefix(str(host))
    return value
