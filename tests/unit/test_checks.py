"""The checks of the repository find what they are there for."""

import subprocess
from pathlib import Path

import pytest

from checks.plain_english import plain_english_findings
from checks.specification import specification_findings

RULE = '- <a id="{0}"></a>**{0}**: A rule.\n'


def findings(root: Path, page: str, tests: str) -> list[str]:
    (root / "docs").mkdir()
    (root / "tests").mkdir()
    (root / "docs/specification.md").write_text(page)
    (root / "tests/test_it.py").write_text(tests)
    return [*specification_findings(root)]


def test_a_rule_has_a_test_and_a_test_has_its_rule(tmp_path):
    page = RULE.format("G5-band") + RULE.format("G5-picks")
    tests = 'def test_it():\n    """It holds. spec: G5-band, G6-gone"""\n'
    assert findings(tmp_path, page, tests) == [
        "docs/specification.md: no test names the rule G5-picks",
        "tests/test_it.py:1: docs/specification.md has no rule G6-gone",
    ]


def test_a_rule_is_shown_by_its_anchor_and_stands_once(tmp_path):
    page = RULE.format("a") + RULE.format("a") + '<a id="b"></a>**c** <a id="d"></a>'
    tests = 'def test_it():\n    """spec: a, b"""\n'
    assert findings(tmp_path, page, tests) == [
        "docs/specification.md: the rule a stands twice",
        "docs/specification.md: the anchor b belongs to a rule that is shown as c",
        "docs/specification.md: d is not followed by its name in bold",
    ]


def prose_findings(root: Path, name: str, text: str) -> list[str]:
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    (root / name).write_text(text)
    return [finding.split(": ")[0] for finding in plain_english_findings(root)]


# Written in parts, since these very lines are checked too.
NO, NONE, BUT = "is " + "no policy", "it is " + "none", ", but " + "for one"


@pytest.mark.parametrize(
    "habit", [NO, NONE, BUT, NO.replace(" ", "\n"), NO.upper().replace("POLICY", "policy")]
)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", "# A page\n\nThis {}.\n"),
        ("code.py", '"""Do it."""\n\nsay("this {}")\n'),
        ("page.html", "<!-- A comment\n-->\n<p>This {}.</p>\n"),
        ("ci.yml", "# A comment\n\n# This {}.\n"),
    ],
)
def test_a_habit_is_found_at_its_line(tmp_path, habit, name, text):
    if name == "code.py":
        habit = habit.replace("\n", "\\n")
    assert prose_findings(tmp_path, name, text.format(habit)) == [f"{name}:3"]


@pytest.mark.parametrize(
    "text",
    [
        "There " + NO + ".",
        "If there " + NO + ", it is " + "no longer read, and is " + "no larger.",
        "```\n" + NO + "\n```",
        "He asked for one, but forgot.",
    ],
)
def test_plain_sentences_are_left_alone(tmp_path, text):
    assert prose_findings(tmp_path, "page.md", text) == []


@pytest.mark.parametrize(("docstring", "lines"), [("Whether it is.", [1, 5]), ("Return whether it is.", [])])
def test_a_docstring_begins_with_a_verb_or_a_noun(tmp_path, docstring, lines):
    text = f'"""{docstring}"""\n\n\nclass A:\n    def f(self):\n        """{docstring}"""\n'
    assert prose_findings(tmp_path, "code.py", text) == [f"code.py:{line}" for line in lines]
