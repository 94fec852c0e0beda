"""MLflow models of a run, held against their own description, and the files in them."""

import posixpath
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from smoke_gate.collect.artifact_stores import RecordedPlace, underlying
from smoke_gate.collect.container_action import PathMap
from smoke_gate.collect.errors import ArtifactError, RefusedPlaceError, StoreError
from smoke_gate.collect.folders import Entry, Tree
from smoke_gate.collect.probe_cache import IsBeside
from smoke_gate.collect.recorded import LoggedModelRecord, RecordedRun
from smoke_gate.collect.remote import artifacts_at
from smoke_gate.collect.store import Store, StorePlace
from smoke_gate.evidence import Artifact, LoggedModel, sayable
from smoke_gate.gates.needs import Needs
from smoke_gate.probes.checkpoint import probe_checkpoint
from smoke_gate.probes.inspection import BrokenError
from smoke_gate.probes.mlmodel import (
    BESIDE_DESCRIPTION,
    DESCRIPTION,
    ENVIRONMENT_FILES,
    REQUIREMENTS,
    Description,
    described,
    environment_of,
    required_versions,
)
from smoke_gate.probes.structure import probe_structure

_MAX_DESCRIPTION_BYTES = 16 << 20
_ROOT = "."  # the name of a model that lies in the root of the artifacts


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """A LoggedModel as the store knows it: without its files. ``place``: where they are; None: deleted."""

    model: LoggedModel
    place: RecordedPlace | None


def recorded_models(run: RecordedRun, store: Store) -> tuple[RecordedModel, ...]:
    """Return the LoggedModels among a run's outputs.

    Raises:
        StoreError: The store cannot be reached.
        RefusedPlaceError: A model lies at a place that may not be asked.

    """
    return tuple(_recorded_model(model_id, run, store) for model_id in run.model_ids)


def read_model(recorded: RecordedModel, needs: Needs, store: StorePlace, path_map: PathMap) -> LoggedModel:
    """Read the files of a LoggedModel.

    Raises:
        StoreError: The artifact store cannot be reached.
        RefusedPlaceError: They lie at a place that may not be asked.

    """
    if recorded.place is None:
        return recorded.model
    try:
        tree = Tree(artifacts_at(recorded.place, store, path_map))
        return _read(recorded.model, tree, "", needs.max_bytes)
    except RefusedPlaceError:
        raise
    except ArtifactError:
        return recorded.model  # G3 fails a model without files


def tree_of_model(model_id: str, run: RecordedRun, store: Store, path_map: PathMap) -> tuple[str, Tree]:
    """Return the name and the files of a LoggedModel among a run's outputs.

    Raises:
        StoreError: It cannot be read.
        ArtifactError: Its files are not where they were recorded.

    """
    model = _record_of(model_id, run, store)
    place = underlying(model.artifact_location, model_id, store)
    return model.name, Tree(artifacts_at(place, store, path_map))


def model_folders(tree: Tree, needs: Needs) -> tuple[LoggedModel, ...]:
    """Read the models in a run's own artifacts.

    An ``MLmodel`` is looked for in the root, in the folders below it, and where the policy's patterns reach.

    Raises:
        ArtifactError: The artifacts are not there.
        StoreError: The artifact store cannot be reached.

    """
    root = tree.entries("")  # first: it says which folders there are
    reached = (posixpath.split(entry.path) for entry in tree.matching(needs.checkpoints))
    folders = {
        "",
        *(entry.path for entry in root if entry.is_folder),
        *(folder for folder, name in reached if name == DESCRIPTION),
    }
    found = [folder for folder in sorted(folders) if tree.file(posixpath.join(folder, DESCRIPTION))]
    return tuple(_model_folder(tree, folder, needs.max_bytes) for folder in found)


def probed(tree: Tree, entry: Entry, max_bytes: int, folder: str = "") -> Artifact:
    """Return a file as probed, or as known from an earlier check; its path is from ``folder``."""
    shown = entry.shown.removeprefix(f"{sayable(folder)}/") if folder else entry.shown
    large = entry.size if entry.size is not None and entry.size > max_bytes else None

    def is_beside(name: str) -> bool:
        return _beside(tree, entry, name)

    def read(is_beside: IsBeside) -> Artifact | None:
        if large is not None:
            with tree.folder.ranges(entry) as fetch:
                return probe_structure(fetch, large, shown)
        with tree.folder.opened(entry, max_bytes) as path:
            return probe_checkpoint(path, shown, is_beside)

    bare = Artifact(path=shown, size=entry.size)
    try:
        kept = tree.folder.kept(entry)
        found = kept.or_read(shown, max_bytes, is_beside, read) if kept else read(is_beside)
    except (ArtifactError, StoreError) as error:
        if large is not None:
            return bare  # its place gives no parts: all that is known is that it is there
        if isinstance(error, StoreError):
            raise
        return replace(bare, problem=str(error))
    return found or bare


def _beside(tree: Tree, entry: Entry, name: str) -> bool:
    """Return whether the run has the file that another one, which lies in the same folder, names."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), name))
    leads_out = path.startswith(("/", "../")) or "\\" in path
    return not leads_out and bool(tree.at(path))


def _recorded_model(model_id: str, run: RecordedRun, store: Store) -> RecordedModel:
    try:
        model = _record_of(model_id, run, store)
    except StoreError as error:
        if error.code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return RecordedModel(LoggedModel(model_id=model_id, name=model_id, status="DELETED"), None)
    bare = LoggedModel(model_id=model_id, name=model.name, status=model.status)
    return RecordedModel(bare, underlying(model.artifact_location, model_id, store))


def _record_of(model_id: str, run: RecordedRun, store: Store) -> LoggedModelRecord:
    if model_id in run.models:
        return run.models[model_id]
    model = store.call(store.client.get_logged_model, model_id)
    return LoggedModelRecord(model.name, str(model.status), model.artifact_location)


def _model_folder(tree: Tree, folder: str, max_bytes: int) -> LoggedModel:
    """Read a model in the artifacts of a run. Of one in the root, where other files lie too, its own files are read."""
    return _read(
        LoggedModel(model_id="", name=sayable(folder) or _ROOT, status="READY"), tree, folder, max_bytes
    )


def _read(model: LoggedModel, tree: Tree, folder: str, max_bytes: int) -> LoggedModel:
    is_logged_model = bool(model.model_id)
    is_in_root_of_run = model.name == _ROOT and not is_logged_model
    said, problem = _description(tree, folder, may_be_by_hand=not is_logged_model)
    if is_in_root_of_run:
        entries = [entry for path in (said.paths if said else ()) for entry in tree.at(path)]
    else:
        entries = list(tree.below(folder))
    artifacts = tuple(probed(tree, entry, max_bytes, folder) for entry in entries)
    absent = [path for path in (said.paths if said else ()) if not tree.at(posixpath.join(folder, path))]
    if said and problem is None and not absent and not is_in_root_of_run:
        problem = _shortage(said, artifacts)
    return LoggedModel(
        model_id=model.model_id,
        name=model.name,
        status=model.status,
        artifacts=artifacts,
        data=tuple(map(sayable, said.data)) if said else (),
        versions={
            **_stated(tree, folder, ENVIRONMENT_FILES, environment_of),
            **(said.versions if said else {}),
        },
        requirements=_stated(tree, folder, (REQUIREMENTS,), required_versions),
        absent=tuple(map(sayable, absent)),
        problem=problem,
    )


def _description(tree: Tree, folder: str, *, may_be_by_hand: bool) -> tuple[Description | None, str | None]:
    """Return what a model's description says, and what is wrong with it.

    A model whose files were logged one by one has no description, and needs none.
    """
    entry = tree.file(posixpath.join(folder, DESCRIPTION))
    if entry is None:
        lost = all(tree.file(posixpath.join(folder, name)) for name in BESIDE_DESCRIPTION)
        return None, f"it is missing beside {', '.join(BESIDE_DESCRIPTION)}" if lost else None
    try:
        with tree.folder.opened(entry, _MAX_DESCRIPTION_BYTES) as path:
            return described(path.read_bytes(), may_be_by_hand=may_be_by_hand), None
    except (ArtifactError, BrokenError) as error:
        return None, str(error)


def _stated(
    tree: Tree, folder: str, names: Iterable[str], read: Callable[[bytes], Mapping[str, str]]
) -> dict[str, str]:
    """Return the versions that files beside a description state. The first that has a name counts.

    A file that cannot be read states nothing.
    """
    found: dict[str, str] = {}
    for name in names:
        entry = tree.file(posixpath.join(folder, name))
        if entry is not None:
            with (
                suppress(ArtifactError, BrokenError),
                tree.folder.opened(entry, _MAX_DESCRIPTION_BYTES) as path,
            ):
                found = {**read(path.read_bytes()), **found}
    return dict(sorted(found.items()))


def _shortage(said: Description, artifacts: tuple[Artifact, ...]) -> str | None:
    """Return that a model has fewer bytes than when it was saved; some flavors add files later, so more say nothing."""
    later = (DESCRIPTION, *BESIDE_DESCRIPTION)
    sizes = [artifact.size for artifact in artifacts if artifact.path not in later]
    known = sum(size for size in sizes if size is not None)
    if said.size is None or None in sizes or known >= said.size:
        return None
    return f"the model was saved with {said.size} bytes and has {known}, so a file is lost or cut off"
