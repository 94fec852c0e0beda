"""The directory of a zip archive, held against what really lies in the file.

Readers differ in what they believe: the directory at the end, the header before each member, or the first signature
they meet. An archive in which these disagree can show a scanner one content and a loader another, so none of them is
taken on trust: members must fill the file from its first byte to the directory, which must fill it to the end.
Format: PKWARE, APPNOTE.TXT.
"""

import re
import stat
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias

from smoke_gate.probes.inspection import BrokenError, LimitError

_END: Final = struct.Struct("<4s4H2LH")
_END64_LOCATOR: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_MAX_MEMBERS = 10_000
_MAX_DIRECTORY_BYTES = 8 << 20
_MAX_DESCRIPTOR_BYTES = 24
_MAX_NAME = 1024
_MAX_BYTES_OF_A_CHARACTER = 4
_UNKNOWN_16, _UNKNOWN_32 = 0xFFFF, 0xFFFFFFFF  # then the zip64 record says it
_SIZES_FOLLOW, _UTF8 = 0x0008, 0x0800  # flags: sizes come after the data; names are UTF-8
_ALLOWED_FLAGS = _SIZES_FOLLOW | _UTF8 | 0x0006  # bits 1 and 2: how hard deflate tried
DRIVE: Final = re.compile(r"[A-Za-z]:")  # at the start of a path that Windows takes elsewhere
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Choice: TypeAlias = Callable[[Sequence[str]], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive; ``start`` is where its data begin, ``size`` what they unpack to."""

    name: str
    method: int
    start: int
    packed: int
    size: int
    crc: int


def read_directory(file: BinaryIO, size: int, unopened: Choice = lambda _: frozenset()) -> list[Member]:
    """Return the members of an archive of ``size`` bytes, in the order in which they lie in it.

    Args:
        file: the archive, seekable.
        size: its bytes.
        unopened: chooses by their names the members that are not read. Of these the header before the member is not
            looked at, only whether there is room for the member, and ``start`` is where that header is.

    Raises:
        BrokenError: the archive is cut off or inconsistent, or holds names, members or tricks that no checkpoint needs.

    """
    start, count = _directory_place(file, size)
    infos = sorted(_listed(file), key=lambda info: info.header_offset)
    if len(infos) != count:
        raise BrokenError(f"it is a zip archive with {len(infos)} members where its end says {count}")
    _check_names(infos)
    skipped = unopened([info.filename for info in infos])
    ends = [*(info.header_offset for info in infos[1:]), start]
    members, position = [], 0
    for info, end in zip(infos, ends, strict=False):  # no member, and one end, where the archive is empty
        if info.header_offset != position:
            raise BrokenError("it is a zip archive with bytes that belong to no member")
        read = _unopened if info.filename in skipped else _member
        members.append(read(file, info, end))
        if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
            raise BrokenError(
                f"it is a zip archive whose member {info.filename[:80]!r} is stored and has two sizes"
            )
        position = end
    if position != start:
        raise BrokenError("it is a zip archive with bytes that belong to no member")
    return members


def _record(file: BinaryIO, layout: struct.Struct, at: int, signature: bytes) -> tuple[int, ...] | None:
    if at < 0:
        return None
    file.seek(at)
    data = file.read(layout.size)
    if len(data) != layout.size or not data.startswith(signature):
        return None
    return layout.unpack(data)[1:]


def _directory_place(file: BinaryIO, size: int) -> tuple[int, int]:
    """Return where the directory begins and how many members it has, before anything reads it."""
    end_at = size - _END.size
    end = _record(file, _END, end_at, b"PK\x05\x06")
    if end is None or end[-1]:
        raise BrokenError(
            "it is a zip archive that does not end with its directory: cut off, or something follows"
        )
    disk, directory_disk, here, count, length, start, _ = end
    directory_end = end_at
    if _record(file, _END64_LOCATOR, end_at - _END64_LOCATOR.size, b"PK\x06\x07") is not None:
        directory_end = end_at - _END64_LOCATOR.size - _END64.size
        end64 = _record(file, _END64, directory_end, b"PK\x06\x06")
        if end64 is None:
            raise BrokenError("it is a zip archive whose zip64 record is not where it must be")
        _, _, _, disk, directory_disk, here, count64, length64, start64 = end64
        for short, full, unknown in (
            (count, count64, _UNKNOWN_16),
            (length, length64, _UNKNOWN_32),
            (start, start64, _UNKNOWN_32),
        ):
            if short not in (full, unknown):
                raise BrokenError("it is a zip archive whose two directory records disagree")
        count, length, start = count64, length64, start64
    if disk or directory_disk or here != count or start + length != directory_end:
        raise BrokenError("it is a zip archive whose directory is not where its end says")
    if count > _MAX_MEMBERS or length > _MAX_DIRECTORY_BYTES:
        raise LimitError(f"it is a zip archive with {count} members; at most {_MAX_MEMBERS} are read")
    return start, count


def _listed(file: BinaryIO) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise BrokenError(f"it is a zip archive whose directory cannot be read ({error})") from None


def _check_names(infos: Sequence[zipfile.ZipInfo]) -> None:
    seen = set()
    for info in infos:
        name = info.orig_filename
        parts = name.removesuffix("/").split("/")
        if (
            not name.isprintable()
            or "\\" in name
            or DRIVE.match(name)
            or not {"", ".", ".."}.isdisjoint(parts)
            or len(name) > _MAX_NAME
            or info.filename != name
            or stat.S_ISLNK(info.external_attr >> 16)
        ):
            raise BrokenError(f"it is a zip archive with a member that may leave it: {name[:80]!r}")
        if name in seen:
            raise BrokenError(f"it is a zip archive with two members of one name: {name[:80]!r}")
        seen.add(name)


def _member(file: BinaryIO, info: zipfile.ZipInfo, end: int) -> Member:
    """Return a member whose own header says what the directory says, and which ends at byte ``end``."""
    what = f"it is a zip archive whose member {info.filename[:80]!r}"
    local = _record(file, _LOCAL, info.header_offset, b"PK\x03\x04")
    if local is None:
        raise BrokenError(f"{what} is not where the directory says")
    _, flags, method, _, _, crc, packed, size, name_length, extra_length = local
    name, extra = file.read(name_length), file.read(extra_length)
    if flags & ~_ALLOWED_FLAGS:
        raise BrokenError(f"{what} is encrypted or needs something else that no checkpoint does")
    if method not in _METHODS:
        raise BrokenError(f"{what} is compressed by method {method}; stored and deflated are read")
    directory_name = info.orig_filename.encode("utf-8" if flags & _UTF8 else "cp437", "replace")
    if (flags, method, name) != (info.flag_bits, info.compress_type, directory_name):
        raise BrokenError(f"{what} has a header that contradicts the directory")
    size, packed = _zip64_sizes(extra, size, packed)
    known = (info.CRC, info.compress_size, info.file_size)
    if (crc, packed, size) != known and not (flags & _SIZES_FOLLOW and not (crc or packed or size)):
        raise BrokenError(f"{what} has a header that contradicts the directory")
    start = info.header_offset + _LOCAL.size + name_length + extra_length
    _check_descriptor(file, start + info.compress_size, end, flags, known, what)
    return Member(info.filename, method, start, info.compress_size, info.file_size, info.CRC)


def _unopened(_: BinaryIO, info: zipfile.ZipInfo, end: int) -> Member:
    """Return a member as the directory has it, which ends at byte ``end`` with no more behind it than there may be."""
    what = f"it is a zip archive whose member {info.filename[:80]!r}"
    if info.flag_bits & ~_ALLOWED_FLAGS or info.compress_type not in _METHODS:
        raise BrokenError(f"{what} is compressed or encrypted as no checkpoint is")
    room = end - info.header_offset - _LOCAL.size - info.compress_size
    if not 0 <= room <= _MAX_NAME * _MAX_BYTES_OF_A_CHARACTER + _UNKNOWN_16 + _MAX_DESCRIPTOR_BYTES:
        raise BrokenError(f"{what} overlaps another, or is followed by bytes that belong to none")
    return Member(
        info.filename, info.compress_type, info.header_offset, info.compress_size, info.file_size, info.CRC
    )


def _zip64_sizes(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """Return the sizes from a header's zip64 field where the header itself only points to it."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1 and length >= 16 and (size, packed) == (_UNKNOWN_32, _UNKNOWN_32):
            size, packed = struct.unpack_from("<2Q", extra.ljust(20, b"\0"), 4)
        extra = extra[4 + length :]
    return size, packed


def _check_descriptor(
    file: BinaryIO, at: int, end: int, flags: int, known: tuple[int, int, int], what: str
) -> None:
    """Check what lies between a member's data and the next member: nothing, or its checksum and sizes once more."""
    length = end - at
    descriptor = b""
    if 0 < length <= _MAX_DESCRIPTOR_BYTES:
        file.seek(at)
        descriptor = file.read(length)
    expected = {b""}
    if flags & _SIZES_FOLLOW:
        bodies = [struct.pack("<L2Q", *known), struct.pack("<3L", *(value & _UNKNOWN_32 for value in known))]
        expected |= {prefix + body for prefix in (b"PK\x07\x08", b"") for body in bodies}
    if length != len(descriptor) or descriptor not in expected:
        raise BrokenError(f"{what} overlaps another, or is followed by bytes that belong to none")
