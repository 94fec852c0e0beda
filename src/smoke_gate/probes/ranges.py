"""A file of which parts can be had, such as an object in a store, as a seekable stream of bounded cost."""

import io
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Fetch: TypeAlias = Callable[[int, int], bytes]
"""Returns so many bytes from an offset on: (offset, count)."""

MAX_BYTES: Final = 32 << 20
MAX_REQUESTS: Final = 512
_FIRST_BYTES = 16 << 10  # of what is asked for at once where nothing was read before it
_MOST_BYTES = 1 << 20  # where one part follows another
_KEPT = 16  # parts


class RangeError(Exception):
    """A probe needs more of a file than may be read, or got other bytes than it asked for; the message says which."""


class _Ranged(io.RawIOBase):
    """Reads parts that grow as long as one follows another, and keeps the newest ones."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._position = 0
        self._parts: OrderedDict[int, bytes] = OrderedDict()
        self._bytes_left = MAX_BYTES
        self._requests_left = MAX_REQUESTS
        self._last_end = -1
        self._step = _FIRST_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError("a position before the beginning of the file")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        target = memoryview(buffer).cast("B")
        if self._position >= self._size or not target:
            return 0
        start, part = self._part()
        data = part[self._position - start : self._position - start + len(target)]
        target[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _part(self) -> tuple[int, bytes]:
        """Return a part that has the position in it, and where it begins."""
        for start, part in self._parts.items():
            if start <= self._position < start + len(part):
                self._parts.move_to_end(start)
                return start, part
        start = self._position
        self._step = min(2 * self._step, _MOST_BYTES) if start == self._last_end else _FIRST_BYTES
        count = min(self._step, self._size - start)
        self._bytes_left -= count
        self._requests_left -= 1
        if self._bytes_left < 0 or self._requests_left < 0:
            raise RangeError(f"more than {MAX_BYTES >> 20} MiB or {MAX_REQUESTS} parts of it would be needed")
        part = self._fetch(start, count)
        if len(part) != count:
            raise RangeError(f"{len(part)} bytes came where {count} were asked for")
        self._last_end = start + count
        self._parts[start] = part
        if len(self._parts) > _KEPT:
            self._parts.popitem(last=False)
        return start, part


def ranged(fetch: Fetch, size: int) -> io.BufferedReader:
    """Return a file of ``size`` bytes as a seekable stream that reads little more than it is asked for.

    What ``fetch`` raises comes out of ``read``; so does RangeError.
    """
    return io.BufferedReader(_Ranged(fetch, size), _FIRST_BYTES)
