"""The checks of the repository find what they are there for."""

from pathlib import Path

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
