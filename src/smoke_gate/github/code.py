"""The comparison of two commits' code by GitHub's trees: so a shallow clone is enough."""

import logging
from collections.abc import Iterator, Sequence

from smoke_gate.collect.code import AskCode, CommitFiles, may_hold_code, same_code
from smoke_gate.commits import read_commit, same_commit
from smoke_gate.evidence import Answer
from smoke_gate.github.contents import Contents, Listing
from smoke_gate.github.job import Job
from smoke_gate.github.retry import Refusal
from smoke_gate.github.transport import GitHubError

MOST_LISTINGS = 100  # requests for trees, all commits together
PASSING = (Refusal.LIMITED, Refusal.UNREACHABLE)  # a later question may be answered
WHOLE_HASHES = (40, 64)  # digits
_LOG = logging.getLogger(__name__)


def asks_github(job: Job) -> AskCode | None:
    """Return what asks GitHub about commits that the clone lacks; None if the job has no way to GitHub."""
    if job.github is None:
        return None
    return CodeOnGitHub(job.github.apart().contents)


class CodeOnGitHub:
    """Answers whether two commits have the same code. No tree is asked for twice."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._listings: dict[tuple[str, bool], Listing] = {}
        self._answers: dict[tuple[str, str, tuple[str, ...]], Answer] = {}

    def __call__(self, commit: str, head: str, patterns: Sequence[str]) -> Answer:
        """Return whether the files that match the patterns are the same; UNKNOWN where GitHub does not tell."""
        ran, wanted = read_commit(commit), read_commit(head)
        if ran.digits is None or wanted.digits is None or ran.dirty or wanted.dirty:
            return Answer.UNKNOWN
        if same_commit(ran.digits, wanted.digits):
            return Answer.YES
        asked = ran.digits, wanted.digits, tuple(patterns)
        try:
            if asked not in self._answers:
                self._answers[asked] = self._compared(ran.digits, wanted.digits, patterns)
            return self._answers[asked]
        except GitHubError as error:
            _LOG.warning("whether %s has the code of head is not known: %s", ran.digits[:12], error)
            if error.refusal not in PASSING:
                self._answers[asked] = Answer.UNKNOWN
            return Answer.UNKNOWN

    def _compared(self, ran: str, head: str, patterns: Sequence[str]) -> Answer:
        return same_code(self._files(ran, patterns), self._files(head, patterns), patterns)

    def _files(self, commit: str, patterns: Sequence[str]) -> CommitFiles:
        whole = commit if len(commit) in WHOLE_HASHES else self._contents.commit(commit)
        files: dict[str, str] = {}
        submodules: dict[str, str] = {}
        for path, kind, sha in self._entries(whole, "", patterns):
            (submodules if kind == "commit" else files)[path] = sha
        return CommitFiles(files=files, submodules=submodules)

    def _entries(self, tree: str, folder: str, patterns: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """Yield path, kind and hash of all but folders, folder by folder where GitHub does not list all at once."""
        whole = self._listing(tree, recursive=True)
        listing = self._listing(tree, recursive=False) if whole.truncated else whole
        if listing.truncated:
            raise GitHubError(Refusal.INVALID, f"the folder {folder or '/'} holds more than GitHub lists")
        for entry in listing.entries:
            path = f"{folder}/{entry.path}" if folder else entry.path
            if entry.kind != "tree":
                yield path, entry.kind, entry.sha
            elif whole.truncated and may_hold_code(path, patterns):
                yield from self._entries(entry.sha, path, patterns)

    def _listing(self, tree: str, *, recursive: bool) -> Listing:
        if (tree, recursive) not in self._listings:
            if len(self._listings) >= MOST_LISTINGS:
                raise GitHubError(Refusal.INVALID, f"more than {MOST_LISTINGS} trees would have to be read")
            self._listings[tree, recursive] = self._contents.tree(tree, recursive=recursive)
        return self._listings[tree, recursive]
