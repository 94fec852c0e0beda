from collections.abc import Collection, Mapping

import pytest

from smoke_gate.collect.attempts import MOST_UNEXPECTED, MOST_UNIDENTIFIED, planned_and_others, reader_of
from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.evidence import Attempt, Others
from smoke_gate.gates import policy_of
from smoke_gate.policy.model import Policy
from tests.support.entities import STARTED, run


def policy(**runs: str) -> Policy:
    return policy_of({"version": 1, "runs": runs, "plan": {"cells": ["A/x", "B"], "seeds": ["42", "7"]}})


def attempt(
    recorded: RecordedRun,
    parents: Mapping[str, RecordedRun] | None = None,
    in_scope: Collection[str] | None = None,
    **runs: str,
) -> Attempt:
    return reader_of(policy(**runs), parents or {}, in_scope, {"1": "stage05"}).attempt(recorded)


NAME = r"run_name:(?P<cell>\w+)-(?P<seed>\d+)"
CHILD = {"mlflow.parentRunId": "p"}


@pytest.mark.parametrize(
    ("runs", "recorded", "expected"),
    [
        ({}, run(params={"cell": "A", "seed": "42"}), ("A", "42")),
        ({}, run(tags={"cell": "A", "seed": "42"}), (None, None)),
        ({"cell": "tags.cell", "seed": "tags.s"}, run(tags={"cell": "A", "s": "042"}), ("A", "042")),
        ({"cell": "parent.params.cell"}, run(params={"seed": "1"}, tags=CHILD), ("of parent", "1")),
        ({"cell": "parent.tags.cell"}, run(params={"seed": "1"}, tags=CHILD), ("tag of parent", "1")),
        ({"cell": "parent.params.cell"}, run(params={"seed": "1"}), (None, "1")),
        ({"cell": "parent.params.cell"}, run(tags={"mlflow.parentRunId": "gone"}), (None, None)),
        ({"cell": NAME, "seed": NAME}, run(), ("A", "42")),
        ({"cell": r"run_name:(?P<cell>\w)"}, run(), (None, None)),
        ({"cell": "{params.m}/{tags.k}"}, run(params={"m": "A", "seed": "7"}, tags={"k": "x"}), ("A/x", "7")),
        ({"cell": "{params.m}/{tags.k}"}, run(params={"m": "A", "seed": "7"}), (None, "7")),
        ({"seed": "none"}, run(params={"cell": "A", "seed": "7"}), ("A", None)),
    ],
)  # fmt: skip
def test_cell_and_seed(runs, recorded, expected):
    parents = {"p": run("p", params={"cell": "of parent"}, tags={"cell": "tag of parent"})}
    found = attempt(recorded, parents, **runs)
    assert (found.cell, found.seed) == expected


def test_the_run_that_an_attempt_is_a_child_of():
    assert (attempt(run(tags=CHILD)).parent, attempt(run()).parent) == ("p", None)


@pytest.mark.parametrize(
    ("tags", "commit", "dirty"),
    [
        ({}, None, None),
        ({"mlflow.source.git.commit": "aaaaaaa"}, "aaaaaaa", None),
        ({"mlflow.source.git.commit": "aa"}, None, None),
        ({"git_commit": "bbbbbbb", "git_dirty": "False"}, "bbbbbbb", False),
        (
            {"mlflow.source.git.commit": "aaaaaaa", "git_commit": "bbbbbbb", "git_dirty": "true"},
            "bbbbbbb",
            True,
        ),
        ({"git_dirty": "0"}, None, False),
        ({"git_dirty": "perhaps"}, None, True),
        ({"git_commit": "", "mlflow.source.git.dirty": "true"}, None, True),
    ],
)
def test_commit_and_dirty(tags, commit, dirty):
    found = attempt(run(tags=tags))
    assert (found.commit, found.dirty) == (commit, dirty)


def test_name_falls_back_to_the_tag_of_old_servers():
    assert attempt(run(name="", tags={"mlflow.runName": "old"})).run_name == "old"
    assert attempt(run(name="")).run_name == ""


def test_scope_is_what_the_filter_selected():
    assert attempt(run("a")).in_scope
    assert attempt(run("a"), in_scope={"a"}).in_scope
    assert not attempt(run("a"), in_scope={"b"}).in_scope


def test_the_facts_of_an_attempt_are_taken_over():
    found = attempt(run("a", status="KILLED", stage="deleted"))
    assert (found.run_id, found.status, found.lifecycle_stage) == ("a", "KILLED", "deleted")
    assert (found.start_time, found.end_time, found.experiment_id) == (STARTED, STARTED + 1, "1")


@pytest.mark.parametrize(
    ("recorded", "known"),
    [
        (1_700_000_000_000_000_000, None),
        (2**53, None),
        (-(2**53), None),
        (0, None),
        (1_700_000_000, None),
        (946_684_800_000, 946_684_800_000),
        (2**53 - 1, 2**53 - 1),
    ],
)
def test_a_time_that_canonical_json_cannot_say_is_not_known(recorded, known):
    found = attempt(run(start=recorded, end=recorded))
    assert (found.start_time, found.end_time) == (known, known)
    assert attempt(run(end=None)).end_time is None


def test_deleted_runs_count_at_planned_pairs_only():
    rules = policy()
    recorded = [
        run("planned", {"cell": "B", "seed": "042"}, stage="deleted"),
        run("elsewhere", {"cell": "B", "seed": "43"}, stage="deleted"),
        run("unidentified", {}, stage="deleted"),
        run("unexpected", {"cell": "C", "seed": "1"}),
        run("parent", {}),
    ]
    ours, beside, others = planned_and_others(rules, map(reader_of(rules, {}, None, {}).attempt, recorded))
    assert [found.run_id for found in ours] == ["planned"]
    assert [found.run_id for found in beside] == ["unexpected", "parent"]
    assert others == Others(statuses={"FINISHED": 2})


def test_of_very_many_runs_outside_the_plan_the_newest_are_kept_and_the_rest_is_counted():
    """spec: pair-others"""
    rules = policy_of({"version": 1, "plan": {"cells": ["A"], "seeds": ["1"]},
                       "runs": {"ignore": [{"cell": "known", "reason": "sweep"}]}})  # fmt: skip
    most, few = MOST_UNEXPECTED, MOST_UNIDENTIFIED
    recorded = [
        *(
            run(f"x{number}", {"cell": "C", "seed": "1"}, start=STARTED + number)
            for number in range(most + 7)
        ),
        *(run(f"n{number}", {"cell": "C"}, start=STARTED + number) for number in range(few + 2)),
        run("p", {"seed": "1"}),
        *(run(f"i{number}", {"cell": "known", "seed": "1"}) for number in range(9)),
        *(run(f"f{number}", {"cell": "C", "seed": "1"}, status="FAILED") for number in range(5)),
    ]
    ours, beside, others = planned_and_others(rules, map(reader_of(rules, {}, None, {}).attempt, recorded))
    assert not ours
    kept = {found.run_id for found in beside}
    assert kept == {f"x{number}" for number in range(7, most + 7)} | {
        f"n{number}" for number in range(2, few + 2)
    } | {"p"}
    assert (others.unexpected, others.unidentified) == (7, {"seed": 2})
    assert others.statuses == {"FAILED": 5, "FINISHED": most + few + 19}
