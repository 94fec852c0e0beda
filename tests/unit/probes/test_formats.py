import io
import pickle
import tarfile

import pytest

from smoke_gate.probes.formats import ALL, NAMES, Sign, known_as, promised_formats, sniff


@pytest.mark.parametrize(
    ("name", "formats"),
    [
        ("checkpoints/model.pt", {"zip", "pickle"}),
        ("MODEL.PTH", {"zip", "pickle"}),
        ("last.ckpt", {"zip", "pickle"}),
        ("a.npz", {"zip"}),
        ("a.keras", {"zip"}),
        ("a.skops", {"zip"}),
        ("model.weights.h5", {"hdf5"}),
        ("a.safetensors", {"safetensors"}),
        ("a.npy", {"npy"}),
        ("a.pkl", {"pickle", "joblib", "zip"}),
        ("a.pkl.gz", {"joblib"}),
        ("a.joblib.lz4", {"joblib"}),
        ("a.lgb", {"lightgbm", "pickle", "joblib"}),
        ("a.distcp", {"zip"}),
        ("a.onnx", {"onnx"}),
        ("a.gguf", {"gguf"}),
        ("a.msgpack", {"msgpack"}),
        ("a.ubj", {"ubjson"}),
        ("a.cbm", {"catboost"}),
        ("a.tflite", {"tflite"}),
        ("model.safetensors.index.json", {"json"}),
        ("sm/saved_model.pb", {"savedmodel"}),
        ("sm/variables/variables.index", {"tensorflow_index"}),
        ("ckpt-1.index", set()),
        ("frozen.pb", set()),
        ("config.json", set()),
        ("model.txt", set()),
        ("model.model", set()),
        ("model.safetensors.gz", set()),
        ("checkpoint.pth.tar", set()),
        ("model.bin", set()),
        (".pt", set()),
        ("pt", set()),
    ],
)
def test_promises(name, formats):
    assert promised_formats(name) == formats


def tar_bytes(kind: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    return buffer.getvalue()


def without_magic(data: bytes) -> bytes:
    """Return the tar file as Unix V7 wrote it: without a signature, its checksum made anew."""
    header = bytearray(data[:512])
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[512:]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", None),
        (b"plain text", None),
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06", "zip"),
        (b"\x93NUMPY", "npy"),
        (b"\x89HDF\r\n\x1a\n", "hdf5"),
        (b"\0" * 512 + b"\x89HDF\r\n\x1a\n", "hdf5"),
        (pickle.dumps(1), "pickle"),
        (b"\x80\x06", None),
        (b"\x80", None),  # an empty map of msgpack, as spaCy writes them
        (b"\x80\x00", "pickle"),
        (b"\x80\x05", "pickle"),
        (b"(lp0\n.", None),
        (b"x\x9c", "zlib"),
        (b"x\x9d", None),
        (b"\x1f\x8b", "gzip"),
        (b"BZh9", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"\x5d\x00\x00", "lzma"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"GGUF", "gguf"),
        (b"CBM1", "catboost"),
        (b"tree\nversion=v4\n", "lightgbm"),
        (b"tree\nfruit\n", None),
        (b"{L" + bytes(7) + b"\x07learner", "ubjson"),
        (b"\x1c\0\0\0TFL3", "tflite"),
        (b'model_checkpoint_path: "ckpt-1"\n', "tensorflow_state"),
        (b"binf", "xgboost_binary"),
        (b"{}", None),
        *[
            (bytes(length) + b"\0" * 6 + b"{" + b" " * 40_000, "safetensors")
            for length in (b"\x02\0", b"\x80\0", b"\x80\x01", b"x\x01", b"\x1f\x8b", b"\x5d\0")
        ],
        (tar_bytes(tarfile.GNU_FORMAT), "tar"),
        (tar_bytes(tarfile.PAX_FORMAT), "tar"),
        (without_magic(tar_bytes(tarfile.USTAR_FORMAT)), "tar"),
    ],
)
def test_what_the_first_bytes_show(data, found):
    assert sniff(data[:4096], len(data)) == found


WEAK = {
    "onnx": (b"\x08\x08\x12\x04", "model.onnx"),
    "msgpack": (b"\x81\xa1a\x01", "state.msgpack"),
    "ubjson": (b"{i\x01aZ}", "model.ubj"),
    "json": (b' {"a": 1}', "config.json"),
    "savedmodel": (b"\x08\x01\x12\x02", "saved_model.pb"),
    "tensorflow_index": (b"\0\0\x06\x08\x01", "ckpt-1.index"),
    "tensorflow_graph": (b"\x0a\x02\x12\x00", "model.ckpt.meta"),
    "tensor_data": (bytes(4), "ckpt-1.data-00000-of-00001"),
    "pickle": (b"(lp0\n.", "model.pkl"),
}


@pytest.mark.parametrize(("found", "case"), WEAK.items(), ids=WEAK)
def test_a_weak_sign_needs_a_name_that_speaks_of_the_format(found, case):
    head, name = case
    assert sniff(head, len(head), name) == found
    assert sniff(head, len(head), "weights.bin") is None
    assert sniff(head, len(head), "data/0", inside=True) is None


def test_every_format_with_a_weak_sign_is_in_this_test():
    assert {each.name for each in ALL if each.sign is Sign.WEAK} == set(WEAK)


def test_in_an_archive_a_name_that_only_hints_counts_for_nothing():
    assert sniff(b"{}", 2, "config.json", inside=True) is None
    assert sniff(b"{}", 2, "model.safetensors.index.json", inside=True) == "json"


def test_what_is_promised_can_be_read():
    for each in ALL:
        if each.promised_by or each.hinted_by:
            assert known_as(each.name) in NAMES
        for end in each.promised_by:
            assert known_as(each.name) in promised_formats(f"model{end}" if end.startswith(".") else end)


def test_a_tar_file_whose_first_name_begins_like_a_pickle_is_a_tar_file():
    info = tarfile.TarInfo("x")
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[:2] = b"\x80\x02"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert sniff(bytes(header), 10_000) == "tar"
