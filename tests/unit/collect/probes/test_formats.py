import io
import pickle
import tarfile

import pytest

from smoke_gate.collect.probes.formats import promised_formats, sniff


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
        ("a.pkl", {"pickle", "joblib", "lz4", "zip"}),
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


def test_a_tar_file_whose_first_name_begins_like_a_pickle_is_a_tar_file():
    info = tarfile.TarInfo("x")
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[:2] = b"\x80\x02"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert sniff(bytes(header), 10_000) == "tar"
