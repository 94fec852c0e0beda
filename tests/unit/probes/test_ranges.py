import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.probes import ranges
from smoke_gate.probes.ranges import RangeError, ranged

DATA = bytes(range(256)) * 4096


class Asked:
    """A store of some bytes that remembers what was asked for."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.parts: list[tuple[int, int]] = []

    def __call__(self, offset: int, count: int) -> bytes:
        self.parts.append((offset, count))
        return self.data[offset : offset + count]


@given(st.lists(st.tuples(st.integers(0, len(DATA) + 10), st.integers(0, 100_000)), max_size=20))
def test_it_reads_what_a_file_would(places):
    with ranged(Asked(), len(DATA)) as stream:
        for at, count in places:
            stream.seek(at)
            assert stream.read(count) == DATA[at : at + count]
            assert stream.tell() == at + len(DATA[at : at + count])


def test_the_end_is_where_it_is_in_a_file():
    with ranged(Asked(), len(DATA)) as stream:
        assert stream.seek(-22, io.SEEK_END) == len(DATA) - 22
        assert stream.read() == DATA[-22:]
        stream.seek(5)
        stream.seek(7, io.SEEK_CUR)
        assert stream.read(1) == DATA[12:13]
        with pytest.raises(OSError, match="before the beginning"):
            stream.seek(-len(DATA) - 1, io.SEEK_END)


def test_little_is_asked_for():
    asked = Asked()
    with ranged(asked, len(DATA)) as stream:
        for at in (0, len(DATA) - 22, 10, len(DATA) - 50, 0):
            stream.seek(at)
            stream.read(10)
    assert sum(count for _, count in asked.parts) <= 3 * 16384
    assert len(asked.parts) == 3


def test_what_is_read_in_order_is_asked_for_in_few_parts():
    asked = Asked(bytes(8 << 20))
    with ranged(asked, 8 << 20) as stream:
        while stream.read(65536):
            pass
    assert len(asked.parts) <= 16
    assert sum(count for _, count in asked.parts) == 8 << 20


@pytest.mark.parametrize("bound", ["MAX_BYTES", "MAX_REQUESTS"])
def test_the_cost_is_bounded(monkeypatch, bound):
    monkeypatch.setattr(ranges, bound, 3)
    stream = ranged(Asked(), len(DATA))
    with pytest.raises(RangeError, match="would be needed"):
        _read_here_and_there(stream)


def _read_here_and_there(stream: io.BufferedReader) -> None:
    for at in range(0, len(DATA), 100_000):
        stream.seek(at)
        stream.read(1)


def test_a_store_that_gives_less():
    with pytest.raises(RangeError, match="0 bytes came where 16384"):
        ranged(lambda _offset, _count: b"", len(DATA)).read(1)
