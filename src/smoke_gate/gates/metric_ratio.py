"""G5: training looks like training: metrics, and ratios of them, lie in their bands."""

import math

from smoke_gate.evidence import Run, metric_number, metric_text
from smoke_gate.gates.base import Case, Check, Gate, Judged, Outcome, Status
from smoke_gate.policy.model import RatioRule
from smoke_gate.policy.terms import Operand, Ratio


def judge(case: Case) -> Outcome:
    """Hold each run against every rule of its cell."""
    rules = case.policy.gates.metric_ratio.rules
    checks = [
        _check(rule, judged) for rule in rules for judged in case.judged if is_for(rule, judged.pair.cell)
    ]
    applies = [place for place in case.matrix.places if any(is_for(rule, place.pair.cell) for rule in rules)]
    return Outcome(
        checks=tuple(checks),
        expected=len(applies),
        evaluated=len({check.run_id for check in checks}),
        skipped=None if applies else "No rule is for a planned cell.",
    )


def ratio_of(rule: RatioRule, run: Run) -> float | None:
    """Return the value that a rule holds against its band.

    None where a metric is missing or not finite, or the denominator is 0.
    """
    operands = Ratio.parse(rule.value).operands
    if any(_broken(run, operand) for operand in operands):
        return None
    return _divided(*(_number(run, operand) for operand in operands))


def is_for(rule: RatioRule, cell: str) -> bool:
    """Whether a rule judges the runs of a cell."""
    return rule.cells is None or cell in rule.cells


def _check(rule: RatioRule, judged: Judged) -> Check:
    """Judge one run by one rule. What is missing or not finite fails at once; a zero denominator is out of range."""
    ratio = Ratio.parse(rule.value)
    problems = [problem for operand in ratio.operands if (problem := _broken(judged.run, operand))]
    if problems:
        message = (
            f"{' and '.join(problems)}. Log finite values in every run, or correct the name in the rule."
        )
        observed = "; ".join(problems)
        return _ratio_check(rule, judged, Status.FAIL, message, observed, at_once=True)
    numbers = [_number(judged.run, operand) for operand in ratio.operands]
    value = _divided(*numbers)
    observed = "nothing: the denominator is 0" if value is None else f"{value:g}"
    if value is not None and is_within(rule, value):
        return _ratio_check(rule, judged, Status.PASS, f"{rule.value} is {observed}.", observed)
    shown = f" ({numbers[0]:g} / {numbers[1]:g})" if len(numbers) == 2 else ""
    message = (
        f"{rule.value} is {observed}{shown}, expected {_band(rule)}. "
        "Look at the curves of this run, correct what they show and run again."
    )
    return _ratio_check(rule, judged, Status.FAIL, message, observed)


def _ratio_check(
    rule: RatioRule, judged: Judged, status: Status, message: str, observed: str, *, at_once: bool = False
) -> Check:
    return judged.check(
        "G5", "ratio", status, rule.value, message, observed=observed, expected=_band(rule), at_once=at_once
    )


# --- values -----------------------------------------------------------------------------------------------------------


def _broken(run: Run, operand: Operand) -> str | None:
    """Return what is wrong with a metric that cannot be used, None where it can."""
    if not _texts(run, operand):
        history = " with a history" if operand.metric in run.metrics else ""
        return f"{operand.metric} is missing{history}"
    number = _number(run, operand)
    return None if math.isfinite(number) else f"{operand.metric} is {metric_text(number)}"


def _number(run: Run, operand: Operand) -> float:
    """Return the value that the operand picks, NaN where there is a NaN among what it picks from."""
    numbers = [metric_number(text) for text in _texts(run, operand)]
    if any(map(math.isnan, numbers)):
        return math.nan
    return max(numbers) if operand.pick == "max" else min(numbers)


def _texts(run: Run, operand: Operand) -> tuple[str, ...]:
    """Return the values that an operand picks from: a history for `min` and `max`, else the one that it names."""
    history = tuple(point.value for point in run.histories.get(operand.metric, ()))
    if operand.pick in ("min", "max"):
        return history
    if operand.pick == "first":
        return history[:1]
    if operand.pick == "last" and history:
        return history[-1:]
    latest = run.metrics.get(operand.metric)
    return () if latest is None else (latest,)


def _divided(numerator: float, denominator: float = 1.0) -> float | None:
    return None if denominator == 0 else numerator / denominator


def is_within(rule: RatioRule, value: float) -> bool:
    """Return whether the value is in the band; a quotient that overflowed is in none."""
    above = rule.min is None or rule.min <= value
    below = rule.max is None or value <= rule.max
    return math.isfinite(value) and above and below


def _band(rule: RatioRule) -> str:
    if rule.min is None:
        return f"at most {rule.max:g}"
    if rule.max is None:
        return f"at least {rule.min:g}"
    return f"{rule.min:g} to {rule.max:g}"


GATE = Gate(id="G5", section="metric_ratio", title="Metric ratios", judge=judge)
