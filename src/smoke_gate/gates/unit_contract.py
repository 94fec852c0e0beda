"""G2: what goes into the quantiser and what leaves the head have one unit and one scaler space."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from smoke_gate.evidence import Run
from smoke_gate.gates.base import Case, Check, Gate, Judged, Outcome, Status, quoted
from smoke_gate.policy.model import Policy, UnitRule
from smoke_gate.policy.terms import matches, same_text, short
from smoke_gate.selection import Pair

_MOST_VALUES = 3  # that a message names


def judge(case: Case) -> Outcome:
    """Hold every run against the rules whose ``when`` it satisfies, and look for runs that forgot their flag."""
    rules = case.policy.gates.unit_contract.rules
    expected = {place.pair for place in case.matrix.places if _is_expected(case.policy, place.pair)}
    none_holds = not any(holds(rule, judged.run) for rule in rules for judged in case.judged)
    unflagged = [judged for judged in case.judged if none_holds and judged.pair in expected]
    others = [judged for judged in case.judged if not none_holds or judged.pair not in expected]
    checks = [check for judged in others for check in _run_checks(rules, judged, case.judged)]
    found = {check.run_id for check in checks}
    evaluated = {judged.pair for judged in others if judged.run.run_id in found}
    checks += [_unflagged(case.policy, judged) for judged in unflagged]
    if not checks and expected & {pair for pair, _ in case.matrix.selected}:
        return Outcome(expected=len(expected), evaluated=0)  # a run that the plan expects was not read
    if not checks:
        return Outcome(expected=0, evaluated=0, skipped=_why_skipped(case))
    return Outcome(checks=tuple(checks), expected=len(expected | evaluated), evaluated=len(evaluated))


def _run_checks(rules: Sequence[UnitRule], judged: Judged, everyone: Sequence[Judged]) -> Iterator[Check]:
    for rule in rules:
        if holds(rule, judged.run):
            yield from _required(rule, judged)
            yield from _allowed(rule, judged)
            yield from _equal(rule, judged)
        else:
            yield from _forgotten(rule, judged, everyone)


# --- what a rule asks of a run ----------------------------------------------------------------------------------------


def _required(rule: UnitRule, judged: Judged) -> Iterator[Check]:
    for key in rule.required:
        value, name = _value(judged.run, key), short(key)
        status, message = Status.PASS, f"{name} is logged."
        if value is None:
            status = Status.FAIL
            message = (
                f"{name} is missing or empty, but {condition_of(rule)} asks for it. Log it and run again."
            )
        observed = value or "missing"
        yield judged.check("G2", "required", status, name, message, observed=observed, expected="present")


def _allowed(rule: UnitRule, judged: Judged) -> Iterator[Check]:
    for key, values in rule.allowed.items():
        value, name, choice = _value(judged.run, key), short(key), " or ".join(values)
        if value is None and key in rule.required:
            continue  # has failed already
        status, message = Status.PASS, f"{name} is one of the allowed values."
        if not matches(value, values):
            found = "missing or empty" if value is None else quoted(value)
            status, message = Status.FAIL, f"{name} is {found}, expected {choice}. Correct it and run again."
        observed = value or "missing"
        yield judged.check("G2", "allowed", status, name, message, observed=observed, expected=choice)


def _equal(rule: UnitRule, judged: Judged) -> Iterator[Check]:
    for pair in rule.equal:
        left, right = (_value(judged.run, key) for key in pair)
        names = [short(key) for key in pair]
        absent = [key for key, value in zip(pair, (left, right), strict=True) if value is None]
        if absent and all(key in rule.required for key in absent):
            continue  # has failed already
        status, message = Status.PASS, f"{names[0]} and {names[1]} agree."
        if left is None or right is None or not same_text(left, right):
            found = " and ".join("nothing" if value is None else quoted(value) for value in (left, right))
            status = Status.FAIL
            message = f"{names[0]} and {names[1]} must be equal, but are {found}. Correct them and run again."
        observed = f"{left or 'missing'}, {right or 'missing'}"
        yield judged.check(
            "G2", "equal", status, "=".join(names), message, observed=observed, expected="equal"
        )


# --- runs that do not say what they are -------------------------------------------------------------------------------


def _forgotten(rule: UnitRule, judged: Judged, everyone: Sequence[Judged]) -> Iterator[Check]:
    """Yield a failure for each flag that the run lacks although it logs what only runs with the flag log."""
    missing = [key for key in rule.when if _value(judged.run, key) is None]
    carried = [key for key in rule.required if _value(judged.run, key) is not None]
    telling = [short(key) for key in carried if missing and _tells(rule, key, everyone)]
    if not telling:
        return
    for name in map(short, missing):
        message = (
            f"{name} is missing, yet the run logs {', '.join(telling)} as runs with {condition_of(rule)} do. "
            f"Log {name} and run again."
        )
        condition = condition_of(rule)
        yield judged.check("G2", "flag", Status.FAIL, name, message, observed="missing", expected=condition)


def _tells(rule: UnitRule, key: str, everyone: Sequence[Judged]) -> bool:
    """Whether carrying a required key tells runs of the rule from others.

    It does not where a run with the flag off carries it too, nor, with no run that has the flag off, where every run
    does.
    """
    off = [other.run for other in everyone if _is_off(rule, other.run)]
    if off:
        return all(_value(run, key) is None for run in off)
    return any(_value(other.run, key) is None for other in everyone)


def _is_off(rule: UnitRule, run: Run) -> bool:
    return all(_value(run, key) is not None for key in rule.when) and not holds(rule, run)


def _unflagged(policy: Policy, judged: Judged) -> Check:
    """Return the failure of a run that the plan expects a rule to hold for, where it holds for no run at all."""
    rule = next(rule for rule in policy.gates.unit_contract.rules if _expects(policy, judged.pair, rule))
    names = ", ".join(short(key) for key in rule.when)
    found = ", ".join(_value(judged.run, key) or "missing" for key in rule.when)
    message = (
        f"The plan expects {condition_of(rule)} of cell {judged.pair.cell}, but no run has it, so no unit was judged. "
        f"Log {names} as planned and run again."
    )
    return judged.check(
        "G2", "flag", Status.FAIL, names, message, observed=found, expected=condition_of(rule), at_once=True,
        waivable=False,
    )  # fmt: skip


# --- words of a rule --------------------------------------------------------------------------------------------------


def _why_skipped(case: Case) -> str:
    """Say what the rules ask for and what the runs have, since a flag may be spelt otherwise, or be forgotten."""
    rules = case.policy.gates.unit_contract.rules
    conditions = "; ".join(map(condition_of, rules))
    keys = dict.fromkeys(key for rule in rules for key in rule.when)
    found = "; ".join(_what_runs_have(case, key) for key in keys)
    return f"No run matches a rule's `when` ({conditions}): {found}."


def _what_runs_have(case: Case, key: str) -> str:
    counts = Counter(value for judged in case.judged if (value := _value(judged.run, key)) is not None)
    if not counts:
        near = case.evidence.nearest.get(key)
        return f"no run has {short(key)}" + (f", but they have {short(near)}" if near else "")
    values = [f"{quoted(value)} in {number}" for value, number in counts.most_common(_MOST_VALUES)]
    rest = ["others"] if len(counts) > _MOST_VALUES else []
    return f"{short(key)} is {', '.join(values + rest)} of {len(case.judged)} runs"


def holds(rule: UnitRule, run: Run) -> bool:
    """Whether a rule is for a run: its ``when`` holds."""
    return all(matches(run.value(key), values) for key, values in rule.when.items())


def _is_expected(policy: Policy, pair: Pair) -> bool:
    return any(_expects(policy, pair, rule) for rule in policy.gates.unit_contract.rules)


def _expects(policy: Policy, pair: Pair, rule: UnitRule) -> bool:
    """Whether every value that the plan lets the cell have satisfies the rule's ``when``."""
    expect: Mapping[str, Sequence[str]] = policy.plan.cells[pair.cell].expect
    return all(
        key in expect and all(matches(value, values) for value in expect[key])
        for key, values in rule.when.items()
    )


def _value(run: Run, key: str) -> str | None:
    """Return what the run says under the key; a blank text, or Python's None as logged, says nothing."""
    value = run.value(key)
    return value if value is not None and value.strip() not in ("", "None") else None


def condition_of(rule: UnitRule) -> str:
    """Return a rule's ``when`` in words."""
    return " and ".join(f"{short(key)} = {' or '.join(values)}" for key, values in rule.when.items())


GATE = Gate(id="G2", section="unit_contract", title="Units and scaler space agree", judge=judge)
