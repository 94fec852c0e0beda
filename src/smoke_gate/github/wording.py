"""The words of messages about a request to GitHub: what was asked and what came back, and never who asked."""

import json
from collections.abc import Iterator
from ssl import SSLCertVerificationError
from urllib.parse import urlsplit

from smoke_gate.credentials import without_credentials_and_query
from smoke_gate.github.retry import Reply, refusal_of

LONGEST_MESSAGE = 300  # characters of GitHub's own words that a message repeats


def refusal_words(verb: str, url: str, reply: Reply, pause: float | None, deadline: float) -> str:
    """Say what was asked and what GitHub answered; never who asked."""
    parts = [f"{verb} {urlsplit(url).path}: {refusal_of(reply)}"]
    if reply.status:
        parts.append(f"HTTP {reply.status}")
    if words := _words(reply):
        parts.append(words)
    if location := reply.headers.get("location"):
        place = without_credentials_and_query(location)
        parts.append(f"redirected to {place}, which is not followed: look at GITHUB_API_URL")
    if pause is not None:
        parts.append(
            f"not tried again: the next try in {pause:.0f} s is beyond the deadline of {deadline:.0f} s"
        )
    return ", ".join(parts)


def why_nothing_came(url: str, error: Exception) -> str:
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


def _words(reply: Reply) -> str:
    """Return what GitHub says itself."""
    if not reply.status:
        return reply.text
    try:
        body = json.loads(reply.text)
    except ValueError:
        return ""
    message = body.get("message") if isinstance(body, dict) else None
    return str(message)[:LONGEST_MESSAGE] if message else ""
