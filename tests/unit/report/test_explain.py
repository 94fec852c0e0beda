import json
from pathlib import Path

import pytest
import yaml

from smoke_gate.errors import UsageError
from smoke_gate.gates import BUILT_IN, policy_of
from smoke_gate.gates.base import Status
from smoke_gate.report.explain import explain, gates_page, policy_keys
from smoke_gate.verdict import evaluate
from tests.support.matrix import passing_matrix, passing_policy, with_ledger, with_run, without_run

PAGE = Path(__file__).parents[3] / "docs" / "gates.md"
IDS = [gate.id for gate in BUILT_IN]
BROKEN = {
    "G0": without_run(passing_matrix(), "A3/42"),
    "G1": with_run(passing_matrix(), "A3/42", params={"pape_definition_hash": None}, payload=None),
    "G2": with_run(passing_matrix(), "A3/42", params={"vq_input_unit": "kW/h"}),
    "G3": with_run(passing_matrix(), "A3/42", checkpoints=(), manifest=None),
    "G4": with_run(
        passing_matrix(),
        "A3/42",
        figures=tuple(
            type(figure)(path=figure.path, sha256=figure.sha256)
            for figure in passing_matrix().runs[0].figures
        ),
    ),
    "G5": with_run(passing_matrix(), "A3/42", metrics={"val_loss": "60.0", "train_loss": "0.5"}),
    "G6": with_run(passing_matrix(), "A3/42", params={"train_data_hash": None}),
    "G7": with_ledger(
        passing_matrix(),
        tags={
            "environment.scikit-learn": lambda cell, seed: (
                "1.1.3" if (cell, seed) == ("B0", "456") else "1.2.0"
            )
        },
    ),
}


def test_without_a_gate_there_is_a_line_for_each():
    lines = explain().splitlines()
    assert [line.split()[:2] for line in lines[:8]] == [[gate.id, gate.section] for gate in BUILT_IN]
    assert "smoke-gate explain G2" in lines[-1]


@pytest.mark.parametrize("name", ["G2", "g2", "unit_contract"])
def test_a_gate_by_any_of_its_names(name):
    assert explain(name).startswith("G2 unit_contract: ")


@pytest.mark.parametrize("name", ["G8", "", "units"])
def test_no_such_gate(name):
    with pytest.raises(UsageError, match=r"The gates are: G0 \(plan\), G1 \(definition_hash\)"):
        explain(name)


@pytest.mark.parametrize("gate", BUILT_IN, ids=IDS)
def test_an_explanation_has_the_checks_the_keys_a_failure_and_the_fix(gate):
    words, text = gate.explanation, explain(gate.id)
    for part in (words.question, *words.checks, words.example, words.fix):
        assert " ".join(part.split()) in " ".join(text.split())
    for key in policy_keys(gate):
        assert f"\n  {key.name}: " in text or f"\n  {key.name}:\n" in text
        assert key.meaning


@pytest.mark.parametrize("gate", BUILT_IN, ids=IDS)
def test_the_example_is_what_the_gate_says(gate):
    """spec: explain"""
    failing = {"comparison": {"fail": ["environment"]}}
    checks = evaluate(passing_policy(gates=failing), BROKEN[gate.id]).checks
    messages = [check.message for check in checks if check.gate == gate.id and check.status is Status.FAIL]
    assert gate.explanation.example in messages


@pytest.mark.parametrize("gate", BUILT_IN, ids=IDS)
def test_the_keys_as_they_are_shown_are_the_defaults(gate):
    lines = explain(gate.id).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("Policy, under gates.")) + 1
    last = lines.index("", first)
    shown = yaml.safe_load("\n".join(lines[first:last]))
    assert list(shown) == [key.name for key in policy_keys(gate)]
    said = {name: value for name, value in shown.items() if name != "reason"}
    asked = {"version": 1, "plan": {"cells": ["B0"], "seeds": ["1"]}}
    assert policy_of({**asked, "gates": {gate.section: said}}) == policy_of(asked)


def test_lines_fit_a_terminal():
    assert max(len(line) for gate in BUILT_IN for line in explain(gate.id).splitlines()) <= 110


def test_the_page_in_the_docs_is_made_from_this():
    """After a change: python -m smoke_gate.report.explain > docs/gates.md. spec: explain"""
    assert PAGE.read_text(encoding="utf-8") == gates_page()


def test_the_page_has_a_part_for_each_gate_and_its_defaults():
    page = gates_page()
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        f"## {gate.id} {gate.section}: {gate.title}" for gate in BUILT_IN
    ]
    for gate in BUILT_IN:
        for key in policy_keys(gate):
            assert f"| `{key.name}` | `{json.dumps(key.default)}` |" in page
