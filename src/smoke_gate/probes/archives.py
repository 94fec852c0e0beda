"""Zip-based checkpoints: every member unpacked in pieces, its checksum verified and its content probed."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, TypeAlias

from smoke_gate.probes.inspection import BrokenError, Inspection
from smoke_gate.probes.streams import BLOCK_BYTES, stream_of
from smoke_gate.probes.zip_directory import Member

_PACKED_BYTES = (
    1 << 16
)  # of a compressed member at a time: of a large file only the beginning of an array is read

MemberProbe: TypeAlias = Callable[[io.BufferedReader, Member], None]


def probe_members(
    file: BinaryIO, members: Sequence[Member], inspection: Inspection, probe: MemberProbe
) -> None:
    """Verify and probe members of an archive.

    All members are looked at, whatever is wrong with one of them: what is dangerous in another must show.

    Args:
        file: the archive, seekable.
        members: those to look at, as the archive's directory has them.
        inspection: keeps account of what is unpacked.
        probe: looks at one member's content, given as a stream, and raises BrokenError.

    Raises:
        BrokenError: the first thing found wrong.

    """
    problem: BrokenError | None = None
    for member in members:
        try:
            inspection.expand(member.size)
            unpacking = _Unpacking(file, member)
            stream = stream_of(unpacking.chunks())
            try:
                probe(stream, member)
            finally:
                unpacking.finish()
                unpacking.check()  # whatever the probe made of it: a checksum that does not match explains the rest
        except BrokenError as error:
            problem = problem or in_member(member, error)
    if problem:
        raise problem


def in_member(member: Member, error: BrokenError) -> BrokenError:
    """Return an error that names the member in which something is wrong."""
    return type(error)(f"member {member.name[:80]!r}: {error}")


class _Unpacking:
    """Unpacks one member, and checks that its content is what the archive's directory says."""

    def __init__(self, file: BinaryIO, member: Member) -> None:
        self._chunks = unpacked(file, member)
        self._problem: BrokenError | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the content."""
        try:
            yield from self._chunks
        except BrokenError as error:
            self._problem = error
            raise

    def finish(self) -> None:
        """Unpack what nobody read, so that its checksum is verified."""
        for _ in self.chunks():
            pass

    def check(self) -> None:
        """Raise what unpacking came upon, even if whoever read the content took no notice."""
        if self._problem:
            raise self._problem


def unpacked(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """Yield a member's content.

    Raises:
        BrokenError: it is not what the directory says.

    """
    crc = length = 0
    is_stored = member.method == zipfile.ZIP_STORED
    chunks = _pieces(file, member, BLOCK_BYTES) if is_stored else _inflated(file, member)
    for chunk in chunks:
        crc = zlib.crc32(chunk, crc)
        length += len(chunk)
        if length > member.size:
            raise BrokenError("it unpacks to more than the directory says")
        yield chunk
    if length != member.size or crc != member.crc:
        raise BrokenError("it is damaged: its checksum does not match")


def _pieces(file: BinaryIO, member: Member, most: int) -> Iterator[bytes]:
    position, end = member.start, member.start + member.packed
    while position < end:
        file.seek(position)  # others read from the file in between
        chunk = file.read(min(most, end - position))
        if not chunk:
            raise BrokenError("it is cut off")
        position += len(chunk)
        yield chunk


def _inflated(file: BinaryIO, member: Member) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for packed in _pieces(file, member, _PACKED_BYTES):
            data = packed
            while data and not inflater.eof:
                yield inflater.decompress(data, _PACKED_BYTES)
                data = inflater.unconsumed_tail
            if inflater.unused_data:
                raise BrokenError("it has bytes after the end of its compressed data")
        yield inflater.flush()
    except zlib.error as error:
        raise BrokenError(f"it is damaged: it cannot be unpacked ({error})") from None
    if not inflater.eof:
        raise BrokenError("it is damaged: its compressed data does not end")
