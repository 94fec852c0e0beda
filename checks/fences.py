"""The commands and YAML of the documents. A test runs each of them, or a mark above it says who does, or why nobody.

A mark is a comment: ``<!-- run by tests/PATH.py -->`` or ``<!-- not run: REASON -->``. Directly above a fence it is
for that fence, elsewhere for all later fences of the page that have none of their own.
tests/integration/test_documents.py runs the fences without a mark: a new one is run without being listed anywhere.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

LANGUAGES = ("bash", "console", "sh", "yaml")
COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
MARK = re.compile(r"(?P<kind>run by|not run:) *(?P<words>.*)", re.DOTALL)


@dataclass(frozen=True)
class MarkedFence:
    """A fence of a page, and the mark that is for it; None: it has no mark."""

    line: int
    language: str
    text: str
    mark: str | None


def marked_fences(page: Path) -> list[MarkedFence]:
    """Return the fences of a page that could be run, in order."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    marks = [_mark(token.content) if token.type == "html_block" else None for token in tokens]
    for_all: str | None = None
    found = []
    for index, token in enumerate(tokens):
        language = token.info.strip().partition(" ")[0] if token.type == "fence" else ""
        if language in LANGUAGES:
            line = token.map[0] + 1 if token.map else 0
            own = marks[index - 1] if index else None
            found.append(MarkedFence(line, language, token.content, own or for_all))
        following = tokens[index + 1].type if index + 1 < len(tokens) else ""
        if marks[index] and following != "fence":
            for_all = marks[index]
    return found


def fence_findings(root: Path, pages: Iterable[Path]) -> Iterator[str]:
    """Yield marks for no fence, marks without a reason, and marks that name a test that does not know the page."""
    for page in pages:
        name = page.relative_to(root).as_posix()
        fences = marked_fences(page)
        used = {fence.mark for fence in fences}
        for comment in COMMENT.findall(_without_code(page.read_text(encoding="utf-8"))):
            if _mark(f"<!-- {comment} -->") and comment not in used:
                yield f"{name}: no fence is under the mark: {comment}"
        for mark in sorted(filter(None, used)):
            yield from (f"{name}: {problem}: {mark}" for problem in _problems(mark, page, root))


def _problems(mark: str, page: Path, root: Path) -> Iterator[str]:
    found = MARK.fullmatch(mark)
    words = found["words"] if found else ""
    if len(words.split()) < (1 if mark.startswith("run by") else 3):
        yield "a mark without a test or a reason"
    for test in re.findall(r"tests/\S+\.py", words):
        if not (root / test).is_file():
            yield f"there is no {test}"
        elif mark.startswith("run by") and not _knows(root / test, page, root):
            yield f"{test} does not name {page.name}"


def _knows(test: Path, page: Path, root: Path) -> bool:
    """Return whether a test names a page, or all pages of its folder."""
    text = test.read_text(encoding="utf-8")
    folder = page.parent.relative_to(root).name
    return page.name in text or bool(folder and f'"{folder}"' in text and 'glob("*.md")' in text)


def _mark(html: str) -> str | None:
    """Return the mark that a comment is, None if it is another comment."""
    found = COMMENT.fullmatch(html.strip())
    return found[1] if found and MARK.match(found[1]) else None


def _without_code(text: str) -> str:
    """Return a page without its fences and what stands in backquotes: there a mark is only spoken of."""
    return re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "", text)
