"""TensorFlow Lite: a FlatBuffers file whose tensors' data are vectors in it, or lie behind it.

Format: tensorflow/lite/schema/schema.fbs (Model, Buffer).
"""

import io
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.flatbuffers import root
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError

_IDENTIFIER: Final = b"TFL3"
_IDENTIFIER_AT = 4
_MAX_BYTES = 128 << 20
_OPERATORS, _GRAPHS, _BUFFERS = 1, 2, 4  # vectors of tables in Model
_DATA = 0  # of Buffer
_MAX_TABLES = 100_000


def begins_tflite(head: bytes, _: int) -> bool:
    """Return whether bytes begin with a root offset and the identifier of a model."""
    return head.startswith(_IDENTIFIER, _IDENTIFIER_AT)


def probe_tflite(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify that the tables of graphs and operators, and the data of all buffers, lie within the file.

    Raises:
        BrokenError: it is cut off, or has no graph.
        LimitError: it is larger than is read.

    """
    if size > _MAX_BYTES:
        raise LimitError(f"it is a FlatBuffers file of {size} bytes, more than {_MAX_BYTES}")
    model = root(stream.read(size))
    model.tables(_OPERATORS, _MAX_TABLES)
    if not model.tables(_GRAPHS, _MAX_TABLES):
        raise BrokenError("it is a TensorFlow Lite model without a graph")
    for buffer in model.tables(_BUFFERS, _MAX_TABLES):
        buffer.vector(_DATA, 1)
    inspection.came_upon(Holds.TENSORS)
