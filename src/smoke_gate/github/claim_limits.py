"""How much a verdict file may hold that somebody else made, counted before anything is done with it. Pure.

What an honest job writes stays far below; a file that asks for more is made to keep the job busy that may write.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import comb
from typing import Any

from smoke_gate.policy.reader import MAX_ENTRIES

MOST_PAIRS = 2000
MOST_ATTEMPTS = 20_000
MOST_ASSERTIONS = (
    500_000  # what gates, references and waivers say for each planned pair, and two seeds of one cell
)

_JUDGING = ("gates", "references", "waivers")


def excess(document: object) -> str | None:
    """Return what a verdict file has too much of, None where it is within the bounds.

    Args:
        document: a JSON value, of whatever form.

    """
    policy, attempts = _at(document, "policy"), _length(_at(document, "evidence", "attempts"))
    seeds = _seeds(policy)
    pairs, asked = sum(seeds), sum(_entries(_at(policy, part)) for part in _JUDGING)
    bounds = (
        (pairs, MOST_PAIRS, "planned pairs"),
        (attempts, MOST_ATTEMPTS, "attempts"),
        (_entries(policy), MAX_ENTRIES, "entries in its policy"),
        (
            pairs * asked + sum(comb(count, 2) for count in seeds),
            MOST_ASSERTIONS,
            "assertions on its planned pairs",
        ),
    )
    return next(
        (f"{found} {what}; at most {most} are read" for found, most, what in bounds if found > most), None
    )


def _seeds(policy: object) -> list[int]:
    """Count the planned pairs of each cell; it has its own seeds, else the plan's, else it is one pair."""
    cells, seeds = _at(policy, "plan", "cells"), max(_length(_at(policy, "plan", "seeds")), 1)
    if not isinstance(cells, Mapping):
        return [seeds] * _length(cells)
    return [_length(_at(cell, "seeds")) or seeds for cell in cells.values()]


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
