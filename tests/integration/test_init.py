"""`init`, then `check`, on stores as real training code leaves them: none of it has heard of smoke-gate."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from smoke_gate.cli import run
from smoke_gate.policy.load import load_policy
from smoke_gate.policy.model import Policy
from tests.support.fluent import fluent_store
from tests.support.recorded import MINUTE, START, Recipe, fingerprint, matrix, npz, record
from tests.support.stores import file_store, sqlite_store

URI = "sqlite:///mlflow.db"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project's folder, which is the working directory too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def initialised() -> Policy:
    """The policy that init writes, which leads to a verdict and leaves the store alone."""
    before = Path("mlflow.db").read_bytes()
    assert run(["init", "--tracking-uri", URI, "--yes"]) == 0
    assert Path("mlflow.db").read_bytes() == before
    assert run(["check", "--tracking-uri", URI]) in (0, 1, 4)
    return load_policy(Path("smoke-gate.yml"))


def verdict() -> dict[str, Any]:
    (path,) = Path("outputs").glob("smoke_verdict_*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def statuses() -> dict[str, str]:
    return {gate["id"]: gate["status"] for gate in verdict()["gates"]}


def recorded(runs: list[Recipe]) -> None:
    """Record runs that start a minute apart, in this order."""
    client = sqlite_store(Path("mlflow.db").absolute())
    record(client, [replace(one, start=START + index * MINUTE) for index, one in enumerate(runs)])


# --- real shapes ------------------------------------------------------------------------------------------------------


def test_scikit_learn_autolog(folder, capsys):
    values = np.random.default_rng(0).normal(size=(80, 4))
    labels = (values[:, 0] + values[:, 1] > 0).astype(int)
    with fluent_store(folder):
        mlflow.set_experiment("stage05")
        mlflow.sklearn.autolog(silent=True, log_input_examples=False, log_model_signatures=False)
        try:
            for seed in (0, 1):
                for make in (LogisticRegression, RandomForestClassifier):
                    settings = {"n_estimators": 3} if make is RandomForestClassifier else {"C": 0.1}
                    with mlflow.start_run():
                        rows = np.random.default_rng(seed).permutation(80)[:60]
                        make(random_state=seed, **settings).fit(values[rows], labels[rows])
        finally:
            mlflow.sklearn.autolog(disable=True)

    policy = initialised()

    assert (policy.runs.cell, policy.runs.seed) == ("tags.estimator_name", "params.random_state")
    assert list(policy.plan.cells) == ["LogisticRegression", "RandomForestClassifier"]
    assert policy.plan.seeds == ("0", "1")
    assert policy.profile == "basic"
    assert policy.gates.figures.paths == ("*.png",)
    assert "training_score" in policy.plan.required_metrics
    assert verdict()["summary"]["found"] == 4
    assert "contract.log_data_hashes" in capsys.readouterr().out


def lightning(arch: str, seed: int, index: int) -> Recipe:
    """What a LightningModule with save_hyperparameters leaves, logged by MLFlowLogger(log_model="all")."""
    name = f"epoch=1-step={20 + index}"
    return Recipe(
        name=f"intrigued-shrew-{100 + index}",
        params={
            "model/arch": arch, "model/hidden_dim": "8", "optimizer/lr": "0.001", "trainer/max_epochs": "2",
            "seed_everything": str(seed), "data/root": "/data/cifar",
        },
        tags={"mlflow.source.name": "train.py", "mlflow.user": "ada"},
        metrics={
            "train/loss_epoch": (2.0, 1.0 + index / 10), "val/loss": (2.1, 1.1 + index / 10),
            "val/acc": (0.2, 0.6 + index / 50), "epoch": (0.0, 1.0),
        },
        artifacts={
            f"model/checkpoints/{name}/{name}.ckpt": npz(f"{arch}/{seed}"),
            f"model/checkpoints/{name}/metadata.yaml": b"{}\n",
            f"model/checkpoints/{name}/aliases.txt": b"['latest']",
        },
        start=1_700_000_000_000 + index * 60_000,
    )  # fmt: skip


def test_lightning():
    pairs = [(arch, seed) for arch in ("resnet18", "vit_tiny", "convnext") for seed in (1, 2, 3)]
    recorded([lightning(arch, seed, index) for index, (arch, seed) in enumerate(pairs)])

    policy = initialised()

    assert (policy.runs.cell, policy.runs.seed) == ("params.model/arch", "params.seed_everything")
    assert list(policy.plan.cells) == ["resnet18", "vit_tiny", "convnext"]
    assert policy.gates.checkpoints.paths == ("model/checkpoints/**/*.ckpt",)
    assert [rule.value for rule in policy.gates.metric_ratio.rules] == ["val/loss / train/loss_epoch"]
    assert policy.plan.required_metrics == ("train/loss_epoch", "val/acc", "val/loss")
    assert policy.gates.metric_ratio.enabled
    assert not policy.gates.paired_data.enabled
    assert statuses()["G3"] == "PASS"
    assert statuses()["G5"] == "PASS"
    assert "FAIL" not in statuses().values()


def nested(runs: list[Recipe]) -> None:
    """Record runs below the parents `sweep-lstm` and `sweep-gru`, which have nothing but their names."""
    client = sqlite_store(Path("mlflow.db").absolute())
    parents = record(client, [Recipe(name="sweep-lstm"), Recipe(name="sweep-gru")])
    children = [
        replace(one, tags={"mlflow.parentRunId": parents[one.tags["parent"]]}, start=START + index * MINUTE)
        for index, one in enumerate(runs, 1)
    ]
    record(client, children)


NESTED = [(net, seed) for net in ("lstm", "gru") for seed in (7, 8, 9)]


def test_children_of_parents_that_have_no_params():
    nested(
        [
            Recipe(
                name=f"child-{index}",
                params={"net": net, "seed": str(seed), "lr": "0.1"},
                tags={"parent": f"sweep-{net}"},
                metrics={"rmse": (1.5 + index,)},
            )
            for index, (net, seed) in enumerate(NESTED)
        ]
    )

    policy = initialised()

    assert (policy.runs.cell, policy.runs.seed) == ("params.net", "params.seed")
    assert list(policy.plan.cells) == ["lstm", "gru"]
    assert verdict()["summary"]["found"] == 6
    assert verdict()["unidentified"] == 2


def test_cells_in_the_names_of_parents():
    nested(
        [
            Recipe(
                name="child",
                params={"seed": str(seed)},
                tags={"parent": f"sweep-{net}"},
                metrics={"rmse": (seed + len(net) / 10,)},
            )
            for net, seed in NESTED
        ]
    )

    policy = initialised()

    assert policy.runs.cell == "parent.tags.mlflow.runName"
    assert list(policy.plan.cells) == ["sweep-lstm", "sweep-gru"]
    assert verdict()["summary"]["found"] == 6


def test_names_alone():
    recorded(
        [
            Recipe(
                name=f"{net}-s{seed}",
                params={"epochs": "2"},
                metrics={"acc": (0.5 + seed / 1000 + len(net) / 100,)},
            )
            for net in ("resnet", "vit-b")
            for seed in (42, 123)
        ]
    )

    policy = initialised()

    assert list(policy.plan.cells) == ["resnet", "vit-b"]
    assert policy.plan.seeds == ("42", "123")
    assert verdict()["summary"]["found"] == 4
    assert "FAIL" not in statuses().values()


def test_names_that_say_nothing():
    recorded(
        [
            Recipe(name=name, metrics={"acc": (0.5,)})
            for name in ("gaudy-moth-123", "rare-shrike-7", "it's a: #run")
        ]
    )

    policy = initialised()

    assert policy.runs.seed == "none"
    assert len(policy.plan.cells) == 3
    assert "NOTHING IN THE RUNS SAYS" in Path("smoke-gate.yml").read_text()


def test_a_store_that_keeps_the_contract():
    recorded(matrix())

    policy = initialised()

    assert policy.profile == "contract"
    assert (policy.runs.cell, policy.runs.seed) == ("params.cell", "params.seed")
    assert all(getattr(policy.gates, name).enabled for name in type(policy.gates).model_fields)
    assert statuses()["G1"] == "PASS"
    assert statuses()["G6"] == "PASS"


def test_a_file_store(folder):
    with file_store(folder / "mlruns") as client:
        record(client, [Recipe(name=f"a-s{seed}", metrics={"m": (float(seed),)}) for seed in (1, 2)])
    before = fingerprint(folder / "mlruns")
    assert run(["init", "--yes"]) == 0
    assert fingerprint(folder / "mlruns") == before
    assert run(["check"]) in (0, 1, 4)


def test_ragged_matrices_name_what_is_missing():
    pairs = [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("c", "1")]
    recorded(
        [
            Recipe(name="r", params={"variant": cell, "seed": seed}, metrics={"m": (1.5 + index,)})
            for index, (cell, seed) in enumerate(pairs)
        ]
    )

    policy = initialised()

    assert list(policy.plan.cells) == ["a", "b", "c"]
    text = Path("smoke-gate.yml").read_text()
    assert "No finished run: c/2." in text
    ready = text.replace("  # exclude:", "  exclude:").replace("  #   - {cell", "    - {cell")
    Path("smoke-gate.yml").write_text(ready)
    assert run(["check", "--tracking-uri", URI]) == 0


HOSTILE = [
    '"; rm -rf /',
    "{{ x }}",
    "null",
    "042",
    "# no",
    "a: b",
    "한국어 🧪",
    "::error::x",
    "yes",
    "- a",
    "'",
    "\\n",
    "x" * 60,
]


def test_names_of_all_kinds():
    recorded(
        [
            Recipe(name="r", params={"cell": cell, "seed": seed}, metrics={"m": (index + int(seed) / 10,)})
            for index, cell in enumerate(HOSTILE)
            for seed in ("1", "2")
        ]
    )

    policy = initialised()

    assert list(policy.plan.cells) == HOSTILE
    assert verdict()["summary"]["found"] == 2 * len(HOSTILE)


# --- the command ------------------------------------------------------------------------------------------------------


def two_runs() -> None:
    recorded(
        [
            Recipe(name="r", params={"cell": "a", "seed": seed, "net": "n"}, metrics={"m": (float(seed),)})
            for seed in ("1", "2")
        ]
    )


def test_the_workflow_is_one():
    two_runs()
    assert run(["init", "--yes", "--tracking-uri", URI, "--output", "policies/it's.yml"]) == 0
    workflow = Path(".github/workflows/smoke-gate.yml").read_text()
    assert "uses: org/smoke-gate@v1" in workflow
    assert "policy: 'policies/it''s.yml'" in workflow
    tool = Path(sys.executable).parent / "actionlint"
    subprocess.run([tool, ".github/workflows/smoke-gate.yml"], check=True)


@pytest.mark.parametrize("present", ["smoke-gate.yml", ".github/workflows/smoke-gate.yml"])
def test_nothing_is_overwritten_unless_forced(present: str, capsys):
    two_runs()
    Path(present).parent.mkdir(parents=True, exist_ok=True)
    Path(present).write_text("mine")
    assert run(["init", "--yes", "--tracking-uri", URI]) == 2
    assert f"{present} is there already" in capsys.readouterr().err
    assert Path(present).read_text() == "mine"
    assert not {"smoke-gate.yml", ".github/workflows/smoke-gate.yml"} - {present} & {
        str(p) for p in Path().rglob("*.yml")
    }
    assert run(["init", "--yes", "--force", "--tracking-uri", URI]) == 0
    assert Path(present).read_text() != "mine"


@pytest.fixture
def answers(monkeypatch) -> Callable[[str], None]:
    import io

    return lambda text: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_answers_are_taken(answers, capsys):
    two_runs()
    answers("params.net\n\ncontract\n")
    assert run(["init", "--tracking-uri", URI]) == 0
    policy = load_policy(Path("smoke-gate.yml"))
    assert (policy.runs.cell, policy.profile) == ("params.net", "contract")


def test_answers_that_find_nothing_are_asked_again(answers, capsys):
    two_runs()
    answers("params.nowhere\n\nrun_name:x\n\n\n\n\n")
    assert run(["init", "--tracking-uri", URI]) == 0
    said = capsys.readouterr().out
    assert "no finished run states both params.nowhere and params.seed" in said
    assert "(?P<cell>" in said
    assert load_policy(Path("smoke-gate.yml")).runs.cell == "params.cell"


def test_no_answer_writes_nothing(answers, capsys):
    two_runs()
    answers("")
    assert run(["init", "--tracking-uri", URI]) == 2
    assert "--yes" in capsys.readouterr().err
    assert not Path("smoke-gate.yml").exists()


def test_no_finished_run(capsys):
    recorded([Recipe(name="r", status="RUNNING")])
    assert run(["init", "--yes", "--tracking-uri", URI]) == 2
    assert "1 unfinished" in capsys.readouterr().err


def test_no_store(capsys):
    assert run(["init", "--yes", "--tracking-uri", URI]) == 3
    assert "there is no tracking store" in capsys.readouterr().err
    assert not Path("smoke-gate.yml").exists()
