"""The sticky comment: its marker, and what to do about the comments that are there. Pure.

Several gates may work on one pull request at the same time, and GitHub has no conditional update. Three rules make them
end with one comment that says the newest: the own comment with the lowest id is the canonical one and is never deleted;
every gate deletes the other own ones, unless they are newer than what the canonical one says; and a gate never writes
over something newer than itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MARKER = re.compile(
    r"<!-- smoke-gate id=(?P<id>\S+) sha=(?P<sha>[0-9a-f]*) run=(?P<run>\d+) attempt=(?P<attempt>\d+)"
    r" at=(?P<at>[\dTZ.:-]+) -->"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Which gate wrote a comment, for which commit, in which run, and when it looked (ISO 8601, UTC).

    It is kept in a hidden marker on the comment's first line.
    """

    comment_id: str
    sha: str
    run_id: int
    run_attempt: int
    at: str

    @property
    def marker(self) -> str:
        """The marker's line: HTML that nobody sees."""
        return (
            f"<!-- smoke-gate id={self.comment_id} sha={self.sha} run={self.run_id}"
            f" attempt={self.run_attempt} at={self.at} -->"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on the pull request.

    ``own``: this token's identity wrote it. ``hidden`` is GraphQL's id of it where somebody has hidden it, else None.
    """

    id: int
    body: str
    own: bool
    url: str
    hidden: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """The edits of the comments: write or not, into ``canonical`` or into a new one; then delete ``surplus``.

    ``reason`` says why nothing is written, None where something is.
    """

    canonical: Comment | None = None
    reason: str | None = None
    surplus: tuple[Comment, ...] = ()

    @property
    def writes(self) -> bool:
        """True if the report is to be written."""
        return self.reason is None


def stamp_of(body: str) -> Stamp | None:
    """Read the marker on the first line, None where there is none."""
    found = MARKER.match(body)
    if not found:
        return None
    return Stamp(
        comment_id=found["id"],
        sha=found["sha"],
        run_id=int(found["run"]),
        run_attempt=int(found["attempt"]),
        at=found["at"],
    )


def says_other(one: str, other: str) -> bool:
    """Return whether two comments say other things below their markers."""
    return one.partition("\n")[2].split() != other.partition("\n")[2].split()


def newer(one: Stamp, other: Stamp, *, head: str) -> bool:
    """Return whether ``one`` is newer than ``other``: of the head commit, of a later attempt, or looked later."""
    if (one.sha == head) != (other.sha == head):
        return one.sha == head
    if one.run_id == other.run_id:
        return one.run_attempt > other.run_attempt
    return one.at > other.at


def edits(
    comments: Sequence[Comment], mine: Stamp, *, head: str, may_create: bool, written: bool = False
) -> Edits:
    """Decide what to do about the comments of a pull request.

    Args:
        comments: all of them; those of others are left alone, whatever marker they hold.
        mine: who asks.
        head: the pull request's head commit, as it is now.
        may_create: whether a comment may be made where there is none.
        written: whether this gate wrote already and only makes sure of the end.

    """
    own = _own(comments, mine.comment_id)
    if not own:
        return Edits(reason=_why_not_create(mine, head, may_create=may_create, written=written))
    (canonical, said), *others = own
    newest = next((stamp for _, stamp in own if newer(stamp, mine, head=head)), None)
    reason = _why_not_update(mine, said, newest, head, written=written)
    shown = said if reason else mine
    surplus = tuple(comment for comment, stamp in others if not newer(stamp, shown, head=head))
    return Edits(canonical=canonical, reason=reason, surplus=surplus)


def _own(comments: Sequence[Comment], comment_id: str) -> list[tuple[Comment, Stamp]]:
    """Return this gate's comments with what they say, the canonical one first."""
    stamped = ((comment, stamp_of(comment.body)) for comment in comments if comment.own)
    own = [(comment, stamp) for comment, stamp in stamped if stamp and stamp.comment_id == comment_id]
    return sorted(own, key=lambda pair: pair[0].id)


def _why_not_create(mine: Stamp, head: str, *, may_create: bool, written: bool) -> str | None:
    if mine.sha != head:
        return _moved_on(mine, head)
    if written:
        return "it was deleted meanwhile"
    return None if may_create else "there is no comment yet, and none is wanted for this verdict"


def _why_not_update(
    mine: Stamp, said: Stamp, newest: Stamp | None, head: str, *, written: bool
) -> str | None:
    if mine.sha != head:
        return _moved_on(mine, head)
    if newest is not None:
        return f"there is one of a newer attempt (run {newest.run_id}, attempt {newest.run_attempt})"
    if written and not newer(mine, said, head=head):
        return "it is up to date"
    return None


def _moved_on(mine: Stamp, head: str) -> str:
    return f"this gate judged {mine.sha[:12]}, but the pull request's head is now {head[:12]}"
