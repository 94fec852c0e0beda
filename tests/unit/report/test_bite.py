"""The list of `smoke-gate bite`, the line of the Markdown report, and the folded part of the page."""

import json
from dataclasses import replace

import pytest

from smoke_gate.bite import Bite, BiteState, bite
from smoke_gate.gates.base import PolicyLine
from smoke_gate.message import say
from smoke_gate.report.bite import bite_json, bite_section, bite_text, remedy_text
from smoke_gate.report.html import html
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown import markdown
from tests.support.matrix import passing_matrix, passing_policy, with_ledger
from tests.unit.report.judgements import HOSTILE, judgement

POLICY = passing_policy(report={"bite": True})


@pytest.fixture(scope="module")
def found() -> Bite:
    return bite(POLICY, passing_matrix())


def judged(found: Bite | None) -> Judgement:
    return replace(judgement(POLICY), bite=found)


def test_the_list_names_each_mutation_and_who_saw_it(found: Bite):
    lines = bite_text(found, say("ALL PASS · 12 of 12 runs")).splitlines()
    assert lines[0] == "ALL PASS · 12 of 12 runs"
    assert "  1 caught a run crashed, and its result is lost [G0 pair]" in lines
    number = found.every[[one.mutation.name for one in found.every].index("rolled_again")].number
    missed = lines.index(
        f"{number:3} missed a run was repeated until its result was good, and the others were deleted [G0]"
    )
    assert lines[missed + 1] == f"{'':11}catch it in the policy: plan.max_attempts: 1"
    model = next(index for index, line in enumerate(lines) if "an MLflow model was not saved" in line)
    assert (lines[model][4:5], lines[model + 1].strip()) == ("-", "No run has an MLflow model.")
    assert sum(line[:3].strip().isdecimal() for line in lines) == len(found.every)


def test_the_list_ends_with_the_counts(found: Bite):
    *_, summary, not_counted = bite_text(found, say("")).splitlines()
    caught, warned = (len(found.of(state)) for state in (BiteState.CAUGHT, BiteState.WARNED))
    assert summary == (
        f"caught {caught + warned} of {found.counted} ways to break this matrix ({caught} FAIL, {warned} WARNING): "
        f"{found.percent:.1f} %"
    )
    assert (
        not_counted
        == f"not counted: {len(found.of(BiteState.NOT_APPLICABLE))} that this matrix has nothing for"
    )


def test_json_says_the_same(found: Bite):
    document = json.loads(bite_json(found))
    states = [one["state"] for one in document["mutations"]]
    assert document["caught"] == states.count("caught")
    assert document["not_applicable"] == states.count("not applicable")
    assert document["counted"] == found.counted
    (rolled,) = [one for one in document["mutations"] if one["name"] == "rolled_again"]
    assert rolled["policy"] == {"plan": {"max_attempts": 1}}
    assert (rolled["found"], rolled["log"], rolled["gates"]) == ([], None, ["G0"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6, "plan.steps: 6"),
        (True, "plan.steps: true"),
        (["lr", "True"], "plan.steps: [lr, 'True']"),
        ({"use_vq": ["False"]}, "plan.steps: {use_vq: ['False']}"),
    ],
)
def test_a_line_is_yaml(value: object, text: str):
    assert remedy_text(PolicyLine(("plan", "steps"), value)) == text


def test_foreign_text_of_a_line_is_inert():
    """Text that runs log gets into the line that expects it."""
    evidence = with_ledger(passing_matrix(), params={"mode": lambda cell, _: f"{cell} ##[error]\n::x::"})
    policy = passing_policy(plan={"cells": ["B0", "B1", "A3", "A4"]}, gates={"comparison": {"varies": ["*"]}})
    text = bite_text(bite(policy, evidence, ["wrong_cell"]), say("::error::"))
    assert "plan.cells.B0.expect" in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]


def test_the_report_has_a_line(found: Bite):
    section = bite_section(judged(found))
    assert section is not None
    assert section.body.startswith(f"Caught {found.seen} of {found.counted} ways to break this matrix (")
    assert (
        "; the rest: a run was repeated until its result was good, and the others were deleted; "
        in section.body
    )
    assert "\n" not in section.body
    assert section.text in markdown(judged(found))


def test_very_many_misses_are_counted(found: Bite):
    (missed, *_) = found.of(BiteState.MISSED)
    section = bite_section(judged(Bite((missed,) * 15)))
    assert section is not None
    assert section.body.count(missed.mutation.title) == 12
    assert "; 3 more. `smoke-gate bite`" in section.body


def test_without_the_key_nothing_is_said(found: Bite):
    quiet = replace(judgement(), bite=None)
    assert bite_section(quiet) is None
    assert "would catch" not in markdown(quiet)
    assert 'id="bite"' not in html(quiet)


def test_a_matrix_of_very_many_runs_is_told_so():
    section = bite_section(judged(None))
    assert section is not None
    assert section.body.startswith("Not tried: more than 100 runs")
    assert "Not tried: more than 100 runs" in html(judged(None))


def test_the_page_folds_the_list_away(found: Bite):
    page = html(judged(found))
    assert f"<summary>All {len(found.every)} ways to break this matrix</summary>" in page
    assert "<code>plan.max_attempts: 1</code>" in page


def test_a_hostile_param_does_nothing_on_the_page():
    evidence = with_ledger(passing_matrix(), params={"mode": lambda cell, _: f"{cell} {HOSTILE}"})
    policy = passing_policy(
        plan={"cells": ["B0", "B1", "A3", "A4"]},
        gates={"comparison": {"varies": ["*"]}},
        report={"bite": True},
    )
    found = bite(policy, evidence, ["wrong_cell"])
    page = html(replace(judgement(policy, evidence), bite=found))
    assert "plan.cells.B0.expect" in page
    assert "<img src=x" not in page
