"""The scripts in workflows that decide something, run as the runner runs them, with a stand-in for ``gh``."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
NOTHING: dict[str, Any] = {"runs": [], "artifacts": []}
Done = subprocess.CompletedProcess[str]

pytestmark = pytest.mark.skipif(
    shutil.which("jq") is None and "CI" not in os.environ, reason="the scripts need jq, as runners have it"
)


class Machine:
    """Runs single steps of workflows in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state = folder / "state.json"
        gh = folder / "bin" / "gh"
        gh.parent.mkdir()
        gh.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/support/gh.py "$@"\n')
        gh.chmod(0o755)
        self.holds()

    @property
    def state(self) -> dict[str, Any]:
        """What GitHub holds."""
        return dict(json.loads(self._state.read_text()))

    def holds(self, **what: Any) -> None:
        """Let GitHub hold something else."""
        before = self.state if self._state.exists() else NOTHING
        self._state.write_text(json.dumps({**before, **what}))

    def run(self, workflow: str, job: str, step: str, **variables: str) -> Done:
        """Run a step by its name."""
        steps = yaml.safe_load((ROOT / workflow).read_text(encoding="utf-8"))["jobs"][job]["steps"]
        (script,) = [one["run"] for one in steps if one.get("name") == step]
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env={"PATH": path, "STATE": str(self._state), **variables},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# --- the action on itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "checks", "passes"),
    [
        ("ALL PASS", [("PASS", "hash")], True),
        ("WARNING", [("PASS", "hash"), ("WARNING", "policy"), ("SKIPPED", "commit")], True),
        ("WARNING", [("WARNING", "policy"), ("WARNING", "commit")], False),
        ("WARNING", [], False),
        ("FAIL", [("WARNING", "policy")], False),
        (None, [], False),
    ],
)
def test_only_a_changed_policy_may_warn(machine, verdict, checks, passes):
    document = {"verdict": verdict, "checks": [{"status": status, "kind": kind} for status, kind in checks]}
    (machine.folder / "verdict.json").write_text(json.dumps(document))
    file = "verdict.json" if verdict else ""
    done = machine.run(".github/workflows/self.yml", "sound", "The verdict is ALL PASS", VERDICT_FILE=file)
    assert (done.returncode == 0) is passes, done.stderr


# --- the baseline -----------------------------------------------------------------------------------------------------


def main_run(number: int, conclusion: str = "success", event: str = "push") -> dict[str, Any]:
    return {"databaseId": number, "conclusion": conclusion, "event": event}


def fetch(machine: Machine) -> Done:
    return machine.run("docs/workflows/compare.yml", "compare", "Fetch main's newest verdict")


def test_the_baseline_is_the_newest_verdict_of_main(machine):
    runs = [
        main_run(9, event="pull_request"),  # a fork's
        main_run(8, "cancelled"),
        main_run(7, "failure"),  # it reached no verdict, so it has no artifact
        main_run(6, "failure", "workflow_dispatch"),
        main_run(5),
    ]
    machine.holds(runs=runs, artifacts=["9", "8", "6", "5"])
    done = fetch(machine)
    assert done.returncode == 0, done.stderr
    assert (machine.folder / "main.json").read_text() == "6"


def test_without_a_verdict_of_main_there_is_no_comparison(machine):
    machine.holds(runs=[main_run(5)])
    assert fetch(machine).returncode != 0
    assert not (machine.folder / "main.json").exists()
