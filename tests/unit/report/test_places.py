"""Where a finding is, in words; and what a line of the first screen says of it."""

import pytest

from smoke_gate.gates.base import Check, Status
from smoke_gate.message import Message, Value, first_sentence, in_a_line, say
from smoke_gate.report.first_screen import first_lines
from smoke_gate.report.grouping import CheckGroup
from smoke_gate.report.places import where
from smoke_gate.selection import matrix_of
from smoke_gate.verdict import evaluate
from tests.support.matrix import SEEDS, passing_matrix, passing_policy, with_run
from tests.support.verdicts import kinds, large, matrix, of_cells, with_failing

CELLS, NUMBERS = large(14, 5)
PLAN = matrix_of(*matrix(CELLS, NUMBERS))


def check(pair: str | None, message: Message | None = None, subject: str | None = None) -> Check:
    cell, _, seed = (pair or "").partition("/")
    return Check(
        gate="G3", kind="required", status=Status.FAIL, message=message or say("Lost."), cell=cell or None,
        seed=seed or None, subject=subject or pair or "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (of_cells(["A7"], NUMBERS), "A7, all 5 seeds"),
        (of_cells(["A3", "A10"], NUMBERS), "A3, A10, all 5 seeds"),
        (of_cells(CELLS[:7], NUMBERS), "A0, A1, A2, A3 and 3 more cells, all 5 seeds"),
        (of_cells(CELLS, NUMBERS), "all 70 runs"),
        (["A1/100"], "A1/100"),
        (["A10/100", "A2/101", "A2/100"], "A2/101, A2/100, A10/100"),
        (of_cells(["A1"], NUMBERS[:3]), "A1, 3 of 5 seeds"),
        (of_cells(CELLS[:2], NUMBERS[:4]), "A0, A1, 4 of 5 seeds each"),
        (of_cells(CELLS, NUMBERS[1:2]), "seed 101 of all 14 cells"),
        ([*of_cells(["A1"], NUMBERS), "A2/100"], "A1, all 5 seeds; A2/100"),
        (of_cells(CELLS[:9], NUMBERS[:1]), "A0/100, A1/100, A2/100, A3/100; and 5 more"),
        (["A7"], "A7, all 5 seeds"),
        (["nobody/1"], "nobody/1"),
        ([None], ""),
    ],
)
def test_places_cover_all_runs_in_few_words(pairs, words):
    assert where([check(pair) for pair in pairs], PLAN) == words


def test_places_of_cells_without_seeds():
    policy = passing_policy(runs={"seed": "none"}, plan={"seeds": []})
    plan = matrix_of(policy, passing_matrix(seeds=["42"]))
    assert where([check("B0"), check("A3")], plan) == "B0, A3"
    assert where([check(cell) for cell in ("B0", "B1", "A3", "A4")], plan) == "all 4 runs"


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (say("{name} is lost. Log it.", name="a. b."), "a. b. is lost"),
        (say("No run."), "No run"),
        (say("{found}. Fix it.", found=say("size {size}", size=1)), "size 1"),
        (say("Log it with smoke_gate.contract.log. Or not."), "Log it with smoke_gate.contract.log"),
        (say("{all}", all="A text. Of a package."), "A text. Of a package."),
        (Message(["They", " ", "differ.", " ", "Why?"]), "They differ"),
        (say(""), ""),
    ],
)
def test_the_first_sentence_ends_in_our_own_words(message, sentence):
    assert first_sentence(message) == sentence


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (say("No run"), "no run"),
        (say("A run"), "a run"),
        (say("MLflow is away"), "MLflow is away"),
        (say("{name} is lost", name="Model"), "Model is lost"),
        (say(""), ""),
    ],
)
def test_behind_a_colon_names_keep_their_capitals(message, line):
    assert in_a_line(message) == line


def test_of_values_that_differ_the_first_are_shown():
    checks = [check(f"A1/{seed}", say("It is {value!r}. Fix it.", value=f"v{seed}")) for seed in NUMBERS]
    brief = CheckGroup(tuple(checks)).brief
    assert brief == "it is 'v100', 'v101', …"
    assert [value.text for value in brief.values] == ["v100", "v101"]
    assert CheckGroup(tuple(checks[:1])).brief == "it is 'v100'"


def test_a_subject_that_the_message_lacks_is_named():
    checks = [check("A1/100", say("Not intact. Log it."), subject="model.pt")]
    assert CheckGroup(tuple(checks)).brief == "model.pt: not intact"


def test_a_value_stays_a_value():
    brief = CheckGroup((check("A1/100", say("{name} is lost. Log it.", name="<b>")),)).brief
    assert brief.parts[0] == Value("<b>")


# --- the lines --------------------------------------------------------------------------------------------------------


def lines(case) -> list[str]:
    return [f"{line.label} · {line.words}" for line in first_lines(evaluate(*case), case[0])]


def test_each_failed_gate_has_a_line():
    assert lines(kinds()["14 x 5"]) == [
        "Units · A7, all 5 seeds: vq_input_unit and dlinear_output_unit must be equal, but are 'kW' and 'standardized'",
        "Checkpoints · A4/102: found 0 checkpoints (checkpoints/**), expected at least 1",
        "Data · A1/100, A2/100, A2/101: train_data_hash is missing, expected 16 to 64 lower-case hex digits",
    ]


def test_other_kinds_of_verdict():
    assert lines(kinds()["ALL PASS"]) == []
    (ratio,) = lines(kinds()["WARNING"])
    assert ratio.startswith("Metric ratios · B1/123: val_loss / train_loss is ")
    (waiting,) = lines(kinds()["pending"])
    assert waiting.startswith("Plan · A3/42: no finished run, ")
    assert "B1/456: no finished run, no attempt" in waiting


def test_a_gate_with_many_findings_names_those_of_most_runs():
    policy, evidence = with_failing(matrix(), ["G2"], of_cells(["A3"]))
    for seed, unit in zip(SEEDS, ("V", None, "A"), strict=True):
        evidence = with_run(evidence, f"A4/{seed}", params={"vq_input_unit": unit})
    (line,) = lines((policy, evidence))
    assert line.startswith(
        "Units · A3, all 3 seeds; A4/42, A4/456: vq_input_unit and dlinear_output_unit must be equal"
    )
    assert line.endswith("; and 1 more finding")


def test_what_warns_beside_the_gates_has_a_line():
    reference = {"metric": "pape", "low": 9, "high": 10, "n": 1, "source": "Kim 2024"}
    waiver = {"gate": "G5", "cell": "B1", "reason": "old", "expires": "2020-01-01"}
    case = with_failing(matrix(), ["G5"], ["B1/123"])
    policy = passing_policy(references=[reference], waivers=[waiver])
    found = lines((policy, case[1]))
    assert [line.partition(" · ")[0] for line in found] == ["Metric ratios", "Published values", "Waivers"]
    assert "more" in found[1]
