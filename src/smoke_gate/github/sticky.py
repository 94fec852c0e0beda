"""The sticky comment, kept up to date on GitHub: look, decide, write, look again."""

from dataclasses import dataclass

from smoke_gate.github.client import GitHub
from smoke_gate.github.comment import Plan, Stamp, plan
from smoke_gate.github.retry import Problem
from smoke_gate.github.transport import GitHubError

MOST_ROUNDS = 5  # one is enough; every gate that writes at the same time may cost another


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the comment: its address, None where there is none; ``note``: why nothing was written."""

    url: str | None
    note: str | None = None


def bring_up_to_date(
    github: GitHub, pull_request: int, stamp: Stamp, report: str, *, may_create: bool
) -> Outcome:
    """Write the report into the pull request's comment, unless that says something newer.

    The head of the pull request is asked for immediately before writing, and again after it. GitHub has no conditional
    update, so one thing remains: a gate that is held up between looking and writing, for longer than a newer gate takes
    for all of its work, overwrites that one's comment. ``concurrency:`` in the workflow prevents it.

    Raises:
        GitHubError: GitHub does not do as asked.

    """
    body, written = f"{stamp.marker}\n{report}", False
    outcome = Outcome(url=None)
    for _ in range(MOST_ROUNDS):
        there = github.discussion(pull_request)
        todo = plan(there.comments, stamp, head=there.head_sha, may_create=may_create, written=written)
        if todo.reason is None:
            written = _write(github, pull_request, todo, body) or written
        for comment in todo.surplus:
            github.delete_comment(comment.id)
        outcome = Outcome(
            url=todo.canonical.url if todo.canonical else None, note=None if written else todo.reason
        )
        if todo.reason is not None:
            break
    return outcome


def _write(github: GitHub, pull_request: int, todo: Plan, body: str) -> bool:
    """Create or update; False where the comment was deleted just now, so that the next round makes another."""
    if todo.canonical is None:
        github.create_comment(pull_request, body)
        return True
    try:
        github.update_comment(todo.canonical.id, body)
    except GitHubError as error:
        if error.problem is not Problem.NOT_FOUND:
            raise
        return False
    return True
