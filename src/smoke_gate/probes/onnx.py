"""ONNX: a protobuf message with a graph, its operators and its initializers.

Format: onnx/onnx, onnx.proto (ModelProto, GraphProto, TensorProto) and docs/ExternalData.md.
"""

import io
from dataclasses import dataclass, field
from math import prod
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection
from smoke_gate.probes.protobuf import Field, Wire, WireReader, begins_message
from smoke_gate.probes.streams import ExactReader

_MODEL_FIELDS: Final = frozenset(
    {(1, Wire.VARINT), (5, Wire.VARINT), *((number, Wire.LENGTH) for number in (2, 3, 4, 6, 7, 8, 14))}
)
_IR_VERSION, _GRAPH, _OPSET = 1, 7, 8  # of ModelProto
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15  # of GraphProto
_DOMAIN = 7  # of NodeProto
_DIMS, _TYPE, _RAW, _EXTERNAL, _LOCATION = 1, 2, 9, 13, 14  # of TensorProto
_IS_EXTERNAL = 1
_STRING = 8
_BITS: Final = {
    **dict.fromkeys((25, 26), 2),  # UINT2, INT2
    **dict.fromkeys((21, 22, 23), 4),  # UINT4, INT4, FLOAT4E2M1
    **dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8),  # UINT8, INT8, BOOL, FLOAT8…
    **dict.fromkeys((4, 5, 10, 16), 16),  # UINT16, INT16, FLOAT16, BFLOAT16
    **dict.fromkeys((1, 6, 12), 32),  # FLOAT, INT32, UINT32
    **dict.fromkeys((7, 11, 13, 14), 64),  # INT64, DOUBLE, UINT64, COMPLEX64
    15: 128,  # COMPLEX128
}
_TYPED: Final = {
    4: 4,
    5: None,
    6: None,
    7: None,
    10: 8,
    11: None,
}  # fields of numbers: bytes of one; None: varints
_STRINGS = 6
_COMPLEX = (14, 15)  # two numbers for each element
_MAX_SHAPE_BYTES = 1024
_MAX_DOMAINS = 1000
_STANDARD = ("", "ai.onnx")  # two names of one domain


def begins_onnx(head: bytes, _: int) -> bool:
    """Return whether bytes begin with a field that a model has; a text may begin so too."""
    return begins_message(head, _MODEL_FIELDS)


def probe_onnx(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify the lengths of all messages, and the data of each initializer against its shape and type.

    Files of external data are companions.

    Raises:
        BrokenError: it is cut off, or lacks a version, a graph or the operator sets that its nodes use.

    """
    reader = WireReader(ExactReader(stream))
    seen: set[int] = set()
    imported: set[str] = set()
    graph = _Graph(reader, inspection)
    for part in reader.fields(size):
        seen.add(part.number)
        if part.number == _GRAPH and part.is_bytes:
            graph.read(part.end)
        elif part.number == _OPSET and part.is_bytes:
            imported.add(_first_text(reader, part))
    if missing := [name for number, name in _REQUIRED.items() if number not in seen]:
        raise BrokenError(f"it is an ONNX model without {' and '.join(missing)}: cut off, or none")
    if not set(_STANDARD).isdisjoint(imported):
        imported.update(_STANDARD)
    if absent := graph.domains - imported:
        raise BrokenError(
            f"it has nodes of {sorted(absent)[0][:80]!r}, an operator set that it does not import"
        )


_REQUIRED: Final = {_IR_VERSION: "a version", _GRAPH: "a graph", _OPSET: "operator sets"}


def _first_text(reader: WireReader, message: Field, number: int = 1) -> str:
    """Return a text field of a small message, an empty one where it has none."""
    found = ""
    for part in reader.fields(message.end):
        if part.number == number:
            found = reader.text(part)
    return found


class _Graph:
    """Reads the graph: nodes for their domains, initializers for their sizes."""

    def __init__(self, reader: WireReader, inspection: Inspection) -> None:
        self._reader = reader
        self._inspection = inspection
        self.domains: set[str] = set()

    def read(self, end: int) -> None:
        for part in self._reader.fields(end):
            if not part.is_bytes:
                continue
            if part.number == _NODE:
                self._add_domain(_first_text(self._reader, part, _DOMAIN))
                self._inspection.came_upon(Holds.TENSORS)
            elif part.number == _INITIALIZER:
                self._initializer(part.end)
            elif part.number == _SPARSE:
                self._inspection.came_upon(Holds.TENSORS)

    def _add_domain(self, domain: str) -> None:
        self.domains.add(domain)
        if len(self.domains) > _MAX_DOMAINS:
            raise BrokenError(f"it has nodes of more than {_MAX_DOMAINS} operator sets")

    def _initializer(self, end: int) -> None:
        tensor = _Tensor()
        for part in self._reader.fields(end):
            tensor.take(part, self._reader)
        tensor.check()
        if tensor.external:
            self._inspection.needs_beside(tensor.location)
        if tensor.elements:
            self._inspection.came_upon(Holds.TENSORS)


@dataclass(slots=True)
class _Tensor:
    """The elements that a TensorProto declares, and the bytes and numbers that it has for them."""

    shape: list[int] = field(default_factory=list)
    kind: int = 0
    raw: int | None = None
    numbers: int = 0
    strings: int = 0
    external: bool = False
    location: str = ""

    @property
    def elements(self) -> int:
        return prod(self.shape)

    def take(self, part: Field, reader: WireReader) -> None:
        """Take account of one field."""
        if part.number == _DIMS:
            self.shape += reader.integers(part, _MAX_SHAPE_BYTES)
            if len(self.shape) > _MAX_SHAPE_BYTES:
                raise BrokenError(f"it has a tensor of more than {_MAX_SHAPE_BYTES} dimensions")
        elif part.number == _TYPE:
            self.kind = part.value
        elif part.number == _LOCATION:
            self.external = part.value == _IS_EXTERNAL
        elif part.number == _RAW and part.is_bytes:
            self.raw = part.value
        elif part.number == _STRINGS:
            self.strings += 1
        elif part.number == _EXTERNAL and part.is_bytes:
            self._take_entry(part, reader)
        elif part.number in _TYPED:
            self.numbers += reader.count(part, _TYPED[part.number])

    def _take_entry(self, part: Field, reader: WireReader) -> None:
        key = value = ""
        for entry in reader.fields(part.end):
            if entry.number == 1:
                key = reader.text(entry)
            elif entry.number == 2:
                value = reader.text(entry)
        if key == "location":
            self.location = value

    def check(self) -> None:
        """Hold the data against shape and type; those of an unknown type may be of any length."""
        if any(length >= 1 << 63 for length in self.shape):
            raise BrokenError("it has a tensor with a negative dimension")
        if self.external:
            return
        if self.kind == _STRING:
            if self.strings != self.elements:
                raise BrokenError(
                    f"it has a tensor of {self.strings} texts where its shape says {self.elements}"
                )
        elif self.kind in _BITS:
            self._check_numbers(_BITS[self.kind])

    def _check_numbers(self, bits: int) -> None:
        if self.raw is not None:
            expected = -(-self.elements * bits // 8)
            if self.raw != expected:
                raise BrokenError(
                    f"it has a tensor of {self.raw} bytes where its shape and type say {expected}"
                )
            return
        packed = max(1, 8 // bits)  # elements of less than a byte share one
        expected = -(-self.elements // packed) * (2 if self.kind in _COMPLEX else 1)
        if self.numbers != expected:
            raise BrokenError(f"it has a tensor of {self.numbers} numbers where its shape says {expected}")
