"""Tracking URIs: what kind of store one names, where it is, and how it is shown without credentials."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from smoke_gate.collect.errors import StoreError
from smoke_gate.credentials import without_credentials

Kind = Literal["sqlite", "files", "database", "server"]

NEW_STORE = "sqlite:///mlflow.db"  # where MLflow itself makes a store for those who name none
_BARE_HOST = re.compile(r"[A-Za-z0-9.-]+:[0-9]+(?:/.*)?")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9.-]+)(?:\+[A-Za-z0-9_]+)?:")
_KINDS: Mapping[str, Kind] = {
    "file": "files",
    "sqlite": "sqlite",
    "postgresql": "database",
    "postgres": "database",
    "mysql": "database",
    "mssql": "database",
}

_DRIVERS: Mapping[str, tuple[str, ...]] = {
    "postgresql": ("psycopg2", "psycopg"),
    "mysql": ("pymysql", "MySQLdb"),
}
"""The Python packages that read a database, in the order in which they are looked for."""


def default_tracking_uri(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the tracking URI of those who give no option, as :func:`usual_tracking_uri` does.

    Raises:
        StoreError: Nothing names a store, and there is none.
    """
    found = usual_tracking_uri(folder, environ)
    if found is None:
        raise StoreError(
            "no tracking store is named and none is here: --tracking-uri is not given, MLFLOW_TRACKING_URI is not set, "
            f"and {folder.absolute()} has neither mlflow.db nor mlruns"
        )
    return found


def usual_tracking_uri(folder: Path, environ: Mapping[str, str]) -> str | None:
    """Return the tracking URI that the surroundings say, None where they say none.

    That is ``MLFLOW_TRACKING_URI``, else ``sqlite:///mlflow.db`` where that file is in ``folder`` (the working
    directory), else ``./mlruns`` where that is.
    """
    if named := environ.get("MLFLOW_TRACKING_URI"):
        return named
    if (folder / "mlflow.db").is_file():
        return NEW_STORE
    return "./mlruns" if (folder / "mlruns").exists() else None


def kind_of(uri: str) -> Kind:
    """Return how the store is read; a scheme that only MLflow or its plugins know counts as a server.

    Raises:
        StoreError: A server's address lacks its scheme.
    """
    if _BARE_HOST.fullmatch(uri):
        raise StoreError(f"{uri} names no kind of store: for a tracking server write http://{uri}")
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return "server" if uri == "databricks" else "files"
    return _KINDS.get(scheme["scheme"].lower(), "server")


def shown(uri: str) -> str:
    """Return the URI without credentials: no user, no password, and no query where it is not part of a path."""
    bare = without_credentials(uri)
    return bare if kind_of(uri) in ("sqlite", "files") else re.split(r"[?#]", bare, maxsplit=1)[0]


def with_driver(uri: str) -> str:
    """Return the URI of a database with the driver that is installed, where it names none.

    ``postgres:`` is read as ``postgresql:``, as PostgreSQL's own tools do.
    """
    uri = re.sub(r"^postgres(?=\+|:)", "postgresql", uri, flags=re.IGNORECASE)
    scheme, colon, rest = uri.partition(":")
    driver = next((name for name in _DRIVERS.get(scheme.lower(), ()) if find_spec(name)), None)
    return f"{scheme}+{driver}{colon}{rest}" if driver else uri


def files_path(uri: str) -> Path:
    """Return the folder that a file store's URI names.

    Raises:
        StoreError: There is no such folder.
    """
    plain = urlsplit(uri).path if uri.startswith("file:") else uri
    candidates = [Path(unquote(plain)), Path(plain)] if uri.startswith("file:") else [Path(plain)]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate.resolve()
        if candidate.is_file():
            raise StoreError(
                f"{uri} is a file, not a folder of runs: if it is an SQLite store, write sqlite:///{candidate}"
            )
    raise StoreError(
        f"there is no tracking store at {uri}: the folder {candidates[0].absolute()} does not exist"
    )


def sqlite_path(uri: str) -> Path:
    """Return the file that an SQLite URI names, also where its name holds ``%``, ``?`` or ``#``, or is percent-encoded.

    Raises:
        StoreError: There is no such file; nothing is created.
    """
    _, slashes, name = uri.partition(":///")
    if not slashes or name in ("", ":memory:"):
        raise StoreError(
            f"{uri} names no file: write sqlite:///relative/path.db or sqlite:////absolute/path.db"
        )
    if name.startswith("file:"):
        name = re.sub(r"^//(?=/)", "", name.removeprefix("file:"))
    without_query = name.partition("?")[0]
    candidates = list(dict.fromkeys(map(Path, (name, unquote(name), without_query, unquote(without_query)))))
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
        if candidate.is_dir():
            raise StoreError(f"{uri} is a folder, not a database: if it is a file store, write {candidate}")
    raise StoreError(
        f"there is no tracking store at {uri}: the file {candidates[0].absolute()} does not exist, and smoke-gate does "
        "not create one. Check the path (sqlite:///relative.db, sqlite:////absolute.db) and the working directory"
    )
