"""The rows of what is measured in this process: the report's page, hashes of arrays, and a Dask cluster."""

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.page import measured_page
from benchmarks.performance.measurement import Bench, Measurement, Values
from benchmarks.performance.table import Target
from benchmarks.scaling import sending
from smoke_gate.hashing import data_hash

CHECKS = 100_000
CLICKS = 5
HASHES = 5  # for each repeat, since one takes a tenth of a second


def measurements() -> Iterator[Measurement]:
    """Yield the measurements."""
    page = f"the page of {CHECKS:,} checks"
    targets = [
        Target(f"{page}: a click on a filter until it is painted", 500, "ms"),
        Target(f"{page}: its data, deflated", 0.6, "MB"),
    ]
    yield Measurement("page", targets, opened)
    for kind in ("float64", "float32"):
        what = f"`data_hash` of a transposed {kind} array to a contiguous one: CPU"
        yield Measurement(f"data-hash-{kind}", [Target(what, 1.3)], partial(transposed, kind=kind))
    cluster = "60 checkpoints in S3, by a Dask cluster on this machine: wall time to its threads'"
    yield Measurement("executor", [Target(cluster, None)], executed)


def opened(_: Bench) -> Values:
    """The page in chromium: the slower of two filters, and the megabytes of its deflated data."""
    page = measured_page(CHECKS, CLICKS)
    return [max(page.clicks.values(), key=np.median), [page.data_bytes / 1e6]]


def transposed(bench: Bench, kind: str) -> Values:
    """Hash an array that is not contiguous, and one that is, in turn; the first pair only warms the memory."""
    array = np.random.default_rng(0).random((4000, 2000)).astype(kind)
    ratios = [
        seconds(lambda: data_hash(array.T)) / seconds(lambda: data_hash(array))
        for _ in range(1 + HASHES * bench.repeats)
    ]
    return [ratios[1:]]


def executed(bench: Bench) -> Values:
    """Artifacts read by a Dask cluster of this machine: what sending tasks costs, not what more machines bring."""
    folder = bench.root / "executed"
    folder.mkdir()
    return [sending(folder, bench.repeats)]


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start
