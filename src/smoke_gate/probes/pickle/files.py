"""Whole pickle files: one pickle or several, joblib's with arrays inside, torch's of before 1.6."""

import io
import tempfile
from collections.abc import Iterable
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.probes.pickle.attributes import TORCH_LOADER
from smoke_gate.probes.pickle.machine import Machine
from smoke_gate.probes.pickle.values import ENOUGH, ArrayWrapper, Name, Opaque, Value, numbers
from smoke_gate.probes.streams import BLOCK_BYTES, ExactReader, drain, stream_of

_ALIGNMENT = 16  # of joblib's arrays: less than any opcode, so that a plain unpickler stops at the padding
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # the first of the five pickles in torch's old format
_TORCH_COUNT_BYTES = 8  # before each storage, its number of elements
_ELEMENT_BYTES: Final = {
    **dict.fromkeys(("Byte", "Char", "Bool", "QInt8", "QUInt8", "QUInt4x2", "QUInt2x4", "Untyped"), 1),
    **dict.fromkeys(("Short", "Half", "BFloat16"), 2),
    **dict.fromkeys(("Int", "Float", "QInt32", "ComplexHalf"), 4),
    **dict.fromkeys(("Long", "Double", "ComplexFloat"), 8),
    "ComplexDouble": 16,
}
_FLOATS: Final = {"Half": "F16", "BFloat16": "BF16", "Float": "F32", "Double": "F64"}


class JoblibMachine(Machine):
    """A pickle as joblib would load it: an array's bytes follow the stand-in for it, amid the opcodes.

    Format: joblib, ``numpy_pickle.NumpyArrayWrapper``.
    """

    _has_stopped = False  # a plain unpickler, at an array

    def bytes_of(self, length: int) -> Opaque:
        """Read past bytes; scan those that torch's loader is about to load."""
        if self._stack.peek() != TORCH_LOADER:
            return super().bytes_of(length)
        stream = stream_of(self._source.pieces(length))
        source = ExactReader(stream)
        if Machine(source, self._inspection).run() == _TORCH_MAGIC:
            _scan_torch(stream, source, self._inspection)
            return Opaque.TORCH_FILE
        drain(stream)
        return Opaque.VALUE

    def array_wrapper_built(self, wrapper: ArrayWrapper) -> None:
        """Read past the array's bytes, and put it in the wrapper's place."""
        if self._frame_end > self._source.position:
            raise BrokenError("it is corrupt: a joblib array begins within a pickle frame")
        self._stack.pop()
        self._stack.push(Opaque.VALUE)
        self._inspection.came_upon(Holds.TENSORS if wrapper.has_elements else Holds.DATA)
        alignment = wrapper.state.get("numpy_array_alignment_bytes")
        if wrapper.holds_objects:
            self._read_objects()
            return
        if not isinstance(alignment, int):
            # Here a plain unpickler would not stop but go on: a person must know that only joblib may read this file.
            self._inspection.imports.unknown.add("joblib.numpy_pickle.NumpyArrayWrapper")
        self._has_stopped = True
        if isinstance(alignment, int):
            padding = self._read.number(1)
            if padding > _ALIGNMENT:
                raise BrokenError("it is corrupt: a joblib array is padded more than joblib does")
            self._source.skip(padding)
        self._source.skip(wrapper.size())

    def _read_objects(self) -> None:
        """Follow the pickle of an array of objects, as joblib reads it and as a plain unpickler would.

        That one goes on with the stack and the memo that it has, until the pickle stops: the same bytes may name other
        globals. Behind the first array of the file it has stopped.
        """
        if self._has_stopped:
            Machine(self._source, self._inspection).run()
            return
        self._has_stopped = True
        with tempfile.SpooledTemporaryFile(BLOCK_BYTES) as file:
            Machine(self._source.recording(file), self._inspection).run()
            file.seek(0)
            apart = self._inspection.apart()
            plain = PlainMachine(ExactReader(io.BufferedReader(file)), apart)
            plain.go_on_from(self)
            try:
                plain.run()
            except LimitError:
                raise
            except BrokenError:
                pass  # a plain unpickler breaks off here
            finally:
                self._inspection.imports.dangerous |= apart.imports.dangerous
                self._inspection.imports.computed |= apart.imports.computed


class PlainMachine(Machine):
    """An honest file of joblib's as a plain unpickler misreads it: only what is dangerous by name counts."""

    def name_is_computed(self, *names: Value) -> None:
        """Note it where the name can be a text: of anything else, a plain unpickler makes no global."""
        if all(isinstance(name, str) or name is Opaque.COMPUTED for name in names):
            super().name_is_computed(*names)


def scan_pickles(stream: io.BufferedReader, inspection: Inspection) -> None:
    """Scan a file of pickles, as ``pickle``, ``joblib`` or ``torch`` would load it.

    Raises:
        BrokenError: it is cut off or corrupt, or something that is not a pickle follows; what was found until then is
            kept.

    """
    source = ExactReader(stream)
    value = JoblibMachine(source, inspection).run()
    if value == _TORCH_MAGIC:
        _scan_torch(stream, source, inspection)
        return
    _came_upon(value, inspection)
    while not source.at_end():
        _came_upon(JoblibMachine(source, inspection).run(), inspection)


def scan_one_pickle(stream: io.BufferedReader, inspection: Inspection) -> None:
    """Scan a member of an archive that holds one pickle and nothing else.

    Raises:
        BrokenError: as ``scan_pickles``.

    """
    source = ExactReader(stream)
    machine = Machine(source, inspection)
    _came_upon(machine.run(), inspection)
    inspection.storages = {key: _number_kind(kind) for key, (kind, _) in machine.storages.items()}
    if not source.at_end():
        raise BrokenError("it has bytes after the end of its pickle")


def _number_kind(storage: Name) -> str:
    """Return the kind of a torch storage's numbers as ``nan`` names it, nothing for other numbers."""
    return _FLOATS.get(storage.name.removesuffix("Storage"), "")


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
    inspection.came_upon(apart.holds)
    return True


def _scan_torch(stream: io.BufferedReader, source: ExactReader, inspection: Inspection) -> None:
    """Scan torch's old format behind its magic number: version, system, objects, storage keys, then the storages."""
    for _ in range(2):
        Machine(source, inspection).run()
    objects = Machine(source, inspection)
    _came_upon(objects.run(), inspection)
    Machine(source, inspection).run()
    expected = _storage_bytes(objects.storages.values())
    if (found := drain(stream)) != expected:
        raise BrokenError(f"it has {found} bytes of torch storages where {expected} are expected")


def _came_upon(value: Value, inspection: Inspection) -> None:
    """Take account of what a whole pickle holds; of arrays and objects its machine has told already."""
    if numbers(value) >= ENOUGH:
        inspection.came_upon(Holds.NUMBERS)


def _storage_bytes(storages: Iterable[tuple[Name, int]]) -> int:
    size = 0
    for kind, count in storages:
        width = _ELEMENT_BYTES.get(kind.name.removeprefix("_").removesuffix("Storage"))
        if width is None or count < 0:
            raise BrokenError(f"it has a torch storage of unknown size: {kind.module}.{kind.name}")
        size += _TORCH_COUNT_BYTES + width * count
    return size
