"""CatBoost's own format, ``.cbm``: a FlatBuffers core, then the parts that it names.

Format: catboost/catboost, catboost/libs/model (model.cpp, TFullModel::Load; static_ctr_provider.cpp) and
flatbuffers/model.fbs.
"""

import io
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.flatbuffers import root
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.streams import ExactReader

MAGIC: Final = b"CBM1"
_LENGTH_BYTES = 4
_LONG = 0xFFFFFFFF  # then the length follows in eight bytes
_MAX_CORE_BYTES = 128 << 20
_TREES, _PARTS = 1, 3  # fields of TModelCore
_MAX_PARTS = 100
_MAX_TABLES = 1_000_000  # of statistics: one for each combination of categories
_STATISTICS = b"static_provider_v1"  # of categories: a count, then as many tables with their lengths


def probe_catboost(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify the length of the core, that it has trees, and the lengths of the parts behind it.

    Raises:
        BrokenError: it is cut off, malformed, or longer than it says.
        LimitError: it is larger than is read, or has parts whose form is not known.

    """
    source = ExactReader(stream)
    source.take(len(MAGIC))
    length = _length(source)
    if length > size:
        raise BrokenError(f"it is cut off: it has {size} bytes where its core alone says {length}")
    if length > _MAX_CORE_BYTES:
        raise LimitError(f"it has a core of {length} bytes, more than {_MAX_CORE_BYTES}")
    core = root(source.take(length))
    if core.table(_TREES) is None:
        raise BrokenError("it is a CatBoost model without trees")
    inspection.came_upon(Holds.TENSORS)
    for part in core.texts(_PARTS, _MAX_PARTS):
        if part != _STATISTICS:
            name = part.rstrip(b"\0")[:40].decode("latin-1")
            raise LimitError(f"it has a part {name!r}, whose form is not read")
        count = int.from_bytes(source.take(_LENGTH_BYTES), "little")
        if count > _MAX_TABLES:
            raise LimitError(f"it has a part of {count} tables, more than {_MAX_TABLES}")
        for _ in range(count):
            source.skip(_length(source))
    if not source.at_end():
        raise BrokenError("it has bytes after the end of its last part")


def _length(source: ExactReader) -> int:
    length = int.from_bytes(source.take(_LENGTH_BYTES), "little")
    return int.from_bytes(source.take(2 * _LENGTH_BYTES), "little") if length == _LONG else length
