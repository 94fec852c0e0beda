"""Waiting for planned runs that are not finished: how long, how often."""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE = 15.0
LONGEST_PAUSE = 300.0
GROWTH = 1.5
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """Return the seconds that ``30m``, ``90s``, ``1h30m`` or ``2d`` mean.

    Raises:
        ValueError: it is not a duration; the message says what was expected.

    """
    parts = re.findall(r"(\d{1,9})([smhd])", text, re.ASCII)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"found {text!r}; expected a duration such as 30m, 90s or 1h30m")
    return float(sum(int(number) * _UNITS[unit] for number, unit in parts))


def pauses(seconds: float) -> Iterator[float]:
    """Yield growing pauses that are ``seconds`` together: often at first, every five minutes in the end."""
    left, pause = seconds, FIRST_PAUSE
    while left > 0:
        yield min(pause, left)
        left -= pause
        pause = min(pause * GROWTH, LONGEST_PAUSE)


def wait_while(
    pending: Callable[[T], bool],
    look: Callable[[], T],
    *,
    seconds: float,
    sleep: Callable[[float], object],
    now: Callable[[], float],
) -> T:
    """Look until what is seen is not pending any more, or the time is over; return what was seen last.

    Args:
        pending: whether waiting may change what was seen.
        look: what takes its own time; that counts too.
        seconds: how long to wait at most; 0: look once.
        sleep: waits a number of seconds.
        now: a clock in seconds that never goes back.

    """
    end, seen = now() + seconds, look()
    for pause in pauses(seconds):
        left = end - now()
        if left <= 0 or not pending(seen):
            break
        sleep(min(pause, left))
        seen = look()
    return seen
