"""Opening a tracking store so that nothing is written to it, and calling it so that nothing hangs."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from urllib.parse import urlsplit

from smoke_gate.collect import schema
from smoke_gate.collect.calls import explained, persistently
from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.file_store import private_links
from smoke_gate.collect.locations import Kind, files_path, kind_of, shown, sqlite_path
from smoke_gate.collect.sqlite import private_copy, revision
from smoke_gate.collect.surroundings import calm_mlflow, deadline
from smoke_gate.errors import UsageError

if TYPE_CHECKING:
    from mlflow import MlflowClient

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An open store.

    ``uri`` is what MLflow was given (a private copy's, or the server's with its credentials), ``name`` how messages and
    the report name the store. ``folder`` is the file store's own folder or the one that holds the database; None for
    servers. ``scratch`` is a private folder for downloads. ``patience`` are the seconds a call may take, None where it
    is local.
    """

    client: "MlflowClient"
    uri: str
    name: str
    kind: Kind
    folder: Path | None
    scratch: Path
    patience: float | None

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what an MLflow function returns.

        Raises:
            StoreError: It failed, or took longer than the store's patience.
        """
        return _call(self.name, self.patience, function, *args, **kwargs)


@contextmanager
def open_store(uri: str) -> Iterator[Store]:
    """Open the store that a tracking URI names, for as long as the context lasts.

    Raises:
        StoreError: It is not there, does not answer, has a newer schema, or is no MLflow store.
    """
    with calm_mlflow(), _scratch() as scratch:
        try:
            store = _opened(uri, Path(scratch))
        except OSError as error:
            raise StoreError(f"{shown(uri)} cannot be opened: {error.strerror or error}") from error
        yield store


def _scratch() -> "TemporaryDirectory[str]":
    try:
        return TemporaryDirectory(prefix="smoke-gate-", ignore_cleanup_errors=True)
    except OSError as error:
        raise UsageError(
            f"temporary files cannot be written: {error.strerror or error}. "
            "Let TMPDIR name a folder where they can; in a container give it one: --tmpfs /tmp"
        ) from error


def _opened(uri: str, folder: Path) -> Store:
    kind = kind_of(uri)
    if kind == "sqlite":
        return _sqlite(uri, folder)
    if kind == "files":
        return _files(uri, folder)
    if urlsplit(uri).fragment.startswith("/"):
        raise StoreError(f"{uri} is the address of a page: as the store write {shown(uri)}")
    patience = deadline(os.environ)
    if kind == "database":
        _call(shown(uri), patience, schema.refuse_other, shown(uri), uri)
    client = _call(shown(uri), patience, _client, uri)
    return Store(
        client=client, uri=uri, name=shown(uri), kind=kind, folder=None, scratch=folder, patience=patience
    )


def _sqlite(uri: str, folder: Path) -> Store:
    database = sqlite_path(uri)
    copy = private_copy(database, folder)
    found = revision(copy)
    if not found:
        raise StoreError(f"{uri} is an SQLite database without MLflow's tables: check the path")
    private_uri = f"sqlite:///{copy}"
    if found != schema.expected_revision():
        schema.refuse_newer(uri, found)
        explained(uri, schema.upgrade, private_uri)
    client = explained(uri, _client, private_uri)
    return Store(
        client=client, uri=private_uri, name=uri, kind="sqlite", folder=database.parent, scratch=folder, patience=None
    )  # fmt: skip


def _files(uri: str, folder: Path) -> Store:
    root = files_path(uri)
    links = folder / "store"
    links.mkdir()
    private_uri = private_links(root, links).as_uri()
    client = explained(uri, _client, private_uri)
    return Store(
        client=client, uri=private_uri, name=uri, kind="files", folder=root, scratch=folder, patience=None
    )


def _client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def _call(
    name: str, patience: float | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    if patience is None:
        return explained(name, function, *args, **kwargs)

    def bounded() -> T:
        return persistently(patience, function, *args, **kwargs)

    return explained(name, bounded)
