"""Tricks by which a lazy author may try to make a matrix pass. None of them may be ALL PASS."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from smoke_gate.evidence import Answer, Code, Evidence, Head, HeadFrom
from smoke_gate.policy_file.errors import PolicyError
from smoke_gate.policy_file.formats import policy_from_json
from smoke_gate.verdict import VerdictStatus, evaluate
from tests.support.matrix import (
    CELLS,
    COMMIT,
    MINUTE,
    REGISTERED,
    SEEDS,
    figure,
    history,
    passing_matrix,
    passing_policy,
    run_id,
    run_of,
    sha256,
    with_another_attempt,
    with_attempt,
    with_run,
)

PASSING = passing_matrix()
PAIRS = tuple(f"{cell}/{seed}" for cell in CELLS for seed in SEEDS)
LATER = REGISTERED + 1_000 * MINUTE
WARNING, FAIL = VerdictStatus.WARNING, VerdictStatus.FAIL


def everywhere(change: Callable[[Evidence, str], Evidence]) -> Evidence:
    """Return the matrix with a change to each run."""
    evidence = PASSING
    for pair in PAIRS:
        evidence = change(evidence, pair)
    return evidence


def copied(one: str, other: str, **facts: Any) -> Evidence:
    """Return the matrix with the metrics of one run under another, and what else is changed of that one."""
    source = run_of(PASSING, one)
    return with_run(PASSING, other, metrics=dict(source.metrics), **facts)


def trained_alike(*pairs: str) -> Evidence:
    """Return the matrix with these runs' metrics equal, in values that nobody logs by chance."""
    evidence = PASSING
    for pair in pairs:
        metrics = {"pape": "8.4321", "val_loss": "0.6154", "train_loss": "0.5154"}
        evidence = with_run(evidence, pair, metrics=metrics)
    return evidence


def tried_again(pair: str = "A3/42", **facts: Any) -> Evidence:
    return with_another_attempt(PASSING, pair, "again", start_time=LATER, **facts)


def of_last_month() -> Evidence:
    """Return the runs of another commit, whose code is not that of the pull request."""
    head = Head(commit="beef" * 10, origin=HeadFrom.PULL_REQUEST)
    return replace(PASSING, head=head, codes={COMMIT: Code(same_code=Answer.NO, by="clone")})


def without_commits() -> Evidence:
    evidence = everywhere(lambda evidence, pair: with_attempt(evidence, pair, commit=None))
    return replace(evidence, head=Head(commit=COMMIT, origin=HeadFrom.PULL_REQUEST))


def looking_alike(**facts: Any) -> Evidence:
    return everywhere(
        lambda evidence, pair: with_run(evidence, pair, figures=(replace(figure(run_id(pair)), **facts),))
    )


def with_checkpoint_of(one: str, other: str) -> Evidence:
    copy = run_of(PASSING, one)
    return with_run(PASSING, other, checkpoints=copy.checkpoints, manifest=copy.manifest)


TRICKS: dict[str, tuple[VerdictStatus, Evidence]] = {
    "a seed copied from another": (WARNING, copied("A3/42", "A3/123")),
    "a cell copied from another": (WARNING, trained_alike("B0/42", "B1/42")),
    "copied, with a clock that differs": (
        WARNING,
        with_run(copied("A3/42", "A3/123"), "A3/123", metrics={"train_seconds": "7.125"}),
    ),
    "a checkpoint copied from another run": (WARNING, with_checkpoint_of("A3/42", "A4/42")),
    "one figure drawn for every run": (WARNING, looking_alike(sha256=sha256("one"))),
    "one figure, encoded again for every run": (WARNING, looking_alike(pixels=sha256("one"))),
    "rolled again, and the bad roll deleted": (
        WARNING,
        tried_again(lifecycle_stage="deleted", metrics={"pape": "99.5"}),
    ),
    "rolled again, and the bad roll left out by runs.where": (
        WARNING,
        tried_again(in_scope=False, metrics={"pape": "99.5"}),
    ),
    "rolled again, and of the bad roll nothing is known": (WARNING, tried_again(lifecycle_stage="deleted")),
    "rolled again, and the bad roll tagged as a preregistration": (WARNING, tried_again(registered=True)),
    "rolled again, and the bad roll killed": (WARNING, tried_again(status="KILLED")),
    "rolled again, and the bad roll left running": (WARNING, tried_again(status="RUNNING")),
    "rolled again, and both rolls kept": (
        WARNING,
        with_another_attempt(PASSING, "A3/42", "earlier"),
    ),
    "renamed to a seed that looks the same": (WARNING, with_attempt(PASSING, "A3/42", seed="042")),
    "renamed to a cell that is not planned": (FAIL, with_attempt(PASSING, "A3/42", cell="A3x")),
    "a bad seed run as one that is not planned": (WARNING, tried_again(seed="7")),
    "the flag left out": (FAIL, with_run(PASSING, "A3/42", params={"use_vq": None})),
    "the flag blank": (FAIL, with_run(PASSING, "A3/42", params={"use_vq": " "})),
    "the flag neither on nor off": (FAIL, with_run(PASSING, "A3/42", params={"use_vq": "maybe"})),
    "the flag spelled otherwise, with units that disagree": (
        FAIL,
        with_run(PASSING, "A3/42", params={"use_vq": "yes", "vq_input_unit": "kW"}),
    ),
    "a unit that says TODO": (FAIL, with_run(PASSING, "A3/42", params={"vq_input_unit": "TODO"})),
    "signatures that say nothing, and agree": (
        FAIL,
        with_run(
            PASSING,
            "A3/42",
            params=dict.fromkeys(
                ("vq_scaler_space_signature", "dlinear_output_scaler_space_signature"), "\u2800"
            ),
        ),
    ),
    "hashes of zeros": (
        FAIL,
        everywhere(lambda evidence, pair: with_run(evidence, pair, params={"train_data_hash": "0" * 16})),
    ),
    "params copied, and no metrics": (
        FAIL,
        with_run(PASSING, "A3/42", metrics=dict.fromkeys(("pape", "val_loss", "train_loss"))),
    ),
    "a metric written when the run was over": (WARNING, with_run(PASSING, "A3/42", late=("pape",))),
    "a metric changed, and its history forgotten": (
        WARNING,
        with_run(
            PASSING, "A3/42", metrics={"val_loss": "0.75"}, histories=dict(run_of(PASSING, "A3/42").histories)
        ),
    ),
    "a history changed, and its metric forgotten": (
        WARNING,
        with_run(PASSING, "A3/42", histories={"val_loss": history(1.5, 0.75)}),
    ),
    "a metric that one seed does not log": (
        WARNING,
        with_run(PASSING, "A3/42", metrics={"rmse": "0.75"}),
    ),
    "runs of last month for the code of today": (WARNING, of_last_month()),
    "runs that do not say their code": (WARNING, without_commits()),
    "runs of changes that no commit holds": (
        WARNING,
        replace(
            everywhere(lambda evidence, pair: with_attempt(evidence, pair, dirty=True)),
            head=Head(commit=COMMIT, origin=HeadFrom.PULL_REQUEST),
        ),
    ),
    "two tags with two commits": (WARNING, with_attempt(PASSING, "A3/42", other_commit="beef" * 10)),
    "another definition": (
        FAIL,
        with_run(PASSING, "A3/42", params={"pape_definition_hash": sha256("easier")}),
    ),
    "registered when the runs were done": (
        WARNING,
        replace(
            PASSING,
            registrations=(replace(PASSING.registrations[0], start_time=LATER, end_time=LATER),),
        ),
    ),
    "the run deleted": (FAIL, with_attempt(PASSING, "A3/42", lifecycle_stage="deleted")),
    "the run hidden by runs.where": (FAIL, with_attempt(PASSING, "A3/42", in_scope=False)),
    "the run tagged as a preregistration": (FAIL, with_attempt(PASSING, "A3/42", registered=True)),
}


@pytest.mark.parametrize(("status", "evidence"), TRICKS.values(), ids=TRICKS)
def test_it_does_not_pass(status: VerdictStatus, evidence: Evidence):
    assert evaluate(passing_policy(), PASSING).status is VerdictStatus.ALL_PASS
    assert evaluate(passing_policy(), evidence).status is status


OFF = {"enabled": False, "reason": "later"}
LAX: dict[str, tuple[VerdictStatus, dict[str, Any]]] = {
    "nothing that training achieved is looked at": (
        WARNING,
        {
            "plan": {"required_metrics": []},
            "gates": {"checkpoints": OFF, "figures": OFF, "metric_ratio": OFF},
        },
    ),
    "a plan that says less than the runs": (WARNING, {"plan": {"seeds": ["42", "123"]}}),
}


@pytest.mark.parametrize(("status", "overrides"), LAX.values(), ids=LAX)
def test_a_lax_policy_does_not_pass(status: VerdictStatus, overrides: dict[str, Any]):
    assert evaluate(passing_policy(**overrides), PASSING).status is status


@pytest.mark.parametrize(
    "size", ["1B", "1GiB"], ids=["a bound that no file keeps", "a file above a large bound"]
)
def test_bytes_that_were_not_read_do_not_pass(size: str):
    evidence = everywhere(
        lambda evidence, pair: with_run(
            evidence,
            pair,
            checkpoints=(replace(run_of(PASSING, pair).checkpoints[0], sha256=None, size=2**40),),
            manifest=None,
        )
    )
    policy = passing_policy(gates={"checkpoints": {"max_bytes": size}})
    assert evaluate(policy, evidence).status is WARNING


WAIVED = {"gate": "checkpoints", "expires": "2030-01-01"}
REFUSED: dict[str, dict[str, Any]] = {
    "a waiver whose reason does not show": {"waivers": [WAIVED | {"reason": "\u200b\u2800"}]},
    "a waiver whose reason is blank": {"waivers": [WAIVED | {"reason": "  "}]},
    "a waiver of the definition": {"waivers": [{**WAIVED, "gate": "G1", "reason": "known"}]},
    "two cells that look alike": {"plan": {"cells": ["A3", "A3\u200b"], "seeds": ["1"]}},
    "two seeds that look alike": {"plan": {"cells": ["A3"], "seeds": ["1a", "1\uff41"]}},
    "a filter that picks runs one by one": {"runs": {"where": "run_id = 'a'"}},
    "a filter that picks the winners": {"runs": {"where": "metrics.pape < 9"}},
    "a filter that picks what ended early": {"runs": {"where": "end_time < 5"}},
}


@pytest.mark.parametrize("section", REFUSED.values(), ids=REFUSED)
def test_no_such_policy_is_read(section: dict[str, Any]):
    """spec: policy-look-alikes"""
    plain = {"version": 1, "plan": {"cells": ["A3"], "seeds": ["1"]}}
    policy_from_json(plain)
    with pytest.raises(PolicyError):
        policy_from_json(plain | section)
