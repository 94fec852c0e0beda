"""MessagePack, as flax writes its states: values with their lengths; arrays are extensions of a type of their own.

Format: msgpack/msgpack, spec.md; google/flax, flax/serialization.py (_MsgpackExtType, _ndarray_to_bytes).
"""

import io
from math import prod
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.streams import ExactReader

_MAX_DEPTH = 200
_MAX_VALUES = 3_000_000  # some seconds; an array of numbers is one
_MAX_DIMENSIONS = 64
_TELLING_NUMBERS = 2
_ARRAY, _SCALAR = 1, 3  # flax's extensions that hold a shape, the name of a dtype, and bytes
_CONTAINERS: Final = {
    0xDC: (2, 1),
    0xDD: (4, 1),
    0xDE: (2, 2),
    0xDF: (4, 2),
}  # bytes of the count; values an entry
_BYTES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}  # bin and str: bytes of the length
_NUMBERS: Final = {
    0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
}  # fmt: skip
_CONSTANTS = (0xC0, 0xC2, 0xC3)  # nil, false, true
_FIXED_EXTENSIONS: Final = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_EXTENSIONS: Final = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_ITEM_BYTES: Final = {
    **dict.fromkeys((b"bool", b"int2", b"uint2", b"int4", b"uint4", b"int8", b"uint8"), 1),
    **dict.fromkeys((b"int16", b"uint16", b"float16", b"bfloat16"), 2),
    **dict.fromkeys((b"int32", b"uint32", b"float32"), 4),
    **dict.fromkeys((b"int64", b"uint64", b"float64", b"complex64"), 8),
    b"complex128": 16,
}


def begins_msgpack(head: bytes, _: int) -> bool:
    """Return whether bytes begin like a map or an array; so does much else."""
    return head[:1] != b"" and (0x80 <= head[0] <= 0x9F or head[0] in _CONTAINERS)


def probe_msgpack(stream: io.BufferedReader, _: int, inspection: Inspection) -> None:
    """Verify that one value ends where the file does, and the bytes of arrays against their shapes.

    Raises:
        BrokenError: it is cut off, malformed, nested too deeply, or followed by more.
        LimitError: it has more values than are followed.

    """
    source = ExactReader(stream)
    _Walk(source, inspection).run()
    if not source.at_end():
        raise BrokenError("it has bytes after the end of its msgpack value")


class _Walk:
    """Goes through the values without recursion: ``open`` has how many are left of each container."""

    def __init__(self, source: ExactReader, inspection: Inspection) -> None:
        self._source = source
        self._inspection = inspection
        self._left = _MAX_VALUES
        self._numbers = 0
        self._has_data = False

    def run(self) -> None:
        """Walk through one value."""
        waiting = [1]
        while waiting:
            if not waiting[-1]:
                waiting.pop()
                continue
            waiting[-1] -= 1
            if count := self._value():
                waiting.append(count)
                if len(waiting) > _MAX_DEPTH:
                    raise BrokenError(f"it has msgpack that is nested more than {_MAX_DEPTH} deep")
        if self._has_data:
            self._inspection.came_upon(Holds.NUMBERS if self._numbers >= _TELLING_NUMBERS else Holds.DATA)

    def _value(self) -> int:
        """Read one value, and return how many values it contains."""
        self._left -= 1
        if self._left < 0:
            raise LimitError(f"it has more than {_MAX_VALUES} msgpack values")
        first = self._source.take(1)[0]
        if count := self._container(first):
            return count
        if 0x80 <= first <= 0x9F or first in _CONTAINERS:
            return 0
        if first in _FIXED_EXTENSIONS or first in _EXTENSIONS:
            width = _EXTENSIONS.get(first)
            self._extension(self._number(width) if width else _FIXED_EXTENSIONS[first])
            return 0
        self._plain(first)
        self._has_data = True
        return 0

    def _container(self, first: int) -> int:
        if first in _CONTAINERS:
            width, each = _CONTAINERS[first]
            return each * self._number(width)
        if 0x80 <= first <= 0x8F:
            return 2 * (first & 0x0F)
        return first & 0x0F if 0x90 <= first <= 0x9F else 0

    def _plain(self, first: int) -> None:
        """Read past a text, bytes, a number, true, false or nothing."""
        if first < 0x80 or first >= 0xE0:
            self._numbers += 1
        elif 0xA0 <= first <= 0xBF:
            self._source.skip(first & 0x1F)
        elif first in _BYTES:
            self._source.skip(self._number(_BYTES[first]))
        elif first in _NUMBERS:
            self._numbers += 1
            self._source.skip(_NUMBERS[first])
        elif first not in _CONSTANTS:
            raise BrokenError(f"it has a msgpack value of unknown type {first:#x}")

    def _number(self, width: int) -> int:
        return int.from_bytes(self._source.take(width), "big")

    def _extension(self, length: int) -> None:
        kind = self._source.take(1)[0]
        if kind not in (_ARRAY, _SCALAR):
            self._source.skip(length)
            self._has_data = True
            return
        end = self._source.position + length
        elements = self._flax_array()
        if self._source.position != end:
            raise BrokenError("it has a flax array that does not end where its extension does")
        if elements:
            self._inspection.came_upon(Holds.TENSORS)

    def _flax_array(self) -> int:
        """Read a shape, the name of a dtype, and bytes; return the number of elements."""
        if self._source.take(1) != b"\x93":
            raise BrokenError("it has a flax array that is not a shape, a dtype and bytes")
        dimensions = self._container(self._source.take(1)[0])
        if dimensions > _MAX_DIMENSIONS:
            raise BrokenError(f"it has a flax array of {dimensions} dimensions, more than {_MAX_DIMENSIONS}")
        elements = prod([self._length() for _ in range(dimensions)])
        dtype = self._source.take(self._text_length())
        marker = self._source.take(1)[0]
        if marker not in (0xC4, 0xC5, 0xC6):
            raise BrokenError("it has a flax array whose data are not bytes")
        found = self._number(_BYTES[marker])
        width = 1 if dtype.startswith(b"float8_") else _ITEM_BYTES.get(dtype)
        if width is not None and found != width * elements:
            raise BrokenError(
                f"it has a flax array of {found} bytes where its shape and dtype say {width * elements}"
            )
        self._source.skip(found)
        return elements

    def _length(self) -> int:
        first = self._source.take(1)[0]
        if first < 0x80:
            return first
        if 0xCC <= first <= 0xCF:
            return self._number(_NUMBERS[first])
        raise BrokenError("it has a flax array whose shape is not of numbers")

    def _text_length(self) -> int:
        first = self._source.take(1)[0]
        if 0xA0 <= first <= 0xBF:
            return first & 0x1F
        if first == 0xD9:
            return self._number(1)
        raise BrokenError("it has a flax array whose dtype is not a name")
