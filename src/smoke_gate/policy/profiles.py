"""Defaults that depend on other keys: what the profile `basic` leaves out, and the figures' definition key."""

from collections.abc import Mapping
from typing import Any

_OFF_IN_BASIC = ("definition_hash", "unit_contract", "paired_data")
_WHERE_THEY_EXIST = ("checkpoints", "figures")  # unless the policy names a place of its own


def with_profile(raw: Any) -> Any:
    """Return a policy, still raw, with the defaults that its other keys imply; what is no policy is returned as it is.

    ``contract`` is what the models say. ``basic`` is for stores that never heard of smoke-gate: nothing asks for
    params, text chunks or rules that such runs cannot have. What the policy says itself stays, so an effective
    policy does not change.
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("gates", {}), Mapping):
        return raw
    gates = dict(raw.get("gates", {}))
    if raw.get("profile") == "basic":
        for gate in _OFF_IN_BASIC:
            _fill(gates, gate, "enabled", {"enabled": False, "reason": "profile basic"})
        off = {"enabled": False, "reason": "profile basic: no rules", "rules": []}
        _fill(gates, "metric_ratio", "enabled", off if _said(gates, "metric_ratio", "rules") is None else {})
        _fill(gates, "figures", "required_keys", {"required_keys": []})
        for gate in _WHERE_THEY_EXIST:
            _fill(gates, gate, "paths", {"required": False})
    key = _said(gates, "definition_hash", "key")
    if key is not None:
        _fill(gates, "figures", "required_keys", {"required_keys": ["source_run_ids", key]})
    return {**raw, "gates": gates}


def _said(gates: Mapping[str, Any], gate: str, key: str) -> Any:
    section = gates.get(gate)
    return section.get(key) if isinstance(section, Mapping) else None


def _fill(gates: dict[str, Any], gate: str, unless: str, defaults: Mapping[str, Any]) -> None:
    """Put ``defaults`` below what the policy says of ``gate``, unless it says ``unless`` itself."""
    section = gates.get(gate, {})
    if isinstance(section, Mapping) and unless not in section:
        gates[gate] = {**defaults, **section}
