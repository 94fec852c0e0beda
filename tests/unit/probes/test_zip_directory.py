import io
import stat
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_gate.probes.inspection import BrokenError
from smoke_gate.probes.zip_directory import read_directory
from tests.unit.probes.files import zipped

MEMBERS = {"archive/data.pkl": b"N.", "archive/data/0": b"\x01" * 100, "archive/empty": b"", "folder/": b""}
GOOD = zipped(MEMBERS)


def names(data: bytes) -> list[str]:
    return [member.name for member in read_directory(io.BytesIO(data), len(data))]


class Pipe(io.BytesIO):
    """A file that cannot go back: zip writers then put sizes after the data."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_):
        raise OSError("not seekable")

    def tell(self):
        raise OSError("not seekable")


def streamed(members: dict[str, bytes], *, zip64: bool = False) -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for name, data in members.items():
            with archive.open(name, "w", force_zip64=zip64) as member:
                member.write(data)
    return pipe.getvalue()


def with_zip64_end(data: bytes) -> bytes:
    """Add the zip64 records that torch always writes, before the end of the directory."""
    count, length, start = struct.unpack_from("<H2L", data, len(data) - 12)
    at = len(data) - 22
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    return data[:at] + end64 + locator + data[at:]


def saved_by_numpy() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.ones(3), b=np.zeros((2, 2)))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (GOOD, list(MEMBERS)),
        (zipped(MEMBERS, zipfile.ZIP_DEFLATED), list(MEMBERS)),
        (streamed({"a": b"x", "é": b""}), ["a", "é"]),
        (streamed({"a": b"x", "b": b"yy"}, zip64=True), ["a", "b"]),
        (with_zip64_end(GOOD), list(MEMBERS)),
        (saved_by_numpy(), ["a.npy", "b.npy"]),
        (zipped({}), []),
    ],
)
def test_what_writers_write(data, expected):
    assert names(data) == expected


@given(length=st.integers(0, len(GOOD) - 1))
def test_every_cut_is_told(length):
    with pytest.raises(BrokenError):
        names(GOOD[:length])


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../up",
        "a/../../b",
        "a//b",
        "./a",
        "C:/a",
        "c:a",
        "a\\b",
        "..\\up",
        "a\tb",
        "a\u202eb",
        "x" * 1025,
        "/",
    ],
)
def test_names_that_may_leave(name):
    with pytest.raises(BrokenError, match="may leave it"):
        names(zipped({name: b"x"}))


@pytest.mark.parametrize("name", ["best_12:30:05/data.pkl", "a/c:/b", "run:1"])
def test_a_colon_is_no_drive(name):
    assert names(zipped({name: b"x"})) == [name]


def test_a_name_with_a_zero_byte_that_readers_cut_there():
    with pytest.raises(BrokenError, match="may leave it"):
        names(zipped({"data.pkl?.txt": b"x"}).replace(b"data.pkl?", b"data.pkl\0"))


def test_a_symbolic_link():
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(BrokenError, match="may leave it"):
        names(buffer.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", b"N.")
        archive.writestr("data.pkl", b"cos\nsystem\n.")
    with pytest.raises(BrokenError, match="two members of one name"):
        names(buffer.getvalue())


def patched(data: bytes, at: int, layout: str, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(layout, changed, at, value)
    return bytes(changed)


ONE = zipped({"data.pkl": b"N."})
DIRECTORY = ONE.index(b"PK\x01\x02")
END = len(ONE) - 22


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not end"),
        (ONE + b"x", "does not end"),
        (ONE[:-2] + b"\x01\x00x", "does not end"),  # an archive comment
        (b"x" + ONE, "not where its end says"),
        (b"PK\x03\x04" + patched(zipped({}), 16, "<L", 4), "belong to no member"),
        (patched(ONE, DIRECTORY, "<L", 0), "cannot be read"),
        (patched(ONE, END + 4, "<H", 1), "not where"),
        (patched(ONE, END + 8, "<H", 2), "not where"),
        (patched(patched(ONE, END + 8, "<H", 2), END + 10, "<H", 2), "with 1 members where its end says 2"),
        (patched(patched(ONE, END + 8, "<H", 20000), END + 10, "<H", 20000), "at most"),
        (
            ONE[:DIRECTORY] + b"gap" + patched(ONE, END + 16, "<L", DIRECTORY + 3)[DIRECTORY:],
            "followed by bytes",
        ),
        # what the directory says and what stands before the member differ
        (ONE.replace(b"data.pkl", b"safe.pkl", 1), "contradicts"),
        (patched(ONE, 6, "<H", 0x0800), "contradicts"),
        (patched(ONE, 14, "<L", 1), "contradicts"),
        (patched(ONE, 18, "<L", 1), "contradicts"),
        (patched(ONE, 22, "<L", 1), "contradicts"),
        (patched(ONE, 8, "<H", 8), "contradicts"),
        (patched(ONE, 6, "<H", 1), "encrypted"),
        (patched(ONE, 6, "<H", 0x2000), "encrypted"),
        (patched(ONE, 8, "<H", 12), "method 12"),
        (patched(ONE, 0, "<L", 0), "not where the directory says"),
        (patched(ONE, 28, "<H", 5), "followed by bytes|overlaps"),
        (patched(ONE, DIRECTORY + 20, "<L", 0xFFFFFFF0), "contradicts"),
        (patched(ONE, DIRECTORY + 42, "<L", 1), "belong to no member"),
    ],
)
def test_tricks(data, reason):
    with pytest.raises(BrokenError, match=reason):
        names(data)


@pytest.mark.parametrize(
    ("at", "layout", "value"), [(-22 + 10, "<H", 5), (-22 + 12, "<L", 5), (-22 + 16, "<L", 5)]
)
def test_two_records_of_the_directory_that_disagree(at, layout, value):
    data = with_zip64_end(ONE)
    with pytest.raises(BrokenError, match="records disagree"):
        names(patched(data, len(data) + at, layout, value))


def test_a_zip64_record_elsewhere():
    data = with_zip64_end(ONE)
    with pytest.raises(BrokenError, match="not where it must be"):
        names(data.replace(b"PK\x06\x06", b"PK\x06\x05"))


def test_a_member_that_the_directory_leaves_out():
    """A reader that goes from signature to signature would find it."""
    hidden = zipped({"data.pkl": b"cos\nsystem\n."})
    data = hidden[: hidden.index(b"PK\x01\x02")] + ONE
    shift = len(data) - len(ONE)
    data = patched(data, shift + DIRECTORY + 42, "<L", shift)
    data = patched(data, shift + END + 16, "<L", shift + DIRECTORY)
    assert zipfile.ZipFile(io.BytesIO(data)).read("data.pkl") == b"N."  # Python's reader is content
    with pytest.raises(BrokenError, match="belong to no member"):
        names(data)


def test_members_that_share_their_data():
    """As in the zip bombs of D. Fifield: many entries in the directory, one kernel."""
    data = zipped({"a": b"x" * 100, "b": b"y" * 100})
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    with pytest.raises(BrokenError, match=r"overlaps|belong to no member"):
        names(patched(data, second + 42, "<L", 0))


def test_sizes_after_the_data_that_are_wrong():
    data = streamed({"a": b"x" * 10})
    at = data.index(b"PK\x07\x08")
    with pytest.raises(BrokenError, match="followed by bytes"):
        names(patched(data, at + 8, "<L", 11))
