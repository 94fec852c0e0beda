from typing import Any

import pytest

from smoke_gate.gates.base import Check, Status
from smoke_gate.report.grouping import foreign_texts, grouped, place_of


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
        (
            check("ratio is 12.5, above 5.", observed="12.5"),
            check("ratio is 0.1, above 5.", seed="0", observed="0.1"),
        ),
        (check("cell A3 ran"), check("cell B0 ran", cell="B0")),
        (check("hash is 0123456789abcdef"), check("hash is fedcba9876543210", seed="123")),
        (check("see run-A3-42"), check("see run-A3-123", seed="123")),
        (check("no file", subject="a.pt"), check("no file", subject="b.pt")),
    ],
)
def test_one_cause_is_one_group(one, other):
    assert [group.checks for group in grouped([one, other])] == [(one, other)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (check("unit is missing."), check("scaler is missing.", seed="123")),
        (check("same"), check("same", gate="G3")),
        (check("same"), check("same", kind="required")),
        (check("same"), check("same", waived="accepted")),
        (check("unit is missing.", subject="unit"), check("pape is missing.", subject="pape")),
    ],
)
def test_two_causes_are_two_groups(one, other):
    assert len(grouped([one, other])) == 2


def test_groups_stand_in_the_order_of_their_first_checks():
    checks = [check("b"), check("a"), check("b", seed="123")]
    assert [group.message for group in grouped(checks)] == ["b", "a"]


@pytest.mark.parametrize(
    ("checks", "subject", "own_words"),
    [
        ([check("unit is missing."), check("unit is missing.", seed="1")], None, ()),
        ([check("It is empty.", subject="a.pt")], "a.pt", ()),
        ([check("It is empty.", subject="a.pt"), check("It is empty.", subject="b.pt")], None, ("a.pt",)),
        ([check("No run.", subject="A3/42"), check("No run.", subject="A3/1", seed="1")], None, ()),
        (
            [check("It is 'a'.", subject="x", observed="a"), check("It is 'b'.", subject="x", observed="b")],
            "x",
            ("a",),
        ),
    ],
)
def test_a_group_says_what_its_message_does_not(checks, subject, own_words):
    (group,) = grouped(checks)
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
