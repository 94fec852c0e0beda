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
        None where there is no repository, or none with a commit. Untracked files do not make a tree dirty, as with
        ``git describe --dirty``.

    """
    from dulwich import porcelain
    from dulwich.errors import NotGitRepository
    from dulwich.repo import Repo

    try:
        repository = Repo.discover()
    except NotGitRepository:
        return None
    with repository:
        try:
            commit = repository.head().decode("ascii")
        except KeyError:
            return None
        status = porcelain.status(repository, untracked_files="no", optional_locks=False)
        return WorkingTree(commit, dirty=bool(status.unstaged or any(status.staged.values())))
