import struct
from pathlib import Path

import pytest

from smoke_gate.probes.flatbuffers import root
from smoke_gate.probes.inspection import BrokenError
from tests.unit.probes.files import problem_of

FORMATS = Path(__file__).resolve().parents[2] / "fixtures" / "formats"


def buffer(vector: bytes, *, field: int = 1) -> bytes:
    """Write a table whose field of this number points to a vector."""
    slots = [0] * field + [4]
    vtable = struct.pack(f"<2H{len(slots)}H", 4 + 2 * len(slots), 8, *slots)
    at = 4 + len(vtable)
    return struct.pack("<I", at) + vtable + struct.pack("<iI", len(vtable), 4) + vector


def test_fields():
    data = buffer(struct.pack("<I", 3) + b"abc")
    table = root(data)
    start, count = table.vector(1, 1) or (0, 0)
    assert data[start : start + count] == b"abc"
    assert table.vector(0, 1) is None
    assert table.vector(7, 1) is None
    assert table.table(7) is None
    assert table.tables(7, 10) == []


def test_texts():
    texts = struct.pack("<2I", 1, 4) + struct.pack("<I", 2) + b"ab"
    assert root(buffer(texts)).texts(1, 10) == [b"ab"]


@pytest.mark.parametrize(
    ("data", "ask"),
    [
        (b"", lambda table: table),
        (struct.pack("<I", 4), lambda table: table),
        (struct.pack("<I", 1 << 31) + bytes(100), lambda table: table),
        (struct.pack("<Ii", 4, 100) + bytes(10), lambda table: table),
        (struct.pack("<Ii", 4, -100) + bytes(10), lambda table: table),
        (buffer(struct.pack("<I", 3) + b"ab"), lambda table: table.vector(1, 1)),
        (buffer(struct.pack("<I", 1) + b"abc"), lambda table: table.vector(1, 4)),
        (buffer(b"ab"), lambda table: table.vector(1, 1)),
        (buffer(struct.pack("<2I", 1, 400)), lambda table: table.tables(1, 10)),
        (buffer(struct.pack("<3I", 2, 4, 4)), lambda table: table.texts(1, 1)),
    ],
)
def test_offsets_that_lead_out(data, ask):
    with pytest.raises(BrokenError, match="FlatBuffers"):
        ask(root(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"CBM1", "cut off"),
        (b"CBM1" + struct.pack("<I", 100), "its core alone says 100"),
        (b"CBM1" + struct.pack("<IQ", 0xFFFFFFFF, 1 << 50), "its core alone says 1125899906842624"),
        (b"CBM1" + struct.pack("<I", 4) + bytes(4), "FlatBuffers"),
        (
            b"CBM1" + struct.pack("<I", len(buffer(bytes(4), field=2))) + buffer(bytes(4), field=2),
            "without trees",
        ),
    ],
)
def test_catboost_models_that_are_broken(data, reason):
    assert reason in problem_of(data, "model.cbm")


def catboost_with_part(name: bytes, rest: bytes) -> bytes:
    """Write a core that names a part, and has a table as its trees."""
    vtable = struct.pack("<6H", 12, 12, 0, 4, 0, 8)
    at = 4 + len(vtable)
    parts = struct.pack("<3I", 1, 4, len(name)) + name
    trees_at = at + 12 + len(parts)
    empty = struct.pack("<2Hi", 4, 4, 4)
    fields = struct.pack("<i2I", len(vtable), trees_at + 4 - (at + 4), 4)
    core = struct.pack("<I", at) + vtable + fields + parts + empty
    return b"CBM1" + struct.pack("<I", len(core)) + core + rest


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (catboost_with_part(b"static_provider_v1", struct.pack("<2I", 1, 3) + b"abc"), ""),
        (catboost_with_part(b"static_provider_v1", struct.pack("<I", 0)), ""),
        (catboost_with_part(b"static_provider_v1", struct.pack("<I", 0) + b"x"), "it has bytes after"),
        (catboost_with_part(b"static_provider_v1", struct.pack("<2I", 1, 3) + b"ab"), "it is cut off"),
        (catboost_with_part(b"static_provider_v1", struct.pack("<I", 1 << 31)), "2147483648 tables"),
        (
            catboost_with_part(b"text_process_v2\0", b"odd"),
            "a part 'text_process_v2', whose form is not read",
        ),
    ],
)
def test_the_parts_of_catboost_models(data, problem):
    assert problem in problem_of(data, "model.cbm")
    assert bool(problem) is bool(problem_of(data, "model.cbm"))


def test_tflite_models_that_are_broken():
    empty = struct.pack("<I4s2Hi", 12, b"TFL3", 4, 4, 4)
    assert problem_of(empty, "m.tflite") == "it is a TensorFlow Lite model without a graph"
    assert "FlatBuffers" in problem_of(struct.pack("<I4s", 900, b"TFL3") + bytes(20), "m.tflite")
