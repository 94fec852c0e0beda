"""The content of the repository at a revision: the texts of its files, and the entries of its folders.

A revision is a commit's hash, or a branch as ``refs/heads/NAME``. GraphQL follows no symbolic link: a link's text is
where it leads.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from smoke_gate.github.retry import Refusal
from smoke_gate.github.transport import RESERVE, GitHubError, NoGraphQLError, Transport, understood

BRANCH = "refs/heads/"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """Something in a tree: its path from there, git's name of its kind (``blob``, ``tree``, ``commit``), its hash."""

    path: str
    kind: str
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The entries of a tree; ``truncated``: it holds more than GitHub lists."""

    entries: tuple[TreeEntry, ...]
    truncated: bool


class Contents:
    """The files of one repository. Every method raises ``GitHubError`` where GitHub does not do as asked."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def texts(self, revision: str, paths: Sequence[str]) -> Mapping[str, str]:
        """Return the texts of those files that the revision has, by their paths."""
        try:
            return self._texts_by_graphql(revision, paths)
        except NoGraphQLError:
            found = {path: self._text_by_rest(revision, path) for path in paths}
            if None in found.values():  # a revision that is not there has no files either
                self._transport.rest("GET", f"/git/commits/{_name(revision)}", reserve=RESERVE)
            return {path: text for path, text in found.items() if text is not None}

    def merge_base(self, base: str, head: str) -> str:
        """Return the commit where two revisions part: the newest that both have."""
        between = f"{_name(base)}...{_name(head)}"
        with understood():
            # The second page has everything but the files that differ, which may be very long.
            answer = self._transport.rest("GET", f"/compare/{between}?per_page=1&page=2", reserve=RESERVE)
            return str(answer["merge_base_commit"]["sha"])

    def commit(self, name: str) -> str:
        """Return the whole hash of a commit whose hash is shortened."""
        with understood():
            found = self._transport.graphql(_query({}), {"revision": name})["revision"]
            sha = "" if found is None else str(found["oid"])
        if not sha.startswith(name):  # a branch may have the name of a shortened hash
            raise GitHubError(Refusal.NOT_FOUND, f"the repository has no commit {name}")
        return sha

    def tree(self, sha: str, *, recursive: bool) -> Listing:
        """Return what a tree, or a commit's tree, holds; ``recursive``: with what is in the folders below it."""
        query = "?recursive=1" if recursive else ""
        with understood():
            answer = self._transport.rest("GET", f"/git/trees/{_name(sha)}{query}", reserve=RESERVE)
            entries = (
                TreeEntry(path=str(one["path"]), kind=str(one["type"]), sha=str(one["sha"]))
                for one in answer["tree"]
            )
            return Listing(entries=tuple(entries), truncated=bool(answer["truncated"]))

    def _texts_by_graphql(self, revision: str, paths: Sequence[str]) -> Mapping[str, str]:
        names = {f"file{number}": path for number, path in enumerate(paths)}
        expressions = {name: f"{revision}:{path}" for name, path in names.items()}
        with understood():
            found = self._transport.graphql(_query(names), {"revision": revision, **expressions})
            if found["revision"] is None:
                raise GitHubError(Refusal.NOT_FOUND, f"the repository has no {shown(revision)}")
            blobs = {path: found[name] for name, path in names.items() if found[name] is not None}
            return {path: _text_of_blob(blob, path, revision) for path, blob in blobs.items()}

    def _text_by_rest(self, revision: str, path: str) -> str | None:
        query = urlencode({"ref": revision.removeprefix(BRANCH)})
        try:
            data = self._transport.rest("GET", f"/contents/{quote(path)}?{query}", reserve=RESERVE)
        except GitHubError as error:
            if error.refusal is not Refusal.NOT_FOUND:
                raise
            return None
        with understood():
            if not isinstance(data, dict) or data["type"] != "file" or data["encoding"] != "base64":
                raise _not_whole(path, revision)
            try:
                return base64.b64decode(data["content"]).decode()
            except UnicodeDecodeError:
                raise _not_whole(path, revision) from None


def _name(revision: str) -> str:
    """Return a revision as REST takes it in a path."""
    return quote(revision.removeprefix(BRANCH), safe="")


def shown(revision: str) -> str:
    """Return a revision as messages name it."""
    return revision.removeprefix(BRANCH) if revision.startswith(BRANCH) else revision[:12]


def _query(names: Mapping[str, str]) -> str:
    """Return a query for a revision and files of it."""
    variables = "".join(f", ${name}: String!" for name in names)
    files = "\n".join(
        f"    {name}: object(expression: ${name}) {{ ... on Blob {{ text isTruncated }} }}" for name in names
    )
    return (
        f"query($owner: String!, $name: String!, $revision: String!{variables}) {{\n"
        "  repository(owner: $owner, name: $name) {\n"
        "    revision: object(expression: $revision) { oid }\n"
        f"{files}\n  }}\n}}\n"
    )


def _text_of_blob(blob: Any, path: str, revision: str) -> str:
    if not blob or blob["text"] is None or blob["isTruncated"]:  # an empty object is a folder
        raise _not_whole(path, revision)
    return str(blob["text"])


def _not_whole(path: str, revision: str) -> GitHubError:
    return GitHubError(
        Refusal.INVALID, f"`{path}` of `{shown(revision)}` is not a text that GitHub gives whole"
    )
