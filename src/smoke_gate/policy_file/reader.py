"""Reads the policy file's YAML: every scalar as it was written, and where every entry begins.

YAML's own types would make ``NO`` a boolean, ``042`` the number 34 and ``1e3`` a float; here a scalar is its text, and
only ``null``, ``~`` and nothing are null.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from smoke_gate.deadline import within
from smoke_gate.policy_file.errors import Location, PolicyError, Position, Problem, key_text, shown

MAX_BYTES = 256 * 1024
PATIENCE_SECONDS = 10.0  # a file is there at once, a pipe may wait for its writer for ever
MAX_ENTRIES = 50_000  # aliases expanded: ten lines of them can stand for a billion entries
MAX_DEPTH = 40  # an alias may hold itself

_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_NULLS = ("null", "~", "")


@dataclass(frozen=True, slots=True)
class Document:
    """A policy file as read.

    ``value`` is made of dicts, lists, texts and None; ``places`` says where each entry begins (a key, or an item of a
    list; ``()`` is the file); ``problems`` are those that do not hinder reading on.
    """

    value: dict[str, Any]
    places: Mapping[Location, Position]
    problems: tuple[Problem, ...] = ()


def read_document(path: Path, content: bytes | None = None) -> Document:
    """Read a policy file; ``content``, if given, counts in place of what it holds.

    Raises:
        PolicyError: It cannot be read, is too large, no UTF-8, no YAML, empty, or no mapping.
    """
    source = str(path)
    content = _content(path) if content is None else content
    if len(content) > MAX_BYTES:
        message = f"larger than {MAX_BYTES // 1024} KiB: this is not a policy file"
        raise PolicyError([Problem(Position(source), "", message)])
    root = _composed(source, _decoded(source, content))
    if not isinstance(root, yaml.MappingNode):
        found = "nothing" if root is None else "a list" if isinstance(root, yaml.SequenceNode) else "a text"
        raise _error(source, 1, 1, f"found {found}; expected a mapping that begins with `version: 1`")
    reader = _Reader(source)
    value = reader.mapping(root, ())
    return Document(value, {(): Position(source, 1, 1), **reader.places}, tuple(reader.problems))


def _content(path: Path) -> bytes:
    try:
        return within(PATIENCE_SECONDS, _first_bytes, path)
    except TimeoutError:
        message = (
            f"nothing came from it within {PATIENCE_SECONDS:.0f} seconds: it is a pipe that nobody writes to"
        )
        raise PolicyError([Problem(Position(str(path)), "", message)]) from None
    except OSError as error:
        raise PolicyError([Problem(Position(str(path)), "", f"cannot be read: {error.strerror}")]) from None


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _decoded(source: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _line_and_column(content[: error.start].decode("utf-8-sig"))
        message = f"byte {content[error.start]:#04x} is not UTF-8: save it as UTF-8"
        raise _error(source, line, column, message) from None


def _line_and_column(before: str) -> tuple[int, int]:
    lines = before.split("\n")
    return len(lines), len(lines[-1]) + 1


class _AsWritten(yaml.SafeLoader):
    """A loader that takes no plain scalar for anything but text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.yaml_implicit_resolvers = {}


def _composed(source: str, text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_AsWritten)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = ", ".join(part for part in (error.context, error.problem) if part)
        hint = ": indent with blanks, not tabs" if "'\\t'" in message else ""
        raise _error(source, line, column, f"not YAML: {message}{hint}") from None
    except yaml.reader.ReaderError as error:
        line, column = _line_and_column(text[: error.position])
        message = f"not YAML: character {error.character:#x} is not allowed"
        raise _error(source, line, column, message) from None
    except (ValueError, OverflowError):
        raise _error(
            source, 1, 1, r"not YAML: an escape such as \U00110000 stands for no character"
        ) from None
    except RecursionError:
        raise _error(source, 1, 1, f"nested deeper than {MAX_DEPTH} levels") from None


def _is_plain(node: yaml.Node) -> bool:
    """Return whether a node is a scalar without quotes."""
    return isinstance(node, yaml.ScalarNode) and node.style is None


def _error(source: str, line: int, column: int, message: str) -> PolicyError:
    return PolicyError([Problem(Position(source, line, column), "", message)])


@dataclass(slots=True)
class _Reader:
    """Turns YAML nodes into plain values, and notes where they stand and what is wrong with them."""

    source: str
    places: dict[Location, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        """Read a mapping; of a key that is named twice the first counts, and the second is a problem."""
        entries: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node)
            key = self._value(key_node, location)
            merges = key == "<<" and _is_plain(key_node)
            if not isinstance(key, str) or merges:
                merge = "merge keys are not read: write the keys out"
                message = merge if merges else f"found {shown(key)}; expected a key"
                self.problems.append(Problem(place, key_text(location), message))
            elif key in entries:
                first = self.places[*location, key]
                message = f"named twice, first in line {first.line}, column {first.column}"
                self.problems.append(Problem(place, key_text((*location, key)), message))
            else:
                self.places[*location, key] = place
                entries[key] = self._value(value_node, (*location, key))
        return entries

    def _value(self, node: yaml.Node, location: Location) -> Any:
        if len(self.places) > MAX_ENTRIES or len(location) > MAX_DEPTH:
            mark = node.start_mark
            message = f"more than {MAX_ENTRIES} entries or {MAX_DEPTH} levels, aliases expanded"
            raise _error(self.source, mark.line + 1, mark.column + 1, message)
        if node.tag not in _TAGS:
            message = f"tags are not read: found {shown(node.tag)}; write the value alone"
            self.problems.append(Problem(self._place(node), key_text(location), message))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, location)
        return None if _is_plain(node) and node.value in _NULLS else node.value

    def _sequence(self, node: yaml.SequenceNode, location: Location) -> list[Any]:
        items = []
        for index, item in enumerate(node.value):
            self.places[*location, index] = self._place(item)
            items.append(self._value(item, (*location, index)))
        return items

    def _place(self, node: yaml.Node) -> Position:
        return Position(self.source, node.start_mark.line + 1, node.start_mark.column + 1)
