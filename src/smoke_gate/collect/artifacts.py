"""The artifacts of the selected runs: checkpoints, their manifest, figures, LoggedModels, the definition."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TypeAlias

from smoke_gate.collect.artifact_stores import RecordedPlace, underlying
from smoke_gate.collect.container_action import PathMap
from smoke_gate.collect.errors import ArtifactError
from smoke_gate.collect.folders import Entry, LocalFolder, NoFolder, Tree
from smoke_gate.collect.models import RecordedModel, model_folders, probed, read_model, recorded_models
from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.collect.registrations import payload_of, unread_payload
from smoke_gate.collect.remote import artifacts_at
from smoke_gate.collect.store import Store, StorePlace
from smoke_gate.errors import UsageError
from smoke_gate.evidence import Artifact, Figure, LoggedModel, Manifest, Payload
from smoke_gate.gates.needs import Needs
from smoke_gate.probes.figure import probe_figure
from smoke_gate.probes.manifest import read_manifest
from smoke_gate.vocabulary import DEFINITION_FILE, MANIFEST, USUAL_FOLDER

MAX_FIGURE_BYTES = 64 << 20
MAX_TEXT_BYTES = 16 << 20  # of a manifest or a definition
_MOST_UNMATCHED = 5

Way: TypeAlias = Callable[[], Tree]
"""The way to a run's artifacts, which are located when it is first taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """The facts that were read of a run's artifacts, or why there are none."""

    checkpoints: tuple[Artifact, ...] = ()
    unmatched: tuple[str, ...] = ()
    manifest: Manifest | None = None
    models: tuple[LoggedModel, ...] = ()
    figures: tuple[Figure, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTask:
    """The artifacts of a run that are to be read: what another machine must know for that. It can be pickled.

    ``models`` are the LoggedModels among the run's outputs.
    """

    place: RecordedPlace
    models: tuple[RecordedModel, ...]
    needs: Needs
    store: StorePlace
    path_map: PathMap


Probe: TypeAlias = Callable[[ProbeTask, Way], Artifacts]
"""Reads the artifacts that a task names; one that does so here takes the way, on which nothing is listed twice."""


def tree_of(run: RecordedRun, store: Store, path_map: PathMap) -> Tree:
    """Return the artifacts of a run.

    Raises:
        ArtifactError: They are not where the store recorded them.
        StoreError: The artifact store cannot be reached.

    """
    return Tree(artifacts_at(underlying(run.artifact_uri, run.run_id, store), store, path_map))


def tree_at(task: ProbeTask) -> Tree:
    """Return the artifacts of the run of a task.

    Raises:
        ArtifactError: They are not where the task says.
        StoreError: The artifact store cannot be reached.

    """
    return Tree(artifacts_at(task.place, task.store, task.path_map))


def way_to(run: RecordedRun, store: Store, path_map: PathMap) -> Way:
    """Return the way to a run's artifacts. However often it is taken, each folder is listed once.

    Taking it raises what :func:`tree_of` raises.
    """
    return cache(partial(tree_of, run, store, path_map))


def read_artifacts(
    run: RecordedRun, way: Way, needs: Needs, store: Store, path_map: PathMap, probe: Probe
) -> Artifacts:
    """Read what the enabled gates need of a run's artifacts.

    Args:
        run: The run.
        way: The way to its artifacts.
        needs: What is needed.
        store: Where it is recorded.
        path_map: As for :func:`roots.locate`.
        probe: How they are read, where they are.

    Raises:
        StoreError: The artifact store cannot be reached. (A dead place is a ``problem``.)

    """
    if not needs.checkpoints and not needs.figures:
        return Artifacts()
    try:
        task = ProbeTask(
            place=underlying(run.artifact_uri, run.run_id, store),
            models=recorded_models(run, store) if needs.checkpoints else (),
            needs=needs,
            store=store.place,
            path_map=path_map,
        )
    except ArtifactError as error:
        return Artifacts(problem=str(error))
    return probe(task, way)


def probed_here(task: ProbeTask, way: Way) -> Artifacts:
    """Read artifacts on this machine: those of the run by a way to them, those of its models from their places.

    Raises:
        StoreError: The artifact store cannot be reached. (A dead place is a ``problem``.)

    """
    needs = task.needs
    models: tuple[LoggedModel, ...] = ()
    try:
        models = tuple(read_model(model, needs, task.store, task.path_map) for model in task.models)
        tree = way()
        if isinstance(tree.folder, NoFolder):
            return Artifacts(models=models)
        folders = model_folders(tree, needs) if needs.checkpoints else ()
        manifest = _manifest(tree) if needs.checkpoints else None
        checkpoints = _checkpoints(tree, needs, manifest, [folder.name for folder in folders])
        return Artifacts(
            checkpoints=checkpoints,
            unmatched=() if checkpoints or folders or not needs.checkpoints else _unmatched(tree),
            manifest=manifest,
            models=(*models, *folders),
            figures=tuple(figure_of(tree, entry) for entry in tree.matching(needs.figures)),
        )
    except ArtifactError as error:
        return Artifacts(models=models, problem=str(error))


def payload_in_artifacts(way: Way) -> Payload | None:
    """Return the definition that a run logged as an artifact, None where it did not.

    Where that cannot be told, since the artifacts are not where they were recorded, it is one that cannot be read.

    Raises:
        StoreError: The artifact store cannot be reached.

    """
    entry = None
    try:
        tree = way()
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


def read_figures(checkout: Path, patterns: Sequence[str]) -> tuple[Figure, ...]:
    """Return the figures of a checkout, such as those of a paper, that match the patterns; by path from its root.

    Raises:
        UsageError: A folder of the checkout cannot be listed.

    """
    if not patterns:
        return ()
    tree = Tree(LocalFolder(checkout.resolve()))
    try:
        found = tree.matching(patterns)
    except ArtifactError as error:
        raise UsageError(f"the figures of the checkout cannot be read: {error}") from error
    return tuple(figure_of(tree, entry) for entry in found if not entry.path.startswith(".git/"))


def _checkpoints(
    tree: Tree, needs: Needs, manifest: Manifest | None, folders: Sequence[str]
) -> tuple[Artifact, ...]:
    """Probe the artifacts that the policy means, and those that the manifest lists, wherever they are.

    What lies in the folder of a model is a part of that model.
    """
    entries = {
        entry.path: entry
        for entry in tree.matching(needs.checkpoints)
        if entry.path != MANIFEST and not any(entry.shown.startswith(f"{folder}/") for folder in folders)
    }
    for path in sorted((manifest.entries if manifest else {}).keys() - entries.keys()):
        if entry := tree.file(path):
            entries[path] = entry
    return tuple(probed(tree, entries[path], needs.max_bytes) for path in sorted(entries))


def _unmatched(tree: Tree) -> tuple[str, ...]:
    """Return the first files below the usual folder of checkpoints, for a run in which the policy means none."""
    return tuple(entry.shown for entry in tree.at(USUAL_FOLDER)[:_MOST_UNMATCHED])


def _manifest(tree: Tree) -> Manifest | None:
    entry = tree.file(MANIFEST)
    if entry is None:
        return None
    try:
        with tree.folder.opened(entry, MAX_TEXT_BYTES) as path:
            return read_manifest(path.read_bytes())
    except ArtifactError as error:
        return Manifest(problem=str(error))
