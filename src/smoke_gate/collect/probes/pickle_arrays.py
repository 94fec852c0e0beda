"""joblib's pickles, in which an array's bytes follow the stand-in for it, amid the opcodes.

Format: joblib, ``numpy_pickle.NumpyArrayWrapper``.
"""

from smoke_gate.collect.probes.inspection import BrokenError
from smoke_gate.collect.probes.pickle_machine import Machine
from smoke_gate.collect.probes.pickle_values import ArrayWrapper, Opaque

_ALIGNMENT = 16  # less than any opcode, so that a plain unpickler stops at the padding


class JoblibMachine(Machine):
    """A pickle as joblib would load it."""

    def array_wrapper_built(self, wrapper: ArrayWrapper) -> None:
        """Read past the array's bytes, and put it in the wrapper's place."""
        if self._frame_end > self._source.position:
            raise BrokenError("it is corrupt: a joblib array begins within a pickle frame")
        self._stack.pop()
        self._stack.push(Opaque.VALUE)
        alignment = wrapper.state.get("numpy_array_alignment_bytes")
        if wrapper.holds_objects or not isinstance(alignment, int):
            # Here a plain unpickler would not stop but go on: a person must know that only joblib may read this file.
            self._inspection.imports.unknown.add("joblib.numpy_pickle.NumpyArrayWrapper")
        if wrapper.holds_objects:
            Machine(self._source, self._inspection).run()
            return
        if isinstance(alignment, int):
            padding = self._read.number(1)
            if padding > _ALIGNMENT:
                raise BrokenError("it is corrupt: a joblib array is padded more than joblib does")
            self._source.skip(padding)
        self._source.skip(wrapper.size())
