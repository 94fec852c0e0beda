"""Every finding is told once, in every report; what a waiver accepts is told with its reason."""

from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from smoke_gate.evidence import Evidence
from smoke_gate.gates.base import Check, Status
from smoke_gate.report.findings import accepted, failures, remarks, waived, warnings
from smoke_gate.report.grouping import Alike
from smoke_gate.report.html import html
from smoke_gate.report.junit import junit
from smoke_gate.report.markdown import markdown
from smoke_gate.report.predicate import predicate
from smoke_gate.report.terminal import summary
from smoke_gate.verdict import Verdict, VerdictStatus
from tests.support.matrix import passing_matrix, passing_policy, with_another_attempt, with_run
from tests.unit.report.judgements import Page, judgement, section_of

LATER, EARLIER = "2030-01-01", "2020-01-01"
A_FAILURE = {
    "gate": "G3",
    "cell": "A4",
    "seed": "42",
    "kind": "count",
    "reason": "disk was full",
    "expires": LATER,
}
A_WARNING = {"gate": "G0", "cell": "B0", "seed": "42", "reason": "the machine was lost", "expires": LATER}
UNMATCHED = {"gate": "G5", "cell": "B1", "reason": "matches nothing", "expires": LATER}
EXPIRED = {"gate": "G3", "cell": "A3", "seed": "42", "kind": "count", "reason": "too old", "expires": EARLIER}
EXPIRED_AND_GONE = {"gate": "G5", "cell": "B0", "reason": "long gone", "expires": EARLIER}


def failing_and_warning() -> Evidence:
    """Two runs without checkpoints, and one that was tried again later."""
    evidence = with_run(passing_matrix(), "A4/42", checkpoints=())
    evidence = with_run(evidence, "A3/42", checkpoints=())
    return tried_again(evidence)


def tried_again(evidence: Evidence) -> Evidence:
    """A newer attempt at a pair, which failed."""
    return with_another_attempt(evidence, "B0/42", "newer", status="FAILED", start_time=4_000_000_000_000)


def judged(*waivers: dict[str, Any], evidence: Evidence | None = None) -> Any:
    return judgement(passing_policy(waivers=list(waivers)), evidence or failing_and_warning())


def text_of_page(page: str) -> str:
    """The page's own text, without its script and its data."""

    class Text(HTMLParser):
        text = ""
        inside = ""

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.inside = tag

        def handle_data(self, data: str) -> None:
            self.text += "" if self.inside in ("script", "style") else data

    reader = Text()
    reader.feed(page)
    return reader.text


def test_the_cases_are_what_they_say():
    verdict = judged(A_FAILURE, A_WARNING).verdict
    found = {(check.gate, check.status) for check in verdict.checks if check.waived is not None}
    assert found == {("G3", Status.WARNING), ("G0", Status.PASS)}


@pytest.mark.parametrize(
    "waivers", [(), (A_FAILURE,), (A_WARNING,), (A_FAILURE, A_WARNING, UNMATCHED, EXPIRED)]
)
def test_no_finding_is_lost_and_none_is_told_twice(waivers: tuple[dict[str, Any], ...]):
    verdict = judged(*waivers).verdict
    told = Counter(
        id(check)
        for alikes in (failures(verdict), warnings(verdict), waived(verdict))
        for alike in alikes
        for group in alike
        for check in group.checks
    )
    expected = {
        id(check)
        for check in verdict.checks
        if check.status in (Status.FAIL, Status.WARNING) or check.waived is not None
    }
    assert set(told) == expected
    assert set(told.values()) == {1}


def test_a_group_has_one_status_and_one_reason():
    waiver = {"gate": "G3", "reason": "disk was full", "expires": LATER}
    groups: list[Alike] = list(waived(judged(waiver).verdict))
    assert len(groups) > 1
    for alike in groups:
        assert len({(check.status, check.waived) for group in alike for check in group.checks}) == 1


@pytest.mark.parametrize(
    ("waiver", "words"),
    [
        (A_FAILURE, "Accepted by waiver, FAIL before: disk was full"),
        (A_WARNING, "Accepted by waiver, WARNING before: the machine was lost"),
    ],
)
class TestEveryReport:
    """One failure that warns now, and one warning that passes now."""

    def test_the_check_knows_it(self, waiver: dict[str, Any], words: str):
        (check,) = lowered(judged(waiver).verdict)
        assert accepted(check) == words

    def test_markdown(self, waiver: dict[str, Any], words: str):
        text = section_of(markdown(judged(waiver)), "Warnings and waivers")
        assert words in Page(text).text + "".join(f" {code}" for code in Page(text).code) or words in plain(
            text
        )

    def test_page(self, waiver: dict[str, Any], words: str):
        assert words in text_of_page(html(judged(waiver)))

    def test_junit(self, waiver: dict[str, Any], words: str):
        cases = [
            case for suite in JUnitXml.fromstring("".join(junit(judged(waiver))).encode()) for case in suite
        ]
        (told,) = [case for case in cases if words in (case.system_out or "")]
        assert told.system_out.startswith("WARNING: " if waiver is A_FAILURE else "NOTE: ")
        assert told.is_passed

    def test_terminal(self, waiver: dict[str, Any], words: str):
        (line,) = [line for line in plain_lines(judged(waiver).verdict) if words in line]
        assert line.startswith(f"  waived {waiver['gate']} {waiver['cell']}/{waiver['seed']}")


def lowered(verdict: Verdict) -> list[Check]:
    return [check for check in verdict.checks if check.waived is not None]


def plain(markdown_text: str) -> str:
    """The text of Markdown as a reader sees it, with its code."""

    class Reader(Page):
        def handle_data(self, data: str) -> None:
            self.text += data

    return Reader(markdown_text).text


def plain_lines(verdict: Verdict) -> list[str]:
    return summary(verdict, "THE HEADLINE", {"report": Path("r.md")}).splitlines()


def test_what_accepts_nothing_is_a_note_and_what_has_expired_too_early_a_warning():
    found = {
        remark.message: remark.warns
        for remark in remarks(judged(UNMATCHED, EXPIRED, EXPIRED_AND_GONE).verdict)
    }
    assert [warns for message, warns in found.items() if message.startswith("matches no finding")] == [False]
    assert [warns for message, warns in found.items() if "still stands" in message] == [True]
    assert [warns for message, warns in found.items() if message.endswith("delete it")] == [False]


def test_the_terminal_tells_notes_from_warnings():
    lines = plain_lines(judged(UNMATCHED, EXPIRED).verdict)
    assert any(line.startswith("  note waiver G5 cell B1: matches no finding") for line in lines)
    assert any(
        line.startswith("  warning waiver G3 kind count cell A3 seed 42: expired on") for line in lines
    )


def test_junit_tells_notes_from_warnings():
    suites = {
        suite.name: suite
        for suite in JUnitXml.fromstring("".join(junit(judged(UNMATCHED, EXPIRED, A_FAILURE))).encode())
    }
    told = [case.system_out.split(":")[0] for case in suites["waivers"]]
    assert told == ["NOTE", "WARNING", "NOTE"]


def test_accepted_warnings_leave_nothing_to_warn_of():
    waiver = {"gate": "G0", "reason": "the machine was lost", "expires": LATER}
    found = judged(waiver, evidence=tried_again(passing_matrix()))
    assert found.verdict.status is VerdictStatus.ALL_PASS
    assert predicate(found.document)["warnedTests"] == []
    assert "waiver G0 (used)" in predicate(found.document)["passedTests"]
    assert "accepted by waiver" in found.document.headline


def test_the_waivers_kind_is_shown():
    found = judged(A_FAILURE)
    assert "kind <code>count</code>" in section_of(markdown(found), "Warnings and waivers")
    assert found.document.waivers[0].kind == "count"
    assert "waiver G3 A4/42 count (used)" in predicate(found.document)["passedTests"]
