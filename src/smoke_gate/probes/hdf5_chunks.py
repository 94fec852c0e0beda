"""HDF5 data in chunks: each is in the file, unpacks to its length, and has its checksum, where the file has one.

Looked at are chunks in trees of version 1, as they are written unless a newer file version is asked for. Of chunks that
are filtered in another way than by shuffle, deflate and Fletcher's checksum, only the place is known.
Format: HDF5 File Format Specification Version 3.0, sections III.A.1, IV.A.2.i and IV.A.2.l; HDF5, ``H5checksum.c``.
"""

import zlib
from collections.abc import Iterable, Sequence
from math import prod
from typing import Final

from smoke_gate.probes.hdf5_headers import HeaderMessage, Kind
from smoke_gate.probes.hdf5_messages import CHUNKED, leaves_of_tree
from smoke_gate.probes.hdf5_source import Cursor, Hdf5File, UnfamiliarError, there
from smoke_gate.probes.inspection import BrokenError, Inspection

_DEFLATE, _SHUFFLE, _FLETCHER = 1, 2, 3
_CHECKSUM_BYTES = 4
_MAX_CHUNKS = 200_000  # in one file
_MAX_CHUNK_BYTES = 16 << 20  # larger ones are not unpacked
_MODULUS: Final = 0xFFFF
_NAMED_FROM = 256  # filters of version 2 have names from this number on
_LONGEST_WORDS = 1 << 16  # of a sum that does not overflow


class Chunks:
    """Looks at the chunks of one file, whose bytes each belong to one of them."""

    def __init__(self, source: Hdf5File, inspection: Inspection) -> None:
        self._source = source
        self._inspection = inspection
        self._bytes_left = source.size
        self._chunks_left = _MAX_CHUNKS

    def check(self, messages: Iterable[HeaderMessage]) -> None:
        """Look at the chunks of an object, if it is an array of such.

        Raises:
            BrokenError: one is outside of the file or damaged.
            LimitError: they unpack to more than those of any checkpoint.
            UnfamiliarError: there are more than are looked at.

        """
        by_kind = {message.kind: message for message in messages}
        layout = by_kind.get(Kind.LAYOUT)
        if layout is None:
            return
        cursor = Cursor(layout.data, self._source.widths)
        version, kind = cursor.number(1), cursor.number(1)
        if version != 3 or kind != CHUNKED:
            return
        rank = cursor.number(1)
        tree = cursor.address()
        expected = prod(cursor.number(4) for _ in range(rank))
        pipeline = by_kind.get(Kind.FILTERS)
        filters = (
            ()
            if pipeline is None or pipeline.shared
            else _filters(Cursor(pipeline.data, self._source.widths))
        )
        if tree is None:
            return
        for key, address in leaves_of_tree(self._source, tree, kind=1, key_bytes=8 + 8 * rank):
            size, mask = int.from_bytes(key[:4], "little"), int.from_bytes(key[4:8], "little")
            self._check(
                address, size, [name for bit, name in enumerate(filters) if not mask >> bit & 1], expected
            )

    def _check(self, address: int | None, size: int, filters: Sequence[int], expected: int) -> None:
        if not self._source.holds(there(address), size):
            raise BrokenError("it has HDF5 data outside of the file")
        self._chunks_left -= 1
        if self._chunks_left < 0:
            raise UnfamiliarError(f"more than {_MAX_CHUNKS} chunks")
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise BrokenError("it has HDF5 chunks that overlap")
        if not filters or max(size, expected) > _MAX_CHUNK_BYTES:
            return
        data = self._source.data(address, size)
        for name in reversed(filters):
            if name == _FLETCHER:
                data = _checked(data)
            elif name == _DEFLATE:
                self._inspection.expand(expected)
                data = _inflated(data, expected + _CHECKSUM_BYTES * filters.count(_FLETCHER))
            elif name != _SHUFFLE:
                return
        if len(data) != expected:
            raise BrokenError("it is damaged: an HDF5 chunk has another length than its array says")


def _filters(cursor: Cursor) -> tuple[int, ...]:
    """Return the filters of chunks, in the order in which they were applied."""
    version, count = cursor.number(1), cursor.number(1)
    cursor.take(6 if version == 1 else 0)
    found = []
    for _ in range(count):
        name = cursor.number(2)
        length = cursor.number(2) if version == 1 or name >= _NAMED_FROM else 0
        cursor.take(2)
        values = cursor.number(2)
        cursor.take(length + (-length % 8 if version == 1 else 0))
        cursor.take(4 * values + (4 * (values % 2) if version == 1 else 0))
        found.append(name)
    return tuple(found)


def _inflated(data: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(data, most + 1)
    except zlib.error as error:
        raise BrokenError(f"it is damaged: an HDF5 chunk cannot be unpacked ({error})") from None
    if not inflater.eof:
        raise BrokenError("it is damaged: an HDF5 chunk unpacks to more than its array says, or does not end")
    return found


def _checked(data: bytes) -> bytes:
    """Return a chunk without its checksum, which versions before 1.6.3 wrote in another order of bytes."""
    body, stored = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    expected = fletcher32(body).to_bytes(_CHECKSUM_BYTES, "little")
    if stored not in (expected, bytes(expected[at] for at in (1, 0, 3, 2))):
        raise BrokenError("it is damaged: the checksum of an HDF5 chunk does not match")
    return body


def fletcher32(data: bytes) -> int:
    """Return Fletcher's checksum of bytes, as HDF5 computes it: over big-endian words of 16 bits."""
    import numpy as np

    words = np.frombuffer(data + bytes(len(data) % 2), ">u2").astype(np.uint64)
    first = second = 0
    for start in range(0, len(words), _LONGEST_WORDS):
        part = words[start : start + _LONGEST_WORDS]
        weights = np.arange(len(part), 0, -1, dtype=np.uint64)
        second = second + first * len(part) + int((part * weights).sum())
        first = first + int(part.sum())
        first, second = _folded(first), _folded(second)
    return second << 16 | first


def _folded(value: int) -> int:
    """Return a sum modulo 65535, as folding its carries makes it: 0 only where all was 0."""
    return (value - 1) % _MODULUS + 1 if value else 0
