"""The demo, end to end, as a newcomer runs it: the clean matrix passes, and each sabotage is caught by its gate."""

import json
from pathlib import Path
from typing import Any

import pytest

from smoke_gate.cli import run
from smoke_gate.demo import SABOTAGES


def verdict_of(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("outputs/smoke_verdict_*.json")
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def cells_of(check: dict[str, Any]) -> set[str]:
    """Return the cells that a check names: its own, or those of the runs that it compares."""
    return {check["cell"]} if check["cell"] else {pair.split("/")[0] for pair in check["observed"].split("=")}


def test_twelve_real_runs_are_all_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["demo", "--dir", str(tmp_path / "demo")]) == 0

    document = verdict_of(tmp_path / "demo")
    assert document["verdict"] == "ALL PASS"
    assert [gate["status"] for gate in document["gates"]] == ["PASS"] * 8
    assert (document["summary"]["planned"], document["summary"]["found"]) == (12, 12)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == document["headline"]
    (report,) = (line for line in printed if line.startswith("report: "))
    assert Path(report.removeprefix("report: ")).read_text().startswith("## ✅ Smoke gate: ALL PASS")
    assert (tmp_path / "demo" / "outputs" / ".gitignore").read_text() == "*\n"
    assert_nine_in_ten_are_caught(tmp_path / "demo", capsys)


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


@pytest.mark.parametrize("name", SABOTAGES)
def test_each_sabotage_is_caught_by_its_gate(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["demo", "--dir", str(tmp_path / "demo"), "--sabotage", name]) == 1

    document = verdict_of(tmp_path / "demo")
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
