from dataclasses import replace
from decimal import Decimal

from smoke_gate.compare import Comparison, Limit, compare
from smoke_gate.evidence import Evidence
from smoke_gate.message import Message, say
from smoke_gate.report.comparison import against_baseline, comparison_text, limit_words
from smoke_gate.report.markdown import markdown
from smoke_gate.report.markdown_section import ReportSection
from tests.support.matrix import passing_matrix, passing_policy, sha256, with_run, without_run
from tests.unit.report.judgements import HOSTILE, judgement

PASSED = say("ALL PASS")
POLICY = passing_policy(plan={"cells": ["B0", "A3"], "seeds": ["42", "123"]}, report={"metrics": ["pape"]})


def matrix() -> Evidence:
    return passing_matrix(["B0", "A3"], ["42", "123"])


def compared(head: Evidence, *limits: Limit) -> Comparison:
    return compare((POLICY, matrix()), (POLICY, head), limits)


def section(head: Evidence, headline: Message = PASSED) -> ReportSection:
    judged = replace(judgement(POLICY, head), baseline=(compared(head), headline))
    found = against_baseline(judged)
    assert found is not None
    return found


def moved() -> Evidence:
    head = with_run(matrix(), "B0/42", metrics={"pape": "8.0"})
    return with_run(head, "B0/123", metrics={"pape": "8.5"})


def test_there_is_no_section_without_a_baseline():
    assert against_baseline(judgement()) is None
    assert "Against the baseline" not in markdown(judgement())


def test_the_section_has_a_row_for_each_metric():
    body = section(moved()).body
    assert "| <code>pape</code> | 4 of 4 | -0.15 | -0.5 – +0 | 2 of 4 lower |" in body
    assert "<details><summary><code>pape</code>, pair by pair</summary>" in body
    assert "| <code>B0/42</code> | 8.5 | 8 | -0.5 |" in body


def test_the_section_stands_in_the_report_before_the_cell_summary():
    judged = replace(judgement(POLICY, moved()), baseline=(compared(moved()), PASSED))
    text = markdown(judged)
    assert text.index("### Against the baseline") < text.index("<strong>Cell summary</strong>")


def test_what_makes_the_differences_less_than_they_look_is_said():
    head = without_run(moved(), "A3/42")
    head = with_run(head, "A3/123", params={"pape_definition_hash": sha256("other")}, metrics={"pape": "NaN"})
    head = with_run(head, "B0/42", params={"test_data_hash": "0" * 16})
    body = section(head).body
    assert "no run in head: <code>A3/42</code>" in body
    assert "no common metric definition, so their differences mean nothing: <code>A3/123</code>" in body
    assert "other data: <code>B0/42</code>" in body
    assert "⚠️ 2 of 3" in body
    assert "nan" in body


def test_nothing_in_common_is_said():
    assert (
        "nothing to compare: no pair has a run in both"
        in section(replace(matrix(), attempts=(), runs=())).body
    )


def test_foreign_text_is_inert():
    head = with_run(matrix(), "B0/42", metrics={HOSTILE: "1.0"})
    body = section(head, headline=say("{hostile}", hostile=HOSTILE)).body
    assert "<img" not in body
    assert "@octocat" not in body


def test_the_terminal_gets_every_pair_and_the_limits():
    limits = [Limit(metric="pape", direction=way, most=Decimal("0.1")) for way in ("drop", "rise")]
    lines = comparison_text(compared(moved(), *limits)).splitlines()
    assert lines[0] == "pape: 4 of 4 pairs, mean -0.15, range -0.5 to +0, 2 of 4 lower"
    assert "  B0/42: 8.5 → 8.0 (-0.5)" in lines
    fail = lines.index("FAIL --max-drop pape=0.1")
    assert lines[fail + 1] == "  B0/42: dropped by 0.5, from 8.5 to 8.0"
    assert lines[-1] == "PASS --max-rise pape=0.1"


def test_the_terminal_gets_no_workflow_command():
    head = with_run(matrix(), "B0/42", metrics={"\n::error::x": "1.0"})
    assert not [
        line for line in comparison_text(compared(head)).splitlines() if line.lstrip().startswith("::")
    ]


def test_equal_values_have_no_sign():
    assert "4 of 4 equal" in comparison_text(compared(matrix()))


def test_a_limit_reads_as_its_option():
    assert limit_words(Limit(metric="pape", direction="rise", most=Decimal("0.50"))) == "--max-rise pape=0.50"


def test_a_limit_of_a_metric_that_nobody_logs_asks_for_the_near_one():
    text = comparison_text(compared(moved(), Limit(metric="paep", direction="drop", most=Decimal(1))))
    assert (
        "FAIL --max-drop paep=1\n  no run has 'paep'; did you mean 'pape'?\n  B0/42: base lacks the metric\n"
        in text
    )


def test_a_limit_of_a_metric_that_is_logged_asks_nothing():
    text = comparison_text(compared(moved(), Limit(metric="pape", direction="drop", most=Decimal(0))))
    assert "FAIL --max-drop pape=0" in text
    assert "did you mean" not in text
