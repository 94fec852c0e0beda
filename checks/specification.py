"""The rules of docs/specification.md and the tests that show them: each rule has a test, each test's rule is there."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

PAGE = "docs/specification.md"
RULE = re.compile(r'<a id="(?P<anchor>[^"]+)"></a>\*\*(?P<shown>[^*]+)\*\*')
NAMED = re.compile(r"\bspec: (?P<names>[\w-]+(?:, [\w-]+)*)")


def specification_findings(root: Path) -> Iterator[str]:
    """Rules without a test, tests whose rule is gone, and rules whose anchor and name differ or stand twice."""
    page = (root / PAGE).read_text(encoding="utf-8")
    rules: set[str] = set()
    for found in RULE.finditer(page):
        anchor, shown = found["anchor"], found["shown"]
        if anchor in rules:
            yield f"{PAGE}: the rule {anchor} stands twice"
        if anchor != shown:
            yield f"{PAGE}: the anchor {anchor} belongs to a rule that is shown as {shown}"
        rules.add(anchor)
    anchors = set(re.findall(r'<a id="([^"]+)">', page))
    yield from (f"{PAGE}: {anchor} is not followed by its name in bold" for anchor in sorted(anchors - rules))

    named = tests_by_rule(root)
    yield from (f"{PAGE}: no test names the rule {rule}" for rule in sorted(rules - named.keys()))
    for rule in sorted(named.keys() - rules):
        yield f"{', '.join(named[rule])}: {PAGE} has no rule {rule}"


def tests_by_rule(root: Path) -> Mapping[str, list[str]]:
    """Name of a rule → the tests whose docstrings name it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                place = f"{path.relative_to(root).as_posix()}:{node.lineno}"
                named = (
                    match["names"].split(", ") for match in NAMED.finditer(ast.get_docstring(node) or "")
                )
                for rule in chain.from_iterable(named):
                    found[rule].append(place)
    return found
