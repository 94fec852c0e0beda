"""A private copy of an SQLite store: what MLflow does on opening happens to the copy, never to the store."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from smoke_gate.collect.errors import StoreError
from smoke_gate.lfs import POINTER, is_pointer

_SUFFIXES = ("", "-wal", "-journal")
_ATTEMPTS = 6
_PAUSE_SECONDS = 0.2  # doubled after each attempt: 6 s in all
_LOCK_SECONDS = 5.0
_NOT_SQLITE = "it is not an SQLite database"
_CHANGED = "it changed while it was being copied"
_LOCKED = "another process has locked it"
_TO_COPY = (
    "Make a copy with SQLite's own tool, and name that as the store: sqlite3 '{database}' '.backup copy.db', "
    "then --tracking-uri sqlite:///copy.db"
)
_VERSIONS_OF_FORMAT = slice(18, 20)  # bytes of the header; both are 2 where there is a write-ahead log


def private_copy(database: Path, folder: Path) -> Path:
    """Copy a database with its journals into ``folder`` and return the copy, which has a plain name.

    At first the files are copied and SQLite is not asked. A copy during which the database changed, or that is not
    whole, is made again. From then on writers are made to wait meanwhile, where that leaves no file beside the
    database: in one without a write-ahead log. (Of a write-ahead log a copy may have any part, its frames have
    checksums.)

    Raises:
        StoreError: The file cannot be read, is not an intact SQLite database, or is written to without a pause.
    """
    problem = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            if is_pointer(database):
                raise StoreError(f"the SQLite store {database} cannot be read: {POINTER}")
            copy, problem = _copied_at_rest(database, folder)
            if problem == _CHANGED and not _has_write_ahead_log(database):
                copy, problem = _copied_while_held(database, folder)
        except OSError as error:
            raise StoreError(
                f"the SQLite store {database} cannot be copied: {error.strerror or error}"
            ) from error
        if not problem:
            return copy
        if problem == _NOT_SQLITE:
            break
    advice = f". {_TO_COPY.format(database=database)}" if problem in (_CHANGED, _LOCKED) else ""
    raise StoreError(f"the SQLite store {database} cannot be read: {problem}{advice}")


def revisions(copy: Path) -> tuple[str, ...]:
    """Return the schema versions that stand in a database with MLflow's tables, none where there are no such tables.

    Another program that keeps its tables there too may have its version beside MLflow's.
    """
    with closing(sqlite3.connect(copy)) as connection:
        tables = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if not {"experiments", "runs", "alembic_version"} <= tables:
            return ()
        found = connection.execute("SELECT version_num FROM alembic_version ORDER BY version_num")
        return tuple(version for (version,) in found)


def _copied_at_rest(database: Path, folder: Path) -> tuple[Path, str]:
    """Copy the files; return the copy, and the problem with it or nothing."""
    before = _state(database)
    copy = _copied(database, folder)
    return copy, _damage(copy) if _state(database) == before else _CHANGED


def _copied_while_held(database: Path, folder: Path) -> tuple[Path, str]:
    """Copy with a lock that lets others read but not write; return the copy, and the problem with it or nothing.

    SQLite itself copies: to close a file that was opened for copying would release the lock.
    """
    copy = _empty(folder)
    address = f"{database.absolute().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=_LOCK_SECONDS)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.execute("BEGIN")
            source.execute(
                "SELECT 1 FROM sqlite_master"
            ).fetchone()  # takes the lock, or gives up after a while
            source.backup(target)
    except sqlite3.Error as error:
        return copy, _LOCKED if "locked" in str(error) else _CHANGED
    return copy, _damage(copy)


def _has_write_ahead_log(database: Path) -> bool:
    with database.open("rb") as file:
        return file.read(_VERSIONS_OF_FORMAT.stop)[_VERSIONS_OF_FORMAT] == b"\x02\x02"


def _state(database: Path) -> list[tuple[int, int, int] | None]:
    """Return what changes when the database does; its write-ahead log may grow meanwhile."""
    return [_stat(database), _stat(_beside(database, "-journal"))]


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _copied(database: Path, folder: Path) -> Path:
    copy = _empty(folder)
    for suffix in _SUFFIXES:
        target = _beside(copy, suffix)
        try:
            shutil.copyfile(_beside(database, suffix), target)
        except FileNotFoundError:
            if not suffix:  # the journals come and go while somebody writes
                raise
            target.unlink(missing_ok=True)
    return copy


def _empty(folder: Path) -> Path:
    """Return where the copy is to be, with nothing there."""
    copy = folder / "store.db"
    for suffix in _SUFFIXES:
        _beside(copy, suffix).unlink(missing_ok=True)
    return copy


def _damage(copy: Path) -> str:
    """Return why a copy is not a whole database, or nothing."""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return _NOT_SQLITE if "not a database" in str(error) else f"it is damaged ({error})"
    return "" if found == "ok" else f"it is damaged ({found})"


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
