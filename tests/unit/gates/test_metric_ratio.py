"""G5: metrics, ratios of them, and their bands."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Evidence, Run, metric_text
from smoke_gate.gates.base import Check, Status
from smoke_gate.gates.metric_ratio import GATE, RatioRule, ratio_of
from tests.support.matrix import ask, history, not_passed, passing_matrix, run_id, with_run


def one_run(**facts: Any) -> Evidence:
    """Return the evidence with facts of one run changed, and leave it in a plan of its own."""
    return with_run(passing_matrix(cells=["A3"], seeds=["42"]), "A3/42", **facts)


def ask_one(rule: dict[str, Any], **facts: Any) -> Check:
    checks = ask(
        GATE,
        one_run(**facts),
        plan={"cells": ["A3"], "seeds": ["42"]},
        gates={"metric_ratio": {"rules": [rule]}},
    ).checks
    (check,) = [check for check in checks if check.kind == "ratio"]
    return check


def test_good_ratios_pass():
    outcome = ask(GATE, passing_matrix())
    assert {check.status for check in outcome.checks} == {Status.PASS}
    assert (len(outcome.checks), outcome.expected, outcome.evaluated) == (12, 12, 12)


def test_a_bad_ratio_fails_its_run_and_says_the_numbers():
    """spec: G5-band"""
    outcome = ask(
        GATE, with_run(passing_matrix(), "A3/42", metrics={"val_loss": "12.0", "train_loss": "0.5"})
    )
    (check,) = not_passed(outcome)
    assert (check.status, check.kind, check.subject) == (Status.FAIL, "ratio", "val_loss / train_loss")
    assert (check.run_id, check.cell, check.seed) == (run_id("A3/42"), "A3", "42")
    assert not check.at_once
    assert (check.observed, check.expected) == ("24", "0.2 to 5")
    assert "12 / 0.5" in check.message


@pytest.mark.parametrize(
    ("train", "val", "status"),
    [
        ("1.0", "0.2", Status.PASS),
        ("1.0", "5.0", Status.PASS),
        ("1.0", "0.1999999", Status.FAIL),
        ("1.0", "5.0000001", Status.FAIL),
        ("-1.0", "1.0", Status.FAIL),
    ],
)
def test_the_bounds_belong_to_the_band(train, val, status):
    """spec: G5-band"""
    rule = {"value": "val_loss / train_loss", "min": 0.2, "max": 5.0}
    assert ask_one(rule, metrics={"train_loss": train, "val_loss": val}).status is status


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("metric", ["val_loss", "train_loss"])
def test_a_value_that_is_not_finite_fails_at_once(metric, value):
    """spec: G5-not-finite"""
    check = ask_one({"value": "val_loss / train_loss", "max": 5.0}, metrics={metric: value})
    assert (check.status, check.at_once) == (Status.FAIL, True)
    assert f"{metric} is {value}" in check.message


def test_what_sql_stores_keep_of_an_infinity_is_not_finite():
    """spec: G5-not-finite"""
    check = ask_one({"value": "pape", "min": 0.0}, metrics={"pape": metric_text(1.797e308)})
    assert (check.status, check.at_once) == (Status.FAIL, True)


@pytest.mark.parametrize("metric", ["val_loss", "train_loss"])
def test_a_missing_metric_fails_at_once(metric):
    """spec: G5-not-finite"""
    check = ask_one({"value": "val_loss / train_loss", "min": 0.0}, metrics={metric: None})
    assert (check.status, check.at_once) == (Status.FAIL, True)
    assert f"{metric} is missing" in check.message


@pytest.mark.parametrize("numerator", ["0.0", "1.0", "-3.5"])
@pytest.mark.parametrize("band", [{"min": -1e300}, {"max": 1e300}])
def test_a_zero_denominator_is_out_of_range_and_not_at_once(numerator, band):
    """spec: G5-zero-denominator"""
    check = ask_one(
        {"value": "val_loss / train_loss", **band}, metrics={"val_loss": numerator, "train_loss": "0.0"}
    )
    assert (check.status, check.at_once) == (Status.FAIL, False)
    assert "denominator is 0" in check.message


def test_a_quotient_that_overflows_is_in_no_band():
    check = ask_one({"value": "a / b", "min": 0.0}, metrics={"a": "1e+300", "b": "1e-300"})
    assert (check.status, check.at_once) == (Status.FAIL, False)


@pytest.mark.parametrize(
    ("value", "band", "status"),
    [
        ("pape", {"max": 10.0}, Status.PASS),
        ("pape", {"max": 8.0}, Status.FAIL),
        ("pape", {"min": 9.0}, Status.FAIL),
        ("pape", {"min": 8.5}, Status.PASS),
    ],
)
def test_one_metric_alone_and_one_bound_alone(value, band, status):
    assert ask_one({"value": value, **band}).status is status


@pytest.mark.parametrize(
    ("pick", "value"), [(".last", 3.0), (".first", 4.0), (".min", 1.0), (".max", 9.0), ("", 2.5)]
)
def test_picks_choose_from_the_history(pick, value):
    """spec: G5-picks"""
    facts = {"metrics": {"loss": "2.5"}, "histories": {"loss": history(4.0, 1.0, 9.0, 3.0)}}
    check = ask_one({"value": f"loss{pick}", "min": value, "max": value}, **facts)
    assert (check.status, check.observed) == (Status.PASS, f"{value:g}")


def test_last_is_the_latest_value_where_there_is_no_history():
    """spec: G5-picks"""
    assert (
        ask_one({"value": "loss.last", "min": 2.5, "max": 2.5}, metrics={"loss": "2.5"}).status is Status.PASS
    )


@pytest.mark.parametrize("pick", ["first", "min", "max"])
def test_a_pick_without_a_history_fails_at_once(pick):
    check = ask_one({"value": f"loss.{pick}", "max": 9.0}, metrics={"loss": "2.5"})
    assert (check.status, check.at_once) == (Status.FAIL, True)
    assert "loss is missing with a history" in check.message


@pytest.mark.parametrize("pick", ["min", "max"])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_nan_anywhere_among_what_is_picked_from_is_not_finite(pick, position):
    """spec: G5-picks"""
    values = [1.0, 2.0, 3.0]
    values[position] = float("nan")
    check = ask_one({"value": f"loss.{pick}", "min": 0.0, "max": 9.0}, histories={"loss": history(*values)})
    assert (check.status, check.at_once) == (Status.FAIL, True)


def test_a_nan_that_is_not_picked_does_no_harm():
    facts = {"histories": {"loss": history(float("nan"), 2.0)}}
    assert ask_one({"value": "loss.last", "max": 9.0}, **facts).status is Status.PASS
    assert ask_one({"value": "loss.first", "max": 9.0}, **facts).status is Status.FAIL


@pytest.mark.parametrize(
    ("value", "metrics", "observed"),
    [
        ("val/loss", {"val/loss": "3.0"}, "3"),
        ("val/loss / train/loss", {"val/loss": "3.0", "train/loss": "2.0"}, "1.5"),
        ("`f1.min`", {"f1.min": "3.0"}, "3"),
        ("`f1.min` / f1.mean", {"f1.min": "3.0", "f1.mean": "4.0"}, "0.75"),
        ("`a / b`", {"a / b": "3.0"}, "3"),
        ("peak error / `mean error`", {"peak error": "3.0", "mean error": "2.0"}, "1.5"),
    ],
)
def test_names_with_slashes_dots_and_blanks(value, metrics, observed):
    """spec: G5-names"""
    check = ask_one({"value": value, "max": 9.0}, metrics=metrics)
    assert (check.status, check.observed, check.subject) == (Status.PASS, observed, value)


def test_a_quoted_name_can_be_picked_from():
    facts = {"histories": {"f1.min": history(3.0, 7.0)}}
    assert ask_one({"value": "`f1.min`.max", "min": 7.0}, **facts).status is Status.PASS


@pytest.mark.parametrize(
    ("values", "latest", "warns"),
    [
        ((4.0, 2.5), "2.5", False),
        ((4.0, 2.5), "4.0", True),
        ((4.0, 2.5), None, False),
        ((float("nan"),), "NaN", False),
        ((), "2.5", False),
    ],
)
def test_a_history_that_does_not_end_with_the_latest_value_is_a_warning(values, latest, warns):
    """spec: G5-history-end"""
    evidence = with_run(
        passing_matrix(),
        "A3/42",
        metrics={"loss": latest},
        histories={"loss": history(*values) if values else None},
    )
    checks = [check for check in ask(GATE, evidence).checks if check.kind == "history"]
    assert [(check.status, check.subject) for check in checks] == (
        [(Status.WARNING, "loss")] if warns else []
    )


def test_rules_are_for_their_cells():
    rule = {"value": "pape", "max": 1.0, "cells": ["A3"]}
    outcome = ask(GATE, passing_matrix(), gates={"metric_ratio": {"rules": [rule]}})
    assert {check.cell for check in outcome.checks} == {"A3"}
    assert (len(outcome.checks), outcome.expected, outcome.evaluated) == (3, 3, 3)
    another = {"value": "val_loss", "max": 1.0, "cells": ["B0"]}
    outcome = ask(GATE, passing_matrix(), gates={"metric_ratio": {"rules": [rule, another]}})
    assert (len(outcome.checks), outcome.expected, outcome.evaluated) == (6, 6, 6)


def test_a_run_is_judged_by_every_rule():
    both = [{"value": "pape", "max": 99.0}, {"value": "val_loss", "max": 99.0}]
    outcome = ask(GATE, passing_matrix(), gates={"metric_ratio": {"rules": both}})
    assert (len(outcome.checks), outcome.expected, outcome.evaluated) == (24, 12, 12)


def test_where_every_rule_is_for_cells_that_were_left_out_it_is_skipped():
    rule = {"value": "pape", "max": 1.0, "cells": ["A3"]}
    outcome = ask(
        GATE, passing_matrix(), gates={"metric_ratio": {"rules": [rule]}}, narrowed={"cells": ["B0"]}
    )
    assert (outcome.checks, outcome.expected, outcome.evaluated) == ((), 0, 0)
    assert outcome.skipped


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@given(NUMBERS, NUMBERS)
def test_only_finite_quotients_within_the_band_pass(numerator, denominator):
    metrics = {"a": metric_text(numerator), "b": metric_text(denominator)}
    check = ask_one({"value": "a / b", "min": -2.0, "max": 2.0}, metrics=metrics)
    good = (
        denominator != 0
        and abs(numerator) < 1.79e308 > abs(denominator)
        and -2 <= numerator / denominator <= 2
    )
    assert (check.status is Status.PASS) is good


@pytest.mark.parametrize(
    ("metrics", "value"),
    [
        ({"a": "3.0", "b": "2.0"}, 1.5),
        ({"a": "3.0", "b": "0.0"}, None),
        ({"a": "NaN", "b": "2.0"}, None),
        ({"a": "3.0"}, None),
    ],
)
def test_the_value_that_is_judged_can_be_asked_for(metrics, value):
    assert ratio_of(RatioRule(value="a / b", min=0), Run(run_id="r", metrics=metrics)) == value
