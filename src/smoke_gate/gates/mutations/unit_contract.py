"""How a matrix breaks that G2 should see: units and scalers that differ, and flags that say nothing."""

from collections.abc import Iterator

from smoke_gate.evidence import Evidence
from smoke_gate.gates.base import Case, Judged, LogMore, Mutation, PolicyLine, Unbroken
from smoke_gate.gates.mutations.changes import with_fact
from smoke_gate.gates.unit_contract import UnitContractSettings, UnitRule, holds
from smoke_gate.message import say
from smoke_gate.policy.terms import is_flag, short

_NO_RULE = Unbroken(say("No run is of a kind that a rule of the policy is for."))


def _ruled(case: Case) -> Iterator[tuple[UnitRule, Judged]]:
    for rule in case.settings(UnitContractSettings).rules:
        for judged in case.judged:
            if holds(rule, judged.run):
                yield rule, judged


def _rule(case: Case) -> UnitRule | None:
    return next((rule for rule, _ in _ruled(case)), None)


def _pairs(case: Case) -> list[tuple[Judged, str, str]]:
    """Return each two facts that a rule asks to be equal, with the first run that has both."""
    found: dict[tuple[str, str], Judged] = {}
    for rule, judged in _ruled(case):
        for left, right in rule.equal:
            if judged.run.value(left) is not None and judged.run.value(right) is not None:
                found.setdefault((left, right), judged)
    return [(judged, left, right) for (left, right), judged in found.items()]


_NO_PAIR = Unbroken(
    say("No run logs two facts that a rule compares."),
    LogMore("contract.log_units(…) and contract.log_scaler_space(…)"),
)


def _without(case: Case) -> Unbroken:
    return _NO_PAIR if _rule(case) is not None else _NO_RULE


def _unit(case: Case) -> Evidence | Unbroken:
    """Replace a unit by another one that the policy allows: only the other side shows that it is wrong."""
    for rule, _ in _ruled(case):
        for judged, left, right in _pairs(case):
            others = [unit for unit in rule.allowed.get(left, ()) if unit != judged.run.value(right)]
            if others:
                return with_fact(case.evidence, judged.run, left, others[-1])
    return _without(case)


def _scaler(case: Case) -> Evidence | Unbroken:
    """Give one side the scaler of another run: a fact of which the policy lists no values."""
    for rule, _ in _ruled(case):
        for judged, left, _right in _pairs(case):
            if left not in rule.allowed:
                return with_fact(case.evidence, judged.run, left, "scaler-of-another-run")
    return _without(case)


def _unknown_unit(case: Case) -> Evidence | Unbroken:
    for rule, judged in _ruled(case):
        for key in rule.allowed:
            if judged.run.value(key) is not None:
                return with_fact(case.evidence, judged.run, key, "kW/h")
    return _without(case)


def _lost(case: Case) -> Evidence | Unbroken:
    for rule, judged in _ruled(case):
        for key in (*rule.required, *(key for pair in rule.equal for key in pair), *rule.allowed):
            if judged.run.value(key) is not None:
                return with_fact(case.evidence, judged.run, key, None)
    return _without(case)


def _flag(case: Case, text: str | None) -> Evidence | Unbroken:
    for rule, judged in _ruled(case):
        for key, values in rule.when.items():
            if text is None or is_flag(values):
                return with_fact(case.evidence, judged.run, key, text)
    return _NO_RULE


def _forgotten(case: Case) -> Evidence | Unbroken:
    return _flag(case, None)


def _neither(case: Case) -> Evidence | Unbroken:
    return _flag(case, "maybe")


def _expected_flag(case: Case) -> PolicyLine | None:
    for rule, judged in _ruled(case):
        cell = judged.pair.cell
        expected = {key: list(values) for key, values in case.policy.plan.cells[cell].expect.items()}
        flags = {short(key): list(values) for key, values in rule.when.items() if key not in expected}
        return PolicyLine(("plan", "cells", cell, "expect"), {**expected, **flags})
    return None


MUTATIONS = (
    Mutation(
        name="other_unit",
        title="the quantiser gets another unit than the head gives",
        change=_unit,
        also=("G7",),
    ),
    Mutation(
        name="unknown_unit",
        title="a unit is one that the policy does not know",
        change=_unknown_unit,
        also=("G7",),
    ),
    Mutation(name="lost_unit", title="a unit was not logged", change=_lost, also=("G7",)),
    Mutation(
        name="other_scaler", title="one side has the scaler of another run", change=_scaler, also=("G7",)
    ),
    Mutation(
        name="lost_flag",
        title="a run forgot to log its flag",
        change=_forgotten,
        also=("G0", "G7"),
        remedy=_expected_flag,
    ),
    Mutation(
        name="unclear_flag",
        title="a flag says neither on nor off",
        change=_neither,
        also=("G0", "G7"),
        remedy=_expected_flag,
    ),
)
