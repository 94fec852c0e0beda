"""Facts from the checkout's git repository, read without git."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from smoke_gate.evidence import Answer
from smoke_gate.policy.terms import path_matches

if TYPE_CHECKING:
    from dulwich.objects import ObjectID
    from dulwich.repo import Repo

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def open_repository(folder: Path) -> "Repo | None":
    """Return the git repository that a folder is in, None where it is in none."""
    from dulwich.errors import NotGitRepository
    from dulwich.repo import Repo

    try:
        return Repo.discover(str(folder))
    except (NotGitRepository, OSError, ValueError):
        return None


def head_of(repository: "Repo") -> str | None:
    """Return the commit that is checked out, None where there is none yet."""
    try:
        return repository.head().decode()
    except KeyError:
        return None


def same_code(repository: "Repo", commit: str | None, head: str | None, patterns: Sequence[str]) -> Answer:
    """Whether the files that match the patterns are the same, bit for bit, in two commits.

    A commit that is not recorded, or that the clone lacks, leaves it unknown.
    """
    from dulwich.diff_tree import tree_changes

    ran, wanted = _id(commit), _id(head)
    if ran is None or wanted is None:
        return Answer.UNKNOWN
    if ran == wanted:
        return Answer.YES
    try:
        trees = _tree(repository, ran), _tree(repository, wanted)
        for change in tree_changes(repository.object_store, *trees):
            if change.old and change.new and change.old.sha == change.new.sha:
                continue  # only its mode differs
            if any(side and _matches(side.path, patterns) for side in (change.old, change.new)):
                return Answer.NO
    except KeyError:  # a shallow or partial clone
        return Answer.UNKNOWN
    return Answer.YES


def is_ancestor(repository: "Repo", old: str | None, new: str | None) -> Answer:
    """Whether one commit is the other, or comes before it; unknown where the clone lacks what would show it."""
    from dulwich.graph import can_fast_forward

    first, last = _id(old), _id(new)
    if first is None or last is None:
        return Answer.UNKNOWN
    try:
        _tree(repository, first), _tree(repository, last)
        if can_fast_forward(repository, first, last):
            return Answer.YES
    except KeyError:
        return Answer.UNKNOWN
    return Answer.UNKNOWN if repository.get_shallow() else Answer.NO


def _id(commit: str | None) -> "ObjectID | None":
    from dulwich.objects import ObjectID

    return ObjectID(commit.encode()) if commit and _COMMIT.fullmatch(commit) else None


def _tree(repository: "Repo", commit: "ObjectID") -> "ObjectID":
    """Return the tree of a commit; KeyError where there is no such commit."""
    from dulwich.objects import Commit, ObjectID

    found = repository.object_store[commit]
    if not isinstance(found, Commit):
        raise KeyError(commit)
    tree: ObjectID = found.tree
    return tree


def _matches(path: bytes, patterns: Sequence[str]) -> bool:
    text = path.decode(errors="surrogateescape")
    return any(path_matches(text, pattern) for pattern in patterns)
