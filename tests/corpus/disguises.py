"""How a file hides a pickle: under another name, behind another format's signature, compressed, cut off."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable

import h5py
import numpy as np

from tests.corpus.archives import zipped
from tests.corpus.streams import Evil
from tests.corpus.writer import CLEAN, EVIL, EVIL_TEXT, Entry, Expected

OTHER_NAMES = (
    *(
        "weights.npy",
        "weights.npz",
        "weights.safetensors",
        "weights.h5",
        "weights.keras",
        "weights.bin",
        "weights.txt",
    ),
    *(
        "weights.json",
        "weights.md",
        "weights.data",
        "weights.dat",
        "weights.ckpt",
        "weights.pth",
        "weights",
        "weights.pkl.bak",
    ),
)
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
}


def _array(value: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([value], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def _hdf5() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["weight"] = np.arange(4.0)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("pickle", "sys_info", "storages", "tensors"):
            info = tarfile.TarInfo(name)
            info.size = len(EVIL)
            archive.addfile(info, io.BytesIO(EVIL))
    return buffer.getvalue()


def _safetensors() -> bytes:
    """Return a file whose header's length is the first opcode of a pickle."""
    header = b"{ 0" + EVIL_TEXT
    return b"X\x05\0\0\0\0\0\0" + header + b" " * 2000


SIGNATURES: dict[str, tuple[bytes, str, Expected]] = {
    "an array of objects": (_array(Evil()), "weights.npy", "dangerous"),
    "an array of objects in an archive": (zipped([("a.npy", _array(Evil()))]), "weights.npz", "dangerous"),
    "a pickle behind numpy's signature": (b"\x93NUMPY\x01\x00" + EVIL, "weights.npy", "broken"),
    "a header of numpy that is code": (
        b"\x93NUMPY\x01\x00" + struct.pack("<H", 40) + b"__import__('os').system('echo')".ljust(39) + b"\n",
        "weights.npy",
        "broken",
    ),
    "a pickle around the header of safetensors": (_safetensors(), "weights.bin", "dangerous"),
    "a pickle before HDF5": (EVIL.ljust(512, b"\0") + _hdf5(), "weights.bin", "dangerous"),
    "a pickle before HDF5, called HDF5": (EVIL.ljust(512, b"\0") + _hdf5(), "weights.h5", "broken"),
    "torch's oldest format": (_tar(), "model.pth", "broken"),
    "a seven-zip archive": (b"7z\xbc\xaf\x27\x1c" + EVIL, "model.pt", "broken"),
    "a web page": (b"<html>" + EVIL, "model.pt", "broken"),
}


def _compressed(kind: str, compress: Callable[[bytes], bytes]) -> list[Entry]:
    evil = compress(EVIL)
    twice, behind = compress(evil), compress(CLEAN) + evil
    return [
        Entry(f"{kind}", evil, "model.joblib", "dangerous"),
        Entry(f"{kind}: text", compress(EVIL_TEXT), "model.pkl", "dangerous"),
        Entry(f"{kind} under another name", evil, "model.bin", "dangerous"),
        Entry(f"{kind} under a wrong name", evil, "model.npz", "dangerous"),
        Entry(f"{kind} in an archive", zipped([("a.joblib", evil)]), "model.zip", "dangerous"),
        Entry(f"{kind}: a second pickle", compress(CLEAN + EVIL), "model.joblib", "dangerous"),
        Entry(f"{kind}: a pickle that breaks off", compress(EVIL[:-1]), "model.joblib", "dangerous"),
        Entry(f"{kind}, twice", twice, "model.joblib", "broken"),
        Entry(f"{kind}, and more of it behind", behind, "model.joblib", "broken"),
        Entry(f"{kind}, and a pickle behind", compress(CLEAN) + EVIL, "model.joblib", "broken"),
        Entry(f"{kind}, cut off", compress(CLEAN)[:-3], "model.joblib", "broken"),
    ]


DISGUISES = [
    *[Entry(f"called {name}", EVIL, name, "dangerous") for name in OTHER_NAMES],
    *[Entry(f"text called {name}", EVIL_TEXT, name, "dangerous") for name in OTHER_NAMES],
    *[Entry(trick, data, name, expected) for trick, (data, name, expected) in SIGNATURES.items()],
    *[entry for kind, compress in COMPRESSIONS.items() for entry in _compressed(kind, compress)],
]
