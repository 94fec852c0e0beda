"""TensorFlow's checkpoints: ``NAME.index``, a table of the tensors in ``NAME.data-00000-of-00001``; ``checkpoint``.

Format: tensorflow/core/protobuf/tensor_bundle.proto; tensorflow/core/util/tensor_bundle;
tensorflow/python/training/checkpoint_state.proto, as text.
"""

import io
import re
from dataclasses import dataclass, field
from math import prod
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.protobuf import Field, WireReader
from smoke_gate.probes.sstable import entries
from smoke_gate.probes.streams import ExactReader

_INDEX = ".index"
_STATE = b'model_checkpoint_path: "'
_ALL = b"all_model_checkpoint_paths: "  # TensorFlow writes the newest here as well
_STATE_LINE: Final = re.compile(rb'\w+: (?:"(?:[^"\\]|\\.)*"|[0-9.eE+-]+)')
_MAX_STATE_BYTES = 1 << 20
_MAX_INDEX_BYTES = 8 << 20  # a few seconds; the index of thousands of tensors has less than one
_MAX_SHARDS = 10_000
_MAX_DIMENSIONS = 254  # TensorFlow's bound
_SHARDS = 1  # of BundleHeaderProto
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _SLICES = 1, 2, 3, 4, 5, 7  # of BundleEntryProto
_ELEMENT_BYTES: Final = {
    **dict.fromkeys((4, 6, 10, 11, 12, 24, 25), 1),  # UINT8, INT8, BOOL, QINT8, QUINT8, FLOAT8…
    **dict.fromkeys((5, 14, 15, 16, 17, 19), 2),  # INT16, BFLOAT16, QINT16, QUINT16, UINT16, HALF
    **dict.fromkeys((1, 3, 13, 22), 4),  # FLOAT, INT32, QINT32, UINT32
    **dict.fromkeys((2, 8, 9, 23), 8),  # DOUBLE, COMPLEX64, INT64, UINT64
    18: 16,  # COMPLEX128
}


def begins_index(head: bytes, _: int) -> bool:
    """Return whether bytes begin like a table whose first key is empty and has a number of shards."""
    return head.startswith(b"\0\0") and head[3:4] == b"\x08"


def probe_index(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify the table, and the size of each tensor against its shape and type. The files of bytes are companions.

    Their lengths are not held against the index: a probe sees one file.

    Raises:
        BrokenError: it is cut off or damaged, or its tensors overlap or have other sizes than their shapes.
        LimitError: it is larger than is read.

    """
    if size > _MAX_INDEX_BYTES:
        raise LimitError(f"it is an index of {size} bytes, more than {_MAX_INDEX_BYTES}")
    shards = None
    places = []
    for key, value in entries(stream.read(size)):
        if key:
            entry = _entry(value)
            inspection.came_upon(
                Holds.TENSORS if entry.elements and entry.kind in _ELEMENT_BYTES else Holds.DATA
            )
            places.append((entry.shard, entry.offset, entry.offset + entry.size))
        else:
            shards = next((part.value for part in _parts(value) if part.number == _SHARDS), 0)
    if shards is None:
        raise BrokenError("it is an index that does not say how many files its tensors lie in")
    if shards > _MAX_SHARDS:
        raise BrokenError(f"it is an index of {shards} files, more than {_MAX_SHARDS}")
    _check_places(sorted(places), shards)
    prefix = inspection.name.rpartition("/")[2].removesuffix(_INDEX)
    for shard in range(shards):
        inspection.needs_beside(f"{prefix}.data-{shard:05d}-of-{shards:05d}")


def begins_state(head: bytes, _: int) -> bool:
    """Return whether bytes begin like the file ``checkpoint``, which names the newest of a folder's checkpoints."""
    return head.startswith(_STATE)


def probe_state(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify that each line of the text is whole. The checkpoints that it names may have been left out on purpose.

    Raises:
        BrokenError: a line is something else than a key and a value.

    """
    if size > _MAX_STATE_BYTES:
        raise LimitError(f"it is a list of checkpoints of {size} bytes, more than {_MAX_STATE_BYTES}")
    *lines, rest = stream.read(size).split(b"\n")
    if rest:
        raise BrokenError("it is cut off: it ends in the middle of a line")
    for line in lines:
        if not _STATE_LINE.fullmatch(line):
            raise BrokenError(f"it is a list of checkpoints with a malformed line {line[:40]!r}")
    if not any(line.startswith(_ALL) for line in lines):
        raise BrokenError("it is cut off: it is a list of checkpoints that names none but the newest")
    inspection.came_upon(Holds.DATA)


def _check_places(places: list[tuple[int, int, int]], shards: int) -> None:
    last, end = 0, 0
    for shard, start, stop in places:
        if shard >= shards:
            raise BrokenError(f"it is an index of {shards} files with a tensor in file {shard}")
        if shard == last and start < end:
            raise BrokenError(f"it is an index with tensors that overlap at byte {start} of file {shard}")
        last, end = shard, stop


@dataclass(slots=True)
class _Entry:
    """A tensor: its type, its shape, and where its bytes lie."""

    kind: int = 0
    shape: list[int] = field(default_factory=list)
    shard: int = 0
    offset: int = 0
    size: int = 0
    sliced: bool = False

    @property
    def elements(self) -> int:
        return prod(self.shape)


def _parts(message: bytes) -> list[Field]:
    return list(WireReader(_source(message)).fields(len(message)))


def _source(message: bytes) -> ExactReader:
    return ExactReader(io.BufferedReader(io.BytesIO(message)))


def _entry(message: bytes) -> _Entry:
    reader = WireReader(_source(message))
    entry = _Entry()
    for part in reader.fields(len(message)):
        if part.number == _SHAPE and part.is_bytes:
            entry.shape = _shape(reader, part.end)
        elif part.number == _SLICES:
            entry.sliced = True
        elif part.number == _DTYPE:
            entry.kind = part.value
        elif part.number == _SHARD:
            entry.shard = part.value
        elif part.number == _OFFSET:
            entry.offset = part.value
        elif part.number == _SIZE:
            entry.size = part.value
    width = _ELEMENT_BYTES.get(entry.kind)
    if width is not None and not entry.sliced and entry.size != width * entry.elements:
        raise BrokenError(
            f"it is an index with a tensor of {entry.size} bytes where its shape and type say {width * entry.elements}"
        )
    return entry


def _shape(reader: WireReader, end: int) -> list[int]:
    """Return the sizes of the dimensions; of a shape of no dimension, none."""
    shape = []
    for part in reader.fields(end):
        if part.is_bytes:
            shape.append(next((inner.value for inner in reader.fields(part.end) if inner.number == 1), 0))
        if len(shape) > _MAX_DIMENSIONS:
            raise BrokenError(f"it is an index with a tensor of more than {_MAX_DIMENSIONS} dimensions")
    return shape
