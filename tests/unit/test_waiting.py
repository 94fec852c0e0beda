from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.waiting import LONGEST_PAUSE, duration, pauses, wait_while


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("0m", 0)]
)
def test_a_duration_is_read(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "m", "-5m", "1.5h", "30 m", "30m later", "½h", "٣m", "9" * 401 + "d"]
)
def test_what_is_no_duration_is_told(text):
    with pytest.raises(ValueError, match="expected a duration such as 30m"):
        duration(text)


@given(st.floats(0, 1e6))
def test_pauses_grow_to_a_bound_and_fill_the_time(seconds):
    found = list(pauses(seconds))
    assert sum(found) == pytest.approx(seconds)
    assert all(0 < pause <= LONGEST_PAUSE for pause in found)
    assert all(one <= other for one, other in pairwise(found[:-1]))


class Watched:
    """Something that is pending for a number of looks, and a clock that looks and pauses move."""

    def __init__(self, pending_looks: int, look_seconds: float = 0) -> None:
        self.left, self.look_seconds = pending_looks, look_seconds
        self.time, self.looks = 0.0, 0

    def look(self) -> bool:
        self.looks += 1
        self.time += self.look_seconds
        self.left -= 1
        return self.left >= 0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0  # the real one raises below it
        self.time += seconds

    def wait(self, seconds: float) -> bool:
        return wait_while(
            lambda pending: pending, self.look, seconds=seconds, sleep=self.sleep, now=lambda: self.time
        )


def test_without_waiting_there_is_one_look():
    watched = Watched(5)
    assert watched.wait(0)
    assert (watched.looks, watched.time) == (1, 0)


def test_waiting_ends_with_what_it_waited_for():
    """spec: cli-wait"""
    watched = Watched(3)
    assert not watched.wait(3600)
    assert watched.looks == 4
    assert watched.time < 120


def test_waiting_ends_with_its_time():
    watched = Watched(1000)
    assert watched.wait(1800)
    assert watched.time == pytest.approx(1800)


def test_slow_looks_count():
    watched = Watched(1000, look_seconds=600)
    assert watched.wait(1800)
    assert watched.time <= 1800 + 600
