"""G0: the planned runs exist, once each, and are what the plan says."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations

from smoke_gate.evidence import metric_number
from smoke_gate.gates.base import Case, Check, Gate, Judged, Outcome, Status, quoted
from smoke_gate.gates.commits import commit_checks
from smoke_gate.gates.pairs import pair_checks, unexpected_checks
from smoke_gate.gates.unit_contract import condition_of, holds
from smoke_gate.policy.model import UnitRule
from smoke_gate.policy.terms import matches, nearest, short

POLICY_FILE = "smoke-gate.yml"
_NO_RESULT_PREFIX = "system/"  # what MLflow measures of the machine
_NO_RESULT_SUFFIXES = ("_time", "_seconds", "duration")

Results = frozenset[tuple[str, str]]


def judge(case: Case) -> Outcome:
    """Hold the plan against the attempts, and each run against what its cell is expected to be."""
    checks = [
        *pair_checks(case),
        *_expectations(case),
        *_required_metrics(case),
        *commit_checks(case),
        *_seed_spellings(case),
        *_replicates(case),
        *unexpected_checks(case),
        *policy_checks(case),
    ]
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


# --- what the plan says of a run --------------------------------------------------------------------------------------


def _expectations(case: Case) -> Iterator[Check]:
    named = {reference for cell in case.policy.plan.cells.values() for reference in cell.expect}
    rules = case.policy.gates.unit_contract.rules
    for judged in case.judged:
        cell = case.policy.plan.cells[judged.pair.cell]
        for reference, allowed in cell.expect.items():
            yield _expected(judged, reference, allowed, case.evidence.nearest.get(reference))
        for reference in sorted(named - cell.expect.keys()):
            of_key = [rule for rule in rules if reference in rule.when]
            if of_key:
                yield _not_planned(judged, reference, of_key)


def _expected(judged: Judged, reference: str, allowed: Sequence[str], near: str | None) -> Check:
    value, wanted = judged.run.value(reference), " or ".join(allowed)
    if matches(value, allowed):
        status, message = Status.PASS, f"{short(reference)} is as planned."
    else:
        found = "missing" if value is None else quoted(value)
        status = Status.FAIL
        message = (
            f"{short(reference)} is {found}, but cell {judged.pair.cell} is planned with {wanted}. "
            f"{_how_to_agree(value, allowed, near)}"
        )
    return judged.check(
        "G0",
        "expect",
        status,
        reference,
        message,
        observed="missing" if value is None else value,
        expected=wanted,
    )


def _how_to_agree(value: str | None, allowed: Sequence[str], near: str | None) -> str:
    if near is not None:
        return f"No run has it: did you mean {short(near)}?"
    if value is not None and any(_same_number(value, one) for one in allowed):
        return "Text is compared, not numbers: write it into `expect` as it was logged."
    return "Run it again as planned, or correct `expect`."


def _same_number(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def _not_planned(judged: Judged, reference: str, rules: Sequence[UnitRule]) -> Check:
    """Check that a run of a cell that is planned without what other cells are planned with ran without it."""
    value = judged.run.value(reference)
    satisfied = [rule for rule in rules if holds(rule, judged.run)]
    if satisfied:
        status = Status.FAIL
        message = (
            f"It ran with {condition_of(satisfied[0])}, but cell {judged.pair.cell} is not planned so. "
            f"Run it again without, or write {short(reference)} into the cell's `expect`."
        )
    else:
        status, message = Status.PASS, f"{short(reference)} is as planned: not switched on."
    return judged.check(
        "G0", "expect", status, reference, message, observed="missing" if value is None else value,
        expected=" and ".join(f"not {condition_of(rule)}" for rule in rules),
    )  # fmt: skip


def _required_metrics(case: Case) -> Iterator[Check]:
    nearest_of = cache(nearest)  # most runs log the same metrics
    for judged in case.judged:
        for metric in case.policy.plan.required_metrics:
            value = judged.run.metrics.get(metric)
            if value is None:
                near = nearest_of(metric, tuple(judged.run.metrics))
                meant = "" if near is None else f" Did you mean {quoted(near)}, which it logs?"
                status, message = Status.FAIL, f"{metric} is missing. Log it in every run.{meant}"
            elif not math.isfinite(metric_number(value)):
                status, message = (
                    Status.FAIL,
                    f"{metric} is {value}. Find out why it is not finite and run again.",
                )
            else:
                status, message = Status.PASS, f"{metric} is {value}."
            yield judged.check(
                "G0",
                "required_metric",
                status,
                metric,
                message,
                observed=value or "missing",
                expected="a finite value",
            )


def _seed_spellings(case: Case) -> Iterator[Check]:
    for judged in case.judged:
        recorded, planned = judged.attempt.seed, judged.pair.seed
        if planned is not None and recorded is not None and recorded != planned:
            message = (
                f"The run spells its seed {quoted(recorded)}, the plan {quoted(planned)}. Use one spelling."
            )
            yield judged.check(
                "G0", "seed", Status.WARNING, "seed", message, observed=recorded, expected=planned
            )


# --- what nobody planned ----------------------------------------------------------------------------------------------


def _replicates(case: Case) -> Iterator[Check]:
    """Find two seeds of a cell with the same results to the last bit."""
    same: dict[tuple[str, Results], list[Judged]] = defaultdict(list)
    for judged in case.judged:
        results = _results(judged)
        if _tells(results) and not case.policy.plan.cells[judged.pair.cell].deterministic:
            same[judged.pair.cell, results].append(judged)
    for (_, results), runs in same.items():
        for one, other in combinations(runs, 2):
            message = (
                f"{one.pair.subject} and {other.pair.subject} have identical metrics: the seed had no effect, or a run "
                "was copied. Check how the seed is used, or mark the cell `deterministic`."
            )
            subject = f"{one.pair.subject}={other.pair.subject}"
            yield one.check(
                "G0", "replicate", Status.WARNING, subject, message, observed=f"{len(results)} equal metrics"
            )


def _results(judged: Judged) -> Results:
    return frozenset((name, text) for name, text in judged.run.metrics.items() if is_result(name))


def is_result(metric: str) -> bool:
    """Whether training made a metric, rather than the machine."""
    return not metric.startswith(_NO_RESULT_PREFIX) and not metric.endswith(_NO_RESULT_SUFFIXES)


def _tells(results: Results) -> bool:
    """Whether equal results would be a surprise: there are any, and not only 0 and ±1."""
    return any(abs(metric_number(text)) not in (0, 1) for _, text in results)


def policy_checks(case: Case) -> Iterator[Check]:
    """Warn of a policy that is not the base branch's, or of which that is not known."""
    change = case.evidence.policy_change
    if change is not None:
        message = f"{change.found} A person must agree with the rules that judge these runs."
        yield Check(
            gate="G0", kind="policy", status=Status.WARNING, subject=POLICY_FILE, message=message,
            observed="\n".join(change.difference) or "not known", expected="no change",
        )  # fmt: skip


GATE = Gate(id="G0", section="plan", title="Plan", judge=judge)
