"""Which checks are one finding, and what is said once or of each run. Messages are told apart by their templates."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.gates.base import Check, Status
from smoke_gate.message import MARK, Message, Value, say
from smoke_gate.report.grouping import grouped, place_of
from smoke_gate.verdict import evaluate
from tests.support.matrix import checkpoint, figure, passing_matrix, passing_policy, with_attempt, with_run


def check(
    message: Message,
    *,
    cell: str | None = "A3",
    seed: str | None = "42",
    subject: str = "unit",
    observed: str | None = None,
    **facts: Any,
) -> Check:
    facts = {"gate": "G2", "kind": "allowed", "status": Status.FAIL, "run_id": f"run-{cell}-{seed}", **facts}
    return Check(message=message, cell=cell, seed=seed, subject=subject, observed=observed, **facts)


MISSING = say("unit is missing.")
SAME = say("same")


def unit(value: str) -> Message:
    return say("unit is {value!r}.", value=value)


def lost(metric: str) -> Message:
    return say("{metric} is missing.", metric=metric)


def other_hash(found: str, expected: str) -> Message:
    return say("h is {found}, not {expected}.", found=found, expected=expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (check(MISSING), check(MISSING, seed="123")),
        (check(unit("kW"), observed="kW"), check(unit("kWh"), seed="123", observed="kWh")),
        (check(unit("kW")), check(unit("kWh"), seed="123")),
        (
            check(say("cell {cell} ran", cell="A3")),
            check(say("cell {cell} ran", cell="B0"), cell="B0"),
        ),
        (check(say("size {size}", size=12)), check(say("size {size}", size=0), seed="123")),
        (check(other_hash("a", "b")), check(other_hash("c", "d"), seed="123")),
        (check(say("no file"), subject="a.pt"), check(say("no file"), subject="b.pt")),
    ],
)
def test_one_cause_is_one_finding(one, other):
    """spec: report-grouped"""
    (alike,) = grouped([one, other])
    assert [check for group in alike for check in group.checks] == [one, other]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (check(MISSING), check(say("scaler is missing."), seed="123")),
        (check(SAME), check(SAME, gate="G3")),
        (check(SAME), check(SAME, kind="required")),
        (check(SAME), check(SAME, waived="accepted")),
        (check(lost("unit"), subject="unit"), check(lost("pape"), subject="pape")),
        (check(lost("loss_1"), subject="loss_1"), check(lost("loss_2"), subject="loss_2")),
        (check(MISSING), check(say("unit is {found}.", found="missing"))),
    ],
)
def test_two_causes_are_two_findings(one, other):
    assert len(grouped([one, other])) == 2


def test_a_value_that_reads_like_our_words_changes_no_finding():
    found = grouped([check(unit("kW")), check(unit("kW'. G2 passed. unit is '"), seed="1")])
    assert len(found) == 1


@pytest.mark.parametrize(
    ("template", "values", "shown"),
    [
        ("unit is {0!r}, not m.", ("kW", "kWh"), ("kW", "kWh")),
        ("size {0} instead of 288.", ("100", "0"), ("100", "0")),
        ("size {0} instead of 100.", ("100", "1"), ("100", "1")),
        ("The text is {0!r}.", (" ", "it's"), ("' '", "it's")),
        ("The text is {0!r}.", ("", "x"), ("''", "x")),
        ("Not intact: {0}. Restore it.", ("1 of 2 bytes", "no header"), ("1 of 2 bytes", "no header")),
    ],
)
def test_what_one_run_has_is_said_of_it_alone(template, values, shown):
    named = template.replace("{0", "{value")
    checks = [check(say(named, value=value), seed=value) for value in values]
    ((group,),) = grouped(checks)
    assert [group.own_words(one) for one in checks] == [(value,) for value in shown]
    before, after = group.message.split(MARK)
    assert (before, after) == tuple(re.split(r"\{.*\}", template))


def test_what_all_have_is_said_once():
    same = check(say("No key."), observed="a: '1'"), check(say("No key."), seed="1", observed="a: '2'")
    ((group,),) = grouped(same)
    assert (group.message, group.own_words(same[0])) == ("No key.", ())
    size = say("size {found} instead of {wanted}.", found="1", wanted="2")
    ((group,),) = grouped([check(size), check(size, seed="1")])
    assert (group.message, group.own_words(group.checks[0])) == ("size 1 instead of 2.", ())


def test_what_was_observed_may_differ_beside_another_value_that_tells_apart():
    rows = [("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")]
    checks = [check(other_hash(found, wanted), seed=found, observed=found) for found, wanted in rows]
    (alike,) = grouped(checks)
    assert [group.message for group in alike] == ["h is …, not x.", "h is …, not y."]
    assert [group.own_words(one) for group in alike for one in group.checks] == [
        ("a",),
        ("b",),
        ("c",),
        ("d",),
    ]


def test_a_value_that_is_named_twice_is_said_once_of_each_run():
    checks = [check(say("h is {h}, but others have {h}.", h=text), seed=text, observed=text) for text in "ab"]
    ((group,),) = grouped(checks)
    assert group.message == "h is …, but others have …."
    assert [group.own_words(one) for one in checks] == [("a",), ("b",)]


def test_what_cannot_be_said_as_one_is_said_in_full():
    checks = [check(other_hash(f"found {text}", f"wanted {text}"), seed=text) for text in "xy"]
    (alike,) = grouped(checks)
    assert [group.message for group in alike] == [one.message for one in checks]
    assert [group.own_words(group.checks[0]) for group in alike] == [(), ()]


TEXTS = st.text(alphabet="ab …", min_size=1, max_size=3)


@given(st.lists(st.tuples(TEXTS, TEXTS, st.booleans()), min_size=1, max_size=8))
def test_a_report_of_groups_loses_nothing(rows):
    checks = [
        check(other_hash(found, wanted), seed=str(number), observed=found if is_observed else None)
        for number, (found, wanted, is_observed) in enumerate(rows)
    ]
    (alike,) = grouped(checks)
    told = [one for group in alike for one in group.checks]
    assert sorted(told, key=checks.index) == checks
    for group in alike:
        for one in group.checks:
            parts = zip(group.message.parts, one.message.parts, strict=True)
            left_out = [own for shared, own in parts if shared != own]
            assert all(isinstance(part, Value) for part in left_out)
            assert {part.shown for part in left_out if isinstance(part, Value)} <= set(group.own_words(one))


def test_what_a_group_says_is_true_of_each_run():
    evidence = passing_matrix()
    for number, pair in enumerate(("B0/42", "B1/42", "A3/123", "A4/456")):
        run = f"run-{pair.replace('/', '-')}"
        evidence = with_run(
            evidence, pair, metrics={"val_loss": f"{60 + number}.0", "pape": None},
            params={"train_data_hash": f"{number}" * 16, "dlinear_output_unit": f"W{number}", "use_vq": f"{number}"},
            checkpoints=(checkpoint(run, size=number),), figures=(figure(run, text={"source_run_ids": "[]"}),),
        )  # fmt: skip
        evidence = with_attempt(evidence, pair, commit=f"{number}" * 40)
    checks = evaluate(passing_policy(), evidence).checks
    judged = grouped(one for one in checks if one.status in (Status.FAIL, Status.WARNING))
    found = [group for alike in judged for group in alike]
    assert sum(len(group.checks) > 1 for group in found) > 3
    for group in found:
        common = re.escape(group.message).replace(re.escape("…"), ".+")
        assert all(re.fullmatch(common, one.message) for one in group.checks)


def test_groups_stand_in_the_order_of_their_first_checks():
    checks = [check(say("b")), check(say("a")), check(say("b"), seed="123")]
    assert [group.message for (group,) in grouped(checks)] == ["b", "a"]


@pytest.mark.parametrize(
    ("checks", "subject", "own_words"),
    [
        ([check(MISSING), check(MISSING, seed="1")], None, ()),
        ([check(say("It is empty."), subject="a.pt")], "a.pt", ()),
        (
            [check(say("It is empty."), subject="a.pt"), check(say("It is empty."), subject="b.pt")],
            None,
            ("a.pt",),
        ),
        (
            [
                check(say("x and y differ."), subject="x=y"),
                check(say("x and y differ."), subject="x=y", seed="1"),
            ],
            None,
            (),
        ),
        ([check(say("No run."), subject="A3/42"), check(say("No run."), subject="A3/1", seed="1")], None, ()),
        ([check(unit("a"), subject="x"), check(unit("b"), subject="x")], "x", ("a",)),
        ([check(unit("a"), subject="x"), check(unit("b"), subject="y")], None, ("x", "a")),
    ],
)
def test_a_group_says_what_its_message_does_not(checks, subject, own_words):
    ((group,),) = grouped(checks)
    assert group.subject == subject
    assert group.own_words(checks[0]) == own_words


@pytest.mark.parametrize(
    ("cell", "seed", "place"),
    [("A3", "42", "A3/42"), ("A3", None, "A3"), (None, None, None), (None, "42", None)],
)
def test_place_of(cell, seed, place):
    assert place_of(check(say("m"), cell=cell, seed=seed)) == place
