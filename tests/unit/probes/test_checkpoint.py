import bz2
import gzip
import hashlib
import io
import json
import pickle
import tarfile
import tracemalloc
import zipfile
import zlib

import h5py
import joblib
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smoke_gate.evidence import Globals, Holds
from smoke_gate.probes.checkpoint import probe_checkpoint
from smoke_gate.probes.inspection import Inspection
from tests.unit.probes.files import SHELL, TORCH_MAGIC, probed, torch_legacy, torch_zip, zipped

ARRAYS = {"weight": np.arange(12.0).reshape(3, 4), "bias": np.zeros(4, dtype="f4")}


def npz(*, packed: bool = False) -> bytes:
    buffer = io.BytesIO()
    save = np.savez_compressed if packed else np.savez
    save(buffer, weight=ARRAYS["weight"], bias=ARRAYS["bias"])
    return buffer.getvalue()


def hdf5() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in ARRAYS.items():
            file[name] = array
    return buffer.getvalue()


def npy(array: np.ndarray = ARRAYS["weight"]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def dumped(compress: object = 0) -> bytes:
    buffer = io.BytesIO()
    if compress:
        joblib.dump(ARRAYS, buffer, compress=compress)
    else:
        joblib.dump(ARRAYS, buffer)
    return buffer.getvalue()


def keras() -> bytes:
    members = {"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": hdf5()}
    return zipped(members, zipfile.ZIP_DEFLATED)


GOOD = {
    "arrays": (npz(), "model.npz", "zip"),
    "packed arrays": (npz(packed=True), "model.npz", "zip"),
    "one array": (npy(), "model.npy", "npy"),
    "safetensors": (safetensors.numpy.save(ARRAYS), "model.safetensors", "safetensors"),
    "hdf5": (hdf5(), "model.h5", "hdf5"),
    "keras": (keras(), "model.keras", "zip"),
    "pickle": (pickle.dumps(ARRAYS), "model.pkl", "pickle"),
    "protocol 0": (pickle.dumps(ARRAYS, 0), "model.pickle", "pickle"),
    "joblib": (dumped(), "model.joblib", "pickle"),
    "joblib zlib": (dumped(("zlib", 3)), "model.joblib", "joblib"),
    "joblib gzip": (dumped(("gzip", 3)), "model.joblib", "joblib"),
    "joblib bz2": (dumped(("bz2", 3)), "model.joblib", "joblib"),
    "joblib xz": (dumped(("xz", 3)), "model.joblib", "joblib"),
    "joblib lzma": (dumped(("lzma", 3)), "model.pkl", "joblib"),
    "pickle by its bytes": (pickle.dumps(ARRAYS), "model.bin", "pickle"),
    "old pickle by its bytes": (pickle.dumps(ARRAYS, 0), "model", "pickle"),
    "packed pickle by its bytes": (gzip.compress(pickle.dumps(ARRAYS)), "model.pkl.gz", "joblib"),
    "zip by its bytes": (npz(), "checkpoint.pth.tar", "zip"),
}


@pytest.mark.parametrize(("data", "name", "found"), GOOD.values(), ids=GOOD)
def test_good_checkpoints(tmp_path, data, name, found):
    artifact = probed(tmp_path, data, name)
    assert artifact.problem is None
    assert artifact.format == found
    assert artifact.globals == Globals()
    assert artifact.path == name
    assert artifact.size == len(data)
    assert artifact.sha256 == hashlib.sha256(data).hexdigest()


EMPTY = npy(np.zeros((0, 4)))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (zipped({}), "model.npz"),
        (zipped({}), "model.pt"),
        (zipped({}), "model.bin"),
        (zipped({"folder/": b"", "a": b""}), "model.pt"),
        (zipped({"inner.zip": zipped({})}), "bundle.zip"),
        (zipped({"weight.npy": EMPTY}), "model.npz"),
        (safetensors.numpy.save({}), "model.safetensors"),
        (safetensors.numpy.save({}, {"format": "pt"}), "model.safetensors"),
        (EMPTY, "weight.npy"),
    ],
)
def test_what_is_empty_inside_is_known_to_be(tmp_path, data, name):
    artifact = probed(tmp_path, data, name)
    assert (artifact.problem, artifact.holds) == (None, Holds.NOTHING)
    assert artifact.format


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (zipped({"folder/": b"", "empty": b"", "version": b"3"}), "model.pt"),
        (zipped({"empty.npy": EMPTY, "weight.npy": npy()}), "model.npz"),
        (zipped({"weight.npy": npy(), "empty.npy": EMPTY}), "model.npz"),
        (
            zipped({"none.zip": zipped({}), "none.safetensors": safetensors.numpy.save({}), "x": b"x"}),
            "model.zip",
        ),
        (npy(np.array(0)), "scalar.npy"),
        (safetensors.numpy.save({"empty": np.zeros((0, 4)), "x": np.ones(1)}), "model.safetensors"),
        (pickle.dumps({}), "optimizer.pkl"),
    ],
)
def test_what_is_empty_beside_others_is_no_problem(tmp_path, data, name):
    assert probed(tmp_path, data, name).problem is None


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "last.ckpt", "model.bin"])
def test_torch(tmp_path, monkeypatch, name):
    new, old = torch_zip(monkeypatch), torch_legacy(monkeypatch)
    assert (probed(tmp_path, new, name).format, probed(tmp_path, new, name).problem) == ("zip", None)
    assert (probed(tmp_path, old, name).format, probed(tmp_path, old, name).problem) == ("pickle", None)
    assert probed(tmp_path, new, name).globals == probed(tmp_path, old, name).globals == Globals()


@pytest.mark.parametrize(("data", "name", "found"), GOOD.values(), ids=GOOD)
def test_whatever_is_cut_off_is_not_intact(tmp_path, data, name, found):
    """spec: G3-intact"""
    for length in {1, 8, 30, len(data) // 3, len(data) // 2, len(data) - 30, len(data) - 1}:
        artifact = probed(tmp_path, data[:length], name)
        assert artifact.problem or artifact.format is None
        if "by its bytes" not in name and "." in name and not name.endswith((".bin", ".tar", ".gz")):
            assert artifact.problem, length


def test_an_empty_file(tmp_path):
    artifact = probed(tmp_path, b"", "model.pt")
    assert (artifact.problem, artifact.format, artifact.size) == ("it is empty", None, 0)
    assert artifact.sha256 == hashlib.sha256(b"").hexdigest()
    artifact = probed(tmp_path, b"", "code/mine/__init__.py")  # whose name promises nothing
    assert (artifact.problem, artifact.format, artifact.size) == (None, None, 0)


@pytest.mark.parametrize("name", ["m.pkl", "m.bin", "m.joblib"])
def test_a_pickle_that_is_too_long_is_not_broken_but_unread(tmp_path, monkeypatch, name):
    data = pickle.dumps(list(range(2000)))
    monkeypatch.setattr(Inspection, "of_size", lambda size: Inspection(expansion_left=0, opcodes_left=1000))
    artifact = probed(tmp_path, data, name)
    assert artifact.problem is None
    assert "pickle opcodes" in (artifact.unread or "")
    inside = probed(tmp_path, zipped({"data.pkl": data}), "m.pt")
    assert inside.problem is None
    assert (inside.unread or "").startswith("member 'data.pkl': ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("code/train.py", 'import sys\nsys.path.append("..")\nimport numpy as np\n'),
        ("code/train.py", 'cwd = "."\nos.chdir(cwd)\n'),
        ("code/train.py", '(import sys\nsys.path.append("..")\n'),
        ("code/mypkg/__init__.py", ""),
        ("MLmodel", "artifact_path: model\nflavors:\n  python_function:\n    env: conda.yaml\n"),
        ("conda.yaml", "channels:\n- defaults\n"),
        ("requirements.txt", "cloudpickle==3.1.0\nsys.monitoring==1\n"),
        ("checkpoints/config.txt", 'import os\nos.environ["A"] = "1"\n'),
        ("checkpoints/notes.md", "checkpoint\nsignal.pt\n"),
        ("checkpoints/trainer.toml", "constant = 1\nthreading.workers = 2\n"),
    ],
)
def test_source_and_text_is_no_pickle(tmp_path, name, text):
    artifact = probed(tmp_path, text.encode(), name)
    assert (artifact.problem, artifact.format, artifact.globals) == (None, None, Globals())


@pytest.mark.parametrize("name", ["model.pkl", "model", "code/train.py", "checkpoints/notes.md"])
@pytest.mark.parametrize("rest", [b"", b"\nand more text\n"])
def test_a_pickle_that_is_text_is_found_whatever_its_name(tmp_path, name, rest):
    assert probed(tmp_path, SHELL + rest, name).globals.dangerous == ("os.system",)


def test_a_global_that_is_no_text_is_escaped(tmp_path):
    artifact = probed(tmp_path, b"\x80\x04\x8c\x01m\x8c\x03\xed\xa0\x80\x93.", "m.pkl")
    assert artifact.globals.unknown == (r"m.\ud800",)


def test_a_problem_that_names_what_is_no_text_is_text(tmp_path):
    head = [pickle.dumps(value, protocol=2) for value in (TORCH_MAGIC, 1001, "system")]
    storage = b"\x80\x02(X\x07\0\0\0storagecm\n\xed\xa0\x80\nX\x01\0\0\x000NK\x06tQ."
    artifact = probed(tmp_path, b"".join([*head, storage, pickle.dumps(["0"], protocol=2)]), "m.pt")
    assert artifact.problem == r"it has a torch storage of unknown size: m.\ud800"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (npz(), "model.safetensors"),
        (npz(), "model.h5"),
        (hdf5(), "model.npz"),
        (hdf5(), "model.pt"),
        (pickle.dumps(ARRAYS), "model.npz"),
        (b"<html>404</html>", "model.pt"),
        (b"<html>404</html>", "model.safetensors"),
        (b"version https://git-lfs", "model.ckpt"),
        (gzip.compress(b"N.", mtime=0), "model.pt"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "model.pt"),
    ],
)
def test_a_name_that_promises_what_the_bytes_are_not(tmp_path, data, name):
    """spec: G3-format"""
    assert "promises" in (probed(tmp_path, data, name).problem or "")


@pytest.mark.parametrize("data", [b"\x00\x01\x02", b"text\n", b"\x04\x22\x4d\x18" + bytes(40)])
def test_no_known_format_and_no_promise(tmp_path, data):
    artifact = probed(tmp_path, data, "model.bin")
    assert (artifact.format, artifact.problem) == (None, None)


def tar(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_tar_of_early_torch_is_of_no_known_format(tmp_path):
    assert probed(tmp_path, tar("pickle", b"N."), "model.pth.tar").format is None
    assert "are tar" in (probed(tmp_path, tar("pickle", b"N."), "model.pth").problem or "")


def evil_npz() -> bytes:
    class Evil:
        def __reduce__(self):
            return eval, ("0",)

    buffer = io.BytesIO()
    np.savez(buffer, good=np.ones(3), bad=np.array([Evil()], dtype=object))
    return buffer.getvalue()


EVIL = {
    "pickle": (SHELL, "model.pkl"),
    "pickle in new clothes": (SHELL, "model.bin"),
    "pickle called otherwise": (SHELL, "model.safetensors"),
    "pickle with something behind it": (SHELL + bytes(1000), "weights.bin"),
    "compressed": (zlib.compress(SHELL), "model.joblib"),
    "compressed in new clothes": (bz2.compress(SHELL), "model.dat"),
    "compressed, called otherwise": (gzip.compress(SHELL), "model.npz"),
    "torch": (zipped({"archive/data.pkl": b"\x80\x02" + SHELL, "archive/version": b"3\n"}), "model.pt"),
    "member in new clothes": (zipped({"archive/data.pkl": b"N.", "archive/data/0": SHELL}), "model.pt"),
    "member of protocol 4": (zipped({"notes": b"\x80\x04\x8c\x02os\x8c\x06system\x93."}), "model.pt"),
    "member in an archive in an archive": (
        zipped({"a": zipped({"b": zipped({"c.pkl": SHELL})})}),
        "model.zip",
    ),
    "around the header of safetensors": (
        b"X\x05\0\0\0\0\0\0{ 0" + SHELL + b" " * 2000,
        "weights.bin",
    ),
    "before an HDF5 file": (SHELL.ljust(512, b"\0") + hdf5(), "weights.bin"),
    "second member, behind a broken one": (zipped({"a.pkl": b"\xff", "b.pkl": SHELL}), "model.pt"),
    "joblib in an archive": (zipped({"a.joblib": zlib.compress(SHELL)}), "model.zip"),
    "array of objects": (evil_npz(), "model.npz"),
}


@pytest.mark.parametrize(("data", "name"), EVIL.values(), ids=EVIL)
def test_dangerous_ones_are_found_wherever_they_are(tmp_path, data, name):
    dangerous = probed(tmp_path, data, name).globals.dangerous
    assert dangerous in (("os.system",), ("builtins.eval",))


def test_archives_nested_too_deeply(tmp_path):
    data = b"core"
    for _ in range(5):
        data = zipped({"inner": data})
    assert "archives deep" in (probed(tmp_path, data, "model.zip").problem or "")


def test_an_honest_archive_in_an_archive(tmp_path):
    artifact = probed(tmp_path, zipped({"inner/model.npz": npz(packed=True)}), "bundle.zip")
    assert (artifact.format, artifact.problem) == ("zip", None)


def test_tensors_whose_bytes_look_like_something_else_are_tensors(tmp_path):
    storages = [
        b"\x80\x02" + bytes(30),  # a pickle
        b"]]\x93.x",  # a pickle with a computed global, and more
        zlib.compress(b"x" * 100)[:-3],  # a compressed stream that is cut off
        np.array([5, 123], dtype="i8").tobytes() + bytes(20),  # a safetensors header
        b"\0" * 512 + b"\x89HDF" + bytes(100),
    ]
    members = {f"archive/data/{n}": data for n, data in enumerate(storages)}
    artifact = probed(tmp_path, zipped({"archive/data.pkl": b"N."} | members), "model.pt")
    assert artifact.problem is None
    assert artifact.globals.dangerous == ()


@pytest.mark.parametrize(
    "members",
    [
        {"data.pkl": b"\x80\x02N"},
        {"data.pkl": b"N.N."},
        {"model.weights.h5": hdf5()[:-1]},
        {"model.weights.h5": b"nothing"},
        {"arr_0.npy": npy()[:-1]},
        {"arr_0.npy": b""},
        {"inner.zip": zipped({"a": b"x"})[:-1]},
    ],
)
def test_a_broken_member_breaks_the_archive(tmp_path, members):
    artifact = probed(tmp_path, zipped({"first": b"x"} | members), "model.zip")
    assert f"member {next(iter(members))!r}" in (artifact.problem or "")
    assert artifact.format == "zip"


def test_a_pickle_that_ends_like_a_zip_is_no_pickle(tmp_path):
    """A file that is a pickle from the front and an archive from the end means two things."""
    assert probed(tmp_path, b"\x80\x04N." + npz(), "model.pt").problem


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        probe_checkpoint(tmp_path / "none", "model.pt", lambda _: True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["weights.npy", "archive/data/0", "notes.txt", "data.pkl"]),
    at=st.integers(0, 10_000),
    bit=st.integers(0, 7),
)
def test_a_flipped_bit_in_a_member_is_a_problem_whatever_the_member_is(tmp_path, name, at, bit):
    content = pickle.dumps(ARRAYS) if name == "data.pkl" else npy()
    data = bytearray(zipped({"first": b"x", name: content, "last": b"y"}))
    data[data.index(content) + at % len(content)] ^= 1 << bit
    assert "checksum" in (probed(tmp_path, bytes(data), "model.pt").problem or "")


NAMES = ["m.pt", "m.npz", "m.npy", "m.h5", "m.safetensors", "m.pkl", "m.joblib", "m.bin"]
STARTS = [
    b"",
    b"PK\x03\x04",
    b"\x93NUMPY\x01\x00",
    b"\x89HDF\r\n\x1a\n",
    b"\x80\x04",
    b"\x1f\x8b\x08",
    b"x\x9c",
    b"\x02" + bytes(7) + b"{",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=300), name=st.sampled_from(NAMES))
def test_no_bytes_raise(tmp_path, start, rest, name):
    artifact = probed(tmp_path, start + rest, name)
    assert artifact.problem or name == "m.bin" or artifact.format


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=st.sampled_from(sorted(GOOD)), at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_no_changed_byte_raises(tmp_path, case, at, byte):
    data = bytearray(GOOD[case][0])
    data[int(at * len(data))] = byte
    probed(tmp_path, bytes(data), GOOD[case][1])


def with_length(header: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header


HOSTILE = {
    "tuple in tuple": (b"\x80\x04N" + b"\x85" * 50_000 + b".", "m.pkl"),
    "pushed and popped": (b"\x80\x04" + b"N0" * 50_000, "m.pkl"),
    "names to remember": (b"\x80\x04" + (b"\x8c\xc8" + b"n" * 200 + b"\x940") * 10_000, "m.pkl"),
    "dicts that stay": (b"\x80\x04(" + b"}\x8c\x01aNs" * 20_000, "m.pkl"),
    "marks": (b"(" * 300_000, "m.pkl"),
    "a line without end": (b"S'" + b"a" * 5_000_000, "m.pkl"),
    "gigabytes of bytes": (b"\x80\x04\x8e" + (1 << 60).to_bytes(8, "little"), "m.pkl"),
    "many names": (b"".join(b"cm%d\nn\n0" % n for n in range(100_000)), "m.pkl"),
    "zeros in a zip": (zipped({"a": bytes(30_000_000)}, zipfile.ZIP_DEFLATED), "m.npz"),
    "zeros in zlib": (zlib.compress(b"\x80\x04" + bytes(30_000_000)), "m.joblib"),
    "opcodes in zlib": (zlib.compress(b"\x80\x04" + b"N0" * 50_000), "m.joblib"),
    "many members": (zipped({f"d/{n}": b"" for n in range(1_000)}), "m.npz"),
    "lists in a header": (with_length(b'{"a":[' + b"[]," * 100_000 + b"0]}"), "m.safetensors"),
    "a deep header": (with_length(b'{"a":' * 600_000), "m.safetensors"),
    "an endless shape": (
        with_length(
            json.dumps({"t": {"dtype": "U8", "shape": [2**62] * 20_000, "data_offsets": [0, 1]}}).encode()
        ),
        "m.safetensors",
    ),
}


@pytest.mark.parametrize(("data", "name"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_come_to_an_end(tmp_path, data, name):
    path = tmp_path / "artifact"
    path.write_bytes(data)
    assert probe_checkpoint(path, name, lambda _: True).size == len(data)


@pytest.mark.parametrize(
    "case", ["names to remember", "marks", "a line without end", "zeros in a zip", "zeros in zlib"]
)
def test_hostile_files_take_little_memory(tmp_path, case):
    path = tmp_path / "artifact"
    path.write_bytes(HOSTILE[case][0])
    tracemalloc.start()
    try:
        probe_checkpoint(path, HOSTILE[case][1], lambda _: True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 << 20
