"""LightGBM's text of a model: a head with the trees' sizes, the trees, and the parameters.

Format: microsoft/LightGBM, src/boosting/gbdt_model_text.cpp (GBDT::SaveModelToString); Python adds a last line.
"""

import io
from collections.abc import Iterator
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.streams import ExactReader
from smoke_gate.strict_json import JsonError, parse_json

_BEGINNING: Final = b"tree\nversion="
_MAX_LINE_BYTES = 8 << 20  # the sizes of a million trees, the names of as many columns
_MAX_LINES = 1_000_000  # outside of the trees
_SIZES = b"tree_sizes="
_END_OF_TREES, _PARAMETERS, _END_OF_PARAMETERS = b"end of trees", b"parameters:", b"end of parameters"
_CATEGORIES = b"pandas_categorical:"
_MAX_CATEGORIES_BYTES = 1 << 20  # longer ones are not parsed


def begins_lightgbm(head: bytes, _: int) -> bool:
    """Return whether bytes begin like the text of a model."""
    return head.startswith(_BEGINNING)


def probe_lightgbm(stream: io.BufferedReader, _: int, inspection: Inspection) -> None:
    """Verify that each tree begins where the head says, and that the text ends as LightGBM ends it.

    Raises:
        BrokenError: it is cut off, has other trees than its head says, or goes on after its end.
        LimitError: it has longer lines than are read.

    """
    source = ExactReader(stream)
    lines = _lines(source)
    sizes = _sizes(lines)
    for number, size in enumerate(sizes):
        mark = b"Tree=%d\n" % number
        if size < len(mark) or source.take(len(mark)) != mark:
            raise BrokenError(f"it has no tree {number} where its tree_sizes say: cut off or changed")
        source.skip(size - len(mark))
    if sizes:
        inspection.came_upon(Holds.TENSORS)
    if next(lines, None) != _END_OF_TREES:
        raise BrokenError(f"its trees do not end where its tree_sizes say, after {len(sizes)} trees")
    _check_ending(lines)


def _lines(source: ExactReader) -> Iterator[bytes]:
    for _ in range(_MAX_LINES):
        if source.at_end():
            return
        line = source.line(_MAX_LINE_BYTES)
        if line is None:
            raise LimitError(f"it has a line of more than {_MAX_LINE_BYTES} bytes")
        yield line
    raise LimitError(f"it has more than {_MAX_LINES} lines beside its trees")


def _sizes(lines: Iterator[bytes]) -> list[int]:
    """Return the sizes of the trees, in bytes, and leave the lines where the first tree begins."""
    sizes = None
    for line in lines:
        if line.startswith(_SIZES):
            words = line[len(_SIZES) :].split()
            if not all(word.isdigit() and len(word) < 20 for word in words):
                raise BrokenError("it has tree_sizes that are not numbers")
            sizes = [int(word) for word in words]
        elif not line:
            if sizes is None:
                raise BrokenError("it has no tree_sizes before its trees")
            return sizes
    raise BrokenError("it is cut off: it ends before its trees")


def _check_ending(lines: Iterator[bytes]) -> None:
    last = b""
    has_parameters = open_parameters = blank = False
    for line in lines:
        if last.startswith(_CATEGORIES):
            raise BrokenError("it has lines after its last one, pandas_categorical")
        if line == _PARAMETERS:
            has_parameters = open_parameters = True
        elif line == _END_OF_PARAMETERS:
            open_parameters = False
        blank = not line
        last = line or last
    if last.startswith(_CATEGORIES):
        _check_categories(last[len(_CATEGORIES) :])
    elif blank or open_parameters or not has_parameters or last != _END_OF_PARAMETERS:
        raise BrokenError("it is cut off: it ends before its parameters do")


def _check_categories(text: bytes) -> None:
    if len(text) > _MAX_CATEGORIES_BYTES:
        return
    try:
        parse_json(text)
    except JsonError as error:
        raise BrokenError(f"it has a pandas_categorical that cannot be read: {error}") from None
