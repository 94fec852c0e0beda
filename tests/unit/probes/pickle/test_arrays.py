import io
import pickle

import joblib
import numpy as np
import pytest
from joblib.numpy_pickle import NumpyArrayWrapper

from tests.unit.probes.files import SHELL, scanned

WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"


def dumped(value: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


ARRAYS = {
    "float": np.arange(6.0),
    "no dimension": np.array(2.5),
    "empty": np.zeros((0, 3)),
    "Fortran order": np.asfortranarray(np.ones((4, 5), dtype="f4")),
    "bool": np.array([True, False]),
    "text": np.array(["ab", "c"]),
    "bytes": np.array([b"ab", b"c"]),
    "time": np.array(["2026-01-01"], dtype="M8[s]"),
    "complex": np.ones(3, dtype=complex),
    "big endian": np.arange(5, dtype=">i4"),
    "structured": np.array([(1, 2.0)], dtype=[("i", "i4"), ("f", "f8")]),
    "subarrays": np.zeros(2, dtype=("f4", (3,))),
    "large": np.zeros(300_000),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_joblib_arrays_amid_the_pickle_are_read_past(array):
    found, problem = scanned(dumped({"first": array, "again": [array, array.dtype], "last": "x"}))
    assert problem is None
    assert found.dangerous == ()
    assert found.unknown == ()


class Model:
    def __init__(self) -> None:
        self.layers = [{"weights": np.ones((3, n)), "bias": np.zeros(n, dtype="f4")} for n in range(5)]
        self.dtype = self.layers[0]["bias"].dtype


def test_an_object_of_many_arrays():
    found, problem = scanned(dumped([Model(), Model()]))
    assert problem is None
    assert found.dangerous == ()
    assert found.unknown == (f"{__name__}.Model",)


def test_arrays_of_objects_are_pickles_that_are_scanned_too():
    found, problem = scanned(dumped(np.array([{"a": 1}, None], dtype=object)))
    assert problem is None
    assert found.unknown == ()
    evil = dumped(np.array([Evil()], dtype=object))
    assert "builtins.eval" in scanned(evil)[0].dangerous


class Evil:
    def __reduce__(self):
        return eval, ("0",)


def test_a_global_behind_an_array_is_found():
    found, problem = scanned(dumped([np.arange(1000.0), Evil()]))
    assert problem is None
    assert found.dangerous == ("builtins.eval",)


def test_a_file_cut_within_an_array_is_told():
    data = dumped(np.arange(1000.0))
    assert "cut off" in (scanned(data[:4000])[1] or "")


def wrapper_pickle(**changes: object) -> bytes:
    """Pickle joblib's stand-in for three doubles, without the array that joblib writes behind it."""
    state = {"subclass": np.ndarray, "shape": (3,), "order": "C", "dtype": np.dtype("f8"), "allow_mmap": True}
    wrapper = NumpyArrayWrapper(**state)
    wrapper.__dict__.update(changes)
    data = pickle.dumps(wrapper, protocol=3)  # without frames
    return data[:-1]  # and without STOP


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (wrapper_pickle() + b"\x20" + b"c" * 100 + b".", "padded more than joblib"),
        (wrapper_pickle(shape=(-1,)) + b"\0.", "cannot be told"),
        (wrapper_pickle(shape=[3]) + b"\0.", "cannot be told"),
        (wrapper_pickle(shape=(2.0,)) + b"\0.", "cannot be told"),
        (wrapper_pickle(shape=(2**60,)) + b"\0.", "cut off"),
        (
            wrapper_pickle(dtype=np.dtype("f8")).replace(b"X\x02\0\0\0f8", b"X\x02\0\0\0q9") + b"\0.",
            "cannot be told",
        ),
        (wrapper_pickle().replace(b"(K\x03X\x01\0\0\0<", b"(K\x05X\x01\0\0\0<") + b"\0.", "cannot be told"),
        (wrapper_pickle(dtype="f8") + b"\0.", "cannot be told"),
        (wrapper_pickle(dtype=np.dtype("f8").type) + b"\0.", "cannot be told"),
        (wrapper_pickle(**{f"more{n}": n for n in range(20)}) + b"\0.", "a way that joblib does not"),
        # made by another way than NEWOBJ, with its state set later, and inside a frame
        (
            pickle.dumps(NumpyArrayWrapper(np.ndarray, (3,), "C", np.dtype("f8")), protocol=0),
            "joblib does not",
        ),
        (b"\x80\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\n)R.", "joblib does not"),
        (b"\x80\x03(cjoblib.numpy_pickle\nNumpyArrayWrapper\no.", "joblib does not"),
        (b"\x80\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81N}\x86b.", "joblib does not"),
        (
            pickle.dumps(NumpyArrayWrapper(np.ndarray, (3,), "C", np.dtype("f8")), protocol=4),
            "within a pickle frame",
        ),
    ],
)
def test_what_joblib_would_read_otherwise_than_a_plain_unpickler_is_refused(data, reason):
    assert reason in (scanned(data)[1] or "")


def test_code_cannot_hide_as_an_array_from_a_plain_unpickler():
    """Without the padding byte, a plain unpickler runs on into the array: then a person must look."""
    data = wrapper_pickle(numpy_array_alignment_bytes=None) + SHELL.ljust(24) + b"."
    found, problem = scanned(data)
    assert problem is None
    assert found.unknown == (WRAPPER,)


def test_a_shape_that_the_memo_changes_afterwards_counts():
    """The state can be reached, and written, through its memo entry before it is set."""
    honest = wrapper_pickle()
    entry = honest[honest.index(b"}q") + 2]
    five = b"h" + bytes([entry]) + b"X\x05\x00\x00\x00shapeK\x05\x85s0"
    changed = honest[:-1] + five + b"b" + b"\0"
    assert scanned(changed + bytes(5 * 8) + b".")[1] is None
    assert scanned(changed + bytes(3 * 8) + b".")[1]
