"""Standard output and error that no reader, no full disk and no locale can break: printing never undoes a result."""

import io
import os
import select
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from typing_extensions import Buffer


class SteadyStream(io.TextIOWrapper):
    """A text stream over a standard one, or over nothing where the process was started without it.

    What cannot be encoded is written as its escape; what the other end does not take is lost.
    """

    def __init__(self, stream: TextIO | None) -> None:
        descriptor = os.open(os.devnull, os.O_WRONLY) if stream is None else stream.fileno()
        self._file = _File(descriptor, "w", closefd=False)
        super().__init__(
            io.BufferedWriter(self._file),
            encoding="utf-8" if stream is None else stream.encoding,
            errors="backslashreplace",
            line_buffering=True,
        )

    @property
    def problem(self) -> OSError | None:
        """Why something was lost; None where nothing was, or where the reader just went away."""
        return None if isinstance(self._file.problem, BrokenPipeError) else self._file.problem


class _File(io.FileIO):
    problem: OSError | None = None

    def write(self, data: "Buffer", /) -> int:
        try:
            while (written := super().write(data)) is None:
                select.select([], [self], [])  # the other end is slow, and was set not to block
        except OSError as error:
            self.problem = error
            return memoryview(data).nbytes
        return written
