"""G6: within a seed, every cell saw the same data."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Evidence
from smoke_gate.gates.base import Outcome, Status
from smoke_gate.gates.paired_data import GATE
from tests.support.matrix import (
    CELLS,
    SEEDS,
    ask,
    not_passed,
    passing_matrix,
    run_id,
    with_attempt,
    with_run,
    without_run,
)

OTHER = "0123456789abcdef"
SPLITS = ("train", "val", "test")


def found(outcome: Outcome) -> list[tuple[str | None, str, str, Status]]:
    """Return what did not pass: run, kind, subject and status."""
    return [(check.run_id, check.kind, check.subject, check.status) for check in not_passed(outcome)]


def failing(evidence: Evidence, kind: str, **overrides: Any) -> set[str | None]:
    """Return the runs that fail a kind of check."""
    checks = not_passed(ask(GATE, evidence, **overrides))
    return {check.run_id for check in checks if check.kind == kind and check.status is Status.FAIL}


def same(*of: str, within: str) -> dict[str, Any]:
    """Return the policy's gates with one `same` entry."""
    return {"paired_data": {"same": [{"of": list(of), "within": within}]}}


# --- the hashes of the splits -----------------------------------------------------------------------------------------


def test_a_good_matrix_passes_with_one_check_per_run_and_split_and_one_per_run():
    outcome = ask(GATE, passing_matrix())
    kinds = [check.kind for check in outcome.checks]
    assert found(outcome) == []
    assert (kinds.count("form"), kinds.count("agreement"), kinds.count("distinct")) == (36, 36, 12)
    assert {check.subject for check in outcome.checks if check.kind != "distinct"} == {
        f"{split}_data_hash" for split in SPLITS
    }
    assert (outcome.expected, outcome.evaluated) == (12, 12)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "0123456789abcde",
        "01" * 33,
        "0123456789ABCDEF",
        "none",
        "g" * 16,
        f"{OTHER}\n",
        "0" * 64,
        "a" * 40,
    ],
)
def test_a_hash_that_is_missing_or_no_hash_fails_and_the_others_are_still_compared(value):
    """spec: G6-form"""
    evidence = with_run(passing_matrix(), "B0/42", params={"train_data_hash": value})
    assert found(ask(GATE, evidence)) == [(run_id("B0/42"), "form", "train_data_hash", Status.FAIL)]
    evidence = with_run(evidence, "A3/42", params={"train_data_hash": OTHER})
    assert failing(evidence, "form") == {run_id("B0/42")}
    assert failing(evidence, "agreement") == {run_id("A3/42")}


@pytest.mark.parametrize("value", [None, "none"])
def test_two_splits_without_a_hash_are_not_the_same_data(value):
    evidence = with_run(passing_matrix(), "B0/42", params={"train_data_hash": value, "val_data_hash": value})
    assert [kind for _, kind, _, _ in found(ask(GATE, evidence))] == ["form", "form"]


@pytest.mark.parametrize("value", [OTHER, "01" * 32, "a1" * 20])
def test_16_to_64_lower_case_hex_digits_are_a_hash(value):
    """spec: G6-form"""
    evidence = passing_matrix()
    for cell in CELLS:
        evidence = with_run(evidence, f"{cell}/42", params={"val_data_hash": value})
    assert found(ask(GATE, evidence)) == []


@pytest.mark.parametrize("split", SPLITS)
def test_the_run_outside_the_largest_agreeing_group_fails(split):
    """spec: G6-agreement"""
    key = f"{split}_data_hash"
    outcome = ask(GATE, with_run(passing_matrix(), "A4/123", params={key: OTHER}))
    assert found(outcome) == [(run_id("A4/123"), "agreement", key, Status.FAIL)]
    assert not_passed(outcome)[0].observed == OTHER


def test_without_a_largest_group_all_of_the_seed_fail():
    """spec: G6-agreement"""
    evidence = passing_matrix()
    for cell in ("A3", "A4"):
        evidence = with_run(evidence, f"{cell}/42", params={"train_data_hash": OTHER})
    assert failing(evidence, "agreement") == {run_id(f"{cell}/42") for cell in CELLS}


def test_two_cells_that_differ_both_fail():
    evidence = with_run(passing_matrix(cells=("B0", "B1")), "B1/42", params={"train_data_hash": OTHER})
    assert failing(evidence, "agreement", plan={"cells": ["B0", "B1"]}) == {run_id("B0/42"), run_id("B1/42")}


def test_three_groups_of_which_one_is_largest():
    evidence = with_run(passing_matrix(), "A3/42", params={"train_data_hash": OTHER})
    evidence = with_run(evidence, "A4/42", params={"train_data_hash": "fe" * 8})
    assert failing(evidence, "agreement") == {run_id("A3/42"), run_id("A4/42")}


def test_seeds_are_not_compared_with_one_another():
    evidence = passing_matrix()
    hashes = {run.params["train_data_hash"] for run in evidence.runs}
    assert len(hashes) == len(SEEDS)
    assert found(ask(GATE, evidence)) == []


def test_two_spellings_of_a_seed_are_one_seed():
    plan = {
        "cells": {
            "B0": {"seeds": ["42"]},
            "B1": {"seeds": ["042"]},
            "A3": {"seeds": ["42"]},
            "A4": {"seeds": ["42"]},
        }
    }
    evidence = with_run(passing_matrix(seeds=["42"]), "B1/42", params={"train_data_hash": OTHER})
    assert failing(evidence, "agreement", plan=plan) == {run_id("B1/42")}


def test_without_seeds_all_cells_are_one_group():
    evidence = with_run(passing_matrix(seeds=["42"]), "B1/42", params={"train_data_hash": OTHER})
    assert failing(evidence, "agreement", runs={"seed": "none"}) == {run_id("B1/42")}


def test_a_run_alone_in_its_seed_is_compared_with_nothing():
    """spec: G6-agreement"""
    evidence = passing_matrix()
    for cell in CELLS[1:]:
        evidence = without_run(evidence, f"{cell}/42")
    outcome = ask(GATE, evidence)
    alone = [check.kind for check in outcome.checks if check.run_id == run_id("B0/42")]
    assert alone == ["form", "form", "form", "distinct"]
    assert (found(outcome), outcome.expected, outcome.evaluated) == ([], 12, 9)


@pytest.mark.parametrize(("one", "other"), [("train", "val"), ("train", "test"), ("val", "test")])
def test_two_splits_with_the_same_hash_fail_though_all_cells_agree(one, other):
    """spec: G6-distinct"""
    evidence = passing_matrix()
    for cell in CELLS:
        evidence = with_run(
            evidence, f"{cell}/42", params={f"{one}_data_hash": OTHER, f"{other}_data_hash": OTHER}
        )
    outcome = ask(GATE, evidence)
    assert {(check.kind, check.subject) for check in not_passed(outcome)} == {
        ("distinct", "train_data_hash, val_data_hash, test_data_hash")
    }
    assert failing(evidence, "distinct") == {run_id(f"{cell}/42") for cell in CELLS}
    assert f"{one}_data_hash = {other}_data_hash" in not_passed(outcome)[0].message


def test_one_split_alone_has_nothing_to_be_distinct_from():
    outcome = ask(GATE, passing_matrix(), gates={"paired_data": {"splits": ["train"]}})
    assert "distinct" not in {check.kind for check in outcome.checks}


def test_the_policy_names_the_key_and_the_splits():
    gates = {"paired_data": {"key": "sha_{split}_{split}", "splits": ["fit"]}}
    evidence = passing_matrix()
    for cell in CELLS:
        evidence = with_run(evidence, f"{cell}/42", params={"sha_fit_fit": OTHER})
    outcome = ask(GATE, evidence, gates=gates)
    assert {check.subject for check in outcome.checks} == {"sha_fit_fit"}
    assert failing(evidence, "form", gates=gates) == {
        run_id(f"{cell}/{seed}") for cell in CELLS for seed in SEEDS[1:]
    }


# --- other facts ------------------------------------------------------------------------------------------------------


def with_facts(**of_runs: str | None) -> Evidence:
    """Return a matrix in which every run has tag `host` a, and `lr` 0.1 unless ``of_runs`` names another value."""
    evidence = passing_matrix()
    for run in evidence.runs:
        pair = run.run_id.removeprefix("run-").replace("-", "/")
        lr = of_runs.get(pair.replace("/", "_"), "0.1")
        evidence = with_run(evidence, pair, params={"lr": lr}, tags={"host": "a"})
    return evidence


@pytest.mark.parametrize("within", ["cell", "seed", "matrix"])
def test_facts_that_agree_pass(within):
    outcome = ask(GATE, with_facts(), gates=same("params.lr", "tags.host", "commit", within=within))
    assert found(outcome) == []
    subjects = [check.subject for check in outcome.checks if check.kind == "same"]
    assert {subject: subjects.count(subject) for subject in subjects} == {
        "lr": 12,
        "tags.host": 12,
        "commit": 12,
    }


@pytest.mark.parametrize(
    ("within", "outside"),
    [
        ("cell", {"B0-42"}),
        ("seed", {"B0-42", "B1-42", "A3-42", "A4-42"}),  # two and two: no largest group
        ("matrix", {"B0-42", "B1-42"}),
    ],
)
def test_the_group_decides_who_is_outside(within, outside):
    """spec: G6-same"""
    evidence = with_facts(B0_42="0.2", B1_42="0.2", B1_123="0.1")
    if within == "cell":
        evidence = with_facts(B0_42="0.2", B1_42="0.2", B1_123="0.2", B1_456="0.2")
    assert failing(evidence, "same", gates=same("lr", within=within)) == {f"run-{pair}" for pair in outside}


def test_a_fact_that_is_missing_fails_and_the_others_are_compared():
    """spec: G6-same"""
    evidence = with_facts(B0_42=None, A4_42="0.2")
    assert failing(evidence, "same", gates=same("lr", within="seed")) == {run_id("B0/42"), run_id("A4/42")}


def test_commits_come_from_the_attempt():
    evidence = with_attempt(passing_matrix(), "A3/42", commit="f" * 40)
    evidence = with_attempt(evidence, "A4/42", commit=None)
    assert failing(evidence, "same", gates=same("commit", within="matrix")) == {
        run_id("A3/42"),
        run_id("A4/42"),
    }


@pytest.mark.parametrize("boolean", ["True", "False"])
def test_a_boolean_in_two_spellings_is_one_fact(boolean):
    evidence = with_run(with_facts(B0_42=boolean), "B1/42", params={"lr": boolean.lower()})
    for pair in ("A3/42", "A4/42"):
        evidence = with_run(evidence, pair, params={"lr": boolean})
    assert failing(evidence, "same", gates=same("lr", within="seed")) == set()


# --- properties -------------------------------------------------------------------------------------------------------


@given(st.permutations(range(12)))
def test_the_order_of_the_runs_changes_nothing(order):
    evidence = with_facts(B0_42="0.2", A3_123=None)
    for pair in ("A3/42", "A4/42"):
        evidence = with_run(evidence, pair, params={"train_data_hash": OTHER})
    shuffled = replace(
        evidence,
        runs=tuple(evidence.runs[index] for index in order),
        attempts=tuple(evidence.attempts[index] for index in reversed(order)),
    )
    gates = same("lr", within="matrix")
    results = [
        sorted(ask(GATE, each, gates=gates).checks, key=lambda check: check.order)
        for each in (evidence, shuffled)
    ]
    assert results[0] == results[1]


@given(
    pair=st.sampled_from([f"{cell}/{seed}" for cell in CELLS for seed in SEEDS]),
    split=st.sampled_from(SPLITS),
    value=st.one_of(st.none(), st.text(max_size=20), st.text("0123456789abcdef", min_size=16, max_size=64)),
)
def test_another_hash_in_one_run_never_passes(pair, split, value):
    key = f"{split}_data_hash"
    evidence = passing_matrix()
    right = next(run for run in evidence.runs if run.run_id == run_id(pair)).params[key]
    outcome = ask(GATE, with_run(evidence, pair, params={key: value}))
    failed = {check.run_id for check in not_passed(outcome) if check.status is Status.FAIL}
    assert failed == (set() if value == right else {run_id(pair)})
