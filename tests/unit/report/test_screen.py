import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from smoke_gate.evidence import Evidence
from smoke_gate.gates import policy_of
from smoke_gate.policy.model import Policy
from smoke_gate.report.screen import screen
from tests.support.matrix import (
    CELLS,
    SEEDS,
    attempt_of,
    passing_matrix,
    passing_policy,
    with_another_attempt,
    with_run,
    without_run,
)
from tests.unit.report.judgements import HOSTILE, in_experiment, judgement, run_again

FILES = {"report": Path("outputs/report.md"), "junit": Path("outputs/junit.xml")}


def shown(
    evidence: Evidence | None = None,
    *,
    width: int = 100,
    colours: bool = False,
    quiet: bool = False,
    policy: Policy | None = None,
    **overrides: Any,
) -> list[str]:
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=colours, highlight=False, markup=False, emoji=False
    )
    judged = judgement(policy or passing_policy(**overrides), evidence)
    console.print(screen(judged, FILES, quiet=quiet))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def named(cells: list[str], seeds: list[str]) -> tuple[Policy, Evidence]:
    policy = policy_of({"version": 1, "plan": {"cells": cells, "seeds": seeds}})
    return policy, passing_matrix(cells, seeds, vq_cells=())


def test_a_sound_matrix():
    found = shown()
    assert found[0].startswith("✓ ALL PASS · 12 of 12 runs")
    assert found[2:8] == [
        "    42  123  456",
        "B0  ✓    ✓    ✓",
        "B1  ✓    ✓    ✓",
        "A3  ✓    ✓    ✓",
        "A4  ✓    ✓    ✓",
        "✓ passes",
    ]
    assert found[9].split()[:3] == ["✓", "G0", "plan"]
    assert found[-2:] == ["report  outputs/report.md", "junit   outputs/junit.xml"]


def test_every_state_has_a_symbol_of_its_own():
    evidence = with_run(passing_matrix(), "A3/42", checkpoints=(), manifest=None)
    evidence = with_run(evidence, "B0/42", metrics={"val_loss": "60.0"})
    evidence = without_run(evidence, "A4/123")
    exclude = [{"cell": "B1", "seeds": ["456"], "reason": "too slow"}]
    found = shown(evidence, width=300, plan={"exclude": exclude})
    assert found[3:7] == [
        "B0  ✗    ✓    ✓",
        "B1  ✓    ✓    ·",
        "A3  ✗    ✓    ✓",
        "A4  ✓    ?    ✓",
    ]
    assert "? no attempt" in found[7]
    assert "· not planned" in found[7]


def test_what_failed_and_how_to_fix_it():
    text = "\n".join(shown(with_run(passing_matrix(), "A3/42", checkpoints=(), manifest=None)))
    assert "✗ G3 A3/42\n     Found 0 checkpoints" in text
    assert "log_checkpoint" in text


def test_runs_that_fail_alike_each_show_their_own_value():
    evidence = passing_matrix()
    for pair, loss in (("B0/42", "60.0"), ("B1/42", "70.0")):
        evidence = with_run(evidence, pair, metrics={"val_loss": loss})
    found = shown(evidence, width=200)
    (head,) = [line for line in found if line.startswith("✗ G5 ") and "/" in line]
    assert "B0/42 (120 (60 / 0.5)), B1/42 (132.075 (70 / 0.53))" in head


def test_what_needs_room_stands_on_a_line_for_each_run():
    evidence = passing_matrix()
    for pair, unit in (("A3/42", "kW" * 25), ("A4/42", "MW" * 25)):
        evidence = with_run(evidence, pair, params={"vq_input_unit": unit})
    found = shown(evidence, width=200)
    start = next(index for index, line in enumerate(found) if "vq_input_unit is …" in line)
    assert found[start - 1] == "✗ G2"
    assert found[start + 1 : start + 3] == [f"     A3/42: {'kW' * 25}", f"     A4/42: {'MW' * 25}"]


def test_what_cannot_be_said_as_one_is_said_of_each_run():
    evidence = run_again(passing_matrix(), [f"{cell}/{seed}" for cell in CELLS for seed in SEEDS])
    found = shown(evidence, width=400)
    assert len([line for line in found if "was taken; of the same or an unknown commit" in line]) == 8
    assert "! G0 A3/42" in found
    assert "G0 and 4 more (in the report)" in found


def test_findings_below_the_threshold_are_warnings():
    found = shown(with_run(passing_matrix(), "B0/42", metrics={"val_loss": "60.0"}))
    assert found[0].startswith("! WARNING")
    assert "! G5 B0/42" in found


def test_warnings_stand_behind_the_failures_with_what_to_do():
    evidence = with_run(passing_matrix(), "A4/42", checkpoints=(), manifest=None)
    evidence = with_another_attempt(evidence, "B0/42", "newer", status="FAILED", start_time=4_000_000_000_000)
    references = [{"metric": "pape", "low": 0, "high": 9.55, "n": 3, "source": "s"}]
    waivers = [{"gate": "G3", "cell": "A4", "kind": "count", "reason": "disk full", "expires": "2030-01-01"}]
    policy = passing_policy(references=references, waivers=waivers)
    found = shown(with_run(evidence, "A3/42", params={"vq_input_unit": None}), policy=policy, width=300)
    heads = [line for line in found if "A3/42" in line or line.startswith("! ")]
    assert "✗ G2 A3/42" in heads[:-4]
    assert heads[-4:] == [
        "! G0 B0/42",
        "! G3 A4/42 · checkpoints/MANIFEST.json",
        "! reference pape",
        "! G3 A4/42",
    ]
    text = "\n".join(found)
    assert "Finish a newer run" in text
    assert "Accepted by waiver, FAIL before: disk full" in text
    assert "investigate the pipeline" in text


def test_ten_warnings_are_told_and_the_rest_counted():
    references = [{"metric": "pape", "low": 0, "high": 1, "n": 3, "source": "s"}]
    found = shown(references=references)
    assert sum(line.startswith("! reference pape") for line in found) == 10
    assert "… and 2 more warnings; the report has them all" in found


def test_runs_that_state_no_seed_are_named():
    forgot = replace(attempt_of(passing_matrix(), "A3/42"), run_id="0123", run_name="lin-1", seed=None)
    found = shown(replace(passing_matrix(), attempts=(*passing_matrix().attempts, forgot)))
    assert found[0].startswith("✓ ALL PASS")
    assert "not judged: 1 run without seed (`runs.seed`): lin-1 (0123)" in found


def test_quiet_is_the_verdict_and_the_files():
    found = shown(quiet=True)
    assert found == [shown()[0], *shown()[-2:]]


def test_names_of_any_script_stand_in_line():
    policy, evidence = named(["한국어", "🧪lab", "B0", "e\u0301te\u0301"], ["1", "2"])
    rows = shown(evidence, policy=policy)[2:7]
    columns = {cell_len(row[: row.rindex("✓")]) for row in rows[1:]}
    assert len(columns) == 1
    assert cell_len(rows[0][: rows[0].rindex("2")]) in columns


def test_a_narrow_terminal_gets_blocks_of_seeds():
    seeds = [str(seed) for seed in range(1000, 1030)]
    policy, evidence = named(["B0", "A3"], seeds)
    found = shown(evidence, policy=policy, width=50)
    assert all(cell_len(line) <= 50 for line in found)
    heads = [line for line in found if line.startswith("    1")]
    assert len(heads) > 1
    assert " ".join(heads).split() == seeds
    assert sum(line.count("✓") for line in found if line.startswith(("B0", "A3"))) == 60


@pytest.mark.parametrize("width", [20, 40])
def test_nothing_is_wider_than_the_terminal(width: int):
    policy, evidence = named(["a" * 60, "B0"], ["1", "2"])
    assert all(cell_len(line) <= width for line in shown(evidence, policy=policy, width=width))


def test_foreign_text_is_text():
    hostile = f"[red]{HOSTILE}[/] :smiley:\x1b[31m\u202e"
    policy, evidence = named([hostile, "B0"], ["1", "2"])
    text = "\n".join(shown(evidence, policy=policy, width=300))
    assert "[red]@octocat" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_colours_and_links_on_a_terminal():
    text = "\n".join(shown(in_experiment(passing_matrix()), colours=True))
    assert "\x1b[32m" in text
    assert "https://mlflow.example/#/experiments/1/runs/run-A3-42" in text


def test_cells_without_seeds():
    policy = policy_of({"version": 1, "runs": {"seed": "none"}, "plan": {"cells": ["B0"]}})
    found = shown(passing_matrix(["B0"], ["42"], vq_cells=()), policy=policy)
    assert any(line.startswith("B0  ✓") for line in found)
