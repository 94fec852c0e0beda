import itertools
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.sqlite import private_copy, revisions
from tests.support.recorded import fingerprint


@pytest.fixture
def store(tmp_path):
    (tmp_path / "store").mkdir()
    return tmp_path / "store" / "odd %20?#.db"


@pytest.fixture
def private(tmp_path):
    (tmp_path / "private").mkdir()
    return tmp_path / "private"


def made(path: Path, *, wal: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    if wal:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE facts (value TEXT)")
    connection.execute("INSERT INTO facts VALUES ('first')")
    connection.commit()
    return connection


def values(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM facts")]


def test_copy_is_whole_and_the_store_untouched(store, private):
    made(store).close()
    before = fingerprint(store.parent)
    assert values(private_copy(store, private)) == ["first"]
    assert fingerprint(store.parent) == before


def test_what_is_only_in_the_write_ahead_log_is_copied(store, private):
    with closing(made(store, wal=True)) as writer:
        writer.execute("INSERT INTO facts VALUES ('second')")
        writer.commit()
        before = fingerprint(store.parent)
        assert values(private_copy(store, private)) == ["first", "second"]
        assert fingerprint(store.parent) == before


def test_an_unfinished_transaction_is_not_seen(store, private):
    with closing(made(store)) as writer:
        writer.execute(
            "PRAGMA cache_size = 1"
        )  # spills to the file, so that the journal is needed to undo it
        writer.executemany("INSERT INTO facts VALUES (?)", [("x" * 1000,)] * 500)
        assert values(private_copy(store, private)) == ["first"]


def test_a_copy_is_never_torn(store, private):
    made(store).close()
    stop = threading.Event()

    def write():
        with closing(sqlite3.connect(store, timeout=30)) as connection:
            number = 0
            while not stop.is_set():
                number += 1
                connection.executemany("INSERT INTO facts VALUES (?)", [(f"{number} {'x' * 500}",)] * 20)
                connection.commit()
                stop.wait(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(10):
            found = values(private_copy(store, private))
            assert (len(found) - 1) % 20 == 0
    finally:
        stop.set()
        writer.join()


@pytest.fixture
def never_at_rest(monkeypatch):
    """Let something happen whenever a file is copied."""
    copyfile = shutil.copyfile

    def during_a_copy(happens: Callable[[], object]) -> None:
        def copy(source: Path, target: Path) -> None:
            happens()
            copyfile(source, target)

        monkeypatch.setattr("shutil.copyfile", copy)

    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return during_a_copy


def test_a_database_that_is_never_at_rest_is_read_while_writers_wait(store, private, never_at_rest):
    with closing(made(store)) as writer:

        def write() -> None:
            writer.execute("INSERT INTO facts VALUES ('more')")
            writer.commit()

        never_at_rest(write)
        assert values(private_copy(store, private)) == values(store)
    assert [path.name for path in store.parent.iterdir()] == [store.name]


@pytest.mark.parametrize("why", ["write-ahead log", "locked"])
def test_where_no_copy_is_whole_the_message_says_how_to_make_one(
    store, private, never_at_rest, monkeypatch, why
):
    monkeypatch.setattr("smoke_gate.collect.sqlite._LOCK_SECONDS", 0.01)
    problem = {"locked": "another process has locked it", "write-ahead log": "it changed while"}[why]
    with closing(made(store, wal=why == "write-ahead log")) as writer:
        if why == "locked":
            writer.execute("BEGIN EXCLUSIVE")
        times = itertools.count(1)
        never_at_rest(lambda: os.utime(store, (0, next(times))))
        with pytest.raises(StoreError, match=rf"{problem}.*sqlite3 '.*' '\.backup copy\.db'"):
            private_copy(store, private)


@pytest.mark.parametrize(
    "content", [b"not a database at all " * 100, b"SQLite format 3\x00" + b"\xff" * 4096]
)
def test_what_is_no_database(store, private, content):
    store.write_bytes(content)
    with pytest.raises(StoreError, match=r"it is not an SQLite database|damaged"):
        private_copy(store, private)


def test_a_damaged_database(store, private):
    with closing(made(store)) as connection:
        connection.executemany("INSERT INTO facts VALUES (?)", [("x" * 900,)] * 50)
        connection.commit()
    content = bytearray(store.read_bytes())
    content[4096 : 4096 * 3] = b"\xaa" * 8192
    store.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        private_copy(store, private)


def test_a_database_that_may_not_be_read(store, private, monkeypatch):
    made(store).close()
    monkeypatch.setattr("shutil.copyfile", _refuse)  # permissions do not bind the user that tests may run as
    with pytest.raises(StoreError, match="cannot be copied: Permission denied"):
        private_copy(store, private)


def _refuse(*_arguments):
    raise PermissionError(13, "Permission denied")


def test_revision_of_what_is_no_mlflow_store(store):
    made(store).close()
    assert revisions(store) == ()
