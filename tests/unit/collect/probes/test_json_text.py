import pytest

from smoke_gate.collect.probes.inspection import BrokenError
from smoke_gate.collect.probes.json_text import parse_json


def test_json_with_one_meaning():
    assert parse_json('{"a": [1, "é", null]}'.encode()) == {"a": [1, "é", None]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not hold JSON"),
        (b"{", "does not hold JSON"),
        (b"\xff", "does not hold JSON"),
        (b"[Infinity]", "Infinity"),
        (b'{"a": 1, "a": 1}', "a key twice"),
        (b'[{"a": {"b": 1, "b": 2}}]', "a key twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "does not hold JSON"),  # more digits than Python reads
    ],
)
def test_json_with_none(data, reason):
    with pytest.raises(BrokenError, match=reason):
        parse_json(data)
