"""All weights NaN: told where it is so, and cheap where it is not."""

import io
import struct
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import safetensors.numpy

from smoke_gate.probes.inspection import Inspection
from smoke_gate.probes.nan import watch
from tests.unit.probes.files import probed, torch_pickle, zipped

NAN = np.full((300, 70), np.nan, "f4")
ALMOST = NAN.copy()
ALMOST[-1, -1] = 0.5


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(*arrays: np.ndarray, packed: bool = False) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(buffer, *arrays)
    return buffer.getvalue()


def tensors(*arrays: np.ndarray) -> bytes:
    return safetensors.numpy.save({f"layer_{n}": array for n, array in enumerate(arrays)})


WRITERS: dict[str, Callable[..., bytes]] = {
    "m.npz": npz,
    "packed.npz": lambda *arrays: npz(*arrays, packed=True),
    "m.safetensors": tensors,
    "in.zip": lambda *arrays: zipped({"m.safetensors": tensors(*arrays)}),
}
CASES = {
    "all": ([NAN, NAN[:1]], True),
    "all, of several widths": ([NAN.astype("f2"), NAN.astype("f8")], True),
    "all but one": ([NAN, ALMOST], False),
    "all but one, first": ([ALMOST, NAN], False),
    "beside whole numbers": ([np.arange(200_000), NAN], True),
    "whole numbers": ([np.arange(3)], False),
    "empty ones": ([np.ones(0, "f4"), NAN], True),
    "none": ([np.ones(3)], False),
    "infinity": ([np.full(3, np.inf)], False),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("arrays", "expected"), CASES.values(), ids=CASES)
def test_archives_and_safetensors(tmp_path, name, arrays, expected):
    """spec: G3-holds"""
    artifact = probed(tmp_path, WRITERS[name](*arrays), name)
    assert (artifact.all_nan, artifact.problem) == (expected, None)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_single_arrays(tmp_path, dtype):
    assert probed(tmp_path, npy(NAN.astype(dtype)), "m.npy").all_nan
    assert not probed(tmp_path, npy(ALMOST.astype(dtype)), "m.npy").all_nan


def torch_file(monkeypatch, numbers: list[float]) -> bytes:
    data = torch_pickle(monkeypatch)
    return zipped(
        {"archive/data.pkl": data, "archive/data/0": struct.pack("<6f", *numbers), "archive/version": b"3"}
    )


def test_storages_of_torch(tmp_path, monkeypatch):
    nan = float("nan")
    assert probed(tmp_path, torch_file(monkeypatch, [nan] * 6), "m.pt").all_nan
    assert not probed(tmp_path, torch_file(monkeypatch, [nan] * 5 + [1.0]), "m.pt").all_nan
    assert not probed(tmp_path, torch_file(monkeypatch, [0.0] * 6), "m.pt").all_nan


@pytest.mark.parametrize(
    ("words", "expected"),
    [((0x7FC0, 0xFFC0, 0x7F81), True), ((0x7F80,), False), ((0x7FC0, 0x3F80), False), ((0xFF80,), False)],
)
def test_bfloat16(words, expected):
    inspection = Inspection.of_size(0)
    watch("BF16", [struct.pack(f"<{len(words)}H", *words)], inspection)
    assert inspection.all_nan is expected


def test_numbers_that_lie_across_blocks():
    data = np.full(5, np.nan).tobytes() + struct.pack("<d", 1.5)
    for size in (1, 3, 7, 8, 9):
        inspection = Inspection.of_size(0)
        watch("F64", [data[at : at + size] for at in range(0, len(data), size)], inspection)
        assert inspection.all_nan is False


def test_honest_numbers_cost_one_block():
    def blocks() -> Iterator[bytes]:
        yield struct.pack("<f", 1.0)
        raise AssertionError("one block tells it")

    inspection = Inspection.of_size(0)
    watch("F32", blocks(), inspection)
    assert inspection.all_nan is False

    more = blocks()
    watch("F32", more, inspection)
    assert next(more) == struct.pack("<f", 1.0)  # nothing more was asked for
