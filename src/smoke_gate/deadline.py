"""Bounds on how long anything may take, whatever it waits for, or computes."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from types import FrameType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_AGAIN = 0.25  # seconds: what is raised in a destructor, or in a callback of the garbage collector, is lost


def within(seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what the function returns, from a thread of its own that is left behind when the time is over.

    Only that bounds everything: a silent name server, an answer that comes byte by byte, a library's own retries.

    Raises:
        TimeoutError: The time is over.
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future.result(timeout=seconds)


class _TimeIsOver(BaseException):
    """No ``Exception``: a gate that fails by one is a failing check, and the next gate would have no bound."""


_WAY_OUT = frozenset({within.__code__.co_filename, contextmanager.__code__.co_filename})


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Break off what computes for longer.

    It does so by ``SIGALRM``, and so in the main thread only: a regular expression that goes on for hours lets no
    other thread run.

    Raises:
        TimeoutError: The time is over.
    """

    def stop(_number: int, frame: FrameType | None) -> None:
        # On the way out, it would leave the timer running, and come up wherever the process is by then.
        if not is_left and (frame is None or frame.f_code.co_filename not in _WAY_OUT):
            raise _TimeIsOver

    is_left = is_over = False
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    except _TimeIsOver:
        is_over = True
    finally:
        is_left = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if is_over:
        raise TimeoutError
