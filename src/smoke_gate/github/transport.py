"""Requests to GitHub, repeated with care and within one deadline."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase
from requests.exceptions import RequestException

from smoke_gate import __version__
from smoke_gate.deadline import within
from smoke_gate.errors import NoVerdictError
from smoke_gate.github.access import Access
from smoke_gate.github.retry import NO_ACCESS, Refusal, Reply, is_asked_for, pause_before_repeat, refusal_of
from smoke_gate.github.wording import refusal_words, why_nothing_came
from smoke_gate.redaction import process_secrets

DEADLINE = 60.0  # seconds that all requests and pauses may take together
RESERVE = 15.0  # of them, that queries leave to what must not be lost: the commit status
LONGEST_EXTRA = 120.0  # seconds of the one pause that may go beyond the deadline, because GitHub asks for it
GRAPHQL_STATUS = {"RATE_LIMITED": 429, "FORBIDDEN": 403, "INSUFFICIENT_SCOPES": 403, "NOT_FOUND": 404}

T = TypeVar("T")
ODD_REDIRECT = "a redirect leads to what is not a web address"
NO_SUCH_ENDPOINT = (404, 405, 501)  # what servers without GraphQL answer


class GitHubError(NoVerdictError):
    """GitHub did not do what it was asked for; ``refusal`` says why."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class NoGraphQLError(GitHubError):
    """The server has no GraphQL: REST has to do."""

    def __init__(self) -> None:
        super().__init__(Refusal.NOT_FOUND, "the server has no GraphQL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time in seconds since 1970, and a way to let it pass."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep


class Transport:
    """The way to one repository."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self.owner, _, self.name = access.repository.partition("/")
        self._repository = f"/repos/{quote(self.owner, safe='')}/{quote(self.name, safe='')}"
        self._graphql_url = access.graphql_url
        self._access = access
        self._session = _session(access)
        self._clock = clock
        self._spent = 0.0
        self._may_wait = True  # for a pause beyond the deadline

    def rest(
        self,
        verb: str,
        path: str,
        payload: Any = None,
        *,
        is_done: Callable[[], bool] | None = None,
        reserve: float = 0.0,
    ) -> Any:
        """Send a REST request about the repository and return what came back, None where that is nothing.

        Args:
            verb: GET, POST, PATCH or DELETE.
            path: below the repository, with its query.
            payload: what is sent, as JSON.
            is_done: for a POST: tells whether one that got no answer was done all the same. Then it is not repeated.
            reserve: how many seconds of the deadline it leaves to what comes later.

        Raises:
            GitHubError: it was not granted.

        """
        url = self._access.api_url + self._repository + path
        return _parsed(self._send(verb, url, _without_secrets(payload), is_done, DEADLINE - reserve))

    def redirected(self, path: str, follow: Callable[[str, str, Access], T]) -> T:
        """Ask for a file that lies elsewhere: GitHub says where, and ``follow`` fetches it from there.

        Raises:
            GitHubError: it was not granted, or there was no answer in time.

        """
        url = self._access.api_url + self._repository + path
        reply = self._send("GET", url, None, None, DEADLINE, leads_away=True)
        if reply.granted:
            raise GitHubError(Refusal.INVALID, f"GET {urlsplit(url).path}: a redirect was expected")
        started, location = self._clock.now(), reply.headers["location"]
        try:
            return within(DEADLINE - self._spent, follow, url, location, self._access)
        except (RequestException, TimeoutError) as error:
            why = why_nothing_came(location, error)
            raise GitHubError(
                Refusal.UNREACHABLE, f"GET {urlsplit(url).path}: redirected, then {why}"
            ) from None
        finally:
            self._spent += self._clock.now() - started

    def login(self) -> str | None:
        """Return the name of the token's owner; None where the server does not tell it to this token.

        Raises:
            GitHubError: the server does not answer.

        """
        try:
            user = _parsed(self._send("GET", f"{self._access.api_url}/user", None, None, DEADLINE - RESERVE))
        except GitHubError as error:
            if error.refusal not in NO_ACCESS:
                raise
            return None
        return str(user["login"])

    def graphql(self, query: str, variables: Mapping[str, Any]) -> Any:
        """Send a query about the repository and return its ``repository``.

        Raises:
            NoGraphQLError: the server has no GraphQL; it is not asked again.
            GitHubError: it was not granted.

        """
        names = {"owner": self.owner, "name": self.name}
        return self.mutation(query, {**names, **variables})["repository"]

    def mutation(self, query: str, variables: Mapping[str, Any]) -> Any:
        """Send what is not about the repository and return its ``data``; it may be sent twice.

        Raises:
            NoGraphQLError: the server has no GraphQL; it is not asked again.
            GitHubError: it was not granted.

        """
        if self._graphql_url is None:
            raise NoGraphQLError
        payload = {"query": query, "variables": variables}
        try:
            answer = _parsed(self._send("POST", self._graphql_url, payload, None, DEADLINE - RESERVE))
        except NoGraphQLError:
            self._graphql_url = None
            raise
        return answer["data"]

    def _send(
        self,
        verb: str,
        url: str,
        payload: Any,
        is_done: Callable[[], bool] | None,
        deadline: float,
        *,
        leads_away: bool = False,
    ) -> Reply:
        """Send a request, and again where that helps, as far as the deadline allows it.

        ``leads_away``: a redirect is an answer too.
        """
        repeats = 0
        while True:
            if self._spent >= deadline:
                message = f"not asked: the {deadline:.0f} s that requests may take together are over"
                raise GitHubError(Refusal.UNREACHABLE, f"{verb} {urlsplit(url).path}: {message}")
            reply = self._attempt(verb, url, payload, deadline - self._spent)
            if reply.granted or (leads_away and reply.redirects):
                return reply
            if url == self._graphql_url and reply.status in NO_SUCH_ENDPOINT and not reply.of_graphql:
                raise NoGraphQLError
            pause = pause_before_repeat(reply, repeats, now=self._clock.now())
            if pause is None or not self._waits(pause, reply, deadline):
                raise GitHubError(refusal_of(reply), refusal_words(verb, url, reply, pause, DEADLINE))
            self._clock.sleep(pause)
            repeats += 1
            if reply.uncertain and is_done is not None and is_done():
                return Reply(status=200, text="")

    def _waits(self, pause: float, reply: Reply, deadline: float) -> bool:
        """Return whether a pause is made.

        A pause that GitHub asks for may go beyond the deadline, once, and costs none of it.
        """
        if self._spent + pause < deadline:
            self._spent += pause
            return True
        asked = is_asked_for(reply) and pause <= LONGEST_EXTRA
        waits, self._may_wait = self._may_wait and asked, self._may_wait and not asked
        return waits

    def _attempt(self, verb: str, url: str, payload: Any, left: float) -> Reply:
        """Send a request once, for as long as is left: an answer may come byte by byte."""
        started = self._clock.now()
        try:
            response = within(left, self._request, verb, url, payload)
        except (RequestException, TimeoutError) as error:
            return Reply(status=0, text=why_nothing_came(url, error))
        except ValueError as error:  # requests reads where a redirect leads, though it does not follow it
            raise GitHubError(Refusal.INVALID, f"{verb} {urlsplit(url).path}: {ODD_REDIRECT}") from error
        finally:
            self._spent += self._clock.now() - started
        headers = {name.lower(): value for name, value in response.headers.items()}
        return _with_graphql_status(
            Reply(
                status=response.status_code, text=response.content.decode(errors="replace"), headers=headers
            )
        )

    def _request(self, verb: str, url: str, payload: Any) -> requests.Response:
        """Send a request. A redirect is not followed: the token is for the address that was asked, and no other."""
        return self._session.request(
            verb, url, json=payload, timeout=self._access.timeout, allow_redirects=False
        )


def _without_secrets(payload: Any) -> Any:
    """Return what is sent without secrets in its texts: everybody may read a comment or a status."""
    if payload is None:
        return None
    secrets = process_secrets()
    return {
        key: secrets.removed_from(value) if isinstance(value, str) else value
        for key, value in payload.items()
    }


class _TokenAuth(AuthBase):
    """The token. As a header alone, requests would put what ``~/.netrc`` has for the host in its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"token {self._token}"
        return request


def _session(access: Access) -> requests.Session:
    session = requests.Session()
    session.auth = _TokenAuth(access.token)
    session.headers.update(
        {"Accept": "application/vnd.github+json", "User-Agent": f"smoke-gate/{__version__}"}
    )
    session.verify = access.ca_bundle or True
    return session


@contextmanager
def understood() -> Iterator[None]:
    """Turn an answer of another form than GitHub documents into an error that says so."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        message = f"GitHub answered in a form that is not known here ({type(error).__name__}: {error})"
        raise GitHubError(Refusal.INVALID, message) from error


def _parsed(reply: Reply) -> Any:
    try:
        return json.loads(reply.text) if reply.text else None
    except ValueError:
        message = (
            "What answered in GitHub's place did not answer in JSON. Look at GITHUB_API_URL and at proxies."
        )
        raise GitHubError(Refusal.INVALID, message) from None


def _with_graphql_status(reply: Reply) -> Reply:
    """Return the answer with the status that it has in REST: GraphQL says 200 and lists errors."""
    if not reply.granted or '"errors"' not in reply.text:
        return reply
    body = _parsed(reply)
    errors = body.get("errors") if isinstance(body, dict) and "data" in body else None
    if not errors:
        return reply
    first = errors[0]
    # A query that is wrong says where; one that GitHub had no time for says nothing but that something went wrong.
    unnamed = 422 if "extensions" in first else 500
    status = GRAPHQL_STATUS.get(first.get("type", ""), unnamed)
    text = json.dumps({"message": str(first.get("message", ""))})
    return Reply(status=status, text=text, headers=reply.headers, of_graphql=True)
