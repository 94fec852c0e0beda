"""GGUF: key-value pairs, then the places of tensors, then their data.

Format: ggml-org/ggml, docs/gguf.md; the sizes of blocks from ggml.c.
"""

import io
import re
from dataclasses import dataclass
from math import prod
from typing import Final, Literal

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.streams import ExactReader

MAGIC: Final = b"GGUF"
_VERSIONS = (2, 3)
_WIDTHS: Final = {
    0: 1,
    1: 1,
    2: 2,
    3: 2,
    4: 4,
    5: 4,
    6: 4,
    7: 1,
    10: 8,
    11: 8,
    12: 8,
}  # of values, by their type
_STRING, _ARRAY = 8, 9
_MAX_DEPTH = 8  # of arrays in arrays
_MAX_VALUES = 3_000_000  # a vocabulary has some hundred thousand texts
_MAX_TENSORS = 100_000
_MAX_NAME_BYTES = 1024
_MAX_DIMENSIONS = 8
_ALIGNMENT_KEY = b"general.alignment"
_ALIGNMENT = 32  # unless a key says otherwise
_MAX_ALIGNMENT = 1 << 20
_TEMPLATE_KEY = b"tokenizer.chat_template"  # and names of more, behind it
_MAX_TEMPLATE_BYTES = 1 << 20
_ESCAPES: Final = re.compile(  # CVE-2024-34359
    rb"""(?:\.\s*|['"])(__(?:class|base|bases|mro|subclasses|globals|builtins|import|init|getattribute|dict)__)"""
)
_BLOCKS: Final = {  # by ggml's type: the elements of a block, and its bytes
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Tensor:
    """Where a tensor's data begin, counted from the first data, and their bytes; None where the type is not known."""

    offset: int
    size: int | None
    elements: int


def probe_gguf(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify pairs and places, and that the tensors fill the rest of the file, whose data are not read.

    Raises:
        BrokenError: it is cut off, malformed, or its tensors overlap, have gaps or do not end where the file does.
        LimitError: it has more values or tensors than are followed.

    """
    header = _Header(ExactReader(stream), inspection)
    tensors, alignment, end = header.read()
    start = _aligned(end, alignment)
    if start > size and tensors:
        raise BrokenError("it is cut off: it ends before its tensors")
    _check_places(tensors, alignment, size - start if tensors else 0)
    if not tensors and size not in (end, start):
        raise BrokenError(f"it has {size} bytes where its header, without tensors, has {end}")
    inspection.came_upon(Holds.TENSORS if any(tensor.elements for tensor in tensors) else Holds.DATA)


def _aligned(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def _check_places(tensors: list[_Tensor], alignment: int, length: int) -> None:
    """Hold the places against the ``length`` bytes of data; behind an unknown type, a place is only within them."""
    expected: int | None = 0
    end = 0
    for tensor in sorted(tensors, key=lambda tensor: tensor.offset):
        if tensor.offset % alignment or tensor.offset > length:
            raise BrokenError(f"it has a tensor at byte {tensor.offset} of {length}, aligned to {alignment}")
        if expected is not None and tensor.offset != expected:
            raise BrokenError(
                f"it has a tensor at byte {tensor.offset} of its data, where {expected} is expected"
            )
        end = tensor.offset + (tensor.size or 0)
        expected = None if tensor.size is None else _aligned(end, alignment)
    if end > length or (expected is not None and length not in (end, expected)):
        raise BrokenError(f"it has {length} bytes of data where its tensors say {end}")


class _Header:
    """Reads what stands before the data, in the order of bytes that its version shows."""

    def __init__(self, source: ExactReader, inspection: Inspection) -> None:
        self._source = source
        self._inspection = inspection
        self._order: Literal["little", "big"] = "little"
        self._left = _MAX_VALUES
        self._alignment = _ALIGNMENT

    def read(self) -> tuple[list[_Tensor], int, int]:
        """Return the tensors, their alignment, and where the header ends."""
        self._source.take(len(MAGIC))
        version = self._source.take(4)
        if version[:2] == b"\0\0":
            self._order = "big"
        if (number := int.from_bytes(version, self._order)) not in _VERSIONS:
            raise BrokenError(f"it is GGUF of unknown version {number}")
        tensors, pairs = self._number(8), self._number(8)
        if tensors > _MAX_TENSORS:
            raise LimitError(f"it has {tensors} tensors, more than {_MAX_TENSORS}")
        for _ in range(pairs):
            self._pair()
        return [self._tensor() for _ in range(tensors)], self._alignment, self._source.position

    def _number(self, width: int) -> int:
        return int.from_bytes(self._source.take(width), self._order)

    def _pair(self) -> None:
        self._count()
        key, kind = self._name(), self._number(4)
        if key == _ALIGNMENT_KEY and kind == 4:
            self._alignment = self._number(4)
            if not 0 < self._alignment <= _MAX_ALIGNMENT or self._alignment % 8:
                raise BrokenError(f"it has an alignment of {self._alignment}")
            return
        if key.startswith(_TEMPLATE_KEY) and kind == _STRING:
            self._template(self._number(8))
            return
        self._value(kind, 0)

    def _template(self, length: int) -> None:
        """Look at a template of chats, which some loaders run without a sandbox, for ways out of it."""
        if length > _MAX_TEMPLATE_BYTES:
            raise LimitError(f"it has a template of {length} bytes, more than {_MAX_TEMPLATE_BYTES}")
        for name in _ESCAPES.findall(self._source.take(length)):
            self._inspection.imports.dangerous.add(f"{_TEMPLATE_KEY.decode()}.{name.decode()}")

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise LimitError(f"it has more than {_MAX_VALUES} values beside its tensors")

    def _name(self) -> bytes:
        length = self._number(8)
        if length > _MAX_NAME_BYTES:
            raise BrokenError(f"it has a name of {length} bytes, more than {_MAX_NAME_BYTES}")
        return self._source.take(length)

    def _value(self, kind: int, depth: int) -> None:
        self._count()
        if kind in _WIDTHS:
            self._source.skip(_WIDTHS[kind])
        elif kind == _STRING:
            self._source.skip(self._number(8))
        elif kind == _ARRAY and depth < _MAX_DEPTH:
            self._array(depth)
        else:
            raise BrokenError(f"it has a value of unknown type {kind}, or arrays in arrays")

    def _array(self, depth: int) -> None:
        kind, count = self._number(4), self._number(8)
        if kind in _WIDTHS:
            self._source.skip(_WIDTHS[kind] * count)
            return
        for _ in range(count):
            self._value(kind, depth + 1)

    def _tensor(self) -> _Tensor:
        self._name()
        dimensions = self._number(4)
        if dimensions > _MAX_DIMENSIONS:
            raise BrokenError(f"it has a tensor of {dimensions} dimensions, more than {_MAX_DIMENSIONS}")
        shape = [self._number(8) for _ in range(dimensions)]
        kind, offset = self._number(4), self._number(8)
        block, width = _BLOCKS.get(kind, (1, 0))
        if (shape[0] if shape else 1) % block:
            raise BrokenError(f"it has a tensor whose rows are not of whole blocks of {block} elements")
        elements = prod(shape)
        return _Tensor(offset, elements // block * width if kind in _BLOCKS else None, elements)
