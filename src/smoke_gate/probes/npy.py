"""NumPy's ``.npy``: a header, then an array's bytes, or a pickle where the array holds Python objects.

Format: numpy.lib.format.
"""

import ast
import io
from dataclasses import dataclass
from functools import partial
from math import prod
from threading import Lock
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, CodeError, Inspection
from smoke_gate.probes.nan import watch
from smoke_gate.probes.pickle.files import scan_one_pickle
from smoke_gate.probes.streams import BLOCK_BYTES, ExactReader

MAGIC: Final = b"\x93NUMPY"
_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
_MAX_HEADER_BYTES = 10_000  # NumPy's own bound
_ONE_PARSER = (
    Lock()
)  # CPython 3.11 counts the depth of all threads' parsers in one place, and raises SystemError


def probe_npy(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify the header against the length of the data, and look at the data; scan the pickle of an object array.

    Raises:
        BrokenError: the header is not one of NumPy's, or the data have another length.

    """
    array = read_header(stream, size)
    if array.holds_objects:
        scan_one_pickle(stream, inspection)
    watch(array.kind, iter(partial(stream.read, BLOCK_BYTES), b""), inspection)
    if array.elements:
        inspection.came_upon(Holds.TENSORS)


def probe_npy_header(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify the header of an array of numbers against the length of a file whose data are not read.

    Raises:
        BrokenError: as ``probe_npy``.
        CodeError: it is an array of Python objects.

    """
    array = read_header(stream, size)
    if array.holds_objects:
        raise CodeError("it is an array of Python objects")
    if array.elements:
        inspection.came_upon(Holds.TENSORS)


@dataclass(frozen=True, slots=True)
class Array:
    """The content of a header: the number of elements, and their kind as ``nan`` names it."""

    elements: int
    kind: str = ""
    holds_objects: bool = False


def read_header(stream: io.BufferedReader, size: int) -> Array:
    """Return what the header says, and leave the stream behind it.

    Raises:
        BrokenError: there is none, or numbers of another length follow in a file of ``size`` bytes.

    """
    source = ExactReader(stream)
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
        raise BrokenError("it has a NumPy header that is not a dictionary") from None
    match header:
        case {"descr": descr, "fortran_order": bool(), "shape": tuple() as shape, **rest} if not rest:
            if all(type(length) is int and length >= 0 for length in shape):
                return _array(descr, prod(shape), size - source.position)
    raise BrokenError("it has a malformed NumPy header")


def _array(descr: object, elements: int, found: int) -> Array:
    from numpy.lib.format import descr_to_dtype

    try:
        dtype = descr_to_dtype(descr)  # type: ignore[arg-type]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, SyntaxError):
        raise BrokenError("it has a NumPy header with an unknown dtype") from None
    if dtype.hasobject:
        return Array(elements, holds_objects=True)
    if found != dtype.itemsize * elements:
        raise BrokenError(f"it has {found} bytes of data where its header says {dtype.itemsize * elements}")
    is_little = dtype.newbyteorder("<") == dtype
    kind = f"F{8 * dtype.itemsize}" if dtype.kind == "f" and is_little else ""
    return Array(elements, kind)
