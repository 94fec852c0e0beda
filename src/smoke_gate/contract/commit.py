"""The commit of the code that runs: what git says of the working directory."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dulwich.repo import Repo


class UnknownCommitError(Exception):
    """Git does not say of what commit the working directory is; the message says why."""


@dataclass(frozen=True, slots=True)
class WorkingTree:
    """The commit that is checked out (hex), and whether tracked files, those of submodules too, differ from it."""

    commit: str
    dirty: bool


def working_tree() -> WorkingTree:
    """Return the state of the git repository around the working directory.

    Untracked files do not make a tree dirty, as with ``git describe --dirty``, nor does a submodule that is not checked
    out.

    Raises:
        UnknownCommitError: there is no repository, none with a commit, or one that dulwich cannot read, whatever is
            wrong with it: a training must not stop for that.

    """
    from dulwich.errors import NotGitRepository
    from dulwich.repo import Repo

    try:
        with Repo.discover() as repository:
            return WorkingTree(_head(repository).decode("ascii"), dirty=_is_dirty(repository))
    except NotGitRepository:
        raise UnknownCommitError("there is no git repository") from None
    except UnknownCommitError:
        raise
    except Exception as error:
        raise UnknownCommitError(
            f"the git repository cannot be read: {type(error).__name__}: {error}"
        ) from error


def _head(repository: "Repo") -> bytes:
    try:
        return repository.head()
    except KeyError:
        raise UnknownCommitError("the git repository has no commit yet") from None


def _is_dirty(repository: "Repo") -> bool:
    """Whether the index or a tracked file differs from the commit that is checked out."""
    from dulwich import porcelain
    from dulwich.index import IndexEntry
    from dulwich.objects import S_ISGITLINK

    status = porcelain.status(repository, untracked_files="no", optional_locks=False)
    submodules = {
        path: entry.sha
        for path, entry in repository.open_index().items()
        if isinstance(entry, IndexEntry) and S_ISGITLINK(entry.mode)
    }
    # dulwich looks for submodules in the working directory, wherever in the repository that is.
    if any(status.staged.values()) or not submodules.keys() >= set(status.unstaged):
        return True
    root = Path(repository.path)
    return any(_differs(root / os.fsdecode(path), commit) for path, commit in submodules.items())


def _differs(submodule: Path, commit: bytes) -> bool:
    """Whether a submodule is checked out, and is not at its commit or dirty itself."""
    from dulwich.errors import NotGitRepository
    from dulwich.repo import Repo

    if not (submodule / ".git").exists():
        return False
    try:
        with Repo(str(submodule)) as repository:
            return repository.head() != commit or _is_dirty(repository)
    except (NotGitRepository, KeyError):
        raise UnknownCommitError(f"the submodule {submodule.name} cannot be read") from None
