"""Facts from the checkout's git repository, read without git: what cannot be read is unknown, never an error."""

import logging
import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from smoke_gate.collect.code import answer
from smoke_gate.evidence import Answer
from smoke_gate.policy.terms import is_code

if TYPE_CHECKING:
    from dulwich.objects import ObjectID
    from dulwich.repo import Repo

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def open_repository(folder: Path) -> "Repo | None":
    """Return the git repository that a folder is in, None where it is in none, or in one that cannot be read."""
    from dulwich.errors import NotGitRepository
    from dulwich.repo import Repo

    try:
        return Repo.discover(str(folder))
    except NotGitRepository:
        return None
    except Exception as error:  # noqa: BLE001 - a damaged one, or an extension of git's that dulwich does not know
        return _told(None, error)


def head_of(repository: "Repo") -> str | None:
    """Return the commit that is checked out, None where there is none yet, or none that can be read."""
    try:
        head = repository.head().decode()
    except KeyError:
        return None
    except Exception as error:  # noqa: BLE001 - references of a form that dulwich does not know
        return _told(None, error)
    return head if _COMMIT.fullmatch(head) else None


def has_changes(repository: "Repo", patterns: Sequence[str]) -> bool:
    """Return whether files that the patterns name have changes that no commit holds; untracked files do not count."""
    from dulwich import porcelain

    try:
        found = porcelain.status(repository, untracked_files="no")
    except Exception as error:  # noqa: BLE001 - an index or a file of a form that dulwich does not know
        return _told(True, error)
    staged = chain.from_iterable(found.staged.values())
    changed = [*staged, *found.unstaged]
    return any(is_code(path if isinstance(path, str) else _text(path), patterns) for path in changed)


def knows(repository: "Repo", commit: str) -> bool:
    """Return whether the clone has a commit."""
    found = _id(commit)
    try:
        return found is not None and found in repository.object_store
    except Exception as error:  # noqa: BLE001 - a damaged object can be anything
        return _told(False, error)


def same_code(repository: "Repo", commit: str | None, head: str | None, patterns: Sequence[str]) -> Answer:
    """Return whether the files that match the patterns are the same, bit for bit, in two commits.

    A commit that is not recorded, or that the clone lacks, leaves it unknown. So do patterns that match nothing, unless
    the commits are one, and a submodule of another commit that they reach into.
    """
    ran, wanted = _id(commit), _id(head)
    if ran is None or wanted is None:
        return Answer.UNKNOWN
    if ran == wanted:
        return Answer.YES
    try:
        return _same_files(repository, _tree(repository, ran), _tree(repository, wanted), patterns)
    except KeyError:  # a shallow or partial clone
        return Answer.UNKNOWN
    except Exception as error:  # noqa: BLE001 - a damaged object can be anything
        return _told(Answer.UNKNOWN, error)


def is_ancestor(repository: "Repo", old: str | None, new: str | None) -> Answer:
    """Return whether one commit is the other, or comes before it; unknown where the clone lacks what would show it."""
    from dulwich.graph import can_fast_forward

    first, last = _id(old), _id(new)
    if first is None or last is None:
        return Answer.UNKNOWN
    try:
        _tree(repository, first), _tree(repository, last)
        if can_fast_forward(repository, first, last):
            return Answer.YES
        return Answer.UNKNOWN if repository.get_shallow() else Answer.NO
    except KeyError:
        return Answer.UNKNOWN
    except Exception as error:  # noqa: BLE001 - a damaged object can be anything
        return _told(Answer.UNKNOWN, error)


def _told(answer: T, error: Exception) -> T:
    """Return the answer of a repository that cannot be read, and say on the log what is wrong with it."""
    _LOG.warning("git's repository cannot be read as far as needed: %s: %s", type(error).__name__, error)
    return answer


def _same_files(repository: "Repo", ran: "ObjectID", wanted: "ObjectID", patterns: Sequence[str]) -> Answer:
    """Compare two trees; KeyError where the clone lacks a part of one."""
    from dulwich.diff_tree import tree_changes
    from dulwich.objects import S_ISGITLINK

    files: list[str] = []
    submodules: list[str] = []
    for change in tree_changes(repository.object_store, ran, wanted):
        if change.old and change.new and change.old.sha == change.new.sha:
            continue  # only its mode differs
        for side in filter(None, (change.old, change.new)):
            (submodules if S_ISGITLINK(side.mode) else files).append(_text(side.path))
    known = (_text(file.path) for file in repository.object_store.iter_tree_contents(wanted))
    return answer(files, submodules, known, patterns)


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


def _text(path: bytes) -> str:
    return path.decode(errors="surrogateescape")
