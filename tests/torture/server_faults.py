"""Faults of an MLflow server: whatever it does, no verdict is better than the true one, and nothing crashes."""

import contextlib
import io
import os
import random
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from smoke_gate.cli import run
from tests.support.mlflow_server import mlflow_server
from tests.support.recorded import DEFINITION_KEY, MINUTE, START, Recipe, changed, matrix, npz, record
from tests.support.stores import sqlite_store
from tests.torture.proxy import KINDS, FaultyProxy, Spoiler, faulty_proxy
from tests.torture.tally import Tally

NAMES = {0: "ALL PASS", 4: "WARNING", 1: "FAIL", 2: "no verdict", 3: "no verdict"}
RANKS = {0: 0, 4: 1, 1: 2, 2: 3, 3: 3}
SHARES = (0.02, 0.05, 0.1, 0.2, 0.4)
QUICK = tuple(kind for kind in KINDS if kind != "late")
_SHARE_OF_LATE = 0.05  # of the cases: each late answer takes a second


@dataclass(frozen=True)
class Truth:
    """A matrix on the server, and the exit code of its verdict where nothing is at fault."""

    experiment: str
    code: int


POLICY = """
version: 1
plan: {cells: [B0, A3], seeds: [42, 123]}
gates:
  figures: {required_keys: [title]}
  metric_ratio: {rules: [{value: val_loss.last / train_loss.last, max: 2}]}
"""


def matrices() -> dict[str, list[Recipe]]:
    """Return a matrix that passes, and others with one thing in it that must be seen."""
    plan, *runs = matrix()
    good = [plan, *(_sound(run, number) for number, run in enumerate(runs))]
    *others, last = good
    first = good[1]
    again = changed(_sound(first, 9), name="again", start=START - MINUTE)
    newer = changed(_sound(last, 8), name="newer", start=START + 99 * MINUTE, status="FAILED")
    cut = last.artifacts["checkpoints/model.npz"][:-30]
    return {
        "good": good,
        "again": [*good, again],
        "newer": [*good, newer],
        "missing": others,
        "definition": [*others, changed(last, params={DEFINITION_KEY: "0" * 64})],
        "cut": [*others, changed(last, artifacts={"checkpoints/model.npz": cut})],
        "no figure": [*others, changed(last, artifacts={"figures/forecast.png": None})],
        "ratio": [*others, changed(last, metrics={"val_loss": (2.0, 90.0)})],
    }


def _sound(run: Recipe, number: int) -> Recipe:
    """Return a run without a flag, with weights and pixels of its own, and without a manifest."""
    pixels = io.BytesIO()
    chunks = PngInfo()
    chunks.add_text("title", "a forecast")
    Image.new("RGB", (40, 30), (number * 20, 99, 7)).save(pixels, "PNG", pnginfo=chunks)
    own = {
        "checkpoints/model.npz": npz(f"{run.name} {number}"),
        "checkpoints/MANIFEST.json": None,
        "figures/forecast.png": pixels.getvalue(),
    }
    return changed(run, params={"use_vq": "False"}, artifacts=own)


def record_matrices(folder: Path, names: Iterable[str]) -> None:
    """Record matrices, an experiment each, where :func:`mlflow_server` keeps its own: without it, which is quicker."""
    client, artifacts, made = sqlite_store(folder / "server.db"), folder / "artifacts", matrices()
    with contextlib.redirect_stdout(io.StringIO()):
        for name in names:
            client.create_experiment(name, artifact_location=(artifacts / name.replace(" ", "-")).as_uri())
            record(client, made[name], name)
    with closing(sqlite3.connect(folder / "server.db")) as database, database:
        for table, place in (("runs", "artifact_uri"), ("experiments", "artifact_location")):
            served = f"UPDATE {table} SET {place} = replace({place}, ?, 'mlflow-artifacts:')"
            database.execute(served, [artifacts.as_uri()])


@contextmanager
def server_with_matrices(folder: Path, workers: int = 1) -> Iterator[FaultyProxy]:
    """Have a real server with the matrices behind a proxy."""
    record_matrices(folder, [*matrices()])
    with mlflow_server(folder, workers=workers) as address, faulty_proxy(address) as proxy:
        yield proxy


def check(uri: str, experiment: str, folder: Path, workers: int = 4) -> tuple[int, str]:
    """Run ``smoke-gate check`` in this process; return its exit code and what it printed."""
    printed = io.StringIO()
    arguments = [
        "check", "--tracking-uri", uri, "--experiment", experiment, "--no-figures",
        "--fail-on", "warning", "--output-dir", str(folder), "--workers", str(workers),
    ]  # fmt: skip
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        return run(arguments), printed.getvalue()


@contextmanager
def impatient() -> Iterator[None]:
    """Wait a second for an answer and next to nothing between two attempts, so that many cases take little time."""
    with (
        mock.patch.dict(os.environ, {"MLFLOW_HTTP_REQUEST_TIMEOUT": "1"}),
        mock.patch("smoke_gate.collect.mlflow_calls._PAUSES", (0.01, 0.01, 0.01)),
        mock.patch("smoke_gate.collect.remote._PAUSE_SECONDS", 0.01),
    ):
        yield


def server_faults(seed: int, count: int, folder: Path) -> Tally:
    """Check the matrices so many times, through a proxy that spoils answers."""
    tally = Tally("faults of an MLflow server")
    (folder / "smoke-gate.yml").write_text(POLICY)
    names = [*matrices()][: max(count, 4)]
    with server_with_matrices(folder) as proxy, contextlib.chdir(folder), impatient():
        truths = [Truth(name, check(proxy.address, name, folder / "true")[0]) for name in names]
        if not {0, 1, 4} <= {truth.code for truth in truths}:
            raise AssertionError(f"the matrices do not give every verdict: {truths}")
        for number in range(count):
            _one_case(
                tally, proxy, truths[number % len(truths)], random.Random(f"{seed} {number}"), folder / "case"
            )
    return tally


def _one_case(tally: Tally, proxy: FaultyProxy, truth: Truth, chance: random.Random, folder: Path) -> None:
    kinds = (
        KINDS
        if chance.random() < _SHARE_OF_LATE
        else chance.choice([QUICK, QUICK, *((kind,) for kind in QUICK)])
    )
    spoiler = Spoiler(
        random.Random(chance.random()), chance.choice(SHARES), kinds, most=chance.choice((1, 2, 1_000))
    )
    proxy.spoiler = spoiler
    code, printed = check(proxy.address, truth.experiment, folder, workers=chance.choice((1, 4)))
    proxy.spoiler = None
    tally.faults += spoiler.spoiled.total()
    look(tally, f"{truth.experiment}, {spoiler.share} {kinds}", truth, code, printed, folder)


def look(tally: Tally, case: str, truth: Truth, code: int, printed: str, folder: Path) -> None:
    """Compare what a check said and left with the truth, and clear its folder."""
    if RANKS[code] == RANKS[3]:
        tally.end("no verdict")
    else:
        tally.end("the true verdict" if code == truth.code else "a worse verdict")
    if RANKS[code] < RANKS[truth.code]:
        tally.wrong.append(f"{case}: {NAMES[code]} instead of {NAMES[truth.code]}: {printed}")
    tally.look_for_a_crash(case, printed)
    reports, verdicts = (len(list(folder.glob(f"smoke_{name}_*"))) for name in ("report", "verdict"))
    if (reports, verdicts) != ((0, 0) if RANKS[code] == RANKS[3] else (2, 1)):
        tally.wrong.append(f"{case}: {reports} reports and {verdicts} verdict files after exit code {code}")
    if half := [path.name for path in folder.glob(".smoke*")]:
        tally.wrong.append(f"{case}: {half} were left")
    shutil.rmtree(folder, ignore_errors=True)
