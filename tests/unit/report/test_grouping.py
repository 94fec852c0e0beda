import re
from random import Random
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
        (check("h is 'a', not 'b'"), check("h is 'c', not 'd'", seed="123")),
        (check("no file", subject="a.pt"), check("no file", subject="b.pt")),
    ],
)
def test_one_cause_is_one_group(one, other):
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
            [check("As in a/1 (run 12 of 'x'): copied."), check("As in b/1 (run 7): copied.", seed="1")],
            "As in …: copied.",
            [("a/1 (run 12 of 'x')",), ("b/1 (run 7)",)],
        ),
        (
            [check("It is like run-1 (12)."), check("It is like run-1 (13).", seed="1")],
            "It is like ….",
            [("run-1 (12)",), ("run-1 (13)",)],
        ),
        (
            [check("The text is ''."), check("The text is ' '.", seed="1")],
            "The text is ….",
            [("''",), ("' '",)],
        ),
        (
            [check("cell A3 is as B0.", cell="A3"), check("cell A4 is as B0.", cell="A4")],
            "cell … is as B0.",
            [(), ()],
        ),
        (
            [check("try run-A3-42 again"), check("try run-A3-1 again", seed="1")],
            "try … again",
            [("run-A3-42",), ("run-A3-1",)],
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
    ((group,),) = grouped(checks)
    assert group.message == message
    assert [group.own_words(one) for one in checks] == own_words


@pytest.mark.parametrize("cell", ["mean", "did", "the", "a"])
def test_a_cell_that_is_called_like_a_word_does_not_split_a_finding(cell):
    same = "Do the seeds mean a thing? did it?"
    assert len(grouped([check(same, cell=cell), check(same)])) == 1
    text = "the metric is {}; did you mean a loss?"
    checks = [check(text.format("'x'"), cell=cell), check(text.format("'y'"))]
    ((group,),) = grouped(checks)
    assert group.message == text.format("…")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("h is 'a1', but 2 of 3 have 'b'.", "h is 'a2', but 3 of 4 have 'c'."),
        ("h is 'a'. Look at run 1.", "h is 'b'. Look at run 2."),
        ("cell A3 is 'a', not b.", "cell B0 is 'c', not b."),
        ("It is 12 (24 / 2, not finite.", "It is 13 (26 / 2, not finite."),
        ("It is 'a(', not b.", "It is ')b', not b."),
        ("It has size-12%.", "It has size-13%."),
        ("It is `size: 12` bytes.", "It is `size: 13` bytes."),
        ("Found 'a'", "Found 'b'"),
        ("It is 'a', not 'bc…'.", "It is 'b', not 'bc…'."),
        (f"It is '{'a' * 200}', not b.", f"It is '{'b' * 200}', not b."),
    ],
)
def test_what_cannot_be_said_as_one_is_said_in_full(one, other):
    checks = [check(one), check(other, seed="1"), check(one, seed="2")]
    ((first, second),) = grouped(checks)
    assert (first.message, second.message) == (one, other)
    assert (first.checks, second.checks) == ((checks[0], checks[2]), (checks[1],))
    assert [group.own_words(group.checks[0]) for group in (first, second)] == [(), ()]


_VALUES = [
    "'a'", "'it (is'", "'''", '"it\'s"', "12", "-0.5", "12 (24 / 2)", "3f2a9c0", "A3/42",
    "run-1 ('a', a child of 3f2a9c0)",
    "'a' (b", "5%", "`x: 1`", "a.pt", "''", "…", "B0", "'x…'", "(12)", "[1]",
]  # fmt: skip
_FORMS = [
    "It is {}, not {}.",
    "{} ({}): look at {}",
    "The bytes of {} (run {}) are {}'s.",
    "{}",
    "Of {}, {} and {}",
]


@pytest.mark.parametrize("number", range(200))
def test_whatever_the_messages_are_a_reader_gets_each_of_them_back(number):
    random = Random(number)
    form, texts = random.choice(_FORMS), random.choices(_VALUES, k=random.randint(1, 4))
    messages = [form.format(*random.choices(texts, k=form.count("{}"))) for _ in range(5)]
    checks = [check(text, cell=f"A{index}") for index, text in enumerate(messages)]
    for group in (group for alike in grouped(checks) for group in alike):
        differ = len({one.message for one in group.checks}) > 1
        before, mark, after = group.message.partition("…") if differ else (group.message, "", "")
        for one in group.checks:
            assert one.message.startswith(before)
            assert one.message.endswith(after)
            own = one.message.removeprefix(before).removesuffix(after)
            assert mark or not own
            for shown in group.own_words(one):
                assert shown in own
                assert not mark or own in (shown, f"'{shown}'", f'"{shown}"')
            if mark:
                assert are_closed(own)
                assert are_closed(group.message) or not are_closed(one.message)


def are_closed(text: str) -> bool:
    """Whether the brackets in a text are closed, each by its own."""
    while (fewer := re.sub(r"\([^()\[\]]*\)|\[[^()\[\]]*\]", "", text)) != text:
        text = fewer
    return not re.search(r"[()\[\]]", text)


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
    assert sum(len(group.checks) > 1 for group in found) > 4
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
        ([check("It is 'a'.", subject="x"), check("It is 'b'.", subject="y", seed="1")], None, ("x", "a")),
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
