"""Writes pickles that call what no honest one calls, and never runs them. What they would run prints a word."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

WORD = "smoke-gate-corpus"
ECHO = f"echo {WORD}"
PRINT = f"print('{WORD}')"

Expected: TypeAlias = Literal["dangerous", "unknown", "broken"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A hostile file: the name of its trick, its bytes, its own name, and what must be found in it."""

    trick: str
    data: bytes
    file: str
    expected: Expected


@dataclass(frozen=True, slots=True)
class Ref:
    """A global."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of something with arguments."""

    what: "Ref | Call"
    arguments: tuple[object, ...] = ()


def call(path: str, *arguments: object) -> Call:
    """Return the call of ``module:name``."""
    module, _, name = path.partition(":")
    return Call(Ref(module, name), arguments)


def pickled(value: object) -> bytes:
    """Return a whole pickle of protocol 4."""
    return b"\x80\x04" + code(value) + b"."


def code(value: object) -> bytes:
    """Return the opcodes that make a value."""
    match value:
        case tuple():
            return b"(" + b"".join(map(code, value)) + b"t"
        case list():
            return b"](" + b"".join(map(code, value)) + b"e"
        case dict():
            return b"}(" + b"".join(code(part) for pair in value.items() for part in pair) + b"u"
        case Ref(module, name):
            return text(module) + text(name) + b"\x93"
        case Call(what, arguments):
            return code(what) + code(arguments) + b"R"
        case _:
            return _plain(value)


def _plain(value: object) -> bytes:
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"J" + value.to_bytes(4, "little", signed=True)
        case str():
            return text(value)
        case bytes():
            return b"B" + len(value).to_bytes(4, "little") + value
        case _:
            raise TypeError(f"no opcodes for {value!r}")


def text(value: str) -> bytes:
    """Return the opcode of a text."""
    data = value.encode()
    if len(data) < 256:
        return b"\x8c" + bytes([len(data)]) + data
    return b"X" + len(data).to_bytes(4, "little") + data


def framed(content: bytes, length: int | None = None) -> bytes:
    """Return opcodes in a frame that says it has ``length`` bytes."""
    return b"\x95" + (len(content) if length is None else length).to_bytes(8, "little") + content


SYSTEM = call("os:system", ECHO)
EVIL = pickled(SYSTEM)
EVIL_TEXT = b"cos\nsystem\n(S'" + ECHO.encode() + b"'\ntR."  # protocol 0
CLEAN = pickled({"weight": [1, 2, 3]})
