"""Defaults that depend on other keys of a policy, which is still as it was read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from smoke_gate.gates.base import Defaults, Gate

OFF_IN_BASIC = Defaults(values={"enabled": False, "reason": "profile basic"}, unless=("enabled",))
"""Of a gate that asks for facts which only runs with ``smoke_gate.contract`` log."""
REQUIRED_WHERE_NAMED = Defaults(values={"required": False}, unless=("paths",))
"""Of a gate that judges artifacts where they exist, unless the policy names a place of its own."""


def is_basic(policy: Mapping[str, Any]) -> bool:
    """Return whether the policy has the profile for runs that were logged without ``smoke_gate.contract``."""
    return policy.get("profile") == "basic"


def said(policy: Mapping[str, Any], section: str, key: str) -> Any:
    """Return a key of a gate's section, None where the policy does not have it."""
    settings = policy.get("gates", {}).get(section)
    return settings.get(key) if isinstance(settings, Mapping) else None


def key_of(policy: Mapping[str, Any]) -> str | None:
    """Return the param of the definition's hash that the policy names, by its key or by its metric; None: neither."""
    key, metric = said(policy, "definition_hash", "key"), policy.get("metric")
    if key is not None:
        return str(key)
    return f"{metric}_definition_hash" if isinstance(metric, str) and metric else None


def with_defaults(raw: Any, gates: Sequence[Gate]) -> Any:
    """Return a policy with the defaults that its other keys imply; anything that is not a policy is returned as it is.

    What the policy says itself stays, so an effective policy does not change.
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("gates", {}), Mapping):
        return raw
    sections = dict(raw.get("gates", {}))
    for gate in gates:
        for defaults in gate.defaults(raw):
            section = sections.get(gate.section, {})
            if isinstance(section, Mapping) and not any(key in section for key in defaults.unless):
                sections[gate.section] = {**defaults.values, **section}
    return {**raw, "gates": sections, **_waivers_by_id(raw, gates), **_with_metric(raw)}


def _with_metric(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan with the policy's metric as the first of those that are required."""
    metric, plan = raw.get("metric"), raw.get("plan", {})
    if not (isinstance(metric, str) and metric and isinstance(plan, Mapping)):
        return {}
    required = plan.get("required_metrics", ())
    if not isinstance(required, list | tuple):
        return {}
    others = [name for name in required if name != metric]
    return {"plan": {**plan, "required_metrics": [metric, *others]}}


def _waivers_by_id(raw: Mapping[str, Any], gates: Iterable[Gate]) -> dict[str, Any]:
    """Return the policy's waivers with their gates by id: ``figures`` is ``G4``."""
    ids = {gate.section: gate.id for gate in gates}

    def by_id(waiver: Any) -> Any:
        named = waiver.get("gate") if isinstance(waiver, Mapping) else None
        return {**waiver, "gate": ids[named]} if isinstance(named, str) and named in ids else waiver

    waivers = raw.get("waivers")
    return {"waivers": list(map(by_id, waivers))} if isinstance(waivers, list | tuple) else {}
