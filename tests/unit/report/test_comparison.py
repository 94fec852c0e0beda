from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from smoke_gate.baseline import Against, Baseline, against
from smoke_gate.compare import Comparison, Limit, compare
from smoke_gate.evidence import Evidence
from smoke_gate.message import Message, say
from smoke_gate.policy.model import Policy
from smoke_gate.report.comparison import baseline_lines, change_words, comparison_text, limit_words
from smoke_gate.report.html import html
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown import markdown
from smoke_gate.report.markdown_baseline import against_baseline
from smoke_gate.report.markdown_section import ReportSection
from smoke_gate.verdict_file.read import Recorded
from tests.support.matrix import passing_matrix, passing_policy, sha256, with_run, without_run
from tests.unit.report.judgements import HOSTILE, judgement

MAIN = say("main's verdict")


def policy(**overrides: Any) -> Policy:
    return passing_policy(
        plan={"cells": ["B0", "A3"], "seeds": ["42", "123"]}, report={"metrics": ["pape"]}, **overrides
    )


POLICY, LIMITED = policy(), policy(compare={"max_rise": {"pape": 0.5}})


def matrix() -> Evidence:
    return passing_matrix(["B0", "A3"], ["42", "123"])


def compared(head: Evidence, *limits: Limit) -> Comparison:
    return compare((POLICY, matrix()), (POLICY, head), limits)


def judged(
    head: Evidence, head_policy: Policy = POLICY, base: Evidence | None = None, name: Message = MAIN
) -> Judgement:
    found, before = judgement(head_policy, head), base or matrix()
    recorded = Recorded(document=judgement(POLICY, before).document, policy=POLICY, evidence=before)
    baseline = Baseline(name=name, recorded=recorded)
    return replace(found, baseline=against(baseline, head_policy, head, found.verdict))


def section(head: Evidence, name: Message = MAIN, head_policy: Policy = POLICY) -> ReportSection:
    found = against_baseline(judged(head, head_policy, name=name))
    assert found is not None
    return found


def moved() -> Evidence:
    head = with_run(matrix(), "B0/42", metrics={"pape": "8.0"})
    return with_run(head, "B0/123", metrics={"pape": "8.5"})


def worse() -> Evidence:
    return with_run(matrix(), "A3/42", metrics={"pape": "99"})


def test_there_is_no_section_without_a_baseline():
    assert against_baseline(judgement()) is None
    assert "Against the baseline" not in markdown(judgement())
    assert baseline_lines(judgement()) == ""
    assert "baseline" not in html(judgement()).partition("<main")[2].partition("<script")[0]


def test_the_section_has_a_row_for_each_metric():
    body = section(moved()).body
    assert (
        "| <code>pape</code> | 4 of 4 | -0.15 | -0.5 to 0 | 2 of 4 lower | within the spread of the seeds |"
        in body
    )
    assert "<details><summary><code>pape</code>, pair by pair</summary>" in body
    assert "| <code>B0/42</code> | 8.5 | 8 | -0.5 |" in body


def test_the_section_shows_the_metrics_that_the_policy_names():
    body = section(with_run(moved(), "A3/42", metrics={"val_loss": "3.0"})).body
    assert "<code>val_loss</code>" not in body
    assert "more metrics are compared by `smoke-gate compare`" in body


def test_the_section_stands_in_the_report_before_the_cell_summary():
    text = markdown(judged(moved()))
    assert text.index("### ✅ Against the baseline") < text.index("<strong>Cell summary</strong>")


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


def test_pairs_that_one_plan_lacks_and_another_policy_are_said():
    smaller = passing_policy(plan={"cells": ["B0"], "seeds": ["42", "123"]}, report={"metrics": ["pape"]})
    body = section(matrix(), head_policy=smaller).body
    assert "not planned in head: <code>A3/42</code>, <code>A3/123</code>" in body
    assert "Each was judged by its own policy" in body


def test_nothing_in_common_is_said():
    text = markdown(judged(replace(matrix(), attempts=(), runs=())))
    assert "nothing to compare: no pair has a run in both" in text
    assert "**Baseline: NONE.**" in text


def test_new_fixed_and_lasting_failures_are_told_apart():
    unit, definition = {"vq_input_unit": "kW"}, {"pape_definition_hash": sha256("other")}
    base = with_run(with_run(matrix(), "A3/42", params=unit), "B0/42", params=definition)
    head = with_run(with_run(matrix(), "A3/123", params=unit), "B0/42", params=definition)
    found = judged(head, base=base)
    body = markdown(found)
    rows = {line.split(" | ")[0].strip("| "): line for line in body.splitlines() if " | G" in line}
    assert {"❌ new", "✅ fixed", "❌ still failing"} <= rows.keys()
    assert "<code>A3/123</code>" in rows["❌ new"]
    assert "<code>A3/42</code>" in rows["✅ fixed"]
    assert "<code>B0/42</code>" in rows["❌ still failing"]
    lines = baseline_lines(found)
    assert any(line.startswith("  new: G2 ") and "A3/123" in line for line in lines.splitlines())


@pytest.mark.parametrize(
    ("head", "head_policy", "title", "call", "section_title"),
    [
        (matrix(), LIMITED, "## ✅ Smoke gate: ALL PASS ·", "", "### ✅ Against the baseline"),
        (
            worse(),
            LIMITED,
            "## ❌ Smoke gate: ALL PASS · baseline: FAIL ·",
            "A limit against the baseline is broken",
            "### ❌ Against the baseline",
        ),
        (worse(), POLICY, "## ✅ Smoke gate: ALL PASS ·", "", "### ✅ Against the baseline"),
        (
            without_run(matrix(), "A3/42"),
            LIMITED,
            "## ⏳ Smoke gate: FAIL (pending) ·",
            "Not decided yet: 1 planned run not finished",
            "### ⚠️ Against the baseline",
        ),
    ],
)
def test_the_first_line_says_fail_and_the_top_says_why(head, head_policy, title, call, section_title):
    found = judged(head, head_policy)
    text, page = markdown(found), html(found).partition("<main")[2].partition("<script")[0]
    top = text.partition("###")[0]
    assert text.startswith(title)
    assert call in top
    assert ("aseline" in top) is bool(call)
    assert section_title in text
    assert ('role="note"' in page) is bool(call)
    assert 'id="baseline"' in page


def test_the_section_names_the_limits_and_where_they_are_broken():
    text = markdown(judged(worse(), LIMITED))
    row = next(line for line in text.splitlines() if "may rise by 0.5 at most | ❌ broken" in line)
    assert "<code>A3/42</code> rose by 90.3, from 8.7 to 99 |" in row
    page = html(judged(worse(), LIMITED))
    assert "may rise by 0.5 at most" in page
    banner = page.partition('role="note"')[2].partition("</p>")[0]
    assert "may rise by 0.5 at most: A3/42 rose by 90.3, from 8.7 to 99." in banner
    assert baseline_lines(judged(worse(), LIMITED)).startswith("baseline FAIL: main's verdict\n")


def test_a_baseline_that_is_missing_is_said_with_how_to_make_one():
    baseline = Baseline(name=MAIN, missing=say("There is no file {file}. Make one.", file="main.json"))
    found = judgement(LIMITED, matrix())
    found = replace(found, baseline=against(baseline, LIMITED, matrix(), found.verdict))
    assert markdown(found).startswith("## ✅ Smoke gate: ALL PASS ·")
    assert "> **Baseline: NONE.** There is no file <code>main&#46;json</code>. Make one." in markdown(found)
    assert "There is no file <code>main.json</code>. Make one." in html(found)
    assert baseline_lines(found) == "baseline NONE: There is no file main.json. Make one.\n"


def test_foreign_text_is_inert():
    hostile = policy(compare={"max_rise": {HOSTILE: 1}})
    head = with_run(matrix(), "B0/42", metrics={HOSTILE: "1.0"})
    found = judged(head, hostile, name=say("{hostile}", hostile=HOSTILE))
    body = against_baseline(found)
    assert isinstance(found.baseline, Against)
    assert body is not None
    for text in (body.body, markdown(found), html(found)):
        assert "<img src" not in text
    assert "@octocat" not in markdown(found)
    assert not [line for line in baseline_lines(found).splitlines() if line.lstrip().startswith("::")]


def test_the_terminal_gets_every_pair_and_the_limits():
    limits = [Limit(metric="pape", direction=way, most=Decimal("0.1")) for way in ("drop", "rise")]
    lines = comparison_text(compared(moved(), *limits)).splitlines()
    assert (
        lines[0]
        == "pape: 4 of 4 pairs, mean -0.15, range -0.5 to 0, 2 of 4 lower, within the spread of the seeds"
    )
    assert "  B0/42: 8.5 → 8.0 (-0.5)" in lines
    fail = lines.index("FAIL --max-drop pape=0.1")
    assert lines[fail + 1] == "  B0/42: dropped by 0.5, from 8.5 to 8"
    assert lines[-1] == "PASS --max-rise pape=0.1"


def test_the_terminal_gets_no_workflow_command():
    head = with_run(matrix(), "B0/42", metrics={"\n::error::x": "1.0"})
    assert not [
        line for line in comparison_text(compared(head)).splitlines() if line.lstrip().startswith("::")
    ]


SEEDS = {"42": "8.0", "123": "8.4", "456": "8.2"}  # which lie 0.4 apart


def three_seeds(cells: dict[str, float], seeds: dict[str, str] = SEEDS) -> Comparison:
    """Compare a matrix with itself after each cell moved so far."""
    three = passing_policy(plan={"cells": list(cells), "seeds": list(seeds)}, report={"metrics": ["pape"]})
    base = head = passing_matrix(list(cells), list(seeds))
    for cell, by in cells.items():
        for seed, value in seeds.items():
            base = with_run(base, f"{cell}/{seed}", metrics={"pape": value})
            head = with_run(head, f"{cell}/{seed}", metrics={"pape": str(float(value) + by)})
    return compare((three, base), (three, head))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"B0": 0.0}, "within the spread of the seeds"),
        ({"B0": 0.1, "A3": -0.3}, "within the spread of the seeds"),
        ({"B0": 0.4}, "within the spread of the seeds"),  # as floats, a little more than the seeds lie apart
        ({"B0": 0.5, "A3": 0.1}, "B0 higher by 0.5, its 3 seeds lie 0.4 apart"),
        (
            {"B0": 0.5, "A3": -1.0},
            "B0 higher by 0.5, its 3 seeds lie 0.4 apart; A3 lower by 1, its 3 seeds lie 0.4 apart",
        ),
    ],
)
def test_only_what_moved_further_than_its_seeds_lie_apart_is_called_a_change(cells, words):
    found = three_seeds(cells)
    assert str(change_words(found.metrics[0])) == words
    assert words in comparison_text(found)


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ({"42": "8.0"}, "one seed a cell: the spread of the seeds is not known"),
        ({"42": "8.0", "123": "8.0"}, "B0 higher by 9, its 2 seeds do not differ"),
        ({"42": "NaN", "123": "NaN"}, "no pair can be compared"),
    ],
)
def test_a_single_seed_has_no_spread_and_equal_ones_have_none_to_hide_in(seeds, words):
    found = three_seeds({"B0": 9.0}, seeds)
    assert str(change_words(found.metrics[0])) == words


def test_a_single_pair_has_neither_mean_nor_range():
    line = comparison_text(three_seeds({"B0": 9.0}, {"42": "8.0"})).splitlines()[0]
    assert line == "pape: 1 of 1 pairs, one seed a cell: the spread of the seeds is not known"


def test_runs_of_another_definition_are_not_called_a_change():
    head = with_run(moved(), "B0/42", metrics={"pape": "99"}, params={"pape_definition_hash": sha256("x")})
    (metric, *_) = compared(head).metrics
    assert [(cell.cell, cell.seeds) for cell in metric.cells] == [("B0", 1), ("A3", 2)]


def test_equal_values_have_no_sign():
    assert "4 of 4 equal" in comparison_text(compared(matrix()))


def test_a_limit_reads_as_its_option():
    assert limit_words(Limit(metric="pape", direction="rise", most=Decimal("0.50"))) == "--max-rise pape=0.50"


def test_a_limit_of_a_metric_that_nobody_logs_asks_for_the_near_one():
    text = comparison_text(compared(moved(), Limit(metric="paep", direction="drop", most=Decimal(1))))
    assert (
        "FAIL --max-drop paep=1\n  no run has 'paep'; did you mean 'pape'?\n  B0/42: head lacks the metric\n"
        in text
    )


def test_a_limit_of_a_metric_that_is_logged_asks_nothing():
    text = comparison_text(compared(moved(), Limit(metric="pape", direction="drop", most=Decimal(0))))
    assert "FAIL --max-drop pape=0" in text
    assert "did you mean" not in text
