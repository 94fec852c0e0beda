import threading
import time

import pytest

from smoke_gate.collect.progress import silent
from smoke_gate.collect.workers import in_parallel


def test_results_are_in_the_order_of_the_items():
    def slow_first(item):
        time.sleep(0.02 if item == 0 else 0)
        return item * 2

    assert in_parallel(slow_first, range(5), workers=3, stage="s", progress=silent) == [0, 2, 4, 6, 8]
    assert in_parallel(slow_first, [], workers=3, stage="s", progress=silent) == []


def test_no_more_at_a_time_than_workers():
    running, most, lock = 0, 0, threading.Lock()

    def work(_item):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    in_parallel(work, range(20), workers=4, stage="s", progress=silent)
    assert 1 < most <= 4


def test_progress_counts_what_is_done():
    seen = []
    in_parallel(abs, [1, 2], workers=1, stage="facts", progress=lambda *step: seen.append(step))
    assert seen == [("facts", 1, 2), ("facts", 2, 2)]


def test_the_first_error_ends_the_work():
    begun = []
    release = threading.Event()

    def work(item):
        begun.append(item)
        if item == 0:
            raise KeyError(item)
        release.wait(5)

    with pytest.raises(KeyError):
        in_parallel(work, range(100), workers=2, stage="s", progress=silent)
    assert len(begun) < 5
    release.set()
