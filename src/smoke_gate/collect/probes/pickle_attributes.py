"""``getattr`` in a pickle: dangerous, but where it is called at once to reach what is harmless by its full name.

A time zone is pickled so: ``getattr(zoneinfo.ZoneInfo, "_unpickle")("Europe/Berlin", True)``.
"""

from collections import Counter
from typing import Final

from smoke_gate.collect.probes.inspection import Imports
from smoke_gate.collect.probes.pickle_globals import Danger, judge
from smoke_gate.collect.probes.pickle_values import Name, Value

_GETATTR: Final = frozenset({Name("builtins", "getattr"), Name("__builtin__", "getattr")})


class Attributes:
    """Keeps count of the copies of ``getattr`` on the unpickler's stack that no harmless call has taken.

    A pickle can take no value out of another: whatever else it does with a ``getattr``, it needs a copy on the stack.
    """

    def __init__(self, imports: Imports) -> None:
        self._imports = imports
        self._open: Counter[Name] = Counter()

    def imported(self, name: Name, *, follows_dots: bool) -> None:
        """Judge a global that is put on the stack; of ``getattr``, the verdict waits."""
        if name in _GETATTR:
            self._open[name] += 1
        else:
            self._imports.add(name.module, name.name, follows_dots=follows_dots)

    def copied(self, value: Value) -> Value:
        """Return a value that is put on the stack once more."""
        if isinstance(value, Name) and value in _GETATTR:
            self._open[value] += 1
        return value

    def called(self, maker: Value, arguments: Value) -> None:
        """Follow a call by REDUCE, which takes its maker from the stack."""
        if not isinstance(maker, Name) or maker not in _GETATTR:
            return
        match arguments:
            case (Name() as owner, str() as attribute) if "." not in attribute:
                if judge(owner.module, f"{owner.name}.{attribute}") is Danger.HARMLESS:
                    self._open[maker] -= 1

    def settle(self) -> None:
        """Count ``getattr`` as dangerous where a copy was left, or taken by anything else."""
        for name in +self._open:
            self._imports.add(name.module, name.name)
