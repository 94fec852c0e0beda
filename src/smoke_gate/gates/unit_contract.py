"""G2: what goes into the quantiser and what leaves the head have one unit and one scaler space."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from smoke_gate.evidence import Run
from smoke_gate.gates.base import (
    Case,
    Check,
    Defaults,
    Explanation,
    Gate,
    Judged,
    Mutation,
    Outcome,
    Status,
    instead,
)
from smoke_gate.gates.needs import Needs, facts
from smoke_gate.gates.profiles import OFF_IN_BASIC, is_basic
from smoke_gate.gates.proposal import Proposal, Seen
from smoke_gate.message import Message, between, say
from smoke_gate.policy.fields import Expectations, Reference, References, Section, refused
from smoke_gate.policy.model import Policy
from smoke_gate.policy.settings import SWITCH_IT_OFF, ThresholdSettings
from smoke_gate.policy.terms import flag_of, is_flag, is_placeholder, matches, same_text, short, stated
from smoke_gate.selection import Pair
from smoke_gate.vocabulary import UNITS

_MOST_VALUES = 3  # that a message names

# --- the policy -------------------------------------------------------------------------------------------------------


class UnitRule(Section):
    """The demands on the units that runs of one kind log."""

    when: Annotated[Expectations, Field(min_length=1)]
    """The rule is for runs that have all of these."""
    required: References = ()
    """Keys that must be present and not empty."""
    allowed: Expectations = Field(default={})
    """Key to the values it may have."""
    equal: tuple[tuple[Reference, Reference], ...] = ()
    """Pairs of keys that must agree."""

    @model_validator(mode="after")
    def _asserts_something(self) -> Self:
        if not (self.required or self.allowed or self.equal):
            raise ValueError("a rule needs `required`, `allowed` or `equal`")
        if any(left == right for left, right in self.equal):
            raise refused("equal", "a key always equals itself")
        return self


DEFAULT_UNIT_RULE = UnitRule(
    when={"use_vq": ("True",)},
    required=(
        "vq_input_unit",
        "dlinear_output_unit",
        "vq_scaler_space_signature",
        "dlinear_output_scaler_space_signature",
    ),
    allowed={"vq_input_unit": UNITS, "dlinear_output_unit": UNITS},
    equal=(
        ("vq_input_unit", "dlinear_output_unit"),
        ("vq_scaler_space_signature", "dlinear_output_scaler_space_signature"),
    ),
)


class UnitContractSettings(ThresholdSettings):
    """G2: what is fed into the quantiser and what comes out of the head have one unit and one scaler space."""

    rules: tuple[UnitRule, ...] = (DEFAULT_UNIT_RULE,)
    """One entry for each kind of run."""

    def asserts_something(self) -> None:
        """Refuse an empty list of rules."""
        if not self.rules:
            raise refused("rules", SWITCH_IT_OFF)

    @property
    def flags(self) -> tuple[str, ...]:
        """The facts that decide which rule a run is for, as ``params.KEY``."""
        return tuple(chain.from_iterable(rule.when for rule in self.rules))


def _defaults(policy: Mapping[str, Any]) -> Iterable[Defaults]:
    return (OFF_IN_BASIC,) if is_basic(policy) else ()


def _needs(policy: Policy) -> Needs:
    settings = policy.settings(UnitContractSettings)
    asserted = (chain(rule.required, rule.allowed, *rule.equal) for rule in settings.rules)
    return facts((*settings.flags, *chain.from_iterable(asserted)))


# --- judging ----------------------------------------------------------------------------------------------------------


def judge(case: Case) -> Outcome:
    """Hold every run against the rules whose ``when`` it satisfies, and look for runs that forgot their flag."""
    rules = case.settings(UnitContractSettings).rules
    expected = {place.pair for place in case.matrix.places if _is_expected(case.policy, place.pair)}
    none_holds = not any(holds(rule, judged.run) for rule in rules for judged in case.judged)
    unflagged = [judged for judged in case.judged if none_holds and judged.pair in expected]
    others = [judged for judged in case.judged if not none_holds or judged.pair not in expected]
    checks = [check for judged in others for check in _run_checks(rules, judged, case.judged)]
    found = {check.run_id for check in checks}
    evaluated = {judged.pair for judged in others if judged.run.run_id in found}
    checks += [_unflagged(case.policy, judged) for judged in unflagged]
    checks = _once([*checks, *_neither(rules, case.judged), *_disagreeing(rules, case.judged)])
    if not checks and expected & {pair for pair, _ in case.matrix.selected}:
        return Outcome(expected=len(expected), evaluated=0)  # a run that the plan expects was not read
    if not checks:
        return Outcome(expected=0, evaluated=0, skipped=_why_skipped(case))
    return Outcome(checks=tuple(checks), expected=len(expected | evaluated), evaluated=len(evaluated))


def _once(checks: Iterable[Check]) -> list[Check]:
    """Return the checks, of those that find fault with one flag of one run only the first."""
    faults = set()
    kept = []
    for check in checks:
        place = check.run_id, check.subject
        if check.kind != "flag" or place not in faults:
            kept.append(check)
        if check.kind == "flag":
            faults.add(place)
    return kept


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
        status, message = Status.PASS, say("{name} is logged.", name=name)
        if value is None:
            status = Status.FAIL
            message = say(
                "{name} is {found}{have}, but {condition} asks for it. Log it and run again.",
                name=name,
                found=_absence(judged.run, key),
                have=instead(judged, key),
                condition=condition_of(rule),
            )
        observed = value or "missing"
        yield judged.check("G2", "required", status, name, message, observed=observed, expected="present")


def _allowed(rule: UnitRule, judged: Judged) -> Iterator[Check]:
    for key, values in rule.allowed.items():
        value, name, choice = _value(judged.run, key), short(key), " or ".join(values)
        if value is None and key in rule.required:
            continue  # has failed already
        status, message = Status.PASS, say("{name} is one of the allowed values.", name=name)
        if not matches(value, values):
            status = Status.FAIL
            message = say(
                "{name} is {found}, expected {choice}. Correct it and run again.",
                name=name,
                found=say("missing or empty") if value is None else say("{value!r}", value=value),
                choice=choice,
            )
        observed = value or "missing"
        yield judged.check("G2", "allowed", status, name, message, observed=observed, expected=choice)


def _equal(rule: UnitRule, judged: Judged) -> Iterator[Check]:
    for pair in rule.equal:
        left, right = (_value(judged.run, key) for key in pair)
        names = [short(key) for key in pair]
        absent = [key for key, value in zip(pair, (left, right), strict=True) if value is None]
        if absent and all(key in rule.required for key in absent):
            continue  # has failed already
        status, message = Status.PASS, say("{left} and {right} agree.", left=names[0], right=names[1])
        if left is None or right is None or not same_text(left, right):
            found = [
                say("nothing") if value is None else say("{value!r}", value=value) for value in (left, right)
            ]
            status = Status.FAIL
            message = say(
                "{left} and {right} must be equal, but are {found}. Correct them and run again.",
                left=names[0],
                right=names[1],
                found=between(" and ", found),
            )
        observed = f"{left or 'missing'}, {right or 'missing'}"
        yield judged.check(
            "G2", "equal", status, "=".join(names), message, observed=observed, expected="equal"
        )


# --- runs that do not say what they are -------------------------------------------------------------------------------


def _forgotten(rule: UnitRule, judged: Judged, everyone: Sequence[Judged]) -> Iterator[Check]:
    """Yield a failure for each flag that the run lacks although it logs what only runs with the flag log."""
    missing = [key for key in rule.when if stated(judged.run.value(key)) is None]
    carried = [key for key in rule.required if _value(judged.run, key) is not None]
    telling = [short(key) for key in carried if missing and _tells(rule, key, everyone)]
    if not telling:
        return
    for name in map(short, missing):
        condition = condition_of(rule)
        message = say(
            "{name} is missing, yet the run logs {telling} as runs with {condition} do. Log {name} "
            "and run again.",
            name=name,
            telling=", ".join(telling),
            condition=condition,
        )
        yield judged.check("G2", "flag", Status.FAIL, name, message, observed="missing", expected=condition)


def _tells(rule: UnitRule, key: str, everyone: Sequence[Judged]) -> bool:
    """Return whether a required key is evidence of the flag.

    It is not if a run with the flag off has it too, or if every run has it and no run has the flag off.
    """
    off = [other.run for other in everyone if _is_off(rule, other.run)]
    if off:
        return all(_value(run, key) is None for run in off)
    return any(_value(other.run, key) is None for other in everyone)


def _is_off(rule: UnitRule, run: Run) -> bool:
    return all(stated(run.value(key)) is not None for key in rule.when) and not holds(rule, run)


def _unflagged(policy: Policy, judged: Judged) -> Check:
    """Return the failure of a run that the plan expects a rule to hold for, where it holds for no run at all."""
    rule = next(
        rule for rule in policy.settings(UnitContractSettings).rules if _expects(policy, judged.pair, rule)
    )
    names = ", ".join(short(key) for key in rule.when)
    found = ", ".join(_value(judged.run, key) or "missing" for key in rule.when)
    message = say(
        "The plan expects {condition} of cell {cell}, but no run has it, so no unit was judged. "
        "Log {names} as planned and run again.",
        condition=condition_of(rule),
        cell=judged.pair.cell,
        names=names,
    )
    return judged.check(
        "G2", "flag", Status.FAIL, names, message, observed=found, expected=condition_of(rule), at_once=True,
        waivable=False,
    )  # fmt: skip


def _neither(rules: Sequence[UnitRule], everyone: Sequence[Judged]) -> Iterator[Check]:
    """Yield the failure of each run whose flag says neither on nor off."""
    flags = {key: values for rule in rules for key, values in rule.when.items() if is_flag(values)}
    for key, values in flags.items():
        for judged in everyone:
            value = stated(judged.run.value(key))
            if value is None or flag_of(value) is not None or value in values:
                continue
            message = say(
                "{name} is {value!r}, which is neither on nor off. Log True or False and run again.",
                name=short(key),
                value=value,
            )
            yield judged.check(
                "G2", "flag", Status.FAIL, short(key), message, observed=value, expected="True or False"
            )


def _disagreeing(rules: Sequence[UnitRule], everyone: Sequence[Judged]) -> Iterator[Check]:
    """Yield the failure of each run whose flag is not that of most runs of its cell; absence is a value too."""
    keys = {key: is_flag(values) for rule in rules for key, values in rule.when.items()}
    cells: dict[str, list[Judged]] = defaultdict(list)
    for judged in everyone:
        cells[judged.pair.cell].append(judged)
    for key, as_flag in keys.items():
        for runs in cells.values():
            counts = Counter(_meaning(judged.run, key, as_flag=as_flag) for judged in runs).most_common(2)
            if len(counts) > 1:
                usual = counts[0][0] if counts[0][1] > counts[1][1] else None
                odd = [one for one in runs if _meaning(one.run, key, as_flag=as_flag) != usual]
                yield from (_disagrees(judged, key, usual) for judged in odd)


def _meaning(run: Run, key: str, *, as_flag: bool) -> str:
    value = stated(run.value(key))
    if value is None:
        return "missing"
    flag = flag_of(value) if as_flag else None
    return value if flag is None else str(flag)


def _disagrees(judged: Judged, key: str, usual: str | None) -> Check:
    value = judged.run.value(key)
    others = (
        say("the runs of its cell do not agree, and none has the most frequent value")
        if usual is None
        else say("most runs of its cell have {usual}", usual=usual)
    )
    message = say(
        "{name} is {found}, but {others}. Run the cell with one setting.",
        name=short(key),
        found=say("missing") if value is None else say("{value!r}", value=value),
        others=others,
    )
    return judged.check(
        "G2", "flag", Status.FAIL, short(key), message, observed=value or "missing",
        expected=usual or "one value in the cell",
    )  # fmt: skip


# --- words of a rule --------------------------------------------------------------------------------------------------


def _why_skipped(case: Case) -> Message:
    """Say what the rules ask for and what the runs have, since a flag may be spelt otherwise, or be forgotten."""
    rules = case.settings(UnitContractSettings).rules
    conditions = "; ".join(map(condition_of, rules))
    keys = dict.fromkeys(key for rule in rules for key in rule.when)
    found = between("; ", (_what_runs_have(case, key) for key in keys))
    return say("No run matches a rule's `when` ({conditions}): {found}.", conditions=conditions, found=found)


def _what_runs_have(case: Case, key: str) -> Message:
    counts = Counter(value for judged in case.judged if (value := _value(judged.run, key)) is not None)
    if not counts:
        near = case.evidence.nearest.get(key)
        if near is None:
            return say("no run has {key}", key=short(key))
        return say("no run has {key}, but they have {near}", key=short(key), near=short(near))
    values = [
        say("{value!r} in {number}", value=value, number=number)
        for value, number in counts.most_common(_MOST_VALUES)
    ]
    rest = [say("others")] if len(counts) > _MOST_VALUES else []
    return say(
        "{key} is {values} of {count} runs",
        key=short(key),
        values=between(", ", values + rest),
        count=len(case.judged),
    )


def _absence(run: Run, key: str) -> Message:
    """Say in what way a run says nothing under a key."""
    recorded = run.value(key)
    if recorded is None or not recorded.strip():
        return say("missing or empty")
    return say("a placeholder ({recorded!r})", recorded=recorded)


def holds(rule: UnitRule, run: Run) -> bool:
    """Return whether a rule is for a run: its ``when`` holds."""
    return all(matches(run.value(key), values) for key, values in rule.when.items())


def _is_expected(policy: Policy, pair: Pair) -> bool:
    return any(_expects(policy, pair, rule) for rule in policy.settings(UnitContractSettings).rules)


def _expects(policy: Policy, pair: Pair, rule: UnitRule) -> bool:
    """Return whether every value that the plan lets the cell have satisfies the rule's ``when``."""
    expect: Mapping[str, Sequence[str]] = policy.plan.cells[pair.cell].expect
    return all(
        key in expect and all(matches(value, values) for value in expect[key])
        for key, values in rule.when.items()
    )


def _value(run: Run, key: str) -> str | None:
    """Return what the run says under the key, None where that is a placeholder, such as a blank text or ``TODO``."""
    value = run.value(key)
    return None if value is None or is_placeholder(value) else value


def condition_of(rule: UnitRule) -> str:
    """Return a rule's ``when`` in words."""
    return " and ".join(f"{short(key)} = {' or '.join(values)}" for key, values in rule.when.items())


# --- init -------------------------------------------------------------------------------------------------------------


def _propose(seen: Seen) -> Proposal:
    keys = [reference.removeprefix("params.") for reference in DEFAULT_UNIT_RULE.required]
    flags = [reference.removeprefix("params.") for reference in DEFAULT_UNIT_RULE.when]
    flagged = [run for run in seen.runs if all(run.params.get(flag) in ("True", "true") for flag in flags)]
    flag = [f'mlflow.log_param("{name}", True)  # in the cells that have a quantiser' for name in flags]
    to_log = (
        *([] if flagged else flag),
        'contract.log_units(dlinear_output_unit="standardized", vq_input_unit="standardized")',
        "contract.log_scaler_space(dlinear_output_scaler_space_signature=s, vq_scaler_space_signature=s)",
        (
            "# or write `rules` for the units of your own models, or `enabled: false` with a reason "
            "where there are none"
        ),
    )
    found = seen.how_many_log(flagged.__contains__, f"{' and '.join(flags)}: True")
    known = any(run.params.get(key) for run in flagged for key in keys)
    if flagged and not known:
        found += ", and none of them logs a unit or a scaler space"
    return Proposal(found=found, to_log=() if known else to_log)


def _mutations() -> Sequence[Mutation]:
    from smoke_gate.gates.mutations.unit_contract import MUTATIONS

    return MUTATIONS


GATE = Gate(
    id="G2",
    section="unit_contract",
    title="Units and scaler space agree",
    short_title="Units",
    settings=UnitContractSettings,
    judge=judge,
    needs=_needs,
    defaults=_defaults,
    propose=_propose,
    mutations=_mutations,
    read_from="the run's params: {}",
    explanation=Explanation(
        question="Do the quantiser's input and the head's output have one unit and one scaler space?",
        checks=(
            (
                "For each rule whose `when` holds for a run: every key of `required` is there, and "
                "not a placeholder such "
                "as `TODO`, `none` or a blank."
            ),
            "A flag says on or off, in any usual spelling, and the same in all runs of a cell.",
            "Keys of `allowed` have one of the values listed; no other spelling counts.",
            "Each pair of `equal` has the same value.",
            "A run that lacks a `when` key but logs what only such runs log is FAIL: its flag was forgotten.",
            (
                "No run matches a rule: SKIPPED, with what the runs have in place of it, unless the plan "
                "expects one that does; then FAIL."
            ),
        ),
        example="vq_input_unit is 'kW/h', expected standardized or kW or kWh_per_h. Correct it and run again.",
        fix="Find out which unit really goes in: a wrong label and wrong data look the same here. Log it with "
        "`smoke_gate.contract.log_units` and `log_scaler_space`, and run again.",
    ),
)
