"""HDF5: the superblock and the length that it records.

Format: The HDF Group, HDF5 File Format Specification Version 3.0, section II.A.
"""

import io
from typing import Final

from smoke_gate.collect.probes.inspection import BrokenError, Inspection

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
SUPERBLOCK_OFFSETS: Final = (0, 512, 1024, 2048)  # behind a user block; larger ones are not looked for
_ADDRESS_WIDTHS = (2, 4, 8, 16)
_WIDTH_AT = {0: 13, 1: 13, 2: 9, 3: 9}  # by version: the size of addresses
_ADDRESSES_AT = {0: 24, 1: 28, 2: 12, 3: 12}
_END_AMONG_ADDRESSES = 2  # after base address and free space, or base address and extension
_FLAGS_AT = 11  # version 3
_OPEN_FOR_WRITING = 1
_MAX_SUPERBLOCK_BYTES = 128


def superblock_offset(head: bytes) -> int | None:
    """Return where the superblock begins, None where there is none in a file's first bytes."""
    return next((at for at in SUPERBLOCK_OFFSETS if head.startswith(SIGNATURE, at)), None)


def probe_hdf5(stream: io.BufferedReader, size: int, _: Inspection) -> bool:
    """Verify the end that the superblock records against the file's length.

    Returns:
        True: what is in it is not looked at.

    Raises:
        BrokenError: no such superblock, another length, or a writer did not close the file.

    """
    head = stream.read(SUPERBLOCK_OFFSETS[-1] + _MAX_SUPERBLOCK_BYTES)
    block = head[superblock_offset(head) or 0 :]
    version = block[8] if len(block) > 8 else -1
    if version not in _WIDTH_AT:
        raise BrokenError(f"it has an HDF5 superblock of unknown version {version}")
    width = block[_WIDTH_AT[version]] if len(block) > _WIDTH_AT[version] else 0
    at = _ADDRESSES_AT[version] + _END_AMONG_ADDRESSES * width
    if width not in _ADDRESS_WIDTHS or len(block) < at + width:
        raise BrokenError("it has a damaged HDF5 superblock")
    end = int.from_bytes(block[at : at + width], "little")
    if end != size:
        raise BrokenError(f"it has {size} bytes where its HDF5 superblock says {end}")
    if version == 3 and block[_FLAGS_AT] & _OPEN_FOR_WRITING:
        raise BrokenError("it was not closed by its writer (HDF5 consistency flags)")
    return True
