"""Safetensors: a JSON header, then the tensors' bytes without gap or overlap.

Format: huggingface/safetensors, README, "Format".
"""

import io
import json
from collections.abc import Iterator
from math import prod
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.nan import FLOATS, watch
from smoke_gate.probes.streams import BLOCK_BYTES, ExactReader
from smoke_gate.strict_json import JsonError, parse_json

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 4 << 20  # tens of thousands of tensors
_MAX_DIMENSIONS = 64  # NumPy's bound
_BITS: Final = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}


def header_length(head: bytes, size: int) -> int | None:
    """Return the header's length where a file of ``size`` bytes begins like safetensors, else None."""
    length = int.from_bytes(head[:_LENGTH_BYTES], "little")
    return (
        length if head[_LENGTH_BYTES : _LENGTH_BYTES + 1] == b"{" and length <= size - _LENGTH_BYTES else None
    )


def probe_safetensors(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify header and offsets against the file's length, and look at the numbers.

    Raises:
        BrokenError: the header does not have the form of one, or the offsets do not cover the data exactly.
        LimitError: the header is larger than is read.

    """
    source = ExactReader(stream)
    position = 0
    for start, stop, kind in probe_safetensors_header(stream, size, inspection):
        if kind in FLOATS and inspection.all_nan is not False:
            source.skip(start - position)
            watch(kind, _blocks(stream, stop - start), inspection)
            position = stop


def probe_safetensors_header(
    stream: io.BufferedReader, size: int, inspection: Inspection
) -> list[tuple[int, int, str]]:
    """Verify header and offsets against the file's length, and read no further.

    Returns:
        Where each tensor's data begin and end behind the header, and its dtype, in this order.

    Raises:
        BrokenError: as ``probe_safetensors``.
        LimitError: as ``probe_safetensors``.

    """
    length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
    if length > _MAX_HEADER_BYTES:
        raise LimitError(f"it has a header of {length} bytes, more than {_MAX_HEADER_BYTES}")
    try:
        header = parse_json(stream.read(length))
    except JsonError as error:
        raise BrokenError(f"its header cannot be read: {error}") from None
    if not isinstance(header, dict):
        raise BrokenError("it has a header that is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise BrokenError("it has a __metadata__ that is not text by key")
    end = 0
    tensors = sorted(_extent(name, entry) for name, entry in header.items())
    for start, stop, _ in tensors:
        if start != end:
            raise BrokenError(
                f"it has tensors with {'a gap' if start > end else 'an overlap'} at byte {end} of the data"
            )
        end = stop
    if end != size - _LENGTH_BYTES - length:
        raise BrokenError(f"it has {size - _LENGTH_BYTES - length} bytes of data where its header says {end}")
    if end:
        inspection.came_upon(Holds.TENSORS)
    return tensors


def _blocks(stream: io.BufferedReader, length: int) -> Iterator[bytes]:
    while length and (block := stream.read(min(length, BLOCK_BYTES))):
        length -= len(block)
        yield block


def _extent(name: str, entry: object) -> tuple[int, int, str]:
    """Return where a tensor's data begins and ends, and its dtype, checked against its dtype and shape."""
    match entry:
        case {
            "dtype": str() as dtype,
            "shape": [*shape],
            "data_offsets": [int() as start, int() as stop],
            **rest,
        }:
            if rest or len(shape) > _MAX_DIMENSIONS or not all(map(_is_length, shape)):
                raise BrokenError(f"it has a malformed entry for tensor {name[:80]!r}")
        case _:
            raise BrokenError(f"it has a malformed entry for tensor {name[:80]!r}")
    if dtype not in _BITS:
        raise BrokenError(f"it has a tensor of unknown dtype {dtype[:20]!r}")
    if not 0 <= start <= stop or 8 * (stop - start) != _BITS[dtype] * prod(shape):
        raise BrokenError(
            f"it has offsets for tensor {name[:80]!r} that are not the size of {dtype} × {json.dumps(shape)[:80]}"
        )
    return start, stop, dtype


def _is_length(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 64
