"""A sentence that a file holds: our words are words, and whatever could do something in a report is a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.message import recorded
from smoke_gate.report.escape import prose
from tests.unit.report.judgements import HOSTILE, Page


@given(st.text(st.sampled_from("ab1 `.,:;()@#_*<>\n-/")) | st.text())
def test_the_text_stays_the_same(text: str):
    assert str(recorded(text)) == text


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("The policy of this pull request differs from that of main. That of main counted.", []),
        ("The policy of `x@y` could not be read: 403. Whether it's known", ["x@y"]),
        ("It differs from that of feature/x, which counted (so far).", ["feature/x,"]),
        ("See GH-1 and c0ffee1 and #2", ["GH-1", "c0ffee1", "#2"]),
        ("www.evil.example", ["www.evil.example"]),
        ("one ` alone", ["`"]),
    ],
)
def test_words_are_words_and_the_rest_is_code(text: str, codes: list[str]):
    page = Page(prose(recorded(text)))
    assert page.code == codes
    assert page.links == []


def test_hostile_text_does_nothing():
    page = Page(prose(recorded(f"The policy {HOSTILE} counted.")))
    assert "@octocat" not in page.text
    assert "evil.example" not in page.text
    assert page.links == []
    assert not {"img", "b"} & set(page.elements)
