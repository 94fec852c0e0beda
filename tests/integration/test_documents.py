"""The commands and the YAML of the documents, as they are written there: commands are typed, YAML is read.

What a mark says is run elsewhere, or not at all, is left to it (checks/fences.py).
"""

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from checks.fences import MarkedFence, marked_fences
from checks.messages import BLOCK, PAGE
from checks.repository import documents
from smoke_gate.cli import run
from smoke_gate.contract import Golden
from smoke_gate.hashing import definition_hash
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.load import load_policy
from tests.support.pages import ROOT
from tests.support.recorded import changed, matrix, record
from tests.support.stores import sqlite_store

DEFINITION = '{"metric": "pape"}'
FILLED = {"SHA256": definition_hash(DEFINITION), "smoke-gate init ": "smoke-gate init --yes "}
"""What a reader writes in place of a word, or answers."""
POLICY = "experiment: stage05\nprofile: basic\nplan: {cells: [B0, A3], seeds: [42, 123]}\n"
VERDICTS = (
    "VERDICT.json", "main.json", "head.json", "smoke_verdict_20260131T123015Z_0b3270c4.json",
    "smoke-gate-demo/outputs/smoke_verdict_20260131T123015Z_0b3270c4.json",
)  # fmt: skip


def unmarked(*languages: str) -> list[Any]:
    return [
        pytest.param(fence, id=f"{page.relative_to(ROOT)}:{fence.line}")
        for page in documents()
        for fence in marked_fences(page)
        if fence.language in languages and fence.mark is None
    ]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a reader who has trained, judged, and kept the verdict under the names that the pages use."""
    folder = tmp_path_factory.mktemp("documents") / "project"
    (folder / "mypackage").mkdir(parents=True)
    (folder / "smoke-gate-demo" / "outputs").mkdir(parents=True)
    record(
        sqlite_store(folder / "mlflow.db"),
        [changed(one, metrics={"accuracy": (0.9,)}) for one in matrix()[1:]],
    )
    (folder / "mypackage" / "metrics.py").write_text("def pape(actual):\n    return {'pape': 0.5}\n")
    (folder / "definition.json").write_text(DEFINITION)
    (folder / "amended.json").write_text('{"metric": "pape", "peaks": "half-hours"}')
    for name in ("golden.npz", "amended.npz"):
        (folder / name).write_bytes(Golden({"actual": np.ones(2)}, {"pape": 0.5}).to_bytes())
    (folder / "smoke-gate.yml").write_text("version: 1\n" + POLICY)
    judged = [
        "check", "--policy", str(folder / "smoke-gate.yml"), "--no-figures", "--quiet",
        "--tracking-uri", f"sqlite:///{folder / 'mlflow.db'}", "--output-dir", str(folder / "outputs"),
    ]  # fmt: skip
    assert run(judged) in (0, 1)
    (verdict,) = (folder / "outputs").glob("smoke_verdict_*.json")
    for name in VERDICTS:
        shutil.copyfile(verdict, folder / name)
    return folder


@pytest.fixture
def here(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, to work in. Its store has its whole path: MLflow holds on to what a relative one meant."""
    folder = shutil.copytree(project, tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    monkeypatch.setenv("SMOKE_GATE_NO_FIGURES", "true")
    return folder


def typed(fence: MarkedFence) -> Iterator[list[str]]:
    """Yield the words of each command: where a fence shows what is printed, of the lines with a prompt."""
    prompted = re.findall(r"(?m)^\$ (.*)$", fence.text)
    text = "\n".join(prompted) or fence.text.replace("\\\n", " ")
    for word, filled in FILLED.items():
        text = text.replace(word, filled)
    yield from filter(None, (shlex.split(line, comments=True) for line in text.splitlines()))


def matching(pattern: str) -> list[str]:
    return [str(path) for path in Path().glob(pattern)]


@pytest.mark.parametrize("fence", unmarked("bash", "console", "sh"))
def test_commands_work_as_they_are_written(here, fence, capsys):
    for program, *words in typed(fence):
        assert program == "smoke-gate", f"this test runs no {program}: mark the fence (checks/fences.py)"
        if "init" in words:
            (here / "smoke-gate.yml").unlink()  # init never overwrites
        arguments = [found for word in words for found in (matching(word) if "*" in word else [word])]
        verdicts = (0, 1) if "check" in words else (0,)  # a FAIL is an answer, too
        assert run(arguments) in verdicts, f"{' '.join(words)}\n{capsys.readouterr()}"


# --- YAML -------------------------------------------------------------------------------------------------------------


def steps_of(value: Any) -> list[Mapping[str, Any]]:
    """Return the steps of a part of a workflow; none, if it is not one."""
    return value if isinstance(value, list) else value.get("steps", [])


@pytest.mark.parametrize("fence", unmarked("yaml"))
def test_yaml_is_steps_with_our_inputs_or_a_part_of_a_policy(fence, tmp_path):
    value = yaml.safe_load(fence.text)
    if steps := steps_of(value):
        inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
        ours = [step for step in steps if "smoke-gate" in step["uses"]]
        assert [key for step in ours for key in step.get("with", {}) if key not in inputs] == []
        return
    parts = {"version": "1", **yaml.load(POLICY, yaml.BaseLoader), **yaml.load(fence.text, yaml.BaseLoader)}
    if "plan" in value and "seeds" not in parts["plan"]:
        parts["plan"]["seeds"] = ["42"]
    if "experiments" in value:
        del parts["experiment"]
    file = tmp_path / "smoke-gate.yml"
    file.write_text(yaml.safe_dump(parts))
    assert isinstance(load_policy(file), Policy)


# --- messages ---------------------------------------------------------------------------------------------------------

LISTED = [
    line for block in BLOCK.findall((ROOT / PAGE).read_text(encoding="utf-8")) for line in block.splitlines()
]
WRONG = [
    "check --tracking-uri sqlite:///gone.db",
    "check --tracking-uri mlruns",
    "check --tracking-uri localhost:5000",
    "check --experiment stage50",
    "check --policy broken.yml",
    "check --policy typo.yml",
    "check --wait soon",
    "check --sha abc",
    "check --artifact-host-with-credentials http://host",
    "check --output-dir smoke-gate.yml/outputs",
    "compare main.json head.json --max-drop pape",
    "reproduce smoke-gate.yml",
    "reproduce gone.json",
    "reproduce main.json --docker",
    "explain G9",
    "init --yes",
    "hash mypackage/metrics.py",
    "preregister",
    "golden metrics",
    "golden mypackage.gone:pape",
    "demo --sabotage moon",
]


@pytest.mark.parametrize("command", WRONG)
def test_what_a_command_says_is_on_the_page_of_messages(here, command, capsys):
    """The page is held against the source (checks/messages.py); here against what is really printed."""
    (here / "broken.yml").write_text("version: 1\nplan: [\n")
    (here / "typo.yml").write_text(f"version: 1\nprofil: basic\n{POLICY}")
    assert run(command.split()) in (2, 3)
    said = " ".join(capsys.readouterr().err.split())
    found = [line for line in LISTED if re.search(".*".join(map(re.escape, line.split("…"))), said)]
    assert [line for line in found if len(line) > 10], said
