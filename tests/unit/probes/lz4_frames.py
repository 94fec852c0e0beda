"""LZ4 frames, put together from their parts."""

import struct

MAGIC = b"\x04\x22\x4d\x18"
INDEPENDENT, BLOCK_SUM, CONTENT_SIZE, CONTENT_SUM = 0x20, 0x10, 0x08, 0x04


def _length(length: int) -> tuple[int, bytes]:
    """Return the half byte of a token, and the bytes that go on from it."""
    if length < 15:
        return length, b""
    more, last = divmod(length - 15, 255)
    return 15, b"\xff" * more + bytes([last])


def literals(data: bytes) -> bytes:
    """Write the last sequence of a block."""
    half, more = _length(len(data))
    return bytes([half << 4]) + more + data


def copied(data: bytes, distance: int, length: int) -> bytes:
    """Write literals, and a copy of what lies ``distance`` bytes before their end."""
    half, more = _length(len(data))
    second, rest = _length(length - 4)
    return bytes([half << 4 | second]) + more + data + struct.pack("<H", distance) + rest


def compressed(block: bytes) -> bytes:
    """Write a block of sequences."""
    return struct.pack("<I", len(block)) + block


def stored(block: bytes) -> bytes:
    """Write a block that is not compressed."""
    return struct.pack("<I", len(block) | 1 << 31) + block


def frame(*blocks: bytes, flags: int = INDEPENDENT, largest: int = 4, size: int | None = None) -> bytes:
    """Write a frame of blocks of at most 64 KiB, 256 KiB, 1 MiB or 4 MiB, for 4 to 7."""
    flags |= 0x40 | (0 if size is None else CONTENT_SIZE)
    header = bytes([flags, largest << 4]) + (b"" if size is None else struct.pack("<Q", size)) + b"?"
    return MAGIC + header + b"".join(blocks) + bytes(4) + (b"sum!" if flags & CONTENT_SUM else b"")
