"""Opening a tracking store so that nothing is written to it, and calling it so that nothing hangs."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from urllib.parse import urlsplit

from smoke_gate.collect import schema
from smoke_gate.collect.errors import StoreError
from smoke_gate.collect.file_store import private_links
from smoke_gate.collect.locations import Kind, files_path, kind_of, shown, sqlite_path, with_driver
from smoke_gate.collect.mlflow_calls import explained, persistently
from smoke_gate.collect.mlflow_environment import calm_mlflow, deadline, import_mlflow
from smoke_gate.collect.sqlite import private_copy, revisions
from smoke_gate.collect.tables import Tables
from smoke_gate.errors import UsageError
from smoke_gate.origins import ArtifactHost
from smoke_gate.redaction import Secrets, process_secrets

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.store.entities import PagedList
    from sqlalchemy.engine import Engine

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlace:
    """Where a store is: what reading artifacts must know of it.

    ``uri`` is what MLflow was given (a private copy's, or the server's with its credentials), ``name`` how messages and
    the report name the store. ``folder`` is the file store's own folder or the one that holds the database; None for
    servers. ``scratch`` is a private folder for downloads. ``patience`` are the seconds a call may take, None where it
    is local. ``artifact_hosts`` may be asked for artifacts, besides the store itself. ``workspace`` is the one
    of a server, None for its default. ``cache`` keeps what was read of files in object stores; None: nothing is kept.
    """

    uri: str
    name: str
    kind: Kind
    folder: Path | None
    scratch: Path
    patience: float | None
    artifact_hosts: tuple[ArtifactHost, ...] = ()
    workspace: str | None = None
    cache: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Store(StorePlace):
    """An open store.

    ``opened`` returns MLflow's client, which it makes when it is first asked for: what stands in tables needs none.
    ``secrets`` are removed from every fact that is read. ``damaged`` has, by run id, the names of what a file store
    cannot give. ``tables`` are those of a database; None for other stores.
    """

    opened: Callable[[], "MlflowClient"]
    secrets: Secrets = field(default_factory=process_secrets)
    damaged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Tables | None = None

    @property
    def place(self) -> StorePlace:
        """Where it is, without what only this process can use."""
        return StorePlace(**{part.name: getattr(self, part.name) for part in fields(StorePlace)})

    @property
    def client(self) -> "MlflowClient":
        """MLflow's client.

        Raises:
            StoreError: MLflow cannot open the store.

        """
        return self.opened()

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what an MLflow function returns.

        Raises:
            StoreError: It failed, or took longer than the store's patience.
        """
        return _call(self.name, self.patience, function, *args, **kwargs)

    def end_transaction(self) -> None:
        """End the transaction in which a database is read: whatever comes next, such as artifacts, may take long."""
        if self.tables is not None:
            self.tables.end()


@contextmanager
def open_store(
    uri: str,
    artifact_hosts: Sequence[ArtifactHost] = (),
    *,
    workspace: str | None = None,
    cache: Path | None = None,
) -> Iterator[Store]:
    """Open the store that a tracking URI names, for as long as the context lasts.

    ``artifact_hosts`` may be asked for artifacts, besides the store itself. ``workspace`` is the one of a server, None
    for the one that ``MLFLOW_WORKSPACE`` names. ``cache`` keeps what is read of files in object stores.

    Raises:
        StoreError: It is not there, does not answer, has a newer schema, or is not an MLflow store.
    """
    with calm_mlflow(workspace), private_folder() as scratch:
        try:
            store = _opened(uri, Path(scratch))
        except OSError as error:
            raise StoreError(f"{shown(uri)} cannot be opened: {error.strerror or error}") from error
        try:
            yield replace(
                store,
                artifact_hosts=tuple(artifact_hosts),
                workspace=workspace,
                cache=cache,
                secrets=process_secrets(uri),
            )
        finally:
            store.end_transaction()
            if store.kind in ("sqlite", "database"):
                _disconnect(store.uri)


def all_pages(store: Store, page: Callable[[str | None], "PagedList[T]"]) -> Iterator[T]:
    """Yield what is on all pages; ``page`` is asked with the token of the page before.

    Raises:
        StoreError: A page cannot be read, or the pages go in a circle.
    """
    token: str | None = None
    asked = set()
    while True:
        found = store.call(page, token)
        yield from found
        token = found.token
        if not token:
            return
        if token in asked:
            raise StoreError(f"{store.name} lists the same page again and again: its list has no end")
        asked.add(token)


def private_folder() -> "TemporaryDirectory[str]":
    """Make a folder of this user for temporary files; it ends with its context.

    Raises:
        UsageError: It cannot be made.
    """
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
    name = shown(uri)
    if kind == "database":
        uri = with_driver(uri)
        _call(name, patience, schema.refuse_other, name, uri)
        return Store(
            opened=cache(partial(_call, name, patience, _client, uri)),
            uri=uri,
            name=name,
            kind="database",
            folder=None,
            scratch=folder,
            patience=patience,
            tables=Tables(uri),
        )
    client = _call(name, patience, _client, uri)
    return Store(
        opened=lambda: client,
        uri=uri,
        name=name,
        kind=kind,
        folder=None,
        scratch=folder,
        patience=patience,
    )


def _sqlite(uri: str, folder: Path) -> Store:
    database = sqlite_path(uri)
    copy = private_copy(database, folder)
    found = schema.the_revision(uri, revisions(copy))
    private_uri = f"sqlite:///{copy}"
    if found != schema.expected_revision():
        explained(uri, schema.upgrade, private_uri)
    return Store(
        opened=cache(partial(explained, uri, _client, private_uri)),
        uri=private_uri,
        name=uri,
        kind="sqlite",
        folder=database.parent,
        scratch=folder,
        patience=None,
        tables=Tables(private_uri),
    )


def _files(uri: str, folder: Path) -> Store:
    root = files_path(uri)
    links = folder / "store"
    links.mkdir()
    damaged = private_links(root, links)
    private_uri = links.as_uri()
    client = explained(uri, _client, private_uri)
    return Store(
        opened=lambda: client,
        uri=private_uri,
        name=uri,
        kind="files",
        folder=root,
        scratch=folder,
        patience=None,
        damaged=damaged,
    )


def _disconnect(uri: str) -> None:
    """Close the connections to a database that MLflow keeps for the next client, which is not to come.

    Where no client was made, the modules that would keep them are not imported.
    """
    for module in ("mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store"):
        kept = getattr(sys.modules.get(module), "SqlAlchemyStore", None)
        engines: dict[str, Engine] = getattr(kept, "_engine_map", {})
        if engine := engines.get(uri):
            engine.dispose()


def _client(uri: str) -> "MlflowClient":
    import_mlflow()
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
