"""Exact, bounded reading of bytes that may end anywhere."""

import io
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from smoke_gate.probes.inspection import BrokenError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_BYTES = 1 << 18


class _Chunks(io.RawIOBase):
    """A readable file over chunks that are made on demand."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._position += count
        return count

    def tell(self) -> int:
        return self._position


def stream_of(chunks: Iterator[bytes]) -> io.BufferedReader:
    """Return a readable stream over chunks; what the iterator raises comes out of ``read``."""
    return io.BufferedReader(_Chunks(chunks), BLOCK_BYTES)


def drain(stream: io.BufferedReader) -> int:
    """Read a stream to its end, so that its checksums are verified, and return how many bytes were left."""
    count = 0
    while block := stream.read(BLOCK_BYTES):
        count += len(block)
    return count


class ExactReader:
    """Reads exactly what is asked for, or says that the bytes end too early."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    @property
    def position(self) -> int:
        """How many bytes lie behind."""
        return self._stream.tell()

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes, which the caller keeps small."""
        data = self._stream.read(count)
        if len(data) != count:
            raise BrokenError("it is cut off: it ends in the middle")
        return data

    def peek(self) -> bytes:
        """Return the next byte without reading past it, none at the end."""
        return self._stream.peek(1)[:1]

    def pieces(self, count: int) -> Iterator[bytes]:
        """Yield the next ``count`` bytes, however many."""
        while count > 0:
            step = min(count, BLOCK_BYTES)
            yield self.take(step)
            count -= step

    def skip(self, count: int) -> None:
        """Read past ``count`` bytes, however many, without keeping them."""
        for _ in self.pieces(count):
            pass

    def line(self, limit: int) -> bytes | None:
        """Return the line up to and without its newline; None where it is longer than ``limit`` bytes."""
        data = self._stream.readline(limit + 1)
        if data.endswith(b"\n"):
            return data[:-1]
        while rest := self._stream.readline(BLOCK_BYTES):
            if rest.endswith(b"\n"):
                return None
        raise BrokenError("it is cut off: it ends in the middle of a line")

    def recording(self, file: IO[bytes]) -> "ExactReader":
        """Return a reader that goes on from here and writes what it reads into a file."""
        return _Recorder(self._stream, file)

    def at_end(self) -> bool:
        """Return whether no byte is left."""
        return not self.peek()


class _Recorder(ExactReader):
    """Reads, and keeps what it read."""

    def __init__(self, stream: io.BufferedReader, file: IO[bytes]) -> None:
        super().__init__(stream)
        self._file = file

    def take(self, count: int) -> bytes:
        data = super().take(count)
        self._file.write(data)
        return data

    def line(self, limit: int) -> bytes | None:
        line = super().line(limit)
        if line is None:
            raise BrokenError("it has a line that is longer than any that a pickler writes there")
        self._file.write(line + b"\n")
        return line
