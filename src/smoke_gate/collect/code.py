"""The comparison of two commits' code by their trees. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from smoke_gate.collect.folders import may_hold
from smoke_gate.commits import same_commit
from smoke_gate.evidence import Answer, Attempt, Code, Head
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import is_code, path_matches
from smoke_gate.selection import identity, planned_pairs

AskCode: TypeAlias = Callable[[str, str, Sequence[str]], Answer]
"""Says whether a commit has the code of head, in the files that patterns name: ``(commit, head, patterns)``."""


By: TypeAlias = Literal["clone", "api"]

_MOST_COMMITS = 20  # that are asked about; the newest attempts' come first


def codes_of(
    policy: Policy,
    head: Head,
    attempts: Iterable[Attempt],
    ask: Mapping[By, AskCode],
    merge_commit: str | None = None,
) -> Mapping[str, Code]:
    """Return, for the commits of the newest attempts at planned pairs, whether they have head's code.

    Args:
        policy: says which pairs are planned, and which files are code.
        head: the commit that they are compared with; where it is not known, nothing is asked.
        attempts: in any order.
        ask: who is asked, one after another until somebody knows.
        merge_commit: what GitHub made of head and its base branch for this event: its code counts as head's.

    """
    if head.commit is None:
        return {}
    planned = {pair.key for pair in planned_pairs(policy)}
    tried = [one for one in attempts if one.commit and identity(policy, one) in planned]
    tried.sort(key=lambda one: (one.start_time or 0, one.run_id), reverse=True)
    commits = dict.fromkeys(one.commit for one in tried if one.commit)
    patterns = policy.runs.code_paths
    return {
        commit: Code(same_code=Answer.YES, by="api")
        if merge_commit is not None and same_commit(commit, merge_commit)
        else _code(commit, head.commit, patterns, ask)
        for commit in list(commits)[:_MOST_COMMITS]
    }


def _code(commit: str, head: str, patterns: Sequence[str], ask: Mapping[By, AskCode]) -> Code:
    if same_commit(commit, head):
        return Code(same_code=Answer.YES, by="equal")
    for by, asked in ask.items():
        known = asked(commit, head, patterns)
        if known is not Answer.UNKNOWN:
            return Code(same_code=known, by=by)
    return Code()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFiles:
    """The files of a commit: the hash of each one's content by its path, and the commit of each submodule."""

    files: Mapping[str, str]
    submodules: Mapping[str, str] = field(default_factory=dict)


def same_code(ran: CommitFiles, head: CommitFiles, patterns: Sequence[str]) -> Answer:
    """Return whether two commits have the same code."""
    files = _differences(ran.files, head.files)
    submodules = _differences(ran.submodules, head.submodules)
    return answer(files, submodules, (*head.files, *head.submodules), patterns)


def answer(
    files: Iterable[str], submodules: Iterable[str], known: Iterable[str], patterns: Sequence[str]
) -> Answer:
    """Return whether two commits have the same code.

    The answer is unknown if the patterns reach into a submodule of another commit, or match nothing.

    Args:
        files: the files that differ, or that one of the commits lacks.
        submodules: the same of submodules; the path of one stands for its commit.
        known: the files and submodules of either commit.
        patterns: which of them are code.

    """
    changed = tuple(submodules)
    if any(is_code(path, patterns) for path in (*files, *changed)):
        return Answer.NO
    if any(may_hold_code(path, patterns) for path in changed):
        return Answer.UNKNOWN  # what is in the submodule is not in this repository
    return Answer.YES if any(is_code(path, patterns) for path in known) else Answer.UNKNOWN


def may_hold_code(folder: str, patterns: Iterable[str]) -> bool:
    """Return whether a code file may be somewhere below a folder."""
    every = tuple(patterns)
    left_out = (pattern[1:-3] for pattern in every if pattern.startswith("!") and pattern.endswith("/**"))
    return any(may_hold(folder, pattern) for pattern in every if not pattern.startswith("!")) and not any(
        path_matches(folder, pattern) for pattern in left_out
    )


def _differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return [path for path in one.keys() | other.keys() if one.get(path) != other.get(path)]
