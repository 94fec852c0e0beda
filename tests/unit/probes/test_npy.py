import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Globals, Holds
from smoke_gate.probes.inspection import BrokenError, Inspection
from smoke_gate.probes.npy import probe_npy


def holds_something(data: bytes) -> bool:
    inspection = Inspection.of_size(len(data))
    probe_npy(io.BufferedReader(io.BytesIO(data)), len(data), inspection)
    return inspection.holds is Holds.TENSORS


def probe(data: bytes) -> Globals:
    inspection = Inspection.of_size(len(data))
    probe_npy(io.BufferedReader(io.BytesIO(data)), len(data), inspection)
    return inspection.imports.as_evidence()


def saved(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version)
    return buffer.getvalue()


def with_header(header: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode("latin-1") + data


ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.array(3),
    np.zeros((0, 5)),
    np.asfortranarray(np.ones((2, 3))),
    np.array(["ab"]),
    np.array([(1, 2.0)], dtype=[("i", "i4"), ("f", "f8", (2,))]),
    np.array(["2026"], dtype="M8[D]"),
]


@pytest.mark.parametrize("version", [None, (1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.dtype))
def test_what_numpy_writes_is_intact(array, version):
    assert probe(saved(array, version)) == Globals()


def test_an_array_without_elements_holds_nothing():
    found = [holds_something(saved(array)) for array in ARRAYS]
    assert found == [array.size > 0 for array in ARRAYS]
    assert holds_something(saved(np.array([None], dtype=object)))
    assert not holds_something(saved(np.array([], dtype=object)))


class Evil:
    def __reduce__(self):
        return eval, ("0",)


def test_an_array_of_objects_is_a_pickle():
    assert probe(saved(np.array([None, "a"], dtype=object))) == Globals()
    assert probe(saved(np.array([Evil()], dtype=object))).dangerous == ("builtins.eval",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (saved(ARRAYS[0])[:-1], "bytes of data"),
        (saved(ARRAYS[0]) + b"x", "bytes of data"),
        (saved(np.array([None], dtype=object)) + b"x", "after the end"),
        (b"\x93NUMPY\x09\x00", "known version"),
        (b"\x93NUMPY\x01", "cut off"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "a NumPy header of"),
        (with_header("{"), "not a dictionary"),
        (with_header("__import__('os')"), "not a dictionary"),
        (with_header("(" * 9000), "not a dictionary"),
        (with_header("-" * 9000 + "1"), "not a dictionary"),
        (with_header("[]"), "malformed"),
        (with_header("{'descr': '<f8', 'fortran_order': 0, 'shape': ()}"), "malformed"),
        (with_header("{'descr': '<f8', 'fortran_order': True, 'shape': (-1,)}"), "malformed"),
        (with_header("{'descr': '<f8', 'fortran_order': True, 'shape': (), 'x': 1}"), "malformed"),
        (with_header("{'descr': '<q9', 'fortran_order': True, 'shape': ()}"), "unknown dtype"),
        (with_header("{'descr': [('a', 5)], 'fortran_order': True, 'shape': ()}"), "unknown dtype"),
    ],
)
def test_broken(data, reason):
    with pytest.raises(BrokenError, match=reason):
        probe(data)


@given(length=st.integers(0, len(saved(ARRAYS[0])) - 1))
def test_every_cut_is_told(length):
    with pytest.raises(BrokenError):
        probe(saved(ARRAYS[0])[:length])
