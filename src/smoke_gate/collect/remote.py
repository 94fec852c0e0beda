"""Artifacts behind a server or in an object store, downloaded one at a time and not kept."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from smoke_gate.collect.artifact_stores import Repository, artifact_store, underlying
from smoke_gate.collect.container_action import PathMap
from smoke_gate.collect.errors import ArtifactError, StoreError
from smoke_gate.collect.folders import Entry, Folder, LocalFolder
from smoke_gate.collect.mlflow_calls import explained, is_absent, persistently
from smoke_gate.collect.mlflow_environment import deadline
from smoke_gate.collect.roots import locate
from smoke_gate.collect.store import Store
from smoke_gate.probes.ranges import Fetch

_SLOWEST_BYTES_PER_SECOND = 50_000  # a download at a slower pace is given up


def artifacts_at(recorded: str | None, owner: str, store: Store, path_map: PathMap) -> Folder:
    """Return the folder of artifacts that a store recorded for a run or a LoggedModel; see :func:`roots.locate`.

    Raises:
        ArtifactError: It is not there, or may not be asked.
        StoreError: The run or the model that the URI names cannot be read, or a library is not installed.

    """
    recorded, owner = underlying(recorded or "", owner, store)
    root = locate(recorded, owner, store, path_map)
    if root.folder is not None:
        return LocalFolder(root.folder)
    if root.uri is None:
        return LocalFolder(store.scratch / "nothing logged")
    name, repository = artifact_store(root.uri, store)
    return RemoteFolder(repository, store, name)


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder in an artifact store; ``name`` is how messages name that."""

    repository: Repository
    store: Store
    name: str

    def entries(self, path: str) -> Sequence[Entry]:
        """Return what is in a folder; most stores say nothing, and no error, of one that is not there."""
        try:
            found = explained(
                self.name, persistently, self._patience, self.repository.list_artifacts, path or None
            )
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
                    self.name, persistently, seconds, self.repository.download, entry.path, target, max_bytes
                )
            except StoreError as error:
                if is_absent(error) or self._has_vanished(entry):
                    raise ArtifactError("it is not there any more") from error
                raise
            yield target

    @contextmanager
    def ranges(self, entry: Entry) -> Iterator[Fetch]:
        """Ask for each part."""

        def fetch(offset: int, count: int) -> bytes:
            return explained(
                self.name, persistently, self._patience, self.repository.part, entry.path, offset, count
            )

        yield fetch

    @property
    def _patience(self) -> float:
        return self.store.patience or deadline(os.environ)

    def _has_vanished(self, entry: Entry) -> bool:
        siblings = self.entries(entry.path.rpartition("/")[0])
        return entry.path not in {sibling.path for sibling in siblings}


def _most_bytes(entry: Entry, max_bytes: int) -> int:
    """Return how many bytes a download may have: as listed, else as bounded."""
    return max_bytes if entry.size is None else entry.size
