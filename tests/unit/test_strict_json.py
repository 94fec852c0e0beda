import pytest

from smoke_gate.strict_json import JsonError, parse_json


def test_json_with_one_meaning():
    assert parse_json('{"a": [1, "é", null]}'.encode()) == {"a": [1, "é", None]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[Infinity]", "Infinity"),
        (b'{"a": 1, "a": 1}', "a key twice"),
        (b'[{"a": {"b": 1, "b": 2}}]', "a key twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "is not JSON"),  # more digits than Python reads
    ],
)
def test_json_with_none(data, reason):
    with pytest.raises(JsonError, match=reason):
        parse_json(data)


def test_constants_that_the_caller_reads():
    assert parse_json('{"best": -Infinity}', constant=str) == {"best": "-Infinity"}
