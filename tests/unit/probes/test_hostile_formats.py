"""Files that are made to take long or much memory: each comes to an end, and soon."""

import struct
import tracemalloc

import pytest

from tests.unit.probes.files import inspected, zipped
from tests.unit.probes.lz4_frames import compressed, copied, frame, literals
from tests.unit.probes.protobuf_messages import content, number, varint

ENDLESS = (1 << 60) - 1


def gguf(pairs: int, *parts: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, pairs) + b"".join(parts)


HOSTILE = {
    "arrays of msgpack": (b"\xdd\xff\xff\xff\xff" + b"\x90" * 4_000_000, "m.msgpack"),
    "numbers of msgpack": (b"\xdd\xff\xff\xff\xff" + b"\x01" * 4_000_000, "m.msgpack"),
    "values of UBJSON": (b"{L" + struct.pack(">q", 1) + b"a[" + b"Z" * 4_000_000, "m.ubj"),
    "an array of UBJSON without end": (
        b"{L" + struct.pack(">q", 1) + b"a[#L" + struct.pack(">q", ENDLESS),
        "m.ubj",
    ),
    "texts of GGUF": (
        gguf(1, struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 8, ENDLESS) + bytes(32_000_000)),
        "m.gguf",
    ),
    "pairs of GGUF": (gguf(ENDLESS, (struct.pack("<QI", 0, 0) + b"a") * 1_000_000), "m.gguf"),
    "a text of GGUF without end": (
        gguf(1, struct.pack("<Q", 1) + b"a" + struct.pack("<IQ", 8, ENDLESS) + bytes(1000)),
        "m.gguf",
    ),
    "fields of ONNX": (number(1, 1) * 1_100_000, "m.onnx"),
    "dimensions of ONNX": (number(1, 1) + content(7, content(5, number(1, 127) * 500_000)), "m.onnx"),
    "numbers of ONNX": (number(1, 1) + content(7, content(5, content(7, varint(1) * 8_000_000))), "m.onnx"),
    "nodes of a SavedModel": (
        number(1, 1) + content(2, content(2, content(1, b"") * 1_100_000)),
        "saved_model.pb",
    ),
    "lists of JSON": (b"[" + b"[]," * 2_000_000 + b"1]", "m.json"),
    "a deep JSON": (b"[" * 4_000_000, "m.json"),
    "sizes of LightGBM": (b"tree\nversion=v4\ntree_sizes=" + b"7 " * 4_000_000 + b"\n\nTree=0\n", "m.lgb"),
    "lines of LightGBM": (b"tree\nversion=v4\ntree_sizes=\n\nend of trees\n" + b"\n" * 4_000_000, "m.lgb"),
    "an index of zeros": (b"\0\0\x06\x08" + bytes(4_000_000), "variables.index"),
    "sequences of LZ4": (frame(compressed(copied(b"", 1, 4) * 1_300_000), largest=7), "m.joblib"),
    "zeros in LZ4": (
        frame(*[compressed(copied(b"\0", 1, 4_000_000) + literals(b""))] * 200, largest=7),
        "m.joblib",
    ),
    "signatures of archives": (zipped({"a": b"PK\x05\x06" * 1_000_000})[:-1], "a.distcp"),
    "archives": (zipped({}) * 25_000, "a.distcp"),
    "buffers of CatBoost": (b"CBM1" + struct.pack("<2I", 1000, 4) + bytes(996) + b"\xff" * 8, "m.cbm"),
}


@pytest.mark.parametrize(("data", "name"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_come_to_an_end(data, name):
    found, problem, _ = inspected(data, name)
    assert found
    assert problem
    assert "cannot be understood" not in problem


STREAMED = [
    "arrays of msgpack",
    "fields of ONNX",
    "texts of GGUF",
    "a text of GGUF without end",
    "zeros in LZ4",
    "archives",
]


@pytest.mark.parametrize("case", STREAMED)
def test_what_is_read_is_not_kept(case):
    data, name = HOSTILE[case]
    data = data[:1_000_000]
    tracemalloc.start()
    try:
        inspected(data, name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20
