"""Folders of artifacts: what is in them, which of it a policy means, and one file at a time."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from smoke_gate.collect.errors import ArtifactError
from smoke_gate.collect.probe_cache import Kept
from smoke_gate.evidence import sayable
from smoke_gate.lfs import POINTER, is_pointer
from smoke_gate.policy.terms import path_matches
from smoke_gate.probes.ranges import Fetch

_WILDCARDS = frozenset("*?[\\")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a folder: its path from the root of the artifacts, and its size in bytes (None: not known)."""

    path: str
    size: int | None = None
    is_folder: bool = False

    @property
    def shown(self) -> str:
        """The path as evidence holds it and as patterns see it: a byte that is not UTF-8 is escaped."""
        return sayable(self.path)


class Folder(Protocol):
    """The artifacts of a run or of a LoggedModel, or the files of a checkout."""

    def entries(self, path: str) -> Sequence[Entry]:
        """Return what is in a folder (``""``: the root), in any order; nothing where there is no such folder.

        Raises:
            ArtifactError: The root itself is not there, or the folder cannot be listed.
            StoreError: The artifact store cannot be reached.

        """

    def opened(self, entry: Entry, max_bytes: int) -> AbstractContextManager[Path]:
        """Have a file on this machine for as long as the context lasts.

        Raises:
            ArtifactError: It has vanished, leads elsewhere, or is larger than ``max_bytes``.
            StoreError: It cannot be transferred.

        """

    def kept(self, entry: Entry) -> Kept | None:
        """Return where what is read of a file is kept, None where that is nowhere."""

    def ranges(self, entry: Entry) -> AbstractContextManager[Fetch]:
        """Have a way to read parts of a file for as long as the context lasts.

        Raises:
            ArtifactError: It has vanished or leads elsewhere; on reading, also: its place gives no parts.
            StoreError: On reading: it cannot be transferred.

        """


@dataclass(frozen=True, slots=True)
class NoFolder:
    """The artifacts of a run that logged none."""

    def entries(self, path: str) -> Sequence[Entry]:  # noqa: ARG002 - as the protocol has it
        """Return nothing."""
        return ()

    def opened(self, entry: Entry, max_bytes: int) -> AbstractContextManager[Path]:  # noqa: ARG002
        """Refuse: there is no entry."""
        raise ArtifactError("it is not there any more")

    def kept(self, entry: Entry) -> None:  # noqa: ARG002
        """Keep nothing."""
        return

    def ranges(self, entry: Entry) -> AbstractContextManager[Fetch]:  # noqa: ARG002
        """Refuse: there is no entry."""
        raise ArtifactError("it is not there any more")


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder of this machine, empty if there is none; files are used where they are, nothing outside is opened."""

    root: Path

    def entries(self, path: str) -> Sequence[Entry]:
        """Return what is in a folder.

        A link that leads out of the root, or nowhere, is a file that cannot be opened; one to a folder that it lies in
        shows nothing new and is left out.
        """
        try:
            with os.scandir(self.root / path) as listing:
                found = list(listing)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            name = sayable(path) or "."
            raise ArtifactError(f"the folder {name} cannot be listed: {error.strerror}") from error
        names = [(f"{path}/{entry.name}" if path else entry.name, entry) for entry in found]
        return [self._entry(name, entry) for name, entry in names if not self._is_circle(name, entry)]

    def _entry(self, name: str, found: "os.DirEntry[str]") -> Entry:
        if found.is_symlink() and not self._is_inside(Path(found.path)):
            return Entry(name)
        try:
            if found.is_dir():
                return Entry(name, is_folder=True)
            return Entry(name, found.stat().st_size if found.is_file() else None)
        except OSError:  # a link to itself, or a file that vanishes: opening it says so
            return Entry(name)

    def _check(self, path: Path, max_bytes: int | None) -> None:
        if not self._is_inside(path):
            raise ArtifactError("it is a link that leads out of its folder")
        if not path.exists():
            raise ArtifactError("it is not there any more, or a link that leads nowhere")
        if not path.is_file():
            raise ArtifactError("it is not a regular file")
        if max_bytes is not None and path.stat().st_size > max_bytes:
            raise ArtifactError(f"it is larger than {max_bytes} bytes")
        if is_pointer(path):
            raise ArtifactError(POINTER)

    def _is_inside(self, path: Path) -> bool:
        return _real(path).is_relative_to(self.root)

    def _is_circle(self, name: str, found: "os.DirEntry[str]") -> bool:
        """Return whether a link leads back to a folder on the way to it."""
        if not found.is_symlink():
            return False
        target = _real(self.root / name)
        return any(_real(self.root / folder) == target for folder in PurePosixPath(name).parents)

    @contextmanager
    def opened(self, entry: Entry, max_bytes: int) -> Iterator[Path]:
        """Give the file itself."""
        path = self.root / entry.path
        try:
            self._check(path, max_bytes)
            yield path
        except OSError as error:
            raise ArtifactError(f"it cannot be read: {error.strerror or error}") from error

    def kept(self, entry: Entry) -> None:  # noqa: ARG002 - as the protocol has it
        """Keep nothing: only the content of a local file says that it is the same."""
        return

    @contextmanager
    def ranges(self, entry: Entry) -> Iterator[Fetch]:
        """Read the file where it is."""
        path = self.root / entry.path
        try:
            self._check(path, None)
            with path.open("rb") as file:
                yield partial(_part, file)
        except OSError as error:
            raise ArtifactError(f"it cannot be read: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder that is listed no more than once and no deeper than asked for.

    A folder that is not among what was listed of the one above it is not asked for.
    """

    folder: Folder
    _listed: dict[str, Sequence[Entry]] = field(default_factory=dict)

    def entries(self, path: str) -> Sequence[Entry]:
        """Return what is in a folder, in order of path."""
        if path not in self._listed:
            found = () if self._is_known_to_be_absent(path) else self.folder.entries(path)
            self._listed[path] = sorted(found, key=lambda entry: entry.path)
        return self._listed[path]

    def _is_known_to_be_absent(self, path: str) -> bool:
        """Return whether a folder above lacks it. A link that leads out is there, and so is asked for."""
        above = self._listed.get(path.rpartition("/")[0])
        return above is not None and path not in {"", *(entry.path for entry in above)}

    def file(self, path: str) -> Entry | None:
        """Return the file at a path, None where there is none."""
        entries = self.entries(path.rpartition("/")[0])
        return next((entry for entry in entries if entry.path == path and not entry.is_folder), None)

    def at(self, path: str) -> tuple[Entry, ...]:
        """Return the file at a path, or the files below it, in order of path; nothing where there is neither."""
        entry = self._entry(path)
        if entry is None:
            return ()
        return self.below(path) if entry.is_folder else (entry,)

    def _entry(self, path: str) -> Entry | None:
        """Return what is at a path. Some stores refuse to list a folder that is not there, so each must be."""
        parent = path.rpartition("/")[0]
        if parent:
            above = self._entry(parent)
            if above is None or not above.is_folder:
                return None
        return next((entry for entry in self.entries(parent) if entry.path == path), None)

    def below(self, path: str) -> tuple[Entry, ...]:
        """Return the files in a folder and in all folders below it, in order of path."""
        found: dict[str, Entry] = {}
        pending = [path]
        while pending:
            for entry in self.entries(pending.pop()):
                if entry.is_folder:
                    pending.append(entry.path)
                else:
                    found[entry.path] = entry
        return tuple(found[name] for name in sorted(found))

    def matching(self, patterns: Sequence[str]) -> tuple[Entry, ...]:
        """Return the files that match any of the patterns, in order of path; only where they may be is looked."""
        found: dict[str, Entry] = {}
        pending = sorted({_literal_folder(pattern) for pattern in patterns})
        looked = set()
        while pending:
            path = pending.pop()
            if path in looked:
                continue
            looked.add(path)
            for entry in self.entries(path):
                if entry.is_folder:
                    if any(may_hold(entry.shown, pattern) for pattern in patterns):
                        pending.append(entry.path)
                elif any(path_matches(entry.shown, pattern) for pattern in patterns):
                    found[entry.path] = entry
        return tuple(found[path] for path in sorted(found))


def _part(file: BinaryIO, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count)


def _real(path: Path) -> Path:
    """Return where a path really leads; unlike ``Path.resolve``, of a link to itself too."""
    return Path(os.path.realpath(path))


def _literal_folder(pattern: str) -> str:
    """Return the longest folder that all matches of a pattern are in."""
    literal: list[str] = []
    for segment in pattern.split("/")[:-1]:
        if _WILDCARDS & set(segment):
            break
        literal.append(segment)
    return "/".join(literal)


def may_hold(folder: str, pattern: str) -> bool:
    """Return whether a match of the pattern may be somewhere below the folder."""
    wanted, given = pattern.split("/"), folder.split("/")
    for index, segment in enumerate(given):
        if index >= len(wanted) - 1:
            return "**" in wanted[: index + 1]
        if wanted[index] == "**":
            return True
        if not path_matches(segment, wanted[index]):
            return False
    return True
