"""HDF5: the superblock, the length that it records, what the file holds, and the code that Keras would run from it.

Format: The HDF Group, HDF5 File Format Specification Version 3.0.
"""

import io
from dataclasses import dataclass
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.hdf5_chunks import Chunks
from smoke_gate.probes.hdf5_headers import HeaderMessage, Kind, read_messages
from smoke_gate.probes.hdf5_messages import attribute_texts, dataset, links
from smoke_gate.probes.hdf5_source import Hdf5File, UnfamiliarError, Widths, check
from smoke_gate.probes.inspection import BrokenError, Inspection
from smoke_gate.probes.keras import judge_keras, judge_unparsed

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
SUPERBLOCK_OFFSETS: Final = (0, 512, 1024, 2048)  # behind a user block; larger ones are not looked for
OTHER_FILE: Final = "HDF5 data in another file"
_WIDTH_AT = {0: 13, 1: 13, 2: 9, 3: 9}  # by version: the size of addresses, and behind it that of lengths
_ADDRESSES_AT = {0: 24, 1: 28, 2: 12, 3: 12}
_END_AMONG_ADDRESSES = 2  # after base address and free space, or base address and extension
_CHECKSUM_BYTES = 4
_FLAGS_AT = 11  # version 3
_OPEN_FOR_WRITING = 1
_MAX_SUPERBLOCK_BYTES = 128
_MAX_OBJECTS = 20_000
_CONFIGS: Final = frozenset({"model_config", "training_config"})  # attributes from which Keras makes objects


@dataclass(frozen=True, slots=True)
class Superblock:
    """Where everything begins; ``end`` is the file's length as recorded, ``root`` the address of the root group."""

    base: int
    widths: Widths
    end: int
    root: int


def superblock_offset(head: bytes) -> int | None:
    """Return where the superblock begins, None where there is none in a file's first bytes."""
    return next((at for at in SUPERBLOCK_OFFSETS if head.startswith(SIGNATURE, at)), None)


def probe_hdf5(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify structure and length, look at what the file holds, and judge the configuration that Keras reads.

    Checksums are verified: those of the structure as far as it is read, those of chunks where ``hdf5_chunks`` can.

    Args:
        stream: the file, seekable.
        size: its bytes.
        inspection: takes what is found.

    Raises:
        BrokenError: a damaged structure, another length, or a writer did not close the file.

    """
    block = _superblock(stream, size)
    source = Hdf5File(stream, size, block.base, block.widths)
    try:
        root = read_messages(source, block.root)
        _judge_configs(source, root, inspection)
    except UnfamiliarError:
        _search(stream, inspection)
        return
    try:
        _walk(source, block.root, root, inspection)
    except UnfamiliarError:
        inspection.unparsed = True


def _superblock(stream: io.BufferedReader, size: int) -> Superblock:
    head = stream.read(SUPERBLOCK_OFFSETS[-1] + _MAX_SUPERBLOCK_BYTES)
    base = superblock_offset(head) or 0
    block = head[base:]
    version = block[8] if len(block) > 8 else -1
    if version not in _WIDTH_AT:
        raise BrokenError(f"it has an HDF5 superblock of unknown version {version}")
    if len(block) <= _FLAGS_AT + 3:
        raise BrokenError("it has a damaged HDF5 superblock")
    address_width, length_width = block[_WIDTH_AT[version]], block[_WIDTH_AT[version] + 1]
    widths = Widths(address_width, length_width)
    start = _ADDRESSES_AT[version]
    stop = start + (6 if version < 2 else 4) * address_width
    if len(block) < stop + _CHECKSUM_BYTES:
        raise BrokenError("it has a damaged HDF5 superblock")
    addresses = [
        int.from_bytes(block[at : at + address_width], "little") for at in range(start, stop, address_width)
    ]
    end = addresses[_END_AMONG_ADDRESSES]
    if end != size:
        raise BrokenError(f"it has {size} bytes where its HDF5 superblock says {end}")
    if version >= 2:
        check(block[: stop + _CHECKSUM_BYTES])
    if version == 3 and block[_FLAGS_AT] & _OPEN_FOR_WRITING:
        raise BrokenError("it was not closed by its writer (HDF5 consistency flags)")
    return Superblock(base, widths, end, addresses[5 if version < 2 else 3])


def _judge_configs(source: Hdf5File, messages: list[HeaderMessage], inspection: Inspection) -> None:
    for text in attribute_texts(source, messages, _CONFIGS):
        if text.lstrip(b" \t\r\n").startswith(b"{"):  # or Keras makes nothing of it
            judge_keras(text.rstrip(b"\0"), inspection.imports)


def _walk(source: Hdf5File, root: int, messages: list[HeaderMessage], inspection: Inspection) -> None:
    """Look at each object once: at its configuration, and at what it holds.

    Raises:
        UnfamiliarError: there are more than are looked at.

    """
    seen = {root}
    pending: list[int] = []
    chunks = Chunks(source, inspection)
    while True:
        if any(message.kind == Kind.ATTRIBUTE for message in messages):
            inspection.came_upon(Holds.DATA)
        found = dataset(source, messages)
        chunks.check(messages)
        if found is not None:
            inspection.came_upon(_content(found.elements, found.dimensions, is_numeric=found.is_numeric))
        leaves = found is not None and found.leaves_file
        for link in links(source, messages):
            leaves = leaves or link.leaves_file
            if link.address is not None and link.address not in seen:
                seen.add(link.address)
                pending.append(link.address)
        if leaves:
            inspection.imports.unknown.add(OTHER_FILE)
        if not pending:
            return
        if len(seen) > _MAX_OBJECTS:
            raise UnfamiliarError(f"more than {_MAX_OBJECTS} objects")
        messages = read_messages(source, pending.pop())
        _judge_configs(source, messages, inspection)


def _content(elements: int, dimensions: int, *, is_numeric: bool) -> Holds:
    """Return what an array tells of a model: one value alone, such as a step's number, tells little."""
    if not elements:
        return Holds.NOTHING
    return Holds.TENSORS if dimensions and is_numeric else Holds.DATA


def _search(stream: io.BufferedReader, inspection: Inspection) -> None:
    """Search the bytes for a configuration where the structure does not lead to it."""
    inspection.unparsed = True
    stream.seek(0)
    judge_unparsed(stream, inspection.imports)
    inspection.imports.unknown.add("HDF5 attributes that are not understood")
