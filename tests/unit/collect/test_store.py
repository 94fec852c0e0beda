import os
import tempfile
from pathlib import Path

import pytest

from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.store import open_store
from smoke_gate.errors import UsageError
from tests.support.stores import sqlite_store

PAGE = "http://host:5000/#/experiments/1"


def test_where_no_temporary_file_can_be_written_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "read-only"))
    with (
        pytest.raises(UsageError, match=r"temporary files cannot be written: .*--tmpfs /tmp"),
        open_store("x"),
    ):
        pass


def test_the_address_of_a_page_is_no_store():
    with pytest.raises(StoreError, match=r"a page: as the store write http://host:5000/$"), open_store(PAGE):
        pass


def test_no_connection_outlives_the_store(tmp_path):
    """A private copy is deleted: a connection to it would keep its bytes on the disk."""
    store_uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    sqlite_store(tmp_path / "mlflow.db")
    with open_store(store_uri) as store:
        copy = Path(store.uri.removeprefix("sqlite:///"))
        store.client.search_experiments()
        assert files_open(copy)
    assert not files_open(copy)


def files_open(path: Path) -> list[Path]:
    links = [Path(entry.path) for entry in os.scandir("/proc/self/fd")]
    return [link for link in links if link.is_symlink() and os.readlink(link).startswith(str(path))]  # noqa: PTH115
