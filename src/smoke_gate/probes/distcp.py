"""torch's distributed checkpoints: ``.distcp`` files of whole zip archives, and ``.metadata``, which names them.

Format: pytorch/pytorch, torch/distributed/checkpoint/filesystem.py. Each item is written by ``torch.save`` behind the
one before it, so that the offsets of an archive count from its own first byte.
"""

import io
import re
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.streams import BLOCK_BYTES
from smoke_gate.probes.windows import window

SUFFIX: Final = ".distcp"
METADATA: Final = ".metadata"
_END: Final = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_BYTES = 20
_UNKNOWN_32 = 0xFFFFFFFF
_MAX_ARCHIVES = 20_000  # one for each tensor
_MAX_CANDIDATES = 1_000_000  # signatures that are looked at; numbers contain one in four billion places
_NAMED: Final = re.compile(rb"\x8c(.)([\w.\-]{1,248}\.distcp)", re.DOTALL)  # a short text in a pickle
_MAX_METADATA_BYTES = 64 << 20


def probe_each_archive(file: BinaryIO, size: int, probe: Callable[[BinaryIO, int], object]) -> None:
    """Probe each of the archives that fill a file; all are looked at, whatever is wrong with one of them.

    Args:
        file: the file, seekable.
        size: its bytes.
        probe: looks at one archive, given as a file and its size, and raises BrokenError.

    Raises:
        BrokenError: the first thing found wrong.

    """
    problem: BrokenError | None = None
    for archive, length in archives_in(file, size):
        try:
            probe(archive, length)
        except BrokenError as error:
            problem = problem or error
    if problem:
        raise problem


def archives_in(file: BinaryIO, size: int) -> Iterator[tuple[io.BufferedReader, int]]:
    """Yield the archives that fill a file, each as a file of its own, and its size.

    Raises:
        BrokenError: at some place no archive begins and ends.
        LimitError: there are more archives than are read.

    """
    start = count = 0
    while start < size:
        count += 1
        if count > _MAX_ARCHIVES:
            raise LimitError(f"it holds more than {_MAX_ARCHIVES} archives")
        end = _end_of_archive(file, start, size)
        yield window(file, start, end - start), end - start
        start = end


def _end_of_archive(file: BinaryIO, start: int, size: int) -> int:
    """Return where the archive ends that begins at ``start``: its directory says how far before it that is."""
    for count, at in enumerate(_signatures(file, start, size)):
        if count > _MAX_CANDIDATES:
            raise LimitError(f"it holds more than {_MAX_CANDIDATES} signatures of archives")
        end = at + _END.size
        if end <= size and _beginning(file, at) == start:
            return end
    raise BrokenError(f"it has no whole archive at byte {start}: cut off, or damaged")


def _signatures(file: BinaryIO, start: int, size: int) -> Iterator[int]:
    """Yield the places of the signature of an archive's end."""
    overlap = len(_END_SIGNATURE) - 1
    while start < size:
        file.seek(start)
        block = file.read(BLOCK_BYTES + overlap)
        at = block.find(_END_SIGNATURE)
        while at >= 0:
            yield start + at
            at = block.find(_END_SIGNATURE, at + 1)
        start += BLOCK_BYTES


def _beginning(file: BinaryIO, end_at: int) -> int | None:
    """Return where the archive begins whose end record is at ``end_at``, None where there is no such record."""
    file.seek(end_at)
    *_, length, offset, comment = _END.unpack(file.read(_END.size))
    if comment:
        return None
    directory_end = end_at
    long_at = end_at - _LOCATOR_BYTES - _END64.size
    if long_at >= 0:
        file.seek(long_at)
        data = file.read(_END64.size)
        if data.startswith(b"PK\x06\x06"):
            directory_end = long_at
            long_length, long_offset = _END64.unpack(data)[-2:]
            length = long_length if length == _UNKNOWN_32 else length
            offset = long_offset if offset == _UNKNOWN_32 else offset
    return int(directory_end - length - offset)


def note_named_files(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Take account of the ``.distcp`` files whose names stand in ``.metadata``, a pickle."""
    if size > _MAX_METADATA_BYTES:
        raise LimitError(f"it is metadata of {size} bytes, more than {_MAX_METADATA_BYTES}")
    for length, name in _NAMED.findall(stream.read(size)):
        if length[0] == len(name):
            inspection.needs_beside(name.decode())
