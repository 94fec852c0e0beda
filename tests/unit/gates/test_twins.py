"""Runs that should differ and do not: names of clocks and meters, seeds, and cells."""

from dataclasses import replace
from typing import Any

import pytest

from smoke_gate.evidence import Evidence
from smoke_gate.gates.base import Check, Status
from smoke_gate.gates.plan import GATE
from smoke_gate.gates.twins import compared, is_meter
from tests.support.matrix import CELLS, SEEDS, ask, passing_matrix, with_run

METERS = (
    *(
        "system/cpu_utilization_percentage",
        "system/anything",
        "train_time",
        "trainTime",
        "fit_duration",
        "time/epoch",
    ),
    *("train_samples_per_second", "train_steps_per_second", "tokens_per_sec", "iters/per_s", "train_runtime"),
    *(
        "wall_clock",
        "walltime",
        "elapsed",
        "eta",
        "hours",
        "epoch_seconds",
        "seconds_off",
        "step_ms",
        "secs2",
    ),
    *("fps", "throughput", "timestamp", "total_flops", "speed", "inference_latency", "emissions", "watts"),
    *("gpu_power", "energy_kwh", "gpu_util", "GPUMemory", "gpu0_mem", "vram_peak", "ram.used", "cpu0", "tt"),
)
RESULTS = (
    *(
        "pape",
        "val_loss",
        "r2",
        "f1",
        "time_error",
        "energy_mae",
        "power/val_rmse",
        "speed_mse",
        "latency_err",
    ),
    *("cpu_score", "runtime_accuracy", "time_f1", "energy_r2", "ms_ssim", "power_mape", "wall_corr"),
    *("systematic", "timely", "programme", "memorized", "percent", "dimensions", "per_class_recall", "steps"),
)


@pytest.mark.parametrize("name", METERS)
def test_a_clock_or_a_meter(name):
    """spec: G0-compared-metrics"""
    assert is_meter(name)
    assert compared({name: "1.0", "pape": "2.0"}) == {"pape": "2.0"}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result(name):
    """spec: G0-compared-metrics"""
    assert not is_meter(name)


# --- seeds and cells --------------------------------------------------------------------------------------------------

TELLING = {"pape": "8.125", "val_loss": "0.6125", "train_loss": "0.5125"}


def matrix(**of_pairs: dict[str, str]) -> Evidence:
    """Return a matrix in which runs, named like `A3_42`, have exactly these metrics."""
    evidence = passing_matrix()
    for pair, metrics in of_pairs.items():
        name = pair.replace("_", "/")
        gone = dict.fromkeys(("pape", "val_loss", "train_loss"))
        evidence = with_run(evidence, name, metrics={**gone, **metrics})
    return evidence


def twins(evidence: Evidence, **overrides: Any) -> list[Check]:
    overrides.setdefault("plan", {})
    overrides["plan"] = {"required_metrics": [], **overrides["plan"]}
    return [check for check in ask(GATE, evidence, **overrides).checks if check.kind in ("replicate", "twin")]


@pytest.mark.parametrize(
    ("pairs", "metrics", "kind"),
    [
        (("A3_42", "A3_123"), TELLING, "replicate"),
        (("A3_42", "A3_123"), {"pape": "0.5"}, "replicate"),
        (("A3_42", "A3_123"), {"acc": "1.0", "loss": "0.0", "corr": "-1.0"}, None),
        (("A3_42", "A3_123"), {"train_time": "7.125"}, None),
        (("A3_42", "A4_42"), TELLING, "twin"),
        (("A3_42", "A4_42"), {"pape": "8.125", "val_loss": "0.6125", "train_loss": "0.5"}, None),
        (("A3_42", "A4_42", "B0_42"), {"pape": "8.125", "val_loss": "0.6125", "train_loss": "0.5"}, "twin"),
        (("A3_42", "A4_42", "B0_42"), {"pape": "8.125", "val_loss": "0.5"}, None),
        (("A3_42", "A4_123"), TELLING, None),
    ],
)
def test_what_is_a_surprise(pairs, metrics, kind):
    """spec: G0-twins"""
    found = twins(matrix(**dict.fromkeys(pairs, metrics)))
    assert [(check.kind, check.status) for check in found] == ([(kind, Status.WARNING)] if kind else [])
    for check in found:
        assert check.subject == "=".join(sorted((one.replace("_", "/") for one in pairs), key=order))


def order(pair: str) -> int:
    return [f"{cell}/{seed}" for cell in CELLS for seed in SEEDS].index(pair)


@pytest.mark.parametrize("clock", ["train_seconds", "system/cpu", "train_samples_per_second"])
def test_a_clock_that_differs_hides_nothing(clock):
    assert twins(matrix(A3_42={**TELLING, clock: "7.125"}, A3_123={**TELLING, clock: "8.125"}))


def test_a_metric_that_one_of_the_two_lacks_hides_nothing():
    """spec: G0-compared-metrics"""
    assert twins(matrix(A3_42=TELLING, A3_123={**TELLING, "noise": "0.3125"}))


@pytest.mark.parametrize("name", TELLING)
def test_one_value_that_differs_tells_runs_apart(name):
    assert not twins(matrix(A3_42=TELLING, A3_123={**TELLING, name: "0.7125"}))


def test_without_seeds_any_two_cells_are_compared():
    """spec: G0-twins"""
    evidence = passing_matrix(seeds=["42"])
    for pair in ("B0/42", "B1/42"):
        evidence = with_run(evidence, pair, metrics=TELLING)
    (check,) = twins(evidence, runs={"seed": "none"}, plan={"seeds": []})
    assert (check.kind, check.subject) == ("twin", "B0=B1")


def test_of_a_large_group_five_are_named_and_the_rest_counted():
    evidence = passing_matrix(cells=[f"C{number}" for number in range(8)], seeds=["42"], vq_cells=())
    for run in evidence.runs:
        evidence = with_run(evidence, run.params["cell"] + "/42", metrics=TELLING)
    plan = {"cells": [f"C{number}" for number in range(8)], "seeds": ["42"], "required_metrics": []}
    (check,) = [one for one in ask(GATE, evidence, plan=plan).checks if one.kind == "twin"]
    assert "3 more have identical metrics" in check.message
    assert check.subject.count("=") == 4


@pytest.mark.parametrize(
    ("plan", "pairs"),
    [
        ({"cells": {"A3": {"deterministic": True}}}, ("A3_42", "A3_123", "A3_456")),
        ({"cells": {"A4": {"same_as": "A3"}}}, ("A3_42", "A4_42")),
        ({"cells": {"A3": {"same_as": "A4"}}}, ("A3_42", "A4_42")),
    ],
)
def test_a_plan_that_says_so_makes_equal_runs_no_surprise(plan, pairs):
    evidence = matrix(**dict.fromkeys(pairs, TELLING))
    assert twins(evidence)
    assert not twins(evidence, plan=plan)


def test_a_plan_that_says_so_of_two_cells_says_nothing_of_a_third():
    found = twins(
        matrix(**dict.fromkeys(("A3_42", "A4_42", "B0_42"), TELLING)),
        plan={"cells": {"A4": {"same_as": "A3"}}},
    )
    assert [check.subject for check in found] == ["B0/42=A3/42=A4/42"]


def test_where_runs_log_nothing_but_clocks_that_is_said_once():
    """spec: G0-compared-metrics"""
    evidence = passing_matrix()
    runs = tuple(replace(run, metrics={"train_time": "7.125"}) for run in evidence.runs)
    (check,) = twins(replace(evidence, runs=runs))
    assert (check.status, check.run_id) == (Status.SKIPPED, None)
    assert "not compared" in check.message
