"""LZ4 frames, as joblib writes them: blocks of literal bytes and of copies of what came before.

Format: lz4/lz4, doc/lz4_Frame_format.md and doc/lz4_Block_format.md. The checksums of contents, which joblib does not
write, are read past and not verified; lengths are.
"""

from collections.abc import Iterator
from typing import Final

from smoke_gate.probes.inspection import BrokenError, LimitError
from smoke_gate.probes.streams import ExactReader

MAGIC: Final = b"\x04\x22\x4d\x18"
_VERSION, _VERSION_MASK = 0x40, 0xC0
_INDEPENDENT, _BLOCK_SUM, _CONTENT_SIZE, _CONTENT_SUM, _DICTIONARY = 0x20, 0x10, 0x08, 0x04, 0x01  # flags
_RESERVED, _RESERVED_DESCRIPTOR = 0x02, 0x8F
_BLOCK_BYTES: Final = {4: 64 << 10, 5: 256 << 10, 6: 1 << 20, 7: 4 << 20}  # at most, by the descriptor's size
_WINDOW_BYTES = 64 << 10  # how far back a copy may reach
_STORED = 1 << 31  # of a block's length: the block is not compressed
_SUM_BYTES = 4
_MIN_COPY = 4
_EXTENDED = 15  # then more bytes say the length
_MAX_SEQUENCES = 20_000_000  # of one frame: some ten seconds


def decompressed_frame(source: ExactReader) -> Iterator[bytes]:
    """Yield the content of one frame, block by block.

    Raises:
        BrokenError: it is cut off or malformed.
        LimitError: it has more sequences than are followed.

    """
    if source.take(len(MAGIC)) != MAGIC:
        raise BrokenError("it does not begin like an LZ4 frame")
    flags, descriptor = source.take(2)
    bound = _BLOCK_BYTES.get(descriptor >> 4)
    if (
        flags & _VERSION_MASK != _VERSION
        or flags & (_RESERVED | _DICTIONARY)
        or bound is None
        or descriptor & 0x8F
    ):
        raise BrokenError("it has an LZ4 header that is malformed or needs a dictionary")
    expected = int.from_bytes(source.take(8), "little") if flags & _CONTENT_SIZE else None
    source.skip(1)  # the header's checksum
    length, left = 0, _MAX_SEQUENCES
    window = b""
    while size := int.from_bytes(source.take(4), "little"):
        if size & ~_STORED > bound:
            raise BrokenError(
                f"it has an LZ4 block of {size & ~_STORED} bytes, more than its header's {bound}"
            )
        block = source.take(size & ~_STORED)
        if flags & _BLOCK_SUM:
            source.skip(_SUM_BYTES)
        if not size & _STORED:
            block, left = _decompressed(block, window, bound, left)
        if not flags & _INDEPENDENT:
            window = (window + block)[-_WINDOW_BYTES:]
        length += len(block)
        yield block
    if flags & _CONTENT_SUM:
        source.skip(_SUM_BYTES)
    if expected not in (None, length):
        raise BrokenError(f"it unpacks to {length} bytes where its LZ4 header says {expected}")


def _header(source: ExactReader) -> tuple[int, int, int | None]:
    """Return the flags, the largest size of a block, and the size of the content, None where it is not said."""
    if source.take(len(MAGIC)) != MAGIC:
        raise BrokenError("it does not begin like an LZ4 frame")
    flags, descriptor = source.take(2)
    bound = _BLOCK_BYTES.get(descriptor >> 4)
    if (
        bound is None
        or descriptor & _RESERVED_DESCRIPTOR
        or flags & _VERSION_MASK != _VERSION
        or flags & (_RESERVED | _DICTIONARY)
    ):
        raise BrokenError("it has an LZ4 header that is malformed or needs a dictionary")
    size = int.from_bytes(source.take(8), "little") if flags & _CONTENT_SIZE else None
    source.skip(1)  # the header's checksum
    return flags, bound, size


def _decompressed(block: bytes, window: bytes, bound: int, left: int) -> tuple[bytes, int]:
    """Return the content of a block of at most ``bound`` bytes, and how many sequences are left to its frame."""
    try:
        content, count = _sequences(block, window, bound)
    except IndexError:
        raise BrokenError("it has an LZ4 block that ends in the middle") from None
    if count > left:
        raise LimitError(f"it has more than {_MAX_SEQUENCES} LZ4 sequences")
    return content, left - count


def _sequences(block: bytes, window: bytes, bound: int) -> tuple[bytes, int]:
    content = bytearray(window)
    largest = len(window) + bound
    at = count = 0
    while True:
        count += 1
        token = block[at]
        literals, at = _length(block, at + 1, token >> 4)
        if at + literals > len(block):
            raise BrokenError("it has an LZ4 block that ends in the middle")
        content += block[at : at + literals]
        at += literals
        if at == len(block):
            break
        distance = block[at] | block[at + 1] << 8
        length, at = _length(block, at + 2, token & 0x0F)
        length += _MIN_COPY
        if not 0 < distance <= len(content) or len(content) + length > largest:
            raise BrokenError("it has a malformed LZ4 block: a copy leads out of it")
        start = len(content) - distance
        copied = content[start : start + length]
        content += copied if distance >= length else (copied * (length // distance + 1))[:length]
    if len(content) > largest:
        raise BrokenError("it has an LZ4 block that unpacks to more than its header says")
    return bytes(content[len(window) :]), count


def _length(block: bytes, at: int, length: int) -> tuple[int, int]:
    """Return a length that may go on in the following bytes, and where it ends."""
    if length == _EXTENDED:
        while True:
            byte = block[at]
            at += 1
            length += byte
            if byte != 0xFF:
                break
    return length, at
