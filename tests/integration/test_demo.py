"""The demo, end to end, as a newcomer runs it: the clean matrix passes, and each sabotage is caught by its gate."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from smoke_gate.cli import run
from smoke_gate.demo import SABOTAGES
from smoke_gate.demo import load_forecasting as script
from smoke_gate.demo.matrix import quiet_mlflow


def verdict_of(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("outputs/smoke_verdict_*.json")
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def cells_of(check: dict[str, Any]) -> set[str]:
    """Return the cells that a check names: its own, or those of the runs that it compares."""
    return {check["cell"]} if check["cell"] else {pair.split("/")[0] for pair in check["observed"].split("=")}


def copied(demo: Path, folder: Path) -> Path:
    """Copy the demo's store and policy into a folder; the artifacts stay where they were recorded."""
    for name in ("mlflow.db", "smoke-gate.yml"):
        shutil.copyfile(demo / name, folder / name)
    return folder


def test_twelve_real_runs_are_all_pass(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """spec: demo"""
    clean = copied(demo, tmp_path)
    assert checked(clean) == 0

    document = verdict_of(clean)
    assert document["verdict"] == "ALL PASS"
    assert [gate["status"] for gate in document["gates"]] == ["PASS"] * 8
    assert (document["summary"]["planned"], document["summary"]["found"]) == (12, 12)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == document["headline"]
    (report,) = (line for line in printed if line.startswith("report: "))
    assert Path(report.removeprefix("report: ")).read_text().startswith("## ✅ Smoke gate: ALL PASS")
    assert (clean / "outputs" / ".gitignore").read_text() == "*\n"
    assert_nine_in_ten_are_caught(clean, capsys)


def checked(folder: Path, *options: str) -> int:
    """Check the store in a folder, as the demo does after training; return the exit code."""
    store = f"sqlite:///{folder / 'mlflow.db'}"
    policy, outputs = str(folder / "smoke-gate.yml"), str(folder / "outputs")
    return run(["check", "--policy", policy, "--tracking-uri", store, "--output-dir", outputs, *options])


def assert_nine_in_ten_are_caught(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Hold the demo's policy to what it could know. Of commits it may know nothing in this folder."""
    (path,) = folder.glob("outputs/smoke_verdict_*.json")
    (report,) = folder.glob("outputs/smoke_report_*.md")
    assert run(["bite", str(path), "--min", "90", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    missed = {one["name"] for one in found["mutations"] if one["state"] == "missed"}
    of_commits = {"stale_commit", "dirty_commit", "two_commits", "older_code"}
    assert missed <= {*of_commits, "other_training"}
    assert (
        f"Caught {found['counted'] - len(missed)} of {found['counted']} ways to break" in report.read_text()
    )


def test_a_newcomer_breaks_the_matrix(tmp_path: Path):
    assert run(["demo", "--dir", str(tmp_path / "demo"), "--sabotage", "checkpoint"]) == 1
    assert [gate["id"] for gate in verdict_of(tmp_path / "demo")["gates"] if gate["status"] == "FAIL"] == [
        "G3"
    ]


def sabotaged(demo: Path, folder: Path, name: str) -> Path:
    """Copy the demo's store into a folder, with the runs that a sabotage breaks made anew there, and broken.

    That is what ``demo --sabotage`` makes, in a quarter of the time: the other runs are the same bit by bit.
    """
    broken = SABOTAGES[name]
    copied(demo, folder)
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", [(folder / "artifacts").as_uri()])
    with quiet_mlflow(f"sqlite:///{folder / 'mlflow.db'}"):
        client = MlflowClient()
        erase: Callable[[str], None] = client._tracking_client.store._hard_delete_run
        experiment = client.get_experiment_by_name(script.EXPERIMENT)
        assert experiment
        made = {one.info.run_name: one.info.run_id for one in client.search_runs([experiment.experiment_id])}
        for config in (
            script.Config(cell, seed, **script.CELLS[cell]) for cell in script.CELLS for seed in script.SEEDS
        ):
            if broken.hits(config):
                erase(made[f"{config.cell}-{config.seed}"])
                with suppress(FloatingPointError):
                    broken.accident(client, script.run(broken.configure(config), experiment.experiment_id))
    return folder


@pytest.mark.parametrize("name", SABOTAGES)
def test_each_sabotage_is_caught_by_its_gate(
    name: str, demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """spec: demo"""
    assert checked(sabotaged(demo, tmp_path, name), "--no-figures") == 1

    document = verdict_of(tmp_path)
    failed = [gate["id"] for gate in document["gates"] if gate["status"] == "FAIL"]
    allowed = {"definition": ["G1", "G4"]}  # its figures say what definition they show
    assert failed == allowed.get(name, [SABOTAGES[name].gate])
    assert document["critical"] == (name == "definition")
    assert document["pending"] is False
    broken = [check for check in document["checks"] if check["status"] == "FAIL"]
    assert {cell for check in broken for cell in cells_of(check)} == {SABOTAGES[name].cell}
    found, _, how_to_fix = broken[0]["message"].partition(". ")
    printed = capsys.readouterr().out
    assert (
        found.partition(" is ")[2].partition(",")[0] in printed
    )  # the runs' values may differ, and stand apart
    assert how_to_fix in printed
