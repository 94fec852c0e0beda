"""Which artifact store a recorded URI names, and whether it may be asked: who wrote the URI may not choose the host.

Whoever can log a run can write any artifact URI into the store. So only these are asked: the tracking server, object
stores with their own credentials, and the hosts that the user allows.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult, urlsplit

from smoke_gate.collect.errors import RefusedPlaceError, StoreError
from smoke_gate.collect.mlflow_calls import explained
from smoke_gate.collect.mlflow_environment import import_mlflow
from smoke_gate.collect.object_parts import part_of_object, version_of_object
from smoke_gate.collect.served import ENDPOINT, ServedArtifacts
from smoke_gate.collect.store import Store, StorePlace
from smoke_gate.origins import Origin, origin_of
from smoke_gate.text import shortened, visible

if TYPE_CHECKING:
    from mlflow.entities import FileInfo
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

PROXIED = "mlflow-artifacts"
_AZURE = r"(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)"
# What may stand between `://` and the path, so that nobody but the provider of the object store gets its credentials.
_OBJECT_STORES = {
    "s3": re.compile(r"[\w.-]{3,255}|arn:aws[\w-]*:s3[\w:.-]*"),
    "gs": re.compile(r"[\w.-]{3,222}"),
    "wasbs": re.compile(rf"[\w$-]+@\w+\.blob\.core\.{_AZURE}"),
    "abfss": re.compile(rf"[\w$-]+@\w+\.dfs\.(?:core\.{_AZURE}|fabric\.microsoft\.com)"),
}
_NAMES = ("runs", "models")  # schemes of URIs that name what has an artifact URI
_NO_ANSWER = (
    "",
    "INTERNAL_ERROR",
    "TEMPORARILY_UNAVAILABLE",
)  # codes of errors that are not about what was asked for
_LONGEST_QUOTE = 80


class Repository(Protocol):
    """A place that lists artifacts and downloads them."""

    def list_artifacts(self, path: str | None = None) -> "list[FileInfo]":
        """Return what is in a folder."""

    def download(self, path: str, target: Path, max_bytes: int) -> None:
        """Download a file."""

    def part(self, path: str, offset: int, count: int) -> bytes:
        """Return so many bytes of a file.

        Raises:
            ArtifactError: Such a place does not give parts of files.

        """

    def version(self, path: str) -> str | None:
        """Return what names a file and its content in all the world; None where the place does not say it."""


class MlflowRepository:
    """An object store, read by MLflow with the credentials of that store."""

    def __init__(self, repository: "ArtifactRepository") -> None:
        self._repository = repository

    def list_artifacts(self, path: str | None = None) -> "list[FileInfo]":
        """Return what is in a folder."""
        found: list[FileInfo] = self._repository.list_artifacts(path)
        return found

    def download(self, path: str, target: Path, max_bytes: int) -> None:  # noqa: ARG002 - MLflow knows no bound
        """Download a file."""
        download: Callable[[str, str], object] = self._repository._download_file
        download(path, str(target))

    def part(self, path: str, offset: int, count: int) -> bytes:
        """Return so many bytes of a file."""
        return part_of_object(self._repository, path, offset, count)

    def version(self, path: str) -> str | None:
        """Return the file's address and the version that the object store gives it."""
        return version_of_object(self._repository, path)


@dataclass(frozen=True, slots=True)
class RecordedPlace:
    """Where a store says that artifacts are: their URI, and the id of the run or LoggedModel that they are of."""

    uri: str
    owner: str


def underlying(recorded: str | None, owner: str, store: Store) -> RecordedPlace:
    """Return the place that a ``runs:`` or ``models:`` URI leads to; another URI is one.

    Args:
        recorded: the URI; None where the store says nothing.
        owner: the id of the run or model that has it.
        store: where that was recorded.

    Raises:
        RefusedPlaceError: It names a host, or something that is not there or has another such URI.
        StoreError: The store cannot be read.
    """
    recorded = recorded or ""
    scheme = recorded.partition(":")[0].lower()
    if scheme not in _NAMES:
        return RecordedPlace(recorded, owner)
    parts = _parts(recorded)
    named, _, rest = parts.path.lstrip("/").partition("/")
    refusal = RefusedPlaceError(
        f"their address, {shortened(visible(recorded), _LONGEST_QUOTE)}, leads to no place"
    )
    if parts.netloc or not named:
        raise refusal
    try:
        found, rest = _named(scheme, named, rest, store)
    except StoreError as error:
        if error.code in _NO_ANSWER:
            raise
        raise refusal from error
    if not found or found.partition(":")[0].lower() in _NAMES:
        raise refusal
    return RecordedPlace(f"{found.rstrip('/')}/{rest}" if rest else found, named)


def _named(scheme: str, name: str, rest: str, store: Store) -> tuple[str | None, str]:
    """Return the artifact URI of a run, of a LoggedModel or of a registered model's version, and the path below it."""
    if scheme == "runs":
        return store.call(store.client.get_run, name).info.artifact_uri, rest
    if name.startswith("m-"):
        return store.call(store.client.get_logged_model, name).artifact_location, rest
    version, _, rest = rest.partition("/")
    return store.call(store.client.get_model_version_download_uri, name, version), rest


def artifact_store(uri: str, store: StorePlace) -> tuple[str, Repository]:
    """Return the name, for messages, and the repository that an artifact URI means.

    Raises:
        RefusedPlaceError: It is not asked.
        StoreError: A package that reads such a store is not installed.
    """
    scheme, parts = uri.partition(":")[0].lower(), _parts(uri)
    if scheme in ("http", "https"):
        return _served(uri, store)
    if scheme == PROXIED:
        return _served(_proxied(uri, store), store)
    is_databricks = scheme == "dbfs" and store.uri.partition(":")[0] == "databricks"
    if is_databricks or (scheme in _OBJECT_STORES and _OBJECT_STORES[scheme].fullmatch(parts.netloc)):
        name = f"{scheme}://{parts.netloc.rpartition('@')[2]}"
        return name, _by_mlflow(name, uri, store)
    raise RefusedPlaceError(
        f"they are at {_shown(uri)}, which smoke-gate does not read. "
        "Copy them to a place that it reads, and name that with --artifact-path-map OLD=NEW"
    )


def _served(url: str, store: StorePlace) -> tuple[str, ServedArtifacts]:
    """Return artifacts behind a server that may be asked."""
    try:
        origin = origin_of(url)
    except ValueError:
        raise RefusedPlaceError(f"their address, {_shown(url)}, is not understood") from None
    home, path = _home(store), urlsplit(url).path
    allowed = next((host for host in store.artifact_hosts if host.origin == origin), None)
    if origin != home and allowed is None:
        raise RefusedPlaceError(
            f"they are on {origin}, which is not the tracking server, so nothing was fetched from there. "
            f"If you trust that host, allow it: --artifact-host {origin}"
        )
    if ENDPOINT not in path:
        raise RefusedPlaceError(f"their address on {origin} is not one of MLflow's artifacts (…{ENDPOINT}/…)")
    import_mlflow()  # which ServedArtifacts ask with, from many threads
    if origin == home:
        return store.name, ServedArtifacts(origin, path, with_credentials=True, user_info=_user_info(store))
    with_credentials = allowed is not None and allowed.with_credentials
    user_info = _user_info(store) if with_credentials else ""
    return str(origin), ServedArtifacts(origin, path, with_credentials, user_info)


def _proxied(uri: str, store: StorePlace) -> str:
    """Return the http address of an ``mlflow-artifacts:`` URI: on the tracking server, or on the host that it names."""
    parts = urlsplit(uri)
    home = _home(store)
    prefix = urlsplit(store.uri).path.rstrip("/") if home is not None else ""
    path = f"{prefix}/api/2.0{ENDPOINT}/{parts.path.lstrip('/')}"
    if not parts.netloc:
        if home is None:
            raise RefusedPlaceError(
                f"they are at {_shown(uri)}, and {store.name} is not a server that serves them"
            )
        return f"{home}{path}"
    schemes = [home.scheme] if home is not None else [host.origin.scheme for host in store.artifact_hosts]
    return f"{schemes[0] if schemes else 'http'}://{parts.netloc.rpartition('@')[2]}{path}"


def _home(store: StorePlace) -> Origin | None:
    """Return the origin of the tracking server, None where the store is not read over http."""
    if store.kind != "server":
        return None
    try:
        return origin_of(store.uri)
    except ValueError:
        return None


def _user_info(store: StorePlace) -> str:
    user_info, at, _ = urlsplit(store.uri).netloc.rpartition("@")
    return user_info + at


def _by_mlflow(name: str, uri: str, store: StorePlace) -> MlflowRepository:
    import_mlflow()
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    try:
        return MlflowRepository(explained(name, get_artifact_repository, uri, tracking_uri=store.uri))
    except StoreError as error:
        if not isinstance(
            error.__cause__, MlflowException | ValueError
        ):  # such as a package that is not installed
            raise
        raise RefusedPlaceError(f"their address, {_shown(uri)}, is not understood") from error


def _parts(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError:
        raise RefusedPlaceError(f"their address, {_shown(uri)}, is not understood") from None


def _shown(uri: str) -> str:
    """Return a URI as messages name it: scheme and host, without credentials and path."""
    scheme, _, rest = uri.partition(":")
    host = re.split("[/?#]", rest[2:], maxsplit=1)[0].rpartition("@")[2] if rest.startswith("//") else ""
    return shortened(visible(f"{scheme}://{host}" if host else f"{scheme}:"), _LONGEST_QUOTE)
