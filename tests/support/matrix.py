"""Plain passing evidence, and one change at a time to it: what the tests of the pure rooms start from.

`passing_matrix` is ALL PASS by `passing_policy`. Run ids are readable: the run of `A3/42` is `run-A3-42`. Every helper
returns new evidence and leaves the old as it was.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from smoke_gate.collect.histories import read_history
from smoke_gate.evidence import (
    Answer,
    Artifact,
    Attempt,
    Code,
    Column,
    Evidence,
    Figure,
    Head,
    HeadFrom,
    History,
    Holds,
    Ledger,
    Manifest,
    ManifestEntry,
    Payload,
    Registration,
    Run,
)
from smoke_gate.gates import policy_of
from smoke_gate.gates.base import Case, Check, Gate, Outcome, Status, case_of
from smoke_gate.policy.model import Policy
from smoke_gate.selection import matrix_of

CELLS = ("B0", "B1", "A3", "A4")
VQ_CELLS = ("A3", "A4")
SEEDS = ("42", "123", "456")
COMMIT = "c0ffee" * 6 + "c0de"
MINUTE = 60_000
REGISTERED = 1_700_000_000_000  # UTC milliseconds; the runs start after it, a minute apart


def sha256(text: str) -> str:
    """Return 64 hex digits that are the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()


DEFINITION = sha256("pape")


def run_id(pair: str) -> str:
    """Return the id of a pair's run."""
    return "run-" + pair.replace("/", "-")


# --- the policy -------------------------------------------------------------------------------------------------------


def passing_policy(**overrides: Any) -> Policy:
    """Return the plain policy with ``overrides`` merged into its sections, mapping by mapping; lists are replaced."""
    plain = {
        "version": 1,
        "experiments": ["stage05"],
        "plan": {
            "cells": {cell: {"expect": {"use_vq": str(cell in VQ_CELLS)}} for cell in CELLS},
            "seeds": list(SEEDS),
            "required_metrics": ["pape"],
        },
    }
    return policy_of(_merged(plain, overrides))


def _merged(plain: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(plain[key], value)
        if isinstance(value, dict) and isinstance(plain.get(key), dict)
        else value
        for key, value in overrides.items()
    }
    return {**plain, **both}


# --- the evidence -----------------------------------------------------------------------------------------------------


def passing_matrix(
    cells: Iterable[str] = CELLS, seeds: Iterable[str] = SEEDS, vq_cells: Iterable[str] = VQ_CELLS
) -> Evidence:
    """Return the evidence of one good run for each cell and seed, and of one preregistration."""
    pairs = [(cell, seed) for cell in cells for seed in seeds]
    evidence = Evidence(
        as_of="2026-01-31",
        attempts=tuple(_attempt(cell, seed, index) for index, (cell, seed) in enumerate(pairs)),
        runs=tuple(_run(cell, seed, index, vq=cell in vq_cells) for index, (cell, seed) in enumerate(pairs)),
        registrations=(registration(),),
        head=Head(commit=COMMIT, origin=HeadFrom.OPTION),
        codes={COMMIT: Code(same_code=Answer.YES, by="equal")},
    )
    return with_ledger(evidence, params={"learning_rate": "0.0005"})


def registration(run_id: str = "registration", **facts: Any) -> Registration:
    """Return a preregistration run of the definition."""
    plain = Registration(
        run_id=run_id,
        run_name="preregistration",
        status="FINISHED",
        lifecycle_stage="active",
        start_time=REGISTERED,
        end_time=REGISTERED,
        sha256=DEFINITION,
        commit=COMMIT,
        payload=payload(),
    )
    return replace(plain, **facts)


def payload(**facts: Any) -> Payload:
    """Return the logged payload of the definition."""
    return replace(
        Payload(source="param", length=120, text_sha256=sha256("as text"), canonical_sha256=DEFINITION),
        **facts,
    )


def _attempt(cell: str, seed: str, index: int) -> Attempt:
    start = REGISTERED + (1 + index) * MINUTE
    return Attempt(
        run_id=run_id(f"{cell}/{seed}"),
        run_name=f"{cell}-{seed}",
        cell=cell,
        seed=seed,
        status="FINISHED",
        lifecycle_stage="active",
        start_time=start,
        end_time=start + MINUTE // 2,
        commit=COMMIT,
        dirty=False,
    )


def _run(cell: str, seed: str, index: int, *, vq: bool) -> Run:
    train, val = 0.5 + index / 100, 0.6 + index / 100
    own_id = run_id(f"{cell}/{seed}")
    return Run(
        run_id=own_id,
        params=_params(cell, seed, vq=vq),
        metrics={"train_loss": repr(train), "val_loss": repr(val), "pape": repr(8.5 + index / 10)},
        histories={"train_loss": history(2 * train, train), "val_loss": history(2 * val, val)},
        payload=payload(),
        checkpoints=(checkpoint(own_id),),
        manifest=Manifest(
            entries={"checkpoints/model.npz": ManifestEntry(sha256=sha256(f"{own_id} model"), size=2048)}
        ),
        figures=(figure(own_id),),
    )


def _params(cell: str, seed: str, *, vq: bool) -> dict[str, str]:
    params = {
        "cell": cell,
        "seed": seed,
        "use_vq": str(vq),
        "pape_definition_hash": DEFINITION,
        "dlinear_output_unit": "standardized",
        "dlinear_output_scaler_space_signature": sha256("scaler")[:16],
    }
    if vq:
        params["vq_input_unit"] = "standardized"
        params["vq_scaler_space_signature"] = sha256("scaler")[:16]
    for split in ("train", "val", "test"):
        params[f"{split}_data_hash"] = sha256(f"{split} {seed}")[:16]
    return params


def checkpoint(run_id: str, path: str = "checkpoints/model.npz", **facts: Any) -> Artifact:
    """Return an intact checkpoint that no other run has."""
    intact = Artifact(
        path=path, size=2048, sha256=sha256(f"{run_id} model"), format="zip", holds=Holds.TENSORS
    )
    return replace(intact, **facts)


def figure(run_id: str, path: str = "figures/forecast.png", **facts: Any) -> Figure:
    """Return a figure that can be traced to one run."""
    text = {"source_run_ids": json.dumps([run_id]), "pape_definition_hash": DEFINITION}
    return replace(Figure(path=path, sha256=sha256(f"{run_id} {path}"), text=text), **facts)


def history(*values: float) -> History:
    """Return the history of values that were logged a step each."""
    logged = ((step, step, value) for step, value in enumerate(values))
    found = read_history(logged, with_curve=False).history
    assert found is not None
    return found


# --- one change at a time ---------------------------------------------------------------------------------------------


def with_run(evidence: Evidence, pair: str, **facts: Any) -> Evidence:
    """Change facts of a pair's run: mappings are updated (None removes a key), anything else is replaced.

    The history of a metric that changes ends with its new value, unless ``histories`` are among the facts.
    """
    run = run_of(evidence, pair)
    changes: dict[str, Any] = {
        name: _updated(getattr(run, name), value) if isinstance(value, dict) else value
        for name, value in facts.items()
    }
    if "histories" not in facts and isinstance(facts.get("metrics"), dict):
        changes["histories"] = _updated(run.histories, _ended_with(run, facts["metrics"]))
    runs = tuple(replace(run, **changes) if other is run else other for other in evidence.runs)
    return replace(evidence, runs=runs)


Texts = Mapping[str, str | Callable[[str, str], str | None]]
"""Key to what all runs have, or to a function that gives it for a cell and a seed; None: that run has it not."""


def with_ledger(evidence: Evidence, params: Texts | None = None, tags: Texts | None = None) -> Evidence:
    """Add params and tags to what all selected runs say of themselves."""
    runs = tuple(run.run_id for run in evidence.runs)
    pairs = {attempt.run_id: (attempt.cell or "", attempt.seed or "") for attempt in evidence.attempts}

    def column(text: str | Callable[[str, str], str | None]) -> Column:
        texts = [text if isinstance(text, str) else text(*pairs[run]) for run in runs]
        values = tuple(dict.fromkeys(one for one in texts if one is not None))
        return Column(
            values=values, of_runs=tuple(None if one is None else values.index(one) for one in texts)
        )

    old = evidence.ledger
    return replace(
        evidence,
        ledger=Ledger(
            runs=runs,
            params={**old.params, **{key: column(text) for key, text in (params or {}).items()}},
            tags={**old.tags, **{key: column(text) for key, text in (tags or {}).items()}},
        ),
    )


def with_attempt(evidence: Evidence, pair: str, **facts: Any) -> Evidence:
    """Change facts of the attempt that is a pair's run."""
    attempt = attempt_of(evidence, pair)
    attempts = tuple(replace(attempt, **facts) if other is attempt else other for other in evidence.attempts)
    return replace(evidence, attempts=attempts)


def with_another_attempt(evidence: Evidence, pair: str, run_id: str, **facts: Any) -> Evidence:
    """Add an attempt at a pair: as its run is, a minute earlier, unless ``facts`` say otherwise."""
    first = attempt_of(evidence, pair)
    start = REGISTERED if first.start_time is None else first.start_time - MINUTE
    earlier = replace(first, **{"run_id": run_id, "run_name": run_id, "start_time": start, **facts})
    return replace(evidence, attempts=(*evidence.attempts, earlier))


def without_run(evidence: Evidence, pair: str) -> Evidence:
    """Take a pair's run and its attempt away."""
    gone = run_id(pair)
    return replace(
        evidence,
        attempts=tuple(attempt for attempt in evidence.attempts if attempt.run_id != gone),
        runs=tuple(run for run in evidence.runs if run.run_id != gone),
    )


def run_of(evidence: Evidence, pair: str) -> Run:
    """Return the facts of a pair's run."""
    return next(run for run in evidence.runs if run.run_id == run_id(pair))


def attempt_of(evidence: Evidence, pair: str) -> Attempt:
    """Return the attempt that is a pair's run."""
    return next(attempt for attempt in evidence.attempts if attempt.run_id == run_id(pair))


def _ended_with(run: Run, metrics: Mapping[str, str | None]) -> dict[str, History | None]:
    return {
        name: None if value is None else replace(run.histories[name], last=value)
        for name, value in metrics.items()
        if name in run.histories
    }


def _updated(old: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**(old or {}), **changes}.items() if value is not None}


# --- asking a gate ----------------------------------------------------------------------------------------------------


def case(policy: Policy, evidence: Evidence) -> Case:
    """Return what a gate sees."""
    return case_of(policy, evidence, matrix_of(policy, evidence))


def ask(gate: Gate, evidence: Evidence, **overrides: Any) -> Outcome:
    """Return what a gate finds by the plain policy with ``overrides``."""
    return gate.judge(case(passing_policy(**overrides), evidence))


def not_passed(outcome: Outcome) -> list[Check]:
    """Return the checks that are not PASS, in order."""
    return sorted(
        (check for check in outcome.checks if check.status is not Status.PASS), key=lambda check: check.order
    )
