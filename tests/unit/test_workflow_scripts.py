"""The scripts in workflows that decide something, run as the runner runs them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
Done = subprocess.CompletedProcess[str]

pytestmark = pytest.mark.skipif(
    shutil.which("jq") is None and "CI" not in os.environ, reason="the scripts need jq, as runners have it"
)


def run(folder: Path, workflow: str, job: str, step: str, **variables: str) -> Done:
    """Run a step of a workflow, by its name, in a folder."""
    steps = yaml.safe_load((ROOT / workflow).read_text(encoding="utf-8"))["jobs"][job]["steps"]
    (script,) = [one["run"] for one in steps if one.get("name") == step]
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


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
def test_only_a_changed_policy_may_warn(tmp_path, verdict, checks, passes):
    document = {"verdict": verdict, "checks": [{"status": status, "kind": kind} for status, kind in checks]}
    (tmp_path / "verdict.json").write_text(json.dumps(document))
    file = "verdict.json" if verdict else ""
    done = run(tmp_path, ".github/workflows/self.yml", "sound", "The verdict is ALL PASS", VERDICT_FILE=file)
    assert (done.returncode == 0) is passes, done.stderr
