"""The work of GitHub with a workflow: it starts it for an event, checks the commit out, and runs its steps in order.

``run:`` steps are run by bash, as they stand there. The gate's step is the action itself, against the loopback GitHub.
Only expressions that the workflows of this project use are evaluated; any other fails the test.
"""

import contextlib
import io
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from smoke_gate import pipeline
from smoke_gate.collect.progress import silent
from smoke_gate.github.action import run_action
from smoke_gate.pipeline import Request, Result
from tests.github.runner import read_outputs
from tests.github.server import MAIN, REPOSITORY, FakeGitHub

ACTION = "org/smoke-gate@"
PULL = 7


@dataclass(frozen=True)
class Conclusion:
    """How a workflow's job ended: green or not, the outputs of its gate, and what its steps printed."""

    green: bool
    outputs: Mapping[str, str]
    log: str


@dataclass
class Project:
    """A repository on GitHub: its commits are in ``origin``, all else is the loopback GitHub's."""

    origin: Path
    github: FakeGitHub
    folder: Path
    shell: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    jobs: int = 0

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        command = ["git", "-C", str(self.origin), *arguments]
        return subprocess.run(
            command, env=dict(self.shell), capture_output=True, text=True, check=True
        ).stdout.strip()

    def pull_request(self, branch: str) -> dict[str, Conclusion]:
        """Open a pull request from a branch, or push to it; return how its workflows ended, by their files' names."""
        head, main = self.git("rev-parse", branch), self.git("rev-parse", "main")
        merged = self.git("commit-tree", "-p", main, "-p", head, "-m", "Merge", f"{branch}^{{tree}}")
        self.git("update-ref", f"refs/pull/{PULL}/merge", merged)
        self.github.push(PULL, head)
        for commit in [*self.git("rev-list", "--all").split(), merged]:
            self._publish(commit, commit)
        self._publish(main, MAIN)
        event = {
            "pull_request": {
                "number": PULL,
                "head": {"sha": head, "ref": branch, "repo": {"full_name": REPOSITORY}},
                "base": {"ref": "main", "sha": main, "repo": {"full_name": REPOSITORY}},
            }
        }
        return self._start("pull_request", event, merged, f"refs/pull/{PULL}/merge", workflows_of=head)

    def dispatch(self, sha: str) -> dict[str, Conclusion]:
        """Say that the training of a commit has ended; return how the workflows of main ended."""
        payload = {"sha": sha, "pull_request": str(PULL)}
        main = self.git("rev-parse", "main")
        event = {"action": "training-finished", "client_payload": payload}
        return self._start("repository_dispatch", event, main, "refs/heads/main", workflows_of=main)

    def _publish(self, revision: str, name: str) -> None:
        if name != MAIN and name in self.github.revisions:
            return
        self.github.revisions.add(name)
        for path in self.git("ls-tree", "-r", "--name-only", revision).splitlines():
            if Path(path).suffix in (".py", ".yml", ".yaml", ".json", ".txt"):
                self.github.files[f"{name}:{path}"] = {"text": self.git("show", f"{revision}:{path}") + "\n"}

    def _start(
        self, name: str, event: Mapping[str, Any], sha: str, ref: str, *, workflows_of: str
    ) -> dict[str, Conclusion]:
        folder = ".github/workflows"
        ended = {}
        for path in self.git("ls-tree", "--name-only", workflows_of, f"{folder}/").splitlines():
            workflow = yaml.load(self.git("show", f"{workflows_of}:{path}"), yaml.BaseLoader)
            if name in workflow["on"]:
                ((_, job),) = workflow["jobs"].items()
                self.jobs += 1
                runner = JobRunner(self, self.folder / f"job-{self.jobs}", name, event, sha, ref)
                ended[Path(path).name] = runner.run(job)
        return ended


@dataclass
class JobRunner:
    """A machine for one job."""

    project: Project
    folder: Path
    event_name: str
    event: Mapping[str, Any]
    sha: str
    ref: str
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        """The checkout."""
        return self.folder / "work"

    def run(self, job: Mapping[str, Any]) -> Conclusion:
        """Run the steps of a job; after one that fails, only those that ask for it."""
        self.workspace.mkdir(parents=True)
        (self.folder / "event.json").write_text(json.dumps(self.event))
        green, log = True, []
        own = self._evaluated(job.get("env", {}))
        for step in job["steps"]:
            condition = step.get("if", "${{ success() }}")
            assert condition in ("${{ success() }}", "${{ !cancelled() }}"), condition
            if green or condition == "${{ !cancelled() }}":
                code, printed = self._step(step, {**own, **self._evaluated(step.get("env", {}))})
                green = green and code == 0
                log.append(printed)
        return Conclusion(green, self.outputs, "\n".join(log))

    def _step(self, step: Mapping[str, Any], variables: Mapping[str, str]) -> tuple[int, str]:
        if "run" in step:
            return self._bash(step["run"], variables)
        uses, given = step["uses"], self._evaluated(step.get("with", {}))
        if uses.startswith("actions/checkout@"):
            return self._checkout(given.get("ref") or self.ref)
        if uses.startswith("actions/upload-artifact@"):
            return int(not (self.workspace / given["path"]).exists()), f"no files at {given['path']}"
        if uses.startswith("actions/setup-python@"):
            return 0, ""
        assert uses.startswith(ACTION), f"nobody knows {uses}"
        return self._gate(given, variables)

    def _bash(self, script: str, variables: Mapping[str, str]) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.workspace, env={**self.project.shell, **variables}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def _checkout(self, ref: str) -> tuple[int, str]:
        origin = f"file://{self.project.origin}"
        fetch = f"git init -q . && git fetch -q --depth 1 '{origin}' '{ref}' && git checkout -q FETCH_HEAD"
        return self._bash(fetch, {})

    def _gate(self, inputs: Mapping[str, str], variables: Mapping[str, str]) -> tuple[int, str]:
        """Run the action with its inputs, in the checkout and the environment of the step."""
        files = {name: str(self.folder / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        environ = {
            **variables,
            **files,
            "GITHUB_API_URL": self.project.github.url,
            "GITHUB_GRAPHQL_URL": f"{self.project.github.url}/graphql",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": str(100 + self.project.jobs),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_SHA": self.sha,
            "INPUT_GITHUB_TOKEN": "secret-token",
            "INPUT_OUTPUT_DIR": "outputs",
            "INPUT_NO_FIGURES": "true",
            **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        }

        def check(request: Request, wait: float) -> Result:
            return pipeline.check(request, silent, wait=0)

        with self._inside(variables) as printed:
            code = run_action(environ, check)
        self.outputs = read_outputs(Path(files["GITHUB_OUTPUT"]))
        return code, printed.getvalue()

    @contextlib.contextmanager
    def _inside(self, variables: Mapping[str, str]) -> Iterator[io.StringIO]:
        printed = io.StringIO()
        with (
            contextlib.chdir(self.workspace),
            mock.patch.dict(os.environ, variables),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            yield printed

    # --- expressions --------------------------------------------------------------------------------------------------

    def _evaluated(self, texts: Mapping[str, str]) -> dict[str, str]:
        return {
            name: re.sub(r"\$\{\{(.+?)\}\}", self._value, text, flags=re.DOTALL)
            for name, text in texts.items()
        }

    def _value(self, expression: re.Match[str]) -> str:
        """Return the first of several values, separated by ``||``, that is not empty."""
        parts = (part.strip() for part in expression[1].split("||"))
        return next((found for part in parts if (found := self._term(part))), "")

    def _term(self, term: str) -> str:
        if literal := re.fullmatch(r"'([^']*)'", term):
            return literal[1]
        if named := re.fullmatch(r"format\('(.*)', (.+)\)", term):
            return named[1].replace("{0}", self._term(named[2]))
        assert re.fullmatch(r"[\w.-]+", term), f"nobody evaluates {term!r}"
        contexts = {
            "vars": self.project.variables,
            "secrets": self.project.secrets,
            "github": {"event": self.event, "token": "secret-token"},
        }
        found: Any = contexts
        for name in term.split("."):
            found = found.get(name, {})
        return str(found) if found != {} else ""
