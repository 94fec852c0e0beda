"""The param or tag that runs have in place of one that the policy names and no run has: a misspelling. Pure."""

from collections.abc import Collection, Iterator, Mapping

from smoke_gate.collect.sql_runs import Keys
from smoke_gate.gates import PLAN
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import nearest


def nearest_keys(policy: Policy, params: Collection[str], tags: Collection[str]) -> dict[str, str]:
    """Return, for what no run has, what may be meant: the same name of the other kind, or one that is nearly the same.

    Args:
        policy: whose ``runs.cell``, ``runs.seed`` and plan name params and tags.
        params: those that any run has.
        tags: the same.

    """
    known = {"params": params, "tags": tags}
    found: dict[str, str] = {}
    for reference in sorted(set(_named(policy))):
        kind, _, key = reference.partition(".")
        if kind in known and key not in known[kind] and (near := _nearest(kind, key, known)) is not None:
            found[reference] = near
    return found


def named_keys(policy: Policy) -> Keys:
    """Return the params and tags of runs that the policy's ``runs`` and plan name."""
    named = set(_named(policy))
    return Keys(
        params=frozenset(one.removeprefix("params.") for one in named if one.startswith("params.")),
        tags=frozenset(one.removeprefix("tags.") for one in named if one.startswith("tags.")),
    )


def _named(policy: Policy) -> Iterator[str]:
    yield from policy.runs.cell_template.references
    yield from policy.runs.seed_template.references
    needs = PLAN.needs(policy)
    yield from (f"params.{key}" for key in needs.params)
    yield from (f"tags.{key}" for key in needs.tags)


def _nearest(kind: str, key: str, known: Mapping[str, Collection[str]]) -> str | None:
    other = "tags" if kind == "params" else "params"
    if key in known[other]:
        return f"{other}.{key}"
    near = nearest(key, known[kind])
    return None if near is None else f"{kind}.{near}"
