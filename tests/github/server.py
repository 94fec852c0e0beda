"""A small GitHub on the loopback: it remembers, it has limits and permissions, and it can be made to fail.

Every REST request and answer is held against GitHub's own description; queries are run by a GraphQL engine against the
part of GitHub's schema that is in ``schema.graphql``. What breaks either is in ``violations``, which a test must find
empty (``running`` sees to it). With ``graphql`` False it is what Gitea and Forgejo are: REST below ``/api/v1``,
comments without pages, and comparisons that do not tell where branches part.
"""

import base64
import hashlib
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from graphql import GraphQLError, build_schema, graphql_sync

from tests.github.openapi import example, violation

REPOSITORY = "lab/forecasts"
BOT, STRANGER = "github-actions[bot]", "mallory"
LONGEST_BODY = 65_536
MAIN, TIP = "refs/heads/main", "d" * 40
LONGEST_STATUS = {"description": 140, "context": 255}
SCHEMA = build_schema((Path(__file__).parent / "schema.graphql").read_text(encoding="utf-8"))


@dataclass
class Pull:
    """A pull request."""

    number: int
    sha: str
    base: str = "main"
    label: str = "lab:feature"
    state: str = "open"


@dataclass
class Note:
    """A comment."""

    id: int
    pull: int
    author: str
    body: str
    hidden: bool = False


@dataclass
class Kept:
    """An artifact that a workflow run left behind; ``location`` None: it lies on the storage, as all do."""

    id: int
    archive: bytes
    name: str = "smoke-gate-main"
    run_id: int = 50
    branch: str = "main"
    sha: str = TIP
    event: str = "push"
    repository: str = REPOSITORY
    created_at: str = "2026-01-31T12:00:00Z"
    expired: bool = False
    size: int | None = None
    location: str | None = None


@dataclass
class Token:
    """Who holds a token, and what it may do."""

    login: str = BOT
    may_comment: bool = True
    may_set_status: bool = True
    may_read_files: bool = True
    may_read_actions: bool = True
    may_read_user: bool = False
    may_show: bool = True


@dataclass
class Fault:
    """A fault, instead of the right answer or after it, for the next ``times`` requests that fit.

    ``status`` None cuts the connection without an answer; ``html``: a proxy speaks in GitHub's place; ``done``: the
    request is carried out first.
    """

    verb: str
    path: str
    status: int | None
    message: str = "Server Error"
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    html: str = ""
    done: bool = False
    delay: float = 0

    @property
    def reply(self) -> "Reply | None":
        """The answer."""
        if self.status is None:
            return None
        return Reply(self.status, _error(self.message), self.headers, html=self.html)


@dataclass
class FakeGitHub:
    """The state of GitHub, and what was asked of it.

    ``files`` are named ``REVISION:PATH``. ``revisions`` are there beside the pull requests' heads, whether or not they
    have files; ``commits`` are hashes that have the files of another revision. ``merge_base`` is where every pull
    request left main. ``tree_limit`` is how many entries a list of a tree has. ``storage`` is the
    address of the host that holds the ``kept`` artifacts.
    """

    pulls: dict[int, Pull] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=lambda: {TIP: MAIN})
    revisions: set[str] = field(default_factory=lambda: {MAIN})
    merge_base: str = TIP
    graphql: bool = True
    trees: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    tree_limit: int = 100_000
    kept: list[Kept] = field(default_factory=list)
    storage: str = ""
    tokens: dict[str, Token] = field(default_factory=lambda: {"secret-token": Token()})
    faults: list[Fault] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda verb, path: None
    graphql_page: int = 100
    made: int = 0
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    next_id: int = 3_900_000_000  # larger than what fits 32 bits, as GitHub's are

    def push(self, number: int, sha: str) -> None:
        """Move the pull request's head, or open it."""
        with self.lock:
            self.pulls.setdefault(number, Pull(number, sha)).sha = sha

    def say(self, number: int, body: str, author: str = STRANGER) -> Note:
        """Write a comment."""
        with self.lock:
            self.next_id += 1
            note = Note(self.next_id, number, author, body)
            self.notes.append(note)
            return note

    def files_at(self, revision: str) -> dict[str, dict[str, Any]] | None:
        """Return a revision's files by their paths; None if there is no such revision."""
        name = self.commits.get(revision, revision)
        found = {
            key.partition(":")[2]: blob for key, blob in self.files.items() if key.startswith(f"{name}:")
        }
        heads = {pull.sha for pull in self.pulls.values()}
        return found if found or name in self.revisions | heads else None

    def of(self, author: str = BOT) -> list[Note]:
        """Return somebody's comments, the oldest first."""
        return [note for note in self.notes if note.author == author]

    def asked(self, verb: str, path: str) -> int:
        """Return how often a request was made."""
        return sum(verb == one and re.fullmatch(path, other) is not None for one, other in self.log)


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    html: str = ""

    @property
    def content(self) -> bytes:
        """Its bytes."""
        if self.html:
            return self.html.encode()
        return b"" if self.body is None else json.dumps(self.body).encode()


@contextmanager
def running(github: FakeGitHub) -> Iterator[FakeGitHub]:
    """Serve on a free port of the loopback; fail where GitHub's description was broken."""
    server = Server(github)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    github.url = f"http://127.0.0.1:{server.server_address[1]}{'' if github.graphql else '/api/v1'}"
    try:
        yield github
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    if github.violations:
        raise AssertionError("\n".join(github.violations))


# --- HTTP -------------------------------------------------------------------------------------------------------------


class Server(ThreadingHTTPServer):
    """A server of one GitHub."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, github: FakeGitHub) -> None:
        self.github = github
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def _serve(self) -> None:
        github = self.server.github
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path if github.graphql else self._below("/api/v1")
        github.log.append((self.command, path))
        github.before(self.command, path)
        fault = _fault(github, self.command, path)
        if fault is None:
            self._send(self._reply(path, body))
            return
        if fault.done:
            self._reply(path, body)
        time.sleep(fault.delay)
        self._send(fault.reply)

    def _below(self, root: str) -> str:
        """Return the path below the API's root; what lies elsewhere is nowhere."""
        path = urlsplit(self.path).path
        return path.removeprefix(root) if path.startswith(root) else f"/nowhere{path}"

    def _reply(self, path: str, body: bytes) -> Reply:
        github = self.server.github
        token = github.tokens.get(self.headers.get("Authorization", "").removeprefix("token "))
        if token is None:
            return Reply(401, _error("Bad credentials"))
        query = dict(parse_qsl(urlsplit(self.path).query))
        with github.lock:
            if path == "/graphql" and github.graphql:
                return _graphql(github, token, json.loads(body))
            reply = _route(github, token, self.command, path, query, json.loads(body or b"null"))
        if not github.graphql and path.startswith(("/nowhere", f"/repos/{REPOSITORY}/compare")):
            return reply  # not GitHub's
        broken = violation(self.command, _described(path), query, body, reply.status, reply.content)
        if broken:
            github.violations.append(broken)
        return reply

    def _send(self, reply: Reply | None) -> None:
        if reply is None:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(reply.content)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server calls


def _described(path: str) -> str:
    """Return a path as the description has it, where a file's path is one part."""
    before, contents, file = path.partition("/contents/")
    return f"{before}{contents}{quote(file, safe='')}"


def _fault(github: FakeGitHub, verb: str, path: str) -> Fault | None:
    with github.lock:
        for fault in github.faults:
            if fault.times and fault.verb == verb and re.fullmatch(fault.path, path):
                fault.times -= 1
                return fault
    return None


def _error(message: str) -> dict[str, Any]:
    return {"message": message, "documentation_url": "https://docs.github.com/rest"}


NOT_FOUND = Reply(404, _error("Not Found"))
FORBIDDEN = Reply(403, _error("Resource not accessible by integration"))


# --- REST -------------------------------------------------------------------------------------------------------------

Route = Callable[[FakeGitHub, Token, Mapping[str, str], Any, re.Match[str]], Reply]


def _route(
    github: FakeGitHub, token: Token, verb: str, path: str, query: Mapping[str, str], body: Any
) -> Reply:
    if (verb, path) == ("GET", "/user"):
        return _get_user(token)
    for method, pattern, handler in ROUTES:
        match = re.fullmatch(f"/repos/{REPOSITORY}{pattern}", unquote(path))
        if match and method == verb:
            return handler(github, token, query, body, match)
    return NOT_FOUND


def _get_user(token: Token) -> Reply:
    if not token.may_read_user:
        return FORBIDDEN
    return Reply(200, example("public-user", login=token.login, user_view_type="public"))


def _get_pull(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    pull = github.pulls.get(int(match[1]))
    return Reply(200, _pull_json(pull, "pull-request")) if pull else NOT_FOUND


def _list_pulls(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    found = [
        _pull_json(pull, "pull-request-simple")
        for pull in github.pulls.values()
        if pull.state == query.get("state", "open") and query.get("head", pull.label) == pull.label
    ]
    return Reply(200, _page(found, query))


def _pulls_of_commit(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    own = [pull for pull in github.pulls.values() if pull.label.startswith("lab:")]
    found = [_pull_json(pull, "pull-request-simple") for pull in own if pull.sha == match[1]]
    if not found:
        return Reply(422, _error(f"No commit found for SHA: {match[1]}"))
    return Reply(200, _page(found, query))


def _list_notes(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    notes = [_note_json(note) for note in github.notes if note.pull == int(match[1])]
    return Reply(200, _page(notes, query) if github.graphql else notes)


def _create_note(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    if not token.may_comment:
        return FORBIDDEN
    if int(match[1]) not in github.pulls:
        return NOT_FOUND
    if len(body["body"]) > LONGEST_BODY:
        return Reply(422, _error("Validation Failed: body is too long (maximum is 65536 characters)"))
    github.made += 1
    return Reply(201, _note_json(github.say(int(match[1]), body["body"], token.login)))


def _update_note(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    note = next((note for note in github.notes if note.id == int(match[1])), None)
    if note is None:
        return NOT_FOUND
    if not token.may_comment or note.author != token.login:
        return FORBIDDEN
    if len(body["body"]) > LONGEST_BODY:
        return Reply(422, _error("Validation Failed: body is too long (maximum is 65536 characters)"))
    note.body = body["body"]
    return Reply(200, _note_json(note))


def _delete_note(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    note = next((note for note in github.notes if note.id == int(match[1])), None)
    if note is None:
        return NOT_FOUND
    if not token.may_comment or note.author != token.login:
        return FORBIDDEN
    github.notes.remove(note)
    return Reply(204)


def _create_status(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    if not token.may_set_status:
        return FORBIDDEN
    for name in ("description", "context"):
        text = body.get(name) or ""
        if len(text) > LONGEST_STATUS[name]:
            most = LONGEST_STATUS[name]
            return Reply(422, _error(f"Validation Failed: {name} is too long (maximum is {most} characters)"))
        if any(ord(character) > 0xFFFF for character in text):
            return Reply(422, _error(f"Validation Failed: {name} doesn't accept 4-byte Unicode"))
    github.statuses.append({"sha": match[1], **body})
    return Reply(201, example("status", **_status_json(body)))


def _combined_status(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    newest = {one["context"]: one for one in github.statuses if one["sha"] == match[1]}
    statuses = [example("simple-commit-status", **_status_json(one)) for one in newest.values()]
    combined = example("combined-commit-status", sha=match[1], statuses=statuses, total_count=len(statuses))
    return Reply(200, combined)


def _contents(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    if not token.may_read_files:
        return FORBIDDEN
    blob = (github.files_at(_revision(github, query["ref"])) or {}).get(match[1])
    if blob is None:
        return NOT_FOUND
    content, kind = blob["text"], "symlink" if blob.get("mode") == "120000" else "file"
    if kind == "symlink" or content is None:
        return Reply(200, example("content-symlink", type="symlink", path=match[1]))
    text = base64.encodebytes(content.encode()).decode()
    return Reply(200, example("content-file", type=kind, path=match[1], encoding="base64", content=text))


def _get_commit(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    if github.files_at(_revision(github, match[1])) is None:
        return NOT_FOUND
    return Reply(200, example("git-commit", sha=match[1]))


def _compare(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    if not token.may_read_files:
        return FORBIDDEN
    base, _, head = match[1].partition("...")
    if None in (github.files_at(_revision(github, base)), github.files_at(head)):
        return NOT_FOUND
    if not github.graphql:
        return Reply(200, {"total_commits": 1, "commits": []})
    made = example("commit-comparison")
    made["base_commit"] = {**made["base_commit"], "sha": TIP}
    made["merge_base_commit"] = {**made["merge_base_commit"], "sha": github.merge_base}
    return Reply(200, made)


def _get_tree(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    if not token.may_read_files:
        return FORBIDDEN
    files = github.trees.get(match[1])
    files = github.files_at(_revision(github, match[1])) if files is None else files
    if files is None:
        return NOT_FOUND
    entries = _entries(github, files)
    if not query.get("recursive"):
        entries = [entry for entry in entries if "/" not in entry["path"]]
    truncated = len(entries) > github.tree_limit
    tree = {"sha": match[1], "tree": entries[: github.tree_limit], "truncated": truncated}
    return Reply(200, tree)


def _entries(github: FakeGitHub, files: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return everything below a tree, folders before what is in them."""
    found: dict[str, dict[str, Any]] = {}
    for path, blob in sorted(files.items()):
        for folder in reversed(PurePosixPath(path).parents[:-1]):
            below = {
                name.removeprefix(f"{folder}/"): one
                for name, one in files.items()
                if name.startswith(f"{folder}/")
            }
            sha = _sha(sorted(below.items()))
            github.trees[sha] = below
            found[str(folder)] = {"path": str(folder), "mode": "040000", "type": "tree", "sha": sha}
        kind, mode = ("commit", "160000") if "commit" in blob else ("blob", blob.get("mode", "100644"))
        sha = blob["commit"] if kind == "commit" else _sha(blob["text"])
        found[path] = {"path": path, "mode": mode, "type": kind, "sha": sha}
    return list(found.values())


def _list_artifacts(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    if not token.may_read_actions:
        return FORBIDDEN
    found = [_artifact_json(one) for one in sorted(github.kept, key=lambda one: -one.id)]
    return Reply(200, {"total_count": len(found), "artifacts": _page(found, query)})


def _artifact_json(kept: Kept) -> dict[str, Any]:
    run = {
        "id": kept.run_id,
        "repository_id": 1,
        "head_repository_id": 1 if kept.repository == REPOSITORY else 2,
        "head_branch": kept.branch,
        "head_sha": kept.sha,
    }
    size = len(kept.archive) if kept.size is None else kept.size
    known = {"id": kept.id, "name": kept.name, "expired": kept.expired, "size_in_bytes": size}
    return {**example("artifact"), **known, "created_at": kept.created_at, "workflow_run": run}


def _get_run(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    if not token.may_read_actions:
        return FORBIDDEN
    kept = next((one for one in github.kept if one.run_id == int(match[1])), None)
    if kept is None:
        return NOT_FOUND
    owner = example("minimal-repository", full_name=kept.repository)
    known = {"id": kept.run_id, "event": kept.event, "head_sha": kept.sha, "head_branch": kept.branch}
    return Reply(200, example("workflow-run", **known, head_repository=owner))


def _get_archive(github: FakeGitHub, token: Token, query: Any, body: Any, match: re.Match[str]) -> Reply:
    if not token.may_read_actions:
        return FORBIDDEN
    kept = next((one for one in github.kept if one.id == int(match[1])), None)
    if kept is None:
        return NOT_FOUND
    if kept.expired:
        return Reply(410, _error("Artifact has expired"))
    place = kept.location or f"{github.storage}/{kept.id}?sig=signature-of-the-storage"
    return Reply(302, headers={"Location": place})


def _sha(content: object) -> str:
    return hashlib.sha1(repr(content).encode()).hexdigest()


def _revision(github: FakeGitHub, name: str) -> str:
    """Return a revision by the name that REST has for it."""
    branch = f"refs/heads/{name}"
    return branch if branch in github.revisions else name


ROUTES: list[tuple[str, str, Route]] = [
    ("GET", r"/pulls/(\d+)", _get_pull),
    ("GET", r"/pulls", _list_pulls),
    ("GET", r"/commits/(\w+)/pulls", _pulls_of_commit),
    ("GET", r"/issues/(\d+)/comments", _list_notes),
    ("POST", r"/issues/(\d+)/comments", _create_note),
    ("PATCH", r"/issues/comments/(\d+)", _update_note),
    ("DELETE", r"/issues/comments/(\d+)", _delete_note),
    ("GET", r"/contents/(.+)", _contents),
    ("GET", r"/git/commits/(.+)", _get_commit),
    ("GET", r"/compare/(.+)", _compare),
    ("GET", r"/git/trees/(\w+)", _get_tree),
    ("GET", r"/actions/artifacts", _list_artifacts),
    ("GET", r"/actions/artifacts/(\d+)/zip", _get_archive),
    ("GET", r"/actions/runs/(\d+)", _get_run),
    ("POST", r"/statuses/(\w+)", _create_status),
    ("GET", r"/commits/(\w+)/status", _combined_status),
]


def _page(entries: list[Any], query: Mapping[str, str]) -> list[Any]:
    """Return a page of 30, or of as many as are asked for up to 100."""
    size, number = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
    return entries[(number - 1) * size : number * size]


def _pull_json(pull: Pull, schema: str) -> dict[str, Any]:
    made = example(schema, number=pull.number, state=pull.state)
    made["head"] = {**made["head"], "sha": pull.sha, "label": pull.label}
    made["base"] = {**made["base"], "ref": pull.base}
    return made


def _note_json(note: Note) -> dict[str, Any]:
    user = example("simple-user", login=note.author)
    return example("issue-comment", id=note.id, body=note.body, user=user, html_url=_note_url(note))


def _note_url(note: Note) -> str:
    return f"https://github.com/{REPOSITORY}/pull/{note.pull}#issuecomment-{note.id}"


def _status_json(status: Mapping[str, Any]) -> dict[str, Any]:
    return {key: status.get(key) for key in ("state", "context", "description", "target_url")}


# --- GraphQL ----------------------------------------------------------------------------------------------------------


def _graphql(github: FakeGitHub, token: Token, request: Mapping[str, Any]) -> Reply:
    root = {
        "repository": lambda info, owner, name, **_: _repository(github, token, f"{owner}/{name}"),
        "unminimizeComment": lambda info, input: _show_note(github, token, input["subjectId"]),
    }
    result = graphql_sync(SCHEMA, request["query"], root, variable_values=request.get("variables"))
    if result.data is None and result.errors:  # not a query of this schema at all
        github.violations.append(f"GraphQL: {result.errors}")
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [
            {"type": (error.extensions or {}).get("type", ""), "message": error.message, "path": error.path}
            for error in result.errors
        ]
    return Reply(200, answer)


def _show_note(github: FakeGitHub, token: Token, node_id: str) -> dict[str, Any]:
    if not token.may_show:
        raise GraphQLError("Resource not accessible by integration", extensions={"type": "FORBIDDEN"})
    (note,) = [note for note in github.notes if _node_id(note) == node_id]
    note.hidden = False
    return {"unminimizedComment": {"__typename": "IssueComment", "isMinimized": note.hidden}}


def _node_id(note: Note) -> str:
    return f"IC_{note.id}"


def _repository(github: FakeGitHub, token: Token, name: str) -> dict[str, Any]:
    if name != REPOSITORY:
        raise GraphQLError(
            f"Could not resolve to a Repository with the name '{name}'.", extensions={"type": "NOT_FOUND"}
        )

    def pull_request(info: Any, number: int) -> dict[str, Any]:
        if number not in github.pulls:
            message = f"Could not resolve to a PullRequest with the number of {number}."
            raise GraphQLError(message, extensions={"type": "NOT_FOUND"})
        notes = [note for note in github.notes if note.pull == number]
        return {
            "headRefOid": github.pulls[number].sha,
            "comments": lambda info, first=None, after=None: _connection(
                notes, token, min(first, github.graphql_page), after
            ),
        }

    def git_object(info: Any, expression: str) -> dict[str, Any] | None:
        if not token.may_read_files:
            message = "Resource not accessible by integration"
            raise GraphQLError(message, extensions={"type": "FORBIDDEN"})
        revision, _, path = expression.partition(":")
        files = github.files_at(revision)
        if files is None or (path and path not in files):
            return None
        if not path:
            commit = github.commits.get(revision, revision)
            return {"__typename": "Commit", "oid": TIP if commit == MAIN else commit}
        blob = {name: value for name, value in files[path].items() if name != "mode"}
        return {"__typename": "Blob", "oid": "0" * 40, "isTruncated": False, **blob}

    return {"pullRequest": pull_request, "object": git_object}


def _connection(notes: list[Note], token: Token, first: int, after: str | None) -> dict[str, Any]:
    start = int(after or 0)
    page = notes[start : start + first]
    return {
        "nodes": [
            {
                "id": _node_id(note),
                "isMinimized": note.hidden,
                "url": _note_url(note),
                "body": note.body,
                "viewerDidAuthor": note.author == token.login,
            }
            for note in page
        ],
        "pageInfo": {"hasNextPage": start + first < len(notes), "endCursor": str(start + len(page))},
    }
