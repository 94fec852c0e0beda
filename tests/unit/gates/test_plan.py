"""G0: the plan, the pairs and their runs, commits, and runs that should differ."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import NO_HEAD, Answer, Code, Evidence, Head, HeadFrom, Others
from smoke_gate.gates import definition_hash, metric_ratio, policy_of
from smoke_gate.gates.base import Check, Gate, Status
from smoke_gate.gates.plan import GATE
from tests.support.matrix import (
    CELLS,
    COMMIT,
    MINUTE,
    REGISTERED,
    SEEDS,
    ask,
    attempt_of,
    case,
    not_passed,
    passing_matrix,
    run_id,
    run_of,
    with_another_attempt,
    with_attempt,
    with_run,
    without_run,
)

OTHER_COMMIT = "beef" * 10
THIRD_COMMIT = "dead" * 10


def found(evidence: Evidence, **overrides: Any) -> Check:
    (check,) = not_passed(ask(GATE, evidence, **overrides))
    return check


def one(evidence: Evidence, kind: str, of_run: str | None = None, **overrides: Any) -> Check:
    checks = ask(GATE, evidence, **overrides).checks
    (check,) = [
        check for check in checks if check.kind == kind and (of_run is None or check.run_id == of_run)
    ]
    return check


def everywhere(evidence: Evidence, **facts: Any) -> Evidence:
    """Change facts of every attempt."""
    return replace(evidence, attempts=tuple(replace(attempt, **facts) for attempt in evidence.attempts))


def test_twelve_of_twelve_pass():
    outcome = ask(GATE, passing_matrix())
    assert not not_passed(outcome)
    assert (outcome.expected, outcome.evaluated) == (12, 12)
    pairs = [check.subject for check in outcome.checks if check.kind == "pair"]
    assert pairs == [f"{cell}/{seed}" for cell in CELLS for seed in (42, 123, 456)]
    assert {check.kind for check in outcome.checks} == {"pair", "expect", "required_metric", "code"}


# --- pairs ------------------------------------------------------------------------------------------------------------


def test_a_missing_pair_fails_of_no_run():
    """spec: G0-pair"""
    outcome = ask(GATE, without_run(passing_matrix(), "A3/123"))
    (check,) = not_passed(outcome)
    assert (check.kind, check.status, check.subject, check.run_id) == ("pair", Status.FAIL, "A3/123", None)
    assert (check.cell, check.seed) == ("A3", "123")
    assert "no attempt" in check.message
    assert (outcome.expected, outcome.evaluated) == (12, 11)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"status": "RUNNING", "start_time": 1_700_000_000_000}, "RUNNING since 2023-11-14 22:13 UTC"),
        ({"status": "RUNNING", "start_time": None}, "RUNNING"),
        ({"status": "RUNNING", "start_time": 10**18}, f"RUNNING since {10**18} ms"),
        ({"status": "SCHEDULED"}, "SCHEDULED"),
        ({"status": "FAILED"}, "FAILED"),
        ({"status": "KILLED"}, "KILLED"),
        ({"lifecycle_stage": "deleted"}, "deleted (FINISHED)"),
        ({"in_scope": False}, "FINISHED but left out by `runs.where`"),
    ],
)
def test_a_pair_without_a_finished_run_says_what_was_there_instead(facts, said):
    """spec: G0-pair"""
    check = found(with_attempt(passing_matrix(), "A3/123", **facts))
    assert (check.kind, check.status, check.run_id) == ("pair", Status.FAIL, None)
    assert f"1 attempt: {said}" in check.message


def test_tries_are_counted():
    evidence = with_attempt(passing_matrix(), "A3/123", status="FAILED")
    evidence = with_another_attempt(evidence, "A3/123", "earlier", status="FAILED")
    evidence = with_another_attempt(evidence, "A3/123", "first", status="KILLED")
    assert "3 attempts: FAILED ×2, KILLED" in found(evidence).message


def test_a_rerun_after_a_failure_passes_and_is_seen():
    """spec: no-false-alarm"""
    evidence = with_another_attempt(passing_matrix(), "A3/123", "earlier", status="FAILED")
    assert not not_passed(ask(GATE, evidence))
    assert "2 attempts: FAILED, FINISHED" in one(evidence, "pair", run_id("A3/123")).message


def test_a_selected_run_that_was_not_read_fails():
    """spec: G0-pair"""
    evidence = passing_matrix()
    unread = tuple(run for run in evidence.runs if run.run_id != run_id("A3/123"))
    outcome = ask(GATE, replace(evidence, runs=unread))
    (check,) = not_passed(outcome)
    assert (check.kind, check.status, check.run_id) == ("pair", Status.FAIL, run_id("A3/123"))
    assert "not read" in check.message
    assert (outcome.expected, outcome.evaluated) == (12, 11)


@pytest.mark.parametrize(
    ("newest", "other", "warns"),
    [
        (COMMIT, COMMIT, True),
        (COMMIT, None, True),
        (None, COMMIT, True),
        (None, None, True),
        ("", COMMIT, True),
        (COMMIT, OTHER_COMMIT, False),
    ],
)
def test_a_second_candidate_warns_unless_it_ran_other_code(newest, other, warns):
    """spec: G0-duplicates"""
    evidence = with_another_attempt(passing_matrix(), "A3/123", "earlier", commit=other)
    evidence = with_attempt(evidence, "A3/123", commit=newest)
    check = one(evidence, "pair", run_id("A3/123"))
    assert check.status is (Status.WARNING if warns else Status.PASS)
    assert ("earlier" in check.message) is warns


def test_all_unexplained_candidates_are_named_and_no_others():
    evidence = passing_matrix()
    for other, commit in (("first", COMMIT), ("second", OTHER_COMMIT), ("third", None)):
        evidence = with_another_attempt(evidence, "A3/123", other, commit=commit)
    message = one(evidence, "pair", run_id("A3/123")).message
    assert [other in message for other in ("first", "second", "third")] == [True, False, True]


def test_a_candidate_is_named_as_people_know_it():
    evidence = with_another_attempt(passing_matrix(), "A3/123", "trial", run_name="trial 7", parent="sweep")
    evidence = with_attempt(evidence, "A3/123", run_name="run-A3-123")
    check = one(evidence, "pair", run_id("A3/123"))
    assert "The newest, run-A3-123, was taken" in check.message
    assert "there is also trial ('trial 7', a child of sweep)." in check.message
    assert "`runs.where`" in check.message


@pytest.mark.parametrize("untimed", ["earlier", run_id("A3/123")])
def test_a_rerun_on_newer_code_is_none_where_a_start_time_is_not_known(untimed):
    """spec: G0-duplicates"""
    evidence = with_another_attempt(passing_matrix(), "A3/123", "earlier", commit=OTHER_COMMIT)
    evidence = replace(
        evidence,
        attempts=tuple(
            replace(attempt, start_time=None) if attempt.run_id == untimed else attempt
            for attempt in evidence.attempts
        ),
        runs=(*evidence.runs, replace(run_of(evidence, "A3/123"), run_id="earlier")),
    )
    taken, other = sorted(("earlier", run_id("A3/123")), key=[untimed].count)
    check = one(evidence, "pair", taken)
    assert check.status is Status.WARNING
    for said in (f" {taken}", f"was taken, there is also {other}", "which is the newest is not known"):
        assert said in check.message


@pytest.mark.parametrize(("start", "warns"), [("2026-01-31T23:59:59.999", False), ("2026-02-01T00:00", True)])
def test_a_start_time_that_is_yet_to_come_says_nothing(start, warns):
    """spec: G0-duplicates"""
    ahead = int(datetime.fromisoformat(f"{start}+00:00").timestamp() * 1000)
    evidence = with_another_attempt(passing_matrix(), "A3/123", "earlier", commit=OTHER_COMMIT)
    evidence = with_attempt(evidence, "A3/123", start_time=ahead)
    check = one(evidence, "pair", run_id("A3/123"))
    assert check.status is (Status.WARNING if warns else Status.PASS)
    assert ("yet to come" in check.message) is warns


def test_a_start_time_that_is_not_known_does_not_matter_where_there_is_one_candidate():
    assert not not_passed(ask(GATE, with_attempt(passing_matrix(), "A3/123", start_time=None)))


@pytest.mark.parametrize("commit", [COMMIT, OTHER_COMMIT, None])
def test_duplicates_can_be_refused(commit):
    """spec: G0-duplicates"""
    evidence = with_another_attempt(passing_matrix(), "A3/123", "earlier", commit=commit)
    check = found(evidence, runs={"duplicates": "fail"})
    assert (check.kind, check.status, check.run_id) == ("pair", Status.FAIL, run_id("A3/123"))
    assert "earlier" in check.message


@pytest.mark.parametrize("facts", [{"status": "FAILED"}, {"lifecycle_stage": "deleted"}, {"in_scope": False}])
def test_what_is_no_candidate_is_no_duplicate(facts):
    evidence = with_another_attempt(passing_matrix(), "A3/123", "earlier", **facts)
    assert not not_passed(ask(GATE, evidence, runs={"duplicates": "fail"}))


@pytest.mark.parametrize("facts", [{"status": "FAILED"}, {"lifecycle_stage": "deleted"}, {"in_scope": False}])
@pytest.mark.parametrize(("bound", "warns"), [(1, True), (2, False)])
def test_more_tries_than_max_attempts_are_a_warning(facts, bound, warns):
    """spec: G0-duplicates"""
    evidence = with_another_attempt(passing_matrix(), "A3/123", "earlier", **facts)
    check = one(evidence, "pair", run_id("A3/123"), plan={"max_attempts": bound})
    assert check.status is (Status.WARNING if warns else Status.PASS)
    assert ("`max_attempts` (1)" in check.message) is warns


def test_a_pair_has_one_check_with_the_worst_of_its_findings():
    evidence = with_another_attempt(passing_matrix(), "A3/123", "earlier")
    check = one(evidence, "pair", run_id("A3/123"), runs={"duplicates": "fail"}, plan={"max_attempts": 1})
    assert check.status is Status.FAIL
    assert "earlier" in check.message
    assert "`max_attempts` (1)" in check.message


def test_without_seeds_the_subject_of_a_pair_is_the_cell():
    evidence = passing_matrix(seeds=["42"])
    outcome = ask(GATE, without_run(evidence, "A3/42"), runs={"seed": "none"}, plan={"seeds": []})
    (check,) = not_passed(outcome)
    assert (check.kind, check.subject, check.cell, check.seed) == ("pair", "A3", "A3", None)


# --- expectations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "logged", "holds"),
    [
        ("True", "True", True),
        ("True", "true", True),
        ("true", "True", True),
        ("False", "false", True),
        ("True", "TRUE", True),
        ("True", " 1", True),
        ("True", "maybe", False),
        ("True", "null", False),
        ("True", "False", False),
        ("True", None, False),
        ("True", "", False),
        (["16", "32"], "32", True),
        (["16", "32"], "64", False),
        ("adam", "Adam", False),
    ],
)
def test_expect_is_text_or_any_of_several(expected, logged, holds):
    """spec: G0-expect"""
    evidence = with_run(passing_matrix(), "A3/42", params={"codebook": logged})
    plan = {"cells": {"A3": {"expect": {"codebook": expected}, "seeds": ["42"]}}}
    evidence = without_run(without_run(evidence, "A3/123"), "A3/456")
    checks = [check for check in ask(GATE, evidence, plan=plan).checks if check.subject == "params.codebook"]
    assert [(check.kind, check.status is Status.PASS) for check in checks] == [("expect", holds)]


def test_an_expectation_that_does_not_hold_names_both_sides():
    """spec: finding-says-how"""
    check = found(with_run(passing_matrix(), "B0/42", params={"use_vq": "True"}))
    assert (check.kind, check.subject, check.status) == ("expect", "params.use_vq", Status.FAIL)
    assert (check.observed, check.expected, check.run_id) == ("True", "False", run_id("B0/42"))


@pytest.mark.parametrize(("planned", "logged"), [("5e-2", "0.05"), (["1", "0.050"], "0.05"), ("1.0", "1")])
def test_numbers_are_compared_as_text_and_that_is_said(planned, logged):
    """spec: G0-expect"""
    plan = {"cells": {"A3": {"expect": {"use_vq": "True", "lr": planned}}}}
    check = found(
        with_run(passing_matrix(seeds=["42"]), "A3/42", params={"lr": logged}), plan={**plan, "seeds": ["42"]}
    )
    assert f"lr is {logged!r}, but cell A3 is planned with" in check.message
    assert "Text is compared, not numbers: write it into `expect` as it was logged." in check.message


def test_another_number_is_run_again():
    plan = {"cells": {"A3": {"expect": {"use_vq": "True", "lr": "5e-2"}}}, "seeds": ["42"]}
    check = found(with_run(passing_matrix(seeds=["42"]), "A3/42", params={"lr": "0.5"}), plan=plan)
    assert check.message.endswith("Run it again as planned, or correct `expect`.")


def test_a_param_that_no_run_has_may_be_misspelt():
    evidence = replace(passing_matrix(), nearest={"params.use_vqs": "params.use_vq"})
    plan = {"cells": {"A3": {"expect": {"use_vqs": "True"}}}, "seeds": ["42"]}
    (check,) = [check for check in not_passed(ask(GATE, evidence, plan=plan)) if check.kind == "expect"]
    assert check.message.endswith("planned with True. No run has it: did you mean use_vq?")


def test_tags_can_be_expected():
    plan = {"cells": {"A3": {"expect": {"tags.run_status": "completed"}}}}
    evidence = passing_matrix()
    for seed, status in (("42", "completed"), ("123", "failed")):
        evidence = with_run(evidence, f"A3/{seed}", tags={"run_status": status})
    checks = [check for check in ask(GATE, evidence, plan=plan).checks if check.subject == "tags.run_status"]
    assert {check.seed: check.status for check in checks} == {
        "42": Status.PASS,
        "123": Status.FAIL,
        "456": Status.FAIL,
    }


def vq_findings(evidence: Evidence, expects: dict[str, Any], **sections: Any) -> dict[str | None, Status]:
    """Return by cell what is found about `use_vq` where the cells expect exactly `expects`."""
    plan = {"cells": {cell: {"expect": expects.get(cell, {})} for cell in CELLS}, "seeds": ["42"]}
    policy = policy_of({"version": 1, "plan": plan, **sections})
    checks = GATE.judge(case(policy, evidence)).checks
    return {check.cell: check.status for check in checks if check.subject == "params.use_vq"}


WITH_VQ = {"A3": {"use_vq": "True"}, "A4": {"use_vq": "True"}}
EACH_AS_PLANNED = dict.fromkeys(CELLS, Status.PASS)


def test_cells_that_are_planned_without_vq_may_say_so_by_silence():
    """spec: G0-flag-planned"""
    assert vq_findings(passing_matrix(), WITH_VQ) == EACH_AS_PLANNED
    assert (
        vq_findings(with_run(passing_matrix(), "B0/42", params={"use_vq": None}), WITH_VQ) == EACH_AS_PLANNED
    )


@pytest.mark.parametrize("logged", ["True", "true"])
def test_a_cell_planned_without_vq_that_ran_with_it_fails(logged):
    """spec: G0-flag-planned"""
    evidence = with_run(passing_matrix(), "B0/42", params={"use_vq": logged})
    assert vq_findings(evidence, WITH_VQ) == {**EACH_AS_PLANNED, "B0": Status.FAIL}


@pytest.mark.parametrize("logged", ["False", None])
def test_a_cell_planned_with_vq_that_ran_without_it_fails(logged):
    evidence = with_run(passing_matrix(), "A3/42", params={"use_vq": logged})
    assert vq_findings(evidence, WITH_VQ) == {**EACH_AS_PLANNED, "A3": Status.FAIL}


def test_where_no_cell_expects_the_key_nothing_is_said_of_it():
    assert vq_findings(with_run(passing_matrix(), "B0/42", params={"use_vq": "True"}), {}) == {}


def test_expectations_of_cells_that_were_narrowed_out_count():
    evidence = with_run(passing_matrix(), "B0/42", params={"use_vq": "True"})
    assert vq_findings(evidence, WITH_VQ, narrowed={"cells": ["B0"]}) == {"B0": Status.FAIL}


def test_an_expectation_of_the_reverse_counts_too():
    expects = {"B0": {"use_vq": "False"}, "B1": {"use_vq": "False"}}
    findings = vq_findings(passing_matrix(), expects)
    assert findings == {**EACH_AS_PLANNED, "A3": Status.FAIL, "A4": Status.FAIL}


def test_a_cell_that_expects_both_values_of_the_key_is_free():
    expects = {**WITH_VQ, "B0": {"use_vq": ["True", "False"]}}
    evidence = with_run(passing_matrix(), "B0/42", params={"use_vq": "True"})
    assert vq_findings(evidence, expects) == EACH_AS_PLANNED


def test_the_whole_when_must_hold_to_be_satisfied():
    rule = {"when": {"use_vq": "True", "stage": "5"}, "required": ["unit"]}
    evidence = with_run(passing_matrix(), "B0/42", params={"use_vq": "True"})
    gates = {"unit_contract": {"rules": [rule]}}
    assert vq_findings(evidence, WITH_VQ, gates=gates) == EACH_AS_PLANNED
    evidence = with_run(evidence, "B0/42", params={"stage": "5"})
    assert vq_findings(evidence, WITH_VQ, gates=gates) == {**EACH_AS_PLANNED, "B0": Status.FAIL}


# --- required metrics -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, "NaN", "Infinity", "-Infinity"])
def test_required_metrics_are_present_and_finite(value):
    """spec: G0-required-metrics"""
    check = found(with_run(passing_matrix(), "A3/42", metrics={"pape": value}))
    assert (check.kind, check.subject, check.status) == ("required_metric", "pape", Status.FAIL)
    assert (check.run_id, check.observed) == (run_id("A3/42"), value or "missing")


@pytest.mark.parametrize(
    ("asked", "meant"), [("rsme", "rmse"), ("RMSE", "rmse"), ("lpips", None), ("val_lose", "val_loss")]
)
def test_a_required_metric_that_is_nearly_one_that_is_logged_is_asked_for(asked, meant):
    evidence = passing_matrix()
    evidence = replace(
        evidence, runs=tuple(replace(run, metrics={**run.metrics, "rmse": "0.5"}) for run in evidence.runs)
    )
    checks = not_passed(ask(GATE, evidence, plan={"required_metrics": [asked]}))
    assert {check.message for check in checks} == {
        f"{asked} is missing. Log it in every run."
        + (f" Did you mean {meant!r}, which it logs?" if meant else "")
    }


def test_a_metric_that_all_runs_lack_is_looked_for_once(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr("smoke_gate.gates.plan.nearest", lambda name, known: asked.append(name))
    ask(GATE, passing_matrix(), plan={"required_metrics": ["rsme"]})
    assert asked == ["rsme"]


@pytest.mark.parametrize("value", [None, "NaN"])
def test_metrics_of_a_cell_are_required_of_its_runs_only(value):
    """spec: G0-required-metrics"""
    cells = {"A3": {"required_metrics": ["vq_loss", "pape"]}}
    whole = passing_matrix()
    for pair in ("A3/42", "A3/123", "A3/456"):
        whole = with_run(whole, pair, metrics={"vq_loss": "0.25"})
    logged = [check for check in ask(GATE, whole, plan={"cells": cells}).checks if check.subject == "vq_loss"]
    assert {(check.cell, check.kind, check.status) for check in logged} == {
        ("A3", "required_metric", Status.PASS)
    }
    broken = with_run(whole, "A3/123", metrics={"vq_loss": value})
    (check,) = not_passed(ask(GATE, broken, plan={"cells": cells}))
    assert (check.kind, check.subject, check.run_id) == ("required_metric", "vq_loss", run_id("A3/123"))
    assert check.status is Status.FAIL
    assert ("Log it in every run of cell A3." in check.message) is (value is None)


def test_a_metric_that_plan_and_cell_require_is_checked_once():
    outcome = ask(GATE, passing_matrix(), plan={"cells": {"A3": {"required_metrics": ["pape"]}}})
    of_run = [
        check for check in outcome.checks if check.run_id == run_id("A3/42") and check.subject == "pape"
    ]
    assert len(of_run) == 1


# --- seed spellings ---------------------------------------------------------------------------------------------------


def test_another_spelling_of_a_seed_is_a_warning_that_names_both():
    """spec: G0-seed-spelling"""
    check = found(with_attempt(passing_matrix(), "A3/42", seed="042"))
    assert (check.kind, check.subject, check.status) == ("seed", "seed", Status.WARNING)
    assert "'042'" in check.message
    assert "'42'" in check.message
    assert (check.seed, check.run_id) == ("42", run_id("A3/42"))


# --- commits ----------------------------------------------------------------------------------------------------------


SAME = {"commit": "same"}


def commits(evidence: Evidence, commit: str = "same") -> dict[str | None, Status]:
    """Return the status of every commit check that is not a PASS, by run."""
    checks = not_passed(ask(GATE, evidence, runs={"commit": commit}))
    assert {check.kind for check in checks} <= {"commit"}
    assert {check.subject for check in checks} <= {"commit"}
    return {check.run_id: check.status for check in checks}


def test_one_commit_passes():
    checks = [check for check in ask(GATE, passing_matrix(), runs=SAME).checks if check.kind == "commit"]
    assert [check.status for check in checks] == [Status.PASS] * 12


def test_one_commit_with_uncommitted_changes_passes_and_says_so():
    dirty = with_attempt(passing_matrix(), "A3/42", dirty=True)
    check = one(dirty, "commit", run_id("A3/42"), runs=SAME)
    assert check.status is Status.PASS
    assert check.message == f"It ran on {COMMIT[:12]}, with uncommitted changes that no commit holds."
    other = with_attempt(passing_matrix(), "A3/42", dirty=True, commit=OTHER_COMMIT)
    assert (
        "with uncommitted changes that no commit holds; most runs are of" in found(other, runs=SAME).message
    )


def test_several_commits_are_a_warning_at_the_runs_that_differ():
    """spec: G0-commit-same"""
    evidence = with_attempt(passing_matrix(), "A3/42", commit=OTHER_COMMIT)
    assert commits(evidence) == {run_id("A3/42"): Status.WARNING}


def test_where_no_commit_leads_every_run_warns():
    evidence = everywhere(passing_matrix(cells=["A3"]), commit=COMMIT)
    for pair, commit in (("A3/123", OTHER_COMMIT), ("A3/456", THIRD_COMMIT)):
        evidence = with_attempt(evidence, pair, commit=commit)
    checks = [check for check in ask(GATE, evidence, runs=SAME).checks if check.kind == "commit"]
    assert [check.status for check in checks] == [Status.WARNING] * 3


def test_an_unknown_commit_is_stated_and_neither_passes_nor_warns():
    """spec: G0-commit-same"""
    assert commits(with_attempt(passing_matrix(), "A3/42", commit=None)) == {run_id("A3/42"): Status.SKIPPED}
    nowhere = commits(everywhere(passing_matrix(), commit=None))
    assert list(nowhere.values()) == [Status.SKIPPED] * 12
    mostly = commits(with_attempt(everywhere(passing_matrix(), commit=None), "A3/42", commit=COMMIT))
    assert list(mostly.values()) == [Status.SKIPPED] * 11


def test_any_commit_will_do_where_the_policy_says_so():
    """spec: G0-commit-same"""
    evidence = with_attempt(passing_matrix(), "A3/42", commit=OTHER_COMMIT)
    assert not [
        check for check in ask(GATE, evidence, runs={"commit": "any"}).checks if check.kind == "commit"
    ]


@pytest.mark.parametrize("asked", ["head", "code"])
def test_a_run_of_other_code_does_not_count(asked):
    """spec: G0-commit-head-code"""
    assert commits(passing_matrix(), asked) == {}
    check = found(of_other_code(Answer.NO), runs={"commit": asked})
    assert (check.kind, check.status, check.run_id, check.pending) == ("pair", Status.FAIL, None, True)


def test_without_a_head_nothing_is_of_head():
    evidence = replace(passing_matrix(), head=NO_HEAD, codes={})
    assert list(commits(evidence, commit="head").values()) == [Status.FAIL] * 12
    assert "head is not known" in one(evidence, "commit", run_id("A3/42"), runs={"commit": "head"}).message


ABBREVIATED = COMMIT[:12]


def test_an_abbreviated_commit_is_the_same_commit():
    assert commits(with_attempt(passing_matrix(), "A3/42", commit=ABBREVIATED)) == {}
    assert commits(replace(passing_matrix(), head=Head(commit=ABBREVIATED)), "head") == {}


LIKE_IT = COMMIT[:14] + "b" * 26


def test_commits_that_begin_alike_are_named_whole():
    evidence = with_attempt(passing_matrix(), "A3/42", commit=LIKE_IT)
    said = f"It ran on {LIKE_IT}; most runs are of {COMMIT}."
    assert said in one(evidence, "commit", run_id("A3/42"), runs=SAME).message


def test_commits_that_begin_alike_are_named_whole_where_none_leads():
    evidence = with_attempt(passing_matrix(cells=["A3"], seeds=["42", "123"]), "A3/42", commit=LIKE_IT)
    said = f"It ran on {COMMIT}; the runs are of several"
    assert said in one(evidence, "commit", run_id("A3/123"), runs=SAME).message


def of_other_code(answer: Answer, by: Any = "clone", pair: str = "A3/42") -> Evidence:
    """Return a matrix in which one run is of another commit, and what is known of that commit's code."""
    evidence = with_attempt(passing_matrix(), pair, commit=OTHER_COMMIT)
    return replace(evidence, codes={**evidence.codes, OTHER_COMMIT: Code(same_code=answer, by=by)})


def test_another_commit_of_heads_code_counts():
    """spec: G0-commit-head-code"""
    assert commits(of_other_code(Answer.YES), "code") == {}
    check = one(of_other_code(Answer.YES), "commit", run_id("A3/42"), runs={"commit": "code"})
    assert "whose code is that of head" in check.message


def test_a_run_whose_code_is_not_known_fails_where_no_run_of_the_pair_has_heads_code():
    """spec: G0-commit-head-code"""
    unknown = of_other_code(Answer.UNKNOWN, by="none")
    assert commits(unknown, "code") == {run_id("A3/42"): Status.FAIL}
    message = one(unknown, "commit", run_id("A3/42"), runs={"commit": "code"}).message
    assert "fetch-depth: 0" in message
    assert "`runs.code_paths` (**/*.py, !**/tests/**" in message
    beside = with_another_attempt(unknown, "A3/42", "earlier", commit=COMMIT)
    assert "code_paths" not in found(beside, runs={"commit": "code"}).message  # the earlier one stands for it


def code_check(evidence: Evidence) -> Check:
    return one(evidence, "code")


@pytest.mark.parametrize(
    ("answer", "origin", "status"),
    [
        (Answer.YES, HeadFrom.PULL_REQUEST, Status.PASS),
        (Answer.NO, HeadFrom.PULL_REQUEST, Status.WARNING),
        (Answer.NO, HeadFrom.CHECKOUT, Status.WARNING),
        (Answer.UNKNOWN, HeadFrom.PULL_REQUEST, Status.WARNING),
        (Answer.UNKNOWN, HeadFrom.CHECKOUT, Status.SKIPPED),
    ],
)
def test_the_code_of_the_runs_is_one_check_of_the_matrix(answer, origin, status):
    """spec: G0-commit-auto"""
    evidence = replace(of_other_code(answer), head=Head(commit=COMMIT, origin=origin))
    check = code_check(evidence)
    assert (check.status, check.run_id, check.subject) == (status, None, "commit")
    assert ("A3/42" in check.message) is (status is not Status.PASS)


@pytest.mark.parametrize("facts", [{"commit": None}, {"dirty": True}])
def test_the_code_of_a_run_without_a_commit_or_with_changes_is_not_known(facts):
    """spec: G0-commit-auto"""
    evidence = with_attempt(passing_matrix(), "A3/42", **facts)
    check = code_check(replace(evidence, head=Head(commit=COMMIT, origin=HeadFrom.PULL_REQUEST)))
    assert check.status is Status.WARNING
    assert "`runs.commit: any`" in check.message


def test_where_head_is_not_known_auto_is_same():
    """spec: G0-commit-auto"""
    nowhere = replace(with_attempt(passing_matrix(), "A3/42", commit=OTHER_COMMIT), head=NO_HEAD, codes={})
    assert found(nowhere) == found(nowhere, runs=SAME)
    assert found(nowhere).kind == "commit"


def test_what_to_do_about_unknown_code_follows_its_cause():
    assert "nobody has both commits" in found(of_other_code(Answer.UNKNOWN)).message
    for facts in ({"commit": None}, {"dirty": True}):
        message = found(with_attempt(of_other_code(Answer.UNKNOWN), "A3/42", **facts)).message
        assert "Record the commit" in message
        assert "nobody has both commits" not in message
        both = found(with_attempt(of_other_code(Answer.UNKNOWN), "A4/42", **facts)).message
        assert "Record the commit" in both
        assert "nobody has both commits" in both


def test_tags_that_name_two_commits_are_a_warning():
    """spec: G0-commit-spelling"""
    check = found(with_attempt(passing_matrix(), "A3/42", other_commit=OTHER_COMMIT))
    assert (check.kind, check.status, check.run_id) == ("commit_tags", Status.WARNING, run_id("A3/42"))
    assert OTHER_COMMIT[:12] in check.message


@pytest.mark.parametrize("asked", ["head", "code"])
@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"commit": None}, "No commit is recorded"),
        ({"commit": ""}, "No commit is recorded"),
        ({"dirty": True}, "with uncommitted changes"),
    ],
)
def test_unknown_and_dirty_commits_fail_under_head_and_code(asked, facts, words):
    """spec: G0-commit-head-code"""
    evidence = with_attempt(passing_matrix(), "A3/42", **facts)
    check = one(evidence, "commit", run_id("A3/42"), runs={"commit": asked})
    assert check.status is Status.FAIL
    assert words in check.message
    assert commits(evidence, asked) == {run_id("A3/42"): Status.FAIL}


@pytest.mark.parametrize("asked", ["head", "code"])
def test_a_run_that_does_not_record_whether_it_was_dirty_passes(asked):
    assert commits(everywhere(passing_matrix(), dirty=None), asked) == {}


# --- replicates -------------------------------------------------------------------------------------------------------


def with_metrics(evidence: Evidence, pair: str, metrics: dict[str, str]) -> Evidence:
    """Give a run exactly these metrics."""
    gone = dict.fromkeys(run_of(evidence, pair).metrics)
    return with_run(evidence, pair, metrics={**gone, **metrics})


def replicates(of_123: dict[str, str], of_42: dict[str, str], **overrides: Any) -> list[Check]:
    evidence = with_metrics(with_metrics(passing_matrix(), "A3/42", of_42), "A3/123", of_123)
    overrides = {"plan": {}, **overrides}
    overrides["plan"] = {"required_metrics": [], **overrides["plan"]}
    return [check for check in ask(GATE, evidence, **overrides).checks if check.kind == "replicate"]


def test_identical_metrics_of_two_seeds_are_a_warning():
    """spec: G0-replicates"""
    (check,) = replicates({"loss": "0.25", "pape": "8.5"}, {"loss": "0.25", "pape": "8.5"})
    assert (check.status, check.subject, check.cell) == (Status.WARNING, "A3/42=A3/123", "A3")


def test_three_replicates_are_one_finding_that_names_them():
    """spec: G0-replicates"""
    evidence = passing_matrix()
    for seed in (42, 123, 456):
        evidence = with_metrics(evidence, f"A3/{seed}", {"pape": "8.5"})
    assert found(evidence).subject == "A3/42=A3/123=A3/456"


@pytest.mark.parametrize(
    ("one_has", "other_has"),
    [
        ({"pape": "8.5"}, {"pape": "8.500000000000002"}),
        ({"pape": "8.5", "loss": "1.5"}, {"pape": "8.5", "loss": "1.25"}),
        ({"pape": "8.5"}, {"loss": "8.5"}),
        ({}, {}),
        ({"system/cpu": "0.5"}, {"system/cpu": "0.5"}),
        ({"train_time": "0.5"}, {"train_time": "0.5"}),
        ({"epoch_seconds": "0.5", "duration": "0.5"}, {"epoch_seconds": "0.5", "duration": "0.5"}),
        (
            {"accuracy": "1.0", "errors": "0.0", "sign": "-1.0"},
            {"accuracy": "1.0", "errors": "0.0", "sign": "-1.0"},
        ),
    ],
)
def test_what_is_no_replicate(one_has, other_has):
    assert not replicates(one_has, other_has)


def test_two_seeds_without_a_number_are_replicates():
    assert replicates({"pape": "NaN"}, {"pape": "NaN"})


class Counted(dict[str, str]):
    """Metrics that count how often they are gone through."""

    reads = 0

    def items(self):
        self.reads += 1
        return super().items()


def test_the_metrics_of_a_run_are_gone_through_twice_however_many_seeds_there_are():
    evidence = passing_matrix()
    metrics = [Counted(run.metrics) for run in evidence.runs]
    runs = tuple(replace(run, metrics=own) for run, own in zip(evidence.runs, metrics, strict=True))
    ask(GATE, replace(evidence, runs=runs))
    assert {own.reads for own in metrics} == {2}  # for what runs share, and for what some of them lack


def test_a_deterministic_cell_may_repeat_itself():
    """spec: G0-may-be-equal"""
    deterministic = {"cells": {"A3": {"deterministic": True}}}
    assert not replicates({"pape": "8.5"}, {"pape": "8.5"}, plan=deterministic)


def test_cells_may_agree_with_one_another():
    """spec: G0-may-be-equal"""
    evidence = passing_matrix()
    for cell in ("A3", "A4"):
        evidence = with_run(evidence, f"{cell}/42", metrics={"pape": "8.5", "val_loss": "0.75"})
    assert not not_passed(ask(GATE, evidence))


# --- metrics of some seeds, and of after the end ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "seeds", "said"),
    [
        ({"rmse": "0.75"}, ("42",), "A3/123, A3/456 did not log rmse,"),
        ({"rmse": "0.75"}, ("42", "123"), "A3/456 did not log rmse,"),
        (
            {"rmse": "0.75", "mae": "0.5"},
            ("42",),
            "A3/456 did not log mae, rmse,",
        ),
        ({"rmse": "0.75"}, SEEDS, None),
        ({"train_time": "7.5"}, ("42",), None),
        ({"system/cpu": "7.5"}, ("42",), None),
    ],
)
def test_a_metric_that_only_some_seeds_of_a_cell_log_is_a_warning(extra, seeds, said):
    """spec: G0-partial-metrics"""
    evidence = passing_matrix()
    for seed in seeds:
        evidence = with_run(evidence, f"A3/{seed}", metrics=extra)
    checks = not_passed(ask(GATE, evidence))
    assert [(check.kind, check.status) for check in checks] == ([("partial", Status.WARNING)] if said else [])
    assert all((said or "") in check.message for check in checks)


def test_a_required_metric_that_a_seed_lacks_is_one_finding():
    assert found(with_run(passing_matrix(), "A3/42", metrics={"pape": None})).kind == "required_metric"


@pytest.mark.parametrize(
    ("late", "said"),
    [
        (("pape",), "pape was written more than a minute after"),
        (("pape", "val_loss"), "pape and val_loss were written"),
        (("elsewhere",), None),
        (("pape", "elsewhere"), "pape was written"),
    ],
)
def test_a_judged_metric_that_was_written_after_the_end_is_a_warning(late, said):
    """spec: G0-late-metrics"""
    checks = not_passed(ask(GATE, with_run(passing_matrix(), "A3/42", late=late)))
    assert [(check.kind, check.status) for check in checks] == ([("late", Status.WARNING)] if said else [])
    assert all((said or "") in check.message for check in checks)


# --- newer attempts ---------------------------------------------------------------------------------------------------

SAME_RESULT = dict(run_of(passing_matrix(), "A3/123").metrics)


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"status": "RUNNING"}, "newer_attempt"),
        ({"status": "SCHEDULED"}, "newer_attempt"),
        ({"status": "FAILED"}, "newer_attempt"),
        ({"status": "KILLED"}, "newer_attempt"),
        ({"lifecycle_stage": "deleted"}, "newer_attempt"),
        ({"in_scope": False}, "newer_attempt"),
        ({"lifecycle_stage": "deleted", "metrics": {"pape": "1.0"}}, "newer_attempt"),
        ({"in_scope": False, "metrics": {"pape": "1.0"}}, "newer_attempt"),
        ({"lifecycle_stage": "deleted", "metrics": SAME_RESULT}, None),
        ({"in_scope": False, "metrics": {**SAME_RESULT, "train_time": "9.5"}}, None),
        ({"registered": True}, "registered"),
    ],
)
@pytest.mark.parametrize("newer", [True, False])
def test_what_was_tried_after_the_run_that_counts(facts, kind, newer):
    """spec: G0-newer-attempt"""
    first = attempt_of(passing_matrix(), "A3/123").start_time or 0
    start = first + MINUTE * (1 if newer else -1)
    evidence = with_another_attempt(passing_matrix(), "A3/123", "again", start_time=start, **facts)
    expected = [kind] if kind and (newer or kind == "registered") else []
    checks = not_passed(ask(GATE, evidence))
    assert [(check.kind, check.status) for check in checks] == [(one, Status.WARNING) for one in expected]
    assert all("again" in check.message for check in checks)


def test_newer_attempts_of_a_pair_are_one_finding_that_counts_them():
    """spec: G0-newer-attempt"""
    evidence = passing_matrix()
    for number in range(1, 4):
        start = (attempt_of(evidence, "A3/123").start_time or 0) + number * MINUTE
        facts = {"start_time": start, "status": "KILLED", "commit": OTHER_COMMIT}
        evidence = with_another_attempt(evidence, "A3/123", f"again-{number}", **facts)
    message = found(evidence).message
    assert message.startswith(
        "3 attempts are newer than the run that stands for the pair; the newest, again-3, is KILLED"
    )
    assert f"commit {OTHER_COMMIT[:12]}" in message


# --- what nobody planned ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unexpected", "status"), [("warn", Status.WARNING), ("fail", Status.FAIL)])
def test_an_unexpected_run_is_found(unexpected, status):
    """spec: G0-unexpected"""
    evidence = with_another_attempt(passing_matrix(), "A3/42", "surprise", cell="C9", seed="7")
    check = found(evidence, runs={"unexpected": unexpected})
    assert (check.kind, check.status, check.subject, check.run_id) == (
        "unexpected",
        status,
        "surprise",
        "surprise",
    )
    assert (check.cell, check.seed, check.observed) == ("C9", "7", "C9/7")


@pytest.mark.parametrize(("unexpected", "status"), [("warn", Status.WARNING), ("fail", Status.FAIL)])
def test_unexpected_runs_that_the_evidence_only_counts_are_one_check(unexpected, status):
    evidence = replace(passing_matrix(), others=Others(unexpected=41))
    (check,) = not_passed(ask(GATE, evidence, runs={"unexpected": unexpected}))
    assert (check.kind, check.status, check.run_id, check.subject) == (
        "unexpected",
        status,
        None,
        "older runs",
    )
    assert str(check.message).startswith("41 older runs finished, and their cells and seeds are not planned.")
    assert not not_passed(ask(GATE, evidence, runs={"unexpected": "ignore"}))


def test_unexpected_runs_can_be_ignored():
    """spec: G0-unexpected"""
    evidence = with_another_attempt(passing_matrix(), "A3/42", "surprise", cell="C9")
    assert not not_passed(ask(GATE, evidence, runs={"unexpected": "ignore"}))


# --- properties -------------------------------------------------------------------------------------------------------


def spoiled() -> Evidence:
    """Return evidence in which the plan's gate, the definition's and the ratios' find much."""
    evidence = without_run(passing_matrix(), "B1/456")
    for other, facts in (
        ("first", {}),
        ("second", {"commit": None, "start_time": REGISTERED}),
        ("third", {"status": "FAILED"}),
        ("fourth", {"cell": "C9"}),
        ("fifth", {"cell": "C9"}),
        ("sixth", {"cell": None}),
    ):
        evidence = with_another_attempt(evidence, "A3/123", other, **facts)
    evidence = with_attempt(evidence, "B0/42", commit=OTHER_COMMIT, seed="042")
    evidence = with_run(evidence, "B0/123", metrics=dict(run_of(evidence, "B0/42").metrics))
    evidence = with_run(
        evidence, "A4/42", metrics={"val_loss": "NaN"}, params={"pape_definition_hash": "other"}
    )
    return with_run(evidence, "A4/123", metrics={"pape": None}, params={"use_vq": "False"})


@pytest.mark.parametrize("gate", [GATE, definition_hash.GATE, metric_ratio.GATE], ids=lambda gate: gate.id)
@given(random=st.randoms())
def test_the_order_of_reading_changes_nothing(gate: Gate, random):
    evidence = spoiled()
    shuffled = replace(
        evidence,
        attempts=tuple(random.sample(evidence.attempts, len(evidence.attempts))),
        runs=tuple(random.sample(evidence.runs, len(evidence.runs))),
    )
    assert ask(gate, shuffled) == ask(gate, evidence)
    assert not_passed(ask(gate, evidence))
