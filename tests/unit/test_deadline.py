import time

import pytest

from smoke_gate.deadline import within


def test_within_returns_and_raises_what_the_function_does():
    assert within(5, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        within(5, divmod, 7, 0)


def test_within_gives_up():
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.1, time.sleep, 120)
    assert time.monotonic() - begun < 60
