"""The JSON Schema, and docs/policy.md: both say what the models say. Run this file to bring the docs up to date."""

from pathlib import Path
from typing import Literal, get_args, get_origin

import jsonschema
import pytest
import yaml

from smoke_gate.gates import BUILT_IN, policy_of, policy_type
from smoke_gate.policy import model, plan
from smoke_gate.policy.fields import Section
from smoke_gate.policy.settings import GateSettings
from smoke_gate.policy_file.formats import effective_yaml, policy_json
from smoke_gate.policy_file.schema import Key, keys, meanings, policy_schema
from tests.unit.policy.reading import load, with_plan
from tests.unit.policy.test_model import EXAMPLE

MARK = "<!-- run by tests/unit/policy_file/test_schema.py -->"
DOCS = Path(__file__).parents[3] / "docs" / "policy.md"
POLICY = policy_type(BUILT_IN)
BEGIN = "<!-- keys: made from the models by tests/unit/policy_file/test_schema.py -->\n"


def sections() -> list[tuple[str, type[Section]]]:
    """Return every section that a file can say, with its place, in the order of the file."""
    found: list[tuple[str, type[Section]]] = [("", POLICY)]
    for path, section in found:
        for name, field in section.model_fields.items():
            if name != "narrowed":
                place = f"{path}.{name}".removeprefix(".")
                found += [
                    (f"{place}{_form(field.annotation)}", inner) for inner in _sections(field.annotation)
                ]
    return sorted(found, key=lambda one: _order(one[0]))


def _order(path: str) -> list[int]:
    """Return where a section stands in the file: by the order of the keys on the way to it."""
    order: list[int] = []
    section: type[Section] = POLICY
    for name in filter(None, path.replace("[]", "").replace(".NAME", "").split(".")):
        order.append(list(section.model_fields).index(name))
        inner = _sections(section.model_fields[name].annotation)
        section = inner[0] if inner else section
    return order


def _form(annotation: object) -> str:
    text = str(annotation)
    return "[]" if text.startswith("tuple") else ".NAME" if text.startswith("dict") else ""


def _sections(annotation: object) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]


def key_tables() -> str:
    """Return the part of docs/policy.md that is made from the models."""
    return "\n".join(_table(path, section) for path, section in sections())


def _table(path: str, section: type[Section]) -> str:
    head = f"### `{path}`" if path else "### The file"
    said = " ".join((section.__doc__ or "").split())
    rows = [
        f"| `{key.name}` | {_default(key)} | {key.meaning.replace('|', chr(92) + '|')} |"
        for key in keys(section)
    ]
    table = "\n".join(["| key | default | meaning |", "|---|---|---|", *rows])
    long = [
        f"The default of `{key.name}`:\n\n{MARK}\n```yaml\n{_unfolded(key)}```"
        for key in keys(section)
        if _is_long(key)
    ]
    return "\n\n".join([head, said, table, *long]) + "\n"


def _default(key: Key) -> str:
    if key.default is None:
        return "*required*"
    is_section = key.default.startswith("{") and key.default != "{}"
    return "*below*" if is_section or _is_long(key) else f"`{key.default}`"


def _is_long(key: Key) -> bool:
    return key.default is not None and key.default.startswith("[{") and len(key.default) > 100


def _unfolded(key: Key) -> str:
    return yaml.safe_dump(
        {key.name: yaml.safe_load(key.default or "")}, sort_keys=False, default_flow_style=None
    )


def test_the_docs_say_what_the_models_say():
    _, begin, tables = DOCS.read_text(encoding="utf-8").partition(BEGIN)
    assert begin
    assert tables.strip() == key_tables().strip(), (
        f"run: python {Path(__file__).relative_to(DOCS.parents[1])}"
    )


def test_every_section_and_every_key_is_in_the_docs():
    said = {section for _, section in sections()}
    defined = {
        value
        for module in (model, plan)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Section)
    }
    bases = {Section, GateSettings, model.Gates, model.Policy}
    assert defined - said == {*bases, plan.Narrowing}
    assert {gate.settings for gate in BUILT_IN} <= said
    for section in said:
        assert all(meanings(section)[name].endswith(".") for name in section.model_fields)


def _choices(annotation: object) -> list[str]:
    """Return the words that a key allows; none, if it allows more than some words."""
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return [word for part in get_args(annotation) for word in _choices(part)] if _is_list(annotation) else []


def _is_list(annotation: object) -> bool:
    return get_origin(annotation) is tuple


def test_a_key_of_some_words_says_each_of_them():
    silent = [
        f"{path}.{name}: {word}"
        for path, section in sections()
        for name, field in section.model_fields.items()
        for word in _choices(field.annotation)
        if f"`{word}`" not in meanings(section)[name] and name != "version"
    ]
    assert silent == []


@pytest.mark.parametrize(
    "example",
    [
        text.partition("```")[0]
        for text in DOCS.read_text(encoding="utf-8").partition(BEGIN)[0].split("```yaml\n")[1:]
    ],
)
def test_the_examples_of_the_docs_are_policies(tmp_path, example):
    text = example if "version: 1" in example else with_plan(example)
    load(tmp_path, text)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(policy_schema())


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(policy_schema())


def accepts(validator: jsonschema.Draft202012Validator, text: str) -> bool:
    return validator.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "experiment: stage05",
        "profile: basic",
        "gates: {checkpoints: {max_bytes: 1000}, plan: {fail_threshold: 10%}, figures: {enabled: false, reason: r}}",
        "gates: {definition_hash: {expected: {run_id: abc}}}",
        "waivers: [{gate: G2, cell: B0, seed: 42, reason: r, expires: '2026-01-31'}]",
        "gates: {unit_contract: {rules: [{when: {use_vq: True}, required: [a]}]}}",
    ],
)
def test_the_schema_accepts_what_the_tool_accepts(tmp_path, validator, text):
    """spec: policy-effective"""
    whole = (
        with_plan(text)
        if "experiment:" not in text
        else with_plan(text).replace("experiments: [stage05]\n", "")
    )
    policy = load(tmp_path, whole)
    assert accepts(validator, whole)
    assert accepts(validator, effective_yaml(policy))
    assert accepts(validator, EXAMPLE)


@pytest.mark.parametrize(
    "text",
    [
        "narrowed: {cells: [B0]}",
        "profil: basic",
        "profile: strict",
        "runs: {commit: sam}",
        "gates: {definition_hash: {fail_threshold: 2}}",
        "gates: {plan: {fail_threshold: 0}}",
        "gates: {plan: {fail_threshold: 0%}}",
        "gates: {plan: {enabled: 1}}",
        "gates: {definition_hash: {expected: {sha256: abc}}}",
        "waivers: [{gate: G2, reason: r}]",
        "references: [{metric: m, low: 1, high: 2, n: 0, source: s}]",
    ],
)
def test_the_schema_refuses_what_the_tool_refuses(validator, text):
    """spec: policy-effective"""
    assert not accepts(validator, with_plan(text))


def test_the_schema_tells_what_each_key_means():
    schema = policy_schema()
    commit = schema["$defs"]["Runs"]["properties"]["commit"]
    assert commit["default"] == "auto"
    assert commit["enum"] == ["auto", "any", "same", "head", "code"]
    assert commit["description"].startswith("What is asked of the runs' commits")
    assert "\n" not in schema["$defs"]["Runs"]["properties"]["where"]["description"]


def test_defaults_are_those_of_a_policy_that_says_nothing():
    policy = policy_json(policy_of({"version": 1}))
    for key in keys(plan.Runs):
        assert yaml.safe_load(key.default or "") == policy["runs"][key.name]


if __name__ == "__main__":
    head = DOCS.read_text(encoding="utf-8").partition(BEGIN)[0]
    DOCS.write_text(f"{head}{BEGIN}\n{key_tables()}", encoding="utf-8")
