"""A file that Git LFS did not bring is called that, wherever it was expected."""

from collections.abc import Callable
from pathlib import Path

import pytest

from smoke_gate.collect.definitions import read_definition
from smoke_gate.collect.errors import ArtifactError, StoreError
from smoke_gate.collect.folders import Entry, LocalFolder
from smoke_gate.collect.sqlite import private_copy
from smoke_gate.errors import UsageError
from smoke_gate.lfs import is_pointer

# The example of Git LFS's own specification.
POINTER = """version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 12345
"""


def opened(path: Path) -> None:
    with LocalFolder(path.parent).opened(Entry(path.name), 1 << 20):
        pass


def parts(path: Path) -> None:
    with LocalFolder(path.parent).ranges(Entry(path.name)):
        pass


@pytest.mark.parametrize(
    ("name", "read", "error"),
    [
        ("curve.png", opened, ArtifactError),
        ("best.pt", opened, ArtifactError),
        ("best.pt", parts, ArtifactError),
        ("metric.yaml", read_definition, UsageError),
        ("mlflow.db", lambda path: private_copy(path, path.parent / "private"), StoreError),
    ],
    ids=["figure", "checkpoint", "parts of a checkpoint", "definition", "database"],
)
def test_a_pointer_is_called_that(
    tmp_path, name: str, read: Callable[[Path], object], error: type[Exception]
):
    (tmp_path / name).write_text(POINTER)
    with pytest.raises(
        error, match=r"it is a Git LFS pointer, not the file itself: check out with `lfs: true`"
    ):
        read(tmp_path / name)


@pytest.mark.parametrize("content", ["", "version https://git", POINTER + "x" * 1024])
def test_what_is_not_a_pointer(tmp_path, content):
    (tmp_path / "file").write_text(content)
    assert not is_pointer(tmp_path / "file")
