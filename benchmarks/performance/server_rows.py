"""The rows of runs behind an MLflow server of this machine, with two workers. They are wall times."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.performance.measurement import Bench, Measurement, Values
from benchmarks.performance.processes import check, pairs, script, wall
from benchmarks.performance.scripts import BARE, HISTORIES, NAIVE
from benchmarks.performance.stores import behind_server, made_store, put_artifacts
from benchmarks.performance.table import Target
from tests.support.mlflow_server import mlflow_server

POINTS = 100_000
PAGE_OF_RUNS = "500"


def measurements(runs: int) -> Iterator[Measurement]:
    """Yield the measurements; ``runs`` is how many runs the large store has."""
    listed_words = f"{runs:,} runs over HTTP: wall time of `check` to MlflowClient's paging"
    yield Measurement("served", [Target(listed_words, 0.5)], listed)
    artifacts_words = "200 runs with 3 artifacts over HTTP: wall time to a naive script's"
    yield Measurement("served-artifacts", [Target(artifacts_words, 0.2)], artifacts)
    histories_words = f"8 runs with 2 histories of {POINTS:,} points over HTTP: wall time to the download's"
    yield Measurement("served-histories", [Target(histories_words, 1.5)], histories)


def listed(bench: Bench) -> Values:
    """The runs alone: no gate asks for histories or artifacts."""
    return over_http(bench.large, "listed.yml", [BARE, PAGE_OF_RUNS], bench.repeats)


def artifacts(bench: Bench) -> Values:
    """Artifacts, against a script that downloads one after the other."""
    folder = made_store(bench.root / "artifacts", 200)
    put_artifacts(folder)
    return over_http(folder, "artifacts.yml", [NAIVE], bench.repeats)


def histories(bench: Bench) -> Values:
    """Long histories with figures, against their download alone, once: each takes minutes."""
    folder = made_store(bench.root / "histories", 8, steps=POINTS)
    behind_server(folder)
    return over_http(folder, "plain.yml", [HISTORIES, str(POINTS + 1)], repeats=1, figures=True)


def over_http(
    folder: Path, policy: str, code: Sequence[str], repeats: int, *, figures: bool = False
) -> Values:
    """Run `check` and a script against a server in turn; ``code`` is the script and its arguments."""
    text, *arguments = code
    options = () if figures else ("--no-figures",)
    with mlflow_server(folder) as address:
        ours = check(policy, address, "--workers", "4", *options)
        return [wall(pairs(folder, ours, script(text, address, *arguments), repeats))]
