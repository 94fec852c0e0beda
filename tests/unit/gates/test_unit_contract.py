"""G2: units and scaler space, run by run, and runs that do not say what they are."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Evidence
from smoke_gate.gates.base import Check, Outcome, Status
from smoke_gate.gates.unit_contract import GATE
from tests.support.matrix import (
    CELLS,
    SEEDS,
    VQ_CELLS,
    ask,
    not_passed,
    passing_matrix,
    run_id,
    with_run,
    without_run,
)

REQUIRED = (
    "vq_input_unit",
    "dlinear_output_unit",
    "vq_scaler_space_signature",
    "dlinear_output_scaler_space_signature",
)
UNITS = "vq_input_unit=dlinear_output_unit"
SIGNATURES = "vq_scaler_space_signature=dlinear_output_scaler_space_signature"


def found(outcome: Outcome) -> list[tuple[str | None, str, str, Status]]:
    """Return what did not pass: run, kind, subject and status."""
    return [(check.run_id, check.kind, check.subject, check.status) for check in not_passed(outcome)]


def rules(*entries: dict[str, Any]) -> dict[str, Any]:
    """Return the policy's gates with these rules."""
    return {"unit_contract": {"rules": list(entries)}}


def with_all(evidence: Evidence, cells=CELLS, **params: str | None) -> Evidence:
    """Change params of all runs of the cells."""
    for cell in cells:
        for seed in SEEDS:
            evidence = with_run(evidence, f"{cell}/{seed}", params=params)
    return evidence


# --- runs that a rule holds for ---------------------------------------------------------------------------------------


def test_a_good_matrix_has_one_check_per_run_rule_and_required_key_allowed_key_and_equal_pair():
    outcome = ask(GATE, passing_matrix())
    of_one_run = sorted(
        (check.kind, check.subject) for check in outcome.checks if check.run_id == run_id("A3/42")
    )
    assert {check.status for check in outcome.checks} == {Status.PASS}
    assert of_one_run == [
        ("allowed", "dlinear_output_unit"),
        ("allowed", "vq_input_unit"),
        ("equal", UNITS),
        ("equal", SIGNATURES),
        *(("required", key) for key in sorted(REQUIRED)),
    ]
    assert {check.cell for check in outcome.checks} == set(VQ_CELLS)
    assert (outcome.expected, outcome.evaluated, outcome.skipped) == (6, 6, None)


@pytest.mark.parametrize("key", REQUIRED)
@pytest.mark.parametrize("value", [None, "", "  ", "None"])
def test_a_required_key_that_is_missing_or_empty_fails_once_and_no_other_key_stands_for_it(key, value):
    """spec: G2-required"""
    evidence = with_run(passing_matrix(), "A3/42", params={key: value, f"{key}s": "standardized"})
    outcome = ask(GATE, evidence)
    assert found(outcome) == [(run_id("A3/42"), "required", key, Status.FAIL)]
    assert key in not_passed(outcome)[0].message


@pytest.mark.parametrize("unit", ["kW/h", "kw", "Standardized", "kW "])
def test_a_unit_that_is_not_allowed_fails(unit):
    """spec: G2-allowed"""
    evidence = with_run(
        passing_matrix(), "A3/42", params={"vq_input_unit": unit, "dlinear_output_unit": unit}
    )
    checks = not_passed(ask(GATE, evidence))
    assert [(check.kind, check.subject, check.status) for check in checks] == [
        ("allowed", "dlinear_output_unit", Status.FAIL),
        ("allowed", "vq_input_unit", Status.FAIL),
    ]
    assert checks[0].observed == unit
    assert checks[0].expected == "standardized or kW or kWh_per_h"


@pytest.mark.parametrize("unit", ["standardized", "kW", "kWh_per_h"])
def test_allowed_units_pass(unit):
    evidence = with_run(
        passing_matrix(), "A3/42", params={"vq_input_unit": unit, "dlinear_output_unit": unit}
    )
    assert found(ask(GATE, evidence)) == []


@pytest.mark.parametrize(
    ("key", "value", "subject"),
    [
        ("vq_input_unit", "kW", UNITS),
        ("dlinear_output_unit", "kW", UNITS),
        ("vq_scaler_space_signature", "fe" * 8, SIGNATURES),
        ("dlinear_output_scaler_space_signature", "fe" * 8, SIGNATURES),
    ],
)
def test_a_pair_that_is_not_equal_fails_and_shows_both_values(key, value, subject):
    """spec: G2-equal"""
    outcome = ask(GATE, with_run(passing_matrix(), "A4/123", params={key: value}))
    assert found(outcome) == [(run_id("A4/123"), "equal", subject, Status.FAIL)]
    assert value in (not_passed(outcome)[0].observed or "")


def test_both_units_missing_never_count_as_equal():
    """spec: G2-equal"""
    evidence = with_run(
        passing_matrix(), "A3/42", params={"vq_input_unit": None, "dlinear_output_unit": None}
    )
    assert [check.kind for check in not_passed(ask(GATE, evidence))] == ["required", "required"]


@pytest.mark.parametrize(
    ("rule", "kind", "subject"),
    [
        ({"allowed": {"codebook": ["64", "128"]}}, "allowed", "codebook"),
        ({"equal": [["codebook", "vq_input_unit"]]}, "equal", "codebook=vq_input_unit"),
        ({"equal": [["codebook", "levels"]], "required": ["levels"]}, "equal", "codebook=levels"),
        ({"allowed": {"tags.codebook": ["64"]}}, "allowed", "tags.codebook"),
    ],
)
def test_an_absent_key_that_is_not_required_fails_where_it_is_compared(rule, kind, subject):
    outcome = ask(GATE, passing_matrix(), gates=rules({"when": {"use_vq": "True"}, **rule}))
    failures = [check for check in not_passed(outcome) if check.kind != "required"]
    assert {(check.kind, check.subject, check.status) for check in failures} == {(kind, subject, Status.FAIL)}
    assert len(failures) == 6


def test_true_and_true_in_small_letters_are_one():
    evidence = with_all(passing_matrix(), VQ_CELLS, use_vq="true")
    assert ask(GATE, evidence).evaluated == 6


def test_a_when_of_a_tag_and_a_list_and_several_keys_must_all_hold():
    """spec: G2-when"""
    rule = {"when": {"tags.kind": ["vq", "vq2"], "use_vq": "True"}, "required": ["codebook"]}
    evidence = with_run(passing_matrix(), "A3/42", tags={"kind": "vq2"})
    evidence = with_run(evidence, "B0/42", tags={"kind": "vq"})
    evidence = with_run(evidence, "A4/42", tags={"kind": "other"})
    checks = [check for check in ask(GATE, evidence, gates=rules(rule)).checks if check.kind != "flag"]
    assert [(check.run_id, check.kind, check.status) for check in checks] == [
        (run_id("A3/42"), "required", Status.FAIL)
    ]


def test_each_rule_has_its_own_checks():
    vq = {"when": {"use_vq": "True"}, "required": ["vq_input_unit"]}
    linear = {"when": {"use_vq": "False"}, "required": ["dlinear_output_unit"]}
    outcome = ask(GATE, passing_matrix(), gates=rules(vq, linear))
    assert {check.subject for check in outcome.checks if check.cell == "B0"} == {"dlinear_output_unit"}
    assert {check.subject for check in outcome.checks if check.cell == "A3"} == {"vq_input_unit"}
    assert (outcome.expected, outcome.evaluated) == (12, 12)


# --- a forgotten flag -------------------------------------------------------------------------------------------------

NO_EXPECTATION = {"cells": list(CELLS)}
NO_FLAG = {"use_vq": None}
VQ_KEYS = dict.fromkeys(("vq_input_unit", "vq_scaler_space_signature"))


def forgotten(evidence: Evidence, **overrides: Any) -> set[str | None]:
    """Return the runs whose flag was forgotten."""
    return {
        check.run_id
        for check in not_passed(ask(GATE, evidence, **overrides))
        if check.kind == "flag" and "yet the run logs" in check.message
    }


def test_a_run_without_its_flag_that_logs_a_required_key_of_the_rule_fails_once():
    """spec: G2-flag-forgotten"""
    outcome = ask(GATE, with_run(passing_matrix(), "A3/42", params=NO_FLAG))
    (check,) = not_passed(outcome)
    assert (check.run_id, check.kind, check.subject, check.status) == (
        run_id("A3/42"),
        "flag",
        "use_vq",
        Status.FAIL,
    )
    assert "vq_input_unit, vq_scaler_space_signature as runs" in check.message
    assert "dlinear_output_unit" not in check.message
    assert (outcome.expected, outcome.evaluated) == (6, 6)


@pytest.mark.parametrize("flag", ["", " "])
def test_an_empty_flag_is_a_forgotten_one(flag):
    assert forgotten(with_run(passing_matrix(), "A3/42", params={"use_vq": flag})) == {run_id("A3/42")}


def test_keys_that_runs_with_the_flag_off_log_too_tell_nothing():
    """spec: G2-flag-forgotten"""
    assert forgotten(with_run(passing_matrix(), "B0/42", params=NO_FLAG)) == set()


def test_one_run_with_the_flag_off_is_enough_to_excuse_a_key():
    evidence = with_run(passing_matrix(), "B1/42", params={"vq_input_unit": "standardized"})
    evidence = with_run(evidence, "B0/42", params={**NO_FLAG, "vq_input_unit": "standardized"})
    assert forgotten(evidence) == set()


def test_where_no_run_has_the_flag_off_keys_that_every_other_run_logs_tell_nothing():
    evidence = with_all(passing_matrix(), ("B0", "B1"), use_vq=None)
    assert forgotten(evidence) == set()  # the linear cells log what all cells log


def test_where_no_run_has_the_flag_at_all_keys_that_some_runs_lack_tell():
    evidence = with_all(passing_matrix(), CELLS, use_vq=None)
    assert forgotten(evidence, plan=NO_EXPECTATION) == {
        run_id(f"{cell}/{seed}") for cell in VQ_CELLS for seed in SEEDS
    }


def test_a_matrix_of_one_kind_has_no_run_to_tell_from():
    evidence = passing_matrix(cells=VQ_CELLS)
    plan = {"cells": ["A3", "A4"]}
    outcome = ask(GATE, with_run(evidence, "A3/42", params=NO_FLAG), plan=plan)
    assert not any("yet the run logs" in check.message for check in outcome.checks)
    assert (outcome.expected, outcome.evaluated) == (5, 5)


def test_a_run_without_flag_and_without_keys_is_no_run_of_the_rule():
    evidence = with_run(passing_matrix(), "A3/42", params={**NO_FLAG, **VQ_KEYS})
    assert forgotten(evidence) == set()


@pytest.mark.parametrize(("flag", "missing"), [(None, ["tags.stage", "use_vq"]), ("True", ["tags.stage"])])
def test_each_flag_of_a_rule_that_is_missing_is_named(flag, missing):
    rule = {"when": {"use_vq": "True", "tags.stage": "5"}, "required": ["vq_input_unit"]}
    evidence = with_run(passing_matrix(), "A3/42", params={"use_vq": flag})
    evidence = with_run(evidence, "B0/42", tags={"stage": "5"})
    subjects = [
        check.subject
        for check in not_passed(ask(GATE, evidence, gates=rules(rule)))
        if check.run_id == run_id("A3/42")
    ]
    assert subjects == missing


NO_EXPECTATION = {"cells": list(CELLS)}


def test_no_run_of_a_rule_and_none_planned_is_skipped():
    """spec: G2-skipped"""
    outcome = ask(GATE, passing_matrix(vq_cells=()), plan=NO_EXPECTATION)
    assert outcome.checks == ()
    assert (outcome.expected, outcome.evaluated) == (0, 0)
    assert (
        outcome.skipped
        == "No run matches a rule's `when` (use_vq = True): use_vq is 'False' in 12 of 12 runs."
    )


def test_a_gate_that_is_skipped_says_what_the_runs_have_in_place_of_the_flag():
    """spec: G2-skipped"""
    evidence = passing_matrix()
    for cell in CELLS:
        evidence = with_all(evidence, (cell,), model=f"net of {cell}")
    rule = {"when": {"model": "vq"}, "required": ["vq_input_unit"]}
    skipped = ask(GATE, evidence, plan=NO_EXPECTATION, gates=rules(rule)).skipped or ""
    values = "'net of B0' in 3, 'net of B1' in 3, 'net of A3' in 3, others"
    assert skipped.endswith(f"model is {values} of 12 runs.")


@pytest.mark.parametrize(
    ("near", "said"),
    [
        ({}, "no run has use_vq."),
        ({"params.use_vq": "tags.use_vq"}, "no run has use_vq, but they have tags.use_vq."),
    ],
)
def test_a_gate_that_is_skipped_says_where_the_flag_may_be(near, said):
    evidence = replace(passing_matrix(vq_cells=()), nearest=near)
    for pair in (f"{cell}/{seed}" for cell in CELLS for seed in SEEDS):
        evidence = with_run(evidence, pair, params={"use_vq": None})
    assert (ask(GATE, evidence, plan=NO_EXPECTATION).skipped or "").endswith(said)


def test_where_the_runs_that_the_plan_expects_a_rule_for_were_not_read_nothing_is_skipped():
    evidence = passing_matrix()
    unread = tuple(run for run in evidence.runs if run.params["use_vq"] == "False")
    outcome = ask(GATE, replace(evidence, runs=unread))
    assert outcome == Outcome(expected=6, evaluated=0)


def test_no_run_of_a_rule_though_the_plan_expects_it_fails_at_once():
    """spec: G2-skipped"""
    outcome = ask(GATE, passing_matrix(vq_cells=()))
    checks = not_passed(outcome)
    assert not any(check.waivable for check in checks)
    assert {check.run_id for check in checks} == {
        run_id(f"{cell}/{seed}") for cell in VQ_CELLS for seed in SEEDS
    }
    assert all(check.status is Status.FAIL and check.at_once for check in checks)
    assert (outcome.expected, outcome.evaluated) == (6, 0)


def test_a_rule_that_no_cell_is_planned_for_excuses_no_other():
    both = rules(
        {"when": {"moe": "True"}, "required": ["experts"]}, {"when": {"use_vq": "True"}, "required": ["x"]}
    )
    checks = not_passed(ask(GATE, passing_matrix(vq_cells=()), gates=both))
    assert {(check.cell, check.subject, check.status) for check in checks} == {
        (cell, "use_vq", Status.FAIL) for cell in VQ_CELLS
    }


def test_forgetting_every_flag_does_not_help():
    outcome = ask(GATE, with_all(passing_matrix(), CELLS, use_vq=None))
    checks = not_passed(outcome)
    assert [check.run_id for check in checks] == [
        run_id(f"{cell}/{seed}") for cell in VQ_CELLS for seed in SEEDS
    ]
    assert all(check.at_once and check.observed == "missing" for check in checks)


def test_an_expectation_of_a_cell_without_a_run_does_not_fail():
    evidence = passing_matrix(vq_cells=())
    for cell in VQ_CELLS:
        for seed in SEEDS:
            evidence = without_run(evidence, f"{cell}/{seed}")
    outcome = ask(GATE, evidence)
    assert outcome.skipped is not None
    assert outcome.checks == ()


@pytest.mark.parametrize(
    ("expect", "skipped"),
    [
        ({"use_vq": "True"}, False),
        ({"use_vq": ["True", "true"]}, False),
        ({"use_vq": ["True", "False"]}, True),  # the plan allows both
        ({"use_vq": "False"}, True),
        ({"model": "vq"}, True),
    ],
)
def test_an_expectation_matches_a_when_where_every_value_that_it_allows_does(expect, skipped):
    off = {"expect": {"use_vq": "False"}}
    plan = {"cells": {"B0": {"expect": {"use_vq": "False", **expect}}, **dict.fromkeys(VQ_CELLS, off)}}
    outcome = ask(GATE, passing_matrix(vq_cells=()), plan=plan)
    assert (outcome.skipped is not None) is skipped


def test_a_planned_pair_that_ran_as_something_else_is_expected_but_not_judged():
    evidence = with_run(passing_matrix(), "A3/42", params={"use_vq": "False", **VQ_KEYS})
    outcome = ask(GATE, evidence)
    assert (outcome.expected, outcome.evaluated) == (6, 5)


def test_a_planned_pair_without_a_run_is_expected():
    outcome = ask(GATE, without_run(passing_matrix(), "A3/42"))
    assert (outcome.expected, outcome.evaluated, found(outcome)) == (6, 5, [])


# --- how a flag is spelled --------------------------------------------------------------------------------------------

ON = ("true", "1", "yes", "y", "on", "t", "True", "TRUE", "Yes", " True ", "ON")
OFF = ("false", "0", "no", "n", "off", "f", "False", "FALSE", "No", " off\n")


@pytest.mark.parametrize("flag", ON)
def test_a_flag_is_on_however_it_is_spelled(flag):
    """spec: G2-flag-spelling"""
    evidence = with_run(passing_matrix(), "A3/42", params={"use_vq": flag, "vq_input_unit": "kW"})
    assert {check.kind for check in not_passed(ask(GATE, evidence))} == {"equal"}


@pytest.mark.parametrize("flag", OFF)
def test_a_flag_is_off_however_it_is_spelled(flag):
    """spec: G2-flag-spelling"""
    evidence = with_run(passing_matrix(), "B0/42", params={"use_vq": flag, "vq_input_unit": "kW/h"})
    assert found(ask(GATE, evidence)) == []


@pytest.mark.parametrize("flag", ["maybe", "2", "vq", "truee", "-1"])
@pytest.mark.parametrize("cell", ["A3", "B0"])
def test_a_flag_that_is_neither_on_nor_off_fails_once(cell, flag):
    """spec: G2-flag-neither"""
    outcome = ask(GATE, with_run(passing_matrix(), f"{cell}/42", params={"use_vq": flag}))
    assert found(outcome) == [(run_id(f"{cell}/42"), "flag", "use_vq", Status.FAIL)]
    assert "neither on nor off" in not_passed(outcome)[0].message


@pytest.mark.parametrize("nothing", [None, "", " ", "None", "null", "NaN"])
def test_a_flag_that_says_nothing_is_absent(nothing):
    """spec: G2-flag-spelling"""
    evidence = with_all(passing_matrix(), ("B0",), use_vq=nothing)
    assert found(ask(GATE, evidence)) == []


@pytest.mark.parametrize(
    ("flags", "failing"),
    [
        ((None, "False", "False"), {"42"}),
        (("True", "False", "False"), {"42"}),
        (("0", "False", "no"), set()),
        ((None, "", "None"), set()),
        (("True", "False", None), {"42", "123", "456"}),
    ],
)
def test_within_a_cell_the_runs_outside_the_largest_group_fail(flags, failing):
    """spec: G2-flag-in-cell"""
    evidence = passing_matrix()
    for seed, flag in zip(SEEDS, flags, strict=True):
        evidence = with_run(evidence, f"B0/{seed}", params={"use_vq": flag})
    checks = [check for check in ask(GATE, evidence).checks if check.kind == "flag"]
    assert {check.seed for check in checks} == failing
    assert {check.status for check in checks} <= {Status.FAIL}


@pytest.mark.parametrize(("asked", "flag"), [("1", "True"), ("0", "false")])
def test_where_the_policy_says_1_or_0_true_and_false_mean_it(asked, flag):
    """spec: G2-flag-spelling"""
    evidence = with_all(passing_matrix(), ("A3",), gated=flag)
    rule = {"when": {"gated": asked}, "required": ["dlinear_output_unit"]}
    assert ask(GATE, evidence, gates=rules(rule)).evaluated == 3


# --- properties -------------------------------------------------------------------------------------------------------


def in_order(outcome: Outcome) -> list[Check]:
    """Return the checks as the verdict sorts them."""
    return sorted(outcome.checks, key=lambda check: check.order)


@given(st.permutations(range(12)))
def test_the_order_of_the_runs_changes_nothing(order):
    evidence = with_run(passing_matrix(), "A3/42", params=NO_FLAG)
    evidence = with_run(evidence, "A4/42", params={"vq_input_unit": "kW"})
    shuffled = replace(
        evidence,
        runs=tuple(evidence.runs[index] for index in order),
        attempts=tuple(evidence.attempts[index] for index in reversed(order)),
    )
    assert in_order(ask(GATE, shuffled)) == in_order(ask(GATE, evidence))


@given(
    pair=st.sampled_from([f"{cell}/{seed}" for cell in VQ_CELLS for seed in SEEDS]),
    key=st.sampled_from([*REQUIRED, "use_vq"]),
    value=st.sampled_from([None, "", "NaN", "kW/h", "broken"]),
)
def test_removing_or_breaking_a_fact_of_a_good_run_of_the_rule_is_seen(pair, key, value):
    outcome = ask(GATE, with_run(passing_matrix(), pair, params={key: value}))
    seen = any(check.status is Status.FAIL and check.run_id == run_id(pair) for check in outcome.checks)
    assert seen or outcome.evaluated < outcome.expected
