"""What the scan knows of the values that a pickle would build: little, but that exactly."""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from smoke_gate.collect.probes.inspection import BrokenError

MAX_TEXT = 200  # characters of a text that may be a name
WRAPPER_MISUSED = "it uses joblib's NumpyArrayWrapper in a way that joblib does not"
_SIZELESS = "it has a joblib array whose size cannot be told"
_MAX_INNER_TEXT = 32  # of a text inside a tuple or a dict: dtypes, storage keys, attribute names
_MAX_ITEMS = 16  # of a tuple or a dict that is followed


_SPELLING = re.compile(r"[biufcmMOSUV][0-9]{1,9}")


class Opaque(Enum):
    """A value that is not followed."""

    VALUE = "?"


@dataclass(frozen=True, slots=True)
class Name:
    """An imported global."""

    module: str
    name: str

    @property
    def is_array_wrapper(self) -> bool:
        """Whether joblib, on meeting an instance of it, reads an array's bytes from amid the pickle."""
        return self.name.rpartition(".")[2] == "NumpyArrayWrapper"


@dataclass(slots=True)
class Dict:
    """A dict with few text keys; ``known`` is False once it may hold something else."""

    items: dict["Value", "Value"] = field(default_factory=dict)
    known: bool = True

    def put(self, pairs: list["Value"]) -> None:
        """Set keys and values, which alternate."""
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if isinstance(_inner(key), str) and (key in self.items or len(self.items) < _MAX_ITEMS):
                self.items[key] = value if isinstance(value, tuple | Dtype) else _inner(value)
            else:
                self.known = False


@dataclass(slots=True)
class Dtype:
    """A numpy.dtype: bytes an element (None: not known), and whether elements are Python objects."""

    kind: str
    size: int | None
    has_object: bool

    @classmethod
    def of(cls, arguments: "Value") -> "Dtype":
        """Return what ``numpy.dtype(*arguments)`` makes of a spelling such as ``f8``, as pickles hold it."""
        match arguments:
            case (str() as spelling, *_) if _SPELLING.fullmatch(spelling):
                size = int(spelling[1:]) * (4 if spelling[0] == "U" else 1)
                return cls(spelling[0], size, has_object=spelling[0] == "O")
        return cls("?", None, has_object=False)

    def set_state(self, state: "Value") -> None:
        """Follow ``dtype.__setstate__``: (version, order, subarray, names, fields, size, alignment, flags, …)."""
        match state:
            case (3 | 4, _, _, _, _, size, _, int() as flags, *_):
                if self.kind in "SUV":
                    self.size = size if isinstance(size, int) else None
                self.has_object = bool(flags & 1)
            case _:
                self.size, self.has_object = None, False


@dataclass(slots=True)
class ArrayWrapper:
    """joblib's stand-in for an array, and the attributes it was given."""

    state: dict["Value", "Value"] = field(default_factory=dict)

    @property
    def holds_objects(self) -> bool:
        """Whether the array is a pickle of its own."""
        dtype = self.state.get("dtype")
        return isinstance(dtype, Dtype) and dtype.has_object

    def size(self) -> int:
        """Return how many bytes the array has.

        Raises:
            BrokenError: shape or dtype are not known.

        """
        shape, dtype = self.state.get("shape"), self.state.get("dtype")
        size = dtype.size if isinstance(dtype, Dtype) else None
        if size is None or size < 0 or not isinstance(shape, tuple):
            raise BrokenError(_SIZELESS)
        for length in shape:
            if not isinstance(length, int) or length < 0:
                raise BrokenError(_SIZELESS)
            size *= length
        return size


Scalar: TypeAlias = Opaque | str | int | Name
Value: TypeAlias = Scalar | Dict | Dtype | ArrayWrapper | tuple[Scalar, ...]


def tuple_of(items: list[Value]) -> Value:
    """Return a tuple as far as it is followed: short, and its items scalars."""
    for item in items:
        if isinstance(item, Name) and item.is_array_wrapper:
            raise BrokenError(WRAPPER_MISUSED)
    return tuple(map(_inner, items)) if len(items) <= _MAX_ITEMS else Opaque.VALUE


def _inner(value: Value) -> Scalar:
    """Return what is known of a value inside another: kept small, for there may be millions."""
    if isinstance(value, str):
        return value if len(value) <= _MAX_INNER_TEXT else Opaque.VALUE
    return value if isinstance(value, int | Name) else Opaque.VALUE
