"""Work that mostly waits for others, done several at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TypeVar

from smoke_gate.collect.progress import Progress

S = TypeVar("S")
T = TypeVar("T")

_PORTIONS = 32  # of each worker: the last ones end at about the same time


def in_parallel(
    function: Callable[[S], T], items: Sequence[S], *, workers: int, stage: str, progress: Progress
) -> list[T]:
    """Return what the function makes of each item, in the order of the items.

    The first exception ends the work: no further item is begun, and none is waited for.
    """
    if not items:
        return []
    is_over = Event()

    def several(some: Sequence[S]) -> list[T]:
        made = []
        for item in some:
            if is_over.is_set():
                break
            made.append(function(item))
        return made

    size = max(
        1, len(items) // (workers * _PORTIONS)
    )  # a thread's turn costs as much as a run without artifacts
    portions = [items[at : at + size] for at in range(0, len(items), size)]
    pool = ThreadPoolExecutor(max_workers=min(workers, len(portions)))
    try:
        futures = [pool.submit(several, portion) for portion in portions]
        done = 0
        for future in as_completed(futures):
            done += len(future.result())
            progress(stage, done, len(items))
        return [made for future in futures for made in future.result()]
    finally:
        is_over.set()
        pool.shutdown(wait=False, cancel_futures=True)
