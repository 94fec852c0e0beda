"""Zip-based checkpoints: every member unpacked in pieces, its checksum verified and its content probed."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

from smoke_gate.collect.probes.inspection import BrokenError, Inspection
from smoke_gate.collect.probes.streams import BLOCK_BYTES, drain, stream_of
from smoke_gate.collect.probes.zip_directory import Member, read_directory

MemberProbe: TypeAlias = Callable[[io.BufferedReader, Member], None]


def probe_zip(file: BinaryIO, size: int, inspection: Inspection, probe: MemberProbe) -> None:
    """Verify an archive and probe each of its members.

    All members are looked at, whatever is wrong with one of them: what is dangerous in another must show.

    Args:
        file: the archive, seekable.
        size: its bytes.
        inspection: keeps account of what is unpacked.
        probe: looks at one member's content, given as a stream, and raises BrokenError.

    Raises:
        BrokenError: the first thing found wrong.

    """
    problem: BrokenError | None = None
    for member in read_directory(file, size):
        try:
            inspection.expand(member.size)
            unpacking = _Unpacking(file, member)
            stream = stream_of(unpacking.chunks())
            try:
                probe(stream, member)
            finally:
                drain(stream)
                unpacking.check()  # whatever the probe made of it: a checksum that does not match explains the rest
        except BrokenError as error:
            problem = problem or type(error)(f"member {member.name[:80]!r}: {error}")
    if problem:
        raise problem


class _Unpacking:
    """One member's content, and whether all of it was what the directory says."""

    def __init__(self, file: BinaryIO, member: Member) -> None:
        self._chunks = _unpacked(file, member)
        self._problem: BrokenError | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the content."""
        try:
            yield from self._chunks
        except BrokenError as error:
            self._problem = error
            raise

    def check(self) -> None:
        """Raise what unpacking came upon, even if whoever read the content took no notice."""
        if self._problem:
            raise self._problem


def _unpacked(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """Yield a member's content, and raise where it is not what the directory says."""
    crc = length = 0
    chunks = _stored(file, member) if member.method == zipfile.ZIP_STORED else _inflated(file, member)
    for chunk in chunks:
        crc = zlib.crc32(chunk, crc)
        length += len(chunk)
        if length > member.size:
            raise BrokenError("it unpacks to more than the directory says")
        yield chunk
    if length != member.size or crc != member.crc:
        raise BrokenError("it is damaged: its checksum does not match")


def _stored(file: BinaryIO, member: Member) -> Iterator[bytes]:
    position, end = member.start, member.start + member.packed
    while position < end:
        file.seek(position)  # others read from the file in between
        chunk = file.read(min(BLOCK_BYTES, end - position))
        if not chunk:
            raise BrokenError("it is cut off")
        position += len(chunk)
        yield chunk


def _inflated(file: BinaryIO, member: Member) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for packed in _stored(file, member):
            data = packed
            while data and not inflater.eof:
                yield inflater.decompress(data, BLOCK_BYTES)
                data = inflater.unconsumed_tail
            if inflater.unused_data:
                raise BrokenError("it has bytes after the end of its compressed data")
        yield inflater.flush()
    except zlib.error as error:
        raise BrokenError(f"it is damaged: it cannot be unpacked ({error})") from None
    if not inflater.eof:
        raise BrokenError("it is damaged: its compressed data does not end")
