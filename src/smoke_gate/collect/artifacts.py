"""What the selected runs left behind: checkpoints, their manifest, figures, LoggedModels, the definition."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from smoke_gate.collect.errors import ArtifactError, StoreError
from smoke_gate.collect.folders import Entry, Tree
from smoke_gate.collect.needs import Needs
from smoke_gate.collect.probes.checkpoint import probe_checkpoint
from smoke_gate.collect.probes.figure import probe_figure
from smoke_gate.collect.probes.inspection import BrokenError
from smoke_gate.collect.probes.manifest import read_manifest
from smoke_gate.collect.probes.mlmodel import BESIDE_DESCRIPTION, DESCRIPTION, Description, described
from smoke_gate.collect.registrations import DEFINITION_FILE, payload_of, unread_payload
from smoke_gate.collect.remote import artifacts_at
from smoke_gate.collect.roots import PathMap
from smoke_gate.collect.store import Store
from smoke_gate.evidence import Artifact, Figure, LoggedModel, Manifest, Payload, sayable

if TYPE_CHECKING:
    from mlflow.entities import Run as RecordedRun

MAX_FIGURE_BYTES = 64 << 20
MAX_TEXT_BYTES = 16 << 20  # of a manifest, a definition or the description of a model
_MANIFEST = "checkpoints/MANIFEST.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """What was read of a run's artifacts, or why nothing was."""

    checkpoints: tuple[Artifact, ...] = ()
    manifest: Manifest | None = None
    models: tuple[LoggedModel, ...] = ()
    figures: tuple[Figure, ...] = ()
    problem: str | None = None


def tree_of(run: "RecordedRun", store: Store, path_map: PathMap) -> Tree:
    """Return the artifacts of a run.

    Raises:
        ArtifactError: They are not where the store recorded them.
        StoreError: The artifact store cannot be reached.

    """
    return Tree(artifacts_at(run.info.artifact_uri, run.info.run_id, store, path_map))


def read_artifacts(run: "RecordedRun", needs: Needs, store: Store, path_map: PathMap) -> Artifacts:
    """Read what the enabled gates need of a run's artifacts.

    Raises:
        StoreError: The artifact store cannot be reached. (A dead place is a ``problem``.)

    """
    if not needs.checkpoints and not needs.figures:
        return Artifacts()
    models = _models(run, needs, store, path_map) if needs.checkpoints else ()
    try:
        tree = tree_of(run, store, path_map)
        manifest = _manifest(tree) if needs.checkpoints else None
        return Artifacts(
            checkpoints=_checkpoints(tree, needs, manifest),
            manifest=manifest,
            models=models,
            figures=tuple(figure_of(tree, entry) for entry in tree.matching(needs.figures)),
        )
    except ArtifactError as error:
        return Artifacts(models=models, problem=str(error))


def payload_in_artifacts(run: "RecordedRun", store: Store, path_map: PathMap) -> Payload | None:
    """Return the definition that a run logged as an artifact, None where it did not.

    Where that cannot be told, since the artifacts are not where they were recorded, it is one that cannot be read.

    Raises:
        StoreError: The artifact store cannot be reached.

    """
    entry = None
    try:
        tree = tree_of(run, store, path_map)
        entry = tree.file(DEFINITION_FILE)
        if entry is None:
            return None
        with tree.folder.opened(entry, MAX_TEXT_BYTES) as path:
            return payload_of(path.read_bytes(), "artifact")
    except ArtifactError:
        return unread_payload(entry.size if entry else None)


def figure_of(tree: Tree, entry: Entry) -> Figure:
    """Return a figure as probed, or why it could not be."""
    try:
        with tree.folder.opened(entry, MAX_FIGURE_BYTES) as path:
            return probe_figure(path, entry.shown)
    except ArtifactError as error:
        return Figure(path=entry.shown, problem=str(error))


def _checkpoints(tree: Tree, needs: Needs, manifest: Manifest | None) -> tuple[Artifact, ...]:
    """Probe the artifacts that the policy means, and those that the manifest lists, wherever they are."""
    entries = {entry.path: entry for entry in tree.matching(needs.checkpoints) if entry.path != _MANIFEST}
    for path in sorted((manifest.entries if manifest else {}).keys() - entries.keys()):
        if entry := tree.file(path):
            entries[path] = entry
    return tuple(_checkpoint(tree, entries[path], needs.max_bytes) for path in sorted(entries))


def _checkpoint(tree: Tree, entry: Entry, max_bytes: int) -> Artifact:
    if entry.size is not None and entry.size > max_bytes:
        return Artifact(path=entry.shown, size=entry.size)
    try:
        with tree.folder.opened(entry, max_bytes) as path:
            return probe_checkpoint(path, entry.shown)
    except ArtifactError as error:
        return Artifact(path=entry.shown, size=entry.size, problem=str(error))


def _manifest(tree: Tree) -> Manifest | None:
    entry = tree.file(_MANIFEST)
    if entry is None:
        return None
    try:
        with tree.folder.opened(entry, MAX_TEXT_BYTES) as path:
            return read_manifest(path.read_bytes())
    except ArtifactError as error:
        return Manifest(problem=str(error))


def _models(run: "RecordedRun", needs: Needs, store: Store, path_map: PathMap) -> tuple[LoggedModel, ...]:
    outputs = run.outputs.model_outputs if run.outputs else []
    ids = sorted({output.model_id for output in outputs})
    return tuple(_model(model_id, needs, store, path_map) for model_id in ids)


def _model(model_id: str, needs: Needs, store: Store, path_map: PathMap) -> LoggedModel:
    try:
        model = store.call(store.client.get_logged_model, model_id)
    except StoreError as error:
        if error.code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return LoggedModel(model_id=model_id, name=model_id, status="DELETED")
    try:
        tree = Tree(artifacts_at(model.artifact_location, model_id, store, path_map))
        artifacts = tuple(_checkpoint(tree, entry, needs.max_bytes) for entry in tree.matching(("**",)))
        absent, problem = _described(tree, artifacts)
    except ArtifactError:
        artifacts, absent, problem = (), (), None  # G3 fails a model without files
    return LoggedModel(
        model_id=model_id,
        name=model.name,
        status=str(model.status),
        artifacts=artifacts,
        absent=absent,
        problem=problem,
    )


def _described(tree: Tree, artifacts: tuple[Artifact, ...]) -> tuple[tuple[str, ...], str | None]:
    """Hold a model against its own description: what it lacks, or what is wrong with the description.

    A folder without a file is lacking: object stores have none. A model whose files were logged one by one has no
    description, and needs none.
    """
    entry = tree.file(DESCRIPTION)
    if entry is None:
        lost = all(tree.file(name) for name in BESIDE_DESCRIPTION)
        return (), f"it is missing beside {', '.join(BESIDE_DESCRIPTION)}" if lost else None
    try:
        with tree.folder.opened(entry, MAX_TEXT_BYTES) as path:
            said = described(path.read_bytes())
    except (ArtifactError, BrokenError) as error:
        return (), str(error)
    files = [PurePosixPath(artifact.path) for artifact in artifacts]
    there = {str(path) for file in files for path in (file, *file.parents)}
    absent = tuple(path for path in map(sayable, said.paths) if path not in there)
    return absent, None if absent else _shortage(said, artifacts)


def _shortage(said: Description, artifacts: tuple[Artifact, ...]) -> str | None:
    """Return that a model has fewer bytes than when it was saved; some flavors add files later, so more say nothing."""
    later = (DESCRIPTION, *BESIDE_DESCRIPTION)
    sizes = [artifact.size for artifact in artifacts if artifact.path not in later]
    known = sum(size for size in sizes if size is not None)
    if said.size is None or None in sizes or known >= said.size:
        return None
    return f"the model was saved with {said.size} bytes and has {known}, so a file is lost or cut off"
