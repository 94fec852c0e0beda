from dataclasses import replace

import pytest

from smoke_gate.evidence import PolicyChange
from smoke_gate.gates import policy_of
from smoke_gate.github.policy_change import policy_unknown
from smoke_gate.policy.plan import Narrowing
from smoke_gate.report.judgement import Judgement
from smoke_gate.report.markdown import markdown, markdown_sections
from tests.support.matrix import (
    CELLS,
    SEEDS,
    attempt_of,
    figure,
    passing_matrix,
    passing_policy,
    with_another_attempt,
    with_attempt,
    with_run,
    without_run,
)
from tests.unit.report.judgements import (
    HOSTILE,
    SERVER,
    Page,
    in_experiment,
    judgement,
    run_again,
    section_of,
)

REFERENCE = {"metric": "pape", "low": 9, "high": 10, "n": 1, "source": "Kim 2024, Table 3"}
RUN = f"{SERVER}/#/experiments/1/runs"
GITHUB_LIMIT = 65_536


def titles(judged: Judgement) -> list[str]:
    return [section.title.partition(" · ")[0] for section in markdown_sections(judged)]


def everything() -> Judgement:
    """Return a judgement that gives every section something to say."""
    evidence = with_run(passing_matrix(), "A3/42", params={"vq_input_unit": "kW/h"})
    evidence = with_run(evidence, "A4/42", checkpoints=(), manifest=None)
    waiver = {"gate": "G3", "cell": "A4", "reason": "disk full", "expires": "2030-01-01"}
    policy = passing_policy(references=[REFERENCE], waivers=[waiver])
    return judgement(
        policy,
        replace(
            in_experiment(evidence), policy_change=PolicyChange(found="They differ.", difference=("-a", "+b"))
        ),
    )


def test_the_sections_stand_in_the_order_in_which_readers_stop():
    """spec: report-order"""
    assert titles(everything()) == [
        "❌ Smoke gate: FAIL",
        "What failed and how to fix it",
        "Warnings and waivers",
        "Policy of the base branch",
        "Matrix",
        "Gates",
        "Cell summary",
        "Attempt ledger",
        "References",
        "How to reproduce",
    ]


def test_what_has_nothing_to_say_is_left_out():
    assert titles(judgement()) == [
        "✅ Smoke gate: ALL PASS",
        "Matrix",
        "Gates",
        "Cell summary",
        "Attempt ledger",
        "How to reproduce",
    ]


# --- the verdict ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "title", "said"),
    [
        (passing_matrix(), "✅ Smoke gate: ALL PASS", "12 of 12 runs · 8 of 8 gates"),
        (
            with_run(passing_matrix(), "A3/42", metrics={"val_loss": "60.0"}),
            "⚠️ Smoke gate: WARNING",
            "A person must review before publication.",
        ),
        (with_run(passing_matrix(), "A3/42", checkpoints=()), "❌ Smoke gate: FAIL", "G3 failed."),
        (
            with_run(passing_matrix(), "A3/42", params={"pape_definition_hash": None}),
            "❌ Smoke gate: CRITICAL FAIL",
            "use none of these numbers",
        ),
        (
            with_attempt(passing_matrix(), "A3/42", status="RUNNING"),
            "⏳ Smoke gate: FAIL (pending)",
            "not finished yet",
        ),
        (
            replace(passing_matrix(), attempts=(), runs=()),
            "⏳ Smoke gate: FAIL (pending)",
            "not finished yet",
        ),
    ],
)
def test_the_verdict_says_who_must_act(evidence, title, said):
    first = markdown_sections(judgement(evidence=evidence))[0]
    assert first.title.startswith(f"{title} · ")
    assert said in Page(first.text).text


def test_a_narrowed_verdict_says_so():
    policy = passing_policy().model_copy(update={"narrowed": Narrowing(cells=("A3",))})
    assert "Narrowed to 3 of 12 planned runs" in markdown_sections(judgement(policy))[0].text


def test_the_policys_difference_is_shown_and_cannot_leave_its_block():
    lines = ("- threshold: 1", "+ threshold: 2", "```", "# heading @octocat", "````")
    change = PolicyChange(found="Own counted.", difference=lines)
    text = markdown(judgement(evidence=replace(passing_matrix(), policy_change=change)))
    page = Page(section_of(text, "Policy of the base branch"))
    assert page.code == ["\n".join([*lines, ""])]
    assert "h1" not in page.elements
    assert page.elements.index("details") < page.elements.index("pre")  # folded away
    assert page.text.strip().startswith("Own counted.")


def test_of_a_base_policy_that_is_not_known_no_difference_is_shown():
    change = policy_unknown(f"The policy of `x@y` could not be read: {'403 ' * 80}")
    text = markdown(judgement(evidence=replace(passing_matrix(), policy_change=change)))
    page = Page(section_of(text, "Policy of the base branch"))
    assert page.code == ["x@y"]
    assert page.elements == ["p", "code", "wbr"]
    assert "Whether this pull request has another one is not known." in page.text


def test_a_long_difference_is_cut():
    change = PolicyChange(found="Own counted.", difference=tuple(f"+line {number}" for number in range(500)))
    section = markdown_sections(judgement(evidence=replace(passing_matrix(), policy_change=change)))[2]
    assert section.title == "Policy of the base branch"
    assert "… 300 more lines" in section.body


# --- matrix and gates -------------------------------------------------------------------------------------------------


def rows(text: str, title: str) -> list[list[str]]:
    lines = [line for line in section_of(text, title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]


def test_the_matrix_has_a_symbol_a_run():
    evidence = with_run(passing_matrix(), "B0/42", checkpoints=(), metrics={"val_loss": "60.0"})
    evidence = with_another_attempt(
        evidence, "B0/123", "newer", status="FAILED", start_time=4_000_000_000_000
    )
    evidence = without_run(evidence, "B0/456")
    evidence = with_attempt(evidence, "B1/42", status="RUNNING")
    evidence = with_attempt(evidence, "B1/123", status="FAILED")
    table = rows(markdown(judgement(evidence=evidence)), "Matrix")
    assert table[0] == ["cell", "<code>42</code>", "<code>123</code>", "<code>456</code>"]
    assert table[1][1:] == ["❌ <sub>G3 G5</sub>", "⚠️ <sub>G0</sub>", "❔"]
    assert table[2][1:] == ["⏳", "💥", "✅"]
    shown = [row[0] for row in table if row[0] not in ("cell", "---")]
    assert shown == [f"<code>{cell}</code>" for cell in CELLS]  # those without a finding last, in their fold


def test_the_legend_explains_the_symbols_that_are_there():
    passing = section_of(markdown(judgement()), "Matrix")
    assert "✅ all checks pass" in passing
    assert "💥" not in passing
    lost = judgement(evidence=with_attempt(passing_matrix(), "B1/123", status="KILLED"))
    assert "💥 its last attempt failed, was deleted or does not count" in section_of(markdown(lost), "Matrix")


def test_the_matrix_links_runs_where_the_store_is_a_server():
    evidence = in_experiment(passing_matrix())
    assert f"[✅]({RUN}/run-B0-42)" in markdown(judgement(evidence=evidence))
    assert Page(markdown(judgement(evidence=evidence, tracking_uri="sqlite:///mlflow.db"))).links == []


def test_a_ragged_plan_shows_what_is_not_planned_and_why():
    cells = {"B0": {}, "A3": {"seeds": ["42", "7"]}}
    exclude = [{"cell": "B0", "seeds": ["123"], "reason": "never converges"}]
    policy = policy_of(
        {
            "version": 1,
            "experiments": ["e"],
            "plan": {"cells": cells, "seeds": ["42", "123", "456"], "exclude": exclude},
        }
    )
    text = markdown(judgement(policy, passing_matrix(["B0", "A3"], ["42", "456", "7"], ())))
    table = rows(text, "Matrix")
    assert table[0][1:] == ["<code>42</code>", "<code>456</code>", "<code>7</code>"]
    assert [row[-1][-1] for row in table[1:]] == ["·", "✅"]
    assert "never converges" in section_of(text, "Matrix")


def test_cells_without_seeds_have_one_column():
    evidence = passing_matrix(CELLS, ["42"])
    table = rows(
        markdown(judgement(passing_policy(runs={"seed": "none"}, plan={"seeds": []}), evidence)), "Matrix"
    )
    assert table[0] == ["cell", "run"]
    assert len(table) == 5


def test_the_gate_table_has_all_eight():
    off = passing_policy(gates={"checkpoints": {"enabled": "false", "reason": "no disk @octocat"}})
    table = rows(markdown(judgement(off, with_run(passing_matrix(), "A3/42", figures=()))), "Gates")
    found = {row[1][2:4]: (row[0], row[2]) for row in table if row[1].startswith("**G")}
    assert list(found) == ["G4", "G0", "G1", "G2", "G3", "G5", "G6", "G7"]  # what has a finding comes first
    assert [found[gate][0] for gate in sorted(found)] == ["✅", "✅", "✅", "➖", "❌", "✅", "✅", "✅"]
    assert found["G3"][1].startswith("Off: <code>no disk &#64;<wbr>octocat</code>")


# --- findings ---------------------------------------------------------------------------------------------------------


def test_one_cause_is_told_once_with_all_its_runs():
    """spec: report-grouped"""
    evidence = in_experiment(passing_matrix())
    for seed in SEEDS:
        evidence = with_run(evidence, f"A3/{seed}", params={"dlinear_output_unit": f"bad {seed}"})
    text = section_of(markdown(judgement(evidence=evidence)), "What failed and how to fix it")
    assert text.count("dlinear_output_unit</code> is") == 1
    runs = [f"[<code>A3/{seed}</code>]({RUN}/run-A3-{seed}) (<code>bad {seed}</code>)" for seed in SEEDS]
    assert all(run in text for run in runs)


def test_runs_with_much_of_their_own_stand_on_a_line_each():
    evidence = in_experiment(passing_matrix())
    for seed, unit in (("42", "short"), ("123", "a unit that has more to it than forty characters")):
        evidence = with_run(evidence, f"A3/{seed}", params={"dlinear_output_unit": unit})
    text = section_of(markdown(judgement(evidence=evidence)), "What failed and how to fix it")
    assert f"<br>In 2 runs:<br>[<code>A3/42</code>]({RUN}/run-A3-42) (<code>short</code>)<br>[" in text


def test_what_cannot_be_said_as_one_is_said_of_each_run_and_is_one_finding():
    evidence = run_again(passing_matrix(), [f"{cell}/{seed}" for cell in CELLS for seed in SEEDS])
    text = section_of(markdown(judgement(evidence=evidence)), "Warnings and waivers")
    assert text.count("\n- A finished run, <code>2 attempts") == 8
    assert "\n- … and 4 more like these." in text
    assert text.count("The verdict file has them all.") == 1


def test_gates_that_fail_come_before_those_below_their_threshold():
    evidence = with_run(passing_matrix(), "A3/42", metrics={"val_loss": "60.0"})
    evidence = with_run(evidence, "A3/42", params={"train_data_hash": None})
    text = section_of(markdown(judgement(evidence=evidence)), "What failed and how to fix it")
    assert 0 < text.index("❌ **G6") < text.index("⚠️ **G5")
    assert "1 failing run, 2 would fail the gate" in text


def test_the_first_20_findings_are_told_and_the_rest_counted():
    names = [f"metric_{chr(97 + number)}" for number in range(25)]
    policy = passing_policy(plan={"required_metrics": names})
    text = section_of(markdown(judgement(policy)), "What failed and how to fix it")
    assert text.count("\n- ") == 20
    assert "… and 5 more findings (60 checks)" in text


def test_a_finding_names_24_runs_and_counts_the_rest():
    seeds = [str(seed) for seed in range(40)]
    policy = passing_policy(plan={"seeds": seeds, "required_metrics": ["nowhere"]})
    judged = judgement(policy, passing_matrix(CELLS, seeds))
    text = section_of(markdown(judged), "What failed and how to fix it")
    assert text.count("<code>A3/") == 24
    assert "In 160 runs:" in text
    assert " … and 136 more\n" in text
    assert "<sub>The verdict file has them all.</sub>" in text


def test_pairs_without_a_run_are_not_counted_as_runs():
    evidence = without_run(without_run(passing_matrix(), "A3/42"), "A3/123")
    text = section_of(markdown(judgement(evidence=evidence)), "What failed and how to fix it")
    assert "In 2 pairs: <code>A3/42</code>, <code>A3/123</code>" in text


def test_figures_of_no_run_are_not_counted_as_runs():
    files = (figure("run-A3-42", "figs/a.png", text={}), figure("run-A3-42", "figs/b.png", text={}))
    policy = passing_policy(gates={"figures": {"files": ["figs/*.png"]}})
    judged = judgement(policy, replace(passing_matrix(), files=files))
    text = section_of(markdown(judged), "What failed and how to fix it")
    assert "In 2 places: <code>figs/a&#46;png</code>, " in text


def test_warnings_waivers_and_values_off_their_reference():
    text = section_of(markdown(everything()), "Warnings and waivers")
    assert "They differ. A person must agree" in text
    assert "**Off the published values**" in text
    assert f"<code>pape</code> of [<code>B0/42</code>]({RUN}/run-B0-42) is <code>8.5</code>" in text
    assert "| **G3** | cell <code>A4</code> | <code>disk full</code> | 2030-01-01 |" in text
    assert "Accepted by waiver, FAIL before: <code>disk full</code>" in text


def test_a_metric_that_was_not_logged_is_off_its_reference():
    judged = judgement(passing_policy(references=[{**REFERENCE, "metric": "nowhere", "cells": ["A3"]}]))
    text = markdown(judged)
    assert "was not logged" in section_of(text, "Warnings and waivers")
    assert "⚠️ 0 of 3" in section_of(text, "References")


def test_references_say_how_many_runs_they_rest_on():
    """spec: reference-single"""
    one = section_of(markdown(judgement(passing_policy(references=[REFERENCE]))), "References")
    assert "one run gives no confidence band" in one
    several = {**REFERENCE, "low": 8, "n": 5, "tolerance": 0.5}
    found = section_of(markdown(judgement(passing_policy(references=[several]))), "References")
    assert "8 to 10 ± 0.5" in found
    assert "✅ 12 of 12" in found
    assert "confidence band" not in found


# --- cells, ledger, reproduction --------------------------------------------------------------------------------------


def test_the_cell_summary():
    text = markdown(judgement())
    table = rows(text, "Cell summary")
    assert table[0] == [
        "cell", "runs", "values", "mean", "range", "mean Δ to <code>B0</code>", "range of Δ", "visible from",
        "pairing helped",
    ]  # fmt: skip
    assert table[1] == ["<code>B0</code>", "3", "8.5, 8.6, 8.7", "8.6", "8.5 to 8.7", "reference", "", "", ""]
    assert table[2][:5] == ["<code>B1</code>", "3", "8.8, 8.9, 9", "8.9", "8.8 to 9"]
    assert table[2][5:] == ["+0.3", "+0.3 each", "–", "–"]
    assert "in 1 of 4 comparisons, and this table has 3." in text


def test_a_value_that_is_not_finite_is_seen_in_the_cell_summary():
    evidence = with_run(passing_matrix(), "B1/42", metrics={"pape": "NaN"})
    assert rows(markdown(judgement(evidence=evidence)), "Cell summary")[2][1] == "⚠️ 2 of 3"


def test_p_values_only_from_enough_seeds():
    seeds = [str(seed) for seed in range(6)]
    six = markdown(judgement(passing_policy(plan={"seeds": seeds}), passing_matrix(CELLS, seeds)))
    assert [row[-1] for row in rows(six, "Cell summary")[:3]] == ["p", "", "0.094"]
    assert rows(markdown(judgement()), "Cell summary")[0][-1] != "p"


def test_a_cell_of_one_seed_has_no_difference():
    one = markdown(judgement(passing_policy(plan={"seeds": ["42"]}), passing_matrix(CELLS, ["42"])))
    assert rows(one, "Cell summary")[2][4:] == ["–", "one pair only", "", "", ""]
    assert "One pair of runs says nothing about the next seed" in one
    assert "Visible from" not in one


def test_many_metrics_are_folded_away():
    names = [f"m{number}" for number in range(5)]
    sections = markdown_sections(judgement(passing_policy(report={"metrics": names})))
    (summary,) = [section for section in sections if section.title == "Cell summary"]
    assert summary.text.startswith("<details><summary><strong>Cell summary</strong> · <code>m0</code>, ")
    assert summary.text.count("**<code>m") == 5


def test_every_attempt_is_in_the_ledger():
    evidence = with_another_attempt(
        in_experiment(passing_matrix()), "A3/42", "first", status="FAILED", commit=None
    )
    evidence = with_another_attempt(evidence, "A3/42", "second", lifecycle_stage="deleted", end_time=None)
    text = markdown(judgement(evidence=evidence))
    counts = "1 <code>FAILED</code>, 12 <code>FINISHED</code>, 1 <code>deleted</code>"
    assert f"<strong>Attempt ledger</strong> · 14 attempts at 12 planned pairs: {counts}</summary>" in text
    assert f"[<code>first</code>]({RUN}/first) | <code>FAILED</code> | " in text
    assert "<code>FINISHED</code> (<code>deleted</code>)" in text
    assert text.count("●") == 12


def test_runs_without_cell_or_seed_are_counted():
    parent = replace(attempt_of(passing_matrix(), "A3/42"), run_id="sweep", cell=None, seed=None)
    evidence = replace(passing_matrix(), attempts=(*passing_matrix().attempts, parent))
    text = section_of(markdown(judgement(evidence=evidence)), "Attempt ledger")
    assert "1 active run without cell or seed, counted and not judged." in text
    assert "- 1 run without cell and seed (<code>runs&#46;cell</code>, <code>runs&#46;seed</code>): " in text
    assert "<code>A3-42 (sweep)</code>" in text


def test_the_names_of_runs_without_a_seed_are_inert_and_few():
    forgot = [
        replace(attempt_of(passing_matrix(), "A3/42"), run_id=f"run-{number}", run_name=HOSTILE, seed=None)
        for number in range(23)
    ]
    evidence = replace(passing_matrix(), attempts=(*passing_matrix().attempts, *forgot))
    text = section_of(markdown(judgement(evidence=evidence)), "Attempt ledger")
    assert "- 23 runs without seed (<code>runs&#46;seed</code>): " in text
    assert text.count("octocat") == 20
    assert "and 3 more (the verdict file has them all)" in text
    assert Page(text).links == []


def test_a_long_ledger_is_cut():
    seeds = [str(seed) for seed in range(80)]
    text = markdown(judgement(passing_policy(plan={"seeds": seeds}), passing_matrix(CELLS, seeds)))
    ledger = section_of(text, "Attempt ledger")
    assert ledger.count("●") == 300
    assert "and 20 more" in ledger


def test_how_to_reproduce_has_the_exact_commands_and_hashes():
    judged = judgement()
    section = section_of(markdown(judged), "How to reproduce")
    blocks = [text.strip() for text in Page(section).code if "\n" in text]
    commands = judged.reproduction
    assert blocks == [commands.replay, commands.sealed_replay, commands.check]
    assert judged.document.evidence_sha256 in section
    assert judged.document.policy_sha256 in section


# --- hostile text and limits ------------------------------------------------------------------------------------------


def hostile() -> Judgement:
    policy = passing_policy(
        plan={"cells": {"B0": {}, HOSTILE: {}}, "seeds": ["42", HOSTILE], "required_metrics": [HOSTILE]},
        references=[{**REFERENCE, "metric": HOSTILE, "source": HOSTILE}],
        waivers=[{"gate": "G3", "reason": HOSTILE, "expires": "2030-01-01"}],
        gates={"metric_ratio": {"enabled": "false", "reason": HOSTILE}},
    )
    evidence = passing_matrix(["B0", HOSTILE], ["42", HOSTILE], ())
    for pair in ("B0/42", f"{HOSTILE}/42"):
        evidence = with_run(
            evidence, pair, params={"train_data_hash": HOSTILE}, metrics={HOSTILE: "1.0"}, checkpoints=()
        )
    evidence = with_attempt(evidence, "B0/42", commit=HOSTILE, experiment_id=HOSTILE)
    return judgement(
        policy, replace(evidence, policy_change=PolicyChange(found=HOSTILE, difference=(HOSTILE,)))
    )


def test_hostile_text_everywhere_makes_nothing_but_text():
    """spec: report-foreign-text"""
    text = markdown(hostile())
    page = Page(text)
    assert "@octocat" not in page.text
    assert "evil.example" not in page.text
    assert page.links
    assert all(link.startswith(f"{SERVER}/#/experiments/%40octocat") for link in page.links)
    assert not {"img", "b", "script", "s"} & set(page.elements)
    assert any("@octocat" in shown for shown in page.code)
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "##[" not in text


def test_hostile_text_keeps_tables_whole():
    for section in markdown_sections(hostile()):
        widths: set[int] = set()
        for line in section.body.splitlines():
            widths = widths | {line.count(" | ")} if line.startswith("| ") else set()
            assert len(widths) <= 1


def test_all_of_it_where_there_is_no_limit():
    judged = everything()
    assert markdown(judged) == "\n\n".join(section.text for section in markdown_sections(judged)) + "\n"


@pytest.mark.parametrize("limit", range(1500, 10500, 300))
def test_what_is_cut_is_cut_by_importance(limit):
    """spec: report-cut"""
    judged = everything()
    text = markdown(judged, limit=limit, full_report="outputs/report.md")
    sections = markdown_sections(judged)
    shown = [
        next((form for form, one in enumerate(section.texts) if one in text), None) for section in sections
    ]
    kept = [form for form in shown if form is not None]
    assert shown == kept + [None] * (len(shown) - len(kept))  # nothing stands without what is more important
    assert len(text) <= limit or len(kept) == 1
    note = text.rpartition("> [!NOTE]")[2]
    for section, form in zip(sections, shown, strict=True):
        assert (section.title in note) == (form != 0)
    assert "The whole report: <code>outputs/report&#46;md</code>." in note


def test_bytes_are_limited_too():
    """spec: comment-size"""
    text = markdown(everything(), limit=GITHUB_LIMIT, byte_limit=3000)
    assert len(text.encode()) <= 3000
    assert "Left out" in text


def test_the_first_section_is_always_there():
    assert markdown(everything(), limit=1).startswith("## ❌ Smoke gate: FAIL · 12 of 12 runs · ")


def test_the_whole_report_may_be_a_page():
    assert "<https://ci.example/run/1>" in markdown(
        everything(), limit=1500, full_report="https://ci.example/run/1"
    )


def test_200_runs_fit_a_comment():
    cells, seeds = [f"C{number}" for number in range(20)], [str(seed) for seed in range(10)]
    policy = policy_of({"version": 1, "experiments": ["e"], "plan": {"cells": cells, "seeds": seeds}})
    evidence = in_experiment(passing_matrix(cells, seeds, ()))
    evidence = replace(
        evidence, runs=tuple(replace(run, checkpoints=(), manifest=None) for run in evidence.runs)
    )
    text = markdown(judgement(policy, evidence), limit=GITHUB_LIMIT)
    assert len(text) <= GITHUB_LIMIT
    assert "Cell summary" in text
    assert "all 200 runs" in text
