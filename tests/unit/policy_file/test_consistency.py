"""The demands of one part of a policy on another, with the place of each problem."""

import pytest

from smoke_gate.gates import policy_of
from smoke_gate.policy.plan import Narrowing
from smoke_gate.policy_file.consistency import inconsistencies
from smoke_gate.policy_file.load import Overrides
from tests.unit.policy.reading import load, problem, problems, with_plan


def waiver(**names: str) -> str:
    said = "".join(f"{key}: {value}, " for key, value in names.items())
    return f"waivers: [{{gate: G2, {said}reason: r, expires: 2026-01-31}}]"


def reference(cells: str) -> str:
    return f"references: [{{metric: m, cells: {cells}, low: 1, high: 2, n: 1, source: s}}]"


@pytest.mark.parametrize(
    ("text", "place", "key", "message"),
    [
        (
            waiver(cell="A4"),
            "6:22",
            "waivers[0].cell",
            "the plan has no cell 'A4'; did you mean 'A3'? allowed: 'B0', 'A3'",
        ),
        (
            waiver(cell="A3", seed="456"),
            "6:32",
            "waivers[0].seed",
            "cell 'A3' has no seed '456'; allowed: '42', '123'",
        ),
        (
            waiver(seed="7"),
            "6:22",
            "waivers[0].seed",
            "the plan has no seed '7'; allowed: '42', '123', '456'",
        ),
        (waiver(cell="A4", seed="7"), "6:22", "waivers[0].cell", "the plan has no cell 'A4'"),
        (reference("[B0, X]"), "6:38", "references[0].cells[1]", "the plan has no cell 'X'"),
        ("report: {reference_cell: X}", "6:10", "report.reference_cell", "the plan has no cell 'X'"),
        (
            "gates: {metric_ratio: {rules: [{value: a, min: 1}, {value: a, min: 1, cells: [A3, X]}]}}",
            "6:83",
            "gates.metric_ratio.rules[1].cells[1]",
            "the plan has no cell 'X'",
        ),
        (
            "runs: {ignore: [{cell: B0, seed: 042, reason: r}]}",
            "6:17",
            "runs.ignore[0]",
            "covers 'B0/42', which is planned",
        ),
        (
            "runs: {ignore: [{cell: A3, reason: r}]}",
            "6:17",
            "runs.ignore[0]",
            "covers 'A3/42', which is planned",
        ),
        (
            "runs: {ignore: [{seed: 123, reason: r}]}",
            "6:17",
            "runs.ignore[0]",
            "covers 'B0/123', which is planned",
        ),
    ],
)
def test_names_that_the_plan_does_not_know(tmp_path, text, place, key, message):
    """spec: policy-known-names"""
    found = problem(tmp_path, with_plan(text))
    assert found[:2] == (place, key)
    assert message in found[2]


@pytest.mark.parametrize(
    "text",
    [
        waiver(cell="A3", seed="042"),
        waiver(seed="456"),
        reference("[B0, A3]"),
        "runs: {ignore: [{cell: X, reason: r}, {seed: 7, reason: r}, {cell: A3, seed: 456, reason: r}]}",
    ],
)
def test_names_that_the_plan_knows_or_need_not_know(tmp_path, text):
    load(tmp_path, with_plan(text))


EXCLUDING = "{{cells: [A], seeds: [1], exclude: [{{cell: {}, seeds: [{}], reason: r}}]}}"


@pytest.mark.parametrize(
    ("plan", "place", "key", "message"),
    [
        ("{cells: [A]}", "2:1", "plan.seeds", "no seeds are planned"),
        ("{cells: [A], seeds: []}", "2:20", "plan.seeds", "or set `runs.seed: none`"),
        ("{cells: {A: , B: {seeds: [1]}}}", "2:16", "plan.cells.A", "no seeds are planned"),
        (
            "{cells: [A], seeds: [42, 042]}",
            "2:32",
            "plan.seeds[1]",
            "seeds '42' and '042' are the same number",
        ),
        (
            "{cells: {A: {seeds: [-0, 0]}}}",
            "2:32",
            "plan.cells.A.seeds[1]",
            "'-0' and '0' are the same number",
        ),
        (EXCLUDING.format("B", "1"), "2:43", "plan.exclude[0].cell", "the plan has no cell 'B'"),
        (EXCLUDING.format("A", "2"), "2:60", "plan.exclude[0].seeds[0]", "cell 'A' has no seed '2'"),
        (EXCLUDING.format("A", "01"), "2:32", "plan.exclude", "nothing is left of the plan"),
    ],
)
def test_plans_that_contradict_themselves(tmp_path, plan, place, key, message):
    """spec: policy-look-alikes"""
    found = problem(tmp_path, f"version: 1\nplan: {plan}\n")
    assert found[:2] == (place, key)
    assert message in found[2]


def test_a_cell_may_be_excluded_whole_while_others_are_left(tmp_path):
    plan = "{cells: [A, B], seeds: [1], exclude: [{cell: A, seeds: [1], reason: r}]}"
    load(tmp_path, f"version: 1\nplan: {plan}\nruns: {{ignore: [{{cell: A, reason: known}}]}}\n")


def test_narrowing_to_excluded_pairs_leaves_nothing(tmp_path):
    text = "version: 1\nplan: {cells: [A, B], seeds: [1], exclude: [{cell: A, seeds: [1], reason: r}]}\n"
    assert problem(tmp_path, text, Overrides(cells=("A",))) == ("--cells", "", "nothing is left of the plan")
    text = "version: 1\nplan: {cells: [A], seeds: [1, 2], exclude: [{cell: A, seeds: [1], reason: r}]}\n"
    assert problem(tmp_path, text, Overrides(seeds=("1",))) == ("--seeds", "", "nothing is left of the plan")


A_IS_EXCLUDED = "version: 1\nplan: {cells: [A, B], seeds: [1], exclude: [{cell: A, seeds: [1], reason: r}]}\n"


@pytest.mark.parametrize(
    ("text", "place", "key"),
    [
        (
            "gates: {metric_ratio: {rules: [{value: a, min: 1}, {value: a, min: 1, cells: [A]}]}}",
            "3:71",
            "gates.metric_ratio.rules[1].cells",
        ),
        (reference("[A]"), "3:26", "references[0].cells"),
    ],
)
def test_what_is_for_excluded_cells_alone_is_refused(tmp_path, text, place, key):
    """spec: policy-known-names"""
    found = problem(tmp_path, A_IS_EXCLUDED + text)
    assert found[:2] == (place, key)
    assert "would judge nothing" in found[2]


@pytest.mark.parametrize(
    "text",
    [
        "gates: {metric_ratio: {enabled: false, reason: r, rules: [{value: a, min: 1, cells: [A]}]}}",
        "gates: {metric_ratio: {rules: [{value: a, min: 1, cells: [A, B]}]}}",
        reference("[A, B]"),
    ],
)
def test_what_is_for_other_cells_too_or_is_off_may_stay(tmp_path, text):
    load(tmp_path, A_IS_EXCLUDED + text)


def test_what_is_for_cells_that_are_narrowed_out_may_stay(tmp_path):
    text = "gates: {metric_ratio: {rules: [{value: a, min: 1, cells: [A3]}]}}"
    load(tmp_path, with_plan(text), Overrides(cells=("B0",)))


WITHOUT_SEEDS = "version: 1\nruns: {seed: none}\nplan: {cells: [A, B]}\n"


def test_without_seeds_every_cell_is_one_pair(tmp_path):
    policy = load(tmp_path, WITHOUT_SEEDS + waiver(cell="A"), Overrides(cells=("A",)))
    assert policy.narrowed == Narrowing(cells=("A",))
    covered = "runs: {seed: none, ignore: [{cell: A, reason: r}]}"
    assert (
        "covers 'A', which is planned"
        in problem(tmp_path, WITHOUT_SEEDS.replace("runs: {seed: none}", covered))[2]
    )


def test_without_seeds_no_seed_may_be_named(tmp_path):
    text = """\
        version: 1
        runs: {seed: none, ignore: [{seed: 1, reason: r}]}
        plan:
          cells: {A: {seeds: [1]}, B: }
          seeds: [1]
          exclude: [{cell: A, seeds: [1], reason: r}]
        waivers: [{gate: G2, seed: 1, reason: r, expires: 2026-01-31}]
    """
    found = problems(tmp_path, text, Overrides(seeds=("1",)))
    assert {one.message for one in found} == {
        "stands beside `runs.seed: none`, where runs have no seeds: leave it out"
    }
    assert [(str(one.place).rpartition(".yml:")[2], one.key) for one in found] == [
        ("--seeds", ""),
        ("2:30", "runs.ignore[0].seed"),
        ("4:15", "plan.cells.A.seeds"),
        ("5:3", "plan.seeds"),
        ("6:23", "plan.exclude[0].seeds"),
        ("7:22", "waivers[0].seed"),
    ]


def test_a_policy_made_in_python_is_held_against_its_plan_too():
    policy = policy_of(
        {"version": 1, "plan": {"cells": ["A"], "seeds": ["1"]}, "report": {"reference_cell": "B"}}
    )
    assert inconsistencies(policy) == [
        (("report", "reference_cell"), "the plan has no cell 'B'; allowed: 'A'")
    ]
