"""Artifacts behind a server or in an object store, downloaded one at a time and not kept."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkstemp
from time import sleep
from typing import ParamSpec, TypeVar

from smoke_gate.collect.allowance import Allowance
from smoke_gate.collect.artifact_stores import RecordedPlace, Repository, artifact_store
from smoke_gate.collect.container_action import PathMap
from smoke_gate.collect.errors import ArtifactError, StoreError
from smoke_gate.collect.folders import Entry, Folder, LocalFolder, NoFolder
from smoke_gate.collect.mlflow_calls import explained, is_absent, is_late, persistently
from smoke_gate.collect.mlflow_environment import deadline
from smoke_gate.collect.probe_cache import Kept
from smoke_gate.collect.roots import locate
from smoke_gate.collect.store import StorePlace
from smoke_gate.lfs import POINTER, is_pointer
from smoke_gate.probes.ranges import Fetch

P = ParamSpec("P")
T = TypeVar("T")

_PAUSE_SECONDS = 0.5
_SECONDS_TO_BEGIN = 60.0


def artifacts_at(place: RecordedPlace, store: StorePlace, path_map: PathMap) -> Folder:
    """Return the folder of artifacts that a store recorded for a run or a LoggedModel; see :func:`roots.locate`.

    Raises:
        ArtifactError: It is not there, or may not be asked.
        StoreError: A library is not installed.

    """
    root = locate(place.uri, place.owner, store, path_map)
    if root.folder is not None:
        return LocalFolder(root.folder)
    if root.uri is None:
        return NoFolder()
    name, repository = artifact_store(root.uri, store)
    return RemoteFolder(repository, store, name)


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder in an artifact store; ``name`` is how messages name that."""

    repository: Repository
    store: StorePlace
    name: str
    allowance: Allowance = field(default_factory=Allowance)

    def entries(self, path: str) -> Sequence[Entry]:
        """Return what is in a folder; most stores say nothing, and no error, of one that is not there."""
        try:
            found = self._asked(0, self.repository.list_artifacts, path or None)
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
        """Download the file, and delete it afterwards."""
        with _private_file(self.store.scratch) as target:
            try:
                self._asked(
                    _most_bytes(entry, max_bytes), self.repository.download, entry.path, target, max_bytes
                )
            except StoreError as error:
                if is_absent(error) or self._has_vanished(entry):
                    raise ArtifactError("it is not there any more") from error
                raise
            if is_pointer(target):
                raise ArtifactError(POINTER)
            yield target

    def kept(self, entry: Entry) -> Kept | None:
        """Return where what is read of a file is kept: below its address and the version that the store gives it."""
        if self.store.cache is None:
            return None
        try:
            version = self._asked(0, self.repository.version, entry.path)
        except StoreError as error:
            if is_absent(error):  # reading it says so
                return None
            raise
        return None if version is None else Kept(self.store.cache, f"{version} {entry.size}")

    @contextmanager
    def ranges(self, entry: Entry) -> Iterator[Fetch]:
        """Ask for each part."""

        def fetch(offset: int, count: int) -> bytes:
            return self._asked(count, self.repository.part, entry.path, offset, count)

        yield fetch

    def _asked(self, size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a request for so many bytes brings; one that finds nothing is made once more.

        Raises:
            ArtifactError: It did not come in time.
            StoreError: It failed in another way.

        """
        request = partial(function, *args, **kwargs)
        try:
            return self._asked_once(size, request)
        except StoreError as error:
            if not is_absent(error):
                raise
        # A place that is being moved, or has copies, may not know for a moment what it has.
        sleep(_PAUSE_SECONDS)
        return self._asked_once(size, request)

    def _asked_once(self, size: int, request: Callable[[], T]) -> T:
        patience = self.store.patience or deadline(os.environ)
        if size:  # a server may fetch the whole file before it sends the first byte
            patience = max(patience, _SECONDS_TO_BEGIN)
        try:
            with self.allowance.request(patience, size) as seconds:
                return explained(self.name, lambda: persistently(seconds, request))
        except StoreError as error:
            if not is_late(error):
                raise
            raise ArtifactError(
                f"{self.name} did not send it in time. MLFLOW_HTTP_REQUEST_TIMEOUT (seconds) gives a slow server more "
                "time"
            ) from error

    def _has_vanished(self, entry: Entry) -> bool:
        siblings = self.entries(entry.path.rpartition("/")[0])
        return entry.path not in {sibling.path for sibling in siblings}


@contextmanager
def _private_file(folder: Path) -> Iterator[Path]:
    """Have an empty file for as long as the context lasts. A folder for each would cost more than small files do."""
    number, name = mkstemp(dir=folder)
    os.close(number)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _most_bytes(entry: Entry, max_bytes: int) -> int:
    """Return how many bytes a download may have: as listed, else as bounded."""
    return max_bytes if entry.size is None else entry.size
