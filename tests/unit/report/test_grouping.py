import re
from typing import Any

import pytest

from smoke_gate.gates.base import Check, Status
from smoke_gate.report.grouping import foreign_texts, grouped, place_of
from smoke_gate.verdict import evaluate
from tests.support.matrix import checkpoint, figure, passing_matrix, passing_policy, with_attempt, with_run


def check(
    message: str,
    *,
    cell: str | None = "A3",
    seed: str | None = "42",
    subject: str = "unit",
    observed: str | None = None,
    **facts: Any,
) -> Check:
    facts = {"gate": "G2", "kind": "allowed", "status": Status.FAIL, "run_id": f"run-{cell}-{seed}", **facts}
    return Check(message=message, cell=cell, seed=seed, subject=subject, observed=observed, **facts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (check("unit is missing."), check("unit is missing.", seed="123")),
        (check("unit is 'kW'.", observed="kW"), check("unit is 'kWh'.", seed="123", observed="kWh")),
        (check("unit is kW.", observed="kW"), check("unit is m.", seed="123", observed="m")),
        (check("cell A3 ran"), check("cell B0 ran", cell="B0")),
        (check("hash is 0123456789abcdef"), check("hash is fedcba9876543210", seed="123")),
        (check("see run-A3-42"), check("see run-A3-123", seed="123")),
        (check("h is 'a', not 'b'"), check("h is 'c', not 'd'", seed="123")),
        (check("no file", subject="a.pt"), check("no file", subject="b.pt")),
    ],
)
def test_one_cause_is_one_finding(one, other):
    (alike,) = grouped([one, other])
    assert [check for group in alike for check in group.checks] == [one, other]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (check("unit is missing."), check("scaler is missing.", seed="123")),
        (check("same"), check("same", gate="G3")),
        (check("same"), check("same", kind="required")),
        (check("same"), check("same", waived="accepted")),
        (check("unit is missing.", subject="unit"), check("pape is missing.", subject="pape")),
        (check("loss_1 is missing.", subject="loss_1"), check("loss_2 is missing.", subject="loss_2")),
    ],
)
def test_two_causes_are_two_groups(one, other):
    assert len(grouped([one, other])) == 2


@pytest.mark.parametrize(
    ("observed", "message", "values"),
    [
        (("kW", "kWh"), "unit is {!r}, not m.", ("kW", "kWh")),
        (("100", "0"), "size {} instead of 288.", ("100", "0")),
        (("100", "1"), "size {} instead of 101.", ("100", "1")),
        (("12", "9"), "r is {} (24 / 2), not 1 to 5.", ("12 (24 / 2)", "9 (24 / 2)")),
        (("A3/42 (run 1)", "B0/42 (run 2)"), "As in {}: copied.", ("A3/42 (run 1)", "B0/42 (run 2)")),
        ((" ", "it's"), "The text is {!r}.", ("' '", "it's")),
        (("it has 1 of 2 bytes", "its header is broken"), "Not intact: {}. Restore it.",
         ("it has 1 of 2 bytes", "its header is broken")),
    ],
)  # fmt: skip
def test_what_one_run_has_is_said_of_it_alone(observed, message, values):
    checks = [check(message.format(text), seed=text, observed=text) for text in observed]
    ((group,),) = grouped(checks)
    assert group.message.count("…") == 1
    assert [group.own_words(one) for one in checks] == [(value,) for value in values]
    for one in checks:
        before, after = group.message.split("…")
        assert one.message.startswith(before)
        assert one.message.endswith(after)


def test_what_all_have_is_said_once():
    same = check("No key.", observed="a: '1'"), check("No key.", seed="1", observed="a: '2'")
    ((group,),) = grouped(same)
    assert (group.message, group.own_words(same[0])) == ("No key.", ())
    mixed = check("unit is missing.", observed="missing"), check("unit is 'kW'.", seed="1", observed="kW")
    ((group,),) = grouped(mixed)
    assert (group.message, [group.own_words(one) for one in mixed]) == ("unit is ….", [("missing",), ("kW",)])


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        ("ab", "h is {0!r}, but 2 of 3 have {0!r}."),  # twice
        ("ab", "h is another one than {0}1."),  # a part of a word
        ("ab", "h is {0!r}, not 'bc…'."),  # cut before, with the same mark
        ("ab", "h is not known."),  # nowhere
        ("a" * 200, "h is {0!r}, not b."),  # longer than a report shows
    ],
)
def test_what_cannot_be_said_as_one_is_said_in_full(observed, message):
    texts = [f"{observed}{letter}" for letter in "xy"]
    checks = [
        check(f"Run {text[-1]}: {message.format(text)}", seed=text[-1], observed=text) for text in texts
    ]
    groups = [group for alike in grouped(checks) for group in alike]
    assert [group.message for group in groups] == [one.message for one in checks]
    assert [group.own_words(group.checks[0]) for group in groups] == [(), ()]


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
    checks = [check("b"), check("a"), check("b", seed="123")]
    assert [group.message for (group,) in grouped(checks)] == ["b", "a"]


@pytest.mark.parametrize(
    ("checks", "subject", "own_words"),
    [
        ([check("unit is missing."), check("unit is missing.", seed="1")], None, ()),
        ([check("It is empty.", subject="a.pt")], "a.pt", ()),
        ([check("It is empty.", subject="a.pt"), check("It is empty.", subject="b.pt")], None, ("a.pt",)),
        (
            [check("x and y differ.", subject="x=y"), check("x and y differ.", subject="x=y", seed="1")],
            None,
            (),
        ),
        ([check("No run.", subject="A3/42"), check("No run.", subject="A3/1", seed="1")], None, ()),
        (
            [check("It is 'a'.", subject="x", observed="a"), check("It is 'b'.", subject="x", observed="b")],
            "x",
            ("a",),
        ),
        (
            [check("It is 'a'.", subject="x", observed="a"), check("It is 'b'.", subject="y", observed="b")],
            None,
            ("x", "a"),
        ),
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
    assert place_of(check("m", cell=cell, seed=seed)) == place


def test_numbers_and_plain_words_are_ours():
    assert foreign_texts(check("m", subject="checkpoints")) == ("A3/42", "A3", "run-A3-42")
    assert foreign_texts(check("m", seed="late", subject="a b"))[2:] == ("late", "run-A3-late", "a b")
    assert foreign_texts(check("m", cell="mean", subject="unit")) == ("mean/42", "run-mean-42")
