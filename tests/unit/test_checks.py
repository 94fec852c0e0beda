"""The checks of the repository find what they are there for."""

import json
import subprocess
from pathlib import Path

import click
import pytest

from checks.fences import fence_findings, marked_fences
from checks.messages import message_findings, messages
from checks.plain_english import plain_english_findings
from checks.reference import SOURCE, pages, reference_findings
from checks.specification import specification_findings
from smoke_gate import contract
from smoke_gate.cli import commands

SCHEMA = json.loads((SOURCE / "schemas" / "verdict.json").read_text())
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


# --- messages ---------------------------------------------------------------------------------------------------------

ERRORS = """
class SmokeGateError(Exception): ...
class UsageError(SmokeGateError): ...
class DeepError(UsageError):
    def __init__(self, name):
        super().__init__(f"{name} is deep")
"""
MAKING = {
    "a text": ('raise UsageError("it is broken")', {"it is broken"}),
    "values": ('raise UsageError(f"{a} is {b}{c}, not {d!r}")', {"… is …, not …"}),
    "another argument first": ('raise UsageError(KIND, "it is late")', {"it is late"}),
    "a name": ('word = "it is"\n    raise UsageError(word)', {"it is"}),
    "a constant": ("raise UsageError(ADVICE)", {"do this"}),
    "one of two": ('raise UsageError("left" if a else "right")', {"left", "right"}),
    "a sum": ('raise UsageError("left " + ("hand" if a else "side"))', {"left hand", "left side"}),
    "a function's answer": ("raise UsageError(_words())", {"one", "two"}),
    "what a caller gives": ("raise _error(1, f'line {a}')", {"line …"}),
    "what a loop takes": ("for word in _words():\n        raise UsageError(word)", {"one", "two"}),
    "another's text": ("raise UsageError(str(a))", set()),
    "an error of another kind": ('raise KeyError("caught")', set()),
    "a refused value, elsewhere": ('raise ValueError("caught")', set()),
}
AROUND = """
ADVICE = "do this"

def _words():
    yield "one"
    return "two"

def _error(line, words):
    return UsageError(words)

def act(a, b, c, d):
    {}
"""


def package(root: Path, **modules: str) -> Path:
    source = root / "src" / "smoke_gate"
    for name, text in {"errors": ERRORS, **modules}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / f"{name}.py").write_text(text)
    return source


@pytest.mark.parametrize(("made", "said"), MAKING.values(), ids=MAKING)
def test_a_message_is_found_where_it_is_made(tmp_path, made, said):
    found = messages(package(tmp_path, act=AROUND.format(made)))
    assert found.keys() == {"… is deep"} | said


def test_a_refused_option_is_a_message(tmp_path):
    assert "too low" in messages(package(tmp_path, options='raise ValueError("too low")'))


def test_each_message_has_an_entry_and_each_entry_its_message(tmp_path):
    package(tmp_path, act='raise UsageError("it is broken")')
    (tmp_path / "docs").mkdir()
    page = "### Deep\n\n```text\n… is deep\n… is deep\nit is gone\n```\n"
    (tmp_path / "docs/troubleshooting.md").write_text(page)
    assert [*message_findings(tmp_path)] == [
        "src/smoke_gate/act.py:1: docs/troubleshooting.md has no entry for: it is broken",
        "docs/troubleshooting.md: no code says: it is gone",
        "docs/troubleshooting.md: stands twice: … is deep",
    ]


# --- fences -----------------------------------------------------------------------------------------------------------

FENCE = "```console\nls\n```\n"


def fenced(root: Path, text: str) -> Path:
    (root / "tests").mkdir()
    (root / "tests/test_start.py").write_text('PAGE = "start.md"\n')
    (root / "start.md").write_text(text)
    return root / "start.md"


def test_a_mark_is_for_the_fence_below_it_or_for_the_rest_of_the_page(tmp_path):
    page = fenced(
        tmp_path,
        f"# Start\n\n{FENCE}\n<!-- run by tests/test_start.py -->\n\nText.\n\n{FENCE}\n"
        f"<!-- not run: it needs a moon -->\n{FENCE}\n```text\nnot a command\n```\n\n{FENCE}",
    )
    rest = "run by tests/test_start.py"
    assert [one.mark for one in marked_fences(page)] == [None, rest, "not run: it needs a moon", rest]
    assert [*fence_findings(tmp_path, [page])] == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (f"<!-- not run: -->\n{FENCE}", "a mark without a test or a reason: not run:"),
        (f"<!-- not run: later -->\n{FENCE}", "a mark without a test or a reason: not run: later"),
        (
            f"<!-- run by tests/test_gone.py -->\n{FENCE}",
            "there is no tests/test_gone.py: run by tests/test_gone.py",
        ),
        ("<!-- not run: it needs a moon -->\n", "no fence is under the mark: not run: it needs a moon"),
    ],
)
def test_a_mark_has_a_fence_and_a_reason_that_holds(tmp_path, text, finding):
    assert [*fence_findings(tmp_path, [fenced(tmp_path, text)])] == [f"start.md: {finding}"]


def test_a_test_that_runs_a_page_names_it(tmp_path):
    page = fenced(tmp_path, f"<!-- run by tests/test_start.py -->\n{FENCE}")
    page = page.rename(tmp_path / "other.md")
    (finding,) = fence_findings(tmp_path, [page])
    assert finding == "other.md: tests/test_start.py does not name other.md: run by tests/test_start.py"


# --- reference pages --------------------------------------------------------------------------------------------------


def test_the_reference_names_every_command_option_and_function_and_every_key_of_a_verdict():
    made = pages()
    for name, command in commands.commands.items():
        assert f"\n## {name}\n" in made["command-line.md"]
        for option in command.params:
            assert option.opts[0] in made["command-line.md"] or isinstance(option, click.Argument)
    assert [name for name in contract.__all__ if f"### `{name}`" not in made["contract.md"]] == []
    keys = {key for part in (SCHEMA, *SCHEMA["$defs"].values()) for key in part.get("properties", ())}
    assert [key for key in keys if f"| `{key}` |" not in made["verdict-file.md"]] == []


def test_a_reference_page_that_is_old_is_found(tmp_path):
    (tmp_path / "docs").mkdir()
    for name, text in pages().items():
        (tmp_path / "docs" / name).write_text(text)
    assert [*reference_findings(tmp_path)] == []
    (tmp_path / "docs/contract.md").write_text("old")
    (finding,) = reference_findings(tmp_path)
    assert finding == "docs/contract.md is not what the code says: run `python -m checks.reference`"
