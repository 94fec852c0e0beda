import pytest

from smoke_gate.times import days_before, duration, iso, minute

NOON = 1_769_860_800_000  # 2026-01-31 12:00 UTC
BEYOND = 10**18


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (NOON, "2026-01-31T12:00:00.000Z"),
        (NOON + 7, "2026-01-31T12:00:00.007Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (None, None),
        (BEYOND, None),
    ],
)
def test_iso(milliseconds, text):
    assert iso(milliseconds) == text


@pytest.mark.parametrize(("milliseconds", "text"), [(NOON, "2026-01-31 12:00"), (None, "–"), (-BEYOND, "–")])
def test_minute(milliseconds, text):
    assert minute(milliseconds) == text


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (0, 999, "0 s"),
        (0, 59_000, "59 s"),
        (0, 60_000, "1 min"),
        (0, 3_600_000, "1 h 0 min"),
        (0, 90 * 60_000, "1 h 30 min"),
        (0, 52 * 3_600_000, "2 d 4 h"),
        (5, 4, "–"),
        (None, 4, "–"),
        (4, None, "–"),
    ],
)
def test_duration(start, end, text):
    assert duration(start, end) == text


@pytest.mark.parametrize(
    ("as_of", "days"), [("2026-01-31", 0), ("2026-02-01", 1), ("2027-01-31", 365), ("2026-01-30", -1)]
)
def test_days_before(as_of, days):
    assert days_before(as_of, NOON) == days


def test_the_age_of_no_time_is_not_known():
    assert days_before("2026-01-31", None) is None
