"""Where what a file says and what its evidence gives are not the same, in lines that a person reads. Pure."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smoke_gate.report.escape import shortened

_LONGEST_VALUE = 200
_NAMES = {  # what tells the entries of a list apart
    "gates": ("id",),
    "checks": ("gate", "kind", "cell", "seed", "subject", "run_id"),
    "attempts": ("run_id",),
    "references": ("metric", "cell", "seed", "source"),
    "waivers": ("gate", "cell", "seed", "subject", "run_id"),
}


def differences(said: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line for each difference.

    Args:
        said: parts of a verdict document by key, as a file has them.
        found: the same keys, as they were made again.

    """
    return tuple(line for key in found for line in _part(key, said[key], found[key]))


def same(one: object, other: object) -> bool:
    """Whether two values are the same JSON: unlike in Python, ``1`` is neither ``1.0`` nor ``true``."""
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
    ours, theirs = _named(key, found), _named(key, said)
    lines = [
        line for name in ours if name in theirs for line in _fields(f"{key} {name}", theirs[name], ours[name])
    ]
    lines += [f"{key} {name}: only in the file" for name in theirs if name not in ours]
    lines += [f"{key} {name}: missing in the file" for name in ours if name not in theirs]
    yield from lines or [f"{key}: the same entries, in another order"]


def _named(key: str, entries: Sequence[Any]) -> dict[str, Any]:
    counts: dict[str, int] = defaultdict(int)
    named = {}
    for entry in entries:
        name = " ".join(str(entry[part]) for part in _NAMES[key] if entry[part] is not None)
        counts[name] += 1
        named[name if counts[name] == 1 else f"{name} ({counts[name]})"] = entry
    return named


def _fields(name: str, said: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for key in {**found, **said}:
        if not same(said.get(key), found.get(key)):
            yield _line(f"{name}: {key}", said.get(key), found.get(key))


def _line(name: str, said: object, found: object) -> str:
    return f"{name}: the file says {_shown(said)}, its evidence gives {_shown(found)}"


def _shown(value: object) -> str:
    return shortened(json.dumps(value, ensure_ascii=False), _LONGEST_VALUE)
