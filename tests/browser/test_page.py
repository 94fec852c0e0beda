import re
import time
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from smoke_gate.evidence import PolicyChange
from smoke_gate.gates import policy_of
from smoke_gate.report.grouping import place_of
from smoke_gate.report.judgement import Judgement
from tests.support.drawings import drawn
from tests.support.matrix import (
    CELLS,
    attempt_of,
    passing_matrix,
    passing_policy,
    run_id,
    with_another_attempt,
    with_run,
    without_run,
)
from tests.unit.report.judgements import HOSTILE, in_experiment, judgement

SEVERITY = ("FAIL", "WARNING", "SKIPPED", "PASS")
PAGE = 40  # checks that the page shows at a time
READ_CLIPBOARD = "navigator.clipboard.readText()"


def failing() -> Judgement:
    """Return a judgement with something in every part of the page."""
    evidence = with_run(passing_matrix(), "A3/42", params={"vq_input_unit": "kW/h"})
    evidence = with_run(evidence, "A4/42", checkpoints=(), manifest=None)
    evidence = with_run(evidence, "B1/123", metrics={"val_loss": "60.0"})
    evidence = with_another_attempt(without_run(evidence, "B1/456"), "B0/42", "lost", status="FAILED")
    reference = {"metric": "pape", "low": 9, "high": 10, "n": 1, "source": "Kim 2024, Table 3"}
    waiver = {"gate": "G3", "cell": "A4", "reason": "disk full", "expires": "2030-01-01"}
    policy = passing_policy(references=[reference], waivers=[waiver])
    return judgement(
        policy,
        replace(
            in_experiment(evidence), policy_change=PolicyChange(found="They differ.", difference=("-a", "+b"))
        ),
    )


@pytest.fixture(scope="module")
def drawings():
    policy = passing_policy(report={"metrics": ["pape"]})
    return drawn(policy, passing_matrix())


def rows(page: Page):
    return page.locator("#list > li")


def shows(page: Page, found: int, all_checks: int) -> None:
    """Wait until the list shows so many of the checks: the page filters after the browser has told it of the input."""
    said = f"{all_checks} checks" if found == all_checks else f"{found} of {all_checks} checks"
    expect(page.locator("#count")).to_have_text(said)
    expect(rows(page)).to_have_count(min(found, PAGE))


# --- what it must not do ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("judged", [judgement(), failing()], ids=["passing", "failing"])
def test_it_is_accessible_silent_and_asks_for_nothing(opened, drawings, judged, scheme):
    report = opened(judged, drawings, scheme=scheme)
    page = report.page
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 25  # it did look
    page.locator("#list summary").first.click()
    page.locator("button.mark").first.click()
    in_dialog = Axe().run(page)
    assert in_dialog.violations_count == 0, in_dialog.generate_report()
    assert [url for url in report.asked if not url.startswith(("file:", "data:"))] == []
    assert report.said == []


def test_hostile_values_stay_text(opened):
    cells = [HOSTILE, "</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>"]
    evidence = passing_matrix(cells, ["'\"><b>7", "</style>"])
    evidence = with_run(evidence, f"{HOSTILE}/</style>", params={"dlinear_output_unit": None}, checkpoints=())
    policy = passing_policy(plan={"cells": cells, "seeds": ["'\"><b>7", "</style>"]})
    report = opened(judgement(policy, in_experiment(evidence)))
    page = report.page
    page.evaluate("document.querySelectorAll('details.fold').forEach((fold) => { fold.open = true; })")
    for mark in page.locator("button.mark").all():
        mark.click()
        for line in page.locator("#run-checks summary").all()[:4]:
            line.click()
        page.keyboard.press("Escape")
    page.locator("select[name=cell]").select_option(HOSTILE.replace("\n", "\\n"))
    expect(page.locator("#count")).to_contain_text(" of ")
    assert rows(page).count() > 0
    expect(page.locator("#run-title")).to_have_text(f"{cells[2]} / </style>")
    assert page.locator("img:not(#figure-large)").count() == 0
    assert (report.said, [url for url in report.asked if not url.startswith("file:")]) == ([], [])


def test_the_policy_stops_what_would_get_in_all_the_same(opened):
    report = opened(judgement())
    report.page.evaluate(
        """() => {
          const image = new Image();
          image.src = "http://127.0.0.1:9/x.png";
          const script = document.createElement("script");
          script.textContent = "window.broken = 1";
          document.body.append(image, script);
        }"""
    )
    assert report.page.evaluate("window.broken") is None
    while len([text for text in report.said if "Content Security Policy" in text]) < 2:
        report.page.wait_for_event("console")


# --- filters ----------------------------------------------------------------------------------------------------------


def test_filters_narrow_together_and_are_taken_back(opened):
    judged = failing()
    page = opened(judged).page
    checks = judged.verdict.checks
    shows(page, len(checks), len(checks))
    page.locator("select[name=gate]").select_option("G6")
    page.locator("select[name=cell]").select_option("A3")
    page.locator("select[name=seed]").select_option("42")
    found = [check for check in checks if (check.gate, check.cell, check.seed) == ("G6", "A3", "42")]
    assert found
    shows(page, len(found), len(checks))
    page.get_by_role("button", name="Reset").click()
    shows(page, len(checks), len(checks))


def test_what_failed_comes_first(opened):
    judged = failing()
    page = opened(judged).page
    checks = sorted(judged.verdict.checks, key=lambda check: SEVERITY.index(check.status.value))
    shown = page.locator("#list .chip + .hidden").all_text_contents()
    assert shown == [check.status.value for check in checks][:PAGE]
    assert shown[0] == "FAIL"
    places = page.locator("#list .where").all_text_contents()
    assert places[:3] == [place_of(check) or "" for check in checks[:3]]
    options = page.locator("select[name=cell] option").all_text_contents()
    assert options == ["all", "A3", "A4", "B0", "B1"]  # not in the order of what failed


def test_statuses_and_free_text_filter(opened):
    checks = failing().verdict.checks
    page = opened(failing()).page
    page.get_by_role("checkbox", name=re.compile("PASS")).uncheck()
    bad = [check for check in checks if check.status.value != "PASS"]
    shows(page, len(bad), len(checks))
    page.get_by_role("searchbox").fill("KW/H unit")
    expect(rows(page).filter(has_not_text="vq_input_unit")).to_have_count(0)
    expect(rows(page)).not_to_have_count(0)
    page.get_by_role("searchbox").fill("no such text")
    shows(page, 0, len(checks))


def test_a_gates_button_shows_its_checks(opened):
    judged = failing()
    page = opened(judged).page
    page.get_by_role("button", name="Show the checks of G5").click()
    checks = judged.verdict.checks
    shows(page, sum(check.gate == "G5" for check in checks), len(checks))
    expect(page.locator("select[name=gate]")).to_be_focused()


def test_a_check_opens_what_it_rests_on(opened):
    page = opened(failing()).page
    page.get_by_role("searchbox").fill("kW/h")
    expect(page.locator("#count")).to_contain_text(" of ")
    line = rows(page).filter(has_text="vq_input_unit").first
    line.locator("summary").click()
    expect(line.locator("dd").first).to_be_visible()
    facts = dict(zip(line.locator("dt").all_inner_texts(), line.locator("dd").all_inner_texts(), strict=True))
    assert facts["observed"] == "kW/h"
    assert facts["expected"].startswith("standardized")
    assert facts["read from"] == "the run's params: vq_input_unit"
    assert line.get_by_role("link").get_attribute("href") == (
        f"https://mlflow.example/#/experiments/1/runs/{run_id('A3/42')}"
    )


def test_more_checks_come_when_asked_for(opened):
    page = opened(judgement()).page
    expect(rows(page)).to_have_count(PAGE)
    page.locator("#more").click()
    expect(rows(page)).to_have_count(2 * PAGE)
    expect(rows(page).nth(PAGE).locator("summary")).to_be_focused()


def test_ten_thousand_checks_filter_at_once(opened, record_property):
    cells = [f"cell_{place}" for place in range(130)]
    seeds = [str(seed) for seed in range(4)]
    policy = passing_policy(plan={"cells": cells, "seeds": seeds})
    judged = judgement(policy, passing_matrix(cells, seeds, vq_cells=cells[:60]))
    assert len(judged.verdict.checks) >= 10_000
    page = opened(judged).page
    start = time.perf_counter()
    page.get_by_role("searchbox").fill("cell_7/3 data_hash")
    expected = [
        check
        for check in judged.verdict.checks
        if check.cell == "cell_7"
        and check.seed == "3"
        and check.gate == "G6"
        and "data_hash" in check.subject
    ]
    shows(page, len(expected), len(judged.verdict.checks))
    record_property("seconds_to_filter", time.perf_counter() - start)


# --- keyboard and dialogs ---------------------------------------------------------------------------------------------


def test_the_matrix_opens_a_runs_checks_by_keyboard(opened):
    judged = failing()
    page = opened(judged).page
    mark = page.get_by_role("button", name="A3, seed 42: a failing check")
    mark.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("heading").first).to_have_text("A3 / 42")
    statuses = [text.strip() for text in page.locator("#run-checks summary > .hidden").all_inner_texts()]
    assert statuses[0] == "FAIL"
    assert len(statuses) == sum(check.run_id == run_id("A3/42") for check in judged.verdict.checks)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(mark).to_be_focused()


def test_a_pair_without_a_run_opens_too(opened):
    page = opened(failing()).page
    page.get_by_role("button", name="B1, seed 456: no attempt").click()
    expect(page.locator("#run-checks")).to_contain_text("No finished run")


def test_the_first_key_leads_past_the_header_and_every_control_shows_its_focus(opened):
    page = opened(failing()).page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the report")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_figures_are_enlarged_in_a_dialog(opened, drawings):
    page = opened(judgement(), drawings).page
    button = page.get_by_role("button", name="Enlarge: pape by cell")
    small = button.locator("img").bounding_box()
    button.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    large = page.locator("#figure-large")
    expect(large).to_have_attribute("alt", "pape by cell")
    expect(large).to_be_visible()
    assert large.bounding_box()["width"] > 2 * small["width"]
    page.get_by_role("dialog").get_by_role("button", name="Close").press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(button).to_be_focused()


# --- copying, printing, small windows ---------------------------------------------------------------------------------


def test_the_command_and_the_fix_can_be_copied(opened):
    judged = failing()
    page = opened(judged).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the command that replays the verdict", exact=True).click()
    expect(page.locator("#said")).to_have_text("Copied")
    assert page.evaluate(READ_CLIPBOARD) == judged.reproduction.replay
    expect(page.locator("#said")).to_have_text("")
    page.locator("#findings .copy").first.click()
    messages = {check.message for check in judged.verdict.checks if check.status.value == "FAIL"}
    expect(page.locator("#findings .copy").first).to_have_text("Copied")
    assert page.evaluate(READ_CLIPBOARD) in messages


def test_paper_gets_the_findings_and_no_controls(opened, drawings):
    page = opened(failing(), drawings).page
    page.emulate_media(media="print")
    assert page.locator("#findings").is_visible()
    assert page.locator("figure img").first.is_visible()
    assert not page.locator(".filters").is_visible()
    assert page.locator(".copy:visible").count() == 0


OVER = """[...document.querySelectorAll('.scroll')].filter(
    (one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight
).map((one) => one.getAttribute('aria-label'))"""


@pytest.mark.parametrize("width", [1280, 1440])
@pytest.mark.parametrize("cells", [("B0", "B1"), CELLS])
def test_tables_that_fit_have_no_scrollbars(opened, drawings, width, cells):
    policy = passing_policy(narrowed={"cells": cells}, report={"metrics": ["pape", "small", "large"]})
    evidence = passing_matrix(cells)
    for number, run in enumerate(evidence.runs):
        metrics = {"small": repr(-1.2345e-05 * (number + 1)), "large": repr(123456.7 * (number + 1))}
        evidence = with_run(evidence, run.run_id.removeprefix("run-").replace("-", "/"), metrics=metrics)
    page = opened(judgement(policy, evidence), drawings, width=width).page
    assert page.locator(".numbers").count() == 3
    assert page.evaluate(OVER) == []


@pytest.mark.parametrize("width", [1200, 1440])
def test_long_names_break_no_number_and_cut_nothing_off(opened, width):
    cells, seeds = ["baseline_mean", "RandomForestRegressor"], [f"{number}" for number in range(6)]
    evidence = passing_matrix(cells, seeds, vq_cells=())
    for number, run in enumerate(evidence.runs):
        metrics = {"training_r2_score": f"{0.9123456 - number * 0.01}", "small": f"{1.23e-05 * number}"}
        evidence = with_run(evidence, run.run_id.removeprefix("run-").replace("-", "/"), metrics=metrics)
    policy = policy_of(
        {
            "version": 1,
            "plan": {"cells": cells, "seeds": seeds},
            "report": {"metrics": ["training_r2_score", "small"]},
        }
    )
    page = opened(judgement(policy, evidence), width=width).page
    assert page.evaluate(OVER) == []
    for cell in page.locator(".numbers td").all():
        box = cell.bounding_box()
        assert box is not None
        assert box["height"] < 45


def test_a_run_id_is_one_line_on_a_phone(opened):
    page = opened(judgement(evidence=in_experiment(passing_matrix())), width=390).page
    box = page.locator("#attempts td code").first.bounding_box()
    assert box is not None
    assert box["height"] < 30
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_runs_without_a_seed_are_named_and_their_names_are_text(opened):
    forgot = replace(attempt_of(passing_matrix(), "A3/42"), run_id="0123", run_name=HOSTILE, seed=None)
    many = [replace(forgot, run_id=f"run-{number}", cell=None) for number in range(30)]
    evidence = replace(passing_matrix(), attempts=(*passing_matrix().attempts, forgot, *many))
    report = opened(judgement(evidence=in_experiment(evidence)))
    said = report.page.locator("#attempts").inner_text()
    assert "Not judged: 1 run without seed (runs.seed)." in said
    assert "Not judged: 30 runs without cell and seed (runs.cell, runs.seed)." in said
    assert f"{HOSTILE} (0123)".replace("\n", "\\n") in said
    assert "and 6 more; the verdict file has them all" in said
    assert report.page.locator("#attempts img").count() == 0
    assert report.said == []


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_no_window_scrolls_sideways(opened, drawings, width):
    cells = ["transformer_with_a_very_long_name_of_a_cell_indeed_and_more", "B0"]
    seeds = [f"{number}" for number in range(12)]
    policy = passing_policy(plan={"cells": cells, "seeds": seeds})
    page = opened(judgement(policy, in_experiment(passing_matrix(cells, seeds))), drawings, width=width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
