from pathlib import Path
from typing import Any

from smoke_gate.evidence import Evidence
from smoke_gate.report.terminal import summary
from smoke_gate.verdict import evaluate
from tests.support.matrix import passing_matrix, passing_policy, with_run, without_run
from tests.unit.report.judgements import HOSTILE

FILES = {"report": Path("outputs/report.md"), "verdict_file": Path("outputs/verdict.json")}


def lines(evidence: Evidence | None = None, *, quiet: bool = False, **overrides: Any) -> list[str]:
    verdict = evaluate(passing_policy(**overrides), evidence or passing_matrix())
    return summary(verdict, "THE HEADLINE", FILES, quiet=quiet).splitlines()


def test_the_verdict_a_line_a_gate_and_the_files():
    found = lines()
    assert found[0] == "THE HEADLINE"
    assert [line.split()[:3] for line in found[1:8]] == [
        ["G0", "PASS", "plan"],
        ["G1", "PASS", "definition_hash"],
        ["G2", "PASS", "unit_contract"],
        ["G3", "PASS", "checkpoints"],
        ["G4", "PASS", "figures"],
        ["G5", "PASS", "metric_ratio"],
        ["G6", "PASS", "paired_data"],
    ]
    assert found[8:] == ["report: outputs/report.md", "verdict_file: outputs/verdict.json"]


def test_quiet_is_the_verdict_and_the_files():
    assert lines(quiet=True) == ["THE HEADLINE", *lines()[8:]]


def test_what_failed_stands_between_with_its_fix_the_failing_gates_first():
    evidence = with_run(passing_matrix(), "B1/42", metrics={"val_loss": "60.0"})
    for seed in ("42", "123", "456"):
        evidence = with_run(evidence, f"A3/{seed}", checkpoints=(), manifest=None)
    failed = lines(evidence)[8:-2]
    assert failed[0].startswith("  G3 A3/42, A3/123, A3/456:")
    assert failed[-1].startswith("  G5 B1/42:")
    assert "log_checkpoint" in failed[0]


def test_a_long_list_is_counted():
    evidence = passing_matrix()
    for cell in ("B0", "B1", "A3"):
        evidence = without_run(evidence, f"{cell}/42")
        evidence = without_run(evidence, f"{cell}/123")
    assert any(
        line.startswith("  G0 ") and "A3/42, A3/123, B0/42, B0/123 and 2 more:" in line
        for line in lines(evidence)
    )


def test_critical_is_said():
    evidence = with_run(passing_matrix(), "A3/42", params={"pape_definition_hash": None})
    assert lines(evidence)[2].startswith("G1 FAIL    definition_hash critical: ")


def test_foreign_text_commands_nothing():
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
    failed = lines(plan={"required_metrics": names})[8:-2]
    assert len(failed) == 11
    assert failed[-1] == "  … and 3 more findings; the report has them all"
