"""A measurement: the lines of the table that it fills, and the stores that measurements share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.performance.processes import Pair, check, pairs, script
from benchmarks.performance.scripts import BARE
from benchmarks.performance.stores import made_store
from benchmarks.performance.table import Target

PAGE_OF_RUNS = "5000"  # that the bare script asks for at a time


@dataclass(frozen=True)
class Bench:
    """The scratch folder, how often a measurement is made, and stores that are made when they are first asked for."""

    root: Path
    runs: int
    repeats: int

    @cached_property
    def small(self) -> Path:
        """A store of twelve runs."""
        return made_store(self.root / "small", 12)

    @cached_property
    def large(self) -> Path:
        """A store of many runs."""
        return made_store(self.root / "large", self.runs)

    @cached_property
    def huge(self) -> Path:
        """A store of ten times as many runs."""
        return made_store(self.root / "huge", 10 * self.runs)

    def against_bare(self, folder: Path, policy: str, *options: str) -> list[Pair]:
        """Run `check` and the bare script on a folder's store in turn."""
        uri = database(folder)
        return pairs(folder, check(policy, uri, *options), script(BARE, uri, PAGE_OF_RUNS), self.repeats)


Values = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement by its name, and its targets: ``measure`` returns the values of each of them."""

    name: str
    targets: Sequence[Target]
    measure: Callable[[Bench], Values]


def database(folder: Path) -> str:
    """Return the tracking URI of a folder's store."""
    return f"sqlite:///{folder / 'server.db'}"
