import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from smoke_gate.deadline import time_limit, within


def test_within_returns_and_raises_what_the_function_does():
    assert within(5, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        within(5, divmod, 7, 0)


def test_within_gives_up():
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.1, time.sleep, 120)
    assert time.monotonic() - begun < 60


def regardless(work: Callable[[], object]) -> None:
    """Do something and go on where it fails, as with gates."""
    with suppress(Exception):
        work()


@pytest.mark.parametrize("work", [lambda: time.sleep(120), lambda: re.match("(a|a)*b", "a" * 100)])
def test_a_time_limit_breaks_off_whatever_is_done(work):
    begun = time.monotonic()
    with pytest.raises(TimeoutError), time_limit(0.1):
        regardless(work)
    assert time.monotonic() - begun < 60


class Slow:
    def __del__(self) -> None:
        time.sleep(0.5)


def leave_and_go_on() -> None:
    Slow()
    time.sleep(120)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_time_limit_that_is_over_in_a_destructor_is_over_soon_after():
    begun = time.monotonic()
    with pytest.raises(TimeoutError), time_limit(0.1):
        regardless(leave_and_go_on)
    assert time.monotonic() - begun < 60


def test_a_time_limit_that_is_kept_leaves_nothing_behind():
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(120):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_an_alarm_on_the_way_out_goes_nowhere(monkeypatch):
    """The time is over again and again while the block is left; what comes after must not feel it."""
    monkeypatch.setattr("smoke_gate.deadline._AGAIN", 0.00005)
    before = signal.getsignal(signal.SIGALRM)
    for _ in range(500):
        with suppress(TimeoutError), time_limit(0.0001):
            regardless(lambda: [None for _ in range(3000)])
        assert signal.getsignal(signal.SIGALRM) == before
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
