"""The facts that the scan knows of the values that a pickle would build: little, but that exactly."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from smoke_gate.probes.inspection import BrokenError

MAX_TEXT = 200  # characters of a text that may be a name
WRAPPER_MISUSED = "it uses joblib's NumpyArrayWrapper in a way that joblib does not"
_SIZELESS = "it has a joblib array whose size cannot be told"
_MAX_INNER_TEXT = 32  # of a text inside a tuple or a dict: dtypes, storage keys, attribute names
_MAX_ITEMS = 16  # of a tuple or a dict that is followed


_SPELLING = re.compile(r"[biufcmMOSUV][0-9]{1,9}")


class Opaque(Enum):
    """A value that is not followed. Only this is known of it: whether it is a number, or holds some."""

    VALUE = "not a text"
    COMPUTED = "perhaps a text: what a call returns, or a text too long to be a name"
    FORGOTTEN = "a text that the memo has no room for"
    NUMBER = "one number"
    NUMBERS = "two numbers or more"
    ARRAY = "an array whose state is not set"
    NO_ELEMENT = "a tuple of one number, which is 0: may be the shape of an array without elements"
    NO_ELEMENTS = "a tuple of two numbers or more, with a 0: may be such a shape too"
    TORCH_FILE = "the bytes of a file in torch's old format, which was scanned"


@dataclass(frozen=True, slots=True)
class Name:
    """An imported global."""

    module: str
    name: str

    @property
    def is_array_wrapper(self) -> bool:
        """True if joblib, on meeting an instance of it, reads an array's bytes from amid the pickle."""
        return self.name.rpartition(".")[2] == "NumpyArrayWrapper"


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a known class that was made empty."""

    of: Name


@dataclass(slots=True)
class Dict:
    """A dict with few text keys; ``known`` is False once it may hold something else.

    ``numbers`` are those among its values, up to two; ``instance`` is one among its values.
    """

    items: dict["Value", "Value"] = field(default_factory=dict)
    known: bool = True
    numbers: int = 0
    instance: "Instance | None" = None

    def put(self, pairs: list["Value"]) -> None:
        """Set keys and values, which alternate."""
        if self.numbers < ENOUGH:
            self.numbers = numbers_in(pairs[1::2], self.numbers)
        if self.instance is None:
            self.instance = instance_in(pairs[1::2])
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
        """True if the array is a pickle of its own."""
        dtype = self.state.get("dtype")
        return isinstance(dtype, Dtype) and dtype.has_object

    @property
    def has_elements(self) -> bool:
        """True if the array's shape is known, and is not that of an empty one."""
        shape = self.state.get("shape")
        return isinstance(shape, tuple) and 0 not in shape

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


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the pickle brings along, and the global that makes it."""

    maker: Name


Scalar: TypeAlias = Opaque | str | int | Name | Instance | Function
Value: TypeAlias = Scalar | Dict | Dtype | ArrayWrapper | tuple[Scalar, ...]

ENOUGH: Final = 2  # numbers, from which on a container may be a model
_OPAQUE: Final = (Opaque.VALUE, Opaque.NUMBER, Opaque.NUMBERS)
_NUMBERS: Final = {Opaque.NUMBER: 1, Opaque.NUMBERS: 2, Opaque.NO_ELEMENT: 1, Opaque.NO_ELEMENTS: 2}
EMPTY_SHAPES: Final = (Opaque.NO_ELEMENT, Opaque.NO_ELEMENTS)


def numbers(value: Value) -> int:
    """Return how many numbers a value is or holds, up to two."""
    if isinstance(value, str):
        return 0
    if isinstance(value, int):
        return 1
    if isinstance(value, Opaque):
        return _NUMBERS.get(value, 0)
    if isinstance(value, tuple):
        return numbers_in(value)
    return value.numbers if isinstance(value, Dict) else 0


def numbers_in(values: Iterable[Value], before: int = 0) -> int:
    """Return how many numbers there are in values, and before them, up to two."""
    for value in values:
        if before >= ENOUGH:
            return ENOUGH
        if not isinstance(value, str):
            before += numbers(value)
    return min(before, ENOUGH)


def opaque(count: int) -> Opaque:
    """Return a value of which only the count of numbers is known."""
    return _OPAQUE[count]


def tuple_of(items: list[Value]) -> Value:
    """Return a tuple as far as it is followed: short, and its items scalars."""
    for item in items:
        if isinstance(item, Name) and item.is_array_wrapper:
            raise BrokenError(WRAPPER_MISUSED)
    if len(items) <= _MAX_ITEMS:
        return tuple(map(_inner, items))
    return instance_in(items) or opaque(numbers_in(items))


def instance_in(values: Iterable[Value]) -> Instance | None:
    """Return an instance of a known class that is among values, or in a tuple or a dict among them."""
    for value in values:
        if isinstance(value, Instance):
            return value
        if isinstance(value, Dict) and value.instance is not None:
            return value.instance
        if isinstance(value, tuple) and (found := instance_in(value)) is not None:
            return found
    return None


def _inner(value: Value) -> Scalar:
    """Return what is known of a value inside another: kept small, for there may be millions."""
    if isinstance(value, str):
        return value if len(value) <= _MAX_INNER_TEXT else Opaque.VALUE
    if isinstance(value, int | Name | Opaque | Instance | Function):
        return value
    if (instance := instance_in([value])) is not None:
        return instance
    count = numbers(value)
    if isinstance(value, tuple) and 0 in value:
        return Opaque.NO_ELEMENT if count == 1 else Opaque.NO_ELEMENTS
    return opaque(count)
