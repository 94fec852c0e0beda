"""The stores that are measured: runs written with SQL, since MLflow takes minutes for them, and their policies."""

import random
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.support.stores import sqlite_store

START = 1_700_000_000_000
CELLS = ("B0", "B1", "A3", "A4")
STEPS = 20
PARAMS = 10
MOST_SEEDS = 5_000  # a policy file has a largest size
OFF = {"enabled": False, "reason": "not measured here"}
TAGS = {
    "git_commit": "c0ffee" * 6 + "c0de", "git_dirty": "false", "mlflow.user": "lab",
    "mlflow.source.name": "train.py", "mlflow.source.type": "LOCAL",
}  # fmt: skip

COLUMNS = "(run_uuid, key, value, timestamp, step, is_nan)"
HISTORIES = f"""
WITH RECURSIVE steps (step) AS (SELECT 0 UNION ALL SELECT step + 1 FROM steps WHERE step < :steps)
INSERT INTO metrics {COLUMNS}
SELECT run_uuid, key, value + (:steps - steps.step) * 1.0 / :steps, :start + steps.step, steps.step, 0
FROM latest_metrics CROSS JOIN steps WHERE key <> 'pape'
"""


def made_store(
    folder: Path, runs: int, *, planned: int | None = None, steps: int = STEPS, params: int = PARAMS
) -> Path:
    """Make a store with policies beside it, and return its folder.

    Of many runs only the first ``planned`` are of the plan's cells, where that is said. Histories have ``steps`` steps.
    """
    folder.mkdir()
    client = sqlite_store(folder / "server.db")
    experiment = client.create_experiment("benchmark", artifact_location=str(folder / "artifacts"))
    cells = CELLS if runs <= MOST_SEEDS * len(CELLS) else [f"C{n}" for n in range(-(-runs // MOST_SEEDS))]
    seeds = [str(seed) for seed in range(-(-runs // len(cells)))]
    places = [(cell, seed) for seed in seeds for cell in cells][:runs]
    if planned is not None:
        places[planned:] = [(f"other {cell}", seed) for cell, seed in places[planned:]]
    fill(folder / "server.db", experiment, {uuid.uuid4().hex: place for place in places}, steps, params)
    for name, policy in policies({cell: {} for cell in cells}, seeds):
        (folder / name).write_text(yaml.safe_dump(policy), encoding="utf-8")
    return folder


def policies(cells: dict[str, Any], seeds: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the policies by their files' names.

    ``plain`` and ``compared`` are without G7 and with it. ``twelve`` plans three seeds and ignores the other runs.
    ``artifacts`` asks for no histories, and ``listed`` for no artifacts either.
    """
    plan = {"cells": cells, "seeds": seeds, "required_metrics": ["pape"]}
    rules = [{"value": "val_loss / train_loss", "min": "0.01", "max": "100"}]
    compared = {"metric_ratio": {"enabled": True, "rules": rules}}
    plain = {**compared, "comparison": OFF}
    artifacts = {**plain, "metric_ratio": OFF}
    policy = {"version": 1, "profile": "basic", "experiment": "benchmark", "plan": plan}
    few_seeds = {"plan": {**plan, "seeds": seeds[:3]}, "runs": {"unexpected": "ignore"}}
    for name, gates in (("plain", plain), ("compared", compared)):
        yield f"{name}.yml", {**policy, "gates": gates}
        yield f"twelve-{name}.yml", {**policy, **few_seeds, "gates": gates}
    yield "artifacts.yml", {**policy, "gates": artifacts}
    yield "listed.yml", {**policy, "gates": {**artifacts, "checkpoints": OFF, "figures": OFF}}


def behind_server(folder: Path) -> list[str]:
    """Put the artifacts of a store's runs behind the server; return the ids of the runs."""
    with sqlite3.connect(folder / "server.db") as tables:
        tables.execute("UPDATE runs SET artifact_uri = 'mlflow-artifacts:/' || run_uuid || '/artifacts'")
        return [run for (run,) in tables.execute("SELECT run_uuid FROM runs")]


def put_artifacts(folder: Path) -> None:
    """Give each run of a store three small files of weights behind a server."""
    for number, run in enumerate(behind_server(folder)):
        place = folder / "artifacts" / run / "artifacts" / "checkpoints"
        place.mkdir(parents=True)
        for name in ("first", "second", "third"):
            np.savez(place / f"{name}.npz", weight=np.random.default_rng(number).random((50, 50)))


def fill(database: Path, experiment: str, runs: dict[str, tuple[str, str]], steps: int, params: int) -> None:
    """Write runs with their params, five tags and three metrics, two of them with histories."""
    chance = random.Random(1)
    latest = [
        (run, key, 0.5 + chance.random(), START, steps)
        for run in runs
        for key in ("pape", "train_loss", "val_loss")
    ]
    others = {f"param_{n}": str(n) for n in range(params - 2)}
    with sqlite3.connect(database) as tables:
        tables.execute("PRAGMA synchronous = OFF")
        tables.execute("PRAGMA cache_size = -1000000")
        tables.executemany(
            "INSERT INTO runs (run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, "
            "experiment_id) VALUES (?, ?, 'lab', 'FINISHED', ?, ?, 'active', ?, ?)",
            (
                (run, "-".join(place), START + at * 60_000, START + at * 60_000 + 30_000,
                 f"{database.parent}/artifacts/{run}/artifacts", experiment)
                for at, (run, place) in enumerate(runs.items())
            ),
        )  # fmt: skip
        tables.executemany(
            "INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)",
            (
                (run, key, value)
                for run, (cell, seed) in runs.items()
                for key, value in {"cell": cell, "seed": seed, **others}.items()
            ),
        )
        tables.executemany(
            "INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)",
            ((run, key, value) for run in runs for key, value in TAGS.items()),
        )
        tables.executemany(f"INSERT INTO latest_metrics {COLUMNS} VALUES (?, ?, ?, ?, ?, 0)", latest)
        tables.execute(HISTORIES, {"steps": steps, "start": START})
