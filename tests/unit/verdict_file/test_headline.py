from dataclasses import replace
from typing import Any

import pytest

from smoke_gate.evidence import Answer, Code, Evidence, Head, HeadFrom
from smoke_gate.policy.plan import Narrowing
from smoke_gate.verdict import evaluate
from smoke_gate.verdict_file.headline import advice, headline
from tests.support.matrix import (
    CELLS,
    COMMIT,
    SEEDS,
    attempt_of,
    passing_matrix,
    passing_policy,
    run_of,
    with_another_attempt,
    with_attempt,
    with_run,
    without_run,
)

DAY = 86_400_000
THREE_DAYS_LATER = "2023-11-17"  # the runs of the builder are of 2023-11-14


def line(evidence: Evidence | None = None, **overrides: Any) -> str:
    policy, evidence = passing_policy(**overrides), evidence or read()
    return headline(evaluate(policy, evidence), policy, evidence)


def read(as_of: str = THREE_DAYS_LATER) -> Evidence:
    return replace(passing_matrix(), as_of=as_of)


def test_all_pass():
    assert line() == "ALL PASS · 12 of 12 runs · 8 of 8 gates · one commit, 3 days old"


def test_a_failure_names_its_gates():
    evidence = with_run(read(), "A3/42", params={"vq_input_unit": "kW/h"}, checkpoints=())
    expected = "FAIL · G2 and G3 failed · 12 of 12 runs · not looked at: weights of 1 run · 8 of 8 gates · "
    assert line(evidence) == f"{expected}one commit, 3 days old"


def test_another_definition_is_critical():
    """spec: verdict-critical"""
    evidence = with_run(read(), "A3/42", params={"pape_definition_hash": "0" * 64})
    assert line(evidence).startswith("CRITICAL FAIL · G1 failed · 12 of 12 runs")


def test_no_attempt_is_pending():
    evidence = replace(read(), attempts=(), runs=())
    expected = "FAIL · pending: 12 planned runs not finished yet · 0 of 12 runs · 8 of 8 gates"
    assert line(evidence) == expected


def test_runs_that_state_nothing():
    evidence = replace(read(), attempts=tuple(replace(one, cell=None) for one in read().attempts), runs=())
    gates = "G0, G1, G2, G3, G4, G5, G6 and G7"
    assert line(evidence) == f"CRITICAL FAIL · {gates} failed · 0 of 12 runs · 8 of 8 gates"


def test_pending():
    evidence = with_attempt(read(), "A3/42", status="RUNNING", end_time=None)
    expected = (
        "FAIL · pending: 1 planned run not finished yet, the first since 2023-11-14 22:20 UTC · "
        "11 of 12 runs · 12 attempts · 8 of 8 gates · one commit, 3 days old"
    )
    assert line(evidence) == expected


@pytest.mark.parametrize("waiting", [(), ("A4/42", "A4/123")])
def test_a_deleted_run_is_not_waited_for(waiting):
    evidence = with_attempt(read(), "A3/42", lifecycle_stage="deleted")
    for pair in waiting:
        evidence = with_attempt(evidence, pair, status="RUNNING", end_time=None)
    assert line(evidence).startswith("FAIL · G0 failed · ")
    assert " · 12 attempts, 1 deleted · " in line(evidence)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"status": "FAILED"}, "13 attempts"),
        ({"lifecycle_stage": "deleted"}, "13 attempts, 1 deleted"),
        ({"in_scope": False}, "13 attempts, 1 outside runs.where"),
        ({"in_scope": False, "lifecycle_stage": "deleted"}, "13 attempts, 1 deleted, 1 outside runs.where"),
    ],
)
def test_what_the_ledger_holds_beyond_the_selected_runs_is_counted(facts, said):
    """spec: verdict-headline"""
    assert f" · {said} · " in line(with_another_attempt(read(), "A3/42", "earlier", **facts))


@pytest.mark.parametrize(
    ("off", "said"),
    [
        ((), ""),
        (("checkpoints",), " · not looked at: weights · "),
        (("checkpoints", "figures"), " · not looked at: weights, figures · "),
    ],
)
def test_what_no_gate_looked_at_is_named(off, said):
    """spec: verdict-headline"""
    gates = {section: {"enabled": False, "reason": "later"} for section in off}
    found = line(gates=gates)
    assert said in found
    assert ("not looked at" in found) is bool(said)


def test_what_was_looked_at_in_some_runs_only_is_counted():
    evidence = with_run(with_run(read(), "A3/42", figures=()), "A4/42", figures=())
    assert " · not looked at: figures of 2 runs · " in line(evidence)


def test_files_of_which_only_the_structure_was_read_are_counted():
    """spec: G3-structure"""
    evidence = read()
    for pair in ("A3/42", "A4/42"):
        (large, *rest) = run_of(evidence, pair).checkpoints
        evidence = with_run(evidence, pair, checkpoints=(replace(large, structure_only=True), *rest))
    assert " · structure only of 2 checkpoints · " in line(evidence)


def test_what_is_not_finished_yet_is_nothing_wrong():
    found = advice(evaluate(passing_policy(), with_attempt(read(), "A3/42", status="RUNNING")))
    assert found is not None
    assert found.strong.startswith("Nothing is wrong so far")


def test_a_deleted_attempt_after_one_that_finished_is_no_matter():
    evidence = with_attempt(read(), "A3/42", status="RUNNING", end_time=None)
    deleted = {"lifecycle_stage": "deleted", "start_time": 2_000_000_000_000}
    evidence = with_another_attempt(evidence, "B0/42", "later", **deleted)
    assert " · pending: 1 planned run not finished yet, " in line(evidence)


def test_a_deleted_attempt_before_one_that_runs_is_no_matter():
    evidence = with_attempt(read(), "A3/42", status="RUNNING", end_time=None)
    evidence = with_another_attempt(evidence, "A3/42", "first", status="FINISHED", lifecycle_stage="deleted")
    assert " · pending: 1 planned run not finished yet, " in line(evidence)


@pytest.mark.parametrize(
    ("params", "said", "of_the_metric"),
    [
        ({}, None, False),
        ({"vq_input_unit": "kW/h"}, "G2 failed.", False),
        ({"pape_definition_hash": "0" * 64}, "G1 failed.", True),
    ],
)
def test_what_to_do_is_said_where_something_failed(params, said, of_the_metric):
    found = advice(evaluate(passing_policy(), with_run(read(), "A3/42", params=params, payload=None)))
    assert (found and found.strong) == said
    assert ("computed the metric" in (found.rest if found else "")) is of_the_metric


@pytest.mark.parametrize(
    ("gate", "expires", "said"),
    [
        ("G2", "2030-01-01", "WARNING · 1 waived failure · "),
        ("G2", "2020-01-01", "FAIL · G2 failed · "),
        ("G3", "2030-01-01", "ALL PASS · 12 of 12 runs · "),
        ("G3", "2020-01-01", "ALL PASS · 12 of 12 runs · "),
    ],
)
def test_a_waiver_is_one_thing_to_look_at(gate, expires, said):
    evidence = with_run(read(), "A3/42", params={"vq_input_unit": "kW"}) if gate == "G2" else read()
    waivers = [{"gate": gate, "reason": "known", "expires": expires}]
    assert line(evidence, waivers=waivers).startswith(said)


def test_a_warning_asks_for_a_person():
    """spec: verdict-status"""
    evidence = with_run(read(), "A3/42", metrics={"val_loss": "60.0"})
    expected = (
        "WARNING · 1 failing check below a threshold · a person must review before publication · "
        "12 of 12 runs · 8 of 8 gates · one commit, 3 days old"
    )
    assert line(evidence) == expected


def test_a_warning_counts_all_that_a_person_must_look_at():
    evidence = with_run(
        with_attempt(read(), "B0/42", commit="fe" * 20), "A4/42", checkpoints=(), manifest=None
    )
    evidence = replace(evidence, head=Head(commit=COMMIT, origin=HeadFrom.PULL_REQUEST))
    evidence = with_run(evidence, "B0/42", metrics={"val_loss": "99.0"})
    waivers = [
        {"gate": "G3", "cell": "A4", "reason": "lost", "expires": "2030-01-01"},
        {"gate": "G5", "reason": "old", "expires": "2020-01-01"},
    ]
    references = [{"metric": "pape", "low": 0, "high": 9.5, "n": 3, "source": "s"}]
    found = line(evidence, waivers=waivers, references=references).split(" · ")[1]
    assert found.split(", ") == [
        "1 failing check below a threshold",
        "1 warning",
        "1 waived failure",
        "1 value off its reference",
        "1 expired waiver",
    ]


def test_what_a_waiver_accepted_is_counted():
    evidence = with_run(read(), "A4/42", checkpoints=(), manifest=None)
    waivers = [{"gate": "G3", "cell": "A4", "reason": "lost", "expires": "2030-01-01"}]
    assert " · 2 accepted by waiver · " in line(evidence, waivers=waivers)  # no checkpoint, no manifest


@pytest.mark.parametrize(
    ("narrowed", "runs"),
    [
        (Narrowing(cells=("A3",)), "3 of 3 runs · narrowed to 3 of 12"),
        (Narrowing(cells=("A3", "B0"), seeds=("042",)), "2 of 2 runs · narrowed to 2 of 12"),
        (Narrowing(cells=CELLS, seeds=SEEDS), "12 of 12 runs"),
    ],
)
def test_narrowing_is_said(narrowed, runs):
    """spec: pair-narrowed"""
    policy = passing_policy().model_copy(update={"narrowed": narrowed})
    found = headline(evaluate(policy, read()), policy, read())
    assert f"ALL PASS · {runs} · 8 of 8 gates" in found


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        ({"checkpoints": "no disk"}, "7 of 8 gates (G3 off: no disk)"),
        ({"checkpoints": "no disk", "figures": "no disk"}, "6 of 8 gates (G3, G4 off: no disk)"),
        ({"checkpoints": "no disk", "figures": "none"}, "6 of 8 gates (G3 off: no disk; G4 off: none)"),
        ({"checkpoints": "x\n" * 99}, f"7 of 8 gates (G3 off: {'x ' * 29}x…)"),
    ],
)
def test_a_gate_that_is_off_is_said_with_its_reason(gates, said):
    """spec: gate-off"""
    off = {gate: {"enabled": "false", "reason": reason} for gate, reason in gates.items()}
    assert f" · {said} · " in line(gates=off)


BASIC = {"metric_ratio": {"rules": [{"value": "val_loss", "max": 9}]}}


def test_profile_basic():
    assert " · 5 of 8 gates (G1, G2, G6 off: profile basic) · " in line(profile="basic", gates=BASIC)


def test_a_gate_that_is_on_and_had_nothing_to_judge_is_said():
    no_vq = {cell: {"expect": {"use_vq": "False"}} for cell in CELLS}
    evidence = replace(passing_matrix(vq_cells=()), as_of=THREE_DAYS_LATER)
    assert " · 8 of 8 gates (G2 had nothing to judge) · " in line(evidence, plan={"cells": no_vq})


def test_gates_that_are_off_and_gates_that_had_nothing_to_judge_are_told_apart():
    bare = tuple(replace(run, checkpoints=(), manifest=None, figures=()) for run in read().runs)
    found = line(replace(read(), runs=bare), profile="basic", gates=BASIC)
    assert " · 5 of 8 gates (G1, G2, G6 off: profile basic; G3, G4 had nothing to judge) · " in found


def commits(*changes: tuple[str, dict[str, Any]]) -> str:
    evidence = read()
    for pair, facts in changes:
        evidence = with_attempt(evidence, pair, **facts)
    return line(evidence).rpartition(" · ")[2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ((), "one commit, 3 days old"),
        ((("B0/42", {"commit": "f" * 40}),), "2 commits, 3 days old"),
        ((("B0/42", {"commit": None}),), "one commit, unknown for 1 run, 3 days old"),
        ((("B0/42", {"dirty": True}),), "one commit, uncommitted changes in 1 run, 3 days old"),
        (
            tuple((f"{cell}/{seed}", {"commit": None}) for cell in CELLS for seed in SEEDS),
            "unknown commits, 3 days old",
        ),
    ],
)
def test_commits_are_always_said(changes, said):
    """spec: verdict-headline"""
    assert commits(*changes) == said


OTHER, ANOTHER = "e" * 40, "f" * 40


@pytest.mark.parametrize(
    ("changes", "head", "said"),
    [
        ((), OTHER, "one commit, not head's, 3 days old"),
        ((), None, "one commit, 3 days old"),
        ((), COMMIT[:8], "one commit, 3 days old"),
        ((("B0/42", {"commit": ANOTHER}),), OTHER, "2 commits, none is head's, 3 days old"),
        ((("B0/42", {"commit": ANOTHER}),), ANOTHER, "2 commits, 3 days old"),
        ((("B0/42", {"commit": None}),), OTHER, "one commit, not head's, unknown for 1 run, 3 days old"),
    ],
)
def test_runs_of_another_commit_than_head_are_said_to_be(changes, head, said):
    evidence = replace(read(), head=Head(commit=head, origin=HeadFrom.OPTION), codes={})
    for pair, facts in changes:
        evidence = with_attempt(evidence, pair, **facts)
    assert line(evidence).rpartition(" · ")[2] == said


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((Answer.YES,), "one commit with head's code"),
        ((Answer.NO,), "one commit, not head's"),
        ((Answer.YES, Answer.YES), "2 commits with head's code"),
        ((Answer.YES, Answer.NO), "2 commits, none is head's"),
        ((Answer.UNKNOWN,), "one commit, not head's"),
    ],
)
def test_another_commit_with_the_code_of_head_is_said_to_be_that(answers, said):
    evidence = replace(read(), head=Head(commit=OTHER, origin=HeadFrom.OPTION))
    codes = dict(
        zip((COMMIT, ANOTHER), (Code(same_code=answer, by="clone") for answer in answers), strict=False)
    )
    if len(answers) > 1:
        evidence = with_attempt(evidence, "B0/42", commit=ANOTHER)
    assert line(replace(evidence, codes=codes)).endswith(f" · {said}, 3 days old")


@pytest.mark.parametrize(
    ("as_of", "age"),
    [
        ("2023-11-14", "of today"),
        ("2023-11-15", "1 day old"),
        ("2023-11-13", "of today"),
        ("2024-11-14", "366 days old"),
    ],
)
def test_age(as_of, age):
    assert line(read(as_of)).endswith(f"one commit, {age}")


def test_ages_apart():
    end = attempt_of(read(), "B0/42").end_time or 0
    evidence = with_attempt(read(), "B0/42", end_time=end - 2 * DAY)
    assert line(evidence).endswith("3 to 5 days old")


def test_no_age_known():
    evidence = replace(
        read(), attempts=tuple(replace(one, start_time=None, end_time=None) for one in read().attempts)
    )
    assert line(evidence).endswith("of unknown age")


def test_a_missing_run_is_counted():
    assert " · 11 of 12 runs · " in line(without_run(read(), "A3/42"))
