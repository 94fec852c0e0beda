"""How much a verdict file may hold that somebody else made, counted before anything is done with it. Pure.

What an honest job writes stays far below; a file that asks for more is made to keep the job busy that may write.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smoke_gate.policy.reader import MAX_ENTRIES

MOST_PAIRS = 2000
MOST_ATTEMPTS = 20_000
MOST_ASSERTIONS = 2_000_000  # what the gates, references and waivers say, for each planned pair

_JUDGING = ("gates", "references", "waivers")


def excess(document: object) -> str | None:
    """Return what a verdict file has too much of, None where it is within the bounds.

    Args:
        document: a JSON value, of whatever form.

    """
    policy, attempts = _at(document, "policy"), _length(_at(document, "evidence", "attempts"))
    pairs, entries = _pairs(policy), _entries(policy)
    asserted = pairs * sum(_entries(_at(policy, part)) for part in _JUDGING)
    bounds = (
        (pairs, MOST_PAIRS, "planned pairs"),
        (attempts, MOST_ATTEMPTS, "attempts"),
        (entries, MAX_ENTRIES, "entries in its policy"),
        (asserted, MOST_ASSERTIONS, "assertions: entries of its policy's gates for each planned pair"),
    )
    return next(
        (f"{found} {what}; at most {most} are read" for found, most, what in bounds if found > most), None
    )


def _pairs(policy: object) -> int:
    """Count the planned pairs; a cell has its own seeds, else the plan's, else it is one pair."""
    cells, seeds = _at(policy, "plan", "cells"), _length(_at(policy, "plan", "seeds"))
    if not isinstance(cells, Mapping):
        return _length(cells) * max(seeds, 1)
    return sum(max(_length(_at(cell, "seeds")) or seeds, 1) for cell in cells.values())


def _entries(value: object) -> int:
    """Count everything that stands in a value, at whatever depth."""
    return sum(1 for _ in _parts(value))


def _parts(value: object) -> Iterator[object]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        inside = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
        waiting += inside
        yield from inside


def _length(value: object) -> int:
    return len(value) if isinstance(value, Sequence) and not isinstance(value, str) else 0


def _at(value: object, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
