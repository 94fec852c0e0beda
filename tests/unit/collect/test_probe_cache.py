"""The facts of files that are kept in a folder: when they count, and when a file is read again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from smoke_gate.collect import probe_cache
from smoke_gate.collect.probe_cache import IsBeside, Kept
from smoke_gate.evidence import Artifact

INDEX = Artifact(path="index.json", size=9, sha256="a" * 64, absent=("b.bin",))


def there(_name: str) -> bool:
    return True


def nowhere(_name: str) -> bool:
    return False


class File:
    """A file that names another one, and counts how often it is read."""

    def __init__(self, found: Artifact | None = INDEX) -> None:
        self.found = found
        self.times = 0

    def read(self, is_beside: IsBeside) -> Artifact | None:
        self.times += 1
        is_beside("b.bin")
        return self.found


def times_read(first: Callable[[File], object], second: Callable[[File], object]) -> int:
    """Return how often a file is read by two ways to ask for it."""
    file = File()
    first(file)
    second(file)
    return file.times


def asking(
    folder: Path, address: str = "s3://b/x@1 9", name: str = "x", most: int = 10, is_beside: IsBeside = there
):
    return lambda file: Kept(folder, address).or_read(name, most, is_beside, file.read)


def test_what_was_read_is_known(tmp_path):
    """spec: cache"""
    file = File()
    assert asking(tmp_path)(file) == asking(tmp_path)(file) == INDEX
    assert file.times == 1


@pytest.mark.parametrize(
    "other",
    [{"address": "s3://b/x@2 9"}, {"name": "y"}, {"most": 11}, {"is_beside": nowhere}],
    ids=["version", "name", "bound", "what is beside it"],
)
def test_what_is_not_the_same_is_read_again(tmp_path, other):
    """spec: cache"""
    assert times_read(asking(tmp_path), asking(tmp_path, **other)) == 2


def test_other_code_reads_again(tmp_path, monkeypatch):
    """spec: cache"""

    def changed(file: File) -> object:
        monkeypatch.setattr(probe_cache, "_reader", lambda: "another version")
        return asking(tmp_path)(file)

    assert times_read(asking(tmp_path), changed) == 2


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"artifact": {}, "beside": {}}', '{"artifact": null, "beside": []}']
)
def test_a_damaged_entry_is_not_believed(tmp_path, text):
    def damaged(file: File) -> object:
        (entry,) = tmp_path.iterdir()
        entry.write_text(text)
        return asking(tmp_path)(file)

    assert times_read(asking(tmp_path), damaged) == 2


def test_what_gives_nothing_or_fails_is_not_kept(tmp_path):
    def failing(_is_beside: IsBeside) -> Artifact:
        raise OSError

    with pytest.raises(OSError):
        Kept(tmp_path, "a").or_read("x", 1, there, failing)
    assert Kept(tmp_path, "a").or_read("x", 1, there, File(None).read) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_nothing_is_only_missed(tmp_path):
    (tmp_path / "file").write_text("")
    assert times_read(asking(tmp_path / "file"), asking(tmp_path / "file")) == 2


def test_an_entry_has_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-of-a-key")
    asking(tmp_path)(File(Artifact(path="canary-of-a-key.pt", size=1)))
    (entry,) = tmp_path.iterdir()
    assert "canary" not in entry.read_text()
