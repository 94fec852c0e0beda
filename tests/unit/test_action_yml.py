"""action.yml, the code, docs/action.md and action-types.yml say the same, defaults included."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from smoke_gate.github.announcement import announcement_of, announcement_of_error
from smoke_gate.github.settings import CommentMode, FailOn, PolicyRef, settings_of
from smoke_gate.verdict import VerdictStatus
from tests.unit.report.judgements import judgement

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "action.yml").read_text(encoding="utf-8")
ACTION = yaml.safe_load(TEXT)
TYPES = yaml.safe_load((ROOT / "action-types.yml").read_text(encoding="utf-8"))
CHOICES = {
    "comment": set(CommentMode),
    "fail_on": set(FailOn),
    "policy_ref": set(PolicyRef),
    "profile": {"contract", "basic"},
}
OF_PUBLISHING = {"comment_url", "published"}  # known only when everything else is out


class Asked(Mapping[str, str]):
    """An environment that has nothing, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_the_code_reads_the_inputs_that_there_are():
    asked = Asked()
    settings_of(asked)
    inputs = {name.removeprefix("INPUT_").lower() for name in asked.names if name.startswith("INPUT_")}
    assert inputs == ACTION["inputs"].keys()


def test_the_defaults_are_the_codes():
    defaults = {name: one["default"] for name, one in ACTION["inputs"].items()}
    assert defaults.pop("github_token") == "${{ github.token }}"
    assert settings_of({f"INPUT_{name.upper()}": text for name, text in defaults.items()}) == settings_of({})


@pytest.mark.parametrize(("name", "choices"), CHOICES.items())
def test_a_choice_is_described_and_typed_as_the_code_takes_it(name, choices):
    described = set(re.findall(r"`(\w+)`", ACTION["inputs"][name]["description"]))
    assert described == set(TYPES["inputs"][name]["allowed-values"]) == choices
    for choice in choices:
        settings_of({f"INPUT_{name.upper()}": choice})


def test_the_outputs_are_those_of_a_verdict_and_of_publishing():
    outputs = announcement_of(judgement(), {}, warning_fails=False).outputs
    assert outputs.keys() | OF_PUBLISHING == ACTION["outputs"].keys()
    assert not outputs.keys() & OF_PUBLISHING


def test_the_verdicts_are_those_of_the_code():
    verdicts = {*VerdictStatus, announcement_of_error("").outputs["verdict"]}
    assert set(TYPES["outputs"]["verdict"]["allowed-values"]) == verdicts
    assert set(re.findall(r"`([A-Z ]+)`", ACTION["outputs"]["verdict"]["description"])) == verdicts


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_everything_has_a_type_and_a_description(kind):
    assert list(TYPES[kind]) == list(ACTION[kind])
    for name, one in ACTION[kind].items():
        assert re.fullmatch(r"[`A-Z].+\.", one["description"]), name


def test_booleans_are_typed_as_booleans():
    for name, one in ACTION["inputs"].items():
        assert (TYPES["inputs"][name]["type"] == "boolean") == (one["default"] in ("true", "false")), name


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_the_document_lists_them(kind):
    document = (ROOT / "docs/action.md").read_text(encoding="utf-8")
    listed = [
        line for line in document.splitlines() if line.startswith("| `") and columns(line) == COLUMNS[kind]
    ]
    assert listed == [row(kind, name, one) for name, one in ACTION[kind].items()]


COLUMNS = {"inputs": 3, "outputs": 2}


def columns(line: str) -> int:
    return line.strip("|").count("|") + 1


def row(kind: str, name: str, one: Mapping[str, Any]) -> str:
    if kind == "outputs":
        return f"| `{name}` | {one['description']} |"
    default = f"`{one['default']}`" if one["default"] else ""
    return f"| `{name}` | {default} | {one['description']} |"
