"""The products of the calls in a pickle: arrays, plain data, numbers, functions of its own, objects of classes."""

from collections.abc import Mapping
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import BrokenError
from smoke_gate.probes.pickle.globals import HARMLESS, python3_name
from smoke_gate.probes.pickle.values import (
    EMPTY_SHAPES,
    Dict,
    Dtype,
    Function,
    Instance,
    Name,
    Opaque,
    Value,
    numbers,
    opaque,
)


class _Kind(Enum):
    """The product of a global when it is called."""

    DTYPE = auto()
    NUMBER = auto()
    CONTAINER = auto()
    ARRAY = auto()
    """An array whose state is set afterwards."""
    BUFFER = auto()
    """An array with all that belongs to it."""
    FUNCTION = auto()
    SAME = auto()
    """Its first argument itself."""
    HOLDER = auto()
    """An object of Python's own that has whatever attributes it is given."""
    NAMED = auto()
    """What the class that is its first argument makes."""
    PLAIN = auto()
    OBJECT = auto()


_BY_NAME: Final = {
    **dict.fromkeys([("builtins", name) for name in ("complex", "float", "int")], _Kind.NUMBER),
    **dict.fromkeys([("decimal", "Decimal"), ("fractions", "Fraction")], _Kind.NUMBER),
    **dict.fromkeys(
        [("builtins", name) for name in ("dict", "frozenset", "list", "set", "tuple")], _Kind.CONTAINER
    ),
    **dict.fromkeys(
        [("collections", name) for name in ("Counter", "OrderedDict", "defaultdict", "deque")],
        _Kind.CONTAINER,
    ),
    **dict.fromkeys([("copyreg", name) for name in HARMLESS["copyreg"]], _Kind.NAMED),
    **dict.fromkeys([("torch.jit._pickle", name) for name in HARMLESS["torch.jit._pickle"]], _Kind.SAME),
    **dict.fromkeys([("argparse", "Namespace"), ("types", "SimpleNamespace")], _Kind.HOLDER),
    **dict.fromkeys([("collections", "ChainMap"), ("collections", "UserDict")], _Kind.HOLDER),
    ("builtins", "getattr"): _Kind.PLAIN,
    ("numpy", "dtype"): _Kind.DTYPE,
}
_WHATEVER_THE_ARGUMENTS: Final[Mapping[_Kind, tuple[Value, Holds]]] = {
    _Kind.NUMBER: (Opaque.NUMBER, Holds.DATA),
    _Kind.ARRAY: (Opaque.ARRAY, Holds.DATA),
    _Kind.OBJECT: (Opaque.COMPUTED, Holds.OBJECT),
}
_OF_NUMPY: Final = {
    "scalar": _Kind.NUMBER,
    "_reconstruct": _Kind.ARRAY,
    "_mareconstruct": _Kind.ARRAY,
    "_frombuffer": _Kind.BUFFER,
}
_FUNCTION_MAKERS: Final = frozenset(
    {"_create_function", "_fill_function", "_make_function", "_make_skel_func"}
)
_FUNCTION_PACKAGES: Final = ("cloudpickle", "dill")

# Of what is harmless, these make plain data: time, text, paths, random states, arrays, tensors.
_PLAIN_PACKAGES: Final = frozenset(
    {
        *(
            "_codecs",
            "argparse",
            "builtins",
            "collections",
            "datetime",
            "decimal",
            "fractions",
            "ml_dtypes",
            "numpy",
        )
    }
    | {*("pathlib", "random", "re", "types", "uuid", "zoneinfo")}
)
_PLAIN_MODULES: Final = frozenset(
    {"torch", *(f"torch.{name}" for name in ("_tensor", "_utils", "cuda", "jit._pickle", "nn.parameter"))}
    | {"torch.serialization", "torch.storage"}
)


def made(maker: Value, arguments: Value) -> tuple[Value, Holds]:
    """Return what is known of a value that is made by a call, and what it tells of a model.

    Args:
        maker: what is called.
        arguments: what it is called with.

    Raises:
        BrokenError: nothing can call it.

    """
    _check_can_be_called(maker)
    if not isinstance(maker, Name):
        return Opaque.COMPUTED, Holds.DATA
    match kind := _kind(maker):
        case _Kind.NAMED if isinstance(arguments, tuple) and arguments:
            return made(arguments[0], arguments[1:])
        case _Kind.SAME if isinstance(arguments, tuple) and arguments:
            return arguments[0], Holds.DATA
        case _Kind.HOLDER:
            return Instance(maker), Holds.DATA
        case _Kind.DTYPE:
            return Dtype.of(arguments), Holds.DATA
        case _Kind.CONTAINER:
            return opaque(numbers(arguments)), Holds.DATA
        case _Kind.FUNCTION:
            return Function(maker), Holds.OBJECT
        case _Kind.BUFFER:
            return Opaque.VALUE, _array(arguments, 2)
        case _:
            return _WHATEVER_THE_ARGUMENTS.get(kind, (Opaque.COMPUTED, Holds.DATA))


def _check_can_be_called(maker: Value) -> None:
    if isinstance(maker, str | int | tuple | Dict | Dtype):
        raise BrokenError("it is a corrupt pickle: it calls what is not a function or a class")


def array_built(state: Value) -> Holds:
    """Return what an array is by the state that is set: (version, shape, dtype, order, elements)."""
    return _array(state, 1)


def _array(values: Value, shape_at: int) -> Holds:
    match values:
        case tuple() if len(values) > shape_at and values[shape_at] not in EMPTY_SHAPES:
            return Holds.TENSORS
    return Holds.DATA


@lru_cache(maxsize=1024)
def _kind(maker: Name) -> _Kind:
    module, name = python3_name(maker.module, maker.name)
    package = module.partition(".")[0]
    if found := _BY_NAME.get((module, name)) or (_OF_NUMPY.get(name) if package == "numpy" else None):
        return found
    if name in _FUNCTION_MAKERS and not {*module.split(".")}.isdisjoint(_FUNCTION_PACKAGES):
        return _Kind.FUNCTION
    is_plain = (package in _PLAIN_PACKAGES or module in _PLAIN_MODULES) and name in HARMLESS.get(module, ())
    return _Kind.PLAIN if is_plain else _Kind.OBJECT
