"""A bound on how long anything may take, whatever it waits for."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


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
