"""Git LFS pointers: the few lines that stand in a checkout where Git LFS did not bring the file itself."""

from pathlib import Path

POINTER = "it is a Git LFS pointer, not the file itself: check out with `lfs: true`, or run `git lfs pull`"
"""What messages say of such a file."""

_BEGINNING = b"version https://git-lfs.github.com/spec/"
_LARGEST = 1024  # bytes, by the specification of Git LFS


def is_pointer(path: Path) -> bool:
    """Return whether a file is a Git LFS pointer.

    Raises:
        OSError: It cannot be read.
    """
    if path.stat().st_size >= _LARGEST:
        return False
    with path.open("rb") as file:
        return file.read(len(_BEGINNING)) == _BEGINNING
