import io
import itertools
import json
import logging
import math
import re
from dataclasses import replace

import matplotlib
import pytest
from PIL import Image

from smoke_gate.draw import draw
from smoke_gate.draw.canvas import COLUMN_MM, DOTS_PER_INCH, label, labels, marks, paper
from smoke_gate.draw.curve_figure import band_of
from smoke_gate.draw.facts import MANY, rows_of
from smoke_gate.draw.fonts import families
from smoke_gate.draw.layout import cell_axis, height_of_rows
from smoke_gate.draw.metric_figure import paired_by_cell, values_by_cell
from smoke_gate.evidence import Evidence, metric_number
from smoke_gate.gates.base import case_of
from smoke_gate.pictures import Curve
from smoke_gate.policy.model import Policy
from smoke_gate.selection import matrix_of
from tests.support.drawings import drawn
from tests.support.matrix import CELLS, DEFINITION, SEEDS, passing_matrix, passing_policy, run_id, with_run

OFF = {"enabled": False, "reason": "test"}
EVERY_RUN = [run_id(f"{cell}/{seed}") for cell in CELLS for seed in SEEDS]


def names(policy: Policy, evidence: Evidence) -> list[str]:
    return [drawing.name for drawing in drawn(policy, evidence)]


def one_metric(**gates: object) -> Policy:
    """Return a policy under which there is one figure, of pape, unless ``gates`` say otherwise."""
    return passing_policy(report={"metrics": ["pape"]}, gates={"metric_ratio": OFF, **gates})


def test_the_figures_of_a_plain_matrix():
    assert names(passing_policy(), passing_matrix()) == [
        "metric_1_pape_by_cell.png",
        "metric_2_val_loss_by_cell.png",
        "metric_3_train_loss_by_cell.png",
        "ratio_1_val_loss_train_loss_by_cell.png",
        "curve_1_val_loss_and_train_loss_by_step.png",
    ]


def test_figures_carry_their_runs_and_definition():
    """spec: report-figures"""
    drawings = drawn(passing_policy(), passing_matrix())
    for drawing in drawings:
        with Image.open(io.BytesIO(drawing.png)) as picture:
            assert json.loads(picture.info["source_run_ids"]) == EVERY_RUN
            assert picture.info["pape_definition_hash"] == DEFINITION
            assert picture.width == int(COLUMN_MM / 25.4 * DOTS_PER_INCH)


def test_the_same_evidence_gives_the_same_bytes_whatever_the_users_settings(monkeypatch):
    """spec: report-figures"""
    first = drawn(passing_policy(), passing_matrix())
    for key, value in {"font.size": 30.0, "lines.linewidth": 9.0, "text.usetex": True}.items():
        monkeypatch.setitem(matplotlib.rcParams, key, value)
    assert drawn(passing_policy(), passing_matrix()) == first
    assert matplotlib.rcParams["font.size"] == 30.0


def test_other_values_give_other_bytes():
    changed = with_run(passing_matrix(), "A3/42", metrics={"pape": "12.5"})
    (before,), (after,) = drawn(one_metric(), passing_matrix()), drawn(one_metric(), changed)
    assert before.figure.sha256 != after.figure.sha256


def test_nothing_is_drawn_where_no_planned_pair_has_a_run():
    assert drawn(passing_policy(), Evidence(as_of="2026-01-31")) == ()


def test_a_metric_that_no_run_has_is_not_drawn():
    policy = passing_policy(report={"metrics": ["absent", "pape"]}, gates={"metric_ratio": OFF})
    assert names(policy, passing_matrix()) == ["metric_1_pape_by_cell.png"]


def test_a_figure_that_cannot_be_drawn_is_left_out_with_a_note(monkeypatch):
    """spec: G4-drawn"""

    def broken(*_: object, **__: object) -> None:
        raise MemoryError("too large")

    monkeypatch.setattr("smoke_gate.draw.drawing.curve_figure", broken)
    notes: list[str] = []
    found = [drawing.name for drawing in drawn(passing_policy(), passing_matrix(), notes.append)]
    assert found == names(passing_policy(), passing_matrix())
    assert found[-1].startswith("ratio_")
    (note,) = notes
    assert note == "the figure 'val_loss and train_loss by step' could not be drawn: MemoryError: too large"


def test_there_are_no_curves_without_histories():
    evidence = passing_matrix()
    without = replace(evidence, runs=tuple(replace(run, histories={}) for run in evidence.runs))
    assert not [name for name in names(passing_policy(), without) if name.startswith("curve")]


def test_a_figure_names_only_the_runs_that_it_shows():
    rule = {"value": "val_loss", "max": 5.0, "cells": ["A3"]}
    policy = passing_policy(gates={"metric_ratio": {"rules": [rule]}})
    ratio = next(drawing for drawing in drawn(policy, passing_matrix()) if drawing.name.startswith("ratio"))
    assert json.loads(ratio.figure.text["source_run_ids"]) == [run_id(f"A3/{seed}") for seed in SEEDS]


def test_the_definition_is_what_all_runs_log_where_g1_is_off():
    (drawing,) = drawn(one_metric(definition_hash=OFF), passing_matrix())
    assert drawing.figure.text["pape_definition_hash"] == DEFINITION


def test_a_definition_that_is_not_known_is_not_claimed():
    unregistered = replace(passing_matrix(), registrations=())
    (drawing,) = drawn(one_metric(), unregistered)
    assert set(drawing.figure.text) == {"source_run_ids"}


@pytest.mark.parametrize(
    "values",
    [
        ("0.0", "0.0", "0.0"),
        ("1e308", "-1e308", "1.0"),
        ("1e150", "-1e150", "0.0"),
        ("1e-300", "1e149", "1.0"),
        ("5e-324", "5e-324", "5e-324"),
        ("NaN", "Infinity", "-Infinity"),
        ("-3.0", "1e9", "0.5"),
    ],
)
def test_extreme_values_are_drawn_or_left_out(values):
    evidence = passing_matrix(["B0"])
    for seed, value in zip(SEEDS, values, strict=True):
        evidence = with_run(evidence, f"B0/{seed}", metrics={"val_loss": value})
    steps = (-5, 0, 10**12, 2**63 - 1)
    curves = {
        (run.run_id, "val_loss"): Curve(steps, (metric_number(run.metrics["val_loss"]),) * len(steps))
        for run in evidence.runs
    }
    policy = passing_policy(
        plan={"cells": ["B0"]}, gates={"metric_ratio": {"rules": [{"value": "val_loss", "max": 2.0}]}}
    )
    for drawing in draw(case_of(policy, evidence, matrix_of(policy, evidence)), curves):
        with Image.open(io.BytesIO(drawing.png)) as picture:
            picture.load()


HOSTILE = ["$\\frac{", "../../etc/passwd", "two\nlines \u202e", "기준선", "x" * 5000, "📈 {} %s"]


def test_names_are_only_text_in_a_figure_and_make_no_path():
    policy = passing_policy(
        plan={"cells": HOSTILE, "seeds": ["$", "2"], "required_metrics": ["$m_{$", "../m"]},
        gates={"metric_ratio": OFF},
    )
    evidence = passing_matrix(HOSTILE, ["$", "2"])
    metrics = {"$m_{$": "1.0", "../m": "2.0"}
    runs = tuple(replace(run, metrics=metrics) for run in evidence.runs)
    found = names(policy, replace(evidence, runs=runs))
    assert len(found) == 2
    assert all(re.fullmatch(r"[a-z0-9_]+\.png", name) for name in found)


# --- layout -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [4, 12, 40])
def test_cells_names_do_not_overlap(number):
    cells = [f"transformer_{place}_with_a_long_name_기준" for place in range(number)]
    with paper(height_of_rows(number), families(cells)) as figure:
        axes = figure.add_subplot()
        cell_axis(axes, labels(cells))
        figure.savefig(io.BytesIO(), format="png")
        boxes = [text.get_window_extent() for text in axes.get_yticklabels()]
    ordered = sorted(boxes, key=lambda box: box.y0)
    assert len(ordered) == number
    assert all(lower.y1 <= upper.y0 for lower, upper in itertools.pairwise(ordered))
    assert all(box.x0 >= 0 for box in boxes)


def test_long_names_are_cut_and_still_told_apart():
    assert label("short") == "short"
    assert label("a_very_long_name_of_a_cell_indeed") == "a_very_long_na…_indeed"
    shown = labels(["a_very_long_name_of_version_1_cell", "a_very_long_name_of_version_2_cell", "b"])
    assert len(set(shown)) == 3
    assert all(len(name) <= 22 for name in shown)


def test_seeds_have_colours_and_symbols_until_there_are_too_many():
    seven, many = marks([str(seed) for seed in range(7)]), marks([str(seed) for seed in range(8)])
    assert len({mark.colour for mark in seven.values()}) == len({mark.symbol for mark in seven.values()}) == 7
    assert len(set(many.values())) == 1


# --- fonts ------------------------------------------------------------------------------------------------------------


def test_latin_and_greek_need_no_other_font(caplog):
    assert families(["val_loss", "Δ μ"]) == ("DejaVu Sans",)
    assert not caplog.records


def test_korean_has_a_font_or_a_warning_that_names_a_package(caplog):
    with caplog.at_level(logging.WARNING):
        chosen = families(["기준선"])
    assert len(chosen) > 1 or "fonts-wqy-microhei" in caplog.text
    assert not any(name.startswith("Last Resort") for name in chosen)


def test_a_letter_that_no_font_has_is_said_once(caplog):
    evidence = passing_matrix(["B\U0010fffd"])
    with caplog.at_level(logging.WARNING):
        drawn(passing_policy(plan={"cells": ["B\U0010fffd"]}), evidence)
    assert len([record for record in caplog.records if "no font of this machine" in record.message]) == 1


def test_very_many_runs_are_drawn_together():
    policy, evidence = (
        passing_policy(),
        passing_matrix(["B0", "A3"], [str(seed) for seed in range(MANY // 2 + 1)]),
    )
    policy = policy.model_copy(
        update={
            "plan": type(policy.plan).model_validate(
                {"cells": ["B0", "A3"], "seeds": [*map(str, range(251))]}
            )
        }
    )
    drawings = drawn(policy, evidence)
    assert [drawing.name.split("_")[0] for drawing in drawings] == ["metric", "metric", "ratio", "curve"]
    for drawing in drawings:
        with Image.open(io.BytesIO(drawing.png)) as picture:
            colours = picture.convert("RGB").getcolors(1 << 24)
        assert colours is not None
        assert len(colours) > 20


def test_a_band_has_the_ends_and_the_median_of_each_step():
    curves = [
        Curve((0, 1, 2), (3.0, 5.0, math.nan)),
        Curve((0, 2), (1.0, math.nan)),
        Curve((0, 1, 7), (10.0, 4.0, 2.0)),
        Curve((), ()),
    ]
    steps, low, middle, high = (part.tolist() for part in band_of(curves))
    assert (steps, low) == ([0, 1, 7], [1.0, 4.0, 2.0])
    assert (middle, high) == ([3.0, 4.5, 2.0], [10.0, 5.0, 2.0])
    assert [part.tolist() for part in band_of([])] == [[], [], [], []]


# --- differences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seeds", "is_drawn"), [(["42"], False), (["42", "123"], True), (SEEDS, True)])
def test_differences_to_the_reference_cell_are_drawn_from_two_seeds_on(seeds, is_drawn):
    """If no difference is drawn, the figure cannot depend on the cell that the others are compared with."""

    def figure(reference: str) -> bytes:
        policy = passing_policy(
            plan={"seeds": seeds},
            report={"metrics": ["pape"], "reference_cell": reference},
            gates={"metric_ratio": OFF},
        )
        (drawing,) = drawn(policy, passing_matrix(CELLS, seeds))
        return drawing.png

    assert (figure("B0") != figure("A3")) is is_drawn


def test_a_single_cell_has_no_differences():
    policy = passing_policy(plan={"cells": ["B0"]}, report={"metrics": ["pape"]}, gates={"metric_ratio": OFF})
    case = case_of(policy, passing_matrix(["B0"]), matrix_of(policy, passing_matrix(["B0"])))
    assert paired_by_cell(values_by_cell(rows_of(case), "pape"), "B0") == [{}]


def test_the_differences_of_a_figure_are_paired_by_seed():
    evidence = passing_matrix(["B0", "A3"], ["1", "2", "3"])
    for pair, value in {"B0/1": "1.0", "B0/2": "2.0", "B0/3": "NaN", "A3/1": "1.5", "A3/2": "1.0"}.items():
        evidence = with_run(evidence, pair, metrics={"pape": value})
    policy = passing_policy(plan={"cells": ["B0", "A3"], "seeds": ["1", "2", "3"]})
    case = case_of(policy, evidence, matrix_of(policy, evidence))
    assert paired_by_cell(values_by_cell(rows_of(case), "pape"), "B0") == [{}, {"1": 0.5, "2": -1.0}]
