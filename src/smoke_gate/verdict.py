"""Checks to gate results to the verdict: pure, so that the same policy and evidence give the same answer anywhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import get_args

from smoke_gate.evidence import Evidence
from smoke_gate.gates import PLAN, gates_of
from smoke_gate.gates.base import Case, Check, Gate, Judged, Looked, Outcome, Plugin, Status, case_of
from smoke_gate.gates.guard import FAULTS, checked, text_of
from smoke_gate.gates.plugins import UnavailableError
from smoke_gate.gates.twins import compared
from smoke_gate.message import Message, recorded, say
from smoke_gate.policy.model import Policy
from smoke_gate.policy.settings import GateSettings
from smoke_gate.policy.terms import threshold_runs
from smoke_gate.references import ReferenceResult, compare_references
from smoke_gate.selection import Matrix, matrix_of
from smoke_gate.text import counted
from smoke_gate.waivers import WaiverResult, apply_waivers

POLICY_FILE = "smoke-gate.yml"
NOTHING_JUDGED = "nothing_judged"
NOTHING_YET = "nothing_yet"  # the kind of a failure that waiting may end


class VerdictStatus(StrEnum):
    """The answer."""

    ALL_PASS = "ALL PASS"  # noqa: S105
    WARNING = "WARNING"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The decision of a gate; ``failing`` counts the runs with an unwaived failure, ``fail_threshold`` is in runs."""

    id: str
    name: str
    status: Status
    critical: bool
    evaluated: int
    expected: int
    failing: int
    fail_threshold: int
    message: Message
    plugin: Plugin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts for headlines: planned and found runs, gates off, checks after waivers, and runs by what was looked at."""

    planned: int
    found: int
    passed: int
    warned: int
    failed: int
    skipped: int
    gates_off: int
    looked_at: Mapping[Looked, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision and what led to it. ``pending``: the only failures are planned pairs that are not finished yet."""

    status: VerdictStatus
    critical: bool
    pending: bool
    gates: tuple[GateResult, ...]
    checks: tuple[Check, ...]
    references: tuple[ReferenceResult, ...]
    waivers: tuple[WaiverResult, ...]
    summary: Summary
    matrix: Matrix


def outcomes_of(case: Case) -> Mapping[Gate, Outcome]:
    """Return what each gate of the policy finds by itself."""
    return {gate: _outcome(gate, case) for gate in gates_of(case.policy)}


def evaluate(
    policy: Policy, evidence: Evidence, known: Mapping[Gate, Outcome] = MappingProxyType({})
) -> Verdict:
    """Judge the evidence by the policy.

    Reads no clock, file or environment. A gate that raises is FAIL, with the reason. What gates found is ``known``
    where it was asked before: these are not asked again.
    """
    matrix, gates = matrix_of(policy, evidence), gates_of(policy)
    case = case_of(policy, evidence, matrix)
    outcomes = _looked_at(case, {gate: known.get(gate) or _outcome(gate, case) for gate in gates})
    references = compare_references(case)
    unlooked = list(_unlooked(case, outcomes.values(), references))
    outcomes = {**outcomes, PLAN: _with_policy_change(case, _with_checks(outcomes[PLAN], unlooked))}
    found = [
        check for gate in gates for check in sorted(outcomes[gate].checks, key=lambda check: check.order)
    ]
    checks, waivers = apply_waivers(policy, matrix, found, as_of=evidence.as_of)
    results = tuple(_result(gate, case, outcomes[gate], checks) for gate in gates)
    status = _status(results, checks, references, waivers)
    return Verdict(
        status=status,
        critical=any(result.critical for result in results),
        pending=status is VerdictStatus.FAIL and _is_pending(results, checks),
        gates=results,
        checks=checks,
        references=references,
        waivers=waivers,
        summary=_summary(policy, matrix, checks, references),
        matrix=matrix,
    )


# --- one gate ---------------------------------------------------------------------------------------------------------


def _outcome(gate: Gate, case: Case) -> Outcome:
    """Ask the gate, where there is something to ask about."""
    settings, planned = _settings(case.policy, gate), len(case.matrix.places)
    if not settings.enabled:
        off = say("Off: {reason}", reason=settings.reason or "")
        return _closed(gate, "off", Status.SKIPPED, off, expected=0)
    if _states_nothing(case.matrix) and gate is not PLAN:
        message = say(
            "There is no attempt at any planned pair, so nothing was judged. "
            "Check `experiments`, `runs.cell` and `runs.seed`."
        )
        return _closed(gate, "nothing_found", Status.FAIL, message, expected=planned)
    if not case.matrix.selected and gate is not PLAN:
        message = say("There is nothing to judge yet: no planned pair has a finished run.")
        yet = _closed(gate, NOTHING_YET, Status.FAIL, message, expected=planned, pending=True)
        return replace(yet, checks=tuple(gate.early(case)) or yet.checks)
    try:
        outcome = checked(gate, gate.judge(case), planned)
    except UnavailableError as error:
        return _closed(gate, "error", Status.FAIL, error.said, expected=planned)
    except FAULTS as error:  # what a gate could not judge is its failure, never a crash and never a pass
        message = say(
            "The gate could not be evaluated: {kind}: {error}. Please report this{whom}.",
            kind=type(error).__name__,
            error=text_of(error),
            whom=say(" to the authors of {name}", name=gate.plugin.name) if gate.plugin else say(""),
        )
        return _closed(gate, "error", Status.FAIL, message, expected=planned)
    return _completed(gate, case, outcome)


def _completed(gate: Gate, case: Case, outcome: Outcome) -> Outcome:
    """Add the check that a gate still owes: that it judged nothing, or why it has no checks."""
    if outcome.expected and not outcome.evaluated and not _has_lasting_failure(outcome.checks):
        owed = _nothing_judged(gate, case, outcome.expected)
        return replace(owed, checks=(*outcome.checks, *owed.checks))
    if not outcome.checks:
        return _closed(
            gate,
            "skipped",
            Status.SKIPPED,
            outcome.skipped or say("It applies to no planned run."),
            expected=0,
        )
    return outcome


def _has_lasting_failure(checks: Sequence[Check]) -> bool:
    """Return whether a failure is among the checks that no waiver can take away."""
    return any(check.status is Status.FAIL and not check.waivable for check in checks)


def _nothing_judged(gate: Gate, case: Case, expected: int) -> Outcome:
    """Say that none of the runs that the gate applies to was judged."""
    if _waits(case):
        message = say(
            "There is nothing to judge yet: none of the {expected} runs that the gate applies to is finished.",
            expected=expected,
        )
        return _closed(gate, NOTHING_YET, Status.FAIL, message, expected=expected, pending=True)
    message = say("None of the {expected} runs that the gate applies to could be judged.", expected=expected)
    return _closed(gate, NOTHING_JUDGED, Status.FAIL, message, expected=expected)


def _waits(case: Case) -> bool:
    """Return whether more could be judged by waiting: there are unfinished pairs, and all that finished was read."""
    return len(case.judged) == len(case.matrix.selected) < len(case.matrix.places)


def _looked_at(case: Case, outcomes: Mapping[Gate, Outcome]) -> Mapping[Gate, Outcome]:
    """Return what the gates found. If all of them are skipped, each gate that is on fails instead."""
    if any(check.status is not Status.SKIPPED for outcome in outcomes.values() for check in outcome.checks):
        return outcomes
    kind, planned = NOTHING_YET if _waits(case) else NOTHING_JUDGED, len(case.matrix.places)

    def failing(gate: Gate, outcome: Outcome) -> Outcome:
        message = say(
            "{found} No other gate judged anything either, so nothing was looked at. Switch on a gate that applies.",
            found=outcome.checks[0].message,
        )
        return _closed(gate, kind, Status.FAIL, message, expected=planned, pending=kind == NOTHING_YET)

    return {
        gate: failing(gate, outcome) if _settings(case.policy, gate).enabled else outcome
        for gate, outcome in outcomes.items()
    }


def _with_checks(outcome: Outcome, checks: Sequence[Check]) -> Outcome:
    return replace(outcome, checks=(*outcome.checks, *checks))


def _unlooked(
    case: Case, outcomes: Iterable[Outcome], references: Sequence[ReferenceResult]
) -> Iterator[Check]:
    """Warn of each run of which no outcome was judged: no metric, no weights and no figure."""
    looked_at = {check.run_id for outcome in outcomes for check in outcome.checks if check.looked_at}
    looked_at |= {result.run_id for result in references if result.value is not None}
    for judged in case.judged:
        if judged.run.run_id not in looked_at:
            yield judged.check(
                PLAN.id, "coverage", Status.WARNING, "outcome", _how_to_look(judged), observed="nothing",
                expected="a metric, weights or a figure that a gate judges", waivable=False,
            )  # fmt: skip


def _how_to_look(judged: Judged) -> Message:
    """Name the shortest way to have the outcome of a run judged."""
    found = say("No gate judged what this run achieved: no metric, no weights, no figure.")
    metric = next(iter(compared(judged.run.metrics)), None)
    if metric is None:
        return say("{found} Log a metric and name it in `plan.required_metrics`.", found=found)
    return say(
        "{found} Name a metric that it logs in `plan.required_metrics`, such as {metric}.",
        found=found,
        metric=metric,
    )


def _with_policy_change(case: Case, outcome: Outcome) -> Outcome:
    """Return G0's outcome with the warning of a changed policy, on or off: the change may have switched it off."""
    change = case.evidence.policy_change
    if change is None:
        return outcome
    check = Check(
        gate=PLAN.id, kind="policy", status=Status.WARNING, subject=POLICY_FILE,
        message=say("{found} A person must agree with the rules that judge these runs.", found=recorded(change.found)),
        observed="\n".join(change.difference) or "not known", expected="no change", waivable=False,
    )  # fmt: skip
    return _with_checks(outcome, [check])


def _closed(
    gate: Gate, kind: str, status: Status, message: Message, *, expected: int, pending: bool = False
) -> Outcome:
    check = Check(
        gate=gate.id, kind=kind, status=status, subject=gate.section, message=message, waivable=False,
        pending=pending,
    )  # fmt: skip
    return Outcome(checks=(check,), expected=expected, evaluated=0)


def _result(gate: Gate, case: Case, outcome: Outcome, all_checks: Sequence[Check]) -> GateResult:
    checks = [check for check in all_checks if check.gate == gate.id]
    failures = [check for check in checks if check.status is Status.FAIL]
    failing = {check.run_id for check in failures if check.run_id is not None}
    settings = _settings(case.policy, gate)
    threshold = threshold_runs(settings.threshold, len(case.matrix.places))
    at_once = any(check.at_once or check.run_id is None for check in failures)
    status = _gate_status(checks, fails=at_once or len(failing) >= threshold)
    own_doing = any(not check.pending for check in failures)
    return GateResult(
        id=gate.id,
        name=gate.section,
        status=status if settings.enabled else Status.SKIPPED,
        critical=status is Status.FAIL and own_doing and (gate.critical or _states_nothing(case.matrix)),
        evaluated=outcome.evaluated,
        expected=outcome.expected,
        failing=len(failing),
        fail_threshold=threshold,
        message=_gate_message(checks, outcome, len(failing), threshold)
        if settings.enabled
        else outcome.checks[0].message,
        plugin=gate.plugin,
    )


def _settings(policy: Policy, gate: Gate) -> GateSettings:
    return policy.gates.by_section()[gate.section]


def _gate_message(checks: Sequence[Check], outcome: Outcome, failing: int, threshold: int) -> Message:
    """Say in a line what the gate found."""
    if len(checks) == 1 and checks[0].status in (Status.SKIPPED, Status.FAIL):
        return checks[0].message
    failed = sum(check.status is Status.FAIL for check in checks)
    waived = sum(check.waived is not None for check in checks)
    warned = sum(check.warns for check in checks)
    runs = f" in {counted(failing, 'run')}" if failing else ""
    parts = [
        f"{outcome.evaluated} of {outcome.expected} runs judged",
        f"{counted(failed, 'failing check')}{runs}" if failed else "",
        counted(warned, "warning") if warned else "",
        f"{waived} waived" if waived else "",
    ]
    fails = (
        f"; {counted(threshold, 'failing run')} {'fails' if threshold == 1 else 'fail'} the gate"
        if failing
        else ""
    )
    return say(", ".join(filter(None, parts)) + fails)


def _gate_status(checks: Sequence[Check], *, fails: bool) -> Status:
    statuses = {check.status for check in checks}
    if fails:
        return Status.FAIL
    if statuses & {Status.FAIL, Status.WARNING}:
        return Status.WARNING
    return Status.PASS if Status.PASS in statuses else Status.SKIPPED


# --- the verdict ------------------------------------------------------------------------------------------------------


def _status(
    results: Sequence[GateResult],
    checks: Sequence[Check],
    references: Sequence[ReferenceResult],
    waivers: Sequence[WaiverResult],
) -> VerdictStatus:
    statuses = {result.status for result in results}
    if Status.FAIL in statuses:
        return VerdictStatus.FAIL
    beside = [reference.tripped for reference in references] + [waiver.warns for waiver in waivers]
    warns = Status.WARNING in statuses or any(check.warns for check in checks) or any(beside)
    return VerdictStatus.WARNING if warns else VerdictStatus.ALL_PASS


def _is_pending(results: Sequence[GateResult], checks: Sequence[Check]) -> bool:
    """Return whether all that is wrong is that planned pairs are not run yet, so that waiting may end it."""
    failing = {result.id for result in results if result.status is Status.FAIL}
    return all(check.pending for check in checks if check.status is Status.FAIL and check.gate in failing)


def _states_nothing(matrix: Matrix) -> bool:
    """Return whether there are runs, and none of them states a planned cell and seed, or any at all."""
    tried = any(place.attempts for place in matrix.places)
    return not tried and bool(matrix.unidentified) and not matrix.unexpected


def _summary(
    policy: Policy, matrix: Matrix, checks: Sequence[Check], references: Sequence[ReferenceResult]
) -> Summary:
    def count(status: Status) -> int:
        return sum(check.status is status for check in checks)

    return Summary(
        planned=len(matrix.places),
        found=len(matrix.selected),
        passed=count(Status.PASS),
        warned=count(Status.WARNING),
        failed=count(Status.FAIL),
        skipped=count(Status.SKIPPED),
        gates_off=sum(not settings.enabled for settings in policy.gates.by_section().values()),
        looked_at=_looked_at_counts(checks, references),
    )


def _looked_at_counts(checks: Sequence[Check], references: Sequence[ReferenceResult]) -> Mapping[Looked, int]:
    """Return how many runs each outcome of training was judged of."""
    found: dict[Looked, set[str | None]] = {kind: set() for kind in get_args(Looked)}
    for check in checks:
        if check.looked_at is not None:
            found[check.looked_at].add(check.run_id)
    found["metrics"].update(result.run_id for result in references if result.value is not None)
    return {kind: len(runs) for kind, runs in found.items()}
