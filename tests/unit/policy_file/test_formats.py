import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from smoke_gate.gates import policy_of
from smoke_gate.hashing import canonical_json, sha256_hex
from smoke_gate.policy_file.formats import effective_yaml, policy_from_json, policy_json, policy_sha256
from smoke_gate.policy_file.load import Overrides, PolicyError, load_policy
from smoke_gate.text import is_blank
from tests.unit.policy.reading import PLAN, load, with_plan

# Whatever a policy file can hold: any text that YAML can say.
names = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
    st.text(
        ':#[] x\\"\xa0\u2028', min_size=1, max_size=120
    ),  # folded, and near to what starts a workflow command
)
several = st.lists(names, min_size=1, max_size=3, unique=True)
patterns = names.map(lambda text: f"./{text.replace('/', '').replace('.', '')}*")
numbers = st.floats(min_value=-1e9, max_value=1e9)
thresholds = st.one_of(st.integers(1, 99), st.integers(1, 100).map("{}%".format))
expectations = st.dictionaries(names.map("tags.{}".format), st.one_of(names, several), min_size=1, max_size=2)
digits = st.text("0123456789abcdef", min_size=64, max_size=64)
expected = st.one_of(
    st.just("preregistration"),
    digits.map(lambda text: {"sha256": text}),
    st.tuples(st.sampled_from(["file", "run_id", "run_name"]), names).map(lambda pair: dict([pair])),
)
rules = st.builds(
    lambda metric, low, width: {
        "value": f"`{metric}`.last / `{metric}`",
        "min": low,
        "max": low + abs(width),
    },
    names.filter(lambda text: "`" not in text),
    numbers,
    numbers,
)

STARTS_A_COMMAND = re.compile(r"(?m)^\s*::|##\[")


@st.composite
def policies(draw):
    """Draw a policy that is consistent, as JSON would say it."""
    cells = [f"{number}{name}" for number, name in enumerate(draw(several))]  # that do not look alike
    cell = draw(st.sampled_from(cells))
    said = {"expect": draw(expectations), "deterministic": draw(st.booleans())}
    reason = draw(names.filter(lambda text: not all(one.isspace() or is_blank(one) for one in text)))
    return {
        "version": 1,
        "profile": draw(st.sampled_from(["contract", "basic"])),
        "experiments": draw(several),
        "runs": {
            "cell": draw(st.sampled_from(["cell", "tags.x", "run_name:(?P<cell>.*)", "{a}/{parent.tags.b}"])),
            "commit": draw(st.sampled_from(["auto", "any", "same", "head", "code"])),
            "code_paths": draw(st.lists(patterns, min_size=1, max_size=3, unique=True)),
        },
        "plan": {
            "cells": {name: said if name == cell else {} for name in cells},
            "seeds": ["007", "8", draw(names) + "x"],
        },
        "gates": {
            "plan": {"fail_threshold": draw(thresholds)},
            "definition_hash": {"expected": draw(expected), "enabled": draw(st.booleans()), "reason": reason},
            "unit_contract": {
                "rules": [{"when": draw(expectations), "required": ["a"], "equal": [["a", "tags.b"]]}]
            },
            "checkpoints": {"allow_globals": draw(several), "max_bytes": draw(st.integers(1, 2**53 - 1))},
            "metric_ratio": {"rules": draw(st.lists(rules, min_size=1, max_size=2))},
            "paired_data": {
                "same": [
                    {"of": ["commit", "lr"], "within": draw(st.sampled_from(["cell", "seed", "matrix"]))}
                ]
            },
        },
        "references": [
            {
                "metric": draw(names),
                "cells": [cell],
                "low": -1,
                "high": draw(st.floats(0, 1e300)),
                "n": 1,
                "source": reason,
            }
        ],
        "waivers": [{"gate": "G3", "cell": cell, "seed": "7", "reason": reason, "expires": "2026-01-31"}],
        "report": {"reference_cell": cell},
    }


@settings(max_examples=50)
@given(policies())
def test_an_effective_policy_reads_back_the_same(raw):
    """spec: policy-effective"""
    policy = policy_from_json(raw)
    with TemporaryDirectory() as folder:
        path = Path(folder, "policy.yml")
        text = effective_yaml(policy)
        assert not STARTS_A_COMMAND.search(text)
        path.write_text(text, encoding="utf-8")
        again = load_policy(path)
    assert again == policy
    assert effective_yaml(again) == effective_yaml(policy)
    assert policy_sha256(again) == policy_sha256(policy)


@settings(max_examples=50)
@given(policies())
def test_a_policy_survives_a_verdict_file(raw):
    policy = policy_from_json(raw)
    written = json.dumps(policy_json(policy))
    assert policy_from_json(json.loads(written)) == policy
    assert policy_from_json(json.loads(canonical_json(policy_json(policy)))) == policy


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "~",
        "",
        "042",
        "NO",
        "a\nb",
        " a ",
        "'",
        "#",
        "- x",
        "<<",
        "é",
        "한글",
        "🙂",
        "\x85",
        "a\u2028 b",
        "\x07",
        "{a",
        "::error::x",
        " ::error::x",
        "##[error]x",
        "a" * 90 + "\x07::error::x",
        "a" * 100 + " ::error::x ##[error]x",
    ],
)
def test_every_text_survives_yaml_and_starts_no_workflow_command(tmp_path, text):
    policy = policy_of({"version": 1, "plan": {"cells": {"A": {"expect": {"key": [text]}}}, "seeds": ["1"]}})
    written = effective_yaml(policy)
    assert load(tmp_path, written) == policy
    assert not STARTS_A_COMMAND.search(written)


@pytest.mark.parametrize("cell", ["::error::x", "##[error]x"])
def test_a_cell_starts_no_workflow_command(tmp_path, cell):
    policy = policy_of(
        {
            "version": 1,
            "plan": {"cells": [cell], "seeds": ["1"]},
            "narrowed": {"cells": [cell], "seeds": None},
        }
    )
    written = effective_yaml(policy)
    assert not STARTS_A_COMMAND.search(written)
    assert list(load(tmp_path, written).plan.cells) == [cell]


def test_the_effective_policy_is_yaml_that_says_every_default(tmp_path):
    values = yaml.safe_load(effective_yaml(load(tmp_path, PLAN)))
    assert values["gates"]["paired_data"] == {
        "enabled": True,
        "reason": None,
        "fail_threshold": 1,
        "key": "{split}_data_hash",
        "splits": ["train", "val", "test"],
        "same": [],
    }
    assert "narrowed" not in values


def test_a_narrowing_is_shown_but_is_no_part_of_the_file(tmp_path):
    narrowed = load(tmp_path, PLAN, Overrides(cells=("A3", "B0"), seeds=("42",)))
    text = effective_yaml(narrowed)
    assert text.startswith("# narrowed: --cells 'A3,B0' --seeds '42'\nversion: 1\n")
    assert load(tmp_path, text) == load(tmp_path, PLAN)


def test_a_narrowing_survives_a_verdict_file(tmp_path):
    narrowed = load(tmp_path, PLAN, Overrides(cells=("A3",)))
    assert policy_from_json(policy_json(narrowed)) == narrowed


SAME_POLICY = (
    "report: {reference_cell: B0}",
    "compare: {max_drop: {accuracy: 0.01}}",
    "gates: {metric_ratio: {fail_threshold: 2}}",
)
OTHER_POLICY = (
    "runs: {commit: any}",
    "gates: {metric_ratio: {fail_threshold: 1}}",
    "profile: basic",
    "metric: rmse",
    "waivers: [{gate: G2, reason: r, expires: 2026-01-31}]",
    "references: [{metric: m, low: 1, high: 2, n: 1, source: s}]",
)


def test_the_hash_covers_the_whole_policy_but_the_report_and_the_limits_of_a_baseline(tmp_path):
    """spec: policy-hash"""
    policy = load(tmp_path, PLAN)
    left_out = ("report", "compare")
    hashed = {name: value for name, value in policy_json(policy).items() if name not in left_out}
    assert policy_sha256(policy) == sha256_hex(canonical_json(hashed))


@pytest.mark.parametrize("text", [*SAME_POLICY, *OTHER_POLICY])
def test_what_changes_the_hash(tmp_path, text):
    is_same = policy_sha256(load(tmp_path, with_plan(text))) == policy_sha256(load(tmp_path, PLAN))
    assert is_same is (text in SAME_POLICY)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "policy: found nothing; expected a mapping"),
        ([], "policy: found an empty list; expected a mapping"),
        ({"version": 1}, "policy: plan.cells: no cells are planned"),
        (
            {"version": 1, "plan": {"cells": ["A"], "seeds": [1]}},
            r"policy: plan.seeds\[0\]: found 1; expected a text",
        ),
        ({"version": 1, "plan": {"cells": ["A"], "seeds": ["1"]}, "x": {}}, "policy: x: unknown key"),
        (
            {"version": 1, "plan": {"cells": ["A"], "seeds": ["1"]}, "narrowed": {"cells": ["B"]}},
            "policy: the plan has no cell 'B'",
        ),
    ],
)
def test_a_verdict_files_policy_is_checked_like_any_other(value, message):
    with pytest.raises(PolicyError, match=message):
        policy_from_json(value)
