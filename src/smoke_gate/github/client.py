"""GitHub, as far as publishing needs it, in few calls.

GraphQL says who wrote a comment, which REST cannot. A comment's id is taken from its address: the field ``databaseId``
is too small for today's ids, and the one that replaces it is unknown to older Enterprise Servers. Where there is no
GraphQL, a comment is ours if the server names its author as the token's owner.
"""

from dataclasses import dataclass
from itertools import count
from typing import Any, Literal
from urllib.parse import urlencode

from smoke_gate.github.access import Access
from smoke_gate.github.artifacts import KeptArtifacts
from smoke_gate.github.comment import Comment
from smoke_gate.github.contents import Contents
from smoke_gate.github.retry import Refusal
from smoke_gate.github.transport import Clock, GitHubError, NoGraphQLError, Transport, understood

PAGE = 100  # the most entries that GitHub puts on a page

_DISCUSSION = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(first: 100, after: $after) {
        nodes { id url body viewerDidAuthor isMinimized }
        pageInfo { hasNextPage endCursor }
      }
      headRefOid
    }
  }
}
"""

_SHOW = """
mutation($id: ID!) {
  unminimizeComment(input: {subjectId: $id}) { unminimizedComment { isMinimized } }
}
"""

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
        self._access, self._clock = access, clock or Clock()
        self._transport = Transport(self._access, self._clock)
        self._created: set[int] = (
            set()
        )  # comments of this job: ours, though the server may not say who we are
        self.contents = Contents(self._transport)
        self.artifacts = KeptArtifacts(self._transport)

    def apart(self) -> "GitHub":
        """Return the same repository with a deadline of its own: what is asked there leaves time to publish here."""
        return GitHub(self._access, self._clock)

    def pull_request(self, number: int) -> PullRequest:
        """Return a pull request."""
        with understood():
            return _pull_request(self._transport.rest("GET", f"/pulls/{number}"))

    def pull_requests_of(self, sha: str, head_label: str | None = None) -> list[PullRequest]:
        """Return the open pull requests whose head is the commit, the oldest first.

        This repository does not have a fork's commit, so GitHub lists no pull request of it; that one is found by its
        branch (``owner:branch``).
        """
        found = self._pull_requests("/pulls", state="open", head=head_label) if head_label else []
        found = found or self._pull_requests_with(sha)
        ours = (pull for pull in found if pull.is_open and pull.head_sha == sha)
        return sorted(ours, key=lambda pull: pull.number)

    def discussion(self, number: int) -> Discussion:
        """Return a pull request's head and all its comments, over all pages; the head is as of the last page."""
        try:
            return self._discussion_by_graphql(number)
        except NoGraphQLError:
            return self._discussion_by_rest(number)

    def _discussion_by_graphql(self, number: int) -> Discussion:
        comments: list[Comment] = []
        after: str | None = None
        while True:
            with understood():
                repository = self._transport.graphql(_DISCUSSION, {"number": number, "after": after})
                pull = repository["pullRequest"]
                comments += [_comment_of_graphql(node) for node in pull["comments"]["nodes"]]
                page = pull["comments"]["pageInfo"]
                if not page["hasNextPage"]:
                    return Discussion(head_sha=pull["headRefOid"], comments=tuple(comments))
                after = page["endCursor"]

    def _discussion_by_rest(self, number: int) -> Discussion:
        with understood():
            owner = self._transport.login()
            comments: dict[int, Comment] = {}
            for page in count(1):
                data = self._transport.rest("GET", f"/issues/{number}/comments?per_page={PAGE}&page={page}")
                new = {one["id"]: self._comment_of_rest(one, owner) for one in data}
                if new.keys() <= comments.keys():  # the last page was before, or the server has no pages
                    break
                comments |= new
        return Discussion(head_sha=self.pull_request(number).head_sha, comments=tuple(comments.values()))

    def _comment_of_rest(self, data: Any, owner: str | None) -> Comment:
        own = data["id"] in self._created or (owner is not None and data["user"]["login"] == owner)
        return Comment(id=data["id"], body=data["body"], own=own, url=data["html_url"])

    def create_comment(self, number: int, body: str) -> None:
        """Write a comment. One that a lost answer left behind, known by its first line, is not written twice."""
        marker = body.partition("\n")[0]

        def is_there() -> bool:
            comments = self.discussion(number).comments
            return any(comment.own and comment.body.startswith(marker) for comment in comments)

        made = self._transport.rest("POST", f"/issues/{number}/comments", {"body": body}, is_done=is_there)
        if made is not None:
            with understood():
                self._created.add(made["id"])

    def update_comment(self, comment_id: int, body: str) -> None:
        """Write another text into a comment."""
        self._transport.rest("PATCH", f"/issues/comments/{comment_id}", {"body": body})

    def show_comment(self, node_id: str) -> None:
        """Show a comment again that somebody has hidden. REST has no such request, and does not say what is hidden."""
        self._transport.mutation(_SHOW, {"id": node_id})

    def delete_comment(self, comment_id: int) -> None:
        """Delete a comment; one that is gone already is deleted."""
        try:
            self._transport.rest("DELETE", f"/issues/comments/{comment_id}")
        except GitHubError as error:
            if error.refusal is not Refusal.NOT_FOUND:
                raise

    def set_status(
        self, sha: str, *, state: StatusState, context: str, description: str, target_url: str | None
    ) -> None:
        """Set a commit's status; of a context the newest counts."""
        status = {"state": state, "context": context, "description": description, "target_url": target_url}

        def is_set() -> bool:
            with understood():
                known = self._transport.rest("GET", f"/commits/{sha}/status?per_page={PAGE}")["statuses"]
                return any(status.items() <= one.items() for one in known)

        self._transport.rest("POST", f"/statuses/{sha}", status, is_done=is_set)

    def _pull_requests_with(self, sha: str) -> list[PullRequest]:
        try:
            return self._pull_requests(f"/commits/{sha}/pulls")
        except GitHubError as error:
            if error.refusal is not Refusal.INVALID:  # a commit that the repository does not have
                raise
            return []

    def _pull_requests(self, path: str, **query: str) -> list[PullRequest]:
        with understood():
            data = self._transport.rest("GET", f"{path}?{urlencode({**query, 'per_page': PAGE})}")
            return [_pull_request(one) for one in data]


def _pull_request(data: Any) -> PullRequest:
    return PullRequest(
        number=data["number"],
        head_sha=data["head"]["sha"],
        base_ref=data["base"]["ref"],
        is_open=data["state"] == "open",
    )


def _comment_of_graphql(node: Any) -> Comment:
    return Comment(
        id=int(node["url"].rpartition("#issuecomment-")[2]),
        body=node["body"],
        own=node["viewerDidAuthor"],
        url=node["url"],
        hidden=node["id"] if node["isMinimized"] else None,
    )
