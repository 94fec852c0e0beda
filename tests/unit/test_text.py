"""How lines fit a terminal."""

import json
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.text import folded, visible_json

PROSE = st.lists(st.text("abc-/:=", min_size=1, max_size=12), min_size=1, max_size=30).map(" ".join)


def test_without_a_width_a_line_stays_one():
    assert folded("a b " * 100, None) == "a b " * 100
    assert folded("word", None, "- ", "  ") == "- word"


@given(PROSE, st.integers(20, 60))
def test_lines_fit_and_no_word_is_lost_or_broken(line: str, width: int):
    found = folded(line, width).split("\n")
    assert all(len(part) <= width for part in found)
    assert " ".join(found).split() == line.split()
    assert all(part.startswith("    ") for part in found[1:])


def test_the_other_lines_stand_below_the_first():
    assert folded("  G0 A3/42: one two three", 16).split("\n") == ["  G0 A3/42: one", "      two three"]


@pytest.mark.parametrize("width", [10, 20, 40])
def test_a_word_that_is_wider_is_not_broken(width: int):
    word = "https://mlflow.example/a-long-path/with-hyphens?and=more"
    assert word in folded(f"see {word} for more", width).split()


@pytest.mark.parametrize("width", [10, 20, 30, 40])
def test_what_stands_in_backquotes_is_not_broken(width: int):
    command = "`smoke-gate check --policy 'a b.yml' --tracking-uri sqlite:///x.db`"
    lines = folded(f"next: read the policy, then {command} and look at it", width).split("\n")
    assert any(command in line for line in lines)
    assert re.sub(r"\s+", " ", " ".join(lines)) == f"next: read the policy, then {command} and look at it"


_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
UNSEEN = [
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(character) in ("Cc", "Zl", "Zp")
    or unicodedata.bidirectional(character) in _BIDI
    or character in "\u200b\u200e\u200f\ufeff\U000e0041"
]


def test_a_json_document_shows_every_control_and_means_the_same():
    value = {"a" + "".join(UNSEEN): ["x", *UNSEEN, "µ → 한"]}
    shown = visible_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(shown) == value
    assert not set(shown) & set(UNSEEN)
    assert "µ → 한" in shown
