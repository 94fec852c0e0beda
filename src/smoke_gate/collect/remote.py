"""Artifacts behind a server or in an object store, downloaded one at a time and not kept."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import quote

from smoke_gate.collect.calls import explained, is_absent, persistently
from smoke_gate.collect.errors import ArtifactError, StoreError
from smoke_gate.collect.folders import Entry, Folder, LocalFolder
from smoke_gate.collect.roots import PathMap, locate
from smoke_gate.collect.store import Store

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from requests import Response

_SLOWEST_BYTES_PER_SECOND = 50_000  # a download at a slower pace is given up
_CHUNK_BYTES = 1 << 20


def artifacts_at(recorded: str, owner: str, store: Store, path_map: PathMap) -> Folder:
    """Return the folder of artifacts that a store recorded for a run or a LoggedModel; see :func:`roots.locate`.

    Raises:
        ArtifactError: It is not there.
        StoreError: No installed library knows such an artifact store.

    """
    root = locate(recorded, owner, store, path_map)
    if root.folder is not None:
        return LocalFolder(root.folder)
    if root.uri is None:
        return LocalFolder(store.scratch / "nothing logged")
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return RemoteFolder(store.call(get_artifact_repository, root.uri, tracking_uri=store.uri), store)


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder in an artifact store that MLflow knows how to read."""

    repository: "ArtifactRepository"
    store: Store

    def entries(self, path: str) -> Sequence[Entry]:
        """Return what is in a folder; most stores say nothing, and no error, of one that is not there."""
        try:
            found = self.store.call(self.repository.list_artifacts, path or None)
        except StoreError as error:
            if is_absent(error):
                raise ArtifactError(
                    "the place where the artifacts were recorded is not there any more"
                ) from error
            raise
        return [
            Entry(info.path, info.file_size, is_folder=info.is_dir)
            for info in found
            if not info.is_dir or (info.path != path and info.path.startswith(f"{path}/" if path else ""))
        ]

    @contextmanager
    def opened(self, entry: Entry, max_bytes: int) -> Iterator[Path]:
        """Download the file into a private folder, and delete it afterwards."""
        with TemporaryDirectory(dir=self.store.scratch) as folder:
            target = Path(folder) / "artifact"
            seconds = 60 + _most_bytes(entry, max_bytes) / _SLOWEST_BYTES_PER_SECOND
            try:
                explained(
                    self.store.name, persistently, seconds, self._download, entry.path, target, max_bytes
                )
            except StoreError as error:
                if is_absent(error) or self._has_vanished(entry):
                    raise ArtifactError("it is not there any more") from error
                raise
            yield target

    def _download(self, path: str, target: Path, max_bytes: int) -> None:
        from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

        if isinstance(self.repository, HttpArtifactRepository):
            _stream(self.repository.artifact_uri, path, target, max_bytes)
        else:
            download: Callable[[str, str], object] = self.repository._download_file
            download(path, str(target))

    def _has_vanished(self, entry: Entry) -> bool:
        siblings = self.entries(entry.path.rpartition("/")[0])
        return entry.path not in {sibling.path for sibling in siblings}


def _most_bytes(entry: Entry, max_bytes: int) -> int:
    """Return how many bytes a download may have: as listed, else as bounded."""
    return max_bytes if entry.size is None else entry.size


def _stream(artifact_uri: str, path: str, target: Path, max_bytes: int) -> None:
    """Download through the tracking server, with its credentials; MLflow's own way has no bound."""
    from mlflow.utils import credentials, rest_utils

    request: Callable[..., Response] = rest_utils.http_request
    host: Callable[[str], object] = credentials.get_default_host_creds
    with request(host(artifact_uri), f"/{quote(path)}", "GET", stream=True) as response:
        response.raise_for_status()
        written = 0
        with target.open("wb") as file:
            for chunk in response.iter_content(_CHUNK_BYTES):
                written += len(chunk)
                if written > max_bytes:
                    raise ArtifactError(f"it is larger than {max_bytes} bytes")
                file.write(chunk)
