import json

import pytest

from smoke_gate.evidence import ManifestEntry
from smoke_gate.probes.manifest import MAX_MANIFEST_BYTES, read_manifest

HASH = "0123456789abcdef" * 4


def written(path: str = "checkpoints/model.npz", **changes: object) -> bytes:
    return json.dumps({path: {"sha256": HASH, "size": 12} | changes}).encode()


def test_a_manifest():
    manifest = read_manifest(written())
    assert manifest.problem is None
    assert manifest.entries == {"checkpoints/model.npz": ManifestEntry(sha256=HASH, size=12)}


def test_keys_that_are_not_known_are_no_hindrance():
    assert read_manifest(written(made_by="trainer")).problem is None


def test_an_empty_one():
    assert read_manifest(b"{}").problem is None


def test_a_colon_is_no_drive():
    path = "best_12:30:05/model.pt"
    assert list(read_manifest(written(path)).entries) == [path]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../up.pt",
        "a/../../b",
        "a//b",
        "a/./b",
        "",
        "C:/x",
        "c:x",
        "a\\b",
        "a\0b",
        "a\nb",
        "x/" * 600 + "y",
        "dir/",
    ],
)
def test_paths_that_are_not_below_the_root(path):
    manifest = read_manifest(written(path))
    assert manifest.entries == {}
    assert "artifact root" in (manifest.problem or "")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"a": 1}',
        b'{"a": {"sha256": "x"}}',
        b'{"a": {}, "a": {}}',
        b"[" * 1_000_000,
        b" " * (MAX_MANIFEST_BYTES + 1),
        written(size=-1),
        written(size=True),
        written(size=1.5),
        written(size=2**53),
        written(size="12"),
        written(sha256=HASH.upper()),
        written(sha256=HASH + "\n"),
        written(sha256=None),
    ],
)
def test_what_is_none(data):
    manifest = read_manifest(data)
    assert manifest.problem
    assert manifest.entries == {}
