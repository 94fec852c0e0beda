"""The cost of the gate of fair comparison: `check` with it and without it, on 200 runs of 229 params.

Both are whole processes, in turn, on one SQLite store; the ratio is of each pair of CPU times. The difference of the
two verdict files is what the gate adds to them. Usage: python benchmarks/comparison.py [--runs N] [--params N]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

CELLS = 10
START = 1_700_000_000_000
OFF = {"comparison": {"enabled": False, "reason": "measured without it"}}


def main() -> None:
    """Make the store, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--params", type=int, default=229)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        seeds = make_store(root, arguments.runs, arguments.params)
        pairs = [(check(root, seeds, {}), check(root, seeds, OFF)) for _ in range(arguments.repeats)]
    ratios = sorted(with_it[0] / without[0] for with_it, without in pairs)
    added = (pairs[0][0][1] - pairs[0][1][1]) / 1e6
    print(
        f"{arguments.runs} runs of {arguments.params} params: CPU time with G7 to without: "
        f"median {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}; "
        f"verdict file {added:+.2f} MB"
    )


def make_store(root: Path, runs: int, params: int) -> list[str]:
    """Record runs whose params differ by cell, as configurations of models do; return the seeds."""
    client = MlflowClient(f"sqlite:///{root / 'mlflow.db'}")
    experiment = client.create_experiment("benchmark", artifact_location=str(root / "artifacts"))
    seeds = [str(seed) for seed in range(runs // CELLS)]
    for cell in range(CELLS):
        for seed in seeds:
            made = client.create_run(experiment, start_time=START)
            own = {f"config_{number}": str(number * (1 + cell % 3)) for number in range(params)}
            rows = [Param(key, value) for key, value in {"cell": f"c{cell}", "seed": seed, **own}.items()]
            for first in range(0, len(rows), 100):
                client.log_batch(made.info.run_id, params=rows[first : first + 100])
            value = 0.5 + cell / 100 + int(seed) / 10_000
            client.log_batch(made.info.run_id, metrics=[Metric("val_loss", value, START, 10)])
            client.set_terminated(made.info.run_id)
    return seeds


def check(root: Path, seeds: list[str], gates: dict[str, Any]) -> tuple[float, int]:
    """Run `check`; return the CPU seconds of the process, and the bytes of its verdict file."""
    plan = {"cells": [f"c{cell}" for cell in range(CELLS)], "seeds": seeds}
    policy = {"version": 1, "profile": "basic", "experiment": "benchmark", "plan": plan, "gates": gates}
    (root / "smoke-gate.yml").write_text(json.dumps(policy))
    command = [
        sys.executable,
        "-m",
        "smoke_gate",
        "check",
        "--tracking-uri",
        "sqlite:///mlflow.db",
        "--no-figures",
    ]
    before = os.times()
    subprocess.run(command, cwd=root, check=False, capture_output=True)
    after = os.times()
    seconds = after.children_user - before.children_user + after.children_system - before.children_system
    (verdict,) = root.glob("outputs/smoke_verdict_*.json")
    size = verdict.stat().st_size
    verdict.unlink()
    return seconds, size


if __name__ == "__main__":
    main()
