"""Requests to GitHub, repeated with care and within one deadline.

Through PyGithub's requester with its own retries and pauses off: they repeat POSTs and wait without bound.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ssl import SSLCertVerificationError
from typing import Any
from urllib.parse import quote, urlsplit

from github import Auth, Github
from github.Requester import Requester
from requests.exceptions import RequestException

from smoke_gate import __version__
from smoke_gate.deadline import within
from smoke_gate.errors import NoVerdictError, UsageError
from smoke_gate.github.retry import Answer, Problem, pause_before_repeat, problem_of

API_URL = "https://api.github.com"
GRAPHQL_URL = f"{API_URL}/graphql"
DEADLINE = 60.0  # seconds that all requests and pauses may take together
RESERVE = 15.0  # of them, that queries leave to what comes last: the commit status
LONGEST_MESSAGE = 300  # characters of GitHub's own words that a message repeats
GRAPHQL_STATUS = {"RATE_LIMITED": 429, "FORBIDDEN": 403, "INSUFFICIENT_SCOPES": 403, "NOT_FOUND": 404}


class GitHubError(NoVerdictError):
    """GitHub did not do what it was asked for; ``problem`` says why."""

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time in seconds since 1970, and a way to let it pass."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where GitHub is and who asks.

    ``ca_bundle`` is a file of certificates to trust, None: the usual ones; ``timeout`` is in seconds, without a sign
    of life.
    """

    repository: str
    token: str
    api_url: str = API_URL
    graphql_url: str = GRAPHQL_URL
    ca_bundle: str | None = None
    timeout: int = 10


def access_of(environ: Mapping[str, str], *, repository: str | None, token: str | None) -> Access | None:
    """Return the access that the job has; None where it has none, for want of a token or a repository.

    Raises:
        UsageError: an address of GitHub is none, or the token is none.

    """
    if not token or not repository:
        return None
    if not (token.isascii() and token.isprintable()):
        raise UsageError(
            "the token holds characters that no token has: check `github_token`, and GITHUB_TOKEN"
        )
    return Access(
        repository=repository,
        token=token,
        api_url=_address(environ, "GITHUB_API_URL", API_URL),
        graphql_url=_address(environ, "GITHUB_GRAPHQL_URL", GRAPHQL_URL),
        ca_bundle=environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE") or None,
    )


class Transport:
    """The way to one repository."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self.owner, _, self.name = access.repository.partition("/")
        self._root = f"{access.api_url}/repos/{quote(self.owner, safe='')}/{quote(self.name, safe='')}"
        self._graphql_url = access.graphql_url
        self._rest_requester = _requester(access, access.api_url)
        self._graphql_requester = _requester(access, access.graphql_url)
        self._clock = clock
        self._spent = 0.0

    def rest(
        self, verb: str, path: str, payload: Any = None, *, is_done: Callable[[], bool] | None = None
    ) -> Any:
        """Send a REST request and return what came back, None where that is nothing.

        Args:
            verb: GET, POST, PATCH or DELETE.
            path: below the repository, with its query.
            payload: what is sent, as JSON.
            is_done: for a POST: tells whether one that got no answer was done all the same. Then it is not repeated.

        Raises:
            GitHubError: it was not granted.

        """
        return self._send(self._rest_requester, verb, self._root + path, payload, is_done, DEADLINE)

    def graphql(self, query: str, variables: Mapping[str, Any]) -> Any:
        """Send a query about the repository and return its ``repository``.

        Raises:
            GitHubError: it was not granted.

        """
        payload = {"query": query, "variables": {"owner": self.owner, "name": self.name, **variables}}
        answer = self._send(
            self._graphql_requester, "POST", self._graphql_url, payload, None, DEADLINE - RESERVE
        )
        return answer["data"]["repository"]

    def _send(
        self,
        requester: Requester,
        verb: str,
        url: str,
        payload: Any,
        is_done: Callable[[], bool] | None,
        deadline: float,
    ) -> Any:
        """Send a request, and again where that helps, as far as the deadline allows it."""
        repeats = 0
        while True:
            if self._spent >= deadline:
                message = f"not asked: the {deadline:.0f} s that requests may take together are over"
                raise GitHubError(Problem.UNREACHABLE, f"{verb} {urlsplit(url).path}: {message}")
            answer = self._attempt(requester, verb, url, payload, deadline - self._spent)
            if answer.granted:
                return _parsed(answer)
            pause = pause_before_repeat(answer, repeats, now=self._clock.now())
            if pause is None or self._spent + pause >= deadline:
                raise GitHubError(problem_of(answer), _message(verb, url, answer, pause))
            self._spent += pause
            self._clock.sleep(pause)
            repeats += 1
            if answer.uncertain and is_done is not None and is_done():
                return None

    def _attempt(self, requester: Requester, verb: str, url: str, payload: Any, left: float) -> Answer:
        """Send a request once, for as long as is left: an answer may come byte by byte."""
        started = self._clock.now()
        try:
            status, headers, text = within(left, requester.requestJson, verb, url, input=payload)
        except (RequestException, TimeoutError) as error:
            return Answer(status=0, text=_why_nothing_came(url, error))
        finally:
            self._spent += self._clock.now() - started
        return _with_graphql_status(Answer(status=status, text=text, headers=headers))


def _requester(access: Access, url: str) -> Requester:
    return Github(
        auth=Auth.Token(access.token),
        base_url=url,
        user_agent=f"smoke-gate/{__version__}",
        timeout=access.timeout,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        verify=access.ca_bundle or True,
    ).requester


def _address(environ: Mapping[str, str], variable: str, default: str) -> str:
    url = environ.get(variable, "").rstrip("/") or default
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname is not None
    except ValueError:
        known = False
    if not known:
        raise UsageError(f"{variable} is {url!r}; expected an address such as {default}")
    return url


def _parsed(answer: Answer) -> Any:
    try:
        return json.loads(answer.text) if answer.text else None
    except ValueError:
        message = (
            "What answered in GitHub's place did not answer in JSON. Look at GITHUB_API_URL and at proxies."
        )
        raise GitHubError(Problem.INVALID, message) from None


def _with_graphql_status(answer: Answer) -> Answer:
    """Return the answer with the status that it has in REST: GraphQL says 200 and lists errors."""
    if not answer.granted or '"errors"' not in answer.text:
        return answer
    body = _parsed(answer)
    errors = body.get("errors") if isinstance(body, dict) and "data" in body else None
    if not errors:
        return answer
    first = errors[0]
    # A query that is wrong says where; one that GitHub had no time for says nothing but that something went wrong.
    unnamed = 422 if "extensions" in first else 500
    status = GRAPHQL_STATUS.get(first.get("type", ""), unnamed)
    text = json.dumps({"message": str(first.get("message", ""))})
    return Answer(status=status, text=text, headers=answer.headers)


def _message(verb: str, url: str, answer: Answer, pause: float | None) -> str:
    """Say what was asked and what GitHub answered; never who asked."""
    parts = [f"{verb} {urlsplit(url).path}: {problem_of(answer)}"]
    if answer.status:
        parts.append(f"HTTP {answer.status}")
    if words := _words(answer):
        parts.append(words)
    if pause is not None:
        parts.append(
            f"not tried again: the next try in {pause:.0f} s is beyond the deadline of {DEADLINE:.0f} s"
        )
    return ", ".join(parts)


def _why_nothing_came(url: str, error: Exception) -> str:
    """Say which host was asked and, as far as the system says it, why: other texts may hold a proxy's password."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    reason = next(filter(None, map(_reason, _causes(error))), None)
    return f"{type(error).__name__} at {parts.hostname}{port}" + (f" ({reason})" if reason else "")


def _causes(error: Exception) -> Iterator[BaseException]:
    """Yield the error and what led to it, outermost first."""
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        yield cause
        cause = cause.__cause__ or cause.__context__


def _reason(error: BaseException) -> str | None:
    """Return what the system, or the check of a certificate, says of a failure; None where that is not what failed."""
    if isinstance(error, SSLCertVerificationError):
        return error.verify_message
    return error.strerror if isinstance(error, OSError) and error.errno is not None else None


def _words(answer: Answer) -> str:
    """Return what GitHub says itself."""
    if not answer.status:
        return answer.text
    try:
        body = json.loads(answer.text)
    except ValueError:
        return ""
    message = body.get("message") if isinstance(body, dict) else None
    return str(message)[:LONGEST_MESSAGE] if message else ""
