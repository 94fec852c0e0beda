"""Commits as training code records them: shortened, in capitals, or with a word on uncommitted changes."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

_COMMIT = re.compile(r"(?P<digits>[0-9a-fA-F]{7,64})(?P<dirty>(?:-dirty|\+)?)")


class Commit(NamedTuple):
    """The digits of a commit in lower case, None where the text is not a commit; ``dirty``: the text says so."""

    digits: str | None
    dirty: bool


@lru_cache  # runs record the same few
def read_commit(text: str | None) -> Commit:
    """Return the commit that a text names: 7 to 64 hex digits, not all zeros, perhaps with ``-dirty`` or ``+``."""
    found = _COMMIT.fullmatch((text or "").strip())
    if found is None or not found["digits"].strip("0"):
        return Commit(None, dirty=False)
    return Commit(found["digits"].lower(), dirty=bool(found["dirty"]))


def same_commit(one: str, other: str) -> bool:
    """Return whether two commits are one: they are equal, or one is the beginning of the other."""
    return one.startswith(other) or other.startswith(one)


def distinct_commits(commits: Iterable[str]) -> tuple[str, ...]:
    """Return the commits in order, each once, by its longest spelling."""
    distinct: list[str] = []
    for commit in sorted(set(commits), key=len, reverse=True):
        if not any(same_commit(commit, other) for other in distinct):
            distinct.append(commit)
    return tuple(distinct)
