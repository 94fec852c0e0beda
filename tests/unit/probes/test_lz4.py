import io

import pytest

from smoke_gate.probes import lz4
from smoke_gate.probes.inspection import BrokenError, LimitError
from smoke_gate.probes.lz4 import decompressed_frame
from smoke_gate.probes.streams import ExactReader
from tests.unit.probes.files import SHELL, inspected
from tests.unit.probes.lz4_frames import (
    BLOCK_SUM,
    CONTENT_SUM,
    compressed,
    copied,
    frame,
    literals,
    stored,
)


def unpacked(data: bytes) -> bytes:
    return b"".join(decompressed_frame(ExactReader(io.BufferedReader(io.BytesIO(data)))))


LONG = bytes(range(256)) * 40


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (frame(), b""),
        (frame(stored(b"abc")), b"abc"),
        (frame(compressed(literals(LONG))), LONG),
        (frame(compressed(copied(b"ab", 2, 7) + literals(b"c"))), b"ababababac"),
        (frame(compressed(copied(b"a", 1, 600) + literals(b""))), b"a" * 601),
        (frame(stored(b"abcd"), compressed(copied(b"", 4, 4) + literals(b"")), flags=0), b"abcdabcd"),
        (frame(stored(b"a") + b"sum!", flags=BLOCK_SUM | 0x20), b"a"),
        (frame(stored(b"a"), flags=CONTENT_SUM, size=1), b"a"),
        (frame(stored(LONG * 6), stored(LONG)), LONG * 7),
    ],
)
def test_frames(data, content):
    assert unpacked(data) == content


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x04\x22\x4d\x19" + frame()[4:], "does not begin like"),
        (frame(flags=0x80), "malformed or needs a dictionary"),
        (frame(flags=0x01), "malformed or needs a dictionary"),
        (frame(flags=0x02), "malformed or needs a dictionary"),
        (frame(largest=3), "malformed or needs a dictionary"),
        (frame(stored(bytes((64 << 10) + 1))), "LZ4 block of"),
        (frame(compressed(copied(b"a", 1, (64 << 10)) + literals(b""))), "leads out"),
        (frame(compressed(literals(b"a") + bytes([0xF0]) + b"\xff" * 300 + bytes(80_000))), "block"),
        (frame(compressed(copied(b"ab", 3, 4) + literals(b""))), "leads out"),
        (frame(compressed(copied(b"ab", 0, 4) + literals(b""))), "leads out"),
        (frame(stored(b"abcd"), compressed(copied(b"", 4, 4) + literals(b""))), "leads out"),  # independent
        (frame(compressed(b"\xf0")), "in the middle"),
        (frame(compressed(b"\x40ab")), "in the middle"),
        (frame(compressed(b"\x10a\x01")), "in the middle"),
        (frame(stored(b"a"), size=2), "where its LZ4 header says 2"),
    ],
)
def test_what_is_no_frame(data, reason):
    with pytest.raises(BrokenError, match=reason):
        unpacked(data)


def test_a_frame_of_more_sequences_than_are_followed(monkeypatch):
    monkeypatch.setattr(lz4, "_MAX_SEQUENCES", 10)
    many = compressed(copied(b"a", 1, 4) * 5 + literals(b""))
    assert unpacked(frame(many)) == b"a" * 25
    with pytest.raises(LimitError, match="more than 10 LZ4 sequences"):
        unpacked(frame(many, many))


@pytest.mark.parametrize("name", ["model.joblib", "model.pkl", "model.joblib.lz4", "model.bin", "weights"])
def test_a_pickle_inside_is_scanned(name):
    assert inspected(frame(stored(SHELL)), name)[2].imports.dangerous == {"os.system"}


def test_a_pickle_that_only_a_copy_completes_is_scanned():
    begun = SHELL[:-1] + b"0"
    block = compressed(copied(b"N0" + begun, len(begun), len(begun)) + literals(b"N."))
    assert unpacked(frame(block)) == b"N0" + begun + begun + b"N."
    found, problem, inspection = inspected(frame(block), "model.joblib")
    assert (found, problem) == ("joblib", None)
    assert inspection.imports.dangerous == {"os.system"}
