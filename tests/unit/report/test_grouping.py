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
        (check("loss_1 is missing.", subject="loss_1"), check("loss_2 is missing.", subject="loss_2")),
    ],
)
def test_two_causes_are_two_groups(one, other):
    assert len(grouped([one, other])) == 2


@pytest.mark.parametrize(
    ("checks", "message", "own_words"),
    [
        (
            [check("size 100 instead of 288."), check("size 0 instead of 288.", seed="1")],
            "size … instead of 288.",
            [("100",), ("0",)],
        ),
        (
            [check("unit is missing.", observed="missing"), check("unit is 'kW'.", seed="1", observed="kW")],
            "unit is ….",
            [("missing",), ("kW",)],
        ),
        (
            [check("r is 12 (24 / 2), not 1 to 5."), check("r is 9 (9 / 1), not 1 to 5.", seed="1")],
            "r is …, not 1 to 5.",
            [("12 (24 / 2)",), ("9 (9 / 1)",)],
        ),
        (
            [
                check("h is 'a1', but 2 of 3 have 'b'. Run 1."),
                check("h is 'a2', but 3 of 4 have 'c'. Run 2.", seed="1"),
            ],
            "h is …. Run ….",
            [("'a1', but 2 of 3 have 'b'", "1"), ("'a2', but 3 of 4 have 'c'", "2")],
        ),
        (
            [check("cell A3 is 'a', not b."), check("cell B0 is 'c', not b.", cell="B0")],
            "cell … is …, not b.",
            [("a",), ("c",)],
        ),
        (
            [check("as in mean/1", cell="mean"), check("as in linear/1", cell="linear")],
            "as in …",
            [("mean/1",), ("linear/1",)],
        ),
        (
            [check("It's as the run's."), check("It's as the run's.", seed="1")],
            "It's as the run's.",
            [(), ()],
        ),
        (
            [check("No key.", observed="a: '1'"), check("No key.", seed="1", observed="a: '2'")],
            "No key.",
            [(), ()],
        ),
    ],
)
def test_what_one_run_has_is_said_of_it_alone(checks, message, own_words):
    (group,) = grouped(checks)
    assert group.message == message
    assert [group.own_words(one) for one in checks] == own_words


@pytest.mark.parametrize("cell", ["mean", "did", "the", "a"])
def test_a_cell_that_is_called_like_a_word_does_not_split_a_finding(cell):
    same = "Do the seeds mean a thing? did it?"
    assert len(grouped([check(same, cell=cell), check(same)])) == 1
    text = "the metric is {}; did you mean a loss?"
    checks = [check(text.format("'x'"), cell=cell), check(text.format("'y'"))]
    (group,) = grouped(checks)
    assert group.message == text.format("…")


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
    found = grouped(one for one in checks if one.status in (Status.FAIL, Status.WARNING))
    assert sum(len(group.checks) > 1 for group in found) > 5
    for group in found:
        common = re.escape(group.message).replace(re.escape("…"), ".+")
        assert all(re.fullmatch(common, one.message) for one in group.checks)


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
    assert foreign_texts(check("m", cell="mean", subject="unit")) == ("mean/42", "run-mean-42")
