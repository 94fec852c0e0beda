from dataclasses import replace
from typing import Any

import pytest

from smoke_gate.evidence import Artifact, Evidence, LoggedModel, Manifest, Others, Payload
from smoke_gate.gates import policy_of
from smoke_gate.reproduce.changes import changed_metrics, changes, comparable
from tests.support.matrix import (
    MINUTE,
    REGISTERED,
    attempt_of,
    figure,
    history,
    passing_matrix,
    registration,
    sha256,
    with_another_attempt,
    with_attempt,
    with_run,
    without_run,
)

THEN = passing_matrix(["A3"], ["42", "123"])
TITLE = "A3/42, run run-A3-42"
WEIGHTS = f"sha256 {sha256('run-A3-42 model')}"


def found(now: Evidence, then: Evidence = THEN, **clocks: int) -> dict[str, tuple[str, ...]]:
    by_metric = {("run-A3-42", metric): clock for metric, clock in clocks.items()}
    changed = changes(then, now, by_metric)
    assert len({one.title for one in changed}) == len(changed)
    return {one.title: one.lines for one in changed}


def test_the_same_evidence_has_no_changes():
    assert found(THEN) == {}


def test_another_day_is_no_change():
    assert found(replace(THEN, as_of="2030-01-01")) == {}


def test_a_run_outside_the_plan_is_told_only_where_both_have_all_of_them():
    policy = policy_of({"version": 1, "plan": {"cells": ["A3"], "seeds": ["42", "123"]}})
    beside = with_another_attempt(THEN, "A3/42", "beside", cell="C")
    both = with_another_attempt(beside, "A3/42", "again")
    assert {*found(*comparable(THEN, both, policy)[::-1])} == {"C/42, run beside", "A3/42, run again"}
    cut = replace(both, others=Others(unexpected=1))
    assert {*found(*comparable(THEN, cut, policy)[::-1])} == {"A3/42, run again"}
    assert {*found(*comparable(cut, THEN, policy)[::-1])} == {"A3/42, run again"}


MODEL = LoggedModel(
    model_id="m1", name="model", status="READY", artifacts=(Artifact(path="w.pkl", size=3, sha256="a"),)
)


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"params": {"use_vq": "False"}}, "param use_vq: was 'True', is 'False'"),
        ({"params": {"late": "1"}}, "param late: added, '1'"),
        ({"params": {"use_vq": None}}, "param use_vq: gone, was 'True'"),
        ({"tags": {"note": "x"}}, "tag note: added, 'x'"),
        ({"metrics": {"pape": "1.0"}}, "metric pape: was 8.5, is 1.0"),
        ({"metrics": {"pape": None}}, "metric pape: gone, was 8.5"),
        ({"payload": Payload(source="param", length=1, text_sha256="ab", canonical_sha256=None)},
         f"definition: was sha256 {sha256('as text')}, is sha256 ab"),
        ({"checkpoints": (Artifact(path="checkpoints/model.npz", size=5, sha256="cd"),)},
         f"artifact checkpoints/model.npz: was {WEIGHTS}, 2048 bytes, is sha256 cd, 5 bytes"),
        ({"checkpoints": ()},
         f"artifact checkpoints/model.npz: gone, was {WEIGHTS}, 2048 bytes"),
        ({"checkpoints": (*THEN.runs[0].checkpoints, Artifact(path="checkpoints/big.pt", size=9))},
         "artifact checkpoints/big.pt: added, not read, 9 bytes"),
        ({"models": (MODEL,)}, "model m1: added, model, READY"),
        ({"figures": (*THEN.runs[0].figures, figure("x", "figures/b.png", sha256="ef"))},
         "figure figures/b.png: added, sha256 ef"),
        ({"artifacts_problem": "gone"}, "artifacts: was readable, is gone"),
        ({"manifest": Manifest(problem="not JSON")}, "manifest: was readable, is not JSON"),
    ],
)  # fmt: skip
def test_each_fact_of_a_run_is_compared(facts, line):
    lines = found(with_run(THEN, "A3/42", **facts))
    assert list(lines) == [TITLE]
    assert line in lines[TITLE]


def test_of_a_history_all_values_are_compared():
    then, now = (
        with_run(THEN, "A3/42", histories={"val_loss": history(2.0, middle, 1.0)}) for middle in (1.5, 1.4)
    )
    (changed,) = changes(then, now, {})
    (line,) = changed.lines
    assert line.startswith("history of val_loss: was 3 values, sha256 ")


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"lifecycle_stage": "deleted"}, "lifecycle stage: was active, is deleted"),
        ({"status": "FAILED"}, "status: was FINISHED, is FAILED"),
        ({"run_name": "winner"}, "name: was A3-42, is winner"),
        ({"seed": "7"}, "seed: was 42, is 7"),
        ({"commit": None}, f"commit: was {THEN.attempts[0].commit}, is unknown"),
        ({"dirty": True}, "uncommitted changes: was no, is yes"),
        ({"in_scope": False}, "selected by runs.where: was yes, is no"),
        ({"end_time": None}, "end: was 2023-11-14T22:14:50.000Z, is unknown"),
    ],
)
def test_each_fact_of_an_attempt_is_compared(facts, line):
    assert found(with_attempt(THEN, "A3/42", **facts)) == {TITLE: (line,)}


def test_attempts_come_and_go():
    assert found(without_run(THEN, "A3/42"))[TITLE][0].startswith("gone from the experiment")
    now = with_another_attempt(THEN, "A3/42", "again", status="RUNNING", end_time=None)
    now = replace(now, runs=(*now.runs, replace(now.runs[0], run_id="again")))
    assert found(now) == {
        "A3/42, run again": ("new attempt: RUNNING, active, started 2023-11-14T22:13:20.000Z",)
    }


def test_an_attempt_that_says_no_cell_is_compared_too():
    then = with_attempt(THEN, "A3/42", cell=None, seed=None)
    assert found(with_attempt(then, "A3/42", status="FAILED"), then) == {
        "no cell, run run-A3-42": ("status: was FINISHED, is FAILED",)
    }


def test_a_run_that_does_not_stand_for_its_pair_any_more_is_compared_too():
    now = with_another_attempt(THEN, "A3/42", "again", start_time=10**13)
    now = with_run(now, "A3/42", metrics={"pape": "1.0"})
    assert found(now)[TITLE] == ("metric pape: was 8.5, is 1.0",)


ENDED = attempt_of(THEN, "A3/42").end_time or 0


@pytest.mark.parametrize(("clock", "late"), [(ENDED + MINUTE, True), (ENDED, False)])
def test_the_clients_clock_is_told_as_such(clock, late):
    (line,) = found(with_run(THEN, "A3/42", metrics={"extra": "1.0"}), extra=clock)[TITLE]
    assert line.startswith("metric extra: added, 1.0 (logged 2023-11-14T22:1")
    assert "by its client's clock" in line
    assert line.endswith("after the run had ended)") is late


def test_of_a_run_whose_end_is_not_known_nothing_is_late():
    then = with_attempt(THEN, "A3/42", end_time=None)
    (line,) = found(with_run(then, "A3/42", metrics={"extra": "1.0"}), then, extra=ENDED)[TITLE]
    assert line.endswith("by its client's clock)")


def test_the_clocks_of_changed_metrics_are_asked_for_and_no_others():
    now = with_run(
        THEN, "A3/42", metrics={"pape": "1.0", "extra": "2.0", "val_loss": None}, params={"x": "y"}
    )
    assert set(changed_metrics(THEN, now)) == {("run-A3-42", "pape"), ("run-A3-42", "extra")}
    less = without_run(THEN, "A3/42")
    assert (changed_metrics(THEN, less), changed_metrics(less, THEN)) == ((), ())


def registrations(*found: Any) -> Evidence:
    return replace(THEN, registrations=found)


def test_preregistrations_are_compared():
    assert found(registrations()) == {
        "preregistration registration": ("gone: erased, or no preregistration any more",)
    }
    assert found(registrations(registration(), registration("second"))) == {
        "preregistration second": ("new",)
    }
    assert found(registrations(registration(reason="no"))) == {
        "preregistration registration": ("reason: was none, is no",)
    }
    deleted = registrations(registration(lifecycle_stage="deleted", start_time=REGISTERED + 1))
    assert found(deleted)["preregistration registration"] == (
        "lifecycle stage: was active, is deleted",
        "start: was 2023-11-14T22:13:20.000Z, is 2023-11-14T22:13:20.001Z",
    )


def test_the_checkout_is_compared_apart():
    now = replace(THEN, files=(figure("x", "figs/a.png", sha256="ab"),), definition_sha256="cd")
    assert found(now) == {
        "checkout (not the store)": ("figure figs/a.png: added, sha256 ab", "definition file: added, cd")
    }
