"""How a matrix breaks that G5 should see: metrics that training should not give."""

from dataclasses import replace

from smoke_gate.evidence import Evidence, metric_number, metric_text
from smoke_gate.gates.base import Case, Judged, Mutation, PolicyLine, Unbroken
from smoke_gate.gates.metric_ratio import MetricRatioSettings, RatioRule, ratio_of
from smoke_gate.gates.mutations.changes import main_metric, with_metric, with_run
from smoke_gate.gates.twins import compared
from smoke_gate.message import say
from smoke_gate.policy.terms import Operand
from smoke_gate.text import words_of

_FAR = 10.0  # times the end of a band, or the value itself squared where there is no band


def _inside(case: Case, operands: int) -> tuple[RatioRule, Judged, float] | None:
    """Return the first rule of so many operands, with the first run that is in its band, and the run's value."""
    for rule in case.settings(MetricRatioSettings).rules:
        for judged in case.judged:
            value = ratio_of(rule, judged.run) if rule.is_for(judged.pair.cell) else None
            if value is not None and rule.holds(value) and len(rule.ratio.operands) == operands:
                return rule, judged, value
    return None


def _outside(rule: RatioRule, value: float) -> float:
    """Return a value that is well outside of the band, and at least as far from the run's value."""
    if rule.max is not None:
        return max(abs(rule.max), abs(value), 1.0) * _FAR
    return min(-abs(rule.min or 0.0), -1.0) * _FAR if rule.min is None or rule.min <= 0 else rule.min / _FAR


def _with_value(case: Case, judged: Judged, operand: Operand, text: str) -> Evidence:
    """Change what an operand reads: the last value, or for a pick of a history all of it."""
    evidence = with_metric(case.evidence, judged.run, operand.metric, text)
    if operand.pick in (None, "last"):
        return evidence
    history = replace(
        judged.run.histories[operand.metric], first=text, last=text, smallest=text, largest=text
    )
    return with_run(evidence, judged.run, histories={**judged.run.histories, operand.metric: history})


def _ratio(case: Case) -> Evidence | Unbroken:
    found = _inside(case, 2)
    if found is None:
        return Unbroken(
            say("No rule of the policy is for the ratio of two metrics, or no run is in its band.")
        )
    rule, judged, value = found
    top, bottom = rule.ratio.operands
    denominator = metric_number(judged.run.metrics[top.metric]) / value if value else 1.0
    if top.metric == bottom.metric:  # of one history: only its end may change
        return with_metric(
            case.evidence, judged.run, top.metric, metric_text(_outside(rule, value) * denominator)
        )
    return _with_value(case, judged, top, metric_text(_outside(rule, value) * denominator))


def _level(case: Case) -> Evidence | Unbroken:
    """Put a metric far off: one that a rule judges, else one that no rule names."""
    found = _inside(case, 1)
    if found is not None:
        rule, judged, value = found
        return _with_value(case, judged, rule.ratio.numerator, metric_text(_outside(rule, value)))
    metric = _unjudged(case)
    for judged in case.judged:
        if metric is not None and metric in judged.run.metrics:
            value = (abs(metric_number(judged.run.metrics[metric])) + 1.0) * 1000.0
            return with_metric(case.evidence, judged.run, metric, metric_text(value))
    return Unbroken(say("Every metric of the runs is in a ratio, or the runs log none."))


def _unjudged(case: Case) -> str | None:
    """Return a metric that no rule names: one that is required, if there is one."""
    named = case.settings(MetricRatioSettings).metrics
    logged = [name for one in case.judged for name in sorted(compared(one.run.metrics)) if name not in named]
    return next((name for name in case.policy.plan.all_required if name in logged), next(iter(logged), None))


def _band(case: Case) -> PolicyLine | None:
    """Add a rule for the metric that none names, around the values that the runs have."""
    metric = _unjudged(case)
    if metric is None:
        return None
    values = [metric_number(one.run.metrics[metric]) for one in case.judged if metric in one.run.metrics]
    width = max(values) - min(values) or abs(max(values)) or 1.0
    rule = {
        "value": metric,
        "min": float(f"{min(values) - width:.2g}"),
        "max": float(f"{max(values) + width:.2g}"),
    }
    return _with_rule(case, rule)


def _with_rule(case: Case, rule: dict[str, object]) -> PolicyLine:
    rules = [
        one.model_dump(mode="json", exclude_none=True) for one in case.settings(MetricRatioSettings).rules
    ]
    return PolicyLine(("gates", "metric_ratio", "rules"), [*rules, rule])


def _rewritten(case: Case) -> Evidence | Unbroken:
    """Change a run's latest value and leave its history as it is."""
    for judged in case.judged:
        for metric in judged.run.histories:
            value = metric_number(judged.run.metrics.get(metric, "0"))
            if value:
                metrics = {**judged.run.metrics, metric: metric_text(value * 0.99)}
                return with_run(case.evidence, judged.run, metrics=metrics)
    return no_history(case)


def no_history(case: Case) -> Unbroken:
    """Say that no history was read, and which rule would ask for one."""
    losses = (name for one in case.judged for name in sorted(one.run.metrics) if "loss" in words_of(name))
    metric = next(losses, None) or main_metric(case)  # a loss has a history, a result often has one value
    why = say("No gate asks for the history of a metric.")
    if metric is None:
        return Unbroken(why)
    return Unbroken(why, _with_rule(case, {"value": f"{metric}.last / {metric}.first", "max": 1.0}))


MUTATIONS = (
    Mutation(
        name="odd_ratio", title="the ratio of two losses is out of its band", change=_ratio, also=("G0",)
    ),
    Mutation(
        name="odd_metric", title="a metric is far from that of all other runs", change=_level, remedy=_band
    ),
    Mutation(
        name="rewritten_metric", title="a metric was changed after training had logged it", change=_rewritten
    ),
)
