"""Why no answer came, in words: which host was asked, and what the system says. Pure."""

from collections.abc import Iterator
from ssl import SSLCertVerificationError
from urllib.parse import urlsplit


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
