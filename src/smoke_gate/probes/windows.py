"""A part of a seekable file, read as if it were a file of its own."""

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Window(io.RawIOBase):
    """``size`` bytes of a file from ``start`` on; others may read from the file in between."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        target = memoryview(buffer).cast("B")
        count = max(0, min(len(target), self._size - self._position))
        self._file.seek(self._start + self._position)
        data = self._file.read(count)
        target[: len(data)] = data
        self._position += len(data)
        return len(data)


def window(file: BinaryIO, start: int, size: int) -> io.BufferedReader:
    """Return ``size`` bytes of a seekable file from ``start`` on, as a seekable stream."""
    return io.BufferedReader(_Window(file, start, size))
