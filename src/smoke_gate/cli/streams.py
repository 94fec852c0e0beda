"""Standard output and error that no reader, no full disk and no locale can break: printing never undoes a result."""

import io
import os
import selectors
from typing import TYPE_CHECKING, TextIO

from smoke_gate.redaction import Secrets

if TYPE_CHECKING:
    from typing_extensions import Buffer

NO_SECRETS = Secrets()


class SteadyStream(io.TextIOWrapper):
    """A text stream over a standard one, or over nothing where the process was started without it.

    What cannot be encoded is written as its escape; what the other end does not take is lost. Secrets are removed line
    by line, however a line was put together.
    """

    def __init__(self, stream: TextIO | None, secrets: Secrets = NO_SECRETS) -> None:
        self._secrets = secrets
        self._line: list[str] = []  # what was written of a line that has not ended
        descriptor = os.open(os.devnull, os.O_WRONLY) if stream is None else stream.fileno()
        self._file = _File(descriptor, "w", closefd=False)
        super().__init__(
            io.BufferedWriter(self._file),
            encoding="utf-8" if stream is None else stream.encoding,
            errors="backslashreplace",
            line_buffering=True,
        )

    @property
    def unfiltered(self) -> "_Unfiltered":
        """The same stream, for what must not be filtered."""
        return _Unfiltered(self)

    def write(self, text: str, /) -> int:
        """Write whole lines; the rest waits for its end, or for ``flush``."""
        whole, end, rest = text.rpartition("\n")
        if end:
            lines = "".join((*self._line, whole, end))
            self._line = []
            super().write(self._secrets.removed_from(lines))
        if rest:
            self._line.append(rest)
        return len(text)

    def flush(self) -> None:
        """Write what is there."""
        if self._line:
            rest, self._line = "".join(self._line), []
            super().write(self._secrets.removed_from(rest))
        super().flush()

    def write_unfiltered(self, text: str) -> int:
        """Write text as it is, after what was written before."""
        self.flush()
        return super().write(text)

    @property
    def problem(self) -> OSError | None:
        """The error that lost some output; None if nothing was lost, or if the reader just went away."""
        return None if isinstance(self._file.problem, BrokenPipeError) else self._file.problem


class _Unfiltered(io.TextIOBase):
    """The way around a stream's filter."""

    def __init__(self, stream: SteadyStream) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str, /) -> int:
        return self._stream.write_unfiltered(text)

    def flush(self) -> None:
        self._stream.flush()


class _File(io.FileIO):
    problem: OSError | None = None

    def write(self, data: "Buffer", /) -> int:
        try:
            while (written := super().write(data)) is None:  # the other end is slow, and was set not to block
                with selectors.DefaultSelector() as ready:
                    ready.register(self, selectors.EVENT_WRITE)
                    ready.select()
        except OSError as error:
            self.problem = error
            return memoryview(data).nbytes
        return written
