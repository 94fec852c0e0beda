import bz2
import gzip
import io
import lzma
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.probes.compressed import COMPRESSIONS, decompressed
from smoke_gate.probes.inspection import BrokenError, Inspection
from tests.unit.probes.lz4_frames import compressed, copied, frame, literals

TEXT = b"what a checkpoint holds " * 5000
PACKED = {
    "zlib": zlib.compress(TEXT),
    "gzip": gzip.compress(TEXT),
    "bzip2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "lzma": lzma.compress(TEXT, format=lzma.FORMAT_ALONE),
    "lz4": frame(compressed(copied(TEXT[:24], 24, len(TEXT) - 29) + literals(TEXT[-5:])), largest=7),
}


def unpacked(kind: str, data: bytes, room: int = 1 << 20) -> bytes:
    return decompressed(io.BufferedReader(io.BytesIO(data)), kind, Inspection(expansion_left=room)).read()


@pytest.mark.parametrize("kind", sorted(COMPRESSIONS))
def test_whole_streams(kind):
    assert unpacked(kind, PACKED[kind]) == TEXT


@pytest.mark.parametrize("kind", sorted(COMPRESSIONS))
def test_streams_that_are_cut_off(kind):
    for length in range(len(PACKED[kind])):
        with pytest.raises(BrokenError):
            unpacked(kind, PACKED[kind][:length])


@pytest.mark.parametrize("kind", sorted(COMPRESSIONS))
@pytest.mark.parametrize("rest", [b"x", b"x" * 100_000])
def test_bytes_that_follow(kind, rest):
    with pytest.raises(BrokenError, match="after the end"):
        unpacked(kind, PACKED[kind] + rest)


@pytest.mark.parametrize("kind", sorted(COMPRESSIONS))
def test_more_than_there_is_room_for(kind):
    with pytest.raises(BrokenError, match="unpacks to more"):
        unpacked(kind, PACKED[kind], room=len(TEXT) - 1)


@given(at=st.integers(0, len(PACKED["zlib"]) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_told(at, bit):
    data = bytearray(PACKED["zlib"])
    data[at] ^= 1 << bit
    with suppress(BrokenError):
        assert unpacked("zlib", bytes(data)) == TEXT  # a flag that says nothing of the content


def test_a_dictionary_larger_than_allowed():
    packed = lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}])
    with pytest.raises(BrokenError, match="cannot be decompressed"):
        unpacked("xz", packed)
