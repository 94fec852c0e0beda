import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from smoke_gate.evidence import PolicyChange
from smoke_gate.gates import policy_of
from smoke_gate.github.policy_change import policy_change, policy_unknown
from smoke_gate.policy.plan import Narrowing
from smoke_gate.report.html import html
from smoke_gate.report.judgement import Judgement
from smoke_gate.text import visible
from tests.support.drawings import drawn
from tests.support.matrix import (
    CELLS,
    SEEDS,
    figure,
    passing_matrix,
    passing_policy,
    run_id,
    with_another_attempt,
    with_attempt,
    with_run,
    without_run,
)
from tests.unit.report.judgements import HOSTILE, in_experiment, judgement, run_again

VOID = {"meta", "img", "input", "br", "hr"}
OURS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "div", "p", "span", "h1", "h2", "h3", "small",
    "strong", "dl", "dt", "dd", "code", "time", "nav", "main", "section", "table", "caption", "thead", "tbody", "tr",
    "th", "td", "button", "ol", "ul", "li", "form", "label", "select", "option", "input", "fieldset", "legend",
    "dialog", "details", "summary", "img", "pre", "script", "figure", "figcaption", "b",
}  # fmt: skip


class Page(HTMLParser):
    """A page as a browser takes it apart: its elements with their attributes, and the text of each section."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text: dict[str, str] = {}
        self.code: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = next((tag for tag in reversed(self.open) if tag != "code"), "")
        self.text[inside] = self.text.get(inside, "") + data
        if self.open and self.open[-1] == "code":
            self.code.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def hostile() -> Judgement:
    """Return a judgement in which everything that others write is an attack."""
    cells, seeds = [HOSTILE, "</script><script>alert(1)</script>"], ["\u202e", "</style>"]
    evidence = passing_matrix(cells, seeds, vq_cells=[HOSTILE])
    evidence = with_run(evidence, f"{HOSTILE}/</style>", params={"vq_input_unit": HOSTILE})
    evidence = with_attempt(evidence, f"{HOSTILE}/</style>", run_name=HOSTILE, commit=HOSTILE)
    evidence = replace(evidence, policy_change=PolicyChange(found=HOSTILE, difference=(HOSTILE,)))
    policy = passing_policy(plan={"cells": cells, "seeds": seeds}, waivers=[
        {"gate": "G5", "subject": HOSTILE, "reason": HOSTILE, "expires": "2030-01-01"}
    ])  # fmt: skip
    return judgement(policy, in_experiment(evidence, HOSTILE))


def everything() -> Judgement:
    evidence = with_run(passing_matrix(), "A3/42", params={"vq_input_unit": "kW/h"})
    evidence = with_run(evidence, "A4/42", checkpoints=(), manifest=None)
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


def test_each_place_shows_what_it_has_alone():
    files = (figure("run-A3-42", "figs/a.png", text={}), figure("run-A3-42", "figs/b.png", text={}))
    evidence = replace(passing_matrix(), files=files)
    for pair, loss in (("A3/42", "60.0"), ("B0/42", "70.0")):
        evidence = with_run(evidence, pair, metrics={"val_loss": loss})
    page = Page(html(judgement(passing_policy(gates={"figures": {"files": ["figs/*.png"]}}), evidence)))
    assert "val_loss / train_loss is …, expected 0.2 to 5." in page.text["p"]
    assert "107.143 (60 / 0.56)" in page.text["span"]
    assert "140 (70 / 0.5)" in page.text["span"]
    assert "figs/a.png" in page.text["li"]
    assert "figs/b.png" in page.text["li"]


def test_values_are_code_and_our_own_words_are_not():
    evidence = with_run(passing_matrix(), "A3/42", params={"vq_input_unit": "kW/h"})
    page = Page(html(judgement(evidence=evidence)))
    assert {"vq_input_unit", "kW/h"} <= set(page.code)
    assert "'kW/h'" not in page.text["p"]
    assert not [code for code in page.code if " is " in code or code.endswith(".")]


def test_what_cannot_be_said_as_one_is_said_of_each_run():
    cells, seeds = ["B0", "B1"], [f"{number}" for number in range(13)]
    evidence = run_again(
        passing_matrix(cells, seeds, vq_cells=()), [f"{cell}/{seed}" for cell in cells for seed in seeds]
    )
    policy = policy_of({"version": 1, "plan": {"cells": cells, "seeds": seeds}})
    page = Page(html(judgement(policy, evidence)))
    assert page.text["p"].count("was taken; of the same or an unknown commit") == 24
    assert "and 2 more like these: filter the checks below" in page.text["li"]


def titles(page: Page) -> list[str]:
    return re.findall(r"[A-Z][a-z ]+", page.text["h2"])


@pytest.mark.parametrize("judged", [judgement(), everything(), hostile()])
def test_the_page_asks_nothing_of_anybody(judged):
    """spec: report-page"""
    page = Page(html(judged))
    assert not page.open
    assert {tag for tag, _ in page.elements} <= OURS
    assert not [tag for tag in ("link", "iframe", "object", "base") if page.all(tag)]
    assert all(
        image.get("src", "data:").startswith("data:image/png;base64,") or not image.get("src")
        for image in page.all("img")
    )
    assert not [
        name
        for _, attributes in page.elements
        for name in attributes
        if name.startswith("on") or name == "style"
    ]
    assert all(link["href"].startswith(("#", "https://mlflow.example/")) for link in page.all("a"))


def test_only_its_own_style_and_script_may_run():
    text = html(judgement())
    (policy,) = [
        meta["content"]
        for meta in Page(text).all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r'<script type="module">(.*?)</script>', text, re.DOTALL)
    hashes = {
        name: base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        for name, part in (("style", style), ("script", script))
    }
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{hashes['style']}'",
        f"script-src 'sha256-{hashes['script']}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_hostile_text_is_only_text_and_stays_readable():
    """spec: report-page"""
    text = html(hostile())
    text.encode()
    page = Page(text)
    assert len(page.all("script")) == 2
    assert len(page.all("style")) == 1
    assert "\u202e" not in text
    assert HOSTILE.replace("\n", "\\n") in page.text["th"]
    assert "\\u202e" in page.text["th"]


def unpacked(page: str) -> dict[str, Any]:
    """Return the columns that a page's script reads."""
    (packed,) = re.findall(r'<script type="text/plain" id="data">([A-Za-z0-9+/=]*)</script>', page)
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return found


def test_the_script_gets_every_check_and_run():
    """spec: report-page"""
    judged = hostile()
    checks, runs = unpacked(html(judged)).values()
    assert {len(column) for column in checks.values()} == {len(judged.verdict.checks)}
    assert {len(column) for column in runs.values()} == {len(set(runs["id"]))}
    assert checks["gate"] == [check.gate for check in judged.verdict.checks]
    assert all(checks["read"])
    found = [None if row is None else runs["id"][row] for row in checks["run"]]
    assert found == [check.run_id and visible(check.run_id) for check in judged.verdict.checks]


def test_the_scripts_data_has_no_secret(monkeypatch):
    """The filter of a file cannot see into packed text.

    spec: report-page
    """
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "pape-CANARY-é-token")
    renamed = with_attempt(passing_matrix(), "A3/42", run_name="of pape-CANARY-é-token")
    text = json.dumps(unpacked(html(judgement(evidence=renamed))))
    assert "CANARY" not in text
    assert "of ***" in text


def test_the_sections_of_a_page_with_something_in_each():
    page = Page(html(everything()))
    assert titles(page) == [
        "What failed and how to fix it", "Warnings and waivers", "Policy of the base branch", "Matrix", "Gates",
        "Cells", "Checks", "Attempt ledger", "References", "How to reproduce",
    ]  # fmt: skip
    assert page.text["h1"].strip() == "FAIL"
    assert "disk full" in page.text["p"]
    assert "n = 1" in page.text["p"]


def test_what_has_nothing_to_say_is_left_out():
    page = Page(html(judgement()))
    assert titles(page) == ["Matrix", "Gates", "Cells", "Checks", "Attempt ledger", "How to reproduce"]
    assert page.text["h1"].strip() == "ALL PASS"


def test_figures_are_inside_with_words_for_those_who_do_not_see_them():
    drawings = drawn(passing_policy(), passing_matrix())[:1]
    judged = judgement()
    picture = Page(html(judged, drawings)).all("img")[0]
    assert base64.b64decode(picture["src"].removeprefix("data:image/png;base64,")) == drawings[0].png
    assert picture["alt"] == "pape by cell"


def test_runs_are_linked_where_the_store_is_a_server_only():
    linked = Page(html(judgement(evidence=in_experiment(passing_matrix()))))
    address = f"https://mlflow.example/#/experiments/1/runs/{run_id('A3/42')}"
    assert address in [link["href"] for link in linked.all("a")]
    for uri in ("sqlite:///mlflow.db", "javascript:alert(1)", "https://user:secret@[bad"):
        text = html(judgement(evidence=in_experiment(passing_matrix()), tracking_uri=uri))
        assert all(link["href"].startswith("#") for link in Page(text).all("a"))


def test_a_narrowed_matrix_and_a_pending_one_say_so():
    narrowed = passing_policy(plan={}).model_copy(update={"narrowed": Narrowing(cells=("B0",))})
    assert "Narrowed to 3 of 12 planned runs" in html(judgement(narrowed))
    running = with_attempt(passing_matrix(), "A3/42", status="RUNNING")
    pending = Page(html(judgement(evidence=running)))
    assert "pending" in pending.text["small"]


def test_of_very_many_good_places_the_cells_are_named(monkeypatch):
    warned = with_run(passing_matrix(), "B0/42", late=("pape",))
    shown = html(judgement(evidence=warned))
    monkeypatch.setattr("smoke_gate.report.html._MOST_CLEAN", 8)
    named = html(judgement(evidence=warned))
    assert "Cells without a finding" in shown
    assert "Cells without a finding" not in named
    assert "<p><code>B1</code> <code>A3</code> <code>A4</code> </p>" in named
    assert "Matrix of cells and seeds" in named


def test_the_commands_can_be_copied_whole():
    judged = judgement()
    copied = [button["data-copy"] for button in Page(html(judged)).all("button") if "data-copy" in button]
    assert copied == [
        judged.reproduction.replay,
        judged.reproduction.sealed_replay,
        judged.reproduction.check,
    ]


def test_a_change_of_the_policy_is_shown_to_its_end_which_may_say_that_there_is_more():
    old, new = ("\n".join(f"{word} {number}" for number in range(1000)) for word in ("one", "other"))
    change = policy_change(old, new, branch="main")
    page = Page(html(judgement(evidence=replace(passing_matrix(), policy_change=change))))
    assert change is not None
    assert page.text["pre"].startswith("\n".join([*change.difference, ""]))
    assert change.found in page.text["p"]
    assert "Policy of the base branch" in page.text["h2"]


def test_of_a_base_policy_that_is_not_known_no_difference_is_shown():
    page = Page(html(judgement(evidence=replace(passing_matrix(), policy_change=policy_unknown("403: no.")))))
    assert "Policy of the base branch" in page.text["h2"]
    assert "403: no. Whether this pull request has another one is not known." in page.text["p"]
    assert "The difference" not in page.text.get("summary", "")


@pytest.mark.parametrize(("metrics", "rules", "said"), [(8, 8, False), (9, 1, True), (1, 9, True)])
def test_that_no_more_figures_of_a_kind_are_drawn_is_said_where_some_are_not(metrics, rules, said):
    policy = passing_policy(
        report={"metrics": [f"metric_{number}" for number in range(metrics)]},
        gates={"metric_ratio": {"rules": [{"value": "pape", "max": 10 + number} for number in range(rules)]}},
    )
    (drawing, *_) = drawn(passing_policy(), passing_matrix())
    page = html(judgement(policy), [drawing] * 8)
    assert ("Of a kind, 8 figures are drawn at most" in page) is said


@pytest.mark.parametrize(
    ("seeds", "shown", "not_shown"),
    [
        (
            SEEDS,
            [
                "seed by seed: 8.5, 8.6, 8.7",
                "+0.3 each",
                "in 1 of 4 comparisons, and this table has 3.",
                "Visible from",
            ],
            ["one pair only", "Holm"],
        ),
        (
            ["42"],
            ["seed by seed: 8.5", "one pair only", "One pair of runs says nothing"],
            ["each", "Visible from"],
        ),
        ([str(seed) for seed in range(6)], ["Holm", "<td>0.094</td>"], ["one pair only"]),
    ],
)
def test_the_cell_summary_says_how_far_differences_may_be_trusted(seeds, shown, not_shown):
    found = judgement(passing_policy(plan={"seeds": seeds}), passing_matrix(CELLS, seeds))
    cells = html(found).partition('<section id="cells"')[2].partition("</section>")[0]
    assert [words for words in shown if words not in cells] == []
    assert [words for words in not_shown if words in cells] == []
