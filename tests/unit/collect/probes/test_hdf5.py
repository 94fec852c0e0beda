import io
from pathlib import Path

import h5py
import numpy as np
import pytest

from smoke_gate.collect.probes.hdf5 import probe_hdf5, superblock_offset
from smoke_gate.collect.probes.inspection import BrokenError, Inspection


def made(tmp_path: Path, **options: object) -> bytes:
    path = tmp_path / "made.h5"
    with h5py.File(path, "w", **options) as file:
        file.create_group("layer")["kernel"] = np.arange(1000.0)
    return path.read_bytes()


def probe(data: bytes) -> None:
    probe_hdf5(io.BufferedReader(io.BytesIO(data)), len(data), Inspection.of_size(len(data)))


OPTIONS = [
    {},
    {"libver": "latest"},
    {"libver": ("v108", "v108")},
    {"userblock_size": 512},
    {"userblock_size": 2048},
    {"track_order": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_what_h5py_writes_is_intact(tmp_path, options):
    data = made(tmp_path, **options)
    assert superblock_offset(data[:4096]) == options.get("userblock_size", 0)
    probe(data)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data[: len(data) // 2], lambda data: data + b"x"]
)
def test_another_length_than_recorded(tmp_path, options, change):
    with pytest.raises(BrokenError, match="superblock says"):
        probe(change(made(tmp_path, **options)))


def test_a_file_that_its_writer_still_holds_open(tmp_path):
    path = tmp_path / "open.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["x"] = np.arange(10)
        file.flush()
        with pytest.raises(BrokenError):
            probe(path.read_bytes())


@pytest.mark.parametrize("at", [8, 13])
def test_a_damaged_superblock(tmp_path, at):
    data = bytearray(made(tmp_path))
    data[at] = 77
    with pytest.raises(BrokenError, match="superblock"):
        probe(bytes(data))


def test_cut_within_the_superblock(tmp_path):
    data = made(tmp_path)
    for length in range(8, 48):
        with pytest.raises(BrokenError):
            probe(data[:length])


def test_what_does_not_begin_like_one():
    assert superblock_offset(b"x" * 5000) is None
