"""Whether and when a request to GitHub is sent again. Pure.

Source: "Best practices for using the REST API" and "Rate limits" of GitHub's documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SECONDARY_LIMIT_PAUSE = 60.0  # what GitHub asks for where it names no time
LONGEST_BACKOFF = 16.0


class Problem(StrEnum):
    """Why a request to GitHub was not granted."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    LIMITED = "limited"
    INVALID = "invalid"
    UNREACHABLE = "unreachable"


NO_ACCESS = (Problem.FORBIDDEN, Problem.NOT_FOUND, Problem.UNAUTHORIZED)  # what may not be seen is not found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: ``status`` 0 means that nothing did. Header names are in lower case; ``text`` is the body."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def granted(self) -> bool:
        """Whether the request was done."""
        return 200 <= self.status < 300

    @property
    def uncertain(self) -> bool:
        """Whether the request may have been done all the same."""
        return self.status == 0 or self.status >= 500


def problem_of(answer: Answer) -> Problem:
    """Return why an answer is no grant."""
    if answer.uncertain:
        return Problem.UNREACHABLE
    if answer.status == 429 or (answer.status == 403 and _is_limit(answer)):
        return Problem.LIMITED
    known = {
        401: Problem.UNAUTHORIZED,
        403: Problem.FORBIDDEN,
        404: Problem.NOT_FOUND,
        410: Problem.NOT_FOUND,
    }
    return known.get(answer.status, Problem.INVALID)


def pause_before_repeat(answer: Answer, repeats: int, *, now: float) -> float | None:
    """Return how many seconds to wait before the request is sent again; None: never.

    Args:
        answer: what came back.
        repeats: how often the request was repeated already.
        now: seconds since 1970, UTC.

    """
    asked = _asked_for(answer)
    match problem_of(answer):
        case Problem.LIMITED if asked is None:
            return _until_reset(answer, now)
        case Problem.LIMITED | Problem.UNREACHABLE:
            # `Retry-After: 0` names no time: without a pause it would be asked for again and again.
            return asked or min(2.0**repeats, LONGEST_BACKOFF)
        case _:
            return None


def _is_limit(answer: Answer) -> bool:
    """Tell a limit from a missing permission: GitHub answers both with 403."""
    text = answer.text.lower()
    exhausted = answer.headers.get("x-ratelimit-remaining") == "0"
    return "retry-after" in answer.headers or exhausted or "rate limit" in text or "abuse detection" in text


def _asked_for(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdigit() else None


def _until_reset(answer: Answer, now: float) -> float:
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(float(reset) - now, 0.0) + 1.0  # the reset is in whole seconds
    return SECONDARY_LIMIT_PAUSE
