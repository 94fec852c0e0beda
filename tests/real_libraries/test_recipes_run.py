"""docs/recipes: each script trains one seed of the matrix with the real libraries, and the policy finds nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import ROOT, fences

RECIPES = ROOT / "docs" / "recipes"


def project(folder: Path, recipe: str) -> Path:
    """Write the files of a recipe, and commit them."""
    for page in ("README.md", recipe):
        for fence in fences(RECIPES / page):
            if fence.name:
                (folder / fence.name).write_text(fence.text)
    (folder / ".gitignore").write_text("*\n!train.py\n!smoke-gate.yml\n")
    commit = "git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm a"
    subprocess.run(["bash", "-ec", commit], cwd=folder, check=True)
    return folder


def told(folder: Path, *command: str) -> str:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("recipe", "metrics"),
    [
        ("pytorch.md", "train_loss, val_loss"),
        ("lightning.md", "train_loss, val_loss"),
        ("transformers.md", "loss, eval_loss"),
    ],
)
def test_a_script_trains_what_the_policy_asks_for(tmp_path, recipe, metrics):
    folder = project(tmp_path, recipe)
    policy = folder / "smoke-gate.yml"
    policy.write_text(policy.read_text().replace("[train_loss, val_loss]", f"[{metrics}]"))
    for cell in ("A", "B"):
        told(folder, "train.py", "--cell", cell, "--seed", "0")
    said = told(folder, "-m", "smoke_gate", "check", "--seeds", "0", "--no-figures")
    assert said.startswith("ALL PASS · 2 of 2 runs"), said


def test_a_sweep_trains_the_matrix(tmp_path):
    folder = project(tmp_path, "hydra.md")
    told(folder, "train.py", "--multirun", "cell=A,B", "seed=0,1,2")
    said = told(folder, "-m", "smoke_gate", "check", "--no-figures")
    assert said.startswith("ALL PASS · 6 of 6 runs"), said
