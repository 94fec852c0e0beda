"""How a matrix breaks that G0 should see, first part: runs that are missing, doubled or hidden, and their code."""

from dataclasses import replace

from smoke_gate.evidence import DAMAGED, Answer, Code, Evidence, PolicyChange
from smoke_gate.gates.base import Case, LogMore, Mutation, PolicyLine, Unbroken
from smoke_gate.gates.mutations.changes import (
    NO_RUN,
    STALE_COMMIT,
    first,
    main_metric,
    with_attempt,
    with_new_attempt,
)
from smoke_gate.message import say
from smoke_gate.policy.terms import normal_seed

_HOUR = 3_600_000  # milliseconds
_NO_COMMIT = Unbroken(
    say("No run records its commit."),
    LogMore("contract.log_plan(cell=cell, seed=seed)  # in a git checkout"),
)

# --- attempts ---------------------------------------------------------------------------------------------------------


def _lost(case: Case) -> Evidence | Unbroken:
    judged = first(case)
    if judged is None:
        return NO_RUN
    runs = tuple(run for run in case.evidence.runs if run.run_id != judged.run.run_id)
    return replace(with_attempt(case.evidence, judged.attempt, status="FAILED"), runs=runs)


def _tried_again(case: Case) -> Evidence | Unbroken:
    judged = first(case)
    if judged is None:
        return NO_RUN
    return with_new_attempt(
        case.evidence, judged.attempt, "later-attempt", _HOUR, status="FAILED", end_time=None
    )


def _unreadable(case: Case) -> Evidence | Unbroken:
    judged = first(case)
    if judged is None:
        return NO_RUN
    return with_new_attempt(
        case.evidence, judged.attempt, "damaged-attempt", 0, status=DAMAGED, start_time=None, end_time=None
    )


def _newer_deleted(case: Case) -> Evidence | Unbroken:
    judged, metric = first(case), main_metric(case)
    if judged is None:
        return NO_RUN
    metrics = {**judged.run.metrics, metric or "loss": "0.123456"}
    return with_new_attempt(
        case.evidence, judged.attempt, "deleted-result", _HOUR, lifecycle_stage="deleted", metrics=metrics
    )


def _rolled(case: Case) -> Evidence | Unbroken:
    judged = first(case)
    if judged is None:
        return NO_RUN
    evidence = case.evidence
    for number in (1, 2):
        evidence = with_new_attempt(
            evidence, judged.attempt, f"deleted-try-{number}", -number * _HOUR, lifecycle_stage="deleted"
        )
    return evidence


def _most_attempts(case: Case) -> PolicyLine:
    most = max((len(place.attempts) for place in case.matrix.places), default=1)
    return PolicyLine(("plan", "max_attempts"), max(1, most))


def _second(case: Case) -> Evidence | Unbroken:
    judged = first(case)
    if judged is None:
        return NO_RUN
    return with_new_attempt(case.evidence, judged.attempt, "first-result", -_HOUR)


def _hidden(case: Case) -> Evidence | Unbroken:
    judged = first(case)
    if judged is None:
        return NO_RUN
    return with_new_attempt(case.evidence, judged.attempt, "hidden-attempt", _HOUR, registered=True)


def _unplanned(case: Case) -> Evidence | Unbroken:
    judged = first(case)
    if judged is None:
        return NO_RUN
    return with_new_attempt(case.evidence, judged.attempt, "unplanned", 0, cell=f"{judged.pair.cell}-new")


def _seed_spelt(case: Case) -> Evidence | Unbroken:
    judged = first(case, lambda one: normal_seed(f"0{one.pair.seed}") == normal_seed(one.pair.seed or "a"))
    if judged is None:
        return Unbroken(say("No run has a number for a seed."))
    return with_attempt(case.evidence, judged.attempt, seed=f"0{judged.pair.seed}")


# --- code -------------------------------------------------------------------------------------------------------------


def _stale(case: Case) -> Evidence | Unbroken:
    judged = first(case, lambda one: one.attempt.commit is not None)
    if judged is None:
        return _NO_COMMIT if case.judged else NO_RUN
    evidence = with_attempt(case.evidence, judged.attempt, commit=STALE_COMMIT)
    return replace(evidence, codes={**evidence.codes, STALE_COMMIT: Code(same_code=Answer.NO, by="clone")})


def _compare_commits(case: Case) -> PolicyLine:
    is_compared = case.policy.runs.commit in ("auto", "same")
    return PolicyLine(("runs", "commit"), "head" if is_compared else "auto")


def _dirty(case: Case) -> Evidence | Unbroken:
    judged = first(case, lambda one: one.attempt.commit is not None and not one.attempt.dirty)
    if judged is None:
        return _NO_COMMIT if case.judged else NO_RUN
    return with_attempt(case.evidence, judged.attempt, dirty=True)


def _two_commits(case: Case) -> Evidence | Unbroken:
    judged = first(case, lambda one: one.attempt.commit is not None)
    if judged is None:
        return _NO_COMMIT if case.judged else NO_RUN
    return with_attempt(case.evidence, judged.attempt, other_commit=STALE_COMMIT)


def _loosened(case: Case) -> Evidence:
    difference = ("-plan.required_metrics: [pape]", "+plan.required_metrics: []")
    return replace(
        case.evidence, policy_change=PolicyChange(found="The policy was changed.", difference=difference)
    )


ATTEMPTS = (
    Mutation(name="lost_run", title="a run crashed, and its result is lost", change=_lost, also=("G4",)),
    Mutation(
        name="later_attempt", title="a run was tried again, and that attempt crashed", change=_tried_again
    ),
    Mutation(
        name="damaged_attempt",
        title="the meta.yaml of an attempt was damaged, so that nobody knows whether it counts",
        change=_unreadable,
    ),
    Mutation(
        name="deleted_result",
        title="a newer result was deleted, so that an older one counts",
        change=_newer_deleted,
    ),
    Mutation(
        name="rolled_again",
        title="a run was repeated until its result was good, and the others were deleted",
        change=_rolled,
        remedy=_most_attempts,
    ),
    Mutation(name="second_run", title="a pair was run twice on one commit", change=_second),
    Mutation(name="hidden_attempt", title="an attempt was tagged as a preregistration", change=_hidden),
    Mutation(
        name="unplanned_run",
        title="a run of a cell finished that is not planned",
        change=_unplanned,
        remedy=lambda _: PolicyLine(("runs", "unexpected"), "warn"),
    ),
    Mutation(
        name="seed_spelt", title="a run spells its seed in another way than the plan", change=_seed_spelt
    ),
    Mutation(
        name="stale_commit",
        title="a run is of an old commit",
        change=_stale,
        also=("G6",),
        remedy=_compare_commits,
    ),
    Mutation(
        name="dirty_commit",
        title="a run is of uncommitted changes",
        change=_dirty,
        remedy=lambda _: PolicyLine(("runs", "commit"), "code"),
    ),
    Mutation(
        name="two_commits",
        title="the tags of a run name two commits",
        change=_two_commits,
        remedy=_compare_commits,
    ),
    Mutation(name="loosened_policy", title="the pull request loosens the policy", change=_loosened),
)
"""In the order in which they are tried."""
