"""Reads the chunks of a PNG one after another; verifies each of them, and the file as a whole."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from smoke_gate.provenance.image import HEADER_BYTES, ImageData, ProvenanceError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT = (b"tEXt", b"zTXt", b"iTXt")
MAX_TEXT_BYTES = 4 << 20  # of all text chunks together, as stored and as inflated
MAX_KEYWORD = 79
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_MAX_LENGTH = 2**31 - 1  # of a chunk, as the specification says
_MAX_CHUNKS = 100_000  # a figure of 100 MB has 13,000
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Chunk:
    """A verified chunk: its type, its place in the file, and its data where that is text or the header.

    Of a text that is too large, ``data`` is only the beginning.
    """

    kind: bytes
    start: int
    length: int
    data: bytes

    @property
    def end(self) -> int:
        """Where the next chunk begins: behind length, type, data and CRC."""
        return self.start + self.length + 12


def read_chunks(stream: BinaryIO) -> Iterator[Chunk]:
    """Yield the chunks of a PNG in order, each verified.

    Raises:
        ProvenanceError: The file as a whole is not a PNG.
        OSError: It cannot be read.

    """
    if stream.read(len(SIGNATURE)) != SIGNATURE:
        raise ProvenanceError("not a PNG: the signature is missing")
    reader = _Reader(stream)
    for _ in range(_MAX_CHUNKS):
        chunk = reader.read()
        yield chunk
        if chunk.kind == b"IEND":
            break
    else:
        raise ProvenanceError(f"PNG with more than {_MAX_CHUNKS} chunks")
    reader.image.finish()
    if stream.read(1):
        raise ProvenanceError("data after the end of the PNG (IEND): written over a longer file, or joined")


class _Reader:
    """Reads one chunk after another, and knows what came before."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._seen: set[bytes] = set()
        self._last = b""
        self._text_left = MAX_TEXT_BYTES
        self.image = ImageData()

    def read(self) -> Chunk:
        """Return the next chunk; raise an error if it is damaged, or may not come here."""
        start = self._stream.tell()
        header = self._stream.read(8)
        if not header:
            raise ProvenanceError("truncated PNG: the end (IEND) is missing")
        if len(header) < 8:
            raise ProvenanceError(f"truncated PNG: the file ends within a chunk's header at byte {start}")
        length, kind = struct.unpack(">I4s", header)
        if not kind.isalpha():
            raise ProvenanceError(f"damaged PNG: no chunk begins at byte {start}")
        if length > _MAX_LENGTH:
            name = kind.decode("ascii")
            raise ProvenanceError(f"damaged PNG: chunk {name} at byte {start} claims {length} bytes")
        chunk = Chunk(kind, start, length, self._data(kind, start, length))
        self._check_order(chunk)
        if kind == b"IHDR":
            self.image.begin(chunk.data, length)
        self._seen.add(kind)
        self._last = kind
        return chunk

    def _data(self, kind: bytes, start: int, length: int) -> bytes:
        """Read a chunk's data in blocks, verify its CRC, and return of it what is kept."""
        kept, crc, left = [], zlib.crc32(kind), length
        room = self._room(kind, length)
        while left > 0 and (block := self._stream.read(min(left, _BLOCK_BYTES))):
            left -= len(block)
            crc = zlib.crc32(block, crc)
            if kind == b"IDAT":
                self.image.feed(block)
            kept.append(block[:room])
            room -= len(kept[-1])
        stored = self._stream.read(4)
        name = kind.decode("ascii")
        if len(stored) < 4:
            raise ProvenanceError(
                f"truncated PNG: the file ends within chunk {name}, which begins at byte {start}"
            )
        if stored != crc.to_bytes(4):
            raise ProvenanceError(
                f"damaged PNG: the checksum of chunk {name} at byte {start} does not match its data"
            )
        return b"".join(kept)

    def _room(self, kind: bytes, length: int) -> int:
        """Return how many of a chunk's bytes are kept."""
        if kind == b"IHDR":
            return HEADER_BYTES
        if kind not in TEXT:
            return 0
        if length > self._text_left:
            return MAX_KEYWORD + 1
        self._text_left -= length
        return length

    def _check_order(self, chunk: Chunk) -> None:
        kind, name = chunk.kind, chunk.kind.decode("ascii")
        if (kind == b"IHDR") == bool(self._seen):
            raise ProvenanceError(
                f"damaged PNG: found {name} where {'another chunk' if self._seen else 'IHDR'} is expected"
            )
        if kind[:1].isupper() and kind not in _CRITICAL:
            raise ProvenanceError(f"damaged PNG: the critical chunk {name} is unknown")
        if kind == b"IDAT" and self._last != kind and kind in self._seen:
            raise ProvenanceError("damaged PNG: another chunk stands between the image data (IDAT)")
        if kind == b"IDAT" and self.image.has_palette and b"PLTE" not in self._seen:
            raise ProvenanceError("damaged PNG: its palette (PLTE) is missing")
        if kind == b"IEND" and chunk.length:
            raise ProvenanceError("damaged PNG: IEND holds data")
