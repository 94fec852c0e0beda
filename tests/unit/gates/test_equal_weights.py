"""Weights that several runs share: all of them, a copied file, or a part that training does not change."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from smoke_gate.evidence import Artifact, Evidence, Holds, LoggedModel
from smoke_gate.gates.base import Check, Status
from smoke_gate.gates.checkpoints import GATE
from smoke_gate.gates.weights import WeightsFile, contents_of
from tests.support.matrix import (
    CELLS,
    SEEDS,
    ask,
    checkpoint,
    passing_matrix,
    run_id,
    sha256,
    with_another_attempt,
    with_run,
)

PATH = "checkpoints/model.npz"
HEAD = "checkpoints/head.npz"
PAIRS = [f"{cell}/{seed}" for cell in CELLS for seed in SEEDS]


def having(files: Mapping[str, tuple[Artifact, ...]]) -> Evidence:
    """Return a matrix without manifests, in which these pairs have these files."""
    whole = passing_matrix()
    evidence = replace(whole, runs=tuple(replace(run, manifest=None) for run in whole.runs))
    for pair, own in files.items():
        evidence = with_run(evidence, pair, checkpoints=own)
    return evidence


def sharing(*pairs: str, path: str = PATH, **facts: Any) -> Evidence:
    """Return a matrix in which these pairs have one file, and nothing else."""
    return having({pair: (checkpoint("one", path, **facts),) for pair in pairs})


def duplicates(evidence: Evidence, **policy: Any) -> list[Check]:
    """Return the checks of equal weights."""
    return [check for check in ask(GATE, evidence, **policy).checks if check.kind == "duplicate"]


def only(evidence: Evidence, **policy: Any) -> Check:
    (check,) = duplicates(evidence, **policy)
    return check


# --- between runs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", ["B0/123", "A3/456"])
def test_runs_with_the_same_weights_warn_once(pair):
    """spec: G3-equal-runs"""
    check = only(sharing("B0/42", pair))
    assert (check.subject, check.status) == (PATH, Status.WARNING)
    assert check.observed == f"B0/42={pair}"
    assert check.message.startswith(f"B0/42, {pair} have the same weights in {PATH}: a run was not trained")


def test_a_group_is_one_finding():
    assert only(sharing(*PAIRS)).observed == "=".join(PAIRS[:5])
    assert "B0/42, B0/123, B0/456, B1/42, B1/123, 7 more have" in only(sharing(*PAIRS)).message


def test_the_name_of_a_file_does_not_count():
    files = {"B0/42": (checkpoint("one"),), "A3/42": (checkpoint("one", "checkpoints/best.npz"),)}
    assert only(having(files)).subject == PATH


@pytest.mark.parametrize(
    ("pairs", "named"),
    [
        (("B0/42", "B0/123", "B0/456"), None),
        (("B0/42", "B1/42"), "B0/42=B1/42"),  # deterministic cells, but not one cell
        (("B0/42", "B0/123", "A3/42"), "B0/42=B0/123=A3/42"),
        (("B0/42", "A3/42", "A3/123"), "B0/42=A3/42=A3/123"),
    ],
)
def test_seeds_of_a_deterministic_cell_may_be_equal(pairs, named):
    plan = {"cells": {"B0": {"deterministic": True}, "B1": {"deterministic": True}}}
    found = duplicates(sharing(*pairs), plan=plan)
    assert [check.observed for check in found] == ([named] if named else [])


def test_a_cell_may_be_the_same_as_another():
    plan = {"cells": {"B1": {"same_as": "B0"}}}
    assert duplicates(sharing("B0/42", "B1/42"), plan=plan) == []
    assert only(sharing("B0/42", "A3/42"), plan=plan).observed == "B0/42=A3/42"


def test_two_equal_files_of_one_run_are_no_surprise():
    files = (checkpoint("one", "checkpoints/best.npz"), checkpoint("one", "checkpoints/last.npz"))
    assert duplicates(having({"A3/42": files})) == []
    assert only(having({"A3/42": files, "A4/42": files})).subject == "checkpoints/best.npz"


def parts(pair: str) -> tuple[Artifact, ...]:
    """Return a run's files: a backbone that every run has, and a head of its own."""
    return checkpoint("backbone"), checkpoint(pair, HEAD, sha256=sha256(f"head of {pair}"))


def test_a_part_that_all_runs_share_is_only_noted():
    """spec: G3-equal-part"""
    note = only(having({pair: parts(pair) for pair in PAIRS}))
    assert (note.status, note.subject, note.run_id) == (Status.SKIPPED, PATH, None)
    assert note.message.startswith(f"All runs have the same {PATH}, beside other weights that differ")


def test_a_part_that_only_some_runs_share_was_copied():
    """spec: G3-equal-part"""
    check = only(having({pair: parts(pair) for pair in PAIRS[:3]}))
    assert (check.status, check.subject, check.observed) == (Status.WARNING, PATH, "B0/42=B0/123=B0/456")
    assert "beside other weights that differ: one run has a file of another" in check.message
    assert "was not trained" not in check.message  # each has a head of its own


def test_a_run_that_shares_all_its_weights_warns_also_where_every_run_has_a_part_of_them():
    """spec: G3-equal-runs"""
    files = {pair: parts(pair) for pair in PAIRS}
    files["A3/42"] = files["A4/42"]
    checks = duplicates(having(files))
    assert {(check.subject, check.status) for check in checks} == {
        (PATH, Status.WARNING),
        (HEAD, Status.WARNING),
    }
    assert all("a run was not trained" in check.message for check in checks)


def test_weights_are_equal_whose_content_is_however_they_are_packed():
    """spec: G3-equal-runs"""
    files = {
        pair: (checkpoint(pair, sha256=sha256(pair), content=sha256("tensors")),)
        for pair in ("B0/42", "A3/42")
    }
    assert only(having(files)).observed == "B0/42=A3/42"


def test_what_lies_beside_the_weights_may_be_equal():
    scaler = checkpoint("one", "checkpoints/scaler.npz")
    files = {pair: (checkpoint(pair), scaler) for pair in PAIRS}
    assert duplicates(having(files)) == []


@pytest.mark.parametrize("facts", [{"size": 0}, {"problem": "is cut off"}, {"unread": "many opcodes"}])
def test_broken_and_empty_files_are_not_compared(facts):
    assert duplicates(sharing("A3/42", "A4/42", **facts)) == []


def test_models_are_compared_by_their_weights_not_their_descriptions():
    def logged(text: str) -> tuple[LoggedModel, ...]:
        description = Artifact(path="MLmodel", size=500, sha256=sha256("description"))
        weights = Artifact(path="data/model.pkl", size=9, sha256=sha256(text), format="pickle")
        return (LoggedModel(model_id=text, name="net", status="READY", artifacts=(description, weights)),)

    evidence = with_run(having({"A3/42": (), "A4/42": ()}), "A3/42", models=logged("one"))
    assert duplicates(with_run(evidence, "A4/42", models=logged("other"))) == []
    check = only(with_run(evidence, "A4/42", models=logged("one")))
    assert (check.subject, check.observed) == ("net/data/model.pkl", "A3/42=A4/42")


def test_the_policy_names_weights_also_beside_the_data_of_a_model():
    def models(pair: str) -> tuple[LoggedModel, ...]:
        code = Artifact(path="python_model.pkl", size=9, sha256=sha256(pair), format="pickle")
        forest = Artifact(path="artifacts/forest.dat", size=9, sha256=sha256("copied"))
        model = LoggedModel(model_id=pair, name="net", status="READY", artifacts=(code, forest))
        return (replace(model, data=("python_model.pkl",)),)

    evidence = having({"A3/42": (), "A4/42": ()})
    for pair in ("A3/42", "A4/42"):
        evidence = with_run(evidence, pair, models=models(pair))
    assert duplicates(evidence) == []
    check = only(evidence, gates={"checkpoints": {"weights": ["net/artifacts/**"]}})
    assert (check.subject, check.observed) == ("net/artifacts/forest.dat", "A3/42=A4/42")


# --- with another attempt ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facts", [{}, {"status": "FAILED"}, {"lifecycle_stage": "deleted"}])
def test_weights_of_another_attempt_at_the_pair_warn(facts):
    """spec: G3-equal-attempts"""
    own = {PATH: checkpoint(run_id("A3/42")).sha256}
    evidence = with_another_attempt(having({}), "A3/42", "again", **facts, weights=own)
    check = only(evidence)
    assert (check.run_id, check.subject, check.observed) == (run_id("A3/42"), PATH, "again")
    assert check.status is Status.WARNING
    assert "the same training gave the same result again, or it was not trained" in check.message
    assert duplicates(evidence, plan={"cells": {"A3": {"deterministic": True}}}) == []


@pytest.mark.parametrize("weights", [{}, {PATH: sha256("other")}, {HEAD: sha256("other")}])
def test_other_weights_are_no_surprise(weights):
    assert duplicates(with_another_attempt(having({}), "A3/42", "again", weights=weights)) == []


@pytest.mark.parametrize(("contents", "warns"), [("ab", True), ("ba", True), ("ac", False), ("aa", False)])
def test_models_of_one_name_are_compared_in_any_order(contents, warns):
    def model(text: str) -> LoggedModel:
        file = Artifact(path="model.pkl", size=9, sha256=sha256(text), format="pickle", holds=Holds.OBJECT)
        return LoggedModel(model_id=text, name="net", status="READY", artifacts=(file,))

    path = "net/model.pkl"
    evidence = with_run(having({"A3/42": ()}), "A3/42", models=(model("b"), model("a")))
    other = contents_of(
        [WeightsFile(path, model(text).artifacts[0]) for text in contents],
    )
    found = duplicates(with_another_attempt(evidence, "A3/42", "again", weights=other))
    assert [check.subject for check in found] == ([path] if warns else [])
