"""Protocol buffers' wire format: the fields of a message, each within the bytes of its message.

Format: Protocol Buffers, "Encoding". A message that is cut off has a field that goes on beyond the end.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from smoke_gate.probes.inspection import BrokenError, LimitError
from smoke_gate.probes.streams import BLOCK_BYTES, ExactReader

MAX_FIELDS: Final = 1_000_000  # of one file: some seconds; a tensor's data are one field
_MAX_VARINT_BYTES = 10
_CONTINUES = bytes(range(0x80, 0x100))  # the bytes of a varint that are not its last


class Wire(IntEnum):
    """How a field's value is written. The two of groups are not used any more."""

    VARINT = 0
    FIXED64 = 1
    LENGTH = 2
    FIXED32 = 5


_WIRES: Final = {int(wire): wire for wire in Wire}
_FIXED_BYTES: Final = {Wire.FIXED32: 4, Wire.FIXED64: 8}


class Field(NamedTuple):
    """A field of a message: its number, and an integer or, for ``Wire.LENGTH``, where its bytes end."""

    number: int
    wire: Wire
    value: int
    end: int

    @property
    def is_bytes(self) -> bool:
        """True if it holds bytes: a text, a message or packed numbers."""
        return self.wire is Wire.LENGTH


def begins_message(head: bytes, fields: frozenset[tuple[int, Wire]]) -> bool:
    """Return whether bytes begin with one of the fields, by number and wire type, each below 16."""
    return head[:1] != b"" and (head[0] >> 3, head[0] & 7) in fields


class WireReader:
    """Reads messages from front to back, without keeping them."""

    def __init__(self, source: ExactReader) -> None:
        self._source = source
        self._position = 0
        self._fields_left = MAX_FIELDS

    def fields(self, end: int) -> Iterator[Field]:
        """Yield the fields of the message that goes from here to ``end``; what of one is not read is skipped.

        Raises:
            BrokenError: a field is cut off, malformed, or goes on beyond its message.
            LimitError: there are more fields than are followed.

        """
        while self._position < end:
            self._fields_left -= 1
            if self._fields_left < 0:
                raise LimitError(f"it has more than {MAX_FIELDS} protobuf fields")
            field = self._field(end)
            yield field
            if field.is_bytes:
                self._skip_to(field.end)

    def read(self, field: Field, limit: int) -> bytes:
        """Return the bytes of a field.

        Raises:
            BrokenError: the field holds a number, or more than ``limit`` bytes.

        """
        count = field.end - self._position
        if not field.is_bytes or count > limit:
            raise BrokenError(f"it has a malformed protobuf field {field.number}")
        return self._take(count)

    def text(self, field: Field, limit: int = 4096) -> str:
        """Return the text of a field.

        Raises:
            BrokenError: as ``read``, or it is not UTF-8.

        """
        try:
            return self.read(field, limit).decode()
        except UnicodeDecodeError:
            raise BrokenError(f"it has a protobuf field {field.number} that is not UTF-8") from None

    def integers(self, field: Field, limit: int) -> list[int]:
        """Return the integers of a repeated field, packed or one at a time; more than ``limit`` bytes are not read."""
        if field.wire is Wire.VARINT:
            return [field.value]
        if not field.is_bytes or field.end - self._position > limit:
            raise BrokenError(f"it has a malformed protobuf field {field.number}")
        values = []
        while self._position < field.end:
            values.append(self._varint(field.end))
        return values

    def count(self, field: Field, width: int | None) -> int:
        """Return how many numbers a repeated field has: packed ones of ``width`` bytes, varints for None, or one."""
        if not field.is_bytes:
            return 1
        if width is not None:
            length = field.end - self._position
            if length % width:
                raise BrokenError(f"it has a protobuf field {field.number} that ends amid a number")
            return length // width
        count, last = 0, b"\0"
        while self._position < field.end:
            block = self._take(min(BLOCK_BYTES, field.end - self._position))
            count += len(block.translate(None, _CONTINUES))
            last = block[-1:]
        if last >= b"\x80":
            raise BrokenError(f"it has a protobuf field {field.number} that ends amid a number")
        return count

    def _field(self, end: int) -> Field:
        key = self._varint(end)
        number, wire = key >> 3, _WIRES.get(key & 7)
        if not number or wire is None:
            raise BrokenError("it has a malformed protobuf field")
        if width := _FIXED_BYTES.get(wire):
            self._check(width, end)
            return Field(number, wire, int.from_bytes(self._take(width), "little"), self._position)
        value = self._varint(end)
        if wire is Wire.LENGTH:
            self._check(value, end)
            return Field(number, wire, value, self._position + value)
        return Field(number, wire, value, self._position)

    def _check(self, count: int, end: int) -> None:
        if count > end - self._position:
            raise BrokenError("it is cut off or damaged: a protobuf field goes on beyond its message")

    def _varint(self, end: int) -> int:
        value = 0
        for index in range(_MAX_VARINT_BYTES):
            self._check(1, end)
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                return value
        raise BrokenError("it has a malformed protobuf number")

    def _take(self, count: int) -> bytes:
        data = self._source.take(count)
        self._position += count
        return data

    def _skip_to(self, end: int) -> None:
        if end < self._position:
            raise BrokenError("it has a malformed protobuf field")
        self._source.skip(end - self._position)
        self._position = end
