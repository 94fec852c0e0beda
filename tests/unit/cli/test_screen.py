"""Who gets colours and how wide lines are, asked of a real terminal."""

import pytest

from smoke_gate.report.explain import explain
from tests.support.terminal import TERMINAL, on_terminal

SHOW = """
from pathlib import Path
from smoke_gate.cli.screen import show
from tests.support.matrix import passing_matrix, without_run
from tests.unit.report.judgements import judgement
show(judgement(evidence=without_run(passing_matrix(), "A3/42")), {"report": Path("outputs/report.md")}, quiet=False)
"""


def printed(environment: dict[str, str]) -> str:
    return on_terminal(["-c", SHOW], {**TERMINAL, **environment})


def test_a_terminal_gets_the_matrix_in_colours():
    text = printed({})
    assert "\x1b[32m" in text
    assert "456" in text


@pytest.mark.parametrize(
    "environment",
    [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CI": "true"}, {"PYTHONIOENCODING": "ascii:backslashreplace"}],
)
def test_plain_text_otherwise(environment: dict[str, str]):
    text = printed(environment)
    assert "\x1b" not in text
    assert "G1 PASS    definition_hash" in text


def test_plain_text_wraps_at_the_width_of_a_terminal():
    wide, narrow = (printed({"NO_COLOR": "1", "COLUMNS": width}) for width in ("1000", "60"))
    assert max(map(len, wide.splitlines())) > 60
    assert max(map(len, narrow.splitlines())) <= 60
    assert narrow.split() == wide.split()


@pytest.mark.parametrize("gate", [None, "G3"])
def test_explain_wraps_at_the_width_of_a_terminal(gate: str | None):
    arguments = ["-m", "smoke_gate", "explain", *([gate] if gate else [])]
    text = on_terminal(arguments, {**TERMINAL, "COLUMNS": "50"})
    assert max(map(len, text.splitlines())) <= 50
    assert text == explain(gate, 50)
