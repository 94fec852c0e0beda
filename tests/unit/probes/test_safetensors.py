import io
import json

import numpy as np
import pytest
from safetensors.numpy import save

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection
from smoke_gate.probes.safetensors import header_length, probe_safetensors


def probe(data: bytes) -> bool:
    inspection = Inspection.of_size(len(data))
    probe_safetensors(io.BufferedReader(io.BytesIO(data)), len(data), inspection)
    return inspection.holds is Holds.TENSORS


def with_header(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(dtype: str = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


GOOD = save(
    {"b": np.arange(6.0).reshape(2, 3), "a": np.ones(3, dtype="i2"), "scalar": np.array(True)}, {"k": "v"}
)


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        save({}),
        save({"empty": np.zeros((0, 4), dtype="f4"), "x": np.ones(1)}),
        with_header({"t": tensor("F4", [4], [0, 2])}, b"\0" * 2),
        with_header({"t": tensor("F6_E2M3", [4], [0, 3])}, b"\0" * 3),
    ],
)
def test_good_files(data):
    assert header_length(data[:100], len(data)) is not None
    probe(data)


def test_what_has_no_tensor_with_elements_holds_nothing():
    empty = np.zeros((0, 4), dtype="f4")
    assert probe(GOOD)
    assert probe(save({"empty": empty, "x": np.ones(1)}))
    assert not probe(save({}))
    assert not probe(save({}, {"format": "pt"}))
    assert not probe(save({"empty": empty}))


@pytest.mark.parametrize("length", [9, 50, len(GOOD) - 1])
def test_cut_off(length):
    with pytest.raises(BrokenError):
        probe(GOOD[:length])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (GOOD + b"\0", "bytes of data"),
        ((1 << 40).to_bytes(8, "little") + b"{", "a header of"),
        (with_header(b"[]"), "not a JSON object"),
        (with_header(b"{"), "JSON"),
        (with_header(b"\xff"), "JSON"),
        (with_header(b'{"a":' * 5000), "nested too deeply"),
        (with_header(b'{"t":NaN}'), "NaN"),
        (with_header(b'{"t":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), "a key twice"),
        (with_header({"__metadata__": {"a": 1}}), "__metadata__"),
        (with_header({"t": 1}), "malformed entry"),
        (with_header({"t": tensor() | {"more": 1}}, b"\0" * 8), "malformed entry"),
        (with_header({"t": tensor(shape=[True, 2])}, b"\0" * 8), "malformed entry"),
        (with_header({"t": tensor(shape=[-2, -1])}, b"\0" * 8), "malformed entry"),
        (with_header({"t": tensor(offsets=[0, 8, 9])}, b"\0" * 8), "malformed entry"),
        (with_header({"t": tensor("F33")}, b"\0" * 8), "unknown dtype"),
        (with_header({"t": tensor("F64")}, b"\0" * 8), "not the size"),
        (with_header({"t": tensor(offsets=[8, 0])}, b"\0" * 8), "not the size"),
        (with_header({"t": tensor("F4", [3], [0, 1])}, b"\0"), "not the size"),
        (with_header({"t": tensor(), "u": tensor(offsets=[4, 12])}, b"\0" * 12), "overlap"),
        (with_header({"t": tensor(), "u": tensor(offsets=[12, 20])}, b"\0" * 20), "gap"),
    ],
)
def test_broken(data, reason):
    with pytest.raises(BrokenError, match=reason):
        probe(data)


@pytest.mark.parametrize("head", [b"", b"{", b"\x05" + b"\0" * 7 + b"[    ", b"\xff" * 8 + b"{"])
def test_what_does_not_begin_like_one(head):
    assert header_length(head, 1000) is None
