"""`init`, then `check`, on the kinds of stores that people have: each has the answer that its owner would give."""

from contextlib import chdir
from pathlib import Path

import pytest
from mlflow import MlflowClient

from smoke_gate.collect import Source, collect
from smoke_gate.collect.progress import silent
from smoke_gate.collect.store import open_store
from smoke_gate.gates import BUILT_IN
from smoke_gate.gates.base import Status
from smoke_gate.gates.checkpoint_settings import CheckpointsSettings
from smoke_gate.gates.figures import FiguresSettings
from smoke_gate.gates.metric_ratio import MetricRatioSettings
from smoke_gate.init.guess import Guess, guess, profile_of
from smoke_gate.init.identity import identity_of
from smoke_gate.init.policy_text import policy_text
from smoke_gate.init.read import read_runs
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.load import load_policy
from smoke_gate.verdict import evaluate
from tests.stores.autologs import AUTOLOGS
from tests.stores.habits import HABITS
from tests.stores.layouts import LAYOUTS
from tests.stores.shape import Left, StoreShape
from tests.stores.trainers import TRAINERS
from tests.support.stores import sqlite_store

SHAPES = (*AUTOLOGS, *TRAINERS, *LAYOUTS, *HABITS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shapes")


@pytest.fixture(scope="module")
def client(folder: Path) -> MlflowClient:
    """The store of all shapes that are an experiment of a database; its artifacts go below the working directory."""
    with chdir(folder):
        return sqlite_store(folder / "mlflow.db")


@pytest.fixture
def left(shape: StoreShape, folder: Path, client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> Left:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return shape.make(folder / shape.name.replace(" ", "-"), client)


def guessed(left: Left) -> Guess:
    """Return what `init --yes` would write a policy from."""
    with open_store(left.uri) as store:
        found = read_runs(store, left.experiments, silent)
        identity = identity_of(found.shape)
        selected = [run.run_id for run in identity.selected.values()]
        files = found.files(selected, workers=2, progress=silent)
    return guess(
        found.shape, identity, profile_of(found.shape, [*identity.selected.values()]), files, BUILT_IN
    )


def findings(policy: Policy, left: Left) -> set[tuple[str, str]]:
    """Return the gates and kinds of all that `check` finds by a policy."""
    evidence = collect(policy, Source(tracking_uri=left.uri)).evidence
    checks = evaluate(policy, evidence).checks
    found = [one for one in checks if one.status in (Status.FAIL, Status.WARNING)]
    return {(one.gate, one.kind) for one in found}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_init_says_what_the_owner_would(shape: StoreShape, left: Left):
    answer, made = shape.answer, guessed(left)
    text = policy_text(made)
    policy = load_policy(Path("smoke-gate.yml"), text=text.encode())
    if answer.cell is None:
        assert not made.identity.is_found
        assert {*answer.asks} <= {one.cell for one in made.identity.others}
        assert ("IS NOT CERTAIN" if answer.asks else "NOTHING IN THE RUNS SAYS") in text
        return
    assert (policy.runs.cell, policy.runs.seed) == (answer.cell, answer.seed)
    assert (tuple(policy.plan.cells), policy.plan.seeds) == (answer.cells, answer.seeds)
    assert made.identity.is_found
    assert answer.says in text
    assert policy.metric == answer.metric
    assert policy.experiments == (answer.experiments or left.experiments)
    own = {name: cell.required_metrics for name, cell in policy.plan.cells.items() if cell.required_metrics}
    assert own == answer.of_cells
    ratios = policy.settings(MetricRatioSettings)
    assert tuple(rule.value for rule in ratios.rules if ratios.enabled) == answer.rules
    if answer.figures:
        assert policy.settings(FiguresSettings).paths == answer.figures
    if answer.paths:
        assert policy.settings(CheckpointsSettings).paths == answer.paths
    assert findings(policy, left) == answer.findings
