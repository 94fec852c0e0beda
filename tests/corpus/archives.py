"""How a zip archive hides a pickle: readers believe the directory, the members' own headers, or the first signature."""

import io
import stat
import struct
import warnings
import zipfile

from tests.corpus.writer import CLEAN, EVIL, EVIL_TEXT, Entry, Expected

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
DATA = "archive/data.pkl"


def zipped(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """Write an archive; a name may come twice."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, data)
    return buffer.getvalue()


def torch_like(data: bytes = EVIL, method: int = zipfile.ZIP_STORED) -> bytes:
    """Write an archive as torch does."""
    return zipped([(DATA, data), ("archive/version", b"3\n")], method)


def patched(archive: bytes, record: bytes, at: int, value: bytes) -> bytes:
    """Change a field of the first record of a kind."""
    start = archive.index(record) + at
    return archive[:start] + value + archive[start + len(value) :]


def _linked() -> bytes:
    info = zipfile.ZipInfo(DATA)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, b"/etc/hostname")
    return buffer.getvalue()


def _hidden() -> bytes:
    """Return an archive with a member that only its own header names."""
    whole, end = zipped([("archive/version", b"3\n")]), zipped([(DATA, EVIL)])
    hidden = end[: end.index(CENTRAL)]
    start = whole.index(CENTRAL)
    moved = patched(whole[start:], CENTRAL, 42, struct.pack("<L", len(hidden)))
    moved = patched(moved, END, 16, struct.pack("<L", start + len(hidden)))
    return hidden + whole[:start] + moved


def _commented() -> bytes:
    return patched(torch_like(CLEAN), END, 20, struct.pack("<H", len(EVIL))) + EVIL


def _nested(depth: int) -> bytes:
    data = EVIL
    for _ in range(depth):
        data = zipped([("inner", data)])
    return data


RENAMED = {"relative": "../data.pkl", "absolute": "/data.pkl", "drive": "C:data.pkl", "back": "a\\data.pkl"}

DANGEROUS: dict[str, bytes] = {
    "torch": torch_like(),
    "torch, deflated": torch_like(method=zipfile.ZIP_DEFLATED),
    "text in torch": torch_like(EVIL_TEXT),
    "another member's name": zipped([(DATA, CLEAN), ("archive/notes", EVIL)]),
    "the name of a tensor": zipped([(DATA, CLEAN), ("archive/data/0", EVIL)]),
    "the name of an array": zipped([(DATA, CLEAN), ("archive/weights.npy", EVIL)]),
    "the name of a text": zipped([(DATA, CLEAN), ("archive/readme.txt", EVIL_TEXT)]),
    "no suffix": zipped([(DATA, CLEAN), ("a", EVIL)]),
    "another pickle in it": zipped([(DATA, CLEAN), ("archive/constants.pkl", EVIL)]),
    "behind a broken member": zipped([("archive/a.pkl", b"\xff"), (DATA, EVIL)]),
    "before a broken member": zipped([(DATA, EVIL), ("archive/b.pkl", b"\xff")]),
    "an archive in it": _nested(1),
    "an archive in an archive in it": _nested(2),
    "a checksum that is wrong in both": patched(
        patched(torch_like(), LOCAL, 14, b"\0\0\0\0"), CENTRAL, 16, b"\0\0\0\0"
    ),
}

FLAGS: dict[str, bytes] = {
    f"flag {bit:#06x} {where}": data
    for bit in (0x01, 0x10, 0x20, 0x40, 0x2000)
    for where, data in {
        "in the header": patched(torch_like(), LOCAL, 6, struct.pack("<H", bit)),
        "in the directory": patched(torch_like(), CENTRAL, 8, struct.pack("<H", bit)),
        "in both": patched(
            patched(torch_like(), LOCAL, 6, struct.pack("<H", bit)), CENTRAL, 8, struct.pack("<H", bit)
        ),
    }.items()
}

BROKEN: dict[str, bytes] = {
    **FLAGS,
    **{f"a name that is {kind}": zipped([(name, EVIL)]) for kind, name in RENAMED.items()},
    "another name in the header": patched(torch_like(), LOCAL, 30, b"Archive/data.pkl"),
    "another name in the directory": patched(torch_like(), CENTRAL, 46, b"Archive/data.pkl"),
    "a NUL in the name": patched(patched(torch_like(), LOCAL, 45, b"\0"), CENTRAL, 61, b"\0"),
    "a checksum that is wrong in the header": patched(torch_like(), LOCAL, 14, b"\1\2\3\4"),
    "a checksum that is wrong in the directory": patched(torch_like(), CENTRAL, 16, b"\1\2\3\4"),
    "a size that is wrong in the header": patched(torch_like(), LOCAL, 22, struct.pack("<L", 5)),
    "a size that is wrong in the directory": patched(torch_like(), CENTRAL, 24, struct.pack("<L", 5)),
    "a packed size that is wrong in the directory": patched(torch_like(), CENTRAL, 20, struct.pack("<L", 5)),
    "a place that is wrong in the directory": patched(torch_like(), CENTRAL, 42, struct.pack("<L", 5)),
    "a method that nobody knows": patched(patched(torch_like(), LOCAL, 8, b"\x63\0"), CENTRAL, 10, b"\x63\0"),
    "a method that is wrong in the header": patched(torch_like(), LOCAL, 8, b"\x08\0"),
    "packed by bzip2": torch_like(method=zipfile.ZIP_BZIP2),
    "packed by lzma": torch_like(method=zipfile.ZIP_LZMA),
    "a count that is wrong": patched(torch_like(), END, 8, b"\1\0\1\0"),
    "a directory elsewhere": patched(torch_like(), END, 16, struct.pack("<L", 0)),
    "another disk": patched(torch_like(), END, 4, b"\1\0"),
    "two members of a name, the first evil": zipped([(DATA, EVIL), (DATA, CLEAN)]),
    "two members of a name, the second evil": zipped([(DATA, CLEAN), (DATA, EVIL)]),
    "a link": _linked(),
    "a member that no directory names": _hidden(),
    "a comment": _commented(),
    "an archive behind it": torch_like(CLEAN) + torch_like(),
    "an archive before it": torch_like() + torch_like(CLEAN),
    "a second directory": torch_like(CLEAN) + torch_like()[torch_like().index(CENTRAL) :],
    "bytes behind it": torch_like(CLEAN) + EVIL,
    "bytes before it": b"#!/bin/sh\n" + torch_like(CLEAN),
    "no end": torch_like()[:-22],
    "half of it": torch_like()[: len(torch_like()) // 2],
    "archives too deep": _nested(5),
    "a name twice, once in other letters": patched(
        zipped([(DATA, CLEAN), ("archive/DATA.PKL", EVIL)]), END, 8, b"\1\0\1\0"
    ),
}


def _entries(tricks: dict[str, bytes], expected: Expected) -> list[Entry]:
    return [Entry(f"zip: {trick}", data, "model.pt", expected) for trick, data in tricks.items()]


PICKLE_BEFORE = Entry("zip: a pickle before it", EVIL + torch_like(CLEAN), "model.pt", "dangerous")
ARCHIVES = [
    *_entries(DANGEROUS, "dangerous"),
    *_entries(BROKEN, "broken"),
    PICKLE_BEFORE,
    Entry("zip: in the clothes of numpy", zipped([("arr_0.npy", EVIL)]), "model.npz", "dangerous"),
    Entry("zip: of Keras", zipped([("config.json", EVIL)]), "model.keras", "dangerous"),
    Entry("zip: called pickle", torch_like(), "model.pkl", "dangerous"),
    Entry("zip: called nothing", torch_like(), "weights", "dangerous"),
]
