"""The operands of pickle opcodes: numbers, lengths, texts, names; each bounded, however long the stream says it is."""

from collections.abc import Callable, Mapping
from functools import partial

from smoke_gate.collect.probes.inspection import BrokenError
from smoke_gate.collect.probes.pickle_values import MAX_TEXT, Opaque, Value
from smoke_gate.collect.probes.streams import Source

_MAX_TEXT_BYTES = 4 * MAX_TEXT
_MAX_INTEGER_BYTES = 16
_MAX_INDEX_DIGITS = 32


class Operands:
    """Reads what follows an opcode; a text or integer too long to matter is read past and opaque."""

    def __init__(self, source: Source) -> None:
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

    def constant(self, width: int) -> Opaque:
        """Read past a value of ``width`` bytes."""
        self.source.skip(width)
        return Opaque.VALUE

    def data(self, width: int) -> Opaque:
        """Read past bytes whose length has ``width`` bytes."""
        return self.constant(self.number(width))

    def long(self, width: int) -> int | Opaque:
        """Return an integer whose length has ``width`` bytes."""
        length = self.length(width)
        return self.constant(length) if length > _MAX_INTEGER_BYTES else self.number(length, signed=True)

    def text(self, width: int, encoding: str) -> str | Opaque:
        """Return a text whose length has ``width`` bytes."""
        length = self.length(width)
        return (
            self.constant(length)
            if length > _MAX_TEXT_BYTES
            else _decoded(self.source.take(length), encoding)
        )

    def line(self) -> Opaque:
        """Read past a line."""
        self.source.line(0)
        return Opaque.VALUE

    def text_line(self, *, quoted: bool) -> str | Opaque:
        """Return the text of a line, between quotes or not; with an escape it is as good as computed."""
        line = self.source.line(_MAX_TEXT_BYTES)
        if line is None:
            return Opaque.VALUE
        if quoted:
            line = line.rstrip()
            if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
                raise BrokenError("it is a corrupt pickle: a string has no quotes")
            line = line[1:-1]
        return Opaque.VALUE if b"\\" in line else _decoded(line, "ascii")

    def index(self) -> int:
        """Return the memo index on a line."""
        line = self.source.line(_MAX_INDEX_DIGITS)
        try:
            index = int(line or b"")
        except ValueError:
            index = -1
        if index < 0:
            raise BrokenError("it is a corrupt pickle: a memo index is no number")
        return index

    def name(self) -> str:
        """Return the line that names a module or a global."""
        line = self.source.line(_MAX_TEXT_BYTES)
        if line is None:
            raise BrokenError("it names a global whose name is too long")
        return _utf8(line)

    def readers(self) -> Mapping[str, Callable[[], Value]]:
        """Return what reads the value of each opcode that holds one."""
        widths = {"NONE": 0, "NEWTRUE": 0, "NEWFALSE": 0, "BINFLOAT": 8, "NEXT_BUFFER": 0}
        return {
            **{name: partial(self.constant, width) for name, width in widths.items()},
            **dict.fromkeys(("INT", "LONG", "FLOAT"), self.line),
            "BININT": partial(self.number, 4, signed=True),
            "BININT1": partial(self.number, 1),
            "BININT2": partial(self.number, 2),
            "LONG1": partial(self.long, 1),
            "LONG4": partial(self.long, 4),
            "BINBYTES": partial(self.data, 4),
            "SHORT_BINBYTES": partial(self.data, 1),
            "BINBYTES8": partial(self.data, 8),
            "BYTEARRAY8": partial(self.data, 8),
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
        return Opaque.VALUE  # what it means is up to the loader
    text = _utf8(data)
    return text if len(text) <= MAX_TEXT else Opaque.VALUE


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise BrokenError("it is a corrupt pickle: a text is not UTF-8") from None
