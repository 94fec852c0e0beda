"""The parts that tests of publishing share: a clock that only pauses move, and who wrote a comment."""

from dataclasses import dataclass, field

from smoke_gate.github.comment import Stamp, stamp_of
from smoke_gate.github.transport import Clock

HEAD = "a" * 40


def said(body: str) -> Stamp:
    """Return who wrote a comment."""
    stamp = stamp_of(body)
    assert stamp is not None
    return stamp


@dataclass
class Waits:
    """Keeps the pauses that were made."""

    time: float = 1_800_000_000.0
    pauses: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, sleep=self.sleep)
