"""A small matrix, recorded with MLflow itself: what the tests of collect read.

The same matrix can be recorded in any store. Checkpoints are NumPy archives, figures PNGs with text
chunks, both tiny.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from smoke_gate.evidence import Evidence
from smoke_gate.hashing import canonical_json, definition_hash, sha256_hex

EXPERIMENT = "stage05"
CELLS = ("B0", "A3")
SEEDS = ("42", "123")
START = 1_700_000_000_000
MINUTE = 60_000
COMMIT = "c0ffee" * 6 + "c0de"
DEFINITION = {"metric": "pape", "unit": "kW"}
DEFINITION_KEY = "pape_definition_hash"


@dataclass(frozen=True)
class Recipe:
    """One run to record: what its params, tags, metric histories and artifacts are."""

    name: str
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    start: int = START
    status: str = "FINISHED"


def recipe(cell: str, seed: str, index: int = 0) -> Recipe:
    """Return a good run of a pair."""
    hashes = {
        f"{split}_data_hash": sha256_hex(f"{split} {seed}".encode())[:16]
        for split in ("train", "val", "test")
    }
    checkpoint = npz(f"{cell}/{seed}")
    manifest = {"checkpoints/model.npz": {"sha256": sha256_hex(checkpoint), "size": len(checkpoint)}}
    return Recipe(
        name=f"{cell}-{seed}",
        params={
            "cell": cell, "seed": seed, "use_vq": str(cell.startswith("A")), "lr": "0.01",
            DEFINITION_KEY: definition_hash(DEFINITION),
            f"{DEFINITION_KEY}_payload": canonical_json(DEFINITION).decode(),
            **hashes,
        },
        tags={"mlflow.source.git.commit": COMMIT, "git_dirty": "false", "note": "any"},
        metrics={
            "train_loss": (2.0 + index, 1.0 + index), "val_loss": (2.5 + index, 1.25 + index), "pape": (8.5 + index,)
        },
        artifacts={
            "checkpoints/model.npz": checkpoint,
            "checkpoints/MANIFEST.json": json.dumps(manifest).encode(),
            "figures/forecast.png": png(f"{cell}/{seed}"),
            "logs/train.log": b"epoch 1\n",
        },
        start=START + (index + 1) * MINUTE,
    )  # fmt: skip


def matrix() -> list[Recipe]:
    """Return a good run for each cell and seed, and the preregistration."""
    pairs = [(cell, seed) for cell in CELLS for seed in SEEDS]
    return [registration(), *(recipe(cell, seed, index) for index, (cell, seed) in enumerate(pairs))]


def registration() -> Recipe:
    """Return the preregistration of the definition."""
    return Recipe(
        name="preregistration",
        params={DEFINITION_KEY: definition_hash(DEFINITION), "reason": "first"},
        tags={"smoke_gate.kind": "preregistration", "git_commit": COMMIT},
        artifacts={"definition.json": canonical_json(DEFINITION)},
    )


def changed(run: Recipe, **facts: Any) -> Recipe:
    """Return a recipe with other facts: mappings are updated, where None removes a key; anything else is replaced."""
    merged: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            both = {**getattr(run, name), **value}
            merged[name] = {key: found for key, found in both.items() if found is not None}
        else:
            merged[name] = value
    return replace(run, **merged)


def record(client: MlflowClient, runs: list[Recipe], experiment: str = EXPERIMENT) -> dict[str, str]:
    """Record runs, and return their ids by name. The experiment is made if it is not there."""
    found = client.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found else client.create_experiment(experiment)
    return {run.name: _record(client, experiment_id, run) for run in runs}


def experiment_id(client: MlflowClient, experiment: str = EXPERIMENT) -> str:
    """Return the id of an experiment that is there."""
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    return str(found.experiment_id)


def _record(client: MlflowClient, experiment_id: str, run: Recipe) -> str:
    made = client.create_run(experiment_id, start_time=run.start, run_name=run.name)
    run_id: str = made.info.run_id
    client.log_batch(
        run_id,
        metrics=[
            Metric(name, value, run.start + step, step)
            for name, values in run.metrics.items()
            for step, value in enumerate(values)
        ],
        params=[Param(key, value) for key, value in run.params.items()],
        tags=[RunTag(key, value) for key, value in run.tags.items()],
    )
    if run.artifacts:
        with TemporaryDirectory() as folder:
            for path, content in run.artifacts.items():
                target = Path(folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            client.log_artifacts(run_id, folder)
    if run.status != "RUNNING":
        client.set_terminated(run_id, run.status, end_time=run.start + MINUTE // 2)
    return run_id


def npz(text: str) -> bytes:
    """Return a NumPy archive that no other text gives."""
    stream = io.BytesIO()
    np.savez(stream, weights=np.frombuffer(sha256_hex(text.encode()).encode(), dtype=np.uint8))
    return stream.getvalue()


def png(text: str) -> bytes:
    """Return a PNG that says who drew it."""
    chunks = PngInfo()
    chunks.add_text("source_run_ids", json.dumps([text]))
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, "PNG", pnginfo=chunks)
    return stream.getvalue()


def relabelled(evidence: Evidence, ids: Mapping[str, str]) -> Evidence:
    """Return evidence with run names for run ids, without experiment ids; ``ids`` are those of :func:`record`."""
    names = {run_id: name for name, run_id in ids.items()}
    return replace(
        evidence,
        attempts=tuple(
            replace(attempt, run_id=names[attempt.run_id], experiment_id="") for attempt in evidence.attempts
        ),
        runs=tuple(replace(run, run_id=names[run.run_id]) for run in evidence.runs),
        registrations=tuple(replace(one, run_id=names[one.run_id]) for one in evidence.registrations),
        ledger=replace(evidence.ledger, runs=tuple(names[run_id] for run_id in evidence.ledger.runs)),
    )


def fingerprint(folder: Path) -> dict[str, tuple[bool, int, bytes]]:
    """Return what a folder holds, to the last byte and with times of change: where it is equal, nothing was written."""
    return {
        str(path.relative_to(folder)): (
            path.is_dir(),
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }
