"""The shapes of real matrices, recorded with MLflow and checked: the unfair ones warn, and no others do."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smoke_gate.cli import run
from tests.support.comparisons import SHAPES, Shape
from tests.support.recorded import Recipe, record
from tests.support.stores import sqlite_store

TABLE: list[tuple[str, int, int, str]] = []


@pytest.fixture(scope="module", autouse=True)
def table(pytestconfig: pytest.Config) -> Iterator[None]:
    """Print, at the end, each shape and what was found in it."""
    yield
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        lines = [("shape", "runs", "params", "findings of G7"), *TABLE]
        sys.stdout.writelines(
            f"\n{one:<26}{runs:>5}{params:>8}  {found}" for one, runs, params, found in lines
        )


def checked(shape: Shape, folder: Path) -> list[dict[str, Any]]:
    """Return the findings of G7 in a store that has the shape."""
    record(sqlite_store(folder / "mlflow.db"), shape.recipes)
    pairs = [pair_of(shape, recipe) for recipe in shape.recipes]
    cells, seeds = (list(dict.fromkeys(values)) for values in zip(*pairs, strict=True))
    policy = folder / "smoke-gate.yml"
    policy.write_text(shape.policy(cells, seeds))
    code = run(["check", "--policy", str(policy), "--tracking-uri", f"sqlite:///{folder / 'mlflow.db'}"])
    assert code in (0, 1)
    (path,) = folder.glob("outputs/smoke_verdict_*.json")
    document = json.loads(path.read_text())
    (gate,) = (one for one in document["gates"] if one["id"] == "G7")
    assert gate["status"] in ("PASS", "WARNING")
    assert document["summary"]["found"] == len(shape.recipes)
    found: list[dict[str, Any]] = [one for one in document["checks"] if one["gate"] == "G7"]
    assert any(one["kind"] == "compared" for one in found)
    return [one for one in found if one["status"] in ("WARNING", "FAIL")]


def pair_of(shape: Shape, recipe: Recipe) -> tuple[str, str]:
    """Return a run's cell and seed, as the policy of the shape says."""

    def value(reference: str) -> str:
        template = reference if "{" in reference else f"{{{reference}}}"
        return re.sub(r"\{params\.(\w+)\}", lambda name: recipe.params[name[1]], template)

    return value(shape.cell), value(shape.seed)


@pytest.mark.parametrize("name", SHAPES)
def test_an_owner_would_call_each_finding_right(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    shape = SHAPES[name]()
    findings = checked(shape, tmp_path)
    capsys.readouterr()
    keys = {key for recipe in shape.recipes for key in recipe.params}
    shown = "; ".join(one["message"].partition(". ")[0] for one in findings) or "none"
    TABLE.append((name, len(shape.recipes), len(keys), shown))
    assert {one["kind"] for one in findings} == set(shape.expected)
    for kind, words in shape.expected.items():
        assert any(words in one["message"] for one in findings if one["kind"] == kind)
