from typing import Any

import pytest

from smoke_gate.gates import BUILT_IN, policy_of
from smoke_gate.gates.checkpoint_settings import CheckpointsSettings
from smoke_gate.gates.figures import FiguresSettings
from smoke_gate.gates.metric_ratio import MetricRatioSettings
from smoke_gate.gates.profiles import with_defaults
from smoke_gate.policy.model import Policy
from smoke_gate.policy_file.formats import policy_from_json, policy_json

PLAN = {"cells": ["A"], "seeds": ["1"]}


def policy(**sections: object) -> Policy:
    return policy_of({"version": 1, "plan": PLAN, **sections})


def filled(raw: object) -> Any:
    return with_defaults(raw, BUILT_IN)


def switched_off(policy: Policy) -> dict[str, str | None]:
    sections = policy.gates.by_section()
    return {section: settings.reason for section, settings in sections.items() if not settings.enabled}


def test_contract_has_every_gate_on():
    """spec: profile-only-defaults"""
    assert switched_off(policy()) == {}
    assert switched_off(policy(profile="contract")) == {}


def test_basic_switches_off_what_such_stores_cannot_have():
    """spec: profile-basic"""
    basic = policy(profile="basic")
    assert switched_off(basic) == {
        "definition_hash": "profile basic",
        "unit_contract": "profile basic",
        "paired_data": "profile basic",
        "metric_ratio": "profile basic: no rules",
    }
    assert basic.settings(FiguresSettings).required_keys == ()
    assert basic.settings(MetricRatioSettings).rules == ()
    assert (basic.settings(CheckpointsSettings).required, basic.settings(FiguresSettings).required) == (
        False,
        False,
    )


def test_an_explicit_enabled_beats_the_profile():
    """spec: profile-only-defaults"""
    on = {"enabled": True}
    gates = {"definition_hash": on, "unit_contract": on, "paired_data": on, "metric_ratio": on}
    assert switched_off(policy(profile="basic", gates=gates)) == {}


@pytest.mark.parametrize("gate", ["checkpoints", "figures"])
def test_what_the_policy_names_the_place_of_is_required(gate):
    assert getattr(policy().gates, gate).required
    assert getattr(policy(profile="basic", gates={gate: {"paths": ["model/*"]}}).gates, gate).required
    said = {gate: {"paths": ["model/*"], "required": False}}
    assert not getattr(policy(profile="basic", gates=said).gates, gate).required
    assert not getattr(policy(gates=said).gates, gate).required
    assert getattr(policy(profile="basic", gates={gate: {"required": True}}).gates, gate).required


def test_the_users_own_reason_stays():
    gates = {
        "paired_data": {"enabled": False, "reason": "no splits"},
        "unit_contract": {"reason": "no units"},
    }
    off = switched_off(policy(profile="basic", gates=gates))
    assert (off["paired_data"], off["unit_contract"]) == ("no splits", "no units")


def test_rules_of_ones_own_keep_the_ratio_gate_on():
    """spec: profile-basic"""
    rules = [{"value": "pape", "max": 10}]
    basic = policy(profile="basic", gates={"metric_ratio": {"rules": rules}})
    assert "metric_ratio" not in switched_off(basic)
    assert basic.settings(MetricRatioSettings).rules[0].max == 10.0


def test_required_keys_of_ones_own_stay():
    basic = policy(profile="basic", gates={"figures": {"required_keys": ["source_run_ids"]}})
    assert basic.settings(FiguresSettings).required_keys == ("source_run_ids",)


def test_figures_carry_the_definition_key_that_the_policy_names():
    gates = {"definition_hash": {"key": "mape_hash"}}
    assert policy(gates=gates).settings(FiguresSettings).required_keys == ("source_run_ids", "mape_hash")
    assert policy(profile="basic", gates=gates).settings(FiguresSettings).required_keys == ()


@pytest.mark.parametrize("profile", ["contract", "basic"])
def test_an_effective_policy_does_not_change(profile):
    effective = policy(profile=profile, gates={"definition_hash": {"key": "mape_hash"}})
    assert policy_from_json(policy_json(effective)) == effective
    assert filled(policy_json(effective)) == policy_json(effective)


def test_the_profile_only_fills_in_defaults():
    """spec: profile-only-defaults"""
    basic = policy(profile="basic")
    spelled_out = policy_from_json({**policy_json(basic), "profile": "contract"})
    assert spelled_out.gates == basic.gates


@pytest.mark.parametrize(
    "raw", [None, [], "basic", {"profile": "basic", "gates": None}, {"profile": ["basic"], "gates": []}]
)
def test_what_is_no_policy_is_left_to_the_models(raw):
    assert filled(raw) == raw


def test_a_broken_section_is_left_to_the_models():
    raw = {"profile": "basic", "gates": {"figures": "x", "metric_ratio": None}}
    sections = filled(raw)["gates"]
    assert (sections["figures"], sections["metric_ratio"]) == ("x", None)
