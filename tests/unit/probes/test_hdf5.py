import io
import json
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smoke_gate.evidence import Holds
from smoke_gate.probes.hdf5 import OTHER_FILE, SIGNATURE, probe_hdf5, superblock_offset
from smoke_gate.probes.hdf5_chunks import fletcher32
from smoke_gate.probes.hdf5_source import lookup3
from smoke_gate.probes.inspection import BrokenError, Imports, Inspection


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


# --- attributes, wherever HDF5 keeps them -----------------------------------------------------------------------------

LAMBDA = {"class_name": "Lambda", "config": {"function": ["YQ==", None, None], "function_type": "lambda"}}
CONFIG = json.dumps(LAMBDA)
LARGE = json.dumps({"padding": "é" * 50_000, "layers": [LAMBDA]})


def inspected(data: bytes) -> Inspection:
    inspection = Inspection.of_size(len(data))
    probe_hdf5(io.BufferedReader(io.BytesIO(data)), len(data), inspection)
    return inspection


def written(tmp_path: Path, write: Callable[[h5py.File], object], **options: object) -> bytes:
    path = tmp_path / "written.h5"
    with h5py.File(path, "w", **options) as file:
        write(file)
    return path.read_bytes()


def crowd(file: h5py.File, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        file.attrs[f"other_{number}"] = np.bytes_("x" * 100)


def as_text(file: h5py.File) -> None:
    file.attrs["model_config"] = CONFIG


def as_bytes(file: h5py.File) -> None:
    file.attrs["model_config"] = CONFIG.encode()


def as_fixed_bytes(file: h5py.File) -> None:
    file.attrs.create("model_config", np.bytes_(CONFIG))


def as_numbers(file: h5py.File) -> None:
    file.attrs["model_config"] = np.frombuffer(CONFIG.encode(), np.uint8)


def as_list(file: h5py.File) -> None:
    file.attrs["model_config"] = ["{}", CONFIG]


def as_large_text(file: h5py.File) -> None:
    file.attrs["model_config"] = LARGE


def in_a_crowd(file: h5py.File) -> None:
    crowd(file, 300)
    as_fixed_bytes(file)
    crowd(file, 20, start=300)


def as_text_in_a_crowd(file: h5py.File) -> None:
    crowd(file, 50)
    as_large_text(file)


def after_a_removal(file: h5py.File) -> None:
    crowd(file, 30)
    for number in range(29):
        del file.attrs[f"other_{number}"]
    as_text(file)


def in_a_group(file: h5py.File) -> None:
    file.create_group("a/b").attrs["model_config"] = CONFIG


WAYS = [
    as_text,
    as_bytes,
    as_fixed_bytes,
    as_numbers,
    as_list,
    as_large_text,
    in_a_crowd,
    as_text_in_a_crowd,
    after_a_removal,
    in_a_group,
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("write", WAYS, ids=lambda way: way.__name__)
def test_a_configuration_is_found_however_it_is_kept(tmp_path, options, write):
    inspection = inspected(written(tmp_path, write, **options))
    assert inspection.imports.dangerous == {"keras.layers.Lambda"}
    assert not inspection.unparsed


@pytest.mark.parametrize("options", [{"libver": "latest"}, {"track_order": True}], ids=str)
def test_one_that_is_too_large_for_a_heap_of_small_objects(tmp_path, options):
    def write(file: h5py.File) -> None:
        crowd(file, 20)
        file.attrs.create("model_config", np.bytes_(LARGE.encode()))

    assert inspected(written(tmp_path, write, **options)).imports.dangerous == {"keras.layers.Lambda"}


def test_heaps_of_many_blocks(tmp_path):
    def write(file: h5py.File) -> None:
        for number in range(2_000):
            file.attrs[f"other_{number}"] = np.bytes_("x" * 2_000)
        as_fixed_bytes(file)

    assert inspected(written(tmp_path, write, libver="latest")).imports.dangerous == {"keras.layers.Lambda"}


@pytest.mark.parametrize("value", ["resnet50", "layers: [1, 2]", b"\xff\xfe", 3.5, np.arange(3)])
def test_attributes_of_that_name_that_are_not_a_configuration(tmp_path, value):
    inspection = inspected(written(tmp_path, lambda file: file.attrs.create("model_config", value)))
    assert inspection.imports == Imports()


@pytest.mark.parametrize("text", ["{", '{"a": 1, "a": 2}'])
def test_a_configuration_that_is_not_intact(tmp_path, text):
    with pytest.raises(BrokenError, match="configuration cannot be read"):
        inspected(written(tmp_path, lambda file: file.attrs.create("model_config", text)))


# --- what a file holds ------------------------------------------------------------------------------------------------


def dataset(value: object, **options: object) -> Callable[[h5py.File], object]:
    return lambda file: file.create_dataset("group/x", data=value, **options)


HOLDS = {
    "nothing": (lambda _: None, Holds.NOTHING),
    "an empty group": (lambda file: file.create_group("a"), Holds.NOTHING),
    "an empty array": (dataset(np.ones((0, 3))), Holds.NOTHING),
    "no array": (dataset(h5py.Empty("f4")), Holds.NOTHING),
    "an attribute": (lambda file: file.attrs.create("a", 1), Holds.DATA),
    "one number": (dataset(3.0), Holds.DATA),
    "texts": (dataset(["a", "b"]), Holds.DATA),
    "an array": (dataset(np.ones(3)), Holds.TENSORS),
    "whole numbers": (dataset(np.arange(3)), Holds.TENSORS),
    "chunks": (dataset(np.ones(1000), chunks=(100,), compression="gzip", fletcher32=True), Holds.TENSORS),
    "a small array": (dataset(np.ones(2, "f2")), Holds.TENSORS),
    "records": (dataset(np.zeros(3, [("a", "f4"), ("b", "i8")])), Holds.TENSORS),
}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("write", "expected"), HOLDS.values(), ids=HOLDS)
def test_what_a_file_holds(tmp_path, options, write, expected):
    inspection = inspected(written(tmp_path, write, **options))
    assert (inspection.holds, inspection.unparsed) == (expected, False)
    assert not inspection.imports.unknown


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_groups_of_many_arrays(tmp_path, options):
    def write(file: h5py.File) -> None:
        for number in range(400):
            file[f"group/empty_{number}"] = np.ones(0)
        file["group/zz"] = np.ones(3)

    assert inspected(written(tmp_path, write, **options)).holds is Holds.TENSORS


def test_circles_come_to_an_end(tmp_path):
    def write(file: h5py.File) -> None:
        file["a/up"] = file["/"]
        file["a/self"] = file["a"]
        file["a/soft"] = h5py.SoftLink("/nowhere")

    assert inspected(written(tmp_path, write)).holds is Holds.NOTHING


def elsewhere(file: h5py.File) -> None:
    file["x"] = h5py.ExternalLink("other.h5", "/x")


def outside(file: h5py.File) -> None:
    file.create_dataset("x", shape=(10,), dtype="f4", external=[("/etc/hostname", 0, 40)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(10,), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(10,))
    file.create_virtual_dataset("x", layout)


@pytest.mark.parametrize("write", [elsewhere, outside, virtual], ids=lambda way: way.__name__)
@pytest.mark.parametrize("options", [{}, {"libver": "latest"}], ids=str)
def test_data_of_another_file_are_told(tmp_path, write, options):
    assert inspected(written(tmp_path, write, **options)).imports.unknown == {OTHER_FILE}


# --- damage -----------------------------------------------------------------------------------------------------------


def test_a_flipped_bit_in_checked_structure_is_found(tmp_path):
    def write(file: h5py.File) -> None:
        file["x"] = np.ones(3)
        crowd(file, 20)

    data = written(tmp_path, write, libver="latest")
    inspected(data)
    for mark in (
        b"OHDR",
        b"FRHP",
        b"BTHD\x00\x08",
        b"BTLF\x00\x08",
    ):  # trees by name; others are not followed
        changed = bytearray(data)
        changed[data.index(mark) + 11] ^= 1
        with pytest.raises(BrokenError):
            inspected(bytes(changed))


def test_the_checksum_is_the_published_one():
    assert lookup3(b"") == 0xDEADBEEF
    assert lookup3(b"Four score and seven years ago") == 0x17770551  # the vector in lookup3.c


def test_data_that_point_outside_of_the_file(tmp_path):
    data = bytearray(written(tmp_path, dataset(np.arange(3.0))))
    values = np.arange(3.0).tobytes()
    address = data.index(values)
    at = data.index(address.to_bytes(8, "little") + len(values).to_bytes(8, "little"))
    data[at : at + 8] = (len(data) - 8).to_bytes(8, "little")
    with pytest.raises(BrokenError, match="outside of the file"):
        inspected(bytes(data))


UNFAMILIAR = "HDF5 attributes that are not understood"


@pytest.mark.parametrize(("config", "dangerous"), [(CONFIG, {"keras.layers.Lambda"}), ("{}", set())])
def test_what_is_not_understood_is_searched_and_told(tmp_path, config, dangerous):
    data = bytearray(written(tmp_path, lambda file: file.attrs.create("model_config", np.bytes_(config))))
    at = data.index(b"model_config\0")
    version = data.rindex(b"\x01", 0, at)
    while data[version : version + 2] != b"\x01\x00" or data[version + 2 : version + 4] != b"\x0d\x00":
        version = data.rindex(b"\x01", 0, version)
    data[version] = 9
    inspection = inspected(bytes(data))
    assert inspection.imports.unknown == {UNFAMILIAR}
    assert inspection.imports.dangerous == dangerous
    assert inspection.unparsed


BASE = {
    "plain": lambda path: written(path, as_text_in_a_crowd),
    "latest": lambda path: written(path, in_a_crowd, libver="latest"),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(sorted(BASE)),
    at=st.floats(0, 1, exclude_max=True),
    patch=st.binary(min_size=1, max_size=9),
)
def test_no_changed_bytes_raise_anything_else(tmp_path, kind, at, patch):
    path = tmp_path / kind
    if not path.exists():
        path.write_bytes(BASE[kind](tmp_path))
    data = bytearray(path.read_bytes())
    start = int(at * len(data))
    data[start : start + len(patch)] = patch
    with suppress(BrokenError):
        inspected(bytes(data)[: path.stat().st_size])


def with_header_of(size: int) -> bytes:
    """Write a file of version 3 whose root object has a header of so many bytes, with a checksum that is not right."""
    end = 48 + 6 + 4 + size + 4
    block = SIGNATURE + bytes([3, 8, 8, 0]) + struct.pack("<4Q", 0, 2**64 - 1, end, 48)
    header = b"OHDR" + bytes([2, 2]) + struct.pack("<I", size)
    return block + struct.pack("<I", lookup3(block)) + header + bytes(size + 4)


def test_a_header_without_end_comes_to_one():
    with pytest.raises(BrokenError, match="checksum"):
        inspected(with_header_of(8 << 20))
    inspection = inspected(with_header_of(30 << 20))
    assert inspection.imports.unknown == {UNFAMILIAR}


def test_a_group_whose_tree_leads_back_to_itself(tmp_path):
    data = bytearray(written(tmp_path, lambda file: file.create_group("a")))
    tree = data.index(b"TREE\0")
    data[tree + 5] = 1
    struct.pack_into("<Q", data, tree + 24 + 8, tree)
    with pytest.raises(BrokenError, match="B-tree"):
        inspected(bytes(data))


CHUNKED = {
    "gzip": {"compression": "gzip"},
    "gzip, shuffled": {"compression": "gzip", "shuffle": True},
    "checked": {"fletcher32": True},
    "all": {"compression": "gzip", "shuffle": True, "fletcher32": True},
}
NUMBERS = np.random.default_rng(0).standard_normal((70, 33))


def chunked(dtype: str, **options: object) -> Callable[[h5py.File], object]:
    return dataset(NUMBERS.astype(dtype), chunks=(16, 10), **options)


@pytest.mark.parametrize("options", CHUNKED.values(), ids=CHUNKED)
@pytest.mark.parametrize("dtype", ["f8", "f4", "i1"])
def test_a_flipped_bit_in_a_checked_chunk_is_found(tmp_path, options, dtype):
    data = written(tmp_path, chunked(dtype, **options))
    assert inspected(data).holds is Holds.TENSORS
    with h5py.File(tmp_path / "written.h5") as file:
        chunks = [file["group/x"].id.get_chunk_info(n) for n in range(file["group/x"].id.get_num_chunks())]
    for chunk in chunks[::3]:
        for at in (0, chunk.size // 2, chunk.size - 1):
            changed = bytearray(data)
            changed[chunk.byte_offset + at] ^= 0x10
            with pytest.raises(BrokenError, match="damaged"):
                inspected(bytes(changed))


@pytest.mark.parametrize("options", [{}, {"compression": "lzf"}, {"scaleoffset": 3}], ids=str)
def test_chunks_without_a_checksum_are_taken_as_they_are(tmp_path, options):
    assert inspected(written(tmp_path, chunked("f4", **options))).holds is Holds.TENSORS


def test_chunks_that_are_not_filtered_one_by_one(tmp_path):
    def write(file: h5py.File) -> None:
        array = file.create_dataset("x", (20,), "f4", chunks=(10,), compression="gzip", fletcher32=True)
        array.id.write_direct_chunk((0,), np.ones(10, "f4").tobytes(), filter_mask=3)
        array[10:] = 2

    assert inspected(written(tmp_path, write)).holds is Holds.TENSORS


def test_a_chunk_that_unpacks_to_more_than_it_should(tmp_path):
    def write(file: h5py.File) -> None:
        array = file.create_dataset("x", (10,), "f4", chunks=(10,), compression="gzip")
        array.id.write_direct_chunk((0,), zlib.compress(bytes(50_000_000)))

    with pytest.raises(BrokenError, match="more than its array says"):
        inspected(written(tmp_path, write))


def test_many_chunks(tmp_path):
    def write(file: h5py.File) -> None:
        file.create_dataset("x", data=np.arange(60_000.0), chunks=(20,), fletcher32=True)

    assert inspected(written(tmp_path, write)).holds is Holds.TENSORS


@given(st.binary(max_size=70))
def test_the_checksum_of_chunks_is_that_of_the_library(data):
    first = second = 0
    for high, low in zip(data[::2], [*data[1::2], 0][: len(data[::2])], strict=True):
        first += high << 8 | low
        second += first
    while first >> 16 or second >> 16:
        first, second = (first & 0xFFFF) + (first >> 16), (second & 0xFFFF) + (second >> 16)
    assert fletcher32(data) == second << 16 | first
