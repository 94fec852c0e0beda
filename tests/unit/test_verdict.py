"""How gates add up to a verdict: thresholds, waivers, references, what was not looked at, properties of the whole."""

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Evidence, Globals, PolicyChange, Registration
from smoke_gate.gates import BUILT_IN
from smoke_gate.gates.base import Status
from smoke_gate.policy.model import Policy
from smoke_gate.policy.plan import Narrowing
from smoke_gate.policy_file.formats import policy_from_json, policy_json
from smoke_gate.verdict import GateResult, Verdict, VerdictStatus, evaluate
from smoke_gate.waivers import WaiverState
from tests.support.matrix import (
    CELLS,
    SEEDS,
    passing_matrix,
    passing_policy,
    registration,
    run_of,
    with_another_attempt,
    with_attempt,
    with_run,
    without_run,
)

PASSING = passing_matrix()
PAIRS = [f"{cell}/{seed}" for cell in CELLS for seed in SEEDS]
OFF = {"enabled": False, "reason": "not this time"}


def gate(verdict: Verdict, gate_id: str) -> GateResult:
    return next(result for result in verdict.gates if result.id == gate_id)


def bad_ratio(evidence: Evidence, *pairs: str) -> Evidence:
    for pair in pairs:
        evidence = with_run(evidence, pair, metrics={"val_loss": "99.0"})
    return evidence


def test_twelve_good_runs_are_all_pass():
    """spec: verdict-status"""
    verdict = evaluate(passing_policy(), PASSING)

    assert verdict.status is VerdictStatus.ALL_PASS
    assert (verdict.critical, verdict.pending) == (False, False)
    assert [(result.id, result.status) for result in verdict.gates] == [
        (f"G{number}", Status.PASS) for number in range(8)
    ]
    assert (verdict.summary.planned, verdict.summary.found, verdict.summary.failed) == (12, 12, 0)


# --- thresholds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threshold", "failing", "status"),
    [
        (2, 1, Status.WARNING),
        (2, 2, Status.FAIL),
        (1, 1, Status.FAIL),
        ("10%", 1, Status.WARNING),  # 1.2 of 12 runs, rounded up
        ("10%", 2, Status.FAIL),
        (99, 11, Status.WARNING),  # never more than the planned runs
        (99, 12, Status.FAIL),
    ],
)
def test_a_gate_fails_from_its_threshold_on(threshold: object, failing: int, status: Status):
    """spec: gate-threshold, verdict-status"""
    policy = passing_policy(gates={"metric_ratio": {"fail_threshold": threshold}})

    verdict = evaluate(policy, bad_ratio(PASSING, *PAIRS[:failing]))

    assert gate(verdict, "G5").status is status
    assert gate(verdict, "G5").failing == failing


def test_a_figure_that_cannot_be_traced_is_a_failure_of_its_run():
    untraced = replace(run_of(PASSING, "A3/42").figures[0], text={})
    evidence = with_run(PASSING, "A3/42", figures=(untraced,))
    two, waived = {"figures": {"fail_threshold": 2}}, [waiver(gate="G4")]

    assert gate(evaluate(passing_policy(gates=two), evidence), "G4").status is Status.WARNING
    assert gate(evaluate(passing_policy(waivers=waived), evidence), "G4").status is Status.WARNING


def test_a_gate_says_from_which_number_of_runs_it_fails():
    message = gate(evaluate(passing_policy(), bad_ratio(PASSING, "B0/42")), "G5").message
    assert message == "12 of 12 runs judged, 1 failing check in 1 run; 2 failing runs fail the gate"


def test_the_default_threshold_of_the_metric_ratio_is_two_runs():
    assert evaluate(passing_policy(), bad_ratio(PASSING, "B0/42")).status is VerdictStatus.WARNING
    assert evaluate(passing_policy(), bad_ratio(PASSING, "B0/42", "A3/42")).status is VerdictStatus.FAIL


@pytest.mark.parametrize("value", ["NaN", "Infinity", None])
def test_a_metric_that_is_no_number_reaches_any_threshold(value: str | None):
    """spec: gate-threshold"""
    policy = passing_policy(gates={"metric_ratio": {"fail_threshold": 12}})

    verdict = evaluate(policy, with_run(PASSING, "B0/42", metrics={"val_loss": value}))

    assert gate(verdict, "G5").status is Status.FAIL


def test_many_failures_of_one_run_are_one_failing_run():
    """spec: gate-threshold"""
    policy = passing_policy(
        gates={"paired_data": {"fail_threshold": 2}},
    )
    hashes = {f"{split}_data_hash": None for split in ("train", "val", "test")}

    assert gate(evaluate(policy, with_run(PASSING, "A3/42", params=hashes)), "G6").status is Status.WARNING


# --- critical, pending, nothing to look at ----------------------------------------------------------------------------


def test_another_definition_is_critical():
    """spec: G1-critical, verdict-critical"""
    verdict = evaluate(
        passing_policy(), with_run(PASSING, "A4/456", params={"pape_definition_hash": "0" * 64})
    )

    assert (verdict.status, verdict.critical) == (VerdictStatus.FAIL, True)
    assert [result.id for result in verdict.gates if result.critical] == ["G1"]


@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED"])
def test_a_matrix_that_only_waits_for_runs_is_pending(status: str):
    """spec: verdict-pending"""
    verdict = evaluate(passing_policy(), with_attempt(PASSING, "A3/42", status=status, end_time=None))

    assert (verdict.status, verdict.pending, verdict.critical) == (VerdictStatus.FAIL, True, False)


def test_a_pair_without_any_attempt_is_pending_beside_others():
    assert evaluate(passing_policy(), without_run(PASSING, "A3/42")).pending


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_a_pair_whose_newest_attempt_ended_badly_is_not_pending(status: str):
    """spec: verdict-not-run-yet"""
    verdict = evaluate(passing_policy(), with_attempt(PASSING, "A3/42", status=status))

    assert (verdict.status, verdict.pending) == (VerdictStatus.FAIL, False)


def test_a_rerun_after_a_failed_attempt_is_pending_again():
    """spec: verdict-not-run-yet"""
    running = with_attempt(PASSING, "A3/42", status="RUNNING")

    assert evaluate(
        passing_policy(), with_another_attempt(running, "A3/42", "first", status="FAILED")
    ).pending


WAITING = with_attempt(PASSING, "A3/42", status="RUNNING")


@pytest.mark.parametrize(
    "evidence",
    [
        with_run(WAITING, "B0/42", checkpoints=()),
        with_another_attempt(WAITING, "B0/42", "earlier"),
        with_attempt(WAITING, "A3/123", status="KILLED"),
    ],
    ids=["another gate fails", "a finished pair fails", "another pair will not finish"],
)
def test_waiting_is_not_all_that_is_wrong(evidence: Evidence):
    """spec: verdict-pending"""
    policy = passing_policy(runs={"duplicates": "fail"})

    assert evaluate(policy, WAITING).pending
    assert not evaluate(policy, evidence).pending


@pytest.mark.parametrize(
    "evidence",
    [
        bad_ratio(WAITING, "B0/42"),
        with_another_attempt(WAITING, "B0/42", "later", status="FAILED", start_time=2_000_000_000_000),
    ],
    ids=["a warning", "a failed try after a finished run"],
)
def test_what_does_not_fail_does_not_end_the_wait(evidence: Evidence):
    assert evaluate(passing_policy(), evidence).pending


@pytest.mark.parametrize("registrations", [PASSING.registrations, ()], ids=["registered", "not registered"])
def test_no_attempt_at_all_is_pending_and_not_critical(registrations: tuple[Registration, ...]):
    """spec: verdict-pending"""
    nothing = replace(PASSING, attempts=(), runs=(), registrations=registrations)
    verdict = evaluate(passing_policy(), nothing)

    assert {(result.status, result.critical) for result in verdict.gates} == {(Status.FAIL, False)}
    assert (verdict.critical, verdict.pending) == (False, True)
    assert {(result.expected, result.evaluated, result.failing) for result in verdict.gates} == {(12, 0, 0)}
    assert [check.kind for check in verdict.checks if check.gate == "G0"] == ["pair"] * 12


def test_no_attempt_at_all_is_pending_where_the_plan_alone_is_judged():
    policy = passing_policy(gates=all_off_but("plan"))

    assert evaluate(policy, replace(PASSING, attempts=(), runs=())).pending


@pytest.mark.parametrize("facts", [{"sha256": None}, {"status": "FAILED"}, {"lifecycle_stage": "deleted"}])
def test_a_registration_that_is_wrong_is_a_failure_before_any_run(facts: dict[str, Any]):
    """spec: G1-early"""
    nothing = replace(PASSING, attempts=(), runs=(), registrations=(registration(**facts),))
    verdict = evaluate(passing_policy(), nothing)

    assert (verdict.critical, verdict.pending) == (True, False)
    assert {check.kind for check in verdict.checks if check.gate == "G1"} == {"preregistration"}


@pytest.mark.parametrize("facts", [{"cell": None}, {"seed": None}, {"cell": "", "seed": ""}])
def test_runs_of_which_none_states_a_cell_and_a_seed_are_a_critical_failure(facts: dict[str, Any]):
    """spec: gate-nothing-stated"""
    attempts = tuple(replace(attempt, **facts) for attempt in PASSING.attempts)
    verdict = evaluate(passing_policy(), replace(PASSING, attempts=attempts, runs=()))

    assert (verdict.status, verdict.critical, verdict.pending) == (VerdictStatus.FAIL, True, False)
    assert {check.kind for check in verdict.checks if check.gate != "G0"} == {"nothing_found"}


@pytest.mark.parametrize(
    ("facts", "pending"),
    [
        ({"status": "RUNNING"}, True),
        ({"status": "SCHEDULED"}, True),
        ({"status": "FAILED"}, False),
        ({"status": "KILLED"}, False),
        ({"lifecycle_stage": "deleted"}, False),
        ({"status": "RUNNING", "lifecycle_stage": "deleted"}, False),
        ({"in_scope": False}, False),
    ],
)
def test_what_waiting_may_end(facts: dict[str, Any], pending: bool):
    """spec: cli-wait"""
    assert evaluate(passing_policy(), with_attempt(PASSING, "A3/42", **facts)).pending is pending


def test_attempts_without_a_finished_run_wait_and_are_not_critical():
    """spec: gate-nothing-yet"""
    evidence = PASSING
    for pair in PAIRS:
        evidence = with_attempt(evidence, pair, status="RUNNING")

    verdict = evaluate(passing_policy(), replace(evidence, runs=()))

    assert {result.status for result in verdict.gates} == {Status.FAIL}
    assert (verdict.critical, verdict.pending) == (False, True)
    assert "nothing to judge yet" in gate(verdict, "G3").message
    assert [check.kind for check in verdict.checks if check.gate == "G0"] == ["pair"] * 12


ONLY_A3 = {"metric_ratio": {"rules": [{"value": "val_loss / train_loss", "max": 5.0, "cells": ["A3"]}]}}


def test_a_gate_that_applies_to_unfinished_runs_alone_waits_for_them():
    evidence = PASSING
    for seed in SEEDS:
        evidence = with_attempt(evidence, f"A3/{seed}", status="RUNNING", end_time=None)

    verdict = evaluate(passing_policy(gates=ONLY_A3), evidence)

    assert gate(verdict, "G5").status is Status.FAIL
    assert "none of the 3 runs that the gate applies to is finished" in gate(verdict, "G5").message
    assert (verdict.pending, verdict.critical) == (True, False)


def test_a_gate_whose_finished_runs_were_not_read_waits_for_nothing():
    evidence = without_run(PASSING, "B0/42")
    unread = replace(evidence, runs=tuple(run for run in evidence.runs if "A3" not in run.run_id))

    verdict = evaluate(passing_policy(gates=ONLY_A3), unread)

    assert "None of the 3 runs that the gate applies to could be judged" in gate(verdict, "G5").message
    assert not verdict.pending


def test_facts_that_were_not_read_never_pass():
    """spec: looked-or-not-passed"""
    verdict = evaluate(passing_policy(), replace(PASSING, runs=PASSING.runs[1:]))

    assert verdict.status is VerdictStatus.FAIL


def test_a_gate_that_judged_no_run_fails_whatever_else_it_found():
    """spec: gate-nothing-judged"""
    verdict = evaluate(passing_policy(), replace(PASSING, runs=()))

    *gates, comparison = verdict.gates
    assert {result.status for result in gates} == {Status.FAIL}
    assert comparison.status is Status.SKIPPED  # where no run says anything, there is nothing to compare
    assert {check.kind for check in verdict.checks if check.gate == "G1"} == {
        "preregistration",
        "payload",
        "nothing_judged",
    }


def test_a_gate_that_raises_fails_with_the_reason(monkeypatch: pytest.MonkeyPatch):
    """spec: gate-statuses"""

    def broken(_case):
        raise ZeroDivisionError("no runs")

    gates = [replace(one, judge=broken) if one.id == "G5" else one for one in BUILT_IN]
    monkeypatch.setattr("smoke_gate.verdict.gates_of", lambda _policy: tuple(gates))

    verdict = evaluate(passing_policy(), PASSING)

    assert gate(verdict, "G5").status is Status.FAIL
    assert "ZeroDivisionError: no runs" in gate(verdict, "G5").message
    assert gate(verdict, "G6").status is Status.PASS


def all_off_but(name: str) -> dict[str, Any]:
    return {gate.section: OFF for gate in BUILT_IN if gate.section != name}


def test_a_verdict_on_nothing_is_no_pass():
    """spec: gate-nothing-judged"""
    nothing_left = PASSING
    for pair in PAIRS:
        nothing_left = with_run(nothing_left, pair, checkpoints=(), manifest=None)

    verdict = evaluate(passing_policy(profile="basic", gates=all_off_but("checkpoints")), nothing_left)

    assert (verdict.status, verdict.pending) == (VerdictStatus.FAIL, False)
    assert gate(verdict, "G3").message == (
        "No run has a checkpoint, and the policy requires none (`checkpoints.required`). "
        "No other gate judged anything either, so nothing was looked at. Switch on a gate that applies."
    )
    assert gate(verdict, "G4").status is Status.SKIPPED


def test_a_policy_that_this_pull_request_changes_is_a_warning_with_the_difference():
    """spec: G0-policy-changed"""
    difference = ("-  fail_threshold: 1", "+  fail_threshold: 12")
    change = PolicyChange(found="It differs. That of main counted.", difference=difference)
    verdict = evaluate(passing_policy(), replace(PASSING, policy_change=change))
    (check,) = (check for check in verdict.checks if check.status is not Status.PASS)
    assert verdict.status is VerdictStatus.WARNING
    assert (gate(verdict, "G0").status, gate(verdict, "G0").evaluated) == (Status.WARNING, len(PAIRS))
    assert (check.gate, check.kind, check.status, check.subject) == (
        "G0",
        "policy",
        Status.WARNING,
        "smoke-gate.yml",
    )
    assert (check.observed, check.expected, check.run_id) == ("\n".join(difference), "no change", None)
    assert check.message.startswith("It differs. That of main counted. A person must agree")


def test_a_base_policy_that_is_not_known_is_a_warning():
    """spec: G0-policy-changed"""
    change = PolicyChange(found="It could not be read.")
    verdict = evaluate(passing_policy(), replace(PASSING, policy_change=change))
    (check,) = (check for check in verdict.checks if check.status is not Status.PASS)
    assert (check.kind, check.status, check.observed) == ("policy", Status.WARNING, "not known")


def test_a_policy_that_switches_g0_off_does_not_hide_that_it_is_another_one():
    """spec: G0-policy-changed"""
    change = PolicyChange(
        found="It differs. That of this pull request counted.", difference=("+ enabled: false",)
    )
    policy = passing_policy(gates={"plan": OFF})
    verdict = evaluate(policy, replace(PASSING, policy_change=change))
    assert verdict.status is VerdictStatus.WARNING
    assert (gate(verdict, "G0").status, gate(verdict, "G0").message) == (
        Status.SKIPPED,
        f"Off: {OFF['reason']}",
    )
    assert [check.kind for check in verdict.checks if check.status is Status.WARNING] == ["policy"]
    assert evaluate(policy, PASSING).status is VerdictStatus.ALL_PASS


def test_policies_that_say_the_same_give_one_verdict_whatever_the_profile():
    nothing_left = PASSING
    for pair in PAIRS:
        nothing_left = with_run(nothing_left, pair, checkpoints=(), manifest=None, figures=())
    basic = passing_policy(profile="basic")
    spelled_out = policy_from_json({**policy_json(basic), "profile": "contract"})

    assert evaluate(spelled_out, nothing_left) == evaluate(basic, nothing_left)
    assert gate(evaluate(basic, nothing_left), "G3").status is Status.SKIPPED
    assert gate(evaluate(basic, nothing_left), "G4").status is Status.SKIPPED


def test_a_verdict_on_nothing_yet_is_pending():
    waiting = PASSING
    for pair in [pair for pair in PAIRS if pair.startswith("A")]:
        waiting = with_attempt(waiting, pair, status="RUNNING", end_time=None)

    verdict = evaluate(passing_policy(gates=all_off_but("unit_contract")), waiting)

    assert (verdict.status, verdict.pending) == (VerdictStatus.FAIL, True)


# --- gates that are off -----------------------------------------------------------------------------------------------


def test_a_gate_that_is_off_is_one_skipped_check_and_is_counted():
    """spec: gate-off"""
    verdict = evaluate(passing_policy(gates={"figures": OFF}), with_run(PASSING, "A3/42", figures=()))

    assert gate(verdict, "G4").status is Status.SKIPPED
    assert "not this time" in gate(verdict, "G4").message
    assert [check.status for check in verdict.checks if check.gate == "G4"] == [Status.SKIPPED]
    assert (gate(verdict, "G4").expected, gate(verdict, "G4").evaluated) == (0, 0)
    assert verdict.summary.gates_off == 1
    assert verdict.status is VerdictStatus.ALL_PASS


# --- waivers and references -------------------------------------------------------------------------------------------


def waiver(**changes: str) -> dict[str, str]:
    plain = {"gate": "G3", "cell": "A3", "seed": "042", "reason": "known", "expires": "2026-12-31"}
    return plain | changes


def without_checkpoint(*pairs: str) -> Evidence:
    evidence = PASSING
    for pair in pairs:
        evidence = with_run(evidence, pair, checkpoints=(), manifest=None)
    return evidence


def test_a_waived_failure_is_a_warning_that_shows_the_reason():
    """spec: waiver-one-step"""
    verdict = evaluate(passing_policy(waivers=[waiver()]), without_checkpoint("A3/42"))

    assert verdict.status is VerdictStatus.WARNING
    assert gate(verdict, "G3").status is Status.WARNING
    assert gate(verdict, "G3").failing == 0
    waived = [(check.status, check.waived) for check in verdict.checks if check.waived]
    assert waived == [(Status.WARNING, "known"), (Status.PASS, "known")]  # no checkpoint, no manifest


def test_the_summary_counts_the_checks_by_status_after_waivers():
    policy = passing_policy(waivers=[waiver()], gates={"figures": OFF})
    verdict = evaluate(policy, bad_ratio(without_checkpoint("A3/42"), "B0/42", "B0/123", "B0/456"))

    counts, summary = Counter(check.status for check in verdict.checks), verdict.summary
    assert (counts[Status.SKIPPED], counts[Status.WARNING], counts[Status.FAIL]) == (1, 1, 3)
    assert (summary.skipped, summary.warned, summary.failed) == (1, 1, 3)
    assert summary.passed == counts[Status.PASS]


def test_a_waiver_covers_its_last_day_and_no_other():
    """spec: waiver-ends"""
    failing = without_checkpoint("A3/42")
    today = evaluate(passing_policy(waivers=[waiver(expires=failing.as_of)]), failing)
    yesterday = evaluate(passing_policy(waivers=[waiver(expires="2026-01-30")]), failing)

    assert today.status is VerdictStatus.WARNING
    assert yesterday.status is VerdictStatus.FAIL
    assert "expired" in yesterday.waivers[0].message


@pytest.mark.parametrize("expires", ["2026-12-31", "2020-01-01"])
def test_a_waiver_that_matches_nothing_is_a_note(expires: str):
    """spec: waiver-ends"""
    verdict = evaluate(passing_policy(waivers=[waiver(expires=expires)]), PASSING)

    assert verdict.status is VerdictStatus.ALL_PASS
    assert "delete it" in verdict.waivers[0].message


@pytest.mark.parametrize(
    "other",
    [
        {"gate": "G6"},
        {"cell": "A4"},
        {"seed": "123"},
        {"run_id": "run-A3-123"},
        {"subject": "checkpoints/model.npz"},
    ],
)
def test_a_waiver_that_names_anything_else_accepts_nothing(other: dict[str, str]):
    """spec: waiver-scope"""
    verdict = evaluate(passing_policy(waivers=[waiver(**other)]), without_checkpoint("A3/42"))

    assert gate(verdict, "G3").status is Status.FAIL
    assert [result.state for result in verdict.waivers] == [WaiverState.UNMATCHED]


def test_a_waiver_of_a_seed_is_for_no_failure_of_no_run():
    policy = passing_policy(
        waivers=[{**ON_EVERY_GATE[2], "seed": "42"}], gates={"figures": {"files": ["figs/*.png"]}}
    )

    verdict = evaluate(policy, PASSING)

    assert gate(verdict, "G4").status is Status.FAIL
    assert [result.state for result in verdict.waivers] == [WaiverState.UNMATCHED]


def test_a_waiver_of_a_gate_that_is_off_matches_nothing():
    policy = passing_policy(waivers=[waiver(gate="G4")], gates={"figures": OFF})

    assert [result.state for result in evaluate(policy, PASSING).waivers] == [WaiverState.UNMATCHED]


def test_a_waiver_names_a_seed_in_any_spelling():
    policy = passing_policy(waivers=[waiver(seed="42")], plan={"seeds": ["0042", "123", "456"]})

    assert evaluate(policy, without_checkpoint("A3/42")).status is VerdictStatus.WARNING


def test_a_waiver_leaves_what_it_does_not_name():
    """spec: waiver-scope"""
    verdict = evaluate(passing_policy(waivers=[waiver()]), without_checkpoint("A3/42", "A3/123"))

    assert verdict.status is VerdictStatus.FAIL


def test_a_waiver_of_a_cell_that_was_narrowed_out_is_not_judged():
    """spec: waiver-ends"""
    policy = passing_policy(waivers=[waiver(expires="2020-01-01")], narrowed={"cells": ["B0"]})

    verdict = evaluate(policy, PASSING)

    assert verdict.status is VerdictStatus.ALL_PASS
    assert (verdict.summary.planned, verdict.matrix.planned) == (3, 12)


@pytest.mark.parametrize(
    "named",
    [
        {"gate": "G3"},
        {"gate": "G3", "seed": "42"},
        {"gate": "G3", "run_id": "run-A3-42"},
        {"gate": "G3", "subject": "checkpoints"},
        {"gate": "G3", "cell": "A3", "seed": "42"},
    ],
)
def test_a_waiver_that_may_be_of_a_run_that_was_narrowed_out_is_not_judged(named: dict[str, str]):
    whole = passing_policy(waivers=[{"reason": "known", "expires": "2026-12-31", **named}])
    narrowed = whole.model_copy(update={"narrowed": Narrowing(cells=("B0",))})
    failing = without_checkpoint("A3/42")

    assert evaluate(whole, failing).waivers[0].state is WaiverState.USED
    assert evaluate(narrowed, failing).waivers[0].state is WaiverState.NOT_JUDGED
    assert evaluate(narrowed, failing).status is VerdictStatus.ALL_PASS


def test_a_waiver_that_matches_what_is_left_is_used_whatever_was_narrowed_out():
    policy = passing_policy(waivers=[ON_EVERY_GATE[1]], narrowed={"cells": ["B0"]})

    verdict = evaluate(policy, without_checkpoint("B0/42"))

    assert verdict.status is VerdictStatus.WARNING
    assert [result.state for result in verdict.waivers] == [WaiverState.USED]


@pytest.mark.parametrize(
    "named", [{"cell": "B0"}, {"cell": "B0", "seed": "42"}, {"run_id": "run-B0-42"}, {"run_id": "earlier"}]
)
def test_a_waiver_that_can_only_be_of_a_run_that_is_left_is_judged(named: dict[str, str]):
    policy = passing_policy(
        waivers=[{"gate": "G3", "reason": "known", "expires": "2026-12-31", **named}],
        narrowed={"cells": ["B0"]},
    )
    evidence = with_another_attempt(PASSING, "B0/42", "earlier", status="FAILED")

    assert evaluate(policy, evidence).waivers[0].state is WaiverState.UNMATCHED


ON_EVERY_GATE = [{"gate": f"G{number}", "reason": "known", "expires": "2026-12-31"} for number in range(2, 7)]
G0_AND_G1_OFF = {"plan": OFF, "definition_hash": OFF}


def running() -> Evidence:
    attempts = tuple(replace(attempt, status="RUNNING") for attempt in PASSING.attempts)
    return replace(PASSING, attempts=attempts, runs=())


@pytest.mark.parametrize(
    "evidence",
    [replace(PASSING, attempts=(), runs=()), running(), replace(PASSING, runs=())],
    ids=["no attempt", "nothing finished", "nothing read"],
)
def test_no_waiver_accepts_that_nothing_was_judged(evidence: Evidence):
    """spec: waiver-not-taken"""
    verdict = evaluate(passing_policy(gates=G0_AND_G1_OFF, waivers=ON_EVERY_GATE), evidence)

    assert verdict.status is VerdictStatus.FAIL
    assert {result.status for result in verdict.gates[3:7]} == {Status.FAIL}
    assert verdict.gates[7].status in (Status.FAIL, Status.SKIPPED)
    assert WaiverState.UNMATCHED not in [result.state for result in verdict.waivers]


def test_no_waiver_accepts_that_a_gate_could_not_be_evaluated():
    """spec: waiver-not-taken"""
    broken = with_run(PASSING, "B0/42", metrics={"val_loss": "no number"})

    verdict = evaluate(passing_policy(waivers=ON_EVERY_GATE[2:4]), broken)

    assert gate(verdict, "G5").status is Status.FAIL
    assert [check.kind for check in verdict.checks if check.gate == "G5"] == ["error"]
    assert [result.state for result in verdict.waivers] == [WaiverState.UNMATCHED, WaiverState.NOT_JUDGED]


def test_no_waiver_accepts_that_no_unit_was_judged():
    evidence = PASSING
    for pair in PAIRS:
        evidence = with_run(evidence, pair, params={"use_vq": None})

    verdict = evaluate(passing_policy(waivers=ON_EVERY_GATE[:1], gates=G0_AND_G1_OFF), evidence)

    assert gate(verdict, "G2").status is Status.FAIL
    assert gate(verdict, "G2").evaluated == 0


HIDDEN = with_another_attempt(PASSING, "A3/42", "again", status="KILLED", start_time=2_000_000_000_000)
UNREAD = with_run(
    PASSING, "A3/42", checkpoints=(replace(run_of(PASSING, "A3/42").checkpoints[0], sha256=None, size=2**40),),
    manifest=None,
)  # fmt: skip
CODE = replace(run_of(PASSING, "A3/42").checkpoints[0], globals=Globals(dangerous=("os.system",)))


@pytest.mark.parametrize(
    ("evidence", "named", "status"),
    [
        (HIDDEN, {"gate": "G0", "kind": "newer_attempt"}, VerdictStatus.ALL_PASS),
        (HIDDEN, {"gate": "plan"}, VerdictStatus.ALL_PASS),
        (HIDDEN, {"gate": "G0", "kind": "code"}, VerdictStatus.WARNING),
        (without_checkpoint("A3/42"), {"gate": "checkpoints"}, VerdictStatus.WARNING),
        (without_checkpoint("A3/42"), {"gate": "G3", "kind": "manifest"}, VerdictStatus.FAIL),
        (without_run(PASSING, "A3/42"), {"gate": "G0"}, VerdictStatus.FAIL),
        (with_run(PASSING, "A3/42", checkpoints=(CODE,)), {"gate": "G3"}, VerdictStatus.FAIL),
        (UNREAD, {"gate": "G3"}, VerdictStatus.WARNING),
        (replace(PASSING, policy_change=PolicyChange(found="Changed.")), {"gate": "G0"}, VerdictStatus.WARNING),
    ],
    ids=[
        "a warning passes", "by section", "another kind", "a failure warns", "a failure of another kind",
        "a missing run", "code that would run", "bytes that were not read", "a changed policy",
    ],
)  # fmt: skip
def test_a_waiver_lowers_by_one_step_what_it_may(
    evidence: Evidence, named: dict[str, str], status: VerdictStatus
):
    """spec: waiver-one-step"""
    accepted = {"reason": "known", "expires": "2026-12-31", **named}
    assert evaluate(passing_policy(waivers=[accepted]), evidence).status is status
    assert (
        evaluate(passing_policy(waivers=[accepted, accepted]), evidence).status is status
    )  # once, and not twice


NO_OUTCOME: dict[str, Any] = {
    "plan": {"required_metrics": []},
    "gates": {"checkpoints": OFF, "figures": OFF, "metric_ratio": OFF},
}


@pytest.mark.parametrize("waivers", [[], [{"gate": "G0", "reason": "known", "expires": "2026-12-31"}]])
def test_a_run_of_which_no_outcome_was_judged_is_a_warning_that_no_waiver_takes(
    waivers: list[dict[str, str]],
):
    """spec: G0-coverage"""
    verdict = evaluate(passing_policy(**NO_OUTCOME, waivers=waivers), PASSING)
    found = [check for check in verdict.checks if check.kind == "coverage"]

    assert verdict.status is VerdictStatus.WARNING
    assert {(check.gate, check.status) for check in found} == {("G0", Status.WARNING)}
    assert len(found) == len(PAIRS)
    assert "`plan.required_metrics`" in found[0].message
    assert set(verdict.summary.looked_at.values()) == {0}


@pytest.mark.parametrize(
    ("looked", "overrides"),
    [
        ("metrics", {"plan": {"required_metrics": ["pape"]}}),
        ("metrics", {"gates": {**NO_OUTCOME["gates"], "metric_ratio": {"enabled": True}}}),
        (
            "metrics",
            {"references": [{"metric": "pape", "low": 5.0, "high": 20.0, "n": 1, "source": "a paper"}]},
        ),
        ("weights", {"gates": {**NO_OUTCOME["gates"], "checkpoints": {"enabled": True}}}),
        ("figures", {"gates": {**NO_OUTCOME["gates"], "figures": {"enabled": True}}}),
    ],
    ids=["a required metric", "a ratio", "a reference", "weights", "figures"],
)
def test_one_outcome_that_was_judged_is_enough(looked: str, overrides: dict[str, Any]):
    """spec: G0-coverage"""
    verdict = evaluate(passing_policy(**{**NO_OUTCOME, **overrides}), PASSING)

    assert verdict.status is VerdictStatus.ALL_PASS
    assert {kind: runs for kind, runs in verdict.summary.looked_at.items() if runs} == {looked: len(PAIRS)}


REFERENCE = {"metric": "pape", "low": 5.0, "high": 20.0, "n": 1, "source": "a paper"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, VerdictStatus.ALL_PASS),
        ({"low": 9.0}, VerdictStatus.WARNING),
        ({"metric": "not logged"}, VerdictStatus.WARNING),
        ({"low": 9.0, "tolerance": 0.5, "n": 3}, VerdictStatus.ALL_PASS),
        ({"low": 9.0, "cells": ["A4"]}, VerdictStatus.ALL_PASS),
    ],
)
def test_a_reference_trips_and_never_fails(changes: dict[str, object], status: VerdictStatus):
    """spec: reference-trips, verdict-status"""
    assert evaluate(passing_policy(references=[REFERENCE | changes]), PASSING).status is status


def test_a_metric_that_is_no_number_trips_its_reference():
    """spec: reference-trips"""
    policy = passing_policy(references=[REFERENCE], plan={"required_metrics": []})

    verdict = evaluate(policy, with_run(PASSING, "B0/42", metrics={"pape": "NaN"}))

    assert [result.tripped for result in verdict.references].count(True) == 1


# --- properties of the whole ------------------------------------------------------------------------------------------


@given(st.randoms(use_true_random=False))
def test_the_order_in_which_runs_are_read_changes_nothing(random: Random):
    """spec: verdict-pure"""
    attempts, runs = list(PASSING.attempts), list(bad_ratio(PASSING, "A3/42").runs)
    random.shuffle(attempts)
    random.shuffle(runs)

    shuffled = evaluate(passing_policy(), replace(PASSING, attempts=tuple(attempts), runs=tuple(runs)))

    assert shuffled == evaluate(passing_policy(), bad_ratio(PASSING, "A3/42"))


def test_checks_are_in_the_order_of_gate_cell_seed_subject_and_kind():
    """spec: check-order"""
    policy = passing_policy(plan={"seeds": ["123", "42", "9"]})
    checks = evaluate(policy, bad_ratio(PASSING, "A3/42")).checks

    order = [
        (check.gate, check.cell or "", int(check.seed or 0), check.subject, check.kind) for check in checks
    ]
    assert order == sorted(order)


COVERED_PARAMS = (
    "use_vq",
    "pape_definition_hash",
    "train_data_hash",
    "val_data_hash",
    "test_data_hash",
)
COVERED_METRICS = ("train_loss", "val_loss", "pape")


@given(
    st.sampled_from(PAIRS),
    st.sampled_from(COVERED_PARAMS),
    st.sampled_from([None, "", "None", "zero", "0" * 16]),
)
def test_a_param_that_a_gate_covers_cannot_be_lost_or_changed(pair: str, key: str, value: str | None):
    verdict = evaluate(passing_policy(), with_run(PASSING, pair, params={key: value}))

    assert verdict.status is VerdictStatus.FAIL


VQ_PARAMS = (
    "vq_input_unit",
    "dlinear_output_unit",
    "vq_scaler_space_signature",
    "dlinear_output_scaler_space_signature",
)


@given(
    st.sampled_from([pair for pair in PAIRS if pair.startswith("A")]),
    st.sampled_from(VQ_PARAMS),
    st.sampled_from([None, "", "None", "kW/h", "kW"]),
)
def test_a_unit_cannot_be_lost_or_changed(pair: str, key: str, value: str | None):
    verdict = evaluate(passing_policy(), with_run(PASSING, pair, params={key: value}))

    assert gate(verdict, "G2").status is Status.FAIL


def test_two_keys_that_say_none_do_not_agree():
    nothing = dict.fromkeys(("vq_scaler_space_signature", "dlinear_output_scaler_space_signature"), "None")

    assert (
        gate(evaluate(passing_policy(), with_run(PASSING, "A3/42", params=nothing)), "G2").status
        is Status.FAIL
    )


@given(
    st.sampled_from(PAIRS),
    st.sampled_from(COVERED_METRICS),
    st.sampled_from([None, "NaN", "Infinity", "-Infinity"]),
)
def test_a_metric_that_a_gate_covers_cannot_be_lost(pair: str, name: str, value: str | None):
    verdict = evaluate(passing_policy(), with_run(PASSING, pair, metrics={name: value}))

    assert verdict.status is VerdictStatus.FAIL


@given(st.sampled_from(PAIRS), st.data())
def test_an_artifact_cannot_be_lost_or_broken(pair: str, data: st.DataObject):
    run = run_of(PASSING, pair)
    figure, checkpoint = run.figures[0], run.checkpoints[0]
    broken: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"figures": ()},
                {"figures": (replace(figure, problem="is cut off", text={}),)},
                {"figures": (replace(figure, text={}),)},
                {"figures": (replace(figure, text={**figure.text, "source_run_ids": '["another"]'}),)},
                {"figures": (replace(figure, text={**figure.text, "pape_definition_hash": "0" * 64}),)},
                {"checkpoints": ()},
                {"checkpoints": (replace(checkpoint, problem="is cut off"),)},
                {"checkpoints": (replace(checkpoint, sha256="0" * 64),)},
                {"checkpoints": (replace(checkpoint, sha256=None),)},
                {"artifacts_problem": "no such folder"},
            ]
        )
    )

    assert evaluate(passing_policy(), with_run(PASSING, pair, **broken)).status is VerdictStatus.FAIL


@given(st.sampled_from(PAIRS), st.integers(1, 5))
def test_narrowing_judges_what_is_left_as_before(pair: str, failing: int):
    cell = pair.partition("/")[0]
    evidence = bad_ratio(PASSING, *PAIRS[:failing])
    narrowed: Policy = passing_policy(narrowed={"cells": [cell]})

    whole, part = evaluate(passing_policy(), evidence), evaluate(narrowed, evidence)

    own = [check for check in whole.checks if check.gate == "G5" and check.cell == cell]
    assert [check for check in part.checks if check.gate == "G5"] == own
