"""Globals that are harmless in one use only: ``getattr`` and ``setattr``, torch's loader, known libraries' classes.

The first two are dangerous, except when called at once in the ways that picklers do. A time zone is pickled so:
``getattr(zoneinfo.ZoneInfo, "_unpickle")("Europe/Berlin", True)``. Dill gives a class that it makes its full name by
``setattr(…, "__qualname__", "Outer.Inner")``, and a function its own name in a cell. A tensor that is not pickled by
torch is the bytes of a file in torch's old format and the loader of it: dangerous, except where the bytes were scanned.
A known class is unknown, except when an empty instance of it is made; the instance is not called.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from smoke_gate.probes.inspection import Imports
from smoke_gate.probes.pickle.globals import Danger, judge
from smoke_gate.probes.pickle.known import Use, may_be
from smoke_gate.probes.pickle.values import Dict, Instance, Name, Opaque, Value, instance_in

_GETATTR: Final = frozenset({Name("builtins", "getattr"), Name("__builtin__", "getattr")})
_SETATTR: Final = frozenset({Name("builtins", "setattr"), Name("__builtin__", "setattr")})
_RECONSTRUCTORS: Final = frozenset({Name("copyreg", "_reconstructor"), Name("copy_reg", "_reconstructor")})
TORCH_LOADER: Final = Name("torch.storage", "_load_from_bytes")
_SPECIAL: Final = _GETATTR | _SETATTR | {TORCH_LOADER}
_MAKERS: Final = (
    "__pyx_unpickle_",
    "newObj",
)  # Cython's functions: they make an empty instance of their first argument
_CALLERS: Final = frozenset({Name("jax._src.array", "_reconstruct_array")})  # they call their first argument
_TAKES_ITS_OWN: Final = "pandas"  # its functions get its arrays as arguments
_EVALUATING: Final = (
    "statsmodels.base.data"  # its classes evaluate the formula of a state with a key that begins so:
)
_FORMULA: Final = "restore_"


class Attributes:
    """Keeps count of the copies of such globals on the unpickler's stack that no harmless use has taken.

    A pickle can take no value out of another: whatever else it does with one, it needs a copy on the stack.
    """

    def __init__(self, imports: Imports) -> None:
        self._imports = imports
        self._open: Counter[Name] = Counter()

    def copy(self, imports: Imports) -> "Attributes":
        """Return a count that goes on from here, and keeps what it judges elsewhere."""
        attributes = Attributes(imports)
        attributes._open = self._open.copy()
        return attributes

    def imported(self, name: Name, *, follows_dots: bool) -> None:
        """Judge a global that is put on the stack; where its use decides, the verdict waits."""
        if name in _SPECIAL or _is_known_class(name, follows_dots=follows_dots):
            self._open[name] += 1
        else:
            self._imports.add(name.module, name.name, follows_dots=follows_dots)

    def copied(self, value: Value) -> Value:
        """Return a value that is put on the stack once more."""
        if isinstance(value, Name) and value in self._open:
            self._open[value] += 1
        return value

    def is_known_class(self, value: Value) -> bool:
        """Return whether a value is a class whose verdict waits."""
        return isinstance(value, Name) and value in self._open and value not in _SPECIAL

    def made_empty(self, maker: Value) -> Instance | None:
        """Follow the making of an empty instance; return it where it is one of a known class."""
        if not isinstance(maker, Name) or not self.is_known_class(maker):
            return None
        self._open[maker] -= 1
        return Instance(maker)

    def called(self, maker: Value, arguments: Value) -> Instance | None:
        """Follow a call by REDUCE, which takes its maker from the stack; return what ``made_empty`` does."""
        if not isinstance(maker, Name):
            return None
        if maker in _SPECIAL:
            self._open[maker] -= _is_harmless(maker, arguments)
            return None
        match arguments:
            case (Name() as made, Name(name="object"), _) if maker in _RECONSTRUCTORS:
                return self.made_empty(made)
            case (Name() as made, *_) if maker.name.startswith(_MAKERS):
                return self.made_empty(made)
            case (Name(), *_) if maker in _CALLERS:
                pass
            case _ if maker in _CALLERS:
                self._imports.unknown.add(f"{maker.module}.{maker.name}")
            case _:
                pass
        return None

    def given(self, maker: Value, arguments: Value) -> None:
        """Follow a call of anything that is not followed otherwise, with its arguments.

        Nobody has read which methods of an instance the callee calls, nor what they do: an argument is as
        dangerous as the callee itself.
        """
        if isinstance(maker, Instance):
            self._misused(maker)
        instance = instance_in([arguments])
        if instance is not None and not (_is_of_pandas(maker) and _is_of_pandas(instance.of)):
            self._misused(instance)

    def built(self, target: Value, state: Value) -> None:
        """Follow the giving of a state to an object."""
        if not isinstance(target, Instance):
            if (instance := instance_in([state])) is not None and isinstance(target, Opaque):
                self._misused(instance)
            return
        module, name = target.of.module, target.of.name
        if module.startswith(_EVALUATING):
            plain = isinstance(state, Dict) and state.known and not any(map(_names_formula, state.items))
        elif isinstance(state, Instance):
            plain = may_be(Use.FILLED, state.of.module, state.of.name)
        else:
            plain = isinstance(state, Dict) or may_be(Use.STATEFUL, module, name)
        if not plain:
            self._misused(target)

    def filled(self, target: Value) -> None:
        """Follow the adding of items to an object."""
        if isinstance(target, Instance) and not may_be(Use.FILLED, target.of.module, target.of.name):
            self._misused(target)

    def kept(self, values: Iterable[Value]) -> None:
        """Follow where values end, in a dict or as all that a pickle holds: nothing calls a class there."""
        for value in values:
            if isinstance(value, Name) and self.is_known_class(value):
                self._open[value] -= 1

    def _misused(self, instance: Instance) -> None:
        self._imports.unknown.add(f"{instance.of.module}.{instance.of.name}")

    def settle(self) -> None:
        """Judge what was left, or taken by anything else, by its name alone."""
        for name in +self._open:
            self._imports.add(name.module, name.name)


def is_plain_class(module: str, name: str) -> bool:
    """Return whether an empty instance of a class may be made and be given whatever state, as skops does it."""
    return _is_known_class(Name(module, name), follows_dots=True) and not module.startswith(_EVALUATING)


def _is_known_class(name: Name, *, follows_dots: bool) -> bool:
    """Return whether a class may be made empty; what is harmless or dangerous by its name is that."""
    judged = judge(name.module, name.name, follows_dots=follows_dots)
    return judged is Danger.UNKNOWN and may_be(Use.MADE, name.module, name.name)


def _is_of_pandas(value: Value) -> bool:
    return isinstance(value, Name) and value.module.partition(".")[0] == _TAKES_ITS_OWN


def _names_formula(key: Value) -> bool:
    return not isinstance(key, str) or key.startswith(_FORMULA)


def _is_harmless(maker: Name, arguments: Value) -> bool:
    match arguments:
        case (Name() as owner, str() as attribute) if maker in _GETATTR and "." not in attribute:
            return judge(owner.module, f"{owner.name}.{attribute}") is Danger.HARMLESS
        case (
            Opaque(),
            "__qualname__" | "cell_contents",
            _,
        ):  # no global: something that the pickle itself made
            return maker in _SETATTR
        case (Opaque.TORCH_FILE,):
            return maker == TORCH_LOADER
        case _:
            return False
