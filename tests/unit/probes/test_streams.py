import io
from collections.abc import Iterator

import pytest

from smoke_gate.probes.inspection import BrokenError
from smoke_gate.probes.streams import BLOCK_BYTES, ExactReader, drain, stream_of


def source(data: bytes) -> ExactReader:
    return ExactReader(stream_of(iter([data[:1], b"", data[1:]])))


def test_it_reads_what_is_asked_for_and_knows_where_it_is():
    reader = source(b"abcdefgh")
    assert reader.take(3) == b"abc"
    reader.skip(4)
    assert (reader.position, reader.at_end()) == (7, False)
    assert reader.take(1) == b"h"
    assert reader.at_end()


@pytest.mark.parametrize(
    "act", [lambda r: r.take(5), lambda r: r.skip(5), lambda r: r.skip(1 << 62), lambda r: r.line(9)]
)
def test_it_tells_when_bytes_end_too_early(act):
    with pytest.raises(BrokenError, match="cut off"):
        act(source(b"abcd"))


def test_lines():
    reader = source(b"one\n" + b"x" * 200_000 + b"\ntwo\n")
    assert reader.line(3) == b"one"
    assert reader.line(10) is None
    assert reader.line(10) == b"two"
    assert reader.position == 200_009


def test_a_stream_raises_what_its_chunks_raise():
    def chunks() -> Iterator[bytes]:
        yield b"abc"
        raise BrokenError("is damaged")

    with pytest.raises(BrokenError, match="is damaged"):
        stream_of(chunks()).read()


def test_drain_counts():
    stream = stream_of(b"x" * size for size in (1, BLOCK_BYTES + 3, 7))
    stream.read(5)
    assert drain(stream) == BLOCK_BYTES + 6
    assert drain(io.BufferedReader(io.BytesIO())) == 0
