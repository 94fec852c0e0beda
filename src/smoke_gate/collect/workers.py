"""Work that mostly waits for others, done several at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from smoke_gate.collect.progress import Progress

S = TypeVar("S")
T = TypeVar("T")


def in_parallel(
    function: Callable[[S], T], items: Sequence[S], *, workers: int, stage: str, progress: Progress
) -> list[T]:
    """Return what the function makes of each item, in the order of the items.

    The first exception ends the work: what has not begun is not begun, and nothing is waited for.
    """
    if not items:
        return []
    pool = ThreadPoolExecutor(max_workers=min(workers, len(items)))
    try:
        futures = [pool.submit(function, item) for item in items]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            progress(stage, done, len(items))
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
