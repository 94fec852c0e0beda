"""Publishing, step by step: outputs, job summary, commit status, comment.

A later step's failure never undoes an earlier one, and is told, not raised: the verdict has its exit code already.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from smoke_gate.github.advice import advice, unpublished
from smoke_gate.github.annotations import Annotation
from smoke_gate.github.announcement import Announcement, Space
from smoke_gate.github.client import GitHub
from smoke_gate.github.comment import Edits, Stamp, edits, says_other
from smoke_gate.github.event import Situation
from smoke_gate.github.retry import NO_ACCESS, Refusal
from smoke_gate.github.settings import CommentMode, Settings
from smoke_gate.github.transport import GitHubError
from smoke_gate.github.workflow import annotate, log, summary_space, write_outputs, write_summary

LONGEST_COMMENT = (
    65_000  # characters; a little less than GitHub's 65,536, since it does not say how it counts
)
LARGEST_COMMENT = 4 * LONGEST_COMMENT  # bytes; GitHub's column has four for each character
SUMMARY_RESERVE = 16 * 1024  # bytes of the job summary, kept for what could not be published
TITLE = "smoke-gate"
MOST_ROUNDS = 5  # one is enough; every gate that writes at the same time may cost another

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a message goes. ``looked_at``: when its evidence was read (ISO 8601, UTC); ``run_url``: the run's page."""

    situation: Situation
    settings: Settings
    github: GitHub | None
    looked_at: str
    run_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that was to be done on GitHub and was not."""

    step: str
    refusal: Refusal
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The result of publishing. ``comment_url`` is None if there is no comment."""

    comment_url: str | None
    failures: tuple[Failure, ...]

    @property
    def complete(self) -> bool:
        """True if everything that was to be published was."""
        return not self.failures


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentOutcome:
    """The result of commenting: the comment's address, or None; ``note``: why nothing was written."""

    url: str | None
    note: str | None = None


@dataclass(slots=True)
class Attempts:
    """Runs steps and keeps what went wrong in them."""

    failures: list[Failure] = field(default_factory=list)

    def run(self, step: str, action: Callable[[], T]) -> T | None:
        """Return what the action returns, None where it fails."""
        try:
            return action()
        except GitHubError as error:
            self.failures.append(Failure(step=step, refusal=error.refusal, message=str(error)))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with publishing, the verdict stands
            message = f"unexpected {type(error).__name__}: {error}"
            self.failures.append(Failure(step=step, refusal=Refusal.INVALID, message=message))
        return None


def publish(
    announcement: Announcement, target: Target, environ: Mapping[str, str], *, earlier: Sequence[Failure] = ()
) -> Published:
    """Publish a message, as far as that is possible.

    Args:
        announcement: what is told.
        target: where.
        environ: the runner's variables.
        earlier: what GitHub refused before there was anything to publish.

    """
    attempts = Attempts(list(earlier))
    attempts.run("outputs", lambda: write_outputs(environ, announcement.outputs))
    attempts.run("job summary", lambda: _summarise(announcement, environ))
    attempts.run("commit status", lambda: _set_status(announcement, target))
    comment = attempts.run("comment", lambda: _comment(announcement, target))
    told = _tell(attempts.failures, target, environ) if attempts.failures else []
    annotate("error", announcement.errors, title=TITLE)
    untold = [Annotation(message=message) for message in told]
    annotate("warning", [*untold, *announcement.warnings], title=TITLE)
    done = Published(comment_url=comment.url if comment else None, failures=tuple(attempts.failures))
    outputs = {"comment_url": done.comment_url or "", "published": str(done.complete).lower()}
    attempts.run("outputs", lambda: write_outputs(environ, outputs))
    return done


def _summarise(announcement: Announcement, environ: Mapping[str, str]) -> None:
    write_summary(environ, announcement.body(Space(bytes=summary_space(environ) - SUMMARY_RESERVE)))


def _comment(announcement: Announcement, target: Target) -> CommentOutcome:
    """Bring the pull request's comment up to date, where there is a pull request."""
    where, mode = target.situation, target.settings.comment
    if where.pull_request is None or where.sha is None:
        return CommentOutcome(url=None)
    if target.github is None:
        if mode is CommentMode.NEVER:
            return CommentOutcome(url=None)
        raise GitHubError(Refusal.NO_TOKEN, _NO_TOKEN)
    stamp = Stamp(
        comment_id=target.settings.comment_id,
        sha=where.sha,
        run_id=where.run_id or 0,
        run_attempt=where.run_attempt or 0,
        at=target.looked_at,
    )
    space = Space(characters=LONGEST_COMMENT - len(stamp.marker), bytes=LARGEST_COMMENT)
    may_create = mode is CommentMode.ALWAYS or (mode is CommentMode.PROBLEMS and announcement.is_problem)
    try:
        outcome = bring_up_to_date(
            target.github, where.pull_request, stamp, announcement.body(space), may_create=may_create
        )
    except GitHubError as error:
        if mode is CommentMode.NEVER and error.refusal in NO_ACCESS:
            # No comment is wanted, so a job that may not write one lacks nothing.
            return CommentOutcome(url=None)
        raise
    if outcome.note:
        log(f"the comment was left as it is: {outcome.note}")
    return outcome


def bring_up_to_date(
    github: GitHub, pull_request: int, stamp: Stamp, report: str, *, may_create: bool
) -> CommentOutcome:
    """Write the report into the pull request's comment, unless that says something newer.

    The head of the pull request is asked for immediately before writing, and again after it. GitHub has no conditional
    update, so one thing remains: a gate that is held up between looking and writing, for longer than a newer gate takes
    for all of its work, overwrites that one's comment. ``concurrency:`` in the workflow prevents it.

    Raises:
        GitHubError: GitHub does not do as asked.

    """
    body, written = f"{stamp.marker}\n{report}", False
    gone: GitHubError | None = None
    outcome = CommentOutcome(url=None)
    for _ in range(MOST_ROUNDS):
        there = github.discussion(pull_request)
        todo = edits(there.comments, stamp, head=there.head_sha, may_create=may_create, written=written)
        if todo.reason is None:
            gone = _write(github, pull_request, todo, body)
            written = written or gone is None
        for comment in todo.surplus:
            github.delete_comment(comment.id)
        outcome = CommentOutcome(
            url=todo.canonical.url if todo.canonical else None, note=None if written else todo.reason
        )
        if todo.reason is not None:
            return outcome
    if gone is not None and not written:
        raise gone
    return outcome


def _write(github: GitHub, pull_request: int, todo: Edits, body: str) -> GitHubError | None:
    """Create or update; return the error where the comment was deleted just now: the next round makes another."""
    if todo.canonical is None:
        github.create_comment(pull_request, body)
        return None
    try:
        github.update_comment(todo.canonical.id, body)
    except GitHubError as error:
        if error.refusal is not Refusal.NOT_FOUND:
            raise
        return error
    if todo.canonical.hidden is not None and says_other(todo.canonical.body, body):
        _show(github, todo.canonical.hidden)
    return None


def _show(github: GitHub, node_id: str) -> None:
    """Show a hidden comment again: what was hidden was older news. It is written, so a refusal is only told."""
    try:
        github.show_comment(node_id)
    except GitHubError as error:
        log(f"the comment is up to date, but still hidden: {error}")


def _set_status(announcement: Announcement, target: Target) -> None:
    """Set the commit status, where one is asked for."""
    context, sha = target.settings.commit_status, target.situation.status_sha
    if context is None or sha is None:
        return
    if target.github is None:
        raise GitHubError(Refusal.NO_TOKEN, _NO_TOKEN)
    target.github.set_status(
        sha,
        state=announcement.state,
        context=context,
        description=announcement.description,
        target_url=target.run_url,
    )


def _tell(failures: Sequence[Failure], target: Target, environ: Mapping[str, str]) -> list[str]:
    """Say in the log and in the summary what was not published, and what to do about it; return the first part."""
    messages = [f"not published: {failure.step}: {failure.message}" for failure in failures]
    how_to = advice(
        [failure.refusal for failure in failures],
        target.situation,
        sets_status=target.settings.commit_status is not None,
    )
    for text in [*messages, *([how_to] if how_to else [])]:
        log(text)
    Attempts().run("job summary", lambda: write_summary(environ, unpublished(messages, how_to)))
    return messages


_NO_TOKEN = "there is no token: pass `github_token`, or GITHUB_TOKEN"  # noqa: S105
