"""Compressed streams, as joblib writes them: zlib, gzip, bzip2, xz, lzma and LZ4."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from smoke_gate.probes.inspection import BrokenError, Inspection
from smoke_gate.probes.lz4 import decompressed_frame
from smoke_gate.probes.streams import BLOCK_BYTES, ExactReader, stream_of

_LZMA_BYTES = 64 << 20  # of a dictionary; joblib's default preset needs far less


class _Decompressor(Protocol):
    """The interface that bz2, lzma and the adapter for zlib share."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 32)  # zlib or gzip, by its header

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_DECOMPRESSORS: Final[dict[str, Callable[[], _Decompressor]]] = {
    "zlib": _Zlib,
    "gzip": _Zlib,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=_LZMA_BYTES),
    "lzma": lambda: lzma.LZMADecompressor(memlimit=_LZMA_BYTES),
}
_LZ4: Final = "lz4"
COMPRESSIONS: Final = frozenset({*_DECOMPRESSORS, _LZ4})


def decompressed(stream: io.BufferedReader, kind: str, inspection: Inspection) -> io.BufferedReader:
    """Return what a compressed stream holds; reading to its end verifies its checksum.

    Raises:
        BrokenError: on reading: it is cut off, corrupt, followed by more, or holds more than is allowed for.

    """
    return stream_of(_within(_chunks(stream, kind), inspection))


def _within(chunks: Iterator[bytes], inspection: Inspection) -> Iterator[bytes]:
    for chunk in chunks:
        inspection.expand(len(chunk))
        yield chunk


def _chunks(stream: io.BufferedReader, kind: str) -> Iterator[bytes]:
    if kind == _LZ4:
        yield from decompressed_frame(ExactReader(stream))
        ended = True
    else:
        decompressor = _DECOMPRESSORS[kind]()
        yield from _decompressed(stream, decompressor)
        ended = not decompressor.unused_data
    if not ended or stream.peek(1):
        raise BrokenError("it has bytes after the end of its compressed data")


def _decompressed(stream: io.BufferedReader, decompressor: _Decompressor) -> Iterator[bytes]:
    while not decompressor.eof:
        data = b""
        if decompressor.needs_input and not (data := stream.read(BLOCK_BYTES)):
            raise BrokenError("it is cut off: its compressed data does not end")
        try:
            yield decompressor.decompress(data, BLOCK_BYTES)
        except (zlib.error, lzma.LZMAError, OSError) as error:  # bz2 says OSError
            raise BrokenError(f"it is corrupt: it cannot be decompressed ({error})") from None
