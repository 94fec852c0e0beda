"""GitHub, as far as publishing needs it, in few calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from smoke_gate.github.comment import Comment
from smoke_gate.github.queries import DISCUSSION, FILE
from smoke_gate.github.retry import Problem
from smoke_gate.github.transport import Access, Clock, GitHubError, Transport

PAGE = 100  # the most entries that GitHub puts on a page

StatusState = Literal["error", "failure", "pending", "success"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as far as a gate needs it."""

    number: int
    head_sha: str
    base_ref: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Discussion:
    """A pull request's head commit, and all comments on it."""

    head_sha: str
    comments: tuple[Comment, ...]


class GitHub:
    """One repository on GitHub. Every method raises ``GitHubError`` where GitHub does not do as asked."""

    def __init__(self, access: Access, clock: Clock | None = None) -> None:
        self._transport = Transport(access, clock or Clock())

    def pull_request(self, number: int) -> PullRequest:
        """Return a pull request."""
        with _understood():
            return _pull_request(self._transport.rest("GET", f"/pulls/{number}"))

    def pull_requests_of(self, sha: str, head_label: str | None = None) -> list[PullRequest]:
        """Return the open pull requests whose head is the commit, the oldest first.

        A commit of a fork is none of this repository's, so GitHub lists no pull request of it; that one is found by
        its branch (``owner:branch``).
        """
        found = self._pull_requests("/pulls", state="open", head=head_label) if head_label else []
        found = found or self._pull_requests_with(sha)
        ours = (pull for pull in found if pull.is_open and pull.head_sha == sha)
        return sorted(ours, key=lambda pull: pull.number)

    def discussion(self, number: int) -> Discussion:
        """Return a pull request's head and all its comments, over all pages; the head is as of the last page."""
        comments: list[Comment] = []
        after: str | None = None
        while True:
            with _understood():
                repository = self._transport.graphql(DISCUSSION, {"number": number, "after": after})
                pull = repository["pullRequest"]
                comments += [_comment(node) for node in pull["comments"]["nodes"]]
                page = pull["comments"]["pageInfo"]
                if not page["hasNextPage"]:
                    return Discussion(head_sha=pull["headRefOid"], comments=tuple(comments))
                after = page["endCursor"]

    def create_comment(self, number: int, body: str) -> None:
        """Write a comment. One that a lost answer left behind, known by its first line, is not written twice."""
        marker = body.partition("\n")[0]

        def is_there() -> bool:
            comments = self.discussion(number).comments
            return any(comment.own and comment.body.startswith(marker) for comment in comments)

        self._transport.rest("POST", f"/issues/{number}/comments", {"body": body}, is_done=is_there)

    def update_comment(self, comment_id: int, body: str) -> None:
        """Write another text into a comment."""
        self._transport.rest("PATCH", f"/issues/comments/{comment_id}", {"body": body})

    def delete_comment(self, comment_id: int) -> None:
        """Delete a comment; one that is gone already is deleted."""
        try:
            self._transport.rest("DELETE", f"/issues/comments/{comment_id}")
        except GitHubError as error:
            if error.problem is not Problem.NOT_FOUND:
                raise

    def set_status(
        self, sha: str, *, state: StatusState, context: str, description: str, target_url: str | None
    ) -> None:
        """Set a commit's status; of a context the newest counts."""
        status = {"state": state, "context": context, "description": description, "target_url": target_url}

        def is_set() -> bool:
            with _understood():
                known = self._transport.rest("GET", f"/commits/{sha}/status?per_page={PAGE}")["statuses"]
                return any(status.items() <= one.items() for one in known)

        self._transport.rest("POST", f"/statuses/{sha}", status, is_done=is_set)

    def file_text(self, branch: str, path: str) -> str | None:
        """Return a file of a branch, None where the branch has no such file."""
        with _understood():
            repository = self._transport.graphql(FILE, {"expression": f"refs/heads/{branch}:{path}"})
            blob = repository["object"]
            if blob is None:
                return None
            if blob.get("text") is None or blob["isTruncated"]:
                raise GitHubError(
                    Problem.INVALID, f"`{path}` of `{branch}` is no text that GitHub gives whole"
                )
            return str(blob["text"])

    def _pull_requests_with(self, sha: str) -> list[PullRequest]:
        try:
            return self._pull_requests(f"/commits/{sha}/pulls")
        except GitHubError as error:
            if error.problem is not Problem.INVALID:  # a commit that the repository does not have
                raise
            return []

    def _pull_requests(self, path: str, **query: str) -> list[PullRequest]:
        with _understood():
            data = self._transport.rest("GET", f"{path}?{urlencode({**query, 'per_page': PAGE})}")
            return [_pull_request(one) for one in data]


def _pull_request(data: Any) -> PullRequest:
    return PullRequest(
        number=data["number"],
        head_sha=data["head"]["sha"],
        base_ref=data["base"]["ref"],
        is_open=data["state"] == "open",
    )


def _comment(node: Any) -> Comment:
    return Comment(
        id=int(node["url"].rpartition("#issuecomment-")[2]),
        body=node["body"],
        own=node["viewerDidAuthor"],
        url=node["url"],
    )


@contextmanager
def _understood() -> Iterator[None]:
    """Turn an answer of another form than GitHub documents into an error that says so."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"GitHub answered in a form that is not known here ({type(error).__name__}: {error})"
        raise GitHubError(Problem.INVALID, message) from error
