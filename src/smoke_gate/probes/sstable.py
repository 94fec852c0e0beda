"""LevelDB's tables: sorted keys with values, in blocks with checksums, and an index at the end.

Format: google/leveldb, doc/table_format.md; TensorFlow keeps its checkpoints' indexes in them.
"""

import struct
from collections.abc import Iterator
from typing import Final

from smoke_gate.probes.inspection import BrokenError, LimitError

_FOOTER_BYTES = 48
_MAGIC: Final = 0xDB4775248B80FB57
_TRAILER: Final = struct.Struct("<BI")  # after each block: how it is compressed, and its checksum
_POLYNOMIAL = 0x82F63B78  # of CRC-32C, reversed
_MASK_DELTA = 0xA282EAD8
_MAX_VARINT_BYTES = 10


def entries(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table, in order.

    Raises:
        BrokenError: it is cut off or malformed, a checksum does not match, or bytes belong to no block.
        LimitError: a block is compressed.

    """
    footer = len(data) - _FOOTER_BYTES
    if footer < 0 or int.from_bytes(data[-8:], "little") != _MAGIC:
        raise BrokenError("it is a table that does not end with its footer: cut off, or something follows")
    at, meta = _handle(data, footer)
    _, index = _handle(data, at)
    blocks = [_handle(handle, 0)[1] for _, handle in _pairs(_block(data, index))]
    position = 0
    for start, length in [*blocks, meta, index]:
        if start != position:
            raise BrokenError(f"it is a table with a block at byte {start} where {position} is expected")
        position = start + length + _TRAILER.size
    if position != footer:
        raise BrokenError("it is a table with bytes that belong to no block")
    _block(data, meta)
    last = None
    for place in blocks:
        for key, value in _pairs(_block(data, place)):
            if last is not None and key <= last:
                raise BrokenError("it is a table whose keys are not in order")
            last = key
            yield key, value


def _block(data: bytes, place: tuple[int, int]) -> bytes:
    """Return a block's content, whose checksum matches."""
    start, length = place
    end = start + length
    if end + _TRAILER.size > len(data) - _FOOTER_BYTES:
        raise BrokenError("it is a table with a block that goes on beyond its end")
    compression, checksum = _TRAILER.unpack_from(data, end)
    if checksum != _masked(_crc32c(data[start : end + 1])):
        raise BrokenError("it is damaged: the checksum of a block does not match")
    if compression:
        raise LimitError("it is a table with compressed blocks, which are not read")
    return data[start:end]


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pairs of a block, each key without what it shares with the one before it."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if len(block) < 4 or end < 0:
        raise BrokenError("it is a table with a malformed block")
    at, key = 0, b""
    while at < end:
        at, shared = _varint(block, at)
        at, rest = _varint(block, at)
        at, length = _varint(block, at)
        if shared > len(key) or at + rest + length > end:
            raise BrokenError("it is a table with a malformed entry")
        key = key[:shared] + block[at : at + rest]
        at += rest + length
        yield key, block[at - length : at]


def _handle(data: bytes, at: int) -> tuple[int, tuple[int, int]]:
    """Return where the next one begins, and the start and the length of a block."""
    at, start = _varint(data, at)
    at, length = _varint(data, at)
    return at, (start, length)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[at : at + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return at + index + 1, value
    raise BrokenError("it is a table with a malformed number")


def _remainders() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_REMAINDERS: Final = _remainders()


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _REMAINDERS[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _masked(crc: int) -> int:
    """Return a checksum as it is kept, so that a checksum of checksums is not weak."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF
