"""How long the artifacts of one run may take, so that a place that is silent or drips holds up that run only."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

_SECONDS = 300.0
_USUAL_SECONDS = 5.0  # a request that takes no longer costs nothing: many files are not a fault
_SLOWEST_BYTES_PER_SECOND = 50_000


class Allowance:
    """The seconds that are left of those that the slow requests of one run may take in all.

    A request costs the time beyond what it is due: five seconds, and one second for each 50 kB of a file.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._left = seconds

    @contextmanager
    def request(self, most: float, size: int = 0) -> Iterator[float]:
        """Give the seconds that one request may take, and charge what it took.

        Args:
            most: the seconds that a single request may take at most, apart from its bytes.
            size: the bytes that it brings.
        """
        due = _USUAL_SECONDS + size / _SLOWEST_BYTES_PER_SECOND
        begun = monotonic()
        try:
            yield min(most + size / _SLOWEST_BYTES_PER_SECOND, due + max(self._left, 0.0))
        finally:
            self._left -= max(0.0, monotonic() - begun - due)
