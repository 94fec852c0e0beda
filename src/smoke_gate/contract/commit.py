"""The commit of the code that runs: what git says of the working directory.

dulwich reads the repository where it is installed, which needs no git. Elsewhere the command ``git`` is asked.
"""

import os
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dulwich.repo import Repo


class UnknownCommitError(Exception):
    """Git does not say which commit the working directory has; the message says why."""


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
        UnknownCommitError: there is no repository, none with a commit, or one that cannot be read, whatever is wrong
            with it: a training must not stop for that.

    """
    return _read_by_git() if find_spec("dulwich") is None else _read_by_dulwich()


# --- by git -----------------------------------------------------------------------------------------------------------


def _read_by_git() -> WorkingTree:
    command = ["git", "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no",
               "--ignore-submodules=untracked"]  # fmt: skip
    try:
        done = subprocess.run(command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, check=False)
    except OSError as error:
        raise UnknownCommitError(f"git cannot be started: {error.strerror or error}") from None
    if done.returncode:
        raise UnknownCommitError(_refusal(done.stderr.decode(errors="replace")))
    lines = done.stdout.decode(errors="replace").splitlines()
    headers = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# "))
    commit = headers.get("branch.oid", "(initial)")
    if commit == "(initial)":
        raise UnknownCommitError("the git repository has no commit yet")
    return WorkingTree(commit, dirty=any(not line.startswith("#") for line in lines))


def _refusal(said: str) -> str:
    """Return why git says nothing, with its advice where it does not trust the owner of the folder."""
    if "not a git repository (or" in said:  # without "or" it speaks of a submodule
        return "there is no git repository"
    return f"the git repository cannot be read: {' '.join(said.split())}"


# --- by dulwich -------------------------------------------------------------------------------------------------------


def _read_by_dulwich() -> WorkingTree:
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
    """Return whether the index or a tracked file differs from the commit that is checked out."""
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
    """Return whether a submodule is checked out, and is not at its commit or dirty itself."""
    from dulwich.errors import NotGitRepository
    from dulwich.repo import Repo

    if not (submodule / ".git").exists():
        return False
    try:
        with Repo(str(submodule)) as repository:
            return repository.head() != commit or _is_dirty(repository)
    except (NotGitRepository, KeyError):
        raise UnknownCommitError(f"the submodule {submodule.name} cannot be read") from None
