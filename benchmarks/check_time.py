"""How long `smoke-gate check` takes on the demo's twelve runs, against a bare script that only searches the same runs.

Both are whole processes with byte code, run in turn on the same store; the ratio is of each pair. Then the commands
that must answer at once. Usage: python benchmarks/check_time.py [--demo FOLDER] [--runs N]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

BARE = """
import sys
from mlflow import MlflowClient

client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("load-forecasting")
assert len(client.search_runs([experiment.experiment_id])) == 13
"""


def main() -> None:
    """Make the store where none is given, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, help="a folder that `smoke-gate demo --dir` made")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        demo = arguments.demo or _demo(Path(scratch, "demo"))
        measure(demo.resolve(), Path(scratch), arguments.runs)


def measure(demo: Path, scratch: Path, runs: int) -> None:
    """Time both commands in turn and print medians and the ratio."""
    bare = scratch / "bare.py"
    bare.write_text(BARE)
    store = f"sqlite:///{demo / 'mlflow.db'}"
    smoke_gate = [sys.executable, "-m", "smoke_gate"]
    check = [
        *smoke_gate, "check", "--no-figures", "--policy", str(demo / "smoke-gate.yml"),
        "--tracking-uri", store, "--output-dir", str(scratch / "outputs"),
    ]  # fmt: skip
    search = [sys.executable, str(bare), store]
    seconds(check)  # a first run warms the disk's cache and writes missing byte code
    pairs = [(seconds(check), seconds(search)) for _ in range(runs)]
    ratios = sorted(one / other for one, other in pairs)
    print(f"smoke-gate check --no-figures: {statistics.median(one for one, _ in pairs):.2f} s")
    print(f"bare search of the same runs:  {statistics.median(other for _, other in pairs):.2f} s")
    print(f"ratio: median {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}, {runs} pairs")
    for quick in (["--help"], ["explain", "G2"], ["policy", "--policy", str(demo / "smoke-gate.yml")]):
        times = [seconds([*smoke_gate, *quick]) for _ in range(runs)]
        print(f"smoke-gate {quick[0]}: {statistics.median(times):.2f} s")


def seconds(command: Sequence[str]) -> float:
    """Return the wall time of a command that must succeed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - start


def _demo(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "smoke_gate", "demo", "--dir", str(folder)], check=True)
    return folder


if __name__ == "__main__":
    main()
