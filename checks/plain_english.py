"""Habits of prose that make a sentence hard to read, held at zero in documents, docstrings, messages and comments."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_DEGREE = "longer|more|less|fewer|larger|smaller|greater|better|worse|earlier|later"
_NOT_THERE = r"(?<!\b[Tt]here )"  # a thing that is not there may be called so
HABITS = {
    "`is no` before a noun; write `is not a`": re.compile(
        rf"{_NOT_THERE}\b(?:is|are|was|were)\s+no\s+(?!(?:{_DEGREE})\b)\w", re.IGNORECASE
    ),
    "`none` after `is`; say what the thing is not": re.compile(
        rf"{_NOT_THERE}\b(?:is|are)\s+none\b(?!\s+of\b)"
    ),
    "`but for` after a comma; write `except for`": re.compile(r",\s+but\s+for\b"),
}
FIRST_WORDS = ("What", "That", "Whether")
OTHERS = (".css", ".html", ".js", ".sh", ".toml", ".yaml", ".yml")
NAMES = (".ci/run", "Dockerfile", "Makefile")


class Prose(NamedTuple):
    """A piece of text that people read, and the line at which it begins."""

    line: int
    text: str


def plain_english_findings(root: Path) -> Iterator[str]:
    """Yield the sentences that have a habit, and the docstrings that begin with one."""
    for path in _files(root):
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            yield from (
                f"{name}:{line}: a docstring begins with {word!r}" for line, word in _beginnings(text)
            )
        for prose in _prose(path, text):
            for habit, pattern in HABITS.items():
                for found in pattern.finditer(prose.text):
                    line = prose.line + prose.text.count("\n", 0, found.start())
                    yield f"{name}:{line}: {habit}: {_around(prose.text, found)}"


def _files(root: Path) -> list[Path]:
    """Return the files that git would commit and that hold prose."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.splitlines()
    held = [root / name for name in sorted(listed) if name.endswith((".md", ".py", *OTHERS)) or name in NAMES]
    return [path for path in held if path.is_file()]


def _prose(path: Path, text: str) -> Iterator[Prose]:
    if path.suffix == ".md":
        yield Prose(1, re.sub(r"(?ms)^```.*?^```", _blank, text))
    elif path.suffix == ".py":
        yield from _python_prose(text)
    else:
        yield Prose(1, text)


def _python_prose(text: str) -> Iterator[Prose]:
    """Yield comments, and literals with a blank: docstrings, messages, help."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield Prose(node.lineno, node.value)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield Prose(token.start[0], token.string)


def _beginnings(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the first word of each docstring that should begin with a verb or a noun."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first, _, _ = (ast.get_docstring(node) or "").partition(" ")
            if first in FIRST_WORDS:
                yield getattr(node, "lineno", 1), first


def _blank(block: re.Match[str]) -> str:
    return "\n" * block[0].count("\n")


def _around(text: str, found: re.Match[str]) -> str:
    line = " ".join(text[max(found.start() - 40, 0) : found.end() + 40].split())
    return f"…{line}…"
