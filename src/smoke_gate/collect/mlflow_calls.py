"""Calls to MLflow and to artifact stores: bounded in time, and their errors told in words that help.

MLflow raises its own exceptions, those of requests, SQLAlchemy, boto3 and others, with the URI and sometimes a whole
web page in the text. Here they become one :class:`StoreError` that says what happened and what to check.
"""

import os
import re
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import ParamSpec, TypeVar

from smoke_gate.collect.advice import (
    TRACKING_CREDENTIALS,
    by_proxy,
    by_status,
    without_credentials,
)
from smoke_gate.collect.container_action import loopback_advice
from smoke_gate.collect.errors import ArtifactError, StoreError
from smoke_gate.deadline import within
from smoke_gate.errors import DISK_FULL
from smoke_gate.extras import to_install
from smoke_gate.redaction import process_secrets

P = ParamSpec("P")
T = TypeVar("T")

_LONGEST_QUOTE = 300  # characters of somebody else's error text
_PAUSES = (0.5, 1.0, 2.0)  # seconds between attempts
_NO_CONNECTION = frozenset({"ConnectionError", "NewConnectionError"})
_CUT_OFF = frozenset({"ChunkedEncodingError", "IncompleteRead", "ProtocolError", "IncompleteReadError"})
_DATABASE_ERRORS = frozenset({"OperationalError", "InterfaceError"})  # of SQLAlchemy and of the drivers
_BACKGROUND = re.compile(r"\(Background on this error at: \S*\)")  # as SQLAlchemy ends its errors
_PROXY = frozenset({"ProxyError", "ProxyConnectionError"})
_STATUS_OF_CODE = {
    "UNAUTHENTICATED": 401,
    "CUSTOMER_UNAUTHORIZED": 401,
    "PERMISSION_DENIED": 403,
    "ENDPOINT_NOT_FOUND": 404,
}


def explained(store: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what the function returns; ``store`` is how messages name the store.

    Raises:
        StoreError: It raised anything but an ArtifactError.
    """
    try:
        return function(*args, **kwargs)
    except (StoreError, ArtifactError):
        raise
    except Exception as error:
        raise explanation(store, error) from error


def persistently(seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what the function returns, asking again where it fails in a way that may pass, all of it within the time.

    Raises:
        TimeoutError: The time is over.
        Exception: What the function raised last.
    """
    end = monotonic() + seconds
    for pause in _PAUSES:
        try:
            return within(end - monotonic(), function, *args, **kwargs)
        except Exception as error:
            if not _may_pass(error) or monotonic() + pause >= end:
                raise
        sleep(pause)
    return within(end - monotonic(), function, *args, **kwargs)


def explanation(store: str, error: Exception) -> StoreError:
    """Return the error in words: what the store did, and what to check."""
    causes = list(_causes(error))
    code = next((str(cause.error_code) for cause in causes if hasattr(cause, "error_code")), "")
    return StoreError(_what_happened(store, causes), code=code)


def is_absent(error: Exception) -> bool:
    """Return whether an error says that what was asked for is not there, rather than that asking failed."""
    causes = list(_causes(error))
    return any(
        isinstance(cause, FileNotFoundError)
        or getattr(cause, "error_code", "") in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND")
        or _status(cause) == 404
        or re.search(r"\b(NoSuchKey|NoSuchBucket|BlobNotFound|ContainerNotFound)\b", str(cause)) is not None
        for cause in causes
    )


def is_late(error: Exception) -> bool:
    """Return whether an error says that there was a connection, but no whole answer in time."""
    names = _names(list(_causes(error)))
    return _is_late(names) and not names & _NO_CONNECTION


def _is_late(names: frozenset[str]) -> bool:
    # urllib3 calls a connection that cannot be made a timeout, too
    return bool(names & {"TimeoutError", "Timeout"}) and "NewConnectionError" not in names


def _may_pass(error: Exception) -> bool:
    """Return whether a failure is of the kind that a busy or restarting server causes."""
    causes = list(_causes(error))
    status = next(filter(None, map(_status, causes)), None)
    return status in (408, 429, 500, 502, 503, 504) or (
        status is None and bool(_names(causes) & (_NO_CONNECTION | _CUT_OFF))
    )


def _names(causes: list[BaseException]) -> frozenset[str]:
    """Return the names of the exceptions' classes, so that no library is imported to recognise its errors."""
    return frozenset(kind.__name__ for cause in causes for kind in type(cause).__mro__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what led to it, outermost first."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _status(cause: BaseException) -> int | None:
    """Return the HTTP status that an exception carries or mentions."""
    response = getattr(cause, "response", None)
    status = getattr(response, "status_code", None)
    if status is None and isinstance(response, dict):  # botocore
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if isinstance(status, int):
        return status
    said = re.search(r"failed with error code (\d{3})|too many (\d{3}) error responses", str(cause))
    if said:
        return int(said[1] or said[2])
    return _STATUS_OF_CODE.get(getattr(cause, "error_code", ""))


def _what_happened(store: str, causes: list[BaseException]) -> str:
    text = " | ".join(str(cause) for cause in causes)
    names = _names(causes)
    status = next(filter(None, map(_status, causes)), None)
    full = next((cause for cause in causes if isinstance(cause, OSError) and cause.errno in DISK_FULL), None)
    if full is not None:
        return (
            f"what is read of {store} cannot be kept for a moment: {full.strerror}. Free some space in the folder for "
            "temporary files, or let TMPDIR name another one"
        )
    if status is not None:
        return by_status(store, status, _quote(causes[0]))
    if (missing_credentials := without_credentials(store, names, text)) is not None:
        return missing_credentials
    if names & _PROXY and (fault := by_proxy(store, _reason(text))) is not None:
        return fault
    if "SSLError" in names:
        return f"{store}: the TLS connection failed ({_quote(causes[-1])}). Check REQUESTS_CA_BUNDLE, and http or https"
    if "not in a valid JSON format" in text or "JSONDecodeError" in names:
        return (
            f"{store} answered with something that is not MLflow's API: a login page or a proxy, most likely. "
            f"Check the address and its path, and {TRACKING_CREDENTIALS}"
        )
    if _is_late(names):
        return (
            f"{store} did not answer in time. Check that the server is up and that this machine may reach it (VPN, "
            "firewall, proxy); MLFLOW_HTTP_REQUEST_TIMEOUT (seconds) gives a slow server more time"
        )
    if "InvalidURL" in names:  # not quoted: what cannot be parsed may hold a part of the password
        return f"{store} is not a valid address. Percent-encode special characters of the user name and the password"
    if names & _NO_CONNECTION or (names & _DATABASE_ERRORS and _known_reason(text)):
        return (
            f"cannot connect to {store} ({_reason(text)}). Check the host and the port, that the server is running, "
            f"and that this machine may reach it{loopback_advice(store, os.environ)}"
        )
    return _not_installed(store, causes) or f"{store} cannot be read: {_quote(causes[0])}"


def _not_installed(store: str, causes: list[BaseException]) -> str | None:
    if advice := next(filter(None, map(to_install, causes)), None):
        return f"{store} cannot be read: {advice}"
    missing = next((cause.name for cause in causes if isinstance(cause, ModuleNotFoundError)), None)
    return f"{store} needs the Python package {missing}, which is not installed here" if missing else None


def _reason(text: str) -> str:
    """Return the few words of a connection error that say why."""
    return _known_reason(text) or _shortened(text)


def _known_reason(text: str) -> str | None:
    known = ("Connection refused", "Name or service not known", "No route to host", "Network is unreachable",
             "Temporary failure in name resolution", "Connection reset", "Remote end closed connection")  # fmt: skip
    return next((words.lower() for words in known if words.lower() in text.lower()), None)


def _quote(error: BaseException) -> str:
    return _shortened(f"{type(error).__name__}: {error}" if not str(error) else str(error))


def _shortened(text: str) -> str:
    """Return somebody else's text on one line, without secrets, queries and markup; it is cut last."""
    clean = _BACKGROUND.sub("", process_secrets().removed_from_error(text))
    line = " ".join(re.sub(r"<[^>]*>", " ", clean).split())
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "…"
