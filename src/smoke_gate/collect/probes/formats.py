"""Which format a file has by its first bytes, and which its name promises."""

import pickletools
import tarfile
from pathlib import PurePosixPath
from typing import Final

from smoke_gate.collect.probes import hdf5, npy, safetensors

HEAD_BYTES: Final = 4096  # enough for every signature below

_MAGIC: Final = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    npy.MAGIC: "npy",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x5d\x00\x00": "lzma",
    b"\x04\x22\x4d\x18": "lz4",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"GGUF": "gguf",
}

_OLD_OPCODES: Final = frozenset(
    opcode.code.encode("latin-1") for opcode in pickletools.opcodes if opcode.proto < 2
)
_TORCH: Final = frozenset({"zip", "pickle"})  # new and old; people call them .pkl as well
_PICKLE: Final = frozenset({"pickle", "joblib", "lz4", "zip"})
_PROMISES: Final = {
    **dict.fromkeys((".pt", ".pth", ".ckpt"), _TORCH),
    **dict.fromkeys((".npz", ".keras", ".skops"), frozenset({"zip"})),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), _PICKLE),
    **dict.fromkeys((".h5", ".hdf5"), frozenset({"hdf5"})),
    ".safetensors": frozenset({"safetensors"}),
    ".npy": frozenset({"npy"}),
}


def promised_formats(name: str) -> frozenset[str]:
    """Return the formats that a file's name promises, any of which will do; none where it promises nothing."""
    return _PROMISES.get(PurePosixPath(name).suffix.lower(), frozenset())


def sniff(head: bytes, size: int) -> str | None:
    """Return the format of a file of ``size`` bytes by its first ``HEAD_BYTES``, None where they tell nothing.

    A pickle of protocol 0 or 1 has no signature.
    """
    if (
        safetensors.header_length(head, size) is not None
    ):  # first: the length may begin like anything short below
        return "safetensors"
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if hdf5.superblock_offset(head) is not None:
        return "hdf5"
    if _is_tar(head):  # before pickle: torch looks for a tar file first, and one may begin like a pickle
        return "tar"
    if head[:1] == b"\x78" and int.from_bytes(head[:2], "big") % 31 == 0:
        return "zlib"
    return "pickle" if head[:1] == b"\x80" and b"\x00" <= head[1:2] <= b"\x05" else None


def may_be_old_pickle(head: bytes) -> bool:
    """Return whether a pickle of protocol 0 or 1 may begin so."""
    return head[:1] in _OLD_OPCODES


def _is_tar(head: bytes) -> bool:
    """Return whether a tar header comes first; old ones have no signature, only a checksum."""
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True
