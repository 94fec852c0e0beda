"""Whole pickle files: one pickle or several, joblib's with arrays inside, torch's of before 1.6."""

import io
from collections.abc import Iterable
from typing import Final

from smoke_gate.collect.probes.inspection import BrokenError, Inspection
from smoke_gate.collect.probes.pickle_arrays import JoblibMachine
from smoke_gate.collect.probes.pickle_machine import Machine
from smoke_gate.collect.probes.pickle_values import Name
from smoke_gate.collect.probes.streams import Source, drain

_TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # the first of the five pickles in torch's old format
_TORCH_COUNT_BYTES = 8  # before each storage, its number of elements
_ELEMENT_BYTES: Final = {
    **dict.fromkeys(("Byte", "Char", "Bool", "QInt8", "QUInt8", "QUInt4x2", "QUInt2x4", "Untyped"), 1),
    **dict.fromkeys(("Short", "Half", "BFloat16"), 2),
    **dict.fromkeys(("Int", "Float", "QInt32", "ComplexHalf"), 4),
    **dict.fromkeys(("Long", "Double", "ComplexFloat"), 8),
    "ComplexDouble": 16,
}


def scan_pickles(stream: io.BufferedReader, inspection: Inspection) -> None:
    """Scan a file of pickles, as ``pickle``, ``joblib`` or ``torch`` would load it.

    Raises:
        BrokenError: it is cut off or corrupt, or something that is no pickle follows; what was found until then is
            kept.

    """
    source = Source(stream)
    if JoblibMachine(source, inspection).run() == _TORCH_MAGIC:
        _scan_torch(stream, source, inspection)
        return
    while not source.at_end():
        JoblibMachine(source, inspection).run()


def scan_one_pickle(stream: io.BufferedReader, inspection: Inspection) -> None:
    """Scan a member of an archive that holds one pickle and nothing else.

    Raises:
        BrokenError: as ``scan_pickles``.

    """
    source = Source(stream)
    Machine(source, inspection).run()
    if not source.at_end():
        raise BrokenError("it has bytes after the end of its pickle")


def scan_disguised(stream: io.BufferedReader, inspection: Inspection) -> bool:
    """Scan bytes that do not claim to be a pickle, and return whether they are pickles from end to end.

    Numbers and text that by chance begin like a pickle soon break off: of those, only what is dangerous by name
    counts.

    Raises:
        BrokenError: they go on like a pickle for longer than can be followed.

    """
    apart = inspection.apart()
    try:
        scan_pickles(stream, apart)
    except BrokenError:
        inspection.imports.dangerous |= apart.imports.dangerous
        if apart.opcodes_left < 0:
            raise
        return False
    finally:
        inspection.opcodes_left = apart.opcodes_left
    inspection.imports.merge(apart.imports)
    return True


def _scan_torch(stream: io.BufferedReader, source: Source, inspection: Inspection) -> None:
    """Scan torch's old format behind its magic number: version, system, objects, storage keys, then the storages."""
    for _ in range(2):
        Machine(source, inspection).run()
    objects = Machine(source, inspection)
    objects.run()
    Machine(source, inspection).run()
    expected = _storage_bytes(objects.storages.values())
    if (found := drain(stream)) != expected:
        raise BrokenError(f"it has {found} bytes of torch storages where {expected} are expected")


def _storage_bytes(storages: Iterable[tuple[Name, int]]) -> int:
    size = 0
    for kind, count in storages:
        width = _ELEMENT_BYTES.get(kind.name.removeprefix("_").removesuffix("Storage"))
        if width is None or count < 0:
            raise BrokenError(f"it has a torch storage of unknown size: {kind.module}.{kind.name}")
        size += _TORCH_COUNT_BYTES + width * count
    return size
