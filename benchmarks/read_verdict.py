"""How much CPU time reading a verdict file takes, against a plain `json.loads` of the same file.

Both readings of a file are measured in turn: `read_document`, which `reproduce` and `publish` begin with, and
`read_recorded`, which also checks the hashes and builds policy and evidence. The ratio is of each pair.
Usage: python benchmarks/read_verdict.py [--runs N] [--repeats N] [--file VERDICT.json]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from smoke_gate.collect.histories import read_history
from smoke_gate.evidence import Artifact, Attempt, Evidence, Manifest, ManifestEntry, Run
from smoke_gate.hashing import sha256_hex
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.formats import policy_from_json
from smoke_gate.verdict import evaluate
from smoke_gate.verdict_file.document import Context, StoreOrigin, Tool
from smoke_gate.verdict_file.read import read_document, read_recorded
from smoke_gate.verdict_file.write import document_text, verdict_document

CELLS = ("B0", "B1", "A3", "A4")
COMMIT = "c0ffee" * 6 + "c0de"
START = 1_700_000_000_000
EPOCHS = 40


def main() -> None:
    """Make the file where none is given, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="how many runs the file is made of")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--file", type=Path, help="a verdict file to measure instead")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        file = arguments.file or _written(Path(scratch, "verdict.json"), arguments.runs)
        measure(file, arguments.repeats)


def measure(file: Path, repeats: int) -> None:
    """Time each way to read the file next to the plain one; print medians and ratios."""
    content = file.read_bytes()
    attempts = len(json.loads(content)["attempts"])
    print(f"a file of {attempts} attempts, {len(content) / 1e6:.1f} MB; CPU time, {repeats} pairs")
    for read in (read_document, read_recorded):
        read(file)  # the first reading also builds what later ones keep
        pairs = [
            (seconds(lambda read=read: read(file)), seconds(lambda: json.loads(content)))  # type: ignore[misc]
            for _ in range(repeats)
        ]
        ours, plain = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratios = sorted(one / other for one, other in pairs)
        print(
            f"{read.__name__}: {ours:.2f} s, json.loads: {plain:.2f} s, "
            f"ratio: median {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}"
        )


def seconds(read: Callable[[], object]) -> float:
    """Return the CPU time of a call, without that of freeing what it returns."""
    start = time.process_time()
    value = read()
    took = time.process_time() - start
    del value
    return took


def _written(file: Path, runs: int) -> Path:
    policy, evidence = _matrix(-(-runs // len(CELLS)))
    document = verdict_document(
        evaluate(policy, evidence), policy, evidence, context=Context(), source=StoreOrigin(tracking_uri="mlflow.db"),
        tool=Tool(version="1.0.0"), created_at=datetime.now(UTC),
    )  # fmt: skip
    file.write_text(document_text(document), encoding="utf-8")
    return file


def _matrix(seeds: int) -> tuple[Policy, Evidence]:
    names = [str(seed) for seed in range(seeds)]
    plan = {"cells": {cell: {} for cell in CELLS}, "seeds": names, "required_metrics": ["pape"]}
    pairs = [(cell, seed) for cell in CELLS for seed in names]
    evidence = Evidence(
        as_of="2026-01-31",
        attempts=tuple(_attempt(index, *pair) for index, pair in enumerate(pairs)),
        runs=tuple(_run(index, *pair) for index, pair in enumerate(pairs)),
    )
    return policy_from_json({"version": 1, "experiments": ["benchmark"], "plan": plan}), evidence


def _attempt(index: int, cell: str, seed: str) -> Attempt:
    start = START + index * 60_000
    return Attempt(
        run_id=f"{index:032x}", run_name=f"{cell}-{seed}", cell=cell, seed=seed, status="FINISHED",
        lifecycle_stage="active", start_time=start, end_time=start + 30_000, commit=COMMIT, dirty=False,
    )  # fmt: skip


def _run(index: int, cell: str, seed: str) -> Run:
    paths = ("checkpoints/model.safetensors", "checkpoints/scaler.npz")
    found = tuple(
        Artifact(path=path, size=2048, sha256=sha256_hex(f"{index} {path}".encode()), format="safetensors")
        for path in paths
    )
    history = read_history(
        ((step, step, 1 / (step + index + 1)) for step in range(EPOCHS)), with_curve=False
    ).history
    assert history is not None
    return Run(
        run_id=f"{index:032x}",
        params={"cell": cell, "seed": seed, "pape_definition_hash": sha256_hex(b"pape"), "use_vq": "False"},
        metrics={name: repr(8.5 + index / 1000) for name in ("pape", "train_loss", "val_loss")},
        histories={"train_loss": history, "val_loss": history},
        checkpoints=found,
        manifest=Manifest(
            entries={one.path: ManifestEntry(sha256=one.sha256 or "", size=2048) for one in found}
        ),
    )


if __name__ == "__main__":
    main()
