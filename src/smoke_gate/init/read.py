"""Reads the shape of an experiment. Nothing is written to the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import contains

from smoke_gate.collect.artifacts import tree_of
from smoke_gate.collect.errors import ArtifactError, ExperimentError, StoreError
from smoke_gate.collect.experiments import find_experiments
from smoke_gate.collect.folders import Entry, Tree
from smoke_gate.collect.listing import search, single_run
from smoke_gate.collect.models import probed
from smoke_gate.collect.progress import Progress
from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.collect.registrations import is_registration
from smoke_gate.collect.store import Store
from smoke_gate.collect.workers import in_parallel
from smoke_gate.gates import policy_of
from smoke_gate.gates.proposal import Files, RunShape
from smoke_gate.init.places import Shape
from smoke_gate.probes.pickle.own_modules import own_patterns
from smoke_gate.vocabulary import PARENT_TAG

_MODELS_TAG = "mlflow.log-model.history"  # of MLflow before 3, where models are artifacts
_PICKLES = (".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth")
_MOST_PICKLES = 8  # that are read, of the newest run
_MOST_BYTES = 64 << 20  # of each


@dataclass(frozen=True, slots=True)
class Reading:
    """An open store with the runs that were found, whose artifacts can be asked for."""

    store: Store
    shape: Shape
    recorded: Mapping[str, RecordedRun]

    def files(self, run_ids: Sequence[str], *, workers: int, progress: Progress) -> dict[str, Files]:
        """Return what runs left behind, or why it cannot be read.

        Raises:
            StoreError: The artifact store cannot be reached.
        """
        newest = max(run_ids, key=lambda run_id: self.recorded[run_id].start_time or 0, default="")
        found = in_parallel(
            partial(self._files, newest=newest), run_ids, workers=workers, stage="facts", progress=progress
        )
        return dict(zip(run_ids, found, strict=True))

    def _files(self, run_id: str, newest: str) -> Files:
        run = self.recorded[run_id]
        models = len(run.model_ids)
        try:
            tree = tree_of(run, self.store, ())
            entries = tree.matching(("**",))
            own = _own_modules(tree, entries) if run_id == newest else ()
        except ArtifactError as error:
            return Files(models=models, unread=str(error))
        return Files(paths=tuple(entry.path for entry in entries), models=models, own_modules=own)


def _own_modules(tree: Tree, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return patterns of the user's own modules that a few pickles of a run would import."""
    pickles = [entry for entry in entries if entry.path.endswith(_PICKLES)]
    small = [entry for entry in pickles if entry.size is not None and entry.size <= _MOST_BYTES]
    found = (probed(tree, entry, _MOST_BYTES) for entry in small[:_MOST_PICKLES])
    return own_patterns(name for artifact in found for name in artifact.globals.unknown)


def read_runs(store: Store, experiments: Sequence[str], progress: Progress) -> Reading:
    """Read the runs of a store's experiments.

    Raises:
        StoreError: The store cannot be read.
        ExperimentError: An experiment is not there, or none is named and there is not just one.
    """
    found = find_experiments(store, experiments)
    runs = search(store, [experiment_id for experiment_id, _ in found], "", progress)
    active = [run for run in runs if run.lifecycle_stage == "active"]
    shape = _shape(store, found, active)
    return Reading(store, shape, {run.run_id: run for run in active})


def _shape(store: Store, found: Sequence[tuple[str, str]], active: Sequence[RecordedRun]) -> Shape:
    plain = policy_of({"version": 1})
    registrations = {run.run_id for run in active if is_registration(plain, run)}
    attempts = [run for run in active if run.run_id not in registrations]
    names = dict(found)
    known = {run.run_id: _run(run, names) for run in attempts}
    finished = [known[run.run_id] for run in attempts if run.status == "FINISHED"]
    ids = {run.parent for run in finished if run.parent}
    parents = {parent: known.get(parent) or _elsewhere(store, parent) for parent in sorted(ids)}
    return Shape(
        experiments=tuple(_reference(store, *one) for one in found),
        runs=tuple(sorted(finished, key=lambda run: (run.start_time, run.run_id))),
        parents={parent: run for parent, run in parents.items() if run is not None},
        unfinished=len(attempts) - len(finished),
        registered=bool(registrations),
    )


def _reference(store: Store, experiment_id: str, name: str) -> str:
    """Return how a policy names an experiment: by its name, or by its id where another one has that name."""
    try:
        named = find_experiments(store, [name])
    except ExperimentError:
        return experiment_id
    return name if named == ((experiment_id, name),) else experiment_id


def _elsewhere(store: Store, run_id: str) -> RunShape | None:
    """Return a parent of another experiment, None where it is gone."""
    try:
        found = single_run(store, run_id)
    except StoreError:
        return None
    return None if found is None else _run(found, {})


def _run(run: RecordedRun, experiments: Mapping[str, str]) -> RunShape:
    return RunShape(
        run_id=run.run_id,
        name=run.name,
        has_random_name=is_random(run.name),
        params=dict(run.params),
        tags=dict(run.tags),
        metrics={name: latest.value for name, latest in run.metrics.items()},
        parent=run.tags.get(PARENT_TAG) or None,
        start_time=run.start_time or 0,
        experiment=experiments.get(run.experiment_id, ""),
        has_model=_MODELS_TAG in run.tags or bool(run.model_ids),
    )


def is_random(name: str) -> bool:
    """Return whether MLflow made a name up: adjective, noun, number.

    Its words are not a public part of MLflow: where they are not found, no name is taken for one of its own.
    """
    from mlflow.utils import name_utils

    lists = (getattr(name_utils, words, ()) for words in ("_GENERATOR_PREDICATES", "_GENERATOR_NOUNS"))
    *words, number = name.split("-")
    return number.isdecimal() and len(words) == 2 and all(map(contains, lists, words))
