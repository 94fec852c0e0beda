"""Verdicts of every kind and size, for the tests of what a reader sees first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from smoke_gate.evidence import Evidence
from smoke_gate.policy.model import Policy
from tests.support.matrix import (
    CELLS,
    SEEDS,
    passing_matrix,
    passing_policy,
    run_id,
    run_of,
    with_attempt,
    with_run,
    without_run,
)

Case = tuple[Policy, Evidence]


def matrix(
    cells: Sequence[str] = CELLS, seeds: Sequence[str] = SEEDS, vq: Sequence[str] = ("A3", "A4")
) -> Case:
    """Return a matrix that passes; its runs have pages."""
    plan = {"cells": {cell: {"expect": {"use_vq": str(cell in vq)}} for cell in cells}, "seeds": list(seeds)}
    evidence = passing_matrix(cells, seeds, vq)
    attempts = tuple(replace(attempt, experiment_id="1") for attempt in evidence.attempts)
    policy = passing_policy()
    policy = policy.model_copy(
        update={"plan": type(policy.plan).model_validate(plan | {"required_metrics": ["pape"]})}
    )
    return policy, replace(evidence, attempts=attempts)


def large(number: int, seeds: int) -> tuple[list[str], list[str]]:
    """Return the names of so many cells and seeds."""
    return [f"A{cell}" for cell in range(number)], [str(100 + seed) for seed in range(seeds)]


def with_failing(case: Case, gates: Sequence[str], pairs: Sequence[str]) -> Case:
    """Return the case with each of the pairs failing in each of the gates, among G2, G3, G4, G5 and G6."""
    policy, evidence = case
    facts: dict[str, dict[str, Any]] = {
        "G2": {"params": {"vq_input_unit": "kW"}},
        "G3": {"checkpoints": (), "manifest": None},
        "G4": {"figures": ()},
        "G5": {"metrics": {"val_loss": "60.0"}},
        "G6": {"params": {"train_data_hash": None}},
    }
    changed = {}
    for pair in pairs:
        alone = replace(evidence, runs=(run_of(evidence, pair),))  # one run is found at once among one
        for gate in gates:
            alone = with_run(alone, pair, **facts[gate])
        changed[run_id(pair)] = alone.runs[0]
    evidence = replace(evidence, runs=tuple(changed.get(run.run_id, run) for run in evidence.runs))
    return policy, evidence


def of_cells(cells: Sequence[str], seeds: Sequence[str] = SEEDS) -> list[str]:
    """Return all pairs of the cells."""
    return [f"{cell}/{seed}" for cell in cells for seed in seeds]


def fourteen_by_five() -> Case:
    """Return 14 cells and 5 seeds of which three gates fail."""
    cells, seeds = large(14, 5)
    case = matrix(cells, seeds, vq=("A3", "A7"))
    case = with_failing(case, ["G2"], of_cells(["A7"], seeds))
    case = with_failing(case, ["G3"], ["A4/102"])
    return with_failing(case, ["G6"], ["A1/100", "A2/100", "A2/101"])


def kinds() -> dict[str, Case]:
    """Return a case for each kind of verdict."""
    policy, evidence = matrix()
    waiting = without_run(with_attempt(evidence, "A3/42", status="RUNNING", end_time=None), "B1/456")
    return {
        "ALL PASS": (policy, evidence),
        "WARNING": with_failing((policy, evidence), ["G5"], ["B1/123"]),
        "FAIL": with_failing((policy, evidence), ["G2"], of_cells(["A3"])),
        "pending": (policy, waiting),
        "14 x 5": fourteen_by_five(),
    }
