from typing import Any

import pytest

from smoke_gate.gates import needs_of, policy_of
from smoke_gate.gates.needs import Needs

OFF = {"enabled": False, "reason": "test"}
NAMES = ("definition_hash", "unit_contract", "checkpoints", "figures", "metric_ratio", "paired_data")
ALL_OFF: dict[str, Any] = dict.fromkeys(NAMES, OFF)
UNIT_RULE = {"when": {"w": "1"}, "equal": [["a", "b"]], "allowed": {"c": "1"}}
SAME = {"of": ["lr", "commit"], "within": "cell"}
CELLS = {"A": {"expect": {"use_vq": "True", "tags.state": "done"}}}


def needs(gates: object, **policy: object) -> Needs:
    return needs_of(
        policy_of({"version": 1, "plan": {"cells": CELLS, "seeds": ["1"]}, "gates": gates, **policy})
    )


def test_everything_that_the_default_gates_ask_for():
    found = needs({})
    assert found.params == {
        "use_vq", "pape_definition_hash", "definition_hash", "vq_input_unit", "dlinear_output_unit",
        "vq_scaler_space_signature", "dlinear_output_scaler_space_signature",
        "train_data_hash", "val_data_hash", "test_data_hash",
    }  # fmt: skip
    assert found.tags == {"state"}
    assert found.checkpoints == ("checkpoints/**",)
    assert found.figures == ("figures/*.png",)
    assert (found.files, found.definition) == ((), "pape_definition_hash")
    assert found.histories == {"train_loss", "val_loss"}
    assert (found.head, found.ancestry) == (True, False)


def test_a_gate_that_is_off_asks_for_nothing():
    found = needs({**ALL_OFF, "unit_contract": {**OFF, "rules": []}})
    assert found.params == {"use_vq"}
    assert found.tags == {"state"}
    assert (found.checkpoints, found.figures, found.files, found.histories) == ((), (), (), frozenset())
    assert found.definition is None


@pytest.mark.parametrize(
    ("gates", "params"),
    [
        ({"definition_hash": {"enabled": True, "key": "k", "retired_keys": ["old"]}}, {"k", "old"}),
        ({"figures": {"enabled": True, "required_keys": []}}, {"pape_definition_hash"}),
        (
            {"unit_contract": {"enabled": True, "rules": [UNIT_RULE]}},
            {"w", "a", "b", "c"},
        ),
        (
            {"paired_data": {"enabled": True, "key": "h_{split}", "splits": ["x"], "same": [SAME]}},
            {"h_x", "lr"},
        ),
    ],
)  # fmt: skip
def test_params_of_one_gate(gates, params):
    plan_off = {"plan": OFF, "unit_contract": {**OFF, "rules": []}}
    assert needs({**ALL_OFF, **plan_off, **gates}).params == params


def test_the_plan_gate_asks_for_what_unit_rules_are_about_even_where_they_are_off():
    rules = [{"when": {"tags.kind": "x"}, "required": ["never"]}]
    assert needs({**ALL_OFF, "unit_contract": {**OFF, "rules": rules}}).tags == {"state", "kind"}


def test_histories_are_those_of_the_metrics_of_rules():
    rules = [{"value": "a.min / b", "min": 0}, {"value": "`c.x`.last", "max": 1}]
    assert needs({"metric_ratio": {"rules": rules}}).histories == {"a", "b", "c.x"}


def test_git_is_asked_for_what_the_policy_wants_to_know():
    assert needs({}, runs={"commit": "head"}).head
    assert needs({}, runs={"commit": "code"}).head
    assert needs({}, runs={"commit": "auto"}).head
    assert not needs({}, runs={"commit": "same"}).head
    assert needs({"definition_hash": {"require_ancestor": True}}).ancestry
    assert not needs({"plan": OFF}, runs={"commit": "code"}).head
