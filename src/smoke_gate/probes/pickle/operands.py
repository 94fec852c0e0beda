"""The operands of pickle opcodes: numbers, lengths, texts, names; each bounded, however long the stream says it is."""

import re
from collections.abc import Callable, Mapping
from functools import partial

from smoke_gate.probes.inspection import BrokenError
from smoke_gate.probes.pickle.values import MAX_TEXT, Opaque, Value
from smoke_gate.probes.streams import ExactReader

_MAX_TEXT_BYTES = 4 * MAX_TEXT
_MAX_INTEGER_BYTES = 16
_MAX_INDEX_DIGITS = 32
_PLAIN = re.compile(rb"-?(0|[1-9][0-9]*)")  # what every reader takes for the same number


class Operands:
    """Reads what follows an opcode; a text or integer too long to matter is read past and opaque."""

    def __init__(self, source: ExactReader) -> None:
        self.source = source

    def number(self, width: int, *, signed: bool = False) -> int:
        """Return a little-endian integer of ``width`` bytes."""
        return int.from_bytes(self.source.take(width), "little", signed=signed)

    def length(self, width: int) -> int:
        """Return a length of ``width`` bytes; one of four bytes beyond 2 GiB is taken as negative."""
        length = self.number(width, signed=width == 4)
        if length < 0:
            raise BrokenError("it is a corrupt pickle: a length is negative")
        return length

    def constant(self, width: int, value: Opaque = Opaque.VALUE) -> Opaque:
        """Read past a value of ``width`` bytes."""
        self.source.skip(width)
        return value

    def long(self, width: int) -> int | Opaque:
        """Return an integer whose length has ``width`` bytes."""
        length = self.length(width)
        if length > _MAX_INTEGER_BYTES:
            return self.constant(length, Opaque.NUMBER)
        return self.number(length, signed=True)

    def text(self, width: int, encoding: str) -> str | Opaque:
        """Return a text whose length has ``width`` bytes."""
        length = self.length(width)
        if length > _MAX_TEXT_BYTES:
            self.source.skip(length)
            return Opaque.COMPUTED
        return _decoded(self.source.take(length), encoding)

    def line(self) -> Opaque:
        """Read past a line."""
        self.source.line(0)
        return Opaque.VALUE

    def number_line(self, last: bytes = b"") -> int | Opaque:
        """Return the number on a line that ends in ``last``, opaque unless it is a plain one; 00 and 01 are truths."""
        line = self.source.line(_MAX_INDEX_DIGITS)
        if line in (b"00", b"01"):
            return Opaque.VALUE
        digits = (line or b"").removesuffix(last)
        return int(digits) if _PLAIN.fullmatch(digits) else Opaque.NUMBER

    def text_line(self, *, quoted: bool) -> str | Opaque:
        """Return the text of a line, between quotes or not; with an escape it is as good as computed."""
        line = self.source.line(_MAX_TEXT_BYTES)
        if line is None:
            return Opaque.COMPUTED
        if quoted:
            line = line.rstrip()
            if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
                raise BrokenError("it is a corrupt pickle: a string has no quotes")
            line = line[1:-1]
        return Opaque.COMPUTED if b"\\" in line else _decoded(line, "ascii")

    def index(self) -> int:
        """Return the memo index on a line."""
        line = self.source.line(_MAX_INDEX_DIGITS)
        try:
            index = int(line or b"")
        except ValueError:
            index = -1
        if index < 0:
            raise BrokenError("it is a corrupt pickle: a memo index is not a number")
        return index

    def name(self) -> str:
        """Return the line that names a module or a global."""
        line = self.source.line(_MAX_TEXT_BYTES)
        if line is None:
            raise BrokenError("it names a global whose name is too long")
        return _utf8(line)

    def readers(self) -> Mapping[str, Callable[[], Value]]:
        """Return what reads the value of each opcode that holds one."""
        return {
            **dict.fromkeys(("NONE", "NEWTRUE", "NEWFALSE", "NEXT_BUFFER"), partial(self.constant, 0)),
            **dict.fromkeys(("INT", "FLOAT"), self.number_line),
            "LONG": partial(self.number_line, b"L"),
            "BINFLOAT": partial(self.constant, 8, Opaque.NUMBER),
            "BININT": partial(self.number, 4, signed=True),
            "BININT1": partial(self.number, 1),
            "BININT2": partial(self.number, 2),
            "LONG1": partial(self.long, 1),
            "LONG4": partial(self.long, 4),
            "STRING": partial(self.text_line, quoted=True),
            "UNICODE": partial(self.text_line, quoted=False),
            "BINSTRING": partial(self.text, 4, "ascii"),
            "SHORT_BINSTRING": partial(self.text, 1, "ascii"),
            "BINUNICODE": partial(self.text, 4, "utf-8"),
            "SHORT_BINUNICODE": partial(self.text, 1, "utf-8"),
            "BINUNICODE8": partial(self.text, 8, "utf-8"),
        }


def _decoded(data: bytes, encoding: str) -> str | Opaque:
    if encoding == "ascii" and not data.isascii():
        return Opaque.COMPUTED  # what it means is up to the loader
    text = _utf8(data)
    return text if len(text) <= MAX_TEXT else Opaque.COMPUTED


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise BrokenError("it is a corrupt pickle: a text is not UTF-8") from None
