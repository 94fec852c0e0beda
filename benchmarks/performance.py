"""How much `smoke-gate` costs: a table of ratios to what a bare script does with the same runs, beside their targets.

Each ratio is of CPU times (or of peak memory) of whole processes that run in turn on one machine; its median is told.
Usage: python -m benchmarks.performance [--runs N] [--repeats N] [--only WORD] [--write]
"""

import argparse
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.scaling import sending
from smoke_gate.hashing import data_hash
from tests.support.mlflow_server import mlflow_server
from tests.support.stores import sqlite_store

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
START = 1_700_000_000_000
CELLS = ("B0", "B1", "A3", "A4")
STEPS = 20
MOST_SEEDS = 5_000  # a policy file has a largest size
KILOBYTES_OF_A_GIGABYTE = 1_000_000
OFF = {"enabled": False, "reason": "not measured here"}
BARE = """
import sys
from mlflow import MlflowClient

client, token, found = MlflowClient(sys.argv[1]), None, 0
experiment = client.get_experiment_by_name("benchmark").experiment_id
while not found or token:
    page = client.search_runs([experiment], max_results=int(sys.argv[2]), page_token=token)
    found, token = found + len(page), page.token
"""

# Every artifact of each run in turn, into one folder that is there.
NAIVE = """
import sys, tempfile
import mlflow
from mlflow import MlflowClient

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
experiment = client.get_experiment_by_name("benchmark").experiment_id
with tempfile.TemporaryDirectory() as folder:
    for run in client.search_runs([experiment], max_results=1000):
        mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=f"{folder}/{run.info.run_id}")
"""
HISTORIES = """
import sys
from mlflow import MlflowClient

client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("benchmark").experiment_id
for run in client.search_runs([experiment]):
    for metric in ("train_loss", "val_loss"):
        assert len(client.get_metric_history(run.info.run_id, metric)) == int(sys.argv[2])
"""

# A process counts the peak memory of the one that started it as its own: so a small one starts it.
LAUNCH = """
import os, sys

_, status, used = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ), 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a process: CPU and wall seconds, and its peak memory in the unit of the system."""

    cpu: float
    wall: float
    memory: float


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what was measured, the target, and the ratios of the pairs."""

    what: str
    target: str
    ratios: Sequence[float]

    def __str__(self) -> str:
        """Return the line."""
        ratios = sorted(self.ratios)
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}" if len(ratios) > 1 else "once"
        return f"| {self.what} | {self.target} | {statistics.median(ratios):.2f} ({spread}) |"


@dataclass(frozen=True)
class Bench:
    """The stores that the measurements share, each made when it is first asked for."""

    root: Path
    runs: int
    repeats: int

    @cached_property
    def small(self) -> Path:
        """A store of twelve runs."""
        return made_store(self.root / "small", 12)

    @cached_property
    def large(self) -> Path:
        """A store of many runs."""
        return made_store(self.root / "large", self.runs)

    @cached_property
    def beside(self) -> Path:
        """A store of twelve runs and many of other cells."""
        return made_store(self.root / "beside", self.runs, planned=12)

    def pairs(self, folder: Path, ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[Cost, Cost]]:
        """Run both in turn."""
        return [(cost(folder, ours), cost(folder, theirs)) for _ in range(self.repeats)]

    def against_bare(self, folder: Path, policy: str, *options: str) -> list[tuple[Cost, Cost]]:
        """Run `check` and the bare script on a folder's store in turn."""
        uri = f"sqlite:///{folder / 'server.db'}"
        return self.pairs(folder, check(policy, uri, *options), [sys.executable, "-c", BARE, uri, "5000"])


# --- the rows ---------------------------------------------------------------------------------------------------------


def few(bench: Bench) -> Iterator[Row]:
    """Twelve runs."""
    for words, target, options in (("no figures", "0.65", ["--no-figures"]), ("with figures", "0.9", [])):
        pairs = bench.against_bare(bench.small, "plain.yml", *options)
        yield Row(f"12 runs, {words}: CPU to a bare script's", target, cpu(pairs))


def all_of_many(bench: Bench) -> Iterator[Row]:
    """All runs of a large experiment."""
    yield from without_figures(bench, "plain.yml", "", 1.0)


def compared(bench: Bench) -> Iterator[Row]:
    """The same, with all params held against each other."""
    yield from without_figures(bench, "compared.yml", ", G7 on", 1.4)


def without_figures(bench: Bench, policy: str, words: str, factor: float) -> Iterator[Row]:
    """Measure CPU and memory of one policy."""
    what = f"{bench.runs} of {bench.runs} runs{words}, no figures"
    pairs = bench.against_bare(bench.large, policy, "--no-figures")
    yield Row(f"{what}: CPU", f"{1.0 * factor:.1f}", cpu(pairs))
    yield Row(f"{what}: memory", f"{1.5 * factor:.1f}", memory(pairs))


def drawn(bench: Bench) -> Iterator[Row]:
    """The same, with figures."""
    pairs = bench.against_bare(bench.large, "plain.yml")
    yield Row(f"{bench.runs} of {bench.runs} runs, with figures: CPU", "1.6", cpu(pairs))


def few_of_many(bench: Bench) -> Iterator[Row]:
    """Twelve planned runs of a large experiment."""
    pairs = bench.against_bare(bench.large, "twelve.yml", "--no-figures")
    yield Row(f"12 of {bench.runs} runs: CPU to a bare listing of them all", "0.5", cpu(pairs))


def few_of_other_cells(bench: Bench) -> Iterator[Row]:
    """Twelve planned runs beside many of cells that are not planned, which the policy ignores."""
    pairs = bench.against_bare(bench.beside, "twelve.yml", "--no-figures")
    yield Row(
        f"12 runs beside {bench.runs} of other cells: CPU to a bare listing of them all", "0.5", cpu(pairs)
    )


def huge(bench: Bench) -> Iterator[Row]:
    """Ten times as many runs, once."""
    folder = made_store(bench.root / "huge", 10 * bench.runs)
    one = cost(folder, check("plain.yml", f"sqlite:///{folder / 'server.db'}", "--no-figures"))
    yield Row(f"{10 * bench.runs} runs, no figures: CPU seconds", "60", [one.cpu])
    yield Row(f"{10 * bench.runs} runs, no figures: gigabytes", "1.5", [one.memory / KILOBYTES_OF_A_GIGABYTE])


def reproduced(bench: Bench) -> Iterator[Row]:
    """A verdict made again."""
    uri = f"sqlite:///{bench.large / 'server.db'}"
    cost(bench.large, check("plain.yml", uri, "--no-figures", "--output-dir", "kept"))
    (file,) = (bench.large / "kept").glob("smoke_verdict_*.json")
    seconds = [cost(bench.large, smoke_gate("reproduce", str(file))).cpu for _ in range(bench.repeats)]
    yield Row(f"`reproduce` of {bench.runs} runs: CPU seconds", "3", seconds)


def served(bench: Bench) -> Iterator[Row]:
    """The same over HTTP: what the runs themselves say. No gate asks for histories or artifacts."""
    ratios = over_http(bench, bench.large, "listed.yml", [BARE, "500"])
    yield Row(f"{bench.runs} runs over HTTP: wall time of `check` to MlflowClient's paging", "0.5", ratios)


def served_artifacts(bench: Bench) -> Iterator[Row]:
    """Artifacts over HTTP, held against a script that downloads one after the other."""
    folder = made_store(bench.root / "artifacts", 200)
    put_artifacts(folder)
    ratios = over_http(bench, folder, "artifacts.yml", [NAIVE])
    yield Row("200 runs with 3 artifacts over HTTP: wall time to a naive script's", "0.2", ratios)


def served_histories(bench: Bench) -> Iterator[Row]:
    """Long histories over HTTP, with figures, held against their download alone."""
    folder = made_store(bench.root / "histories", 8, steps=100_000)
    behind_server(folder)
    ratios = over_http(bench, folder, "plain.yml", [HISTORIES, "100001"], figures=True)
    yield Row(
        "8 runs with 2 histories of 100,000 points over HTTP: wall time to the download's", "1.5", ratios
    )


def over_http(
    bench: Bench, folder: Path, policy: str, script: Sequence[str], *, figures: bool = False
) -> list[float]:
    """Run `check` and a script against a server in turn; return the ratios of the wall times."""
    code, *arguments = script
    options = () if figures else ("--no-figures",)
    with mlflow_server(folder) as address:
        ours = check(policy, address, "--workers", "4", *options)
        pairs = bench.pairs(folder, ours, [sys.executable, "-c", code, address, *arguments])
    return [one.wall / other.wall for one, other in pairs]


def transposed(bench: Bench) -> Iterator[Row]:
    """Arrays that are not contiguous."""
    for kind in ("float64", "float32"):
        array = np.random.default_rng(0).random((4000, 2000)).astype(kind)
        ratios = [
            seconds(lambda: data_hash(array.T)) / seconds(lambda: data_hash(array))  # noqa: B023
            for _ in range(bench.repeats)
        ]
        yield Row(f"`data_hash` of a transposed {kind} array to a contiguous one", "1.3", ratios)


def executed(bench: Bench) -> Iterator[Row]:
    """Artifacts read by a Dask cluster of this machine: what sending tasks costs, not what more machines bring."""
    folder = bench.root / "executed"
    folder.mkdir()
    ratios = sending(folder, bench.repeats)
    yield Row(
        "60 checkpoints in S3, by a Dask cluster on this machine: wall time to its threads'", "none", ratios
    )


ROWS: Sequence[Callable[[Bench], Iterator[Row]]] = (
    few, all_of_many, compared, drawn, few_of_many, few_of_other_cells, reproduced, served, served_artifacts,
    served_histories, transposed, executed, huge
)  # fmt: skip


# --- processes --------------------------------------------------------------------------------------------------------


def smoke_gate(*arguments: str) -> list[str]:
    """Return a command."""
    return [sys.executable, "-m", "smoke_gate", *arguments]


def check(policy: str, uri: str, *options: str) -> list[str]:
    """Return a `check`."""
    return smoke_gate("check", "--quiet", "--policy", policy, "--tracking-uri", uri, *options)


def cost(folder: Path, command: Sequence[str]) -> Cost:
    """Run a command that must succeed, and return what it took."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    launched = [sys.executable, "-S", "-c", LAUNCH, *command]
    told = subprocess.run(launched, cwd=folder, capture_output=True, env=environment, check=True, text=True)
    wall = time.perf_counter() - start
    status, cpu_seconds, peak = told.stdout.split()[-3:]
    if status != "0":
        raise SystemExit(f"{' '.join(command[:9])} ended with {status}: {told.stderr[-500:]}")
    return Cost(float(cpu_seconds), wall, float(peak))


def cpu(pairs: Sequence[tuple[Cost, Cost]]) -> list[float]:
    """Return the ratios of CPU times."""
    return [one.cpu / other.cpu for one, other in pairs]


def memory(pairs: Sequence[tuple[Cost, Cost]]) -> list[float]:
    """Return the ratios of peak memory."""
    return [one.memory / other.memory for one, other in pairs]


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


# --- stores -----------------------------------------------------------------------------------------------------------


def made_store(folder: Path, runs: int, *, planned: int | None = None, steps: int = STEPS) -> Path:
    """Make a store with policies beside it. The rows are written with SQL, since MLflow takes minutes for them.

    Of many runs only the first ``planned`` are of the plan's cells, where that is said. Histories have ``steps`` steps.
    """
    folder.mkdir()
    client = sqlite_store(folder / "server.db")
    experiment = client.create_experiment("benchmark", artifact_location=str(folder / "artifacts"))
    cells = CELLS if runs <= MOST_SEEDS * len(CELLS) else [f"C{n}" for n in range(-(-runs // MOST_SEEDS))]
    seeds = [str(seed) for seed in range(-(-runs // len(cells)))]
    pairs = [(cell, seed) for seed in seeds for cell in cells][:runs]
    if planned is not None:
        pairs[planned:] = [(f"other {cell}", seed) for cell, seed in pairs[planned:]]
    fill(folder / "server.db", experiment, {uuid.uuid4().hex: pair for pair in pairs}, steps)
    rules = [{"value": "val_loss / train_loss", "min": "0.01", "max": "100"}]
    plan = {"cells": {cell: {} for cell in cells}, "seeds": seeds, "required_metrics": ["pape"]}
    policy: dict[str, Any] = {
        "version": 1, "profile": "basic", "experiment": "benchmark", "plan": plan,
        "gates": {"metric_ratio": {"enabled": True, "rules": rules}},
    }  # fmt: skip
    write(folder / "compared.yml", policy)
    policy["gates"]["comparison"] = OFF
    write(folder / "plain.yml", policy)
    only_weights = {**policy["gates"], "metric_ratio": OFF}
    write(folder / "artifacts.yml", {**policy, "gates": only_weights})
    write(folder / "listed.yml", {**policy, "gates": {**only_weights, "checkpoints": OFF, "figures": OFF}})
    few_seeds = {**plan, "seeds": seeds[:3]}
    write(folder / "twelve.yml", {**policy, "plan": few_seeds, "runs": {"unexpected": "ignore"}})
    return folder


def write(path: Path, policy: dict[str, Any]) -> None:
    """Write a policy."""
    path.write_text(yaml.safe_dump(policy), encoding="utf-8")


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


def fill(database: Path, experiment: str, runs: dict[str, tuple[str, str]], steps: int) -> None:
    """Write runs with ten params, six tags and three metrics, two of them with histories."""
    chance = random.Random(1)
    tags = {"git_commit": "c0ffee" * 6 + "c0de", "git_dirty": "false", "mlflow.user": "lab",
            "mlflow.source.name": "train.py", "mlflow.source.type": "LOCAL"}  # fmt: skip
    latest = [
        (run, key, 0.5 + chance.random(), START, steps)
        for run in runs
        for key in ("pape", "train_loss", "val_loss")
    ]
    with sqlite3.connect(database) as tables:
        tables.executemany(
            "INSERT INTO runs (run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, "
            "experiment_id) VALUES (?, ?, 'lab', 'FINISHED', ?, ?, 'active', ?, ?)",
            [
                (run, "-".join(pair), START + at * 60_000, START + at * 60_000 + 30_000,
                 f"{database.parent}/artifacts/{run}/artifacts", experiment)
                for at, (run, pair) in enumerate(runs.items())
            ],
        )  # fmt: skip
        tables.executemany(
            "INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)",
            [
                (run, key, value)
                for run, (cell, seed) in runs.items()
                for key, value in {
                    "cell": cell, "seed": seed, **{f"param_{n}": str(n) for n in range(8)}
                }.items()
            ],
        )  # fmt: skip
        tables.executemany(
            "INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)",
            [(run, key, value) for run in runs for key, value in tags.items()],
        )
        columns = "(run_uuid, key, value, timestamp, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)"
        tables.executemany(f"INSERT INTO latest_metrics {columns}", latest)
        tables.executemany(
            f"INSERT INTO metrics {columns}",
            [
                (run, key, value + (steps - step) / steps, START + step, step)
                for run, key, value, _, _ in latest
                if key != "pape"
                for step in range(steps + 1)
            ],
        )


# --- the table --------------------------------------------------------------------------------------------------------

HEAD = """\
# Performance

`make bench` measures this table anew. Each number is a ratio of two processes that run in turn on one machine, the
median first, then the range. A bare script lists the same runs with `MlflowClient.search_runs` and does nothing else.
The stores are SQLite files, also behind the servers; runs have ten params, five tags and three metrics.

| what | target, at most | measured |
|---|---|---|
"""


def main() -> None:
    """Measure, print, and write the page where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="the measurements whose name holds this word")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}, up to its second heading")
    arguments = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), arguments.runs, arguments.repeats)
        bench.against_bare(bench.small, "plain.yml")  # writes missing byte code and warms the disk's cache
        for rows in ROWS:
            for row in rows(bench) if arguments.only in rows.__name__ else ():
                print(row, flush=True)
                lines.append(str(row))
    if arguments.write:
        _, heading, rest = (
            PAGE.read_text(encoding="utf-8").partition("\n## ") if PAGE.exists() else ("", "", "")
        )
        PAGE.write_text(HEAD + "\n".join(lines) + "\n" + heading + rest, encoding="utf-8")


if __name__ == "__main__":
    main()
