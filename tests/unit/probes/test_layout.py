"""The members of archives: those that count as weights, those that two archives share, those that bring code."""

import io
import json
import zipfile

import numpy as np
import pytest

from smoke_gate.evidence import Globals
from smoke_gate.probes.structure import probe_structure
from tests.unit.probes.files import SHELL, probed, torch_zip, zipped

ARRAY = np.arange(6.0)


def npz(*arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, *arrays)
    return buffer.getvalue()


def renamed(data: bytes, old: str, new: str, **changed: bytes) -> bytes:
    """Write an archive's members into another folder, with the content of some changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    parts = {name.replace(old, new): content for name, content in members.items()}
    return zipped({**parts, **changed})


def test_torch_names_the_folder_after_the_file(tmp_path, monkeypatch):
    first = torch_zip(monkeypatch)
    second = renamed(first, "archive/", "seed_7/")
    contents = {probed(tmp_path, data, "m.pt").content for data in (first, second)}
    assert len(contents) == 1
    assert None not in contents


@pytest.mark.parametrize(
    "name", ["version", "byteorder", ".data/serialization_id", "notes.json", "code/x.py"]
)
def test_bookkeeping_and_texts_do_not_count(tmp_path, monkeypatch, name):
    plain = torch_zip(monkeypatch)
    found = {
        probed(tmp_path, renamed(plain, "", "", **{f"archive/{name}": text}), "m.pt").content
        for text in (b"1", b"2")
    }
    assert found == {probed(tmp_path, plain, "m.pt").content}


@pytest.mark.parametrize("name", ["archive/data/0", "archive/data/1", "archive/data.pkl"])
def test_weights_count(tmp_path, monkeypatch, name):
    plain = torch_zip(monkeypatch)
    other = renamed(plain, "", "", **{name: b"\x80\x02K\x01."})
    assert probed(tmp_path, other, "m.pt").content != probed(tmp_path, plain, "m.pt").content


def test_names_count_where_there_is_no_folder(tmp_path):
    first, second = zipped({"a/x": b"1", "b": b"2"}), zipped({"c/x": b"1", "b": b"2"})
    assert probed(tmp_path, first, "m.zip").content != probed(tmp_path, second, "m.zip").content


def test_names_and_sizes_do_not_run_into_each_other(tmp_path):
    archives = [{"a": b"xy", "b": b"z"}, {"a": b"x", "b": b"yz"}, {"ab": b"xyz"}]
    assert len({probed(tmp_path, zipped(members), "m.zip").content for members in archives}) == 3


def test_only_archives_of_weights_have_such_content(tmp_path):
    assert probed(tmp_path, zipped({"config.json": b"{}", "notes.txt": b"x"}), "m.zip").content is None
    assert probed(tmp_path, b"\x80\x04N.", "m.pkl").content is None


# --- what an archive holds --------------------------------------------------------------------------------------------


HOLDS = {
    "arrays": (npz(ARRAY), "tensors"),
    "whole numbers": (npz(np.arange(3)), "tensors"),
    "bookkeeping": (zipped({"archive/version": b"3\n", "archive/byteorder": b"little"}), "data"),
    "a configuration": (zipped({"config.json": json.dumps({"a": [1, 2, 3]}).encode()}), "data"),
    "texts": (zipped({"notes.md": b"# notes\n"}), "data"),
    "something else": (zipped({"weights.dat": b"\x01\x02\x03"}), None),
    "something else and arrays": (zipped({"weights.dat": b"\x01\x02", "x.npz": npz(ARRAY)}), "tensors"),
}


@pytest.mark.parametrize(("data", "expected"), HOLDS.values(), ids=HOLDS)
def test_what_an_archive_holds(tmp_path, data, expected):
    artifact = probed(tmp_path, data, "m.zip")
    assert (artifact.holds, artifact.problem) == (expected, None)


def test_storages_of_torch_are_tensors(tmp_path, monkeypatch):
    assert probed(tmp_path, torch_zip(monkeypatch), "m.pt").holds == "tensors"
    empty = zipped({"archive/data.pkl": b"\x80\x02N.", "archive/data/0": b"", "archive/version": b"3"})
    assert probed(tmp_path, empty, "m.pt").holds == "data"


@pytest.mark.parametrize("data", [b"\x04\x22\x4d\x18" + bytes(40), b"some text", b"7z\xbc\xaf\x27\x1c"])
def test_of_what_is_not_parsed_nothing_is_said(tmp_path, data):
    assert probed(tmp_path, data, "model.bin").holds is None


def test_what_only_lies_among_the_storages_is_not_one(tmp_path, monkeypatch):
    data = renamed(torch_zip(monkeypatch), "", "", **{"archive/data/x.pkl": b"\x80\x02" + SHELL})
    assert probed(tmp_path, data, "m.pt").globals.dangerous == ("os.system",)
    found = probe_structure(lambda offset, count: data[offset : offset + count], len(data), "m.pt")
    assert found is not None
    assert found.globals.dangerous == ("os.system",)


# --- packages ---------------------------------------------------------------------------------------------------------


def test_a_package_of_torch_has_storages_by_number(tmp_path):
    pickled = b"\x80\x02((X\x07\0\0\0storagectorch\nFloatStorage\nK\x00X\x03\0\0\0cpuK\x03tQt."
    members = {"p/.data/extern_modules": b"", "p/.data/0.storage": bytes(12), "p/model/model.pkl": pickled}
    artifact = probed(tmp_path, zipped(members), "model.pt")
    assert (artifact.problem, artifact.holds) == (None, "tensors")
    assert artifact.globals == Globals(unknown=("Python code of a torch.package",))


def test_a_package_of_torch_brings_python_code(tmp_path):
    members = {
        "p/.data/extern_modules": b"numpy\n",
        "p/.data/version": b"6\n",
        "p/mine/model.py": b"class Net: ...",
    }
    artifact = probed(tmp_path, zipped({**members, "p/model/model.pkl": b"N."}), "model.pt")
    assert artifact.globals == Globals(unknown=("Python code of a torch.package",))


def test_a_package_of_aotinductor_brings_machine_code(tmp_path):
    members = {
        "m/archive_format": b"pt2",
        "m/data/aotinductor/model/c.so": b"\x7fELF\x02\x01\x01" + bytes(99),
        "m/data/aotinductor/model/c.cpp": b"int main() {}",
    }
    artifact = probed(tmp_path, zipped(members), "model.pt2")
    library = "machine code (ELF) in m/data/aotinductor/model/c.so"
    assert artifact.globals == Globals(unknown=("compiled code of AOTInductor", library))
