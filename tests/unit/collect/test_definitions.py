import sys

import pytest

from smoke_gate.collect.definitions import definition_sha256
from smoke_gate.errors import UsageError
from smoke_gate.hashing import definition_hash

DEFINITION = {"metric": "pape", "quantile": 0.5, "peaks": [1, 2]}


def bomb(first: str, again: str) -> bytes:
    """YAML of ten lines whose last one stands for a billion entries."""
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{n}: &a{n} {again.replace('…', ', '.join([f'*a{n - 1}'] * 10))}" for n in range(1, 10)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("d.json", '{"quantile": 0.5, "metric": "pape", "peaks": [1, 2]}'),
        ("d.yaml", "metric: pape\nquantile: 0.5\npeaks: [1, 2]\n"),
        ("d.YML", "{metric: pape, quantile: 5.0e-1, peaks: [1, 2]}"),
    ],
)
def test_one_definition_has_one_hash(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert definition_sha256(tmp_path / name) == definition_hash(DEFINITION)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.json", None, "cannot be read: No such file"),
        ("2ba89bb", None, "cannot be read: No such file or directory; a hash has 64 hex digits"),
        ("d.txt", b"{}", r"must be \.json, \.yaml or \.yml"),
        ("d.json", b"{", "has no hash"),
        ("d.json", b'{"a": 1, "a": 2}', "names a key twice"),
        ("d.json", b'{"a": NaN}', "holds NaN"),
        ("d.yaml", b"a: [", "is not YAML"),
        ("d.yaml", b"a: 1\nb: {c: 1, c: 2}", "names a key twice: c"),
        ("d.yaml", b"just text", "mapping or a list, found str"),
        ("d.yaml", b"", "found NoneType"),
        ("d.yaml", b"day: 2026-01-01", "has no hash"),
        ("d.yaml", b"day: 2026-13-45", "is not YAML: month must be in"),
        ("d.yaml", rb'a: "\UFFFFFFFF"', "is not YAML: Python int too large"),
        ("d.yaml", b"a: !!float abc", "is not YAML: could not convert"),
        ("d.yaml", b"n: " + b"1" * 5000, "is not YAML: Exceeds the limit"),
        ("d.yaml", b"a: &x [*x]", "is not YAML"),
        ("d.yaml", bomb("[x]", "[…]"), "larger than 16 MiB, aliases expanded"),
        ("d.yaml", bomb("{x: 1}", "{<<: […]}"), "larger than 16 MiB, aliases expanded"),
        ("d.json", b'{"n": ' + b"1" * 400 + b"}", "has no hash"),
        ("d.json", b'{"n": ' + b"1" * 5000 + b"}", "has no hash"),
        ("d.yaml", b"a: !!python/object:os.system {}", "is not YAML"),
        ("d.yaml", b"\xff\xfe\x00", "is not YAML"),
        ("d.json", b"[" * (17 << 20), "larger than 16 MiB"),
    ],
)
def test_what_is_no_definition(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        definition_sha256(tmp_path / name)


def test_aliases_are_what_they_stand_for(tmp_path):
    (tmp_path / "d.yaml").write_text("{metric: pape, quantile: 0.5, peaks: &x [1, 2], again: *x}")
    assert definition_sha256(tmp_path / "d.yaml") == definition_hash(DEFINITION | {"again": [1, 2]})


def test_the_work_of_reading_a_definition_grows_as_its_keys_do(tmp_path):
    def calls(keys: int) -> int:
        many = {f"k{n}": n for n in range(keys)}
        (tmp_path / "d.yaml").write_text("".join(f"{key}: {value}\n" for key, value in many.items()))
        count = 0

        def counting(*_: object) -> None:
            nonlocal count
            count += 1

        sys.setprofile(counting)
        try:
            found = definition_sha256(tmp_path / "d.yaml")
        finally:
            sys.setprofile(None)
        assert found == definition_hash(many)
        return count

    assert calls(800) < 2.5 * calls(400)  # and four times as many, were every key gone through again for each
