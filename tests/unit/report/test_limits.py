"""Reports of large matrices within GitHub's two limits: what failed is told before any row of the matrix."""

import re
from collections.abc import Sequence
from functools import cache

import pytest

from smoke_gate.github.announcement import Space, announcement_of
from smoke_gate.github.publish import LARGEST_COMMENT, LONGEST_COMMENT
from smoke_gate.report.fitting import fitted
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown import markdown, markdown_sections
from smoke_gate.report.markdown_section import ReportSection
from tests.support.verdicts import large, matrix, of_cells, with_failing
from tests.unit.report.judgements import Page, judgement, section_of

SERVER = "https://mlflow.a-department-with-a-long-name.example/tracking/behind/a/proxy"
COMMENT = Space(characters=LONGEST_COMMENT, bytes=LARGEST_COMMENT)
SUMMARY = Space(bytes=1024 * 1024 - 16 * 1024)
SIZES = [(14, 5), (14, 50), (200, 10)]


@cache
def failing(cells: int, seeds: int, *, everywhere: bool = False) -> Judgement:
    """Return a judgement of which three gates fail: at a tenth of the cells, or everywhere."""
    names, numbers = large(cells, seeds)
    some = names if everywhere else names[:: 1 if cells < 10 else 10]
    case = with_failing(matrix(names, numbers, vq=names), ["G2", "G3", "G4"], of_cells(some, numbers))
    return judgement(*case, tracking_uri=SERVER)


def report(judged: Judgement, space: Space) -> str:
    text = announcement_of(judged, {}, warning_fails=False).body(space)
    assert space.holds(text)
    return text


def first_words(judged: Judgement) -> str:
    (first, *_) = markdown_sections(judged)
    return first.text


@pytest.mark.parametrize("space", [COMMENT, SUMMARY], ids=["comment", "summary"])
@pytest.mark.parametrize("everywhere", [False, True], ids=["a tenth", "everywhere"])
@pytest.mark.parametrize(("cells", "seeds"), SIZES)
def test_a_large_report_keeps_every_finding(cells, seeds, everywhere, space):
    judged = failing(cells, seeds, everywhere=everywhere)
    text = report(judged, space)
    assert text.startswith(first_words(judged))
    failures = section_of(text, "What failed and how to fix it")
    assert [gate for gate in ("G2", "G3", "G4") if f"❌ **{gate} " in failures] == ["G2", "G3", "G4"]
    assert SERVER in failures  # with links
    assert text.index("### What failed and how to fix it") < text.index("### Matrix")
    assert "planned run" in section_of(text, "Matrix") or cells * seeds <= 100


@pytest.mark.parametrize("limit", [3_000, 12_000, 30_000, 60_000])
@pytest.mark.parametrize(("cells", "seeds"), SIZES)
def test_findings_are_never_cut_before_the_matrix(cells, seeds, limit):
    """spec: report-cut"""
    judged = failing(cells, seeds, everywhere=True)
    text = markdown(judged, limit=limit)
    assert len(text) <= limit
    _, failures, *_ = markdown_sections(judged)
    (grid,) = [section for section in markdown_sections(judged) if section.title == "Matrix"]
    told = next((form for form, one in enumerate(failures.texts) if one in text), None)
    shown = next((form for form, one in enumerate(grid.texts) if one in text), None)
    assert told is not None or shown is None
    assert [gate for gate in ("G2", "G3", "G4") if f"❌ **{gate} " in text] == ["G2", "G3", "G4"]


def test_of_more_than_100_runs_rows_with_findings_are_shown_and_the_others_counted():
    for cells, seeds, is_large in ((14, 5, False), (14, 50, True), (200, 10, True)):
        text = section_of(markdown(failing(cells, seeds)), "Matrix")
        open_part, _, fold = text.partition("<details>")
        bad = len(range(0, cells, 10))
        rows = [line for line in open_part.splitlines() if line.startswith("| <code>A")]
        assert len(rows) == bad
        assert f"{cells - bad} cells without a finding</summary>" in fold
        assert ("| <code>A1</code> |" in fold) != is_large  # their rows, or their names
        assert "<code>A1</code>" in fold
        assert (f"{cells * seeds} planned runs: " in open_part) == is_large


def test_too_many_rows_with_findings_are_cut_to_the_worst():
    names, numbers = large(200, 10)
    case = with_failing(matrix(names, numbers), ["G3"], of_cells(names, numbers[:1]))
    case = with_failing(case, ["G3"], of_cells(names[150:], numbers))
    text = section_of(markdown(judgement(*case)), "Matrix")
    rows = re.findall(r"^\| <code>(A\d+)</code>", text, re.MULTILINE)
    assert rows[:50] == names[150:]
    assert len(rows) == 100
    assert "… and 100 more cells with fewer findings" in text


def test_a_finding_that_does_not_fit_with_its_links_says_its_places_in_words():
    judged = failing(14, 50, everywhere=True)
    text = markdown(judged, limit=7_000)
    failures = section_of(text, "What failed and how to fix it")
    assert SERVER not in failures
    assert "all 700 runs" in Page(failures).text
    assert "Shortened, because a comment has a limit: What failed and how to fix it" in text


# --- fitting ----------------------------------------------------------------------------------------------------------


def section(title: str, *bodies: str) -> ReportSection:
    return ReportSection(title, bodies[0], shorter=bodies[1:])


def joined(texts: Sequence[str], left_out: Sequence[str], shorter: Sequence[str]) -> str:
    return "".join(texts)


SECTIONS = [
    section("a", "A" * 20),
    section("b", "B" * 100, "B" * 10),
    section("c", "C" * 200, "C" * 50, "C" * 5),
]


@pytest.mark.parametrize(
    ("longest", "counts"),
    [
        (500, (20, 100, 200)),
        (250, (20, 100, 50)),
        (150, (20, 100, 5)),
        (100, (20, 10, 5)),
        (50, (20, 10, 0)),
        (1, (20, 0, 0)),
    ],
)
def test_what_is_more_important_takes_the_space_first(longest, counts):
    text = fitted(SECTIONS, joined, lambda text: len(text) <= longest)
    assert tuple(text.count(letter) for letter in "ABC") == counts
