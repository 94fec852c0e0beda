import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.report.escape import code, link, log_line, prose, shortened, visible, web_address
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


@given(FOREIGN, st.lists(FOREIGN, max_size=2))
def test_prose_makes_no_mention_link_or_markup(text, foreign):
    page = Page(f"- {prose(text, foreign)}\n- next")
    assert set(page.elements) <= {"ul", "li", "p", "code", "wbr", "em"}
    assert page.elements.count("li") == 2
    assert page.links == []
    assert not ALIVE.search(page.text)


@given(FOREIGN)
def test_prose_in_a_table_cell(text):
    assert Page(f"| a | b |\n| --- | --- |\n| {prose(text)} | end |\n").elements.count("td") == 2


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
    ("text", "foreign", "words", "codes"),
    [
        ("Run it, or exclude the pair.", (), "Run it, or exclude the pair.", []),
        ("vq_unit is 'kW/h', expected kW.", (), "is , expected kW.", ["vq_unit", "kW/h"]),
        ("See `runs.cell` and runs.seed.", (), "See  and .", ["runs.cell", "runs.seed"]),
        ("The cell my cell is planned.", ("my cell",), "The cell  is planned.", ["my cell"]),
        ("A3 and A3/1 agree", ("A3",), " and  agree", ["A3", "A3/1"]),
        ("7 of 7 gates (G1 off: profile basic)", (), "7 of 7 gates (G1 off: profile basic)", []),
        ("it's 0.5, e.g. -3 or 10%", (), "it's 0.5, e.g. -3 or 10%", []),
        ("RUNNING since 2026-01-31 12:00 UTC.", (), "RUNNING since 2026-01-31 12:00 UTC.", []),
        ("1. first", (), "1. first", []),
        ("1) first", (), "1) first", []),
        ("- first", (), "- first", []),
        ("commit c0ffeec0ffee", (), "commit", ["c0ffeec0ffee"]),
        ("commit defaced", (), "commit", ["defaced"]),
        ("commit defaced's a-defaced", (), "commit ", ["defaced's", "a-defaced"]),
        ("ask @octocat", (), "ask", ["@octocat"]),
    ],
)
def test_prose_shows_our_words_as_words_and_the_rest_as_code(text, foreign, words, codes):
    page = Page(prose(text, foreign))
    assert page.elements.count("p") == 1
    assert page.code == codes
    assert " ".join(page.text.split()) == " ".join(words.split())


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
