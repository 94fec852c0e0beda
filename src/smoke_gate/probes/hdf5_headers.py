"""HDF5 object headers: the messages that say what an object is.

Format: HDF5 File Format Specification Version 3.0, section IV.A.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from smoke_gate.probes.hdf5_source import Cursor, Hdf5File, UnfamiliarError, check, there
from smoke_gate.probes.inspection import BrokenError

_MAX_MESSAGES = 100_000  # in one object
_MAX_BLOCKS = 10_000
_PREFIX_1, _PREFIX_2 = 16, 64  # bytes; of version 2 at most
_TIMES, _PHASES, _ORDER = 0x20, 0x10, 0x04  # flags of version 2
_SHARED = 0x02
_CHECKSUM_BYTES = 4


class Kind(IntEnum):
    """The kinds of messages that are looked at."""

    DATASPACE = 0x01
    LINK_INFO = 0x02
    DATATYPE = 0x03
    LINK = 0x06
    EXTERNAL_FILES = 0x07
    LAYOUT = 0x08
    FILTERS = 0x0B
    ATTRIBUTE = 0x0C
    CONTINUATION = 0x10
    SYMBOL_TABLE = 0x11
    ATTRIBUTE_INFO = 0x15


@dataclass(frozen=True, slots=True)
class HeaderMessage:
    """One message. If it is ``shared``, its data only say where the message stands."""

    kind: int
    data: bytes
    shared: bool


def read_messages(source: Hdf5File, address: int | None) -> list[HeaderMessage]:
    """Return the messages of the object at an address, those of its continuations included.

    Raises:
        BrokenError: its header is damaged.
        UnfamiliarError: its header is of an unknown version, or larger than is followed.

    """
    start = source.read(address, 5)
    second = start.startswith(b"OHDR")
    version = start[4] if second else start[0]
    if version != (2 if second else 1):
        raise UnfamiliarError(f"an object header of version {version}")
    messages: list[HeaderMessage] = []
    pending = [_first_block(source, address, second=second)]
    blocks = 0
    while pending:
        block, order = pending.pop()
        blocks += 1
        for message in _messages(block, second=second, order=order):
            messages.append(message)
            if message.kind == Kind.CONTINUATION:
                cursor = Cursor(message.data, source.widths)
                pending.append((_next_block(source, cursor.address(), cursor.length(), second=second), order))
            if len(messages) > _MAX_MESSAGES or blocks > _MAX_BLOCKS:
                raise UnfamiliarError("an object header of more messages than are followed")
    return messages


def _first_block(source: Hdf5File, address: int | None, *, second: bool) -> tuple[Cursor, bool]:
    """Return the messages in the header itself, and whether each has its order of creation."""
    start = there(address)
    if not second:
        cursor = source.cursor(address, _PREFIX_1)
        cursor.take(8)
        return source.cursor(start + _PREFIX_1, cursor.number(4)), False
    flags = source.read(start + 5, 1)[0]
    before = 6 + (16 if flags & _TIMES else 0) + (4 if flags & _PHASES else 0)
    width = 1 << (flags & 3)
    size = int.from_bytes(source.read(start + before, width), "little")
    data = source.read(start, before + width + size + _CHECKSUM_BYTES)
    check(data)
    return Cursor(data[:-_CHECKSUM_BYTES], source.widths, before + width), bool(flags & _ORDER)


def _next_block(source: Hdf5File, address: int | None, length: int, *, second: bool) -> Cursor:
    return source.checked(address, length, b"OCHK") if second else source.cursor(address, length)


def _messages(block: Cursor, *, second: bool, order: bool) -> Iterator[HeaderMessage]:
    """Yield the messages of a block; of version 2, a gap that is too small for another may follow."""
    head = 8 if not second else 6 if order else 4
    while block.left >= head:
        kind = block.number(1 if second else 2)
        size, flags = block.number(2), block.number(1)
        block.take(head - (4 if second else 5))
        if kind == Kind.CONTINUATION and flags & _SHARED:
            raise BrokenError("it has a damaged HDF5 object header")
        yield HeaderMessage(kind, block.take(size), bool(flags & _SHARED))
