"""NumPy's ``.npy``: a header, then an array's bytes, or a pickle where the array holds Python objects.

Format: numpy.lib.format.
"""

import ast
import io
from math import prod
from threading import Lock
from typing import Final

from smoke_gate.collect.probes.inspection import BrokenError, Inspection
from smoke_gate.collect.probes.pickles import scan_one_pickle
from smoke_gate.collect.probes.streams import Source, drain

MAGIC: Final = b"\x93NUMPY"
_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
_MAX_HEADER_BYTES = 10_000  # NumPy's own bound
_ONE_PARSER = (
    Lock()
)  # CPython 3.11 counts the depth of all threads' parsers in one place, and raises SystemError


def probe_npy(stream: io.BufferedReader, _: int, inspection: Inspection) -> bool:
    """Verify the header against the length of the data; scan the pickle of an object array.

    Returns:
        Whether the array has elements.

    Raises:
        BrokenError: the header is none, or the data have another length.

    """
    itemsize, count = _header(Source(stream))
    if itemsize is None:
        scan_one_pickle(stream, inspection)
    elif (found := drain(stream)) != itemsize * count:
        raise BrokenError(f"it has {found} bytes of data where its header says {itemsize * count}")
    return count > 0


def _header(source: Source) -> tuple[int | None, int]:
    """Return an element's bytes, None for Python objects, and the number of elements."""
    prefix = source.take(len(MAGIC) + 2)
    width = _LENGTH_BYTES.get((prefix[-2], prefix[-1]))
    if not prefix.startswith(MAGIC) or width is None:
        raise BrokenError("it does not begin like a NumPy array of a known version")
    length = int.from_bytes(source.take(width), "little")
    if length > _MAX_HEADER_BYTES:
        raise BrokenError(f"it has a NumPy header of {length} bytes, more than {_MAX_HEADER_BYTES}")
    text = source.take(length)
    try:
        with _ONE_PARSER:
            header = ast.literal_eval(text.decode("utf-8" if prefix[-2] == 3 else "latin-1").strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise BrokenError("it has a NumPy header that is no dictionary") from None
    match header:
        case {"descr": descr, "fortran_order": bool(), "shape": tuple() as shape, **rest} if not rest:
            if all(type(length) is int and length >= 0 for length in shape):
                return _itemsize(descr), prod(shape)
    raise BrokenError("it has a malformed NumPy header")


def _itemsize(descr: object) -> int | None:
    from numpy.lib.format import descr_to_dtype

    try:
        dtype = descr_to_dtype(descr)  # type: ignore[arg-type]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, SyntaxError):
        raise BrokenError("it has a NumPy header with an unknown dtype") from None
    return None if dtype.hasobject else dtype.itemsize
