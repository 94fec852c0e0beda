"""The part that a reader sees without scrolling: the first 600 px of a comment, and of the page, of 800 px in width."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Locator, Page

from smoke_gate.gates import gates_of
from smoke_gate.gates.base import Status
from smoke_gate.github.announcement import Space, announcement_of_error
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown import markdown
from smoke_gate.report.origin import Pages
from tests.browser.github_look import WIDTH, as_shown
from tests.support.verdicts import fourteen_by_five, kinds, matrix, of_cells, with_failing
from tests.unit.report.judgements import judgement

Show = Callable[[str], Page]
HEIGHT = 600
FOUR = ("G2", "G3", "G4", "G6")
REPOSITORY = "https://github.example/org/repo"
PAGES = Pages(
    commit=f"{REPOSITORY}/commit/c0ffee",
    run=f"{REPOSITORY}/actions/runs/1",
    files=f"{REPOSITORY}/actions/runs/1#artifacts",
    policy=f"{REPOSITORY}/blob/c0ffee/smoke-gate.yml",
    image="https://registry.example/org/smoke-gate",
)
CASES = {
    "one gate": with_failing(matrix(), FOUR[:1], of_cells(["A3"])),
    "four gates": with_failing(matrix(), FOUR, of_cells(["A3"])),
    "14 x 5": fourteen_by_five(),
}


def in_actions(judged: Judgement) -> Judgement:
    """Return the judgement as the action makes it: by a published image, with a policy file."""
    tool = replace(judged.document.tool, image_digest=f"registry.example/org/smoke-gate@sha256:{'ab' * 32}")
    source = replace(judged.document.source, policy_file="smoke-gate.yml")
    return replace(judged, document=replace(judged.document, tool=tool, source=source))


@pytest.fixture
def comment(chromium: Browser) -> Iterator[Show]:
    """Open a comment as GitHub shows it."""
    page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})

    def show(report: str) -> Page:
        page.set_content(as_shown(report))
        return page

    yield show
    page.close()


def ends_at(part: Locator) -> float:
    """Return where a part of the page ends, from its top."""
    box = part.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def shows_what_failed(judged: Judgement, verdict: Locator, lines: Locator) -> None:
    """Make sure that the verdict and each failed gate are seen at once, with what was found and where."""
    failed = [result.id for result in judged.verdict.gates if result.status is Status.FAIL]
    names = {gate.id: gate.label for gate in gates_of(judged.policy)}
    assert "FAIL" in verdict.inner_text()
    assert ends_at(verdict) < HEIGHT
    assert lines.count() == len(failed) > 0
    for gate, line in zip(failed, lines.all(), strict=True):
        said = line.inner_text()
        assert names[gate] in said
        found = {
            check.cell
            for check in judged.verdict.checks
            if check.gate == gate and check.status is Status.FAIL
        }
        assert any(cell is not None and cell in said for cell in found)
        assert len(said.partition(":")[2].split()) >= 4  # in words
        assert ends_at(line) < HEIGHT


@pytest.mark.parametrize("name", CASES)
def test_a_comment_says_at_once_what_failed_and_where(comment, name):
    judged = in_actions(judgement(*CASES[name]))
    page = comment(markdown(judged, pages=PAGES))
    shows_what_failed(judged, page.locator("h2").first, page.locator("h2 ~ ul").first.locator("li"))
    links = page.locator("h2 + p a")
    assert [link.get_attribute("href") for link in links.all()] == [
        PAGES.commit, PAGES.run, PAGES.files, PAGES.policy, PAGES.image,
    ]  # fmt: skip
    assert ends_at(links.last) < HEIGHT


@pytest.mark.parametrize("name", CASES)
def test_the_page_says_at_once_what_failed_and_where(opened, name):
    judged = in_actions(judgement(*CASES[name]))
    page = opened(judged, width=WIDTH).page
    coverage = page.locator(".coverage")
    assert ends_at(coverage) < HEIGHT
    shows_what_failed(judged, page.locator("h1"), page.locator(".lines li"))


def test_a_line_says_what_was_found_and_where():
    judged = judgement(*CASES["14 x 5"])
    text = markdown(judged)
    assert "- ❌ **Units** · <code>A7</code>, all 5 seeds: <code>vq_input_unit</code> and " in text


READ_BEFORE = "(one, other) => Boolean(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING)"


def test_findings_stand_before_the_matrix_and_the_gates(comment, opened):
    judged = judgement(*CASES["14 x 5"])
    for page in (comment(markdown(judged)), opened(judged, width=WIDTH).page):
        found, grid, gates = (
            page.get_by_role("heading", name=name, exact=True)
            for name in ("What failed and how to fix it", "Matrix", "Gates")
        )
        assert found.evaluate(READ_BEFORE, grid.element_handle())
        assert grid.evaluate(READ_BEFORE, gates.element_handle())


def test_what_is_good_is_folded(comment, opened):
    judged = judgement(*CASES["14 x 5"])
    shown = comment(markdown(judged))
    for text in ("A13", "Metric definition", "FINISHED", "There is no manifest"):
        assert not shown.get_by_role("cell", name=text, exact=True).first.is_visible()
    page = opened(judged, width=WIDTH).page
    assert page.locator("#matrix tbody th:visible").all_inner_texts() == ["A1", "A2", "A4", "A7"]
    assert page.locator("#gates h3:visible").count() == 3
    assert page.locator("#cells table:visible, #attempts table:visible").count() == 0
    assert page.get_by_text("There is no manifest", exact=False).first.is_hidden()
    page.locator("nav").get_by_role("link", name="Attempts").click()
    page.locator("#attempts table").wait_for(state="visible")  # who goes there wants to see it


@pytest.mark.parametrize("name", kinds())
def test_every_kind_of_verdict_says_itself_first(comment, name):
    judged = judgement(*kinds()[name])
    page = comment(markdown(judged))
    first = page.locator("h2").first
    assert judged.verdict.status.value in first.inner_text()
    assert f"of {judged.verdict.summary.planned} runs" in first.inner_text()
    assert page.locator("h2 ~ ul li").first.is_visible() == (name != "ALL PASS")


def test_an_error_says_itself_first(comment):
    announcement = announcement_of_error("The store does not answer.", commit="c0ffee", pages=PAGES)
    page = comment(announcement.body(Space()))
    assert page.locator("h2").inner_text() == "🛑 Smoke gate: ERROR · No verdict could be reached"
    assert page.locator("h2 + p a").first.get_attribute("href") == PAGES.commit
    assert ends_at(page.get_by_text("The store does not answer.")) < HEIGHT
