"""Checks to gate results to the verdict: pure, so that the same policy and evidence give the same answer anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from smoke_gate.evidence import Evidence
from smoke_gate.gates import GATES
from smoke_gate.gates.base import Case, Check, Gate, Outcome, Status, case_of
from smoke_gate.gates.plan import policy_checks
from smoke_gate.gates.words import gate_message
from smoke_gate.policy.model import UNWAIVABLE, DefinitionHashGate, GateId, GateSection, Policy
from smoke_gate.policy.terms import threshold_runs
from smoke_gate.references import ReferenceResult, compare_references
from smoke_gate.selection import Matrix, select
from smoke_gate.waivers import WaiverResult, apply_waivers

PLAN_GATE: GateId = "G0"
CRITICAL_GATE: GateId = "G1"
ENDED_BADLY = ("FAILED", "KILLED")
NOTHING_JUDGED = "nothing_judged"
NOTHING_YET = "nothing_yet"  # the kind of a failure that waiting may end


class VerdictStatus(StrEnum):
    """The answer."""

    ALL_PASS = "ALL PASS"  # noqa: S105
    WARNING = "WARNING"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What a gate decided; ``failing`` counts the runs with an unwaived failure, ``fail_threshold`` is in runs."""

    id: GateId
    name: str
    status: Status
    critical: bool
    evaluated: int
    expected: int
    failing: int
    fail_threshold: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts for headlines: planned and found runs, gates off, and checks after waivers."""

    planned: int
    found: int
    passed: int
    warned: int
    failed: int
    skipped: int
    gates_off: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision and what led to it; ``pending``: all that is wrong is that planned pairs are not finished yet."""

    status: VerdictStatus
    critical: bool
    pending: bool
    gates: tuple[GateResult, ...]
    checks: tuple[Check, ...]
    references: tuple[ReferenceResult, ...]
    waivers: tuple[WaiverResult, ...]
    summary: Summary
    matrix: Matrix


def evaluate(policy: Policy, evidence: Evidence) -> Verdict:
    """Judge the evidence by the policy.

    Reads no clock, file or environment. A gate that raises is FAIL, with the reason.
    """
    matrix = select(policy, evidence.attempts)
    case = case_of(policy, evidence, matrix)
    outcomes = _with_policy_change(case, _looked_at(case, {gate.id: _outcome(gate, case) for gate in GATES}))
    found = sorted(
        (check for outcome in outcomes.values() for check in outcome.checks), key=lambda check: check.order
    )
    checks, waivers = apply_waivers(policy, matrix, found, as_of=evidence.as_of)
    results = tuple(_result(gate, case, outcomes[gate.id], checks) for gate in GATES)
    references = compare_references(case)
    status = _status(results, checks, references, waivers)
    return Verdict(
        status=status,
        critical=any(result.critical for result in results),
        pending=status is VerdictStatus.FAIL and _is_pending(matrix, results, checks),
        gates=results,
        checks=checks,
        references=references,
        waivers=waivers,
        summary=_summary(policy, matrix, checks),
        matrix=matrix,
    )


def section_of(policy: Policy, gate: Gate) -> GateSection | DefinitionHashGate:
    """Return the gate's settings."""
    section: GateSection | DefinitionHashGate = getattr(policy.gates, gate.section)
    return section


# --- one gate ---------------------------------------------------------------------------------------------------------


def _outcome(gate: Gate, case: Case) -> Outcome:
    """Ask the gate, where there is something to ask about."""
    section, planned = section_of(case.policy, gate), len(case.matrix.places)
    if not section.enabled:
        return _closed(gate, "off", Status.SKIPPED, f"Off: {section.reason}", expected=0)
    if not _attempted(case.matrix) and gate.id != PLAN_GATE:
        message = (
            "There is no attempt at any planned pair, so nothing was judged. "
            "Check `experiments`, `runs.cell` and `runs.seed`."
        )
        return _closed(gate, "nothing_found", Status.FAIL, message, expected=planned)
    if not case.matrix.selected and gate.id != PLAN_GATE:
        message = "There is nothing to judge yet: no planned pair has a finished run."
        return _closed(gate, NOTHING_YET, Status.FAIL, message, expected=planned)
    try:
        outcome = gate.judge(case)
    except Exception as error:  # noqa: BLE001 - what a gate could not judge is its failure, never a crash and never a pass
        message = f"The gate could not be evaluated: {type(error).__name__}: {error}. Please report this."
        return _closed(gate, "error", Status.FAIL, message, expected=planned)
    return _completed(gate, case, outcome)


def _completed(gate: Gate, case: Case, outcome: Outcome) -> Outcome:
    """Add the check that a gate still owes: that it judged nothing, or why it has no checks."""
    if outcome.expected and not outcome.evaluated and not _has_lasting_failure(outcome.checks):
        owed = _nothing_judged(gate, case, outcome.expected)
        return replace(owed, checks=(*outcome.checks, *owed.checks))
    if not outcome.checks:
        return _closed(
            gate, "skipped", Status.SKIPPED, outcome.skipped or "It applies to no planned run.", expected=0
        )
    return outcome


def _has_lasting_failure(checks: Sequence[Check]) -> bool:
    """Whether a failure is among the checks that no waiver can take away."""
    return any(
        check.status is Status.FAIL and (not check.waivable or check.gate in UNWAIVABLE) for check in checks
    )


def _nothing_judged(gate: Gate, case: Case, expected: int) -> Outcome:
    """Say that none of the runs that the gate applies to was judged."""
    if _waits(case):
        message = f"There is nothing to judge yet: none of the {expected} runs that the gate applies to is finished."
        return _closed(gate, NOTHING_YET, Status.FAIL, message, expected=expected)
    message = f"None of the {expected} runs that the gate applies to could be judged."
    return _closed(gate, NOTHING_JUDGED, Status.FAIL, message, expected=expected)


def _waits(case: Case) -> bool:
    """Whether more could be judged by waiting: there are unfinished pairs, and all that finished was read."""
    return len(case.judged) == len(case.matrix.selected) < len(case.matrix.places)


def _looked_at(case: Case, outcomes: Mapping[GateId, Outcome]) -> Mapping[GateId, Outcome]:
    """Return what the gates found, or, where all of them are skipped, the failure of each that is on."""
    if any(check.status is not Status.SKIPPED for outcome in outcomes.values() for check in outcome.checks):
        return outcomes
    kind, planned = NOTHING_YET if _waits(case) else NOTHING_JUDGED, len(case.matrix.places)
    why = "No other gate judged anything either, so nothing was looked at. Switch on a gate that applies."
    return {
        gate.id: _closed(
            gate, kind, Status.FAIL, f"{outcomes[gate.id].checks[0].message} {why}", expected=planned
        )
        if section_of(case.policy, gate).enabled
        else outcomes[gate.id]
        for gate in GATES
    }


def _with_policy_change(case: Case, outcomes: Mapping[GateId, Outcome]) -> Mapping[GateId, Outcome]:
    """Return the outcomes with G0's warning of a changed policy also where G0 is off: the change may have done that."""
    if case.policy.gates.plan.enabled:
        return outcomes
    off = outcomes[PLAN_GATE]
    return {**outcomes, PLAN_GATE: replace(off, checks=(*off.checks, *policy_checks(case)))}


def _closed(gate: Gate, kind: str, status: Status, message: str, *, expected: int) -> Outcome:
    check = Check(
        gate=gate.id, kind=kind, status=status, subject=gate.section, message=message, waivable=False
    )
    return Outcome(checks=(check,), expected=expected, evaluated=0)


def _result(gate: Gate, case: Case, outcome: Outcome, all_checks: Sequence[Check]) -> GateResult:
    checks = [check for check in all_checks if check.gate == gate.id]
    failures = [check for check in checks if check.status is Status.FAIL]
    failing = {check.run_id for check in failures if check.run_id is not None}
    section = section_of(case.policy, gate)
    threshold = threshold_runs(section.fail_threshold, len(case.matrix.places))
    at_once = any(check.at_once or check.run_id is None for check in failures)
    status = _gate_status(checks, fails=at_once or len(failing) >= threshold)
    own_doing = any(check.kind != NOTHING_YET for check in failures)
    return GateResult(
        id=gate.id,
        name=gate.section,
        status=status if section.enabled else Status.SKIPPED,
        critical=status is Status.FAIL
        and own_doing
        and (gate.id == CRITICAL_GATE or not _attempted(case.matrix)),
        evaluated=outcome.evaluated,
        expected=outcome.expected,
        failing=len(failing),
        fail_threshold=threshold,
        message=gate_message(checks, outcome, len(failing), threshold)
        if section.enabled
        else outcome.checks[0].message,
    )


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


def _is_pending(matrix: Matrix, results: Sequence[GateResult], checks: Sequence[Check]) -> bool:
    """Whether all that is wrong is that planned pairs are not finished yet.

    A pair whose newest attempt failed or was killed will not finish by waiting.
    """
    failed_gates = {result.id for result in results if result.status is Status.FAIL}
    failures = [check for check in checks if check.status is Status.FAIL and check.gate in failed_gates]
    only_unfinished = all(check.kind == NOTHING_YET or _is_missing_pair(check) for check in failures)
    unfinished = [place for place in matrix.places if place.selected is None]
    lost = any(place.attempts and place.attempts[0].status in ENDED_BADLY for place in unfinished)
    return _attempted(matrix) and only_unfinished and not lost


def _is_missing_pair(check: Check) -> bool:
    return check.gate == PLAN_GATE and check.kind == "pair" and check.run_id is None


def _attempted(matrix: Matrix) -> bool:
    return any(place.attempts for place in matrix.places)


def _summary(policy: Policy, matrix: Matrix, checks: Sequence[Check]) -> Summary:
    def count(status: Status) -> int:
        return sum(check.status is status for check in checks)

    return Summary(
        planned=len(matrix.places),
        found=len(matrix.selected),
        passed=count(Status.PASS),
        warned=count(Status.WARNING),
        failed=count(Status.FAIL),
        skipped=count(Status.SKIPPED),
        gates_off=sum(not section_of(policy, gate).enabled for gate in GATES),
    )
