"""G5: training looks like training: metrics, and ratios of them, lie in their bands."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from pydantic import model_validator

from smoke_gate.evidence import Run, metric_number, metric_text
from smoke_gate.gates.base import Case, Check, Defaults, Explanation, Gate, Judged, Mutation, Outcome, Status
from smoke_gate.gates.needs import Needs
from smoke_gate.gates.profiles import is_basic, said
from smoke_gate.gates.proposal import Proposal, Seen
from smoke_gate.message import Message, between, say
from smoke_gate.policy.fields import Number, RatioText, Section, SomeNames, Threshold, refused
from smoke_gate.policy.model import Policy
from smoke_gate.policy.settings import SWITCH_IT_OFF, ThresholdSettings
from smoke_gate.policy.terms import Operand, Ratio

# --- the policy -------------------------------------------------------------------------------------------------------


class RatioRule(Section):
    """A band for a metric, or for the ratio of two."""

    value: RatioText
    """METRIC[.last|first|min|max] [/ METRIC[…]].

    ` / ` with blanks divides, backquotes hold names that contain either.
    """
    min: Number | None = None
    """The smallest value that is good."""
    max: Number | None = None
    """The largest value that is good."""
    cells: SomeNames | None = None
    """The cells that the rule is for; left out, all."""

    @model_validator(mode="after")
    def _is_a_band(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a rule needs `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise refused("min", f"`min` {self.min} is above `max` {self.max}")
        return self

    @cached_property
    def ratio(self) -> Ratio:
        """The metrics that ``value`` names."""
        return Ratio.parse(self.value)

    def is_for(self, cell: str) -> bool:
        """Return whether the rule judges the runs of a cell."""
        return self.cells is None or cell in self.cells

    def holds(self, value: float) -> bool:
        """Return whether the value is in the band; a quotient that overflowed never is."""
        above = self.min is None or self.min <= value
        below = self.max is None or value <= self.max
        return math.isfinite(value) and above and below

    @property
    def band(self) -> str:
        """The band in words."""
        if self.min is None:
            return f"at most {self.max:g}"
        if self.max is None:
            return f"at least {self.min:g}"
        return f"{self.min:g} to {self.max:g}"


class MetricRatioSettings(ThresholdSettings):
    """G5: training looks like training."""

    fail_threshold: Threshold = 2
    rules: tuple[RatioRule, ...] = (RatioRule(value="val_loss / train_loss", min=0.2, max=5.0),)
    """One entry for each band."""

    def asserts_something(self) -> None:
        """Refuse an empty list of rules."""
        if not self.rules:
            raise refused("rules", SWITCH_IT_OFF)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the rules name, in order."""
        return tuple(operand.metric for rule in self.rules for operand in rule.ratio.operands)


def _defaults(policy: Mapping[str, Any]) -> Iterable[Defaults]:
    if is_basic(policy) and said(policy, "metric_ratio", "rules") is None:
        off = {"enabled": False, "reason": "profile basic: no rules", "rules": []}
        yield Defaults(values=off, unless=("enabled",))


def _cells(settings: MetricRatioSettings) -> Iterator[tuple[tuple[str | int, ...], Sequence[str]]]:
    for index, rule in enumerate(settings.rules):
        yield ("rules", index, "cells"), rule.cells or ()


def _needs(policy: Policy) -> Needs:
    # Also of metrics whose last value is what a rule judges: a history tells where that is not what training wrote.
    return Needs(histories=frozenset(policy.settings(MetricRatioSettings).metrics))


# --- judging ----------------------------------------------------------------------------------------------------------


def judge(case: Case) -> Outcome:
    """Hold each run against every rule of its cell."""
    rules = case.settings(MetricRatioSettings).rules
    checks = [
        _check(rule, judged) for rule in rules for judged in case.judged if rule.is_for(judged.pair.cell)
    ]
    checks += [check for judged in case.judged for check in _histories(judged)]
    applies = [place for place in case.matrix.places if any(rule.is_for(place.pair.cell) for rule in rules)]
    return Outcome(
        checks=tuple(checks),
        expected=len(applies),
        evaluated=len({check.run_id for check in checks if check.kind == "ratio"}),
        skipped=None if applies else say("No rule is for a planned cell."),
    )


def ratio_of(rule: RatioRule, run: Run) -> float | None:
    """Return the value that a rule holds against its band.

    None where a metric is missing or not finite, or the denominator is 0.
    """
    operands = rule.ratio.operands
    if any(_broken(run, operand) for operand in operands):
        return None
    return _divided(*(_number(run, operand) for operand in operands))


def _check(rule: RatioRule, judged: Judged) -> Check:
    """Judge one run by one rule. What is missing or not finite fails at once; a zero denominator is out of range."""
    operands = rule.ratio.operands
    problems = [problem for operand in operands if (problem := _broken(judged.run, operand))]
    if problems:
        message = say(
            "{problems}. Log finite values in every run, or correct the name in the rule.",
            problems=between(" and ", problems),
        )
        return _ratio_check(rule, judged, Status.FAIL, message, "; ".join(problems), at_once=True)
    numbers = [_number(judged.run, operand) for operand in operands]
    value = _divided(*numbers)
    observed = "nothing: the denominator is 0" if value is None else f"{value:g}"
    if value is not None and rule.holds(value):
        message = say("{value} is {observed}.", value=rule.value, observed=observed)
        return _ratio_check(rule, judged, Status.PASS, message, observed)
    divided = f" ({numbers[0]:g} / {numbers[1]:g})" if len(numbers) == 2 else ""
    message = say(
        "{value} is {observed}, expected {band}. "
        "Look at the curves of this run, correct what they show and run again.",
        value=rule.value,
        observed=f"{observed}{divided}",
        band=rule.band,
    )
    return _ratio_check(rule, judged, Status.FAIL, message, observed)


def _histories(judged: Judged) -> Iterator[Check]:
    """Warn of a history whose last value is not the run's latest metric: one of the two was changed."""
    for metric, history in judged.run.histories.items():
        latest = judged.run.metrics.get(metric)
        if latest is not None and history.last != latest:
            message = say(
                "The history of {metric} ends with {last}, but the run's value is {latest}. "
                "Find out which one training wrote.",
                metric=metric,
                last=history.last,
                latest=latest,
            )
            yield judged.check(
                "G5", "history", Status.WARNING, metric, message, observed=history.last, expected=latest
            )


def _ratio_check(
    rule: RatioRule, judged: Judged, status: Status, message: Message, observed: str, *, at_once: bool = False
) -> Check:
    return judged.check(
        "G5",
        "ratio",
        status,
        rule.value,
        message,
        observed=observed,
        expected=rule.band,
        at_once=at_once,
        looked_at="metrics",
    )


# --- values -----------------------------------------------------------------------------------------------------------


def _broken(run: Run, operand: Operand) -> Message | None:
    """Return what is wrong with a metric that cannot be used, None where it can."""
    if _text(run, operand) is None:
        where = (
            "{metric} is missing with a history" if operand.metric in run.metrics else "{metric} is missing"
        )
        return say(where, metric=operand.metric)
    number = _number(run, operand)
    if math.isfinite(number):
        return None
    return say("{metric} is {number}", metric=operand.metric, number=metric_text(number))


def _number(run: Run, operand: Operand) -> float:
    """Return the value that the operand picks, NaN where there is a NaN among what it picks from, or nothing."""
    return metric_number(_text(run, operand) or "NaN")


def _text(run: Run, operand: Operand) -> str | None:
    """Return the value that the operand picks; None: there is nothing that it can pick from."""
    latest = run.metrics.get(operand.metric)
    history = run.histories.get(operand.metric)
    if history is None:
        return latest if operand.pick in (None, "last") else None
    picked = {"first": history.first, "last": history.last, "min": history.smallest, "max": history.largest}
    return latest if operand.pick is None else picked[operand.pick]


def _divided(numerator: float, denominator: float = 1.0) -> float | None:
    return None if denominator == 0 else numerator / denominator


# --- init -------------------------------------------------------------------------------------------------------------

_VALIDATION, _TRAINING = {"val", "valid", "validation", "eval"}, {"train", "training"}
_ERRORS = {"mse", "rmse", "mae", "mape", "error", "l1", "l2", "huber", "deviance"}


def _propose(seen: Seen) -> Proposal:
    band = MetricRatioSettings().rules[0]
    pair = next(_loss_pairs(seen.in_most(lambda run: run.metrics)), None)
    if pair is None:
        return Proposal(
            found="most runs log no validation and training loss with similar names",
            to_log=('mlflow.log_metrics({"train_loss": train_loss, "val_loss": val_loss})',),
        )
    value = " / ".join(map(_written, pair))
    rule = {"value": value, "min": f"{band.min:g}", "max": f"{band.max:g}"}
    return Proposal(
        found=seen.how_many_log(lambda run: run.metrics.keys() >= {*pair}, " and ".join(pair)),
        settings={} if value == band.value else {"rules": (rule,)},
    )


def _loss_pairs(metrics: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield validation and training losses that are called alike, the shortest names first.

    Keras calls the training loss just ``loss``; one that says that it is of training comes first.
    """
    losses = sorted(
        (name for name in metrics if _is_loss(name) and "`" not in name),
        key=lambda name: ("loss" not in name.lower(), len(name), name),
    )
    pairs = [
        (bool(_TRAINING & set(_words(training))), validation, training)
        for validation in losses
        for training in losses
        if _VALIDATION & set(_words(validation))
        and not _VALIDATION & set(_words(training))
        and _rest(validation) == _rest(training)
    ]
    for says_so in (True, False):
        yield from ((validation, training) for said, validation, training in pairs if said is says_so)


def _is_loss(metric: str) -> bool:
    return "loss" in metric.lower() or not _ERRORS.isdisjoint(_words(metric))


def _words(name: str) -> list[str]:
    """Return the words of a name; LightGBM numbers its data sets, as in ``valid_1-l2``."""
    return re.split(r"[^a-z0-9]+", re.sub(r"^valid_\d+-", "valid-", name.lower()))


def _rest(name: str) -> set[str]:
    return set(_words(name)) - _VALIDATION - _TRAINING - {"epoch"}


def _written(metric: str) -> str:
    """Return a metric as a ratio names it, in backquotes where a blank or a dot could mean something else."""
    return f"`{metric}`" if re.search(r"[\s.]", metric) else metric


def _mutations() -> Sequence[Mutation]:
    from smoke_gate.gates.mutations.metric_ratio import MUTATIONS

    return MUTATIONS


GATE = Gate(
    id="G5",
    section="metric_ratio",
    title="Metric ratios",
    settings=MetricRatioSettings,
    judge=judge,
    needs=_needs,
    defaults=_defaults,
    cells=_cells,
    propose=_propose,
    mutations=_mutations,
    read_from="the run's metrics: {}",
    explanation=Explanation(
        question="Does training look like training?",
        checks=(
            "For each rule and run, `value` lies within `min` and `max`.",
            "A metric that is missing, NaN or infinite fails the gate at once, whatever its threshold.",
            "A denominator of 0 is out of range.",
            "A metric of a rule whose history ends with another value than the run's metric is a WARNING.",
        ),
        example="val_loss / train_loss is 120 (60 / 0.5), expected 0.2 to 5. Look at the curves of this run, correct "
        "what they show and run again.",
        fix="Look at the loss curves. Far above the band a run has diverged or overfits; far below it validation data "
        "has leaked, or a loss is computed in another space. Widen a band only with a reason.",
    ),
)
