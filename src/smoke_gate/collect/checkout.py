"""The code that runs are compared with: head, and whether the attempts' commits have its code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from smoke_gate.collect.code import AskCode, By, codes_of
from smoke_gate.collect.git import has_changes, head_of, is_ancestor, knows, open_repository, same_code
from smoke_gate.evidence import Answer, Attempt, Code, Head, HeadFrom, Registration, Run
from smoke_gate.gates.needs import Needs
from smoke_gate.policy.model import Policy

if TYPE_CHECKING:
    from dulwich.repo import Repo


@dataclass(frozen=True)
class Checkout:
    """The working tree, and whoever else knows the repository's commits.

    ``merge_commit`` is the one that GitHub made of head and its base branch, where a job is about a pull request.
    """

    policy: Policy
    folder: Path
    needs: Needs
    ask_code: AskCode | None = None
    merge_commit: str | None = None

    @cached_property
    def _repository(self) -> "Repo | None":
        return open_repository(self.folder)

    def __enter__(self) -> Self:
        """Return the checkout, whose repository is closed in the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the repository's files."""
        opened = vars(self).get("_repository")  # nothing is opened in order to be closed
        if opened is not None:
            opened.close()

    def head(self, given: Head) -> Head:
        """Return head: the one that is given, else the commit that is checked out, where its code has no changes."""
        if given.commit is not None or not self.needs.head or self._repository is None:
            return given
        commit = head_of(self._repository)
        if commit is None:
            return given
        changed = has_changes(self._repository, self.policy.runs.code_paths)
        origin = HeadFrom.CHECKOUT if given.origin is HeadFrom.NONE else given.origin
        return Head(commit=None if changed else commit, origin=origin)

    def codes(self, head: Head, attempts: Iterable[Attempt]) -> Mapping[str, Code]:
        """Return, for the commits of the newest attempts at planned pairs, whether they have head's code."""
        if not self.needs.head:
            return {}
        ask: dict[By, AskCode] = {"clone": self._by_clone}
        if self.ask_code is not None:
            ask["api"] = self.ask_code
        return codes_of(self.policy, head, attempts, ask, self.merge_commit)

    def _by_clone(self, commit: str, head: str, patterns: Sequence[str]) -> Answer:
        if self._repository is None:
            return Answer.UNKNOWN
        return same_code(self._repository, commit, head, patterns)

    def one_repository(self, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
        """Return the attempts; a second commit of one stays only where this repository knows both."""
        return tuple(
            attempt
            if attempt.other_commit is None or self._knows_both(attempt)
            else replace(attempt, other_commit=None)
            for attempt in attempts
        )

    def _knows_both(self, attempt: Attempt) -> bool:
        commits = (attempt.commit, attempt.other_commit)
        repository = self._repository
        return repository is not None and all(
            commit is not None and knows(repository, commit) for commit in commits
        )

    def after_registration(
        self, runs: Sequence[Run], selected: Sequence[Attempt], registration: Registration | None
    ) -> Sequence[Run]:
        """Return the runs with whether their commits come after the registration's, where the policy asks for it."""
        if not self.needs.ancestry or registration is None or self._repository is None:
            return runs
        commits = {attempt.run_id: attempt.commit for attempt in selected}
        after = {
            commit: is_ancestor(self._repository, registration.commit, commit)
            for commit in set(commits.values())
        }
        return [replace(run, after_registration=after[commits[run.run_id]]) for run in runs]
