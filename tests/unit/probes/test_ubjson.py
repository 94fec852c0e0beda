import struct

import pytest

from smoke_gate.evidence import Holds
from smoke_gate.probes import ubjson
from tests.unit.probes.files import inspected, problem_of


def length(value: int) -> bytes:
    return b"L" + struct.pack(">q", value)


def key(name: bytes, value: bytes) -> bytes:
    return length(len(name)) + name + value


def whole(*pairs: bytes) -> bytes:
    return b"{" + b"".join(pairs) + b"}"


VALUES = {
    "null": b"Z",
    "true": b"T",
    "small": b"i\xff",
    "byte": b"U\xff",
    "short": b"I" + bytes(2),
    "int": b"l" + bytes(4),
    "long": b"L" + bytes(8),
    "float": b"d" + bytes(4),
    "double": b"D" + bytes(8),
    "character": b"Cx",
    "text": b"S" + length(3) + b"abc",
    "digits": b"HU\x031.5",
    "typed": b"[$d#" + length(3) + bytes(12),
    "counted": b"[#" + length(2) + b"ZT",
    "open": b"[ZT]",
    "nested": b"[#U\x01[#U\x01[]",
    "object": whole(key(b"a", b"Z"), key(b"b", whole())),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_values(value):
    data = whole(key(b"first", value), key(b"last", b"Z"))
    assert inspected(data, "m.ubj")[:2] == ("ubjson", None)
    assert all(problem_of(data[:cut], "m.ubj") for cut in range(1, len(data)))
    assert problem_of(data + b"Z", "m.ubj")


def test_keys_whose_lengths_are_written_otherwise():
    assert inspected(b"{i\x01aZU\x01bT}", "m.ubj")[:2] == ("ubjson", None)


def test_what_it_holds():
    model = whole(key(b"learner", whole()), key(b"version", b"Z"))
    assert inspected(model, "m")[2].holds is Holds.TENSORS
    assert inspected(whole(key(b"inner", model)), "m")[2].holds is Holds.DATA


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"x", "unknown type"),
        (b"S" + length(-1), "negative"),
        (b"SZ", "length of unknown type"),
        (b"[$S#" + length(1), "array of unknown type"),
        (b"[$dU\x01", "array of unknown type"),
        (b"[$d#" + length(1 << 60), "cut off"),
        (b"[#" + length(1 << 60), "unknown type"),
        (b"[" * 200, "nested more than 100 deep"),
    ],
)
def test_values_that_are_none(value, reason):
    assert reason in problem_of(whole(key(b"a", value)), "m.ubj")


def test_a_key_that_is_too_long():
    assert "key of 100000 bytes" in problem_of(whole(key(b"a", b"Z"), key(b"x" * 100_000, b"Z")), "m.ubj")


@pytest.mark.parametrize("pairs", [[key(b"a", b"[#" + length(50) + b"Z" * 50)], [key(b"a", b"Z")] * 50])
def test_too_many_values(monkeypatch, pairs):
    monkeypatch.setattr(ubjson, "_MAX_VALUES", 40)
    assert "more than 40 UBJSON values" in problem_of(whole(*pairs), "m.ubj")
