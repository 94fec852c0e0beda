from dataclasses import replace
from typing import Any

import pytest

from smoke_gate.evidence import Evidence
from smoke_gate.report.html import html
from smoke_gate.report.markdown import markdown
from smoke_gate.report.matrix import ledger_words
from smoke_gate.report.page_data import page_columns
from smoke_gate.selection import select
from tests.support.matrix import (
    attempt_of,
    passing_matrix,
    passing_policy,
    with_another_attempt,
    with_attempt,
)
from tests.unit.report.judgements import judgement, section_of

PLAIN = "attempts at 12 planned pairs: 12 FINISHED"


def words(evidence: Evidence) -> str:
    return ledger_words(select(passing_policy(), evidence.attempts))


def another(*, newer: bool, **facts: Any) -> Evidence:
    """Return a matrix with another attempt at A3/42."""
    start = attempt_of(passing_matrix(), "A3/42").start_time or 0
    start += 1000 if newer else -1000
    return with_another_attempt(passing_matrix(), "A3/42", "other", start_time=start, **facts)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"status": "RUNNING", "end_time": None}, "RUNNING"),
        ({"lifecycle_stage": "deleted"}, "deleted"),
        ({"in_scope": False}, "FINISHED outside runs.where"),
        ({"status": "KILLED"}, "KILLED"),
    ],
)
def test_what_became_of_the_attempts_and_which_are_newer(facts, state):
    total = ", ".join(sorted(["12 FINISHED", f"1 {state}"], key=lambda one: one.partition(" ")[2]))
    assert words(another(newer=False, **facts)) == f"13 attempts at 12 planned pairs: {total}"
    assert words(another(newer=True, **facts)) == (
        f"13 attempts at 12 planned pairs: {total}; newer than the run that stands for its pair: 1 {state}"
    )


def test_nothing_is_newer_than_no_run():
    assert words(passing_matrix()) == f"12 {PLAIN}"
    evidence = with_attempt(passing_matrix(), "A3/42", status="FAILED")
    assert words(evidence) == "12 attempts at 12 planned pairs: 1 FAILED, 11 FINISHED"
    assert words(replace(evidence, attempts=())) == "0 attempts at 12 planned pairs"


def test_every_ledger_says_it_and_marks_what_no_commit_holds():
    evidence = another(newer=True, lifecycle_stage="deleted", dirty=True)
    judged = judgement(evidence=with_attempt(evidence, "B0/42", dirty=True))
    text = markdown(judged)
    assert "; newer than the run that stands for its pair: 1 <code>deleted</code></summary>" in text
    ledger = section_of(text, "Attempt ledger")
    marked = [line for line in ledger.splitlines() if "</code>, uncommitted changes |" in line]
    assert [line.split(" | ")[:2] for line in marked] == [
        ["| <code>B0</code>", "<code>42</code>"],
        ["| <code>A3</code>", "<code>42</code>"],
    ]
    page = html(judged)
    assert "; newer than the run that stands for its pair: 1 deleted." in page
    assert page.count("</code>, uncommitted changes</td>") == 2
    commits = page_columns(judged)["runs"]["commit"]
    assert len([commit for commit in commits if commit and commit.endswith(", uncommitted changes")]) == 2
