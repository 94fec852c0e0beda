"""Times as people and files say them; evidence has UTC milliseconds."""

from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(milliseconds: int | None) -> datetime | None:
    """Return the time, None where it is not recorded or not one of the years 1 to 9999."""
    if milliseconds is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def iso(milliseconds: int | None) -> str | None:
    """Return the time in ISO 8601, UTC, with milliseconds: ``2026-01-31T12:00:00.000Z``."""
    time = moment(milliseconds)
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"


def minute(milliseconds: int | None) -> str:
    """Return the time to the minute, UTC, for a table; a dash where it is not known."""
    time = moment(milliseconds)
    return "–" if time is None else time.strftime("%Y-%m-%d %H:%M")


def duration(start: int | None, end: int | None) -> str:
    """Return how long something took: ``45 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``; a dash where not known."""
    if start is None or end is None or end < start:
        return "–"
    seconds = (end - start) // 1000
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{seconds} s"
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days < 1 else f"{days} d {hours % 24} h"


def days_before(as_of: str, milliseconds: int | None) -> int | None:
    """Return how many days before the date ``as_of`` (``YYYY-MM-DD``, UTC) a time was; None where it is not known."""
    time = moment(milliseconds)
    return None if time is None else (date.fromisoformat(as_of) - time.date()).days
