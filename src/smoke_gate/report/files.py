"""Where the outputs go: each file whole or not at all, in a folder that does not get committed by accident.

A container action runs as root in a folder of the runner's user. What it makes there gets the owner of the folder that
it is made in: a self-hosted runner must be able to delete it before the next checkout. Only what was made here changes
its owner, and it is reached by its descriptor: a link that somebody puts in its place is not followed.
"""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from smoke_gate.errors import DISK_FULL, UsageError
from smoke_gate.redaction import process_secrets

_FILE_MODE = 0o644  # a temporary file is private; what it becomes is for everybody who may see the folder
_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.ELOOP)


class ReportError(UsageError):
    """The outputs cannot be written where they were asked for."""


def stamp(created_at: datetime, evidence_sha256: str) -> str:
    """Return what tells one verdict's files from another's: the UTC time and the first 8 hex of the evidence hash."""
    return f"{created_at.astimezone(UTC):%Y%m%dT%H%M%SZ}_{evidence_sha256[:8]}"


def output_directory(path: Path) -> Path:
    """Make sure that there is a folder at ``path``.

    Where it has to be made, a ``.gitignore`` inside keeps everything in it out of git; a folder that was there is left
    as it is.

    Raises:
        ReportError: it cannot be made, or files cannot be made in it.

    """
    with _explained(path):
        if not path.is_dir():
            _make_folders(path)
            write_whole(path / ".gitignore", b"*\n")
        elif not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(path))
    return path


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file whole: nobody ever sees a part of it, and it survives a crash. One that is there is replaced.

    Raises:
        ReportError: it cannot be written; then nothing of it is left.

    """
    return write_parts(path, (content,))


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Write a text file whole, line by line, without the secrets of this process; none of them spans two lines.

    Raises:
        ReportError: it cannot be written; then nothing of it is left.

    """
    secrets = process_secrets()
    return write_parts(path, (secrets.removed_from(line).encode() for line in lines))


def write_parts(path: Path, parts: Iterable[bytes]) -> Path:
    """Write a file whole, as :func:`write_whole`, part by part."""
    with _explained(path):
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                _give_away(descriptor, path.parent)
                os.chmod(descriptor if os.chmod in os.supports_fd else temporary, _FILE_MODE)  # noqa: PTH101
                stream.writelines(parts)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)
    return path


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write files by name into a folder of their own inside one that is there.

    Raises:
        ReportError: the folder or a file cannot be written.

    """
    with _explained(path):
        if not path.is_dir():
            _make_folder(path)
    for name, content in files.items():
        write_whole(path / name, content)
    return path


def _make_folders(path: Path) -> None:
    """Make a folder and those above it that are absent."""
    for folder in reversed([path, *path.parents]):
        if not folder.is_dir():
            _make_folder(folder)


def _make_folder(path: Path) -> None:
    path.mkdir()
    if not _is_root():
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _give_away(descriptor, path.parent)
    finally:
        os.close(descriptor)


def _give_away(descriptor: int, folder: Path) -> None:
    """Give root's new file or folder to the owner of the folder around it; where that is refused, it stays root's."""
    if _is_root():
        owner = folder.stat()
        with suppress(OSError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0


def _sync_directory(path: Path) -> None:
    """Make a rename last; where folders cannot be opened (Windows) the file system does without."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        fix = "Make the folder writable for this user"
        if error.errno in DISK_FULL:
            fix = "Free some space"
        elif error.errno in _IN_THE_WAY:
            fix = "Remove the file or the link that stands where a folder should be"
        raise ReportError(
            f"cannot write {path}: {reason}. {fix}, or choose another folder with --output-dir"
        ) from None
