"""Shell patterns of relative paths, matched in a time that no pattern can blow up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

_T = TypeVar("_T")
_P = TypeVar("_P")


@dataclass(frozen=True, slots=True)
class _Set:
    """One character of a set, or one outside of it; ``ranges`` are pairs of a first and a last character."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def holds(self, character: str) -> bool:
        return any(first <= character <= last for first, last in self.ranges) is not self.negated


_ANY = _Set((), negated=True)  # `?`
_Token = _Set | None  # None: `*`


def wildcards_match(path: str, pattern: str) -> bool:
    r"""Return whether a whole path matches: ``*`` stays in a segment, ``**`` as a segment crosses them.

    ``?`` is one character, ``[a-z]`` one of a set, ``[!a-z]`` one outside of it, and ``\`` takes the special meaning
    from the character that follows. Case counts, and names that begin with a dot are names like others.
    """
    return _matches(path.split("/"), _segments(pattern), _segment_matches)


def _matches(items: Sequence[_T], wanted: Sequence[_P | None], fits: Callable[[_T, _P], bool]) -> bool:
    """Return whether the items are what is wanted, in order; None stands for any number of items.

    Where what follows does not fit, only the last None takes one item more: an earlier one would not help. So the time
    is at most the product of both lengths.
    """
    item = want = 0
    after: tuple[int, int] | None = None  # what to try next: the item, and what is wanted after the last None
    while item < len(items):
        this = wanted[want] if want < len(wanted) else None
        if this is not None and fits(items[item], this):
            item, want = item + 1, want + 1
        elif this is None and want < len(wanted):
            want += 1
            after = item + 1, want
        elif after is not None:
            item, want = after
            after = item + 1, want
        else:
            return False
    return all(rest is None for rest in wanted[want:])


def _segment_matches(segment: str, tokens: "tuple[_Token, ...]") -> bool:
    return _matches(segment, tokens, lambda character, one: one.holds(character))


@lru_cache(maxsize=1024)
def _segments(pattern: str) -> "tuple[tuple[_Token, ...] | None, ...]":
    """Return the segments of a pattern, None for ``**``. At the end, ``**`` stands for at least one segment."""
    parts = [part for part in pattern.split("/") if part]
    segments = [None if part == "**" else tuple(_tokens(part)) for part in parts]
    return (*segments, (None,)) if segments[-1:] == [None] else tuple(segments)


def _tokens(segment: str) -> "list[_Token]":
    found: list[_Token] = []
    rest = segment
    while rest:
        token: _Token
        if rest[0] == "*":
            token, rest = None, rest[1:]
        elif rest[0] == "?":
            token, rest = _ANY, rest[1:]
        elif rest[0] == "[" and (read := _set(rest[1:])) is not None:
            token, rest = read
        else:
            character, rest = _character(rest)
            token = _Set(((character, character),), negated=False)
        found.append(token)
    return found


def _set(text: str) -> tuple[_Set, str] | None:
    """Read a set behind its ``[``; return it and what follows, None where it has no end."""
    rest = text.removeprefix("!") if text.startswith("!") else text.removeprefix("^")
    negated = len(rest) < len(text)
    ranges: list[tuple[str, str]] = []
    while rest and (rest[0] != "]" or not ranges):  # a `]` that comes first is one of the set
        first, rest = _character(rest)
        last = first
        if rest[:1] == "-" and rest[1:2] not in ("", "]"):
            last, rest = _character(rest[1:])
        ranges.append((first, last))
    return (_Set(tuple(ranges), negated), rest[1:]) if rest else None


def _character(text: str) -> tuple[str, str]:
    r"""Read one character, behind a ``\`` whatever it is; return it and what follows."""
    return (text[1], text[2:]) if text[0] == "\\" and len(text) > 1 else (text[0], text[1:])
