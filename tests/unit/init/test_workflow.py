"""The workflow that init writes passes the checks of the repository's own; see also ``test_documented_workflows``."""

import subprocess
import sys
from pathlib import Path

import pytest

from smoke_gate.init.workflow import workflow_text

ROOT = Path(__file__).parents[3]
TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "check",
    [
        ["actionlint", "-shellcheck", TOOLS / "shellcheck"],
        ["zizmor", "--offline", "--config", ROOT / ".github" / "zizmor.yml"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
    ],
    ids=lambda check: check[0],
)
def test_it_is_sound(check, tmp_path):
    file = tmp_path / "smoke-gate.yml"
    file.write_text(workflow_text("policies/it's ${{ a }}.yml"))
    tool, *options = check
    done = subprocess.run([TOOLS / tool, *options, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_policy_is_named_where_it_is_not_the_default():
    assert "policy:" not in workflow_text("smoke-gate.yml")
    assert "          policy: 'policies/it''s.yml'\n" in workflow_text("policies/it's.yml")
