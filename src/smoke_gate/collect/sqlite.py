"""A private copy of an SQLite store: what MLflow does on opening happens to the copy, never to the store."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from smoke_gate.collect.errors import StoreError

_ATTEMPTS = 6
_PAUSE_SECONDS = 0.2  # doubled after each attempt: 6 s in all


def private_copy(database: Path, folder: Path) -> Path:
    """Copy a database with its journals into ``folder`` and return the copy, which has a plain name.

    SQLite is not asked, since even a reader leaves files beside the database. A copy during which the database changed,
    or that is not whole, is made again; what is in the write-ahead log needs no such care, its frames have checksums.

    Raises:
        StoreError: The file cannot be read, is not an intact SQLite database, or is written to without a pause.
    """
    problem = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            before = _state(database)
            copy = _copied(database, folder)
            problem = _damage(copy) if _state(database) == before else "it changed while it was being copied"
        except OSError as error:
            raise StoreError(
                f"the SQLite store {database} cannot be copied: {error.strerror or error}"
            ) from error
        if not problem:
            return copy
        if problem == _NOT_SQLITE:
            break
    raise StoreError(f"the SQLite store {database} cannot be read: {problem}")


_NOT_SQLITE = "it is not an SQLite database"


def revision(copy: Path) -> str | None:
    """Return the schema version of the MLflow tables in a database, None where there are none."""
    with closing(sqlite3.connect(copy)) as connection:
        tables = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if not {"experiments", "runs", "alembic_version"} <= tables:
            return None
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return found[0] if found else None


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
    copy = folder / "store.db"
    for suffix in ("", "-wal", "-journal"):
        target = _beside(copy, suffix)
        target.unlink(missing_ok=True)
        try:
            shutil.copyfile(_beside(database, suffix), target)
        except FileNotFoundError:
            if not suffix:  # the journals come and go while somebody writes
                raise
            target.unlink(missing_ok=True)
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
