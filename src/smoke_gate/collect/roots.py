"""Where a run's artifacts are now: a store may have recorded a folder of another machine."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from smoke_gate.collect.container_action import PathMap
from smoke_gate.collect.errors import ArtifactError, RefusedPlaceError
from smoke_gate.collect.store import StorePlace
from smoke_gate.credentials import without_credentials

_LOG = logging.getLogger(__name__)
_LOCAL = re.compile(r"(?:file:|[A-Za-z]:[\\/]|(?![A-Za-z][A-Za-z0-9+.-]*:))")
_PROXIED = "mlflow-artifacts:"
_SERVER_FOLDER = "mlartifacts"  # where `mlflow server` keeps proxied artifacts unless told otherwise
_OPTION = "--artifact-path-map OLD=NEW"


@dataclass(frozen=True, slots=True)
class Root:
    """Where artifacts are: a folder of this machine, or the URI of an artifact store; neither: nothing was logged."""

    folder: Path | None = None
    uri: str | None = None


def locate(recorded: str, owner: str, store: StorePlace, path_map: PathMap) -> Root:
    """Find the artifacts of a run (or of a LoggedModel) that the store recorded at ``recorded``.

    Args:
        recorded: The artifact URI, as recorded.
        owner: The id of the run or model, which is a part of the URI.
        store: Where it was recorded.
        path_map: Pairs (old, new): a URI or path that starts with ``old`` starts with ``new`` now.

    Raises:
        ArtifactError: Nothing is there; the text says what was tried and which option maps it.
    """
    if not recorded or "\0" in recorded:
        raise RefusedPlaceError("the store does not say where they are")
    new, mapped = _mapped(recorded, path_map) or (None, None)
    if mapped is None and not _is_local(recorded) and not _is_stranded(recorded, store):
        return Root(uri=recorded)
    if mapped is not None and not _is_local(mapped):
        return Root(uri=mapped)
    stated = [Path(path) for path in _paths(mapped or recorded)]
    for folder in stated:
        if _is_here(folder):
            return Root(folder=folder.resolve())
    denied = any(map(_is_denied, stated))
    leads_nowhere = new is not None and not any(_is_here(Path(path)) for path in _paths(new))
    may_be_empty = not denied and not leads_nowhere
    if may_be_empty and mapped is None and any(_is_unmoved(folder, store) for folder in stated):
        return Root()
    tried = list(dict.fromkeys(_candidates(stated, recorded, owner, store)))
    for folder in tried:
        if _is_here(folder):
            return Root(folder=folder.resolve())
    if may_be_empty and _is_empty(stated, recorded, owner, store):
        return Root()
    _LOG.info("no artifacts of %s: tried %s", owner, ", ".join(map(str, tried)))
    raise ArtifactError(
        f"the artifacts were recorded at {_from_experiment(recorded, owner)}, which "
        f"{'this user may not look into' if denied else 'is not here'}. "
        f"Where they are elsewhere now, say so with {_OPTION}"
    )


def lost_folders(
    recorded: Iterable[tuple[str | None, str]], store: StorePlace, path_map: PathMap
) -> tuple[str, ...]:
    """Return the folders that an option must map for artifacts to be found: evidence may not name them.

    Args:
        recorded: The artifact URIs of runs, with the runs' ids.
        store: Where they were recorded.
        path_map: As for :func:`locate`.

    """
    lost = set()
    for uri, owner in recorded:
        try:
            locate(uri or "", owner, store, path_map)
        except RefusedPlaceError:
            continue
        except ArtifactError:
            lost.add(_above_experiment(uri or "", owner))
    return tuple(sorted(lost))


def _mapped(recorded: str, path_map: PathMap) -> tuple[str, str] | None:
    """Return the new part of the first matching pair of the map, and the recorded place by it; None: none matches."""
    for old, new in path_map:
        for text in (recorded, *_paths(recorded)):
            rest = text.removeprefix(old)
            if rest != text and (old.endswith(("/", ":")) or rest[:1] in ("", "/")):
                return new, f"{new.rstrip('/')}/{rest.lstrip('/')}"
    return None


def _is_local(uri: str) -> bool:
    return _LOCAL.match(uri) is not None


def _is_stranded(uri: str, store: StorePlace) -> bool:
    """Return whether artifacts were behind a server that the URI does not name, and the store is read without it."""
    return uri.startswith(_PROXIED) and not uri.startswith(f"{_PROXIED}//") and store.kind != "server"


def _paths(uri: str) -> list[str]:
    """Return the paths that a local URI may mean, as written and percent-decoded; Windows ones with slashes."""
    plain = uri
    if uri.startswith("file:"):
        plain = re.sub(r"^/(?=[A-Za-z]:)", "", urlsplit(uri.replace("#", "%23").replace("?", "%3F")).path)
    elif uri.startswith(_PROXIED):
        plain = f"{_SERVER_FOLDER}/{urlsplit(uri).path.lstrip('/')}"
    plain = plain.replace("\\", "/") if re.match(r"[A-Za-z]:\\", plain) else plain
    return list(dict.fromkeys((plain, unquote(plain))))


def _candidates(stated: Sequence[Path], recorded: str, owner: str, store: StorePlace) -> Iterator[Path]:
    """Yield the folders where the artifacts may be, the likeliest first."""
    yield from stated
    if not recorded.startswith(_PROXIED):
        yield from map(Path, _paths(recorded))
    if store.kind == "files":
        yield from _own(recorded, owner, store)
    elif store.folder is not None:
        for parts in _parts(recorded, owner):
            tails = (parts[first:] for first in range(parts.index(owner) + 1) if parts[first] != "/")
            yield from (store.folder.joinpath(*tail) for tail in tails)


def _own(recorded: str, owner: str, store: StorePlace) -> Iterator[Path]:
    """Yield a file store's own place: ``<experiment>/<run>/artifacts`` or ``<experiment>/models/<model>/artifacts``."""
    if store.folder is None:
        return
    for parts in _parts(recorded, owner):
        start = parts.index(owner)
        levels = 2 if parts[start - 1] == "models" else 1
        yield store.folder.joinpath(*parts[max(0, start - levels) :])


def _parts(recorded: str, owner: str) -> Iterator[tuple[str, ...]]:
    """Yield the recorded paths that name the owner and do not climb, in parts."""
    for path in _paths(recorded):
        parts = PurePosixPath(path).parts
        if owner in parts and ".." not in parts:
            yield parts


def _is_unmoved(folder: Path, store: StorePlace) -> bool:
    """Return whether a recorded place is beside a database: then both are where they were, and it is nowhere else."""
    return store.kind != "files" and store.folder is not None and folder.is_relative_to(store.folder)


def _is_empty(stated: Sequence[Path], recorded: str, owner: str, store: StorePlace) -> bool:
    """Return whether a folder that is not there says that nothing was logged, rather than that it is somewhere else.

    MLflow makes it for the first artifact: it may be absent where its neighbours are there, or in a store that still
    is where it was. In a file store it is absent where git dropped an empty folder.
    """
    if store.kind == "files":
        return any(_is_here(folder.parent) for folder in _own(recorded, owner, store))
    return any(_is_here(folder.parent.parent) or _is_unmoved(folder, store) for folder in stated)


def _is_denied(folder: Path) -> bool:
    """Return whether this user may not even ask for a folder, so that its absence says nothing."""
    try:
        folder.stat()
    except PermissionError:
        return True
    except (OSError, ValueError):  # no path holds a null character
        return False
    return False


def _is_here(folder: Path) -> bool:
    """Return whether a folder is there for this user. One that may not be looked into, as another's home, is not."""
    try:
        return folder.is_dir()
    except OSError:
        return False


def _from_experiment(recorded: str, owner: str) -> str:
    """Return the end of a recorded place, from the experiment on: the rest is of a machine, so it is not evidence."""
    return _divided(recorded, owner)[1]


def _above_experiment(recorded: str, owner: str) -> str:
    """Return the beginning of a recorded place, which the runs of a store have in common."""
    return _divided(recorded, owner)[0]


def _divided(recorded: str, owner: str) -> tuple[str, str]:
    """Divide a recorded place where the experiment begins, else before its last part."""
    parts = PurePosixPath(_paths(recorded)[-1]).parts
    if owner in parts:
        start = max(0, parts.index(owner) - 1)
        return str(PurePosixPath(*parts[:start])), "/".join(parts[start:])
    above, _, end = without_credentials(recorded).rpartition("/")
    return above, end
