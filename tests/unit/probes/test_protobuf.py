import io

import pytest

from smoke_gate.probes import protobuf
from smoke_gate.probes.inspection import BrokenError, LimitError
from smoke_gate.probes.protobuf import Field, Wire, WireReader, begins_message
from smoke_gate.probes.streams import ExactReader
from tests.unit.probes.protobuf_messages import content, fixed32, fixed64, number, varint


def reader(data: bytes) -> WireReader:
    return WireReader(ExactReader(io.BufferedReader(io.BytesIO(data))))


def fields(data: bytes) -> list[Field]:
    return list(reader(data).fields(len(data)))


def test_all_kinds_of_fields():
    data = number(1, 300) + content(2, b"abc") + fixed32(3, b"\1\0\0\0") + fixed64(4, 0.0) + number(1000, 1)
    assert [(each.number, each.wire, each.value) for each in fields(data)] == [
        (1, Wire.VARINT, 300),
        (2, Wire.LENGTH, 3),
        (3, Wire.FIXED32, 1),
        (4, Wire.FIXED64, 0),
        (1000, Wire.VARINT, 1),
    ]


def test_what_of_a_field_is_not_read_is_skipped():
    inner = content(1, b"x" * 300) + number(2, 7)
    walk = reader(content(5, inner) + number(6, 1))
    seen = []
    for part in walk.fields(len(content(5, inner)) + 2):
        if part.number == 5:
            seen.append(next(walk.fields(part.end)).number)  # only the first of the inner message
        else:
            seen.append(part.number)
    assert seen == [1, 6]


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",
        b"\x08\x80",
        content(2, b"abc")[:-1],
        fixed32(3, b"abc"),
        fixed64(3, 0)[:-1],
        b"\x03",  # a group
        b"\x06\x00",
        b"\x07\x00",
        b"\x00\x01",  # a field without a number
        b"\x08" + b"\xff" * 11,
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        content(1, content(1, b"a") + b"\x0a\x05b"),
    ],
)
def test_malformed_messages(data):
    walk = reader(data)
    with pytest.raises(BrokenError):
        [list(walk.fields(part.end)) for part in walk.fields(len(data)) if part.is_bytes]


def test_too_many_fields(monkeypatch):
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 5)
    assert len(fields(number(1, 1) * 5)) == 5
    with pytest.raises(LimitError, match="more than 5"):
        fields(number(1, 1) * 6)


def test_texts_and_numbers():
    data = (
        content(1, "é".encode()) + content(2, varint(1) + varint(300)) + number(2, 5) + content(3, bytes(8))
    )
    walk = reader(data)
    texts, integers, counts = [], [], []
    for part in walk.fields(len(data)):
        if part.number == 1:
            texts.append(walk.text(part))
        elif part.number == 2:
            integers += walk.integers(part, 100)
        else:
            counts.append(walk.count(part, 4))
    assert (texts, integers, counts) == (["é"], [1, 300, 5], [2])


def test_varints_are_counted_across_blocks():
    many = (varint(1) + varint(1 << 40)) * 30_000
    walk = reader(content(1, many))
    assert [walk.count(part, None) for part in walk.fields(len(content(1, many)))] == [60_000]


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (content(1, b"\xff"), lambda walk, part: walk.text(part)),
        (number(1, 1), lambda walk, part: walk.text(part)),
        (content(1, b"abc"), lambda walk, part: walk.text(part, 2)),
        (content(1, b"abc"), lambda walk, part: walk.count(part, 4)),
        (content(1, b"\x80"), lambda walk, part: walk.count(part, None)),
        (content(1, b"\x80"), lambda walk, part: walk.integers(part, 10)),
        (content(1, b"\1\1\1"), lambda walk, part: walk.integers(part, 2)),
        (fixed32(1, bytes(4)), lambda walk, part: walk.integers(part, 2)),
    ],
)
def test_fields_that_are_not_what_is_asked_for(data, read):
    walk = reader(data)
    with pytest.raises(BrokenError, match="protobuf"):
        read(walk, next(walk.fields(len(data))))


def test_beginnings():
    known = frozenset({(1, Wire.VARINT), (7, Wire.LENGTH)})
    assert begins_message(number(1, 3), known)
    assert begins_message(content(7, b""), known)
    assert not begins_message(content(1, b""), known)
    assert not begins_message(b"", known)
