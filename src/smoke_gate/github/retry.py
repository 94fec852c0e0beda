"""The rules by which a request to GitHub is sent again, and when. Pure.

Source: "Best practices for using the REST API" and "Rate limits" of GitHub's documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SECONDARY_LIMIT_PAUSE = 60.0  # what GitHub asks for where it names no time
LONGEST_BACKOFF = 16.0


class Refusal(StrEnum):
    """Why a request to GitHub was not granted."""

    UNAUTHORIZED = "unauthorized"
    NO_TOKEN = "no token"  # noqa: S105 - a reason, not a password
    FORBIDDEN = "forbidden"
    LOCKED = "locked"
    ARCHIVED = "archived"
    PROTECTED = "protected by the organization"
    NOT_FOUND = "not found"
    LIMITED = "limited"
    INVALID = "invalid"
    UNREACHABLE = "unreachable"


# What may not be seen is not found.
NO_ACCESS = (Refusal.FORBIDDEN, Refusal.NO_TOKEN, Refusal.NOT_FOUND, Refusal.PROTECTED, Refusal.UNAUTHORIZED)

_FORBIDDEN = {
    "is locked": Refusal.LOCKED,
    "archived": Refusal.ARCHIVED,
    "saml enforcement": Refusal.PROTECTED,
    "ip allow list": Refusal.PROTECTED,
}
"""What GitHub says in an answer 403 that no `permissions:` mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The reply to a request: ``status`` 0 means that none came. Header names are in lower case; ``text`` is the body.

    ``of_graphql``: GraphQL granted the request and reported an error, and ``status`` is what REST answers then.
    """

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    of_graphql: bool = False

    @property
    def granted(self) -> bool:
        """True if the request was done."""
        return 200 <= self.status < 300

    @property
    def redirects(self) -> bool:
        """True if it says where else to look."""
        return self.status in (301, 302, 303, 307, 308) and "location" in self.headers

    @property
    def uncertain(self) -> bool:
        """True if the request may have been done all the same."""
        return self.status == 0 or self.status >= 500


def refusal_of(reply: Reply) -> Refusal:
    """Return why a reply is not a grant."""
    if reply.uncertain:
        return Refusal.UNREACHABLE
    if reply.status == 429 or (reply.status == 403 and _is_limit(reply)):
        return Refusal.LIMITED
    known = {
        401: Refusal.UNAUTHORIZED,
        403: _forbidden(reply.text),
        404: Refusal.NOT_FOUND,
        410: Refusal.NOT_FOUND,
    }
    return known.get(reply.status, Refusal.INVALID)


def _forbidden(text: str) -> Refusal:
    return next((why for said, why in _FORBIDDEN.items() if said in text.lower()), Refusal.FORBIDDEN)


def pause_before_repeat(reply: Reply, repeats: int, *, now: float) -> float | None:
    """Return how many seconds to wait before the request is sent again; None: never.

    Args:
        reply: what came back.
        repeats: how often the request was repeated already.
        now: seconds since 1970, UTC.

    """
    asked = _asked_for(reply)
    match refusal_of(reply):
        case Refusal.LIMITED if asked is None:
            return _until_reset(reply, now)
        case Refusal.LIMITED | Refusal.UNREACHABLE:
            # `Retry-After: 0` names no time: without a pause it would be asked for again and again.
            return asked or min(2.0**repeats, LONGEST_BACKOFF)
        case _:
            return None


def is_asked_for(reply: Reply) -> bool:
    """Return whether GitHub asks for the pause before the next request, and not only we think that one would help."""
    asked = _asked_for(reply)
    match refusal_of(reply):
        case Refusal.LIMITED:
            return asked != 0.0
        case Refusal.UNREACHABLE:
            return bool(asked)
        case _:
            return False


def _is_limit(reply: Reply) -> bool:
    """Tell a limit from a missing permission: GitHub answers both with 403."""
    text = reply.text.lower()
    exhausted = reply.headers.get("x-ratelimit-remaining") == "0"
    return "retry-after" in reply.headers or exhausted or "rate limit" in text or "abuse detection" in text


def _asked_for(reply: Reply) -> float | None:
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isdigit() else None


def _until_reset(reply: Reply, now: float) -> float:
    reset = reply.headers.get("x-ratelimit-reset", "")
    if reply.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(float(reset) - now, 0.0) + 1.0  # the reset is in whole seconds
    return SECONDARY_LIMIT_PAUSE
