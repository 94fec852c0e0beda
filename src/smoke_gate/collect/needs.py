"""What the policy's gates need to know of the selected runs: nothing else is read. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from smoke_gate.policy.model import Policy, UnitRule
from smoke_gate.policy.terms import Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What is read of each selected run, and of the checkout.

    ``params`` and ``tags`` are keys, ``histories`` metric names. ``checkpoints`` and ``figures`` are patterns of
    artifacts, ``files`` patterns in the checkout, empty where the gate is off. ``definition`` is the param that holds
    the definition's hash, None where G1 is off. ``head`` says whether the checkout's commit counts, ``code`` whether
    its files do, ``ancestry`` whether the registration's commit must come before the runs'.
    """

    params: frozenset[str]
    tags: frozenset[str]
    histories: frozenset[str]
    checkpoints: tuple[str, ...]
    max_bytes: int
    figures: tuple[str, ...]
    files: tuple[str, ...]
    definition: str | None
    head: bool
    code: bool
    ancestry: bool


def needs_of(policy: Policy, *, curves: bool = False) -> Needs:
    """Return what the enabled gates of a policy need; with ``curves``, also the histories that figures show."""
    gates = policy.gates
    facts = frozenset(_facts(policy))
    plan_on, definition_on = gates.plan.enabled, gates.definition_hash.enabled
    return Needs(
        params=frozenset(fact.removeprefix("params.") for fact in facts if fact.startswith("params.")),
        tags=frozenset(fact.removeprefix("tags.") for fact in facts if fact.startswith("tags.")),
        histories=frozenset(_histories(policy, curves=curves)),
        checkpoints=gates.checkpoints.paths if gates.checkpoints.enabled else (),
        max_bytes=gates.checkpoints.max_bytes,
        figures=gates.figures.paths if gates.figures.enabled else (),
        files=gates.figures.files if gates.figures.enabled else (),
        definition=gates.definition_hash.key if definition_on else None,
        head=plan_on and policy.runs.commit in ("head", "code"),
        code=plan_on and policy.runs.commit == "code",
        ancestry=definition_on and gates.definition_hash.require_ancestor,
    )


def _facts(policy: Policy) -> Iterator[str]:
    """Yield the params and tags that are looked at, as ``params.KEY`` and ``tags.KEY``."""
    gates = policy.gates
    if gates.plan.enabled:
        yield from chain.from_iterable(cell.expect for cell in policy.plan.cells.values())
    if (
        gates.plan.enabled or gates.unit_contract.enabled
    ):  # G0 asks what `when` says of cells that did not plan it
        yield from chain.from_iterable(rule.when for rule in gates.unit_contract.rules)
    if gates.definition_hash.enabled:
        yield from _params((gates.definition_hash.key, *gates.definition_hash.retired_keys))
    elif gates.figures.enabled:
        yield from _params((gates.definition_hash.key,))  # what a figure is then held against
    if gates.unit_contract.enabled:
        yield from chain.from_iterable(map(_asserted, gates.unit_contract.rules))
    if gates.paired_data.enabled:
        yield from _params(
            gates.paired_data.key.replace("{split}", split) for split in gates.paired_data.splits
        )
        yield from chain.from_iterable(same.of for same in gates.paired_data.same)


def _asserted(rule: UnitRule) -> Iterator[str]:
    return chain(rule.required, rule.allowed, *rule.equal)


def _params(keys: Iterable[str]) -> Iterator[str]:
    return (f"params.{key}" for key in keys)


def _histories(policy: Policy, *, curves: bool) -> Iterator[str]:
    if policy.gates.metric_ratio.enabled:
        for rule in policy.gates.metric_ratio.rules:
            operands = Ratio.parse(rule.value).operands
            yield from (operand.metric for operand in operands if curves or operand.pick is not None)
