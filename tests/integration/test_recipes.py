"""docs/recipes, without their frameworks: what they call is there and takes what it is given; the Slurm jobs run."""

import ast
import inspect
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from smoke_gate import contract
from smoke_gate.policy_file.load import load_policy
from tests.support.frameworks import framework
from tests.support.pages import ROOT, Fence, fences

RECIPES = ROOT / "docs" / "recipes"
PAGES = sorted(page.name for page in RECIPES.glob("*.md"))


def files(page: str) -> dict[str, Fence]:
    return {fence.name: fence for fence in fences(RECIPES / page) if fence.name}


def calls(code: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of a script, by the last name of what is called."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


def callbacks() -> dict[str, Any]:
    with framework("lightning"), framework("transformers"):
        from smoke_gate.integrations.lightning import LightningContract
        from smoke_gate.integrations.transformers import TransformersContract

        return {"LightningContract": LightningContract, "TransformersContract": TransformersContract}


def test_the_list_names_them_all():
    text = (RECIPES / "README.md").read_text()
    assert [page for page in PAGES if page != "README.md" and f"]({page})" not in text] == []


def test_the_policy_is_one(tmp_path):
    (tmp_path / "smoke-gate.yml").write_text(files("README.md")["smoke-gate.yml"].text)
    assert load_policy(tmp_path / "smoke-gate.yml").experiments == ("stage05",)


@pytest.mark.parametrize("page", [page for page in PAGES if "train.py" in files(page)])
def test_what_a_script_calls_takes_what_it_is_given(page):
    known = {name: getattr(contract, name) for name in contract.__all__} | callbacks()
    found = [(name, call) for name, call in calls(files(page)["train.py"].text) if name in known]
    assert found
    for name, call in found:
        given = {keyword.arg: None for keyword in call.keywords if keyword.arg}
        inspect.signature(known[name]).bind(*call.args, **given)


STAND_INS = {
    "sbatch": """#!/bin/bash
echo "sbatch $*" >> "$LOG"
for script; do [ -f "$script" ] && break; done
if grep -q -- --array "$script"; then
  for task in 0 1 2 3 4 5; do SLURM_ARRAY_TASK_ID=$task bash "$script"; done >&2
else
  bash "$script" "${@:$#}"
fi
echo 4711
""",
    "gh": '#!/bin/bash\necho "gh $*" >> "$LOG"\n',
    "python": '#!/bin/bash\necho "python $*" >> "$LOG"\n',
}


def test_the_slurm_jobs_train_each_pair_once_and_tell_at_last(tmp_path):
    project, tools, log = tmp_path / "project", tmp_path / "bin", tmp_path / "log"
    project.mkdir()
    tools.mkdir()
    for name, text in STAND_INS.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    for name, fence in files("slurm.md").items():
        (project / name).write_text(fence.text)
    commit = (
        "git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm a && git rev-parse HEAD"
    )
    made = subprocess.run(["bash", "-ec", commit], cwd=project, check=True, capture_output=True, text=True)
    sha = made.stdout.strip()
    variables = {"PATH": f"{tools}:{os.environ['PATH']}", "LOG": str(log)}
    subprocess.run(["bash", "submit.sh"], cwd=project, env=variables, check=True, capture_output=True)
    first, *trained, then, told = log.read_text().splitlines()
    assert first == "sbatch --parsable train.sbatch"
    assert trained == [f"python train.py --cell {cell} --seed {seed}" for cell in "AB" for seed in range(3)]
    assert then == f"sbatch --dependency=afterany:4711 tell.sbatch {sha}"
    assert told.endswith(f"--field event_type=training-finished --field client_payload[sha]={sha}")
    (project / "submit.sh").write_text("changed\n")
    refused = subprocess.run(
        ["bash", "-c", files("slurm.md")["submit.sh"].text],
        cwd=project,
        env=variables,
        check=False,
        capture_output=True,
    )
    assert (refused.returncode, b"commit and push first" in refused.stderr) == (1, True)
