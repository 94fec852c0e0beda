"""The rows of runs in an SQLite store, without G7 and with it: with it a target is 1.4 times as large."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from benchmarks.performance.measurement import Bench, Measurement, Values, database
from benchmarks.performance.processes import (
    KILOBYTES_OF_A_GIGABYTE,
    check,
    cost,
    cpu,
    memory,
    smoke_gate,
)
from benchmarks.performance.stores import made_store
from benchmarks.performance.table import Target

FACTOR = 1.4
NO_FIGURES = "--no-figures"

Measure = Callable[[str, Bench], Values]


def measurements(runs: int) -> Iterator[Measurement]:
    """Yield the measurements; ``runs`` is how many runs the large store has."""
    all_runs = f"{runs:,} of {runs:,} runs"
    yield from twice("few", "12 runs, no figures", {"CPU": 0.65}, few)
    yield from twice("few-figures", "12 runs, with figures", {"CPU": 0.9}, few_drawn)
    yield from twice("many", f"{all_runs}, no figures", {"CPU": 1.0, "memory": 1.5}, many)
    yield from twice("many-figures", f"{all_runs}, with figures", {"CPU": 1.6}, many_drawn)
    yield Measurement("params", [Target(f"{all_runs} with 60 params, no figures: CPU", 0.35)], many_params)
    yield from twice("twelve", f"12 of {runs:,} runs, to a bare listing of them all", {"CPU": 0.5}, twelve)
    beside = f"12 runs beside {runs:,} of other cells, to a bare listing of them all: CPU"
    yield Measurement("beside", [Target(beside, 0.5)], twelve_beside)
    yield from twice("reproduce", f"`reproduce` of {runs:,} runs", {"CPU": 3.0}, reproduced, units=("s",))
    yield from twice(
        "huge", f"{10 * runs:,} runs, no figures", {"CPU": 60, "memory": 1.5}, huge, units=("s", "GB")
    )


def twice(
    name: str, what: str, bounds: Mapping[str, float], measure: Measure, units: tuple[str, ...] = ("", "")
) -> Iterator[Measurement]:
    """Yield a measurement without G7 and with it."""
    for policy, suffix, words, factor in (("plain", "", "", 1.0), ("compared", "-G7", ", G7 on", FACTOR)):
        targets = [
            Target(f"{what}{words}: {kind}", round(bound * factor, 3), unit)
            for (kind, bound), unit in zip(bounds.items(), units, strict=False)
        ]
        yield Measurement(name + suffix, targets, partial(measure, policy))


def few(policy: str, bench: Bench) -> Values:
    """Twelve runs."""
    return [cpu(bench.against_bare(bench.small, f"{policy}.yml", NO_FIGURES))]


def few_drawn(policy: str, bench: Bench) -> Values:
    """Twelve runs with figures."""
    return [cpu(bench.against_bare(bench.small, f"{policy}.yml"))]


def many(policy: str, bench: Bench) -> Values:
    """All runs of a large experiment."""
    found = bench.against_bare(bench.large, f"{policy}.yml", NO_FIGURES)
    return [cpu(found), memory(found)]


def many_drawn(policy: str, bench: Bench) -> Values:
    """The same, with figures."""
    return [cpu(bench.against_bare(bench.large, f"{policy}.yml"))]


def many_params(bench: Bench) -> Values:
    """All runs of a large experiment whose runs have 60 params."""
    folder = made_store(bench.root / "params", bench.runs, params=60)
    return [cpu(bench.against_bare(folder, "plain.yml", NO_FIGURES))]


def twelve(policy: str, bench: Bench) -> Values:
    """Twelve planned runs of a large experiment."""
    return [cpu(bench.against_bare(bench.large, f"twelve-{policy}.yml", NO_FIGURES))]


def twelve_beside(bench: Bench) -> Values:
    """Twelve planned runs beside many of cells that are not planned, which the policy ignores."""
    folder = made_store(bench.root / "beside", bench.runs, planned=12)
    return [cpu(bench.against_bare(folder, "twelve-plain.yml", NO_FIGURES))]


def reproduced(policy: str, bench: Bench) -> Values:
    """A verdict made again."""
    kept = bench.large / f"kept-{policy}"
    cost(bench.large, checked(bench.large, policy, "--output-dir", kept.name))
    (file,) = kept.glob("smoke_verdict_*.json")
    return [[cost(bench.large, smoke_gate("reproduce", str(file))).cpu for _ in range(bench.repeats)]]


def huge(policy: str, bench: Bench) -> Values:
    """Ten times as many runs, once."""
    one = cost(bench.huge, checked(bench.huge, policy))
    return [[one.cpu], [one.memory / KILOBYTES_OF_A_GIGABYTE]]


def checked(folder: Path, policy: str, *options: str) -> list[str]:
    """Return a `check` without figures of a folder's store."""
    return check(f"{policy}.yml", database(folder), NO_FIGURES, *options)
