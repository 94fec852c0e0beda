"""FlatBuffers: tables and vectors, found by offsets in a buffer.

Format: FlatBuffers, "Internals". Each offset is checked before it is followed.
"""

import struct
from dataclasses import dataclass

from smoke_gate.probes.inspection import BrokenError

_MIN_BYTES = 4  # of a table, which points to its vtable, and of a vtable, which has the lengths of both


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a buffer, at ``at``; its fields are found by number, in the order of the schema."""

    data: bytes
    at: int

    def _field(self, number: int) -> int | None:
        """Return where a field lies, None where the table does not have it."""
        vtable = self.at - _read(self.data, self.at, "<i")
        length = _read(self.data, vtable, "<H")
        place = 4 + 2 * number
        offset = _read(self.data, vtable + place, "<H") if place + 2 <= length else 0
        return self.at + offset if offset else None

    def table(self, number: int) -> "Table | None":
        """Return the table that a field points to."""
        at = self._field(number)
        return None if at is None else _table(self.data, at)

    def vector(self, number: int, width: int) -> tuple[int, int] | None:
        """Return where the elements of a vector begin and how many they are, each of ``width`` bytes."""
        at = self._field(number)
        return None if at is None else _vector(self.data, at, width)

    def tables(self, number: int, limit: int) -> list["Table"]:
        """Return the tables of a vector of tables."""
        return [_table(self.data, at) for at in self._places(number, limit)]

    def texts(self, number: int, limit: int) -> list[bytes]:
        """Return the texts of a vector of texts."""
        found = []
        for at in self._places(number, limit):
            start, count = _vector(self.data, at, 1)
            found.append(self.data[start : start + count])
        return found

    def _places(self, number: int, limit: int) -> list[int]:
        start, count = self.vector(number, 4) or (0, 0)
        if count > limit:
            raise BrokenError(f"it has a FlatBuffers vector of {count} elements, more than {limit}")
        return [start + 4 * index for index in range(count)]


def root(data: bytes) -> Table:
    """Return the table that a buffer begins with.

    Raises:
        BrokenError: here and in each method, an offset leads out of the buffer.

    """
    return _table(data, 0)


def _table(data: bytes, at: int) -> Table:
    place = at + _read(data, at, "<I")
    vtable = place - _read(data, place, "<i")
    length, size = _read(data, vtable, "<H"), _read(data, vtable + 2, "<H")
    if min(length, size) < _MIN_BYTES or max(vtable + length, place + size) > len(data):
        raise BrokenError("it is cut off or damaged: a FlatBuffers table goes on beyond its end")
    return Table(data, place)


def _vector(data: bytes, at: int, width: int) -> tuple[int, int]:
    start = at + _read(data, at, "<I")
    count = _read(data, start, "<I")
    if width * count > len(data) - start - 4:
        raise BrokenError("it is cut off or damaged: a FlatBuffers vector goes on beyond its end")
    return start + 4, count


def _read(data: bytes, at: int, layout: str) -> int:
    if not 0 <= at <= len(data) - struct.calcsize(layout):
        raise BrokenError("it is cut off or damaged: a FlatBuffers offset leads out of it")
    value: int = struct.unpack_from(layout, data, at)[0]
    return value
