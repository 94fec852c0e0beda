import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.message import Message, cut, say
from smoke_gate.report.escape import code, link, prose, web_address
from smoke_gate.text import log_line, shortened, visible
from tests.unit.report.judgements import HOSTILE, Page

# What GitHub would turn into something else outside of code: mentions, references, commits.
ALIVE = re.compile(r"@[a-z0-9]|#\d|GH-\d|\b[0-9a-f]{7,40}\b", re.IGNORECASE)
MARKUP = st.text(alphabet=st.sampled_from("@#:/.*_~`|[]()<>!&;\\-+=$ \n\r\twhtpsxa1G‮​é한"), max_size=40)
PIECES = st.lists(
    st.sampled_from(
        [
            "@octocat",
            "#12",
            "GH-7",
            "org/repo#3",
            "deadbeefcafe",
            "https://evil.example/x",
            "www.evil.example",
            "a@b.example",
            "mailto:a@b.example",
            "<b>",
            "</code>",
            "<!--",
            "|",
            "`",
            "``",
            "**b**",
            "__b__",
            "~~s~~",
            "[x](http://e.example)",
            "![i](http://e.example)",
            "1.",
            "- ",
            "# h",
            "> q",
            "---",
            "&#64;octocat",
            "&amp;",
            "\\",
            ":smile:",
            "$x$",
            "\n",
            "\n\n",
            "'",
            '"',
            "word",
            "0.5",
            "(",
            ")",
            "x",
        ]
    )
).map("".join)
FOREIGN = st.one_of(st.text(max_size=60), MARKUP, PIECES)


@given(FOREIGN)
def test_foreign_text_is_code_and_nothing_else(text):
    """spec: report-foreign-text"""
    page = Page(code(text, limit=1000))
    assert set(page.elements) <= {"p", "code", "wbr", "em"}
    assert page.links == []
    if text:
        assert page.code == [visible(text)]
        assert page.text.strip() == ""


@given(FOREIGN)
def test_foreign_text_stays_in_its_table_cell(text):
    page = Page(f"| a | b |\n| --- | --- |\n| {code(text)} | end |\n")
    assert page.elements.count("td") == 2
    assert page.elements.count("tr") == 2


def found_in(one: str, two: str, three: str) -> Message:
    """Return a message that begins with a value, quotes one, and ends with one."""
    return say("{one} is {two!r}: {three}", one=one, two=two, three=three)


@given(FOREIGN, FOREIGN, FOREIGN)
def test_values_are_code_and_our_words_are_words(one, two, three):
    page = Page(f"- {prose(found_in(one, two, three))}\n- next")
    assert set(page.elements) <= {"ul", "li", "p", "code", "wbr", "em"}
    assert page.elements.count("li") == 2
    assert page.links == []
    assert not ALIVE.search(page.text)
    assert page.code == [visible(shortened(text)) for text in (one, two, three) if text]
    around = [("" if text else "empty") for text in (one, two, three)]
    assert " ".join(page.text.split()) == " ".join("{} is {}: {} next".format(*around).split())


@given(FOREIGN, st.integers(1, 120))
def test_a_message_that_is_cut_is_inert_too(text, longest):
    page = Page(f"- {prose(cut(found_in(text, text, text), longest))}\n- next")
    assert set(page.elements) <= {"ul", "li", "p", "code", "wbr", "em"}
    assert page.elements.count("li") == 2
    assert page.links == []
    assert not ALIVE.search(page.text)


@given(FOREIGN)
def test_prose_in_a_table_cell(text):
    page = Page(f"| a | b |\n| --- | --- |\n| {prose(found_in(text, text, text))} | end |\n")
    assert page.elements.count("td") == 2
    assert page.elements.count("tr") == 2


@given(FOREIGN)
def test_foreign_text_breaks_no_address_together(text):
    """GitHub looks for addresses in the text between elements, after entities: no piece of it may hold a whole one."""
    pieces = re.split(r"<[a-z/]+>", code(text, limit=1000))
    decoded = [re.sub(r"&#(\d+);", lambda entity: chr(int(entity[1])), piece) for piece in pieces]
    assert not any(re.search(r"(?i)https?://|www\.\w|\w@\w|mailto:\w", piece) for piece in decoded)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("val_loss", "val_loss"),
        ("figures/forecast.png", "figures/forecast.png"),
        ("두 번째", "두 번째"),
        ("a\nb\tc", r"a\nb\tc"),
        ("abc‮def", r"abc\u202edef"),
        ("nul\x00esc\x1b[0m", r"nul\x00esc\x1b[0m"),
        ("A3\u3164\u2800\ufe0f\U000e0100", r"A3\u3164\u2800\ufe0f\U000e0100"),
        (HOSTILE, HOSTILE.replace("\n", r"\n")),
    ],
)
def test_it_still_reads_as_what_it_is(text, shown):
    assert Page(code(text)).code == [shown]


def test_an_empty_text_is_seen():
    assert code("") == "<em>empty</em>"


def test_a_long_text_is_cut():
    assert shortened("x" * 300) == "x" * 199 + "…"
    assert Page(code("x" * 300, limit=10)).code == ["x" * 9 + "…"]


@pytest.mark.parametrize(
    ("message", "words", "codes"),
    [
        (say("Run it, or exclude the pair."), "Run it, or exclude the pair.", []),
        (
            say("{key} is {value!r}, expected kW.", key="vq_unit", value="kW/h"),
            "is , expected kW.",
            ["vq_unit", "kW/h"],
        ),
        (say("See `runs.cell` and `runs.seed`."), "See and .", ["runs.cell", "runs.seed"]),
        (say("The cell {cell} is planned.", cell="is planned"), "The cell is planned.", ["is planned"]),
        (say("{a} and {b} agree", a="A3", b="A3/1"), "and agree", ["A3", "A3/1"]),
        (say("commit {commit}", commit="c0ffeec0ffee"), "commit", ["c0ffeec0ffee"]),
        (say("ask {whom}", whom="@octocat"), "ask", ["@octocat"]),
        (say("{text} stays", text="`a` {b}"), "stays", ["`a` {b}"]),
        (say("{why}", why=say("inside {a}", a="x")), "inside", ["x"]),
        (say("{some} of {all} runs", some=3, all=12), "3 of 12 runs", []),
        (say("{number} is too low", number=-0.5), "-0.5 is too low", []),
        (
            say("8 of 8 gates (G1 off: {reason})", reason="profile basic"),
            "8 of 8 gates (G1 off: )",
            ["profile basic"],
        ),
    ],
)
def test_prose_shows_our_words_as_words_and_values_as_code(message, words, codes):
    page = Page(prose(message))
    assert page.elements.count("p") == 1
    assert page.code == codes
    assert " ".join(page.text.split()) == words


@pytest.mark.parametrize(
    "text",
    [
        "it's 0.5, e.g. -3 or 10%",
        "RUNNING since 2026-01-31 12:00 UTC.",
        "1. first",
        "1) first",
        "- first",
        "+ first",
        "= first",
        "a < b > c & d",
        "one | two",
        "*not bold* and **not bold**",
        "_not italic_ but snake_case",
        "[no](link)",
        "~~not struck~~",
        "&amp; stays",
    ],
)
def test_our_words_are_no_markup(text):
    page = Page(prose(say(text)))
    assert (page.elements, page.links, page.text.strip()) == (["p"], [], text)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://mlflow.example/", "https://mlflow.example"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://[::1]:5000/a", "http://[::1]:5000/a"),
        ("https://user:secret@mlflow.example/team?token=x#y", "https://mlflow.example/team"),
        ("https://mlflow.example/a b(c)", "https://mlflow.example/a%20b%28c%29"),
        ("sqlite:///mlflow.db", None),
        ("javascript:alert(1)", None),
        ("http://[evil](x)", None),
        ("http://evil<b>/x", None),
        ("http://host:port/", None),
        ("./mlruns", None),
        ("databricks", None),
    ],
)
def test_web_address(url, address):
    assert web_address(url) == address


def test_a_link_needs_an_address():
    assert link("x", "https://a.example") == "[x](https://a.example)"
    assert link("x", None) == "x"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain: text::here", "plain: text::here"),
        ("::error::x", ": :error::x"),
        (" \t::set-output::x", r" \t::set-output::x"),
        ("   ::error::x", "   : :error::x"),
        ("a ##[command]b", "a ## [command]b"),
        ("a\n::error::x", r"a\n::error::x"),
        ("a\r::error::x", r"a\r::error::x"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("한국어 A3", "한국어 A3"),
    ],
)
def test_log_line(text, line):
    assert log_line(text) == line


@given(FOREIGN)
def test_no_line_of_a_log_is_a_workflow_command(text):
    line = log_line(text)
    assert len(line.splitlines()) <= 1
    assert not line.lstrip().startswith("::")
    assert "##[" not in line
