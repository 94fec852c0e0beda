"""A measurement, the lines of the table that it fills, and the stores that measurements share."""

import sys
import time
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


def measured(measurement: Measurement, bench: Bench) -> dict[str, str]:
    """Measure, print the lines, and return them by what they are of. Whatever fails is told in its lines.

    The time that it took goes to stderr.
    """
    start = time.perf_counter()
    try:
        values = measurement.measure(bench)
    except Exception as error:  # noqa: BLE001 - the other rows are still to be measured
        lines = [target.not_measured(f"{type(error).__name__}: {error}") for target in measurement.targets]
    else:
        lines = [target.measured(own) for target, own in zip(measurement.targets, values, strict=True)]
    print("\n".join(lines), flush=True)
    print(f"{measurement.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return {target.what: line for target, line in zip(measurement.targets, lines, strict=True)}


def database(folder: Path) -> str:
    """Return the tracking URI of a folder's store."""
    return f"sqlite:///{folder / 'server.db'}"
