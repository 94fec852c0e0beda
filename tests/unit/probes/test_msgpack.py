import struct

import pytest

from smoke_gate.evidence import Holds
from smoke_gate.probes import msgpack
from tests.unit.probes.files import inspected, problem_of

FLOAT32 = b"\xa7float32"


def extension(kind: int, payload: bytes) -> bytes:
    return b"\xc9" + struct.pack(">Ib", len(payload), kind) + payload


def array(shape: bytes, dtype: bytes, data: bytes, kind: int = 1) -> bytes:
    return extension(kind, b"\x93" + shape + dtype + b"\xc6" + struct.pack(">I", len(data)) + data)


def state(value: bytes) -> bytes:
    return b"\x81\xa1a" + value


VALUES = {
    "nil": b"\xc0",
    "false": b"\xc2",
    "positive": b"\x7f",
    "negative": b"\xe0",
    "text": b"\xa3abc",
    "text 8": b"\xd9\x03abc",
    "text 16": b"\xda\0\x03abc",
    "text 32": b"\xdb\0\0\0\x03abc",
    "bytes 8": b"\xc4\x03abc",
    "bytes 16": b"\xc5\0\x03abc",
    "bytes 32": b"\xc6\0\0\0\x03abc",
    "float": b"\xca" + bytes(4),
    "double": b"\xcb" + bytes(8),
    "integers": b"\x98\xcc\1\xcd\0\1\xce\0\0\0\1\xcf"
    + bytes(8)
    + b"\xd0\1\xd1\0\1\xd2\0\0\0\1\xd3"
    + bytes(8),
    "array 16": b"\xdc\0\x01\xc0",
    "array 32": b"\xdd\0\0\0\x01\xc0",
    "map 16": b"\xde\0\x01\xa1b\xc0",
    "map 32": b"\xdf\0\0\0\x01\xa1b\xc0",
    "fixed extension": b"\xd6\xff" + bytes(4),
    "extension": extension(5, b"abc"),
    "complex": extension(2, b"\x92" + (b"\xcb" + bytes(8)) * 2),
    "array of flax": array(b"\x92\x02\x03", FLOAT32, bytes(24)),
    "array of a long side": array(b"\x91\xcd\x01\x00", b"\xa4int8", bytes(256)),
    "array of halves": array(b"\x91\x02", b"\xa8bfloat16", bytes(4)),
    "array of quarters": array(b"\x91\x02", b"\xadfloat8_e4m3fn", bytes(2)),
    "scalar": array(b"\x90", b"\xa5int64", bytes(8), kind=3),
    "array of an unknown dtype": array(b"\x91\x02", b"\xa3odd", bytes(5)),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_values(value):
    data = state(value)
    assert inspected(data, "m.msgpack")[:2] == ("msgpack", None)
    assert all(problem_of(data[:cut], "m.msgpack") for cut in range(1, len(data)))
    assert problem_of(data + b"\xc0", "m.msgpack")


@pytest.mark.parametrize(
    ("data", "holds"),
    [
        (state(VALUES["array of flax"]), Holds.TENSORS),
        (state(array(b"\x92\x00\x03", FLOAT32, b"")), Holds.DATA),
        (state(b"\x92\x01\x02"), Holds.NUMBERS),
        (state(b"\x01"), Holds.DATA),
    ],
)
def test_what_it_holds(data, holds):
    assert inspected(data, "m.msgpack")[2].holds is holds


def test_nothing():
    assert inspected(b"\x80", "m.msgpack")[2].holds is Holds.NOTHING
    assert inspected(b"\x90", "m.msgpack")[2].holds is Holds.NOTHING


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (state(b"\xc1"), "unknown type 0xc1"),
        (b"\x91" * 300, "nested more than 200 deep"),
        (b"\xdd\xff\xff\xff\xff\xc0", "cut off"),
        (state(b"\xdb\xff\xff\xff\xffabc"), "cut off"),
        (state(array(b"\x92\x02\x03", FLOAT32, bytes(23))), "23 bytes where its shape and dtype say 24"),
        (state(array(b"\x92\x02\xa1x", FLOAT32, bytes(24))), "shape is not of numbers"),
        (state(array(b"\x91\x02", b"\x01", bytes(8))), "dtype is not a name"),
        (state(array(b"\xdc\0\x50" + b"\1" * 80, FLOAT32, bytes(4))), "80 dimensions"),
        (state(extension(1, b"\x92\x90" + FLOAT32)), "not a shape, a dtype and bytes"),
        (state(extension(1, b"\x93\x90" + FLOAT32 + b"\xa4abcd")), "data are not bytes"),
        (state(extension(1, array(b"\x91\x01", FLOAT32, bytes(4))[6:] + b"more")), "does not end where"),
    ],
)
def test_broken_ones(data, reason):
    assert reason in problem_of(data, "m.msgpack")


def test_too_many_values(monkeypatch):
    monkeypatch.setattr(msgpack, "_MAX_VALUES", 10)
    assert "more than 10 msgpack values" in problem_of(b"\xdc\0\x14" + b"\xc0" * 20, "m.msgpack")
