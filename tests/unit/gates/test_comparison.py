"""G7: what differs between the cells is what the plan says, and nothing else."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from smoke_gate.evidence import Evidence, Ledger, LoggedModel
from smoke_gate.gates.base import Check, CheckTable, Outcome, Status
from smoke_gate.gates.comparison import GATE
from tests.support.matrix import (
    CELLS,
    SEEDS,
    ask,
    history,
    passing_matrix,
    run_of,
    with_attempt,
    with_ledger,
    with_run,
)

PASSING = replace(passing_matrix(), ledger=Ledger())
PAIRS = tuple(f"{cell}/{seed}" for cell in CELLS for seed in SEEDS)
Text = Callable[[str, str], str | None]


def asked(evidence: Evidence, **section: Any) -> Outcome:
    return ask(GATE, evidence, gates={"comparison": section})


def findings(evidence: Evidence, **section: Any) -> list[Check]:
    """Return what is a WARNING or a FAIL."""
    found = asked(evidence, **section).checks
    return [check for check in found if check.status in (Status.WARNING, Status.FAIL)]


def notes(evidence: Evidence) -> dict[str, Check]:
    return {check.subject: check for check in asked(evidence).checks if check.kind == "ledger"}


def one(evidence: Evidence, kind: str, **section: Any) -> Check:
    """Return the only finding, which is a WARNING of a kind."""
    (found,) = findings(evidence, **section)
    assert (found.kind, found.status) == (kind, Status.WARNING)
    return found


def but(usual: str, **others: str | None) -> Text:
    """Return a text that all runs have but the named ones: ``A3_42="0.2"``."""
    return lambda cell, seed: others.get(f"{cell}_{seed}", usual)


def place(cell: str, seed: str) -> int:
    return PAIRS.index(f"{cell}/{seed}")


def each(**facts: Callable[[str], Any]) -> Evidence:
    """Change the facts of every run, by its pair."""
    evidence = PASSING
    for pair in PAIRS:
        evidence = with_run(evidence, pair, **{name: make(pair) for name, make in facts.items()})
    return evidence


# --- nothing known ----------------------------------------------------------------------------------------------------


def test_where_nothing_is_known_it_is_skipped():
    """spec: G7-silent"""
    outcome = asked(PASSING)
    assert outcome.checks == ()
    assert outcome.skipped is not None
    assert (outcome.expected, outcome.evaluated) == (0, 0)


def test_what_was_compared_is_said():
    evidence = with_ledger(PASSING, {"lr": "0.1", "test_count": "14"}, {"environment.numpy": "2.0"})
    (compared,) = asked(evidence).checks
    assert (compared.kind, compared.status) == ("compared", Status.PASS)
    assert "1 version, 1 number of samples" in str(compared.message)


# --- params that differ for a reason of their own ---------------------------------------------------------------------

LEFT_OUT: dict[str, tuple[str, Text]] = {
    "equal to the seed": ("random_state", lambda cell, seed: seed),
    "the seed in another spelling": ("random_state", lambda cell, seed: f"0{seed}"),
    "distinct in every run": ("trial", lambda cell, seed: f"t{place(cell, seed)}"),
    "one value a seed": ("fold_name", lambda cell, seed: {"42": "a", "123": "b", "456": "b"}[seed]),
    "the run's name": ("experiment", lambda cell, seed: f"{cell}-{seed}"),
    "an address": ("callback", lambda cell, seed: f"<f at 0x{place(cell, seed) % 2}>"),
    "eight digits": ("started", lambda cell, seed: f"2026-01-{10 + place(cell, seed) % 5} 10:00"),
    "a path with the seed": ("out", lambda cell, seed: f"/out/{seed}/x{place(cell, seed) % 2}"),
    "a path with the run's id": ("out", lambda cell, seed: f"/out/run-{cell}-{seed}/{place(cell, seed) % 2}"),
    "paths that end alike": ("data", lambda cell, seed: f"/mnt/{place(cell, seed) % 2}/data/train.csv"),
    "paths of two systems": (
        "data",
        lambda cell, seed: "C:\\data\\train.csv" if seed == "42" else "/home/data/train.csv",
    ),
    **{
        f"a word of it is {word}": (key, lambda cell, seed: f"x{place(cell, seed) % 2}")
        for word, key in {
            "device": "train.device",
            "host": "masterHost",
            "hostname": "HOSTNAME",
            "rank": "local_rank",
            "port": "dist-port",
        }.items()
    },
}


@pytest.mark.parametrize(("key", "text"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_left_out(key: str, text: Text):
    """spec: G7-drift"""
    evidence = with_ledger(PASSING, {"lr": "0.1", key: text})
    assert findings(evidence) == []
    assert notes(evidence) == {}


COMPARED: dict[str, tuple[str, Text]] = {
    "a setting": ("lr", but("0.1", A3_42="0.2")),
    "a word that only holds such a word": ("reports", but("a", A3_42="b")),
    "few digits": ("hidden", but("1024", A3_42="2048")),
    "eight digits in few values": ("name", but("plain", A3_42="20260110-10")),
    "one odd value among the seeds": ("fold", lambda cell, seed: "x" if (cell, seed) == ("A3", "42") else seed),
    "paths that end in other ways": ("data", but("/mnt/data/train.csv", A3_42="/mnt/data/small.csv")),
    "the seed as a part of a number": ("data", but("/data/1423/x", A3_42="/data/1424/x")),
}  # fmt: skip


@pytest.mark.parametrize(("key", "text"), COMPARED.values(), ids=COMPARED)
def test_compared(key: str, text: Text):
    assert one(with_ledger(PASSING, {key: text}), "drift").subject == key


def test_two_seeds_may_share_a_value_by_chance():
    evidence = passing_matrix(seeds=("1", "2"))
    found = ask(
        GATE, with_ledger(evidence, {"fold": lambda cell, seed: f"f{seed}"}), plan={"seeds": ["1", "2"]}
    )
    assert [check.kind for check in found.checks if check.status is Status.WARNING] == ["drift"]


def test_what_another_gate_judges_is_left_out():
    evidence = with_ledger(PASSING, {"use_vq": but("True", A3_42="False"), "lr": "0.1"})
    assert findings(evidence) == []


def test_runs_that_do_not_have_the_key_are_not_compared():
    """spec: G7-silent"""
    assert findings(with_ledger(PASSING, {"lr": but("0.1", A3_42=None)})) == []


# --- drift ------------------------------------------------------------------------------------------------------------


def test_one_finding_a_key():
    """spec: G7-drift"""
    evidence = with_ledger(
        PASSING, {"lr": lambda cell, seed: "0.1" if seed == "42" and cell != "B1" else "0.2"}
    )
    found = one(evidence, "drift")
    assert found.subject == "lr"
    assert "lr differs between the seeds of B0, A3, A4: '0.1' in B0/42, A3/42, A4/42" in str(found.message)


def test_one_finding_a_run_that_differs_in_several():
    keys = {key: but("0.1", A3_42="0.2") for key in ("lr", "decay", "dropout", "clip")}
    found = one(with_ledger(PASSING, keys), "drift")
    assert (found.cell, found.seed, found.subject) == ("A3", "42", "A3/42")
    assert found.observed == "lr, decay, dropout, clip"
    assert "alone differs from the other seeds of its cell in 4 params: lr '0.2'" in str(found.message)


def test_a_key_that_drifts_elsewhere_too_is_a_finding_of_its_own():
    alone = {key: but("0.1", A3_42="0.2") for key in ("lr", "decay")}
    found = findings(with_ledger(PASSING, {**alone, "clip": but("1", A3_42="2", B0_42="2")}))
    assert [(check.kind, check.subject) for check in found] == [("drift", "A3/42"), ("drift", "clip")]


@pytest.mark.parametrize("varies", [["lr"], ["l*"], ["other", "?r"]])
def test_what_may_vary(varies: list[str]):
    """spec: G7-drift"""
    assert findings(with_ledger(PASSING, {"lr": but("0.1", A3_42="0.2")}), varies=varies) == []


def test_between_cells_is_a_note():
    """spec: G7-between-cells"""
    evidence = with_ledger(PASSING, {"lr": lambda cell, seed: "0.2" if cell == "A3" else "0.1"})
    assert findings(evidence) == []
    found = notes(evidence)["differences"]
    assert found.table == CheckTable(
        ("param", "value", "cells"), (("lr", "0.2", "A3"), ("lr", "0.1", "B0, B1, A4"))
    )
    assert "1 param differs between cells" in str(found.message)


def test_what_goes_with_the_cell_is_a_note():
    evidence = with_ledger(
        PASSING, {"lr": "0.1"}, {"mlflow.user": lambda cell, seed: "ada" if cell == "A3" else "bob"}
    )
    assert findings(evidence) == []
    found = notes(evidence)["aliased"]
    assert found.table is not None
    assert found.table.rows == (("mlflow.user", "ada", "A3"), ("mlflow.user", "bob", "B0, B1, A4"))


def test_what_models_ask_for_is_a_note_unless_runs_say_what_ran():
    def asking(pair: str) -> tuple[LoggedModel, ...]:
        requirements = {"pandas": "2.1" if pair == "A3/42" else "2.2", "mlflow": "3.1"}
        return (LoggedModel(model_id=pair, name="model", status="READY", requirements=requirements),)

    evidence = with_ledger(each(models=asking), {"lr": "0.1"})
    assert findings(evidence) == []
    table = notes(evidence)["requirements"].table
    assert table is not None
    assert table.rows == (("pandas", "2.1", "A3"), ("pandas", "2.2", "B0, B1, A3, A4"))
    stated = with_ledger(evidence, {"lr": "0.1"}, {"environment.pandas": "2.2"})
    assert "requirements" not in notes(stated)


# --- constants --------------------------------------------------------------------------------------------------------


def test_constants():
    """spec: G7-constant"""
    evidence = with_ledger(
        PASSING, {"lr": "0.1", "batch_size": lambda cell, seed: "8" if cell == "A3" else "16"}
    )
    found = one(evidence, "constant", constant=["batch_*", "lr"])
    assert (found.subject, found.observed) == ("batch_size", "16, 8")
    assert "'8' in A3/42, A3/123, A3/456" in str(found.message)


# --- environment ------------------------------------------------------------------------------------------------------


def models(pair: str) -> tuple[LoggedModel, ...]:
    version = "1.1.3" if pair == "A3/42" else "1.2.0"
    return (LoggedModel(model_id=pair, name="model", status="READY", versions={"scikit-learn": version}),)


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(
            with_ledger(PASSING, None, {"environment.scikit-learn": but("1.2.0", A3_42="1.1.3")}),
            id="in a tag",
        ),
        pytest.param(each(models=models), id="in a model"),
    ],
)
def test_the_odd_one_is_named(evidence: Evidence):
    """spec: G7-environment"""
    found = one(evidence, "environment")
    assert (found.subject, found.observed, found.expected) == ("scikit-learn", "A3/42", "scikit-learn 1.2.0")
    assert str(found.message).startswith("A3/42: scikit-learn 1.1.3; the others (11): 1.2.0.")


@pytest.mark.parametrize(
    ("name", "odd", "usual"),
    [
        ("device", "cuda:1", "cuda:0"),
        ("device", "cuda:1", "cuda"),
        ("device", "CUDA:1", "CUDA"),
        ("gpu", "A100 ", "A100"),
    ],
)
def test_equal_devices(name: str, odd: str, usual: str):
    assert findings(with_ledger(PASSING, None, {f"environment.{name}": but(usual, A3_42=odd)})) == []


def test_only_those_that_say_a_version_are_compared():
    """spec: G7-environment"""
    tags = {"environment.driver": lambda cell, seed: "550" if cell == "A3" else None}
    assert findings(with_ledger(PASSING, None, tags)) == []


def test_another_tag_is_not_an_environment():
    assert findings(with_ledger(PASSING, {"lr": "0.1"}, {"gpu": but("A100", A3_42="T4")})) == []


# --- evaluation -------------------------------------------------------------------------------------------------------


def test_counts_of_a_run():
    """spec: G7-evaluation"""
    found = findings(with_ledger(PASSING, {"test_count": but("668", A3_42="1")}))
    (count,) = (check for check in found if check.kind == "evaluation")
    assert (count.subject, count.observed) == ("test", "A3/42")
    assert "test: A3/42 with 1 sample, B0/42, B1/42, A4/42 with 668 samples." in str(count.message)


def test_counts_of_a_cell():
    evidence = with_ledger(PASSING, {"test_count": lambda cell, seed: "1" if cell == "A3" else "668"})
    found = one(evidence, "evaluation")
    assert (found.subject, found.observed, found.expected) == ("test", "A3/42=A3/123=A3/456", "668 samples")


def test_counts_that_go_with_the_seed():
    counts = {"42": "100", "123": "101", "456": "102"}  # folds of a cross-validation
    assert findings(with_ledger(PASSING, {"test_count": lambda cell, seed: counts[seed]})) == []


@pytest.mark.parametrize("text", ["many", "1e3", "-5", "1" * 16])
def test_what_is_not_a_count(text: str):
    found = findings(with_ledger(PASSING, {"word_count": lambda cell, seed: text if cell == "A3" else "7"}))
    assert found == []


def test_data_sets_that_mlflow_recorded():
    """spec: G7-evaluation"""
    evidence = each(
        rows=lambda pair: {"evaluation demand": 1 if pair.startswith("A3") else 668, "training x": 5}
    )
    found = one(evidence, "evaluation")
    assert found.subject == "data set evaluation demand"


def clocks(prefix: str, seconds: float, rate: float) -> dict[str, str]:
    return {f"{prefix}_runtime": repr(seconds), f"{prefix}_samples_per_second": repr(rate)}


@pytest.mark.parametrize(
    ("prefix", "seconds", "rate", "differs"),
    [
        pytest.param("eval", 2.0, 334.0, False, id="the same number"),
        pytest.param("eval", 1.9996, 334.067, False, id="the same number, both rounded"),
        pytest.param("eval", 2.0, 334.0008, False, id="the intervals touch"),
        pytest.param("eval", 2.0, 334.5, True, id="one sample more"),
        pytest.param("eval", 1.0, 1.0, True, id="a single sample"),
        pytest.param("test", 1.0, 1.0, True, id="a test"),
        pytest.param("predict", 1.0, 1.0, True, id="a prediction"),
        pytest.param("train", 1.0, 1.0, False, id="training goes over its samples more than once"),
    ],
)
def test_clocks_of_the_trainer(prefix: str, seconds: float, rate: float, differs: bool):
    """spec: G7-evaluation"""

    def made(pair: str) -> dict[str, str]:
        return clocks(prefix, seconds, rate) if pair.startswith("A3") else clocks(prefix, 2.0, 334.0)

    found = findings(each(metrics=made))
    assert [check.kind for check in found] == (["evaluation"] if differs else [])


def test_a_long_evaluation_is_known_less_exactly():
    def made(pair: str) -> dict[str, str]:  # 1000 seconds: the rate's last digit is half a sample
        return clocks("eval", 1000.0, 3.0005 if pair.startswith("A3") else 3.0)

    assert findings(each(metrics=made)) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (repr(500 / 668), None),
        (repr(1 / 3), "averaged over batches or subsets"),
        ("0.7485", "rounded"),
        ("0.749", "rounded"),
        ("0.74123456", "averaged over batches or subsets"),
        ("1.0", None),
        ("0.0", None),
        ("NaN", None),
    ],
)
def test_proportions(value: str, reason: str | None):
    """spec: G7-evaluation"""
    evidence = with_run(with_ledger(PASSING, {"test_count": "668"}), "A3/42", metrics={"accuracy": value})
    found = findings(evidence, proportion=["accuracy"])
    assert findings(evidence) == []
    assert [check.kind for check in found] == ([] if reason is None else ["evaluation"])
    assert all(f"it is {reason}." in str(check.message) for check in found)


def test_a_proportion_of_an_unknown_number():
    evidence = with_run(PASSING, "A3/42", metrics={"accuracy": "0.74123456"})
    assert findings(evidence, proportion=["accuracy"]) == []


# --- budget -----------------------------------------------------------------------------------------------------------


def ends(**of_seeds: int) -> Evidence:
    """Let the seeds of A3 end at a step, all other runs at 6."""
    steps = {f"A3/{name.removeprefix('seed_')}": step for name, step in of_seeds.items()}
    return each(last_step=lambda pair: steps.get(pair, 6))


def test_one_that_ends_earlier():
    """spec: G7-budget"""
    found = one(ends(seed_42=3), "budget")
    assert (found.subject, found.observed, found.expected) == ("steps of A3", "A3/42", "6")
    assert "A3/42 ended at step 3, the other seeds of A3 at 6" in str(found.message)


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(ends(), id="all alike"),
        pytest.param(ends(seed_42=9), id="one that ends later"),
        pytest.param(ends(seed_42=3, seed_123=4), id="no two thirds agree"),
        pytest.param(ends(seed_42=3, seed_123=3, seed_456=3), id="another cell ends elsewhere"),
        pytest.param(with_run(with_run(PASSING, "A3/42", last_step=3), "A3/123", last_step=6), id="two runs say it"),
    ],
)  # fmt: skip
def test_no_odd_one(evidence: Evidence):
    assert findings(evidence) == []


def test_early_stopping():
    """spec: G7-budget"""
    assert findings(ends(seed_42=3), early_stopping=True) == []


@pytest.mark.parametrize(
    ("steps", "failing"),
    [
        (6, ["A3/42"]),
        ({"A3": 6}, ["A3/42"]),
        ({"B0": 6}, []),
        ({"B0": 5}, ["B0/42", "B0/123", "B0/456"]),
    ],
)
def test_stated_steps(steps: Any, failing: list[str]):
    """spec: G7-budget"""
    found = findings(ends(seed_42=3), steps=steps)
    stated = [check for check in found if check.subject == "steps"]
    assert [f"{check.cell}/{check.seed}" for check in stated] == failing
    assert {check.status for check in stated} <= {Status.FAIL}


def test_early_stopping_does_not_excuse_another_step_than_the_stated_one():
    """spec: G7-budget"""
    found = findings(ends(seed_42=3), steps=6, early_stopping=True)
    assert [check.status for check in found] == [Status.FAIL]


def test_two_trainings():
    """spec: G7-budget"""
    twice = replace(run_of(PASSING, "A3/42").histories["val_loss"], two_trainings=True)
    found = one(with_run(PASSING, "A3/42", histories={"val_loss": twice}), "budget")
    assert (found.cell, found.seed, found.subject) == ("A3", "42", "val_loss")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((1.0, math.nan, 0.5), True),
        ((math.nan, 1.0), True),
        ((1.0, math.nan), False),  # the end is another gate's
        ((math.nan, math.nan), False),
        ((1.0, math.inf, 0.5), False),
        ((), False),
    ],
)
def test_nan_on_the_way(values: tuple[float, ...], found: bool):
    """spec: G7-budget"""
    evidence = with_run(PASSING, "A3/42", histories={"val_loss": history(*values) if values else None})
    assert [check.subject for check in findings(evidence) if check.kind == "budget"] == ["val_loss"] * found


# --- overlap ----------------------------------------------------------------------------------------------------------


def test_no_overlap_is_a_pass():
    """spec: G7-overlap"""
    found = [
        check
        for check in asked(with_ledger(PASSING, {"data_overlap": "0"})).checks
        if check.kind == "overlap"
    ]
    assert len(found) == 12
    assert {check.status for check in found} == {Status.PASS}


def test_overlap():
    """spec: G7-overlap"""
    evidence = with_ledger(PASSING, {"data_overlap": lambda cell, seed: "625" if cell == "A3" else "0"})
    found = findings(evidence)
    assert {(check.kind, check.cell, check.observed) for check in found} == {("overlap", "A3", "625")}
    assert len(found) == 3


# --- what fails -------------------------------------------------------------------------------------------------------

KINDS: dict[str, tuple[Evidence, dict[str, Any]]] = {
    "drift": (with_ledger(PASSING, {"lr": but("0.1", A3_42="0.2")}), {}),
    "constant": (
        with_ledger(PASSING, {"batch": lambda cell, seed: "8" if cell == "A3" else "16"}),
        {"constant": ["batch"]},
    ),
    "environment": (with_ledger(PASSING, None, {"environment.numpy": but("2.0", A3_42="1.26.4")}), {}),
    "evaluation": (
        with_ledger(PASSING, {"test_count": lambda cell, seed: "1" if cell == "A3" else "668"}),
        {},
    ),
    "budget": (ends(seed_42=3), {}),
    "overlap": (
        with_ledger(PASSING, {"data_overlap": lambda cell, seed: "625" if cell == "A3" else "0"}),
        {},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_fails_where_the_policy_says_so(kind: str):
    """spec: G7-fail-kinds"""
    evidence, section = KINDS[kind]
    others = [other for other in KINDS if other != kind]
    for fail, status in (([], Status.WARNING), (others, Status.WARNING), ([kind], Status.FAIL)):
        found = findings(evidence, fail=fail, **section)
        assert {(check.kind, check.status) for check in found} == {(kind, status)}


def test_the_name_of_a_run_may_be_a_param():
    evidence = with_ledger(
        PASSING, {"name": lambda cell, seed: "a" if place(cell, seed) < 2 else "b", "lr": "0.1"}
    )
    assert [check.subject for check in findings(evidence)] == ["name"]
    for pair in PAIRS:
        evidence = with_attempt(evidence, pair, run_name="a" if PAIRS.index(pair) < 2 else "b")
    assert findings(evidence) == []
