"""Where two readings are not the same: the rule for all of them, and a file against its own evidence. Pure."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from smoke_gate.text import shortened

_LONGEST_VALUE = 200
_NAMES = {  # the fields that tell the entries of a list apart
    "gates": ("id",),
    "checks": ("gate", "kind", "cell", "seed", "subject", "run_id"),
    "attempts": ("run_id",),
    "references": ("metric", "cell", "seed", "source"),
    "waivers": ("gate", "cell", "seed", "subject", "run_id"),
}


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Difference(Generic[_T]):
    """A value that two mappings do not share; None stands for one that is not there."""

    name: str
    first: _T | None
    second: _T | None


def differing(first: Mapping[str, _T], second: Mapping[str, _T]) -> Iterator[Difference[_T]]:
    """Yield the differences in the order of the first mapping; names that only the second has come last."""
    for name in {**first, **second}:
        one, other = first.get(name), second.get(name)
        if not same(one, other):
            yield Difference(name, one, other)


def differences(said: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line for each difference.

    Args:
        said: parts of a verdict document by key, as a file has them.
        found: the same keys, as they were made again.

    """
    return tuple(line for key in found for line in _part(key, said[key], found[key]))


def same(one: object, other: object) -> bool:
    """Return whether two values are the same JSON: unlike in Python, ``1`` is neither ``1.0`` nor ``true``."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _part(key: str, said: Any, found: Any) -> Iterator[str]:
    if same(said, found):
        return
    if isinstance(found, list):
        yield from _entries(key, said, found)
    elif isinstance(found, dict):
        yield from _fields(key, said, found)
    else:
        yield _line(key, said, found)


def _entries(key: str, said: Sequence[Any], found: Sequence[Any]) -> Iterator[str]:
    """Compare the entries that have the same name, so that one too many does not make all others differ."""
    differ = list(differing(_named(key, said), _named(key, found)))
    for entry in differ:
        name = f"{key} {entry.name}"
        if entry.first is None:
            yield f"{name}: missing in the file"
        elif entry.second is None:
            yield f"{name}: only in the file"
        else:
            yield from _fields(name, entry.first, entry.second)
    if not differ:
        yield f"{key}: the same entries, in another order"


def _named(key: str, entries: Sequence[Any]) -> dict[str, Any]:
    counts: dict[str, int] = defaultdict(int)
    named = {}
    for entry in entries:
        name = " ".join(str(entry[part]) for part in _NAMES[key] if entry[part] is not None)
        counts[name] += 1
        named[name if counts[name] == 1 else f"{name} ({counts[name]})"] = entry
    return named


def _fields(name: str, said: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for field in differing(said, found):
        yield _line(f"{name}: {field.name}", field.first, field.second)


def _line(name: str, said: object, found: object) -> str:
    return f"{name}: the file says {_shown(said)}, its evidence gives {_shown(found)}"


def _shown(value: object) -> str:
    return shortened(json.dumps(value, ensure_ascii=False), _LONGEST_VALUE)
