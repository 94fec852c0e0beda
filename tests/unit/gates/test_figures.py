"""G4: figures can be traced to their runs and to their definition."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Evidence, Figure
from smoke_gate.gates.base import Check, Outcome, Status
from smoke_gate.gates.figures import GATE, source_run_ids
from tests.support.matrix import (
    CELLS,
    DEFINITION,
    SEEDS,
    ask,
    figure,
    not_passed,
    passing_matrix,
    run_id,
    sha256,
    with_another_attempt,
    with_run,
)

KEY = "pape_definition_hash"
PATH = "figures/forecast.png"
PATTERN = "figures/*.png"
RUN = run_id("A3/42")
G1_OFF = {"definition_hash": {"enabled": False, "reason": "no definition yet"}}


def found(outcome: Outcome) -> list[tuple[str | None, str, str, Status]]:
    """Return what did not pass: run, kind, subject and status."""
    return [(check.run_id, check.kind, check.subject, check.status) for check in not_passed(outcome)]


def only(outcome: Outcome) -> Check:
    """Return the only check that is not a PASS."""
    (check,) = not_passed(outcome)
    return check


def carrying(path: str = PATH, **text: Any) -> Figure:
    """Return a figure of A3/42 with other text chunks; None takes one away."""
    plain = figure(RUN, path)
    return replace(
        plain, text={key: value for key, value in {**plain.text, **text}.items() if value is not None}
    )


def with_figure(**text: Any) -> Evidence:
    """Return a matrix whose run A3/42 has that figure."""
    return with_run(passing_matrix(), "A3/42", figures=(carrying(**text),))


def without_figures() -> Evidence:
    """Return a matrix without figures."""
    evidence = passing_matrix()
    return replace(evidence, runs=tuple(replace(run, figures=()) for run in evidence.runs))


def settings(**keys: Any) -> dict[str, Any]:
    """Return the policy's gates with these keys of the section."""
    return {"figures": keys}


# --- each figure ------------------------------------------------------------------------------------------------------


def test_a_good_matrix_passes_with_a_check_for_each_figure_and_pattern():
    outcome = ask(GATE, passing_matrix())
    assert found(outcome) == []
    assert sorted({(check.kind, check.subject) for check in outcome.checks}) == [
        ("figure", PATH),
        ("pattern", PATTERN),
    ]
    assert (len(outcome.checks), outcome.expected, outcome.evaluated) == (13, 12, 12)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ({"source_run_ids": None}, "source_run_ids is missing"),
        ({KEY: None}, f"{KEY} is missing"),
        ({"source_run_ids": None, KEY: None}, f"The text chunks source_run_ids and {KEY} are missing"),
        ({KEY: " "}, f"{KEY} is missing or empty"),
        ({"source_run_ids": ""}, "missing or empty"),
        ({"source_run_ids": "[]"}, "at least one run id"),
        ({"source_run_ids": "[1]"}, "at least one run id"),
        ({"source_run_ids": json.dumps([RUN, 1])}, "at least one run id"),
        ({"source_run_ids": f'["{RUN}"'}, "at least one run id"),
        ({"source_run_ids": ", ,"}, "at least one run id"),
        ({"source_run_ids": "[" * 100_000}, "at least one run id"),
        ({"source_run_ids": json.dumps({"run": RUN})}, "stands for no planned pair"),
        (
            {"source_run_ids": json.dumps([RUN, "last-month"])},
            "'last-month', which stands for no planned pair",
        ),
        ({"source_run_ids": json.dumps([run_id("A4/42")])}, f"own run, {RUN}"),
        ({KEY: sha256("other")}, "another definition"),
        ({KEY: DEFINITION.upper()}, "another definition"),
    ],
)
def test_a_figure_that_cannot_be_traced_fails_once(text, says):
    check = only(ask(GATE, with_figure(**text)))
    assert (check.run_id, check.cell, check.seed) == (RUN, "A3", "42")
    assert (check.kind, check.subject, check.status) == ("figure", PATH, Status.FAIL)
    assert says in check.message


def test_a_required_text_that_cannot_be_told_fails_and_says_why():
    """spec: G4-required-keys"""
    twice = replace(
        carrying(source_run_ids=None), unread={"source_run_ids": "the PNG says two things under it"}
    )
    check = only(ask(GATE, with_run(passing_matrix(), "A3/42", figures=(twice,))))
    assert (check.kind, check.subject, check.status) == ("figure", PATH, Status.FAIL)
    assert "source_run_ids cannot be used: the PNG says two things under it" in check.message


def test_a_text_that_nobody_asks_for_may_be_anything():
    odd = replace(carrying(), unread={"Comment": "it is cut off"})
    assert found(ask(GATE, with_run(passing_matrix(), "A3/42", figures=(odd,)))) == []


@pytest.mark.parametrize(
    "sources",
    [
        json.dumps([RUN]),
        json.dumps([run_id("B0/456"), RUN]),
        f" {json.dumps([RUN])} ",
        RUN,
        f"{RUN}, {run_id('B0/42')}",
        f"{RUN},",
    ],
)
def test_sources_are_a_json_array_or_stand_between_commas(sources):
    """spec: G4-sources"""
    assert found(ask(GATE, with_figure(source_run_ids=sources))) == []


def test_a_figure_of_an_older_attempt_fails():
    """spec: G4-sources"""
    evidence = with_another_attempt(passing_matrix(), "A3/42", "older")
    evidence = with_run(evidence, "A3/42", figures=(carrying(source_run_ids=json.dumps([RUN, "older"])),))
    assert "'older'" in only(ask(GATE, evidence)).message


def test_a_figure_that_is_no_png_fails():
    """spec: G4-readable"""
    broken = Figure(path=PATH, problem="is cut off in its 3rd chunk")
    check = only(ask(GATE, with_run(passing_matrix(), "A3/42", figures=(broken,))))
    assert (check.run_id, check.kind, check.status) == (RUN, "figure", Status.FAIL)
    assert "is cut off in its 3rd chunk" in check.message


def test_figures_that_could_not_be_read_are_not_taken_for_equal():
    evidence = passing_matrix()
    for pair in ("A3/42", "B0/42"):
        evidence = with_run(evidence, pair, figures=(Figure(path=PATH, problem="is cut off"),))
    assert [kind for _, kind, _, _ in found(ask(GATE, evidence))] == ["figure", "figure"]


def test_no_metadata_at_all_fails():
    """spec: G4-required-keys"""
    plain = Figure(path=PATH, sha256=sha256("plain"))
    assert only(ask(GATE, with_run(passing_matrix(), "A3/42", figures=(plain,)))).status is Status.FAIL


def test_other_required_keys_must_be_present_and_not_empty():
    gates = settings(required_keys=["author"])
    evidence = passing_matrix()
    for cell in CELLS:
        for seed in SEEDS:
            own = figure(run_id(f"{cell}/{seed}"))
            evidence = with_run(evidence, f"{cell}/{seed}", figures=(replace(own, text={"author": "me"}),))
    assert found(ask(GATE, evidence, gates=gates)) == []
    empty = with_run(evidence, "A3/42", figures=(carrying(author=""),))
    assert found(ask(GATE, empty, gates=gates)) == [(RUN, "figure", PATH, Status.FAIL)]


def test_only_figures_that_match_are_judged():
    other = carrying("notes/sketch.png", source_run_ids=None)
    evidence = with_run(passing_matrix(), "A3/42", figures=(carrying(), other))
    assert found(ask(GATE, evidence)) == []
    assert only(ask(GATE, evidence, gates=settings(paths=["**/*.png"]))).subject == "notes/sketch.png"


def test_a_narrowed_plan_still_knows_the_runs_of_the_whole_plan():
    everything = json.dumps([run_id(f"{cell}/{seed}") for cell in CELLS for seed in SEEDS])
    evidence = with_figure(source_run_ids=everything)
    assert found(ask(GATE, evidence, narrowed={"cells": ["A3"]})) == []
    in_checkout = replace(evidence, files=(paper(source_run_ids=everything),))
    gates = {**G1_OFF, **IN_CHECKOUT}
    assert found(ask(GATE, in_checkout, gates=gates, narrowed={"cells": ["A3"]})) == []


# --- the definition ---------------------------------------------------------------------------------------------------


def test_where_the_expected_definition_is_unknown_every_figure_fails():
    """spec: G4-definition"""
    outcome = ask(GATE, replace(passing_matrix(), registrations=()))
    assert len(found(outcome)) == 12
    assert {check.status for check in not_passed(outcome)} == {Status.FAIL}
    assert {check.message for check in not_passed(outcome)} == {
        f"{KEY} cannot be compared: the expected definition is not known. G1 says what to do."
    }


def test_where_g1_is_off_the_run_s_own_hash_counts():
    """spec: G4-definition"""
    evidence = with_run(
        passing_matrix(), "A3/42", params={KEY: sha256("own")}, figures=(carrying(**{KEY: sha256("own")}),)
    )
    assert found(ask(GATE, evidence, gates=G1_OFF)) == []
    assert found(ask(GATE, evidence)) == [(RUN, "figure", PATH, Status.FAIL)]
    other = with_run(evidence, "A3/42", figures=(carrying(),))
    assert found(ask(GATE, other, gates=G1_OFF)) == [(RUN, "figure", PATH, Status.FAIL)]
    none = with_run(other, "A3/42", params={KEY: None})
    assert "do not log one hash" in only(ask(GATE, none, gates=G1_OFF)).message


def test_where_g1_is_off_a_run_s_figure_of_several_runs_has_that_run_s_hash():
    both = json.dumps([run_id("B0/42"), RUN])
    evidence = with_run(
        with_figure(source_run_ids=both, **{KEY: sha256("own")}), "A3/42", params={KEY: sha256("own")}
    )
    assert found(ask(GATE, evidence, gates=G1_OFF)) == []


def test_the_policy_names_the_definition_s_key():
    gates = {"definition_hash": {"key": "mae_hash"}, **settings(required_keys=["mae_hash"])}
    evidence = passing_matrix()
    for run in evidence.runs:
        pair = run.run_id.removeprefix("run-").replace("-", "/")
        own = replace(figure(run.run_id), text={"mae_hash": DEFINITION})
        evidence = with_run(evidence, pair, figures=(own,))
    assert found(ask(GATE, evidence, gates=gates)) == []
    wrong = with_run(evidence, "A3/42", figures=(carrying(mae_hash="0"),))
    assert found(ask(GATE, wrong, gates=gates)) == [(RUN, "figure", PATH, Status.FAIL)]


# --- figures of the checkout, and drawn ones --------------------------------------------------------------------------

PAPER = "figs/paper/pape.png"
IN_CHECKOUT = settings(paths=[], files=["figs/**/*.png"])


def paper(**text: Any) -> Figure:
    """Return a figure of the paper, drawn from two runs."""
    return carrying(PAPER, **{"source_run_ids": json.dumps([RUN, run_id("B0/42")]), **text})


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ({}, True),
        ({"source_run_ids": f"{RUN},{run_id('B0/42')}"}, True),
        ({"source_run_ids": json.dumps(["last-month"])}, False),
        ({"source_run_ids": None}, False),
        ({KEY: sha256("other")}, False),
    ],
)
def test_figures_of_the_checkout_are_traced_to_any_selected_runs(text, good):
    outcome = ask(GATE, replace(passing_matrix(), files=(paper(**text),)), gates=IN_CHECKOUT)
    assert found(outcome) == ([] if good else [(None, "figure", PAPER, Status.FAIL)])
    assert (outcome.expected, outcome.evaluated) == (12, 12)


def test_paths_of_runs_and_files_of_the_checkout_have_each_their_patterns():
    outcome = ask(GATE, replace(passing_matrix(), files=(paper(),)), gates=settings(files=["figs/**/*.png"]))
    patterns = {check.subject: check.status for check in outcome.checks if check.kind == "pattern"}
    assert patterns == {PATTERN: Status.PASS, "figs/**/*.png": Status.PASS}


@pytest.mark.parametrize(
    ("hashes", "good"),
    [((sha256("own"), sha256("own")), True), ((sha256("own"), DEFINITION), False), ((None, None), False)],
)
def test_where_g1_is_off_a_figure_of_the_checkout_has_the_hash_that_its_runs_agree_on(hashes, good):
    evidence = replace(passing_matrix(), files=(paper(**{KEY: sha256("own")}),))
    for pair, value in zip(("A3/42", "B0/42"), hashes, strict=True):
        evidence = with_run(evidence, pair, params={KEY: value})
    outcome = ask(GATE, evidence, gates={**G1_OFF, **IN_CHECKOUT})
    assert found(outcome) == ([] if good else [(None, "figure", PAPER, Status.FAIL)])


# --- figures that are not there ---------------------------------------------------------------------------------------


def test_no_figure_at_all_fails():
    """spec: G4-missing"""
    outcome = ask(GATE, without_figures())
    assert found(outcome) == [(None, "pattern", PATTERN, Status.FAIL)]


@pytest.mark.parametrize("required_keys", [[], ["source_run_ids"]])
def test_each_pattern_that_matches_nothing_fails_whatever_the_figures_must_carry(required_keys):
    """spec: G4-missing"""
    gates = settings(paths=[PATTERN, "plots/*.png"], files=["figs/*.png"], required_keys=required_keys)
    outcome = ask(GATE, passing_matrix(), gates=gates)
    assert found(outcome) == [
        (None, "pattern", "figs/*.png", Status.FAIL),
        (None, "pattern", "plots/*.png", Status.FAIL),
    ]


def test_a_run_without_a_figure_while_another_has_one_fails():
    """spec: G4-missing"""
    outcome = ask(GATE, with_run(passing_matrix(), "A3/42", figures=()))
    assert found(outcome) == [(RUN, "pattern", PATTERN, Status.FAIL)]


def test_a_run_needs_a_figure_of_any_pattern():
    evidence = with_run(passing_matrix(), "A3/42", figures=(carrying("plots/codebook.png"),))
    assert found(ask(GATE, evidence, gates=settings(paths=[PATTERN, "plots/*.png"]))) == []


def test_artifacts_that_could_not_be_read_fail_with_the_reason():
    check = only(
        ask(GATE, with_run(passing_matrix(), "A3/42", figures=(), artifacts_problem="no such folder"))
    )
    assert (check.run_id, check.status) == (RUN, Status.FAIL)
    assert "no such folder" in check.message


@pytest.mark.parametrize(("problem", "unread"), [("gone", True), (None, False)])
def test_what_could_not_be_read_is_not_asked_for(problem, unread):
    evidence = with_run(without_figures(), "A3/42", artifacts_problem=problem)
    (check,) = [check for check in not_passed(ask(GATE, evidence)) if check.run_id is None]
    assert ("Not all could be read" in check.message) is unread
    assert ("Log one" in check.message) is not unread


def test_artifacts_do_not_matter_where_only_the_checkout_has_figures():
    evidence = replace(
        with_run(passing_matrix(), "A3/42", artifacts_problem="no such folder"), files=(paper(),)
    )
    assert found(ask(GATE, evidence, gates=IN_CHECKOUT)) == []


# --- equal figures ----------------------------------------------------------------------------------------------------


def looking_alike(*pairs: str, **facts: Any) -> Evidence:
    """Return a matrix in which the figures of these runs have these facts in common."""
    evidence = passing_matrix()
    for pair in pairs:
        evidence = with_run(evidence, pair, figures=(replace(figure(run_id(pair)), **facts),))
    return evidence


@pytest.mark.parametrize(
    "facts", [{"pixels": sha256("one")}, {"sha256": sha256("one")}], ids=["pixels", "bytes"]
)
def test_figures_that_show_the_same_are_one_finding_that_names_the_runs(facts):
    """spec: G4-duplicate"""
    outcome = ask(GATE, looking_alike("B0/42", "A3/42", "A4/42", **facts))
    assert found(outcome) == [(run_id("B0/42"), "duplicate", PATH, Status.WARNING)]
    assert "B0/42, A3/42, A4/42 have the same pixels" in not_passed(outcome)[0].message


def test_figures_that_are_equal_in_every_run_are_one_finding():
    outcome = ask(
        GATE, looking_alike(*(run.run_id[4:].replace("-", "/") for run in passing_matrix().runs), pixels="1")
    )
    assert [check.kind for check in not_passed(outcome)] == ["duplicate"]
    assert "7 more" in not_passed(outcome)[0].message


def test_figures_of_the_same_bytes_and_other_pixels_are_told_by_their_pixels():
    """spec: G4-duplicate"""
    evidence = looking_alike("B0/42", sha256=sha256("one"), pixels=sha256("left"))
    right = replace(figure(run_id("A3/42")), sha256=sha256("one"), pixels=sha256("right"))
    assert found(ask(GATE, with_run(evidence, "A3/42", figures=(right,)))) == []


@pytest.mark.parametrize(
    ("plan", "pairs"),
    [
        ({"cells": {"B0": {"deterministic": True}}}, ("B0/42", "B0/123")),
        ({"cells": {"B1": {"same_as": "B0"}}}, ("B0/42", "B1/42")),
    ],
)
def test_a_plan_that_says_so_makes_equal_figures_no_surprise(plan, pairs):
    assert found(ask(GATE, looking_alike(*pairs, pixels="1"), plan=plan)) == []


def test_identical_bytes_in_one_run_or_in_the_checkout_are_no_surprise():
    twins = (carrying(), replace(carrying("figures/copy.png"), sha256=carrying().sha256))
    evidence = replace(
        with_run(passing_matrix(), "A3/42", figures=twins),
        files=(replace(paper(), sha256=carrying().sha256),),
    )
    assert found(ask(GATE, evidence, gates=settings(files=["figs/**/*.png"]))) == []


# --- profile basic ----------------------------------------------------------------------------------------------------


def test_profile_basic_asks_for_none_where_there_is_none():
    """spec: G4-missing"""
    outcome = ask(GATE, without_figures(), profile="basic")
    assert (outcome.checks, outcome.expected, outcome.evaluated) == ((), 0, 0)
    assert outcome.skipped is not None


def test_profile_basic_wants_figures_readable_and_nothing_more():
    evidence = with_figure(source_run_ids=None, **{KEY: None})
    assert found(ask(GATE, evidence, profile="basic")) == []
    broken = with_run(evidence, "A3/42", figures=(Figure(path=PATH, problem="is cut off"),))
    assert found(ask(GATE, broken, profile="basic")) == [(RUN, "figure", PATH, Status.FAIL)]


def test_profile_basic_fails_a_run_without_where_its_siblings_have_them():
    evidence = with_run(passing_matrix(), "A3/42", figures=())
    assert found(ask(GATE, evidence, profile="basic")) == [(RUN, "pattern", PATTERN, Status.FAIL)]


@pytest.mark.parametrize(
    ("gates", "subject"),
    [
        (settings(paths=["plots/*.png"]), "plots/*.png"),
        (settings(files=["figs/*.png"]), "figs/*.png"),
        (settings(required_keys=["source_run_ids"]), PATTERN),
    ],
)
def test_profile_basic_fails_what_the_policy_asks_for(gates, subject):
    outcome = ask(GATE, without_figures(), profile="basic", gates=gates)
    assert found(outcome) == [(None, "pattern", subject, Status.FAIL)]


def test_profile_basic_is_content_with_figures_of_the_checkout():
    evidence = replace(without_figures(), files=(paper(),))
    gates = settings(files=["figs/**/*.png"], required_keys=["source_run_ids"])
    assert found(ask(GATE, evidence, profile="basic", gates=gates)) == []


def test_profile_basic_does_not_take_an_unreadable_place_for_an_empty_one():
    evidence = with_run(without_figures(), "A3/42", artifacts_problem="gone")
    assert found(ask(GATE, evidence, profile="basic")) == [(RUN, "pattern", PATTERN, Status.FAIL)]


# --- properties -------------------------------------------------------------------------------------------------------


@given(st.permutations(range(12)))
def test_the_order_of_the_runs_changes_nothing(order):
    evidence = with_run(with_figure(source_run_ids=None), "B1/42", figures=())
    evidence = with_run(
        evidence, "A4/42", figures=(figure(run_id("A4/42"), sha256=figure(run_id("B0/42")).sha256),)
    )
    shuffled = replace(
        evidence,
        runs=tuple(evidence.runs[index] for index in order),
        attempts=tuple(evidence.attempts[index] for index in reversed(order)),
    )
    assert ask(GATE, shuffled) == ask(GATE, evidence)


@given(st.lists(st.text(min_size=1).filter(str.strip)))
def test_what_is_written_as_a_json_array_is_read_again(run_ids):
    assert source_run_ids(json.dumps(run_ids)) == run_ids
    assert source_run_ids(json.dumps(run_ids, ensure_ascii=False, indent=1)) == run_ids


@given(sources=st.text(max_size=40), definition=st.text(max_size=70))
def test_no_text_but_the_right_one_passes(sources, definition):
    outcome = ask(GATE, with_figure(source_run_ids=sources, **{KEY: definition}))
    assert found(outcome) == [(RUN, "figure", PATH, Status.FAIL)]
