"""The policy that init writes says what was guessed, whatever the names are."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.gates import BUILT_IN
from smoke_gate.gates.checkpoint_settings import CheckpointsSettings
from smoke_gate.gates.paired_data import PairedDataSettings
from smoke_gate.gates.proposal import Files, RunShape
from smoke_gate.init.guess import Guess, Profile, guess
from smoke_gate.init.identity import identity_at
from smoke_gate.init.places import Shape
from smoke_gate.init.policy_text import policy_text
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.consistency import as_seen
from smoke_gate.policy_file.load import load_policy

PROFILES: tuple[Profile, ...] = ("basic", "contract")


def guessed(
    cells: list[str], profile: Profile = "basic", experiment: str = "stage05", metric: str = "m"
) -> Guess:
    runs = tuple(
        RunShape(run_id=f"{index}{seed}", params={"cell": cell, "seed": seed}, metrics={metric: 1.0})
        for index, cell in enumerate(cells)
        for seed in ("1", "2")
    )
    shape = Shape(experiments=(experiment,), runs=runs)
    folder = re.sub(r"[/\0]|^\.+$", "_", cells[0][:5])  # any name that a folder can have
    files = {run.run_id: Files(paths=(f"{folder}/w.pt",)) for run in runs}
    return guess(shape, identity_at(shape, "params.cell", "params.seed"), profile, files, BUILT_IN)


def read(text: str) -> Policy:
    return load_policy(Path("smoke-gate.yml"), text=text.encode())


@pytest.mark.parametrize("profile", PROFILES)
def test_it_is_a_policy(profile: Profile):
    policy = read(policy_text(guessed(["A", "B"], profile)))
    assert policy.profile == profile
    assert policy.experiments == ("stage05",)
    assert list(policy.plan.cells) == ["A", "B"]
    assert policy.plan.seeds == ("1", "2")
    assert policy.plan.required_metrics == ("m",)
    assert policy.settings(CheckpointsSettings).paths == ("A/*.pt",)


def test_changing_the_profile_switches_the_gates_on():
    text = policy_text(guessed(["A"]))
    assert not read(text).settings(PairedDataSettings).enabled
    contract = read(text.replace("profile: basic", "profile: contract"))
    assert all(settings.enabled for settings in contract.gates.by_section().values())


def test_metrics_that_are_not_asked_for_are_named():
    rare = replace(guessed(["A"]), rare_metrics=("vq\nloss",))
    assert "  # Not asked for, since most runs do not log it: vq\\nloss.\n" in policy_text(rare)
    assert "Not asked for" not in policy_text(guessed(["A"]))


def test_what_must_be_logged_is_said():
    text = policy_text(guessed(["A"]))
    for function in (
        "preregister",
        "log_definition",
        "log_units",
        "log_scaler_space",
        "log_figure",
        "log_data_hashes",
    ):
        assert f"contract.{function}(" in text
    assert "from smoke_gate import contract" in text


SPECIAL = [
    "null",
    "~",
    "true",
    "042",
    "#x",
    "-",
    "'",
    '"',
    "[x",
    "{y}",
    "%",
    "@a",
    "*",
    "&",
    "!x",
    "|",
    ">",
    "a:",
    "::x",
    "<<",
]
names = st.text(min_size=1, max_size=20) | st.sampled_from([*SPECIAL, "a: b", "- a", " x ", "# no"])


@given(cells=st.lists(names, min_size=1, max_size=4, unique_by=as_seen), experiment=names, metric=names)
def test_any_name_reads_back(cells: list[str], experiment: str, metric: str):
    policy = read(policy_text(guessed(cells, experiment=experiment, metric=metric)))
    assert list(policy.plan.cells) == cells
    assert policy.experiments == (experiment,)
