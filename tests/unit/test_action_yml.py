"""action.yml, the code, docs/action.md and action-types.yml say the same, defaults included.

Outputs are named once, in ``smoke_gate.github.outputs``. Run as a script, this writes their lists in the other places.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from smoke_gate.github.announcement import announcement_of, announcement_of_error
from smoke_gate.github.outputs import OUTPUTS
from smoke_gate.github.settings import CommentMode, FailOn, PolicyRef, settings_of
from smoke_gate.verdict import VerdictStatus
from tests.unit.report.judgements import judgement

ROOT = Path(__file__).parents[2]

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
TYPES = yaml.safe_load((ROOT / "action-types.yml").read_text(encoding="utf-8"))
CHOICES = {
    "comment": set(CommentMode),
    "fail_on": set(FailOn),
    "policy_ref": set(PolicyRef),
    "profile": {"contract", "basic"},
}


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
    """spec: action-inputs"""
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


def test_every_place_lists_the_outputs_of_the_code():
    for file, (text, listed) in with_outputs().items():
        assert text == listed, f"{file}: run `PYTHONPATH=.:src python tests/unit/test_action_yml.py`"


@pytest.mark.parametrize(
    "announcement",
    [announcement_of(judgement(), {}, warning_fails=False), announcement_of_error("no store")],
    ids=["verdict", "error"],
)
def test_a_verdict_and_an_error_have_the_same_outputs(announcement):
    of_verdict = [output.name for output in OUTPUTS if output.value is not None]
    assert list(announcement.outputs) == of_verdict
    assert announcement.outputs["headline"] == announcement.headline
    of_publishing = {output.name for output in OUTPUTS if output.value is None}
    assert of_publishing == {"comment_url", "published"}


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


def test_the_document_lists_the_inputs():
    document = (ROOT / "docs/action.md").read_text(encoding="utf-8")
    section = document.partition("\n## Inputs\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [input_row(name, one) for name, one in ACTION["inputs"].items()]


def input_row(name: str, one: Mapping[str, Any]) -> str:
    default = f"`{one['default']}`" if one["default"] else ""
    return f"| `{name}` | {default} | {one['description']} |"


# --- the lists of outputs ---------------------------------------------------------------------------------------------


def with_outputs() -> dict[str, tuple[str, str]]:
    """Return each file that lists the outputs: its text, and what that should be."""
    described = "".join(f"  {one.name}:\n    description: {scalar(one.description)}\n" for one in OUTPUTS)
    typed = "".join(f"  {one.name}: {{type: {one.kind}}}\n" for one in OUTPUTS)
    rows = "".join(f"| `{one.name}` | {one.description} |\n" for one in OUTPUTS)
    lists = {
        "action.yml": (r"(?<=^outputs:\n).*?(?=^$)", described),
        "action-types.yml": (r"(?<=^outputs:\n).*\Z", typed),
        "docs/action.md": (r"(?<=^\| output \| meaning \|\n\| --- \| --- \|\n).*?(?=^$)", rows),
    }
    found = {}
    for name, (place, listed) in lists.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        (there,) = re.finditer(place, text, flags=re.MULTILINE | re.DOTALL)
        found[name] = (text, text[: there.start()] + listed + text[there.end() :])
    return found


def scalar(text: str) -> str:
    """Return a text as a YAML scalar: in quotes where it could not stand without them."""
    return json.dumps(text) if text.startswith("`") else text


if __name__ == "__main__":
    for file, (_, listed) in with_outputs().items():
        (ROOT / file).write_text(listed, encoding="utf-8")
