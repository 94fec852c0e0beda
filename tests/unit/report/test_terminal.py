from dataclasses import replace
from pathlib import Path
from typing import Any

from smoke_gate.evidence import Evidence
from smoke_gate.gates import policy_of
from smoke_gate.report.terminal import summary
from smoke_gate.verdict import evaluate
from tests.support.matrix import (
    attempt_of,
    checkpoint,
    figure,
    passing_matrix,
    passing_policy,
    sha256,
    with_another_attempt,
    with_run,
    without_run,
)
from tests.unit.report.judgements import HOSTILE, run_again

FILES = {"report": Path("outputs/report.md"), "verdict_file": Path("outputs/verdict.json")}


def lines(evidence: Evidence | None = None, *, quiet: bool = False, **overrides: Any) -> list[str]:
    verdict = evaluate(passing_policy(**overrides), evidence or passing_matrix())
    return summary(verdict, "THE HEADLINE", FILES, quiet=quiet).splitlines()


def test_the_verdict_a_line_a_gate_and_the_files():
    """spec: cli-streams"""
    found = lines()
    assert found[0] == "THE HEADLINE"
    assert [line.split()[:3] for line in found[1:9]] == [
        ["G0", "PASS", "plan"],
        ["G1", "PASS", "definition_hash"],
        ["G2", "PASS", "unit_contract"],
        ["G3", "PASS", "checkpoints"],
        ["G4", "PASS", "figures"],
        ["G5", "PASS", "metric_ratio"],
        ["G6", "PASS", "paired_data"],
        ["G7", "PASS", "comparison"],
    ]
    assert found[9:] == ["report: outputs/report.md", "verdict_file: outputs/verdict.json"]


def test_quiet_is_the_verdict_and_the_files():
    assert lines(quiet=True) == ["THE HEADLINE", *lines()[9:]]


def test_what_failed_stands_between_with_its_fix_the_failing_gates_first():
    evidence = with_run(passing_matrix(), "B1/42", metrics={"val_loss": "60.0"})
    for seed in ("42", "123", "456"):
        evidence = with_run(evidence, f"A3/{seed}", checkpoints=(), manifest=None)
    failed = [line for line in lines(evidence)[9:-2] if not line.startswith("  warning ")]
    assert failed[0].startswith("  G3 A3/42, A3/123, A3/456:")
    assert failed[-1].startswith("  G5 B1/42:")
    assert "log_checkpoint" in failed[0]


def test_a_long_list_is_counted():
    evidence = passing_matrix()
    for cell in ("B0", "B1", "A3"):
        evidence = without_run(evidence, f"{cell}/42")
        evidence = without_run(evidence, f"{cell}/123")
    assert any(
        line.startswith("  G0 ") and "A3/42, A3/123, B0/42, B0/123 and 2 more (in the report):" in line
        for line in lines(evidence)
    )


def test_figures_of_no_run_are_named():
    files = (figure("run-A3-42", "figs/a.png", text={}), figure("run-A3-42", "figs/b.png", text={}))
    found = lines(replace(passing_matrix(), files=files), gates={"figures": {"files": ["figs/*.png"]}})
    assert any(line.startswith("  G4 figs/a.png, figs/b.png: The text chunks ") for line in found)


def test_what_one_run_has_is_said_of_it_alone():
    evidence = passing_matrix()
    for pair, problem in (("A3/42", "it has 100 bytes"), ("B0/42", "it has none")):
        facts = replace(checkpoint(f"run-{pair.replace('/', '-')}"), problem=problem)
        evidence = with_run(evidence, pair, checkpoints=(facts,))
    (found,) = [line for line in lines(evidence) if "Not intact" in line]
    where = "  G3 A3/42 (it has 100 bytes), B0/42 (it has none): checkpoints/model.npz: "
    assert found == f"{where}Not intact: …. Restore it, or save the checkpoint again."


def test_what_needs_room_stands_on_a_line_for_each_run():
    evidence = passing_matrix()
    for number, pair in enumerate(("A3/42", "A3/123", "A3/456", "A4/42", "A4/123")):
        evidence = with_run(evidence, pair, params={"vq_input_unit": f"kW{number}" * 15})
    found = lines(evidence)
    start = next(index for index, line in enumerate(found) if "vq_input_unit is" in line)
    assert found[start].startswith("  G2: vq_input_unit is …, expected")
    assert found[start + 1] == f"    A3/42: {'kW0' * 15}"
    assert found[start + 5] == "    and 1 more (in the report)"


def test_what_cannot_be_said_as_one_is_said_of_each_run_and_is_one_finding():
    pairs = [f"{cell}/{seed}" for cell in ("A3", "A4") for seed in ("42", "123", "456")]
    found = warned(run_again(passing_matrix(), pairs))
    assert len(found) == 5
    for line, pair in zip(found[:4], pairs[:4], strict=True):
        name = pair.replace("/", "-")
        own = f"also {sha256(pair)[:32]} ('{name}-sweep', a child of c0ffee01)."
        assert line.startswith(f"  warning G0 {pair}: A finished run, 2 attempts: FINISHED ×2. The newest, ")
        assert own in line
    assert found[4] == "  warning G0 and 2 more (in the report)"


def test_critical_is_said():
    evidence = with_run(passing_matrix(), "A3/42", params={"pape_definition_hash": None})
    assert lines(evidence)[2].startswith("G1 FAIL    definition_hash critical: ")


def test_foreign_text_commands_nothing():
    """spec: cli-streams"""
    evidence = with_run(passing_matrix(), "A3/42", params={"vq_input_unit": f"##[error]{HOSTILE}\x1b[31m"})
    text = "\n".join(lines(evidence))
    assert "octocat" in text
    assert "##[" not in text
    assert "\x1b" not in text
    assert not any(line.lstrip().startswith("::") for line in text.split("\n"))


def test_a_gate_that_is_off():
    found = lines(gates={"checkpoints": {"enabled": "false", "reason": "no disk"}})
    assert found[4] == "G3 SKIPPED checkpoints     Off: no disk"


def test_ten_findings_are_told_and_the_rest_counted():
    names = [f"metric_{chr(97 + number)}" for number in range(13)]
    failed = lines(plan={"required_metrics": names})[9:-2]
    assert len(failed) == 11
    assert failed[-1] == "  … and 3 more findings; the report has them all"


# --- warnings ---------------------------------------------------------------------------------------------------------


def warned(evidence: Evidence, **overrides: Any) -> list[str]:
    return [
        line
        for line in lines(evidence, **overrides)
        if line.startswith(("  warning ", "  waived ", "  note "))
    ]


def test_a_warning_is_told_with_what_to_do():
    (found,) = warned(
        with_another_attempt(
            passing_matrix(), "A3/42", "newer", status="FAILED", start_time=4_000_000_000_000
        )
    )
    assert found.startswith("  warning G0 A3/42: 1 attempt is newer than the run that stands for the pair")
    assert "Finish a newer run, or waive this kind of finding with a reason." in found


def test_warnings_stand_behind_the_failures():
    evidence = with_run(passing_matrix(), "A3/42", params={"vq_input_unit": "kW/h"})
    evidence = with_another_attempt(evidence, "B0/42", "surprise", cell="C9", seed="7")
    found = lines(evidence)[9:-2]
    assert [line.split()[:2] for line in found] == [["G2", "A3/42:"], ["G2", "A3/42:"], ["warning", "G0"]]
    assert "C9/7" in found[-1]


def test_what_a_warning_verdict_rests_on_is_all_told():
    references = [{"metric": "pape", "low": 0, "high": 9.55, "n": 3, "source": "s"}]
    waivers = [
        {"gate": "G3", "cell": "A4", "kind": "count", "reason": "lost", "expires": "2030-01-01"},
        {"gate": "G5", "reason": "old", "expires": "2020-01-01"},
    ]
    evidence = with_run(passing_matrix(), "A4/42", checkpoints=(), manifest=None)
    found = warned(evidence, references=references, waivers=waivers)
    assert [line.split(":")[0] for line in found] == [
        "  warning G3 A4/42",
        "  warning reference pape",
        "  waived G3 A4/42",
        "  note waiver G5",
    ]
    assert "investigate the pipeline" in found[1]
    assert found[2].endswith(" Accepted by waiver, FAIL before: lost")
    assert "expired on 2020-01-01: delete it" in found[3]


def test_ten_warnings_are_told_and_the_rest_counted():
    references = [{"metric": "pape", "low": 0, "high": 1, "n": 3, "source": "s"}]
    found = lines(passing_matrix(), references=references)[9:-2]
    assert len(found) == 11
    assert found[-1] == "  … and 2 more warnings; the report has them all"


def test_foreign_text_in_a_warning_commands_nothing():
    references = [{"metric": "pape", "low": 0, "high": 1, "n": 3, "source": f"\n::error::{HOSTILE}"}]
    text = "\n".join(lines(passing_matrix(), references=references))
    assert "octocat" in text
    assert not any(line.lstrip().startswith("::") for line in text.split("\n"))


# --- beside the matrix ------------------------------------------------------------------------------------------------


def test_runs_that_state_no_seed_are_named_and_alarm_nobody():
    forgot = replace(attempt_of(passing_matrix(), "A3/42"), run_id="0123", run_name="lin-1", seed=None)
    parents = [replace(forgot, run_id=f"sweep-{number}", run_name="", cell=None) for number in range(6)]
    evidence = replace(passing_matrix(), attempts=(*passing_matrix().attempts, *parents, forgot))
    lacking = "6 runs without cell and seed (`runs.cell`, `runs.seed`)"
    assert lines(evidence)[9:-2] == [
        "  not judged: 1 run without seed (`runs.seed`): lin-1 (0123)",
        f"  not judged: {lacking}: sweep-0, sweep-1, sweep-2, sweep-3 and 2 more (in the report)",
    ]


def test_cells_without_seeds_lack_no_seed():
    evidence = passing_matrix(["B0"], ["42"], vq_cells=())
    parent = replace(attempt_of(evidence, "B0/42"), run_id="sweep", run_name="", cell=None, seed=None)
    policy = policy_of({"version": 1, "runs": {"seed": "none"}, "plan": {"cells": ["B0"]}})
    verdict = evaluate(policy, replace(evidence, attempts=(*evidence.attempts, parent)))
    assert "  not judged: 1 run without cell (`runs.cell`): sweep\n" in summary(
        verdict, "THE HEADLINE", FILES
    )
