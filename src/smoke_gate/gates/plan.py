"""G0: the planned runs exist, once each, and are what the plan says."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations

from smoke_gate.evidence import Attempt, metric_number
from smoke_gate.gates.base import Case, Check, Gate, Judged, Outcome, Status, quoted
from smoke_gate.gates.commits import Finding, commit_checks
from smoke_gate.policy.model import UnitRule
from smoke_gate.policy.terms import matches, short
from smoke_gate.selection import Place

POLICY_FILE = "smoke-gate.yml"
NO_RESULT_PREFIX = "system/"  # what MLflow measures of the machine
NO_RESULT_SUFFIXES = ("_time", "_seconds", "duration")

Results = frozenset[tuple[str, str]]


def judge(case: Case) -> Outcome:
    """Hold the plan against the attempts, and each run against what its cell is expected to be."""
    checks = [
        *(_pair(case, place) for place in case.matrix.places),
        *_expectations(case),
        *_required_metrics(case),
        *commit_checks(case),
        *_seed_spellings(case),
        *_replicates(case),
        *_unexpected(case),
        *_policy_change(case),
    ]
    return Outcome(checks=tuple(checks), expected=len(case.matrix.places), evaluated=len(case.judged))


# --- pairs ------------------------------------------------------------------------------------------------------------


def _pair(case: Case, place: Place) -> Check:
    """Check that one finished run stands for the pair, and say how many tries it took."""
    status, message = _pair_finding(case, place)
    return Check(
        gate="G0", kind="pair", status=status, subject=place.pair.subject, message=message,
        run_id=None if place.selected is None else place.selected.run_id, cell=place.pair.cell, seed=place.pair.seed,
        observed=_tries(place.attempts), expected="a finished run",
    )  # fmt: skip


def _pair_finding(case: Case, place: Place) -> Finding:
    tries = _tries(place.attempts)
    if place.selected is None:
        return Status.FAIL, f"No finished run, {tries}. {_how_to_get_it(place)}"
    if all(judged.pair != place.pair for judged in case.judged):
        return Status.FAIL, "Its run was not read, so nothing of it is known. Read the experiment again."
    findings = [*_duplicates(case, place), *_attempts(case, place)]
    statuses = [status for status, _ in findings]
    worst = next((status for status in (Status.FAIL, Status.WARNING) if status in statuses), Status.PASS)
    return worst, " ".join([f"A finished run, {tries}.", *(message for _, message in findings)])


def _how_to_get_it(place: Place) -> str:
    if any(attempt.status in ("RUNNING", "SCHEDULED") for attempt in place.attempts):
        return "Wait for it (--wait), or run it again."
    return "Run it, or exclude the pair in the plan with a reason."


def _duplicates(case: Case, place: Place) -> Iterator[Finding]:
    """Find candidates beside the newest that no change of code explains."""
    newest, *others = place.candidates
    if others and case.policy.runs.duplicates == "fail":
        message = f"There is more than one, also {_names(others)}, and the policy says `duplicates: fail`."
        yield Status.FAIL, f"{message} Decide which one counts."
        return
    unexplained = [
        other for other in others if other.commit == newest.commit or not (other.commit and newest.commit)
    ]
    if unexplained:
        message = (
            f"The newest was taken; of the same or an unknown commit there is also {_names(unexplained)}."
        )
        yield Status.WARNING, f"{message} Look at why it was run again."


def _attempts(case: Case, place: Place) -> Iterator[Finding]:
    bound = case.policy.plan.max_attempts
    if bound is not None and len(place.attempts) > bound:
        yield Status.WARNING, f"These are more than `max_attempts: {bound}`. Look at why it took so many."


def _names(attempts: Sequence[Attempt]) -> str:
    return ", ".join(attempt.run_id for attempt in attempts)


def _tries(attempts: Sequence[Attempt]) -> str:
    """Say how many attempts there were and what became of them: `3 attempts: FAILED ×2, FINISHED`."""
    if not attempts:
        return "no attempt"
    states = Counter(map(_state, attempts))
    listed = ", ".join(
        state if number == 1 else f"{state} ×{number}" for state, number in sorted(states.items())
    )
    return f"{len(attempts)} attempt{'s' if len(attempts) > 1 else ''}: {listed}"


def _state(attempt: Attempt) -> str:
    if attempt.lifecycle_stage != "active":
        return f"{attempt.lifecycle_stage} ({attempt.status})"
    if attempt.status == "FINISHED":
        return "FINISHED" if attempt.in_scope else "FINISHED but left out by `runs.where`"
    if attempt.status == "RUNNING" and attempt.start_time is not None:
        return f"RUNNING since {_utc(attempt.start_time)}"
    return attempt.status


def _utc(milliseconds: int) -> str:
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:  # a clock in nanoseconds, say
        return f"{milliseconds} ms"
    return f"{moment:%Y-%m-%d %H:%M} UTC"


# --- what the plan says of a run --------------------------------------------------------------------------------------


def _expectations(case: Case) -> Iterator[Check]:
    named = {reference for cell in case.policy.plan.cells.values() for reference in cell.expect}
    rules = case.policy.gates.unit_contract.rules
    for judged in case.judged:
        cell = case.policy.plan.cells[judged.pair.cell]
        for reference, allowed in cell.expect.items():
            yield _expected(judged, reference, allowed)
        for reference in sorted(named - cell.expect.keys()):
            of_key = [rule for rule in rules if reference in rule.when]
            if of_key:
                yield _not_planned(judged, reference, of_key)


def _expected(judged: Judged, reference: str, allowed: Sequence[str]) -> Check:
    value, wanted = judged.run.value(reference), " or ".join(allowed)
    if matches(value, allowed):
        status, message = Status.PASS, f"{short(reference)} is as planned."
    else:
        found = "missing" if value is None else quoted(value)
        status = Status.FAIL
        message = (
            f"{short(reference)} is {found}, but cell {judged.pair.cell} is planned with {wanted}. "
            "Run it again as planned, or correct `expect`."
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


def _not_planned(judged: Judged, reference: str, rules: Sequence[UnitRule]) -> Check:
    """Check that a run of a cell that is planned without what other cells are planned with ran without it."""
    value = judged.run.value(reference)
    satisfied = [rule for rule in rules if _satisfies(judged, rule)]
    if satisfied:
        status = Status.FAIL
        message = (
            f"It ran with {_condition(satisfied[0])}, but cell {judged.pair.cell} is not planned so. "
            f"Run it again without, or write {short(reference)} into the cell's `expect`."
        )
    else:
        status, message = Status.PASS, f"{short(reference)} is as planned: not switched on."
    return judged.check(
        "G0", "expect", status, reference, message, observed="missing" if value is None else value,
        expected=" and ".join(f"not {_condition(rule)}" for rule in rules),
    )  # fmt: skip


def _satisfies(judged: Judged, rule: UnitRule) -> bool:
    return all(matches(judged.run.value(reference), allowed) for reference, allowed in rule.when.items())


def _condition(rule: UnitRule) -> str:
    return " and ".join(
        f"{short(reference)} = {' or '.join(allowed)}" for reference, allowed in rule.when.items()
    )


def _required_metrics(case: Case) -> Iterator[Check]:
    for judged in case.judged:
        for metric in case.policy.plan.required_metrics:
            value = judged.run.metrics.get(metric)
            if value is None:
                status, message = Status.FAIL, f"{metric} is missing. Log it in every run."
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
    """Return the metrics that training made, without what depends on the machine."""
    return frozenset(
        (name, text)
        for name, text in judged.run.metrics.items()
        if not name.startswith(NO_RESULT_PREFIX) and not name.endswith(NO_RESULT_SUFFIXES)
    )


def _tells(results: Results) -> bool:
    """Whether equal results would be a surprise: there are any, and not only 0 and ±1."""
    return any(abs(metric_number(text)) not in (0, 1) for _, text in results)


def _unexpected(case: Case) -> Iterator[Check]:
    """Find finished runs of pairs that are not planned."""
    if case.policy.runs.unexpected == "ignore":
        return
    status = Status.FAIL if case.policy.runs.unexpected == "fail" else Status.WARNING
    for attempt in case.matrix.unexpected:
        cell, seed = attempt.cell or "", None if case.policy.runs.seed == "none" else attempt.seed
        message = (
            "This run finished, but its cell and seed are not planned. "
            "Add them to the plan, or name them in `runs.ignore` with a reason."
        )
        yield Check(
            gate="G0", kind="unexpected", status=status, subject=attempt.run_id, message=message,
            run_id=attempt.run_id, cell=cell, seed=seed, observed=cell if seed is None else f"{cell}/{seed}",
            expected="a planned pair",
        )  # fmt: skip


def _policy_change(case: Case) -> Iterator[Check]:
    if case.evidence.policy_change:
        message = (
            "This pull request changes the policy that judges it. A person must agree with the difference."
        )
        yield Check(
            gate="G0", kind="policy", status=Status.WARNING, subject=POLICY_FILE, message=message,
            observed=case.evidence.policy_change, expected="no change",
        )  # fmt: skip


GATE = Gate(id="G0", section="plan", title="Plan", judge=judge)
