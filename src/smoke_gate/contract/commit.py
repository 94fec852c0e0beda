"""The commit of the code that runs: what git says of the working directory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkingTree:
    """The commit that is checked out (hex), and whether tracked files differ from it."""

    commit: str
    dirty: bool


def working_tree() -> WorkingTree | None:
    """Return the state of the git repository around the working directory.

    Returns:
        None where there is no repository, none with a commit, or one of a format that dulwich does not know: a training
        must not stop for that. Untracked files do not make a tree dirty, as with ``git describe --dirty``.

    """
    from dulwich import porcelain
    from dulwich.errors import NotGitRepository
    from dulwich.index import UnsupportedIndexFormat
    from dulwich.repo import Repo, UnsupportedExtension, UnsupportedVersion

    try:
        with Repo.discover() as repository:
            commit = repository.head().decode("ascii")
            status = porcelain.status(repository, untracked_files="no", optional_locks=False)
    except (NotGitRepository, KeyError, UnsupportedExtension, UnsupportedVersion, UnsupportedIndexFormat):
        return None
    return WorkingTree(commit, dirty=bool(status.unstaged or any(status.staged.values())))
