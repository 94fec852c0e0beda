"""Universal Binary JSON, as XGBoost writes its models: one object, whose lengths are all written down.

Format: Universal Binary JSON Specification, draft 12; dmlc/xgboost, src/common/json.cc (UBJReader). Numbers are
big-endian. XGBoost counts the elements of each array, and ends each object by a brace.
"""

import io
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.streams import ExactReader

_WIDTHS: Final = {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8, b"d": 4, b"D": 8}
_INTEGERS: Final = frozenset(b"iUIlL")
_NOTHING: Final = frozenset(b"ZTF")  # null, true, false: no bytes follow
_MAX_DEPTH = 100
_MAX_VALUES = 3_000_000  # of one file: some seconds; a typed array is one value
_MAX_KEY_BYTES = 1 << 16
_MODEL_KEYS = frozenset({b"learner", b"version"})


def begins_ubjson(head: bytes, _: int) -> bool:
    """Return whether bytes begin like an object with a key of less than 256 bytes, as XGBoost writes them."""
    return head.startswith(b"{L\0\0\0\0\0\0\0")


def may_be_ubjson(head: bytes, _: int) -> bool:
    """Return whether bytes begin like an object by another writer, with a key whose length is of some type."""
    return head[:1] == b"{" and head[1:2] != b"" and head[1] in _INTEGERS


def probe_ubjson(stream: io.BufferedReader, _: int, inspection: Inspection) -> None:
    """Verify that one object ends where the file does.

    Raises:
        BrokenError: it is cut off, malformed, nested too deeply, or followed by more.
        LimitError: it has more values than are followed.

    """
    source = ExactReader(stream)
    keys = _Walk(source).run()
    if not source.at_end():
        raise BrokenError("it has bytes after the end of its UBJSON object")
    inspection.came_upon(Holds.TENSORS if keys >= _MODEL_KEYS else Holds.DATA)


class _Walk:
    """Goes through the values without recursion: ``open`` has, for each one that is not closed, what is left of it.

    That is the number of elements of an array, None for an array that ends by a bracket, and ``_OBJECT``.
    """

    _OBJECT: Final = -1

    def __init__(self, source: ExactReader) -> None:
        self._source = source
        self._open: list[int | None] = []
        self._left = _MAX_VALUES

    def run(self) -> set[bytes]:
        """Walk through one object, and return its own keys."""
        keys: set[bytes] = set()
        self._value(self._source.take(1))
        while self._open:
            self._left -= 1
            if self._left < 0:
                raise LimitError(f"it has more than {_MAX_VALUES} UBJSON values")
            left = self._open[-1]
            if left == 0:
                self._open.pop()
            elif left == self._OBJECT:
                self._pair(keys)
            elif left is not None:
                self._open[-1] = left - 1
                self._value(self._source.take(1))
            elif (marker := self._source.take(1)) == b"]":
                self._open.pop()
            else:
                self._value(marker)
        return keys

    def _pair(self, keys: set[bytes]) -> None:
        marker = self._source.take(1)
        if marker == b"}":
            self._open.pop()
            return
        length = self._length(marker)
        if length > _MAX_KEY_BYTES:
            raise BrokenError(f"it has a UBJSON key of {length} bytes")
        key = self._source.take(length)
        if len(self._open) == 1 and key in _MODEL_KEYS:
            keys.add(key)
        self._value(self._source.take(1))

    def _value(self, marker: bytes) -> None:
        if marker == b"{":
            self._enter(self._OBJECT)
        elif marker == b"[":
            self._array()
        elif marker in (b"S", b"H"):
            self._source.skip(self._length(self._source.take(1)))
        elif marker == b"C":
            self._source.skip(1)
        elif marker in _WIDTHS:
            self._source.skip(_WIDTHS[marker])
        elif marker[0] not in _NOTHING:
            raise BrokenError(f"it has a UBJSON value of unknown type {marker!r}")

    def _array(self) -> None:
        marker = self._source.peek()
        if marker == b"$":
            kind = self._source.take(2)[1:]
            if kind not in _WIDTHS or self._source.take(1) != b"#":
                raise BrokenError(f"it has a UBJSON array of unknown type {kind!r}")
            self._source.skip(_WIDTHS[kind] * self._length(self._source.take(1)))
        elif marker == b"#":
            self._source.skip(1)
            self._enter(self._length(self._source.take(1)))
        else:
            self._enter(None)

    def _enter(self, left: int | None) -> None:
        self._open.append(left)
        if len(self._open) > _MAX_DEPTH:
            raise BrokenError(f"it has UBJSON that is nested more than {_MAX_DEPTH} deep")

    def _length(self, marker: bytes) -> int:
        if marker[0] not in _INTEGERS:
            raise BrokenError(f"it has a UBJSON length of unknown type {marker!r}")
        length = int.from_bytes(self._source.take(_WIDTHS[marker]), "big", signed=marker != b"U")
        if length < 0:
            raise BrokenError("it has a negative UBJSON length")
        return length
