"""The weights of other attempts at a pair: read where they may equal those of the run that stands for it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from smoke_gate.collect.artifacts import tree_of
from smoke_gate.collect.container_action import PathMap
from smoke_gate.collect.errors import ArtifactError, StoreError
from smoke_gate.collect.folders import Entry, Tree
from smoke_gate.collect.models import probed, tree_of_model
from smoke_gate.collect.recorded import RecordedRun
from smoke_gate.collect.store import Store
from smoke_gate.evidence import Attempt, Run
from smoke_gate.gates.needs import Needs
from smoke_gate.gates.weights import WeightsFile, contents_of, weights_of
from smoke_gate.selection import Matrix

_MOST_READ = 3  # attempts at a pair, the newest, beside the run that stands for it

Place: TypeAlias = tuple[str, Tree, Entry]
"""The path of a file as weights name it, and where it lies."""


@dataclass(frozen=True, slots=True)
class OtherAttempt:
    """An attempt, and the weights of the run that stands for its pair."""

    attempt: Attempt
    weights: tuple[WeightsFile, ...]


def other_attempts(matrix: Matrix, runs: Sequence[Run], needs: Needs) -> Sequence[OtherAttempt]:
    """Return the attempts whose weights are to be compared with those of the run that stands for their pair."""
    return list(_other_attempts(matrix, {run.run_id: run for run in runs}, needs))


def _other_attempts(matrix: Matrix, runs: Mapping[str, Run], needs: Needs) -> Iterator[OtherAttempt]:
    for place in matrix.places:
        selected = place.selected
        if selected is None or len(place.attempts) == 1:
            continue
        weights = weights_of(runs[selected.run_id], needs.checkpoints, needs.weights)
        if weights and all(file.content is not None for file in weights):
            others = [attempt for attempt in place.attempts if attempt != selected]
            yield from (OtherAttempt(attempt, weights) for attempt in others[:_MOST_READ])


def with_weights(
    one: OtherAttempt, run: RecordedRun, needs: Needs, store: Store, path_map: PathMap
) -> Attempt:
    """Return an attempt with the hashes of its weights, if their names and sizes equal those to compare with.

    If they cannot be read, the attempt stays as it is: nobody asks for its weights.
    """
    try:
        places = _same_names_and_sizes(one.weights, run, store, path_map)
        read = [WeightsFile(path, probed(tree, entry, needs.max_bytes)) for path, tree, entry in places]
    except (ArtifactError, StoreError):
        return one.attempt
    return replace(one.attempt, weights=contents_of(read))


def _same_names_and_sizes(
    weights: Sequence[WeightsFile], run: RecordedRun, store: Store, path_map: PathMap
) -> Sequence[Place]:
    """Return the files of a run that may equal the weights; nothing if one is missing or has another size."""
    own = tree_of(run, store, path_map)
    models: dict[str, list[Tree]] = defaultdict(list)  # a run may log several models by one name
    for model_id in run.model_ids:
        name, tree = tree_of_model(model_id, run, store, path_map)
        models[name].append(tree)
    places = [place for path in sorted({file.path for file in weights}) for place in _find(path, own, models)]
    listed = Counter((path, entry.size) for path, _, entry in places)
    return places if listed == Counter((file.path, file.artifact.size) for file in weights) else ()


def _find(path: str, own: Tree, models: Mapping[str, Sequence[Tree]]) -> Iterator[Place]:
    """Yield where files of a path lie: in LoggedModels with whose name it begins, and among the run's artifacts."""
    name, _, rest = path.partition("/")
    for tree, below in [*((model, rest) for model in models.get(name, ())), (own, path.removeprefix("./"))]:
        entries = tree.at(below)
        if len(entries) == 1:
            yield path, tree, entries[0]
