"""Files whose floating-point numbers are all NaN; of an honest file, one number is looked at."""

import struct
from collections.abc import Iterable
from typing import Final

from smoke_gate.probes.inspection import Inspection

# By kind: bytes of a number, how ``struct`` reads it, how NumPy names its type. BF16 is the upper half of a float.
_KINDS: Final = {
    "F16": (2, "<e", "<f2"),
    "BF16": (2, "", "<u2"),
    "F32": (4, "<f", "<f4"),
    "F64": (8, "<d", "<f8"),
}
FLOATS: Final = frozenset(_KINDS)
_BF16_INFINITY = 0x7F80  # what lies above it, without the sign, is NaN


def watch(kind: str, blocks: Iterable[bytes], inspection: Inspection) -> None:
    """Take account of numbers in little-endian order.

    Args:
        kind: one of ``FLOATS``; of another kind nothing is NaN, and nothing is taken account of.
        blocks: the numbers' bytes; no more are asked for than are needed.
        inspection: ``all_nan`` is False from the first number on that is not NaN; then nothing is read any more.

    """
    if kind not in _KINDS or inspection.all_nan is False:
        return
    width = _KINDS[kind][0]
    rest = b""
    for block in blocks:
        data = rest + block
        whole = len(data) // width * width
        rest = data[whole:]
        if whole:
            inspection.all_nan = _are_nan(kind, data[:whole])
        if inspection.all_nan is False:
            return


def _are_nan(kind: str, data: bytes) -> bool:
    """Return whether all numbers are NaN; NumPy, which takes long to load, is asked only where the first one is."""
    _, layout, dtype = _KINDS[kind]
    if layout:
        (first,) = struct.unpack_from(layout, data)
        if first == first:
            return False
    import numpy as np

    numbers = np.frombuffer(data, dtype)
    if not layout:
        return bool(((numbers & 0x7FFF) > _BF16_INFINITY).all())
    return bool(np.isnan(numbers).all())
