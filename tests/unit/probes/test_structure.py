"""Files that are too large to be read whole: what a few parts of them tell, held against the whole file's probe."""

import io
import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import h5py
import joblib
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.evidence import Artifact
from smoke_gate.probes import inspection, structure
from smoke_gate.probes.structure import probe_structure
from tests.unit.probes.files import SHELL, probed, torch_pickle, zipped
from tests.unit.probes.test_gguf import tensor
from tests.unit.probes.test_gguf import whole as gguf
from tests.unit.probes.test_keras import LAMBDA, layer, model
from tests.unit.probes.test_ranges import Asked

LARGE = np.random.default_rng(0).standard_normal((400, 400))


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(*, packed: bool = False, **arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    save: Any = np.savez_compressed if packed else np.savez
    save(buffer, **arrays)
    return buffer.getvalue()


def torch_like(pickled: bytes, *, storages: int = 40, root: str = "archive", compression: int = 0) -> bytes:
    """Lay out a checkpoint of many large storages as torch does."""
    members = {f"{root}/data.pkl": pickled, f"{root}/byteorder": b"little"}
    members |= {f"{root}/data/{n}": LARGE[: 100 + n].tobytes() for n in range(storages)}
    return zipped({**members, f"{root}/version": b"3\n"}, compression)


def looked_at(data: bytes, name: str) -> tuple[Artifact | None, int]:
    """Return what parts tell, and how many bytes were asked for."""
    asked = Asked(data)
    return probe_structure(asked, len(data), name), sum(count for _, count in asked.parts)


@pytest.fixture
def honest(monkeypatch) -> Callable[[str], bytes]:
    files: dict[str, bytes] = {
        "m.npy": npy(LARGE),
        "m.npz": npz(a=LARGE, b=LARGE * 2),
        "packed.npz": npz(a=LARGE, b=LARGE * 2, packed=True),
        "m.safetensors": safetensors.numpy.save({"a": LARGE, "b": LARGE}),
        "weights.bin": safetensors.numpy.save({"a": LARGE, "b": LARGE}),
        "m.pt": torch_like(torch_pickle(monkeypatch)),
        "m.ckpt": torch_like(torch_pickle(monkeypatch), storages=1),
    }
    return files.__getitem__


HONEST = ["m.npy", "m.npz", "packed.npz", "m.safetensors", "weights.bin", "m.pt", "m.ckpt"]


@pytest.mark.parametrize("name", HONEST)
def test_parts_tell_what_the_whole_file_does(tmp_path, honest, name):
    data = honest(name)
    found, cost = looked_at(data, name)
    whole = probed(tmp_path, data, name)
    assert found is not None
    assert found.structure_only
    assert found.sha256 is None
    for fact in ("path", "size", "format", "problem", "globals", "holds", "content", "unread"):
        assert getattr(found, fact) == getattr(whole, fact), fact
    assert (found.problem, found.holds) == (None, "tensors")
    assert cost <= 300_000


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("cut", [1, 1000, 100_000])
def test_cut_files_are_noticed(honest, name, cut):
    found, _ = looked_at(honest(name)[:-cut], name)
    assert found is not None
    assert found.problem


@pytest.mark.parametrize("name", ["m.npy", "m.safetensors", "m.npz", "m.pt"])
def test_files_with_something_behind_are_noticed(honest, name):
    found, _ = looked_at(honest(name) + SHELL, name)
    assert found is not None
    assert found.problem


CODE: dict[str, tuple[bytes, str]] = {
    "a pickle": (torch_like(b"\x80\x02" + SHELL), "m.pt"),
    "a pickle beside": (
        torch_like(b"\x80\x02N.").replace(b"archive/byteorder", b"archive/bytes.pkl"),
        "m.pt",
    ),
    "a configuration of Keras": (
        zipped(
            {
                "config.json": json.dumps(model(layer("Lambda", {"function": LAMBDA}))).encode(),
                "a.npy": npy(LARGE),
            }
        ),
        "m.keras",
    ),
    "a packed pickle": (torch_like(b"\x80\x02" + SHELL, compression=zipfile.ZIP_DEFLATED), "m.pt"),
}


@pytest.mark.parametrize(("data", "name"), CODE.values(), ids=CODE)
def test_members_that_carry_code_are_read_whole(tmp_path, data, name):
    """spec: G3-structure"""
    found, _ = looked_at(data, name)
    assert found is not None
    whole = probed(tmp_path, data, name)
    assert found.globals == whole.globals
    assert bool(found.problem) == bool(whole.problem)
    assert found.globals.dangerous or found.problem


def test_their_checksums_are_verified():
    data = bytearray(torch_like(pickle.dumps({"epoch": 3, "lr": 0.25}, protocol=2)))
    data[data.index(b"epoch")] ^= 1
    found, _ = looked_at(bytes(data), "m.pt")
    assert found is not None
    assert "checksum" in (found.problem or "")


def objects() -> bytes:
    return npz(good=LARGE, bad=np.array([{"a": 1}], dtype=object))


LEFT: dict[str, tuple[bytes, str]] = {
    "a pickle": (pickle.dumps(LARGE), "m.pkl"),
    "joblib": (zlib.compress(pickle.dumps(LARGE)), "m.joblib"),
    "an array of objects": (npy(np.array([{"a": 1}] * 9, dtype=object)), "m.npy"),
    "arrays of objects": (objects(), "m.npz"),
    "an unknown format": (bytes(1000), "m.bin"),
    "another format than promised": (npy(LARGE), "m.safetensors"),
    "an old pickle": (b"(dp0\n.", "m.pt"),
    "archives one behind the other": (torch_like(b"\x80\x02N.") * 2, "__0_0.distcp"),
}


@pytest.mark.parametrize(("data", "name"), LEFT.values(), ids=LEFT)
def test_what_can_carry_code_anywhere_is_left(data, name):
    assert looked_at(data, name)[0] is None


def test_a_pickle_that_is_too_long_to_be_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(inspection, "MIN_OPCODES", 1000)  # of millions
    data = torch_like(b"\x80\x02" + b"N0" * 300_000 + b"N.", storages=1)
    found, _ = looked_at(data, "m.pt")
    assert found is not None
    assert found.unread == probed(tmp_path, data, "m.pt").unread
    assert "opcodes" in (found.unread or "")
    assert found.problem is None


def test_gguf():
    data = gguf([], [tensor(0, 1000, 500)], 2_000_000)
    found, cost = looked_at(data, "m.gguf")
    assert found is not None
    assert (found.format, found.problem, found.holds, found.structure_only) == ("gguf", None, "tensors", True)
    assert cost <= 50_000
    cut, _ = looked_at(data[:-1], "m.gguf")
    assert cut is not None
    assert cut.problem


def test_hdf5_is_left():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["x"] = LARGE
    assert looked_at(buffer.getvalue(), "m.h5")[0] is None


def test_an_archive_with_much_that_may_be_code_is_left(monkeypatch):
    monkeypatch.setattr(structure, "MAX_CODE_BYTES", 1000)
    assert looked_at(torch_like(b"\x80\x02N."), "m.pt")[0] is not None
    assert looked_at(torch_like(pickle.dumps("x" * 1000)), "m.pt")[0] is None


def test_a_pickle_in_the_header_of_safetensors_is_left():
    data = b"X\x05\0\0\0\0\0\0{ 0" + SHELL + b" " * 2000
    found, _ = looked_at(data, "weights.bin")
    assert found is None or found.globals.dangerous


def test_a_joblib_file_that_looks_like_nothing_else(tmp_path):
    joblib.dump({"a": LARGE}, tmp_path / "m.joblib")
    assert looked_at((tmp_path / "m.joblib").read_bytes(), "m.joblib")[0] is None


def with_member_moved(data: bytes, by: int) -> bytes:
    """Change where the directory says that a storage begins."""
    changed = bytearray(data)
    entry = changed.rindex(b"archive/data/1") - 46
    (offset,) = struct.unpack_from("<L", changed, entry + 42)
    struct.pack_into("<L", changed, entry + 42, offset + by)
    return bytes(changed)


@pytest.mark.parametrize("by", [-100_000, 100_000])
def test_storages_that_overlap_are_noticed(by):
    data = torch_like(b"\x80\x02N.", storages=3)
    found, _ = looked_at(with_member_moved(data, by), "m.pt")
    assert found is not None
    assert found.problem


@pytest.mark.parametrize("count", [0, 20, 4000])
def test_a_store_whose_file_changes_is_left(count):
    data = npy(LARGE)

    def fetch(offset: int, asked: int) -> bytes:
        return data[offset : offset + min(asked, count)]

    assert probe_structure(fetch, len(data), "m.npy") is None


def test_what_a_store_raises_comes_out():
    class StoreError(Exception):
        pass

    def fetch(*_: Any) -> bytes:
        raise StoreError

    with pytest.raises(StoreError):
        probe_structure(fetch, 1000, "m.npy")


KINDS = {
    "m.npy": npy(LARGE),
    "m.npz": npz(a=LARGE[:9], b=LARGE[:7]),
    "m.safetensors": safetensors.numpy.save({"a": LARGE[:9], "b": LARGE[:7]}),
    "m.pt": torch_like(pickle.dumps({"epoch": 3}, protocol=2), storages=3),
}


@given(
    name=st.sampled_from(sorted(KINDS)),
    at=st.floats(0, 1, exclude_max=True),
    patch=st.binary(min_size=1, max_size=9),
    from_the_end=st.booleans(),
)
def test_no_changed_bytes_raise(name, at, patch, from_the_end):
    data = bytearray(KINDS[name])
    start = len(data) - 1 - int(at * 1000) if from_the_end else int(at * 1000)
    data[start : start + len(patch)] = patch
    looked_at(bytes(data), name)


@pytest.mark.parametrize("root", ["", "archive/"])
@pytest.mark.parametrize("name", ["m.npz", "M.NPZ"])
def test_what_numpy_reads_is_not_spared_for_being_called_like_a_storage(root, name):
    data = zipped({f"{root}data.pkl": pickle.dumps({}), f"{root}version": b"3\n", f"{root}data/0": SHELL})
    assert probe_structure(Asked(data), len(data), name) is None
    assert probe_structure(Asked(data), len(data), "m.pt") is not None
