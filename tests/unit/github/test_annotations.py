"""One annotation a finding, the most important first, at the line that it is about."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from smoke_gate.evidence import Evidence
from smoke_gate.github.annotations import errors_of, of_policy, warnings_of
from smoke_gate.policy_file.cell_places import cell_places
from smoke_gate.policy_file.errors import PolicyError, Position, Problem
from smoke_gate.policy_file.load import load_policy
from tests.support.matrix import passing_matrix, passing_policy, with_another_attempt, with_run, without_run
from tests.unit.report.judgements import judgement

CELLS = {"B0": Position("smoke-gate.yml", 5, 3), "A3": Position("smoke-gate.yml", 9, 3)}
A3 = ("A3/42", "A3/123", "A3/456")


def changed(pairs: Iterable[str], **facts: Any) -> Evidence:
    evidence = passing_matrix()
    for pair in pairs:
        evidence = with_run(evidence, pair, **facts)
    return evidence


def test_one_cause_in_many_runs_is_one_annotation_at_its_cells_line():
    evidence = changed(A3, params={"vq_input_unit": "kW"})
    (found,) = errors_of(judgement(evidence=evidence).verdict, CELLS)
    assert found.message.startswith("G2 A3/42, A3/123, A3/456: ")
    assert "kW" in found.message
    assert found.place == CELLS["A3"]


def test_values_that_differ_stand_beside_their_places():
    evidence = with_run(passing_matrix(), "A3/42", params={"vq_input_unit": "kW"})
    evidence = with_run(evidence, "A3/123", params={"vq_input_unit": "GW"})
    found, unknown = errors_of(judgement(evidence=evidence).verdict, {})
    assert found.message.startswith("G2 A3/42 (kW), A3/123 (GW): vq_input_unit and ")
    assert unknown.message.startswith("G2 A3/123: vq_input_unit is 'GW', expected ")
    assert found.place is None


def test_of_very_many_places_some_are_named_and_the_rest_is_counted():
    cells = ["A3", *(f"C{number}" for number in range(20))]
    policy = passing_policy(plan={"cells": {cell: {} for cell in cells}, "seeds": ["42"]})
    evidence = passing_matrix(cells, ["42"], vq_cells=[])
    for cell in cells:
        evidence = without_run(evidence, f"{cell}/42")
    found = errors_of(judgement(policy, evidence).verdict, {})
    assert any(" and 16 more: No finished run" in one.message for one in found)
    assert all(len(one.message) <= 2000 for one in found)


def test_what_is_critical_comes_first_and_then_what_most_runs_have():
    evidence = changed(A3, params={"vq_input_unit": "kW"})
    evidence = with_run(evidence, "B0/42", params={"pape_definition_hash": "0" * 64})
    evidence = without_run(evidence, "B0/123")
    gates = [one.message[:2] for one in errors_of(judgement(evidence=evidence).verdict, CELLS)]
    assert gates[0] == "G1"
    assert gates.index("G2") < gates.index("G0")


def test_warnings_are_what_else_a_person_must_look_at():
    evidence = with_another_attempt(passing_matrix(), "A3/42", "run-A3-42-again")
    watched = passing_policy(references=[{"metric": "pape", "low": 0, "high": 0.001, "n": 1, "source": "x"}])
    verdict = judgement(watched, evidence).verdict
    assert errors_of(verdict, CELLS) == ()
    attempt, reference = warnings_of(verdict, CELLS)
    assert attempt.message.startswith("G0 A3/42")
    assert attempt.place == CELLS["A3"]
    assert reference.message.startswith("reference pape: pape of B0/42 is 8.5")
    assert reference.message.endswith("(and 11 more like this)")


POLICIES = {
    "mapping": ("version: 1\nplan:\n  cells:\n    B0:\n    A3: {}\n", {"B0": (4, 5), "A3": (5, 5)}),
    "list": ("version: 1\nplan: {cells: [B0,\n  A3]}\n", {"B0": (2, 16), "A3": (3, 3)}),
    "no plan": ("version: 1\nplan: none\n", {}),
    "no cells": ("version: 1\nplan: {cells: [[B0], 3]}\n", {"3": (2, 22)}),
    "no YAML": ("[", {}),
}


@pytest.mark.parametrize(("text", "places"), POLICIES.values(), ids=POLICIES)
def test_where_a_policy_names_its_cells(tmp_path, text, places):
    file = tmp_path / "smoke-gate.yml"
    file.write_text(text)
    assert cell_places(file) == {cell: Position(str(file), *place) for cell, place in places.items()}
    assert cell_places(tmp_path / "absent.yml") == cell_places(None) == {}


def test_a_policys_problems_stand_at_their_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = Path("smoke-gate.yml")
    file.write_text("version: 1\nplan: {cells: [B0], seeds: [1]}\ngatse: {}\nprofile: basics\n")
    with pytest.raises(PolicyError) as caught:
        load_policy(file)
    first, second = of_policy(caught.value, here=True)
    assert (first.place, second.place) == (Position("smoke-gate.yml", 3, 1), Position("smoke-gate.yml", 4, 1))
    assert first.message.startswith("gatse: unknown key")
    for elsewhere in of_policy(caught.value, here=False):
        assert elsewhere.place is None
        assert elsewhere.message.startswith("smoke-gate.yml:")


def test_what_is_no_line_of_a_file_here_has_no_place():
    problems = [Problem(Position("--cells"), "plan", "no"), Problem(Position("gone.yml", 3, 1), "plan", "no")]
    assert [one.place for one in of_policy(PolicyError(problems), here=True)] == [None, None]
