"""Which files among a run's checkpoints are its weights. The others lie beside them: a scaler, a vocabulary, a log."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from smoke_gate.evidence import Artifact, Holds, LoggedModel, Run
from smoke_gate.policy.terms import path_matches
from smoke_gate.text import words_of
from smoke_gate.vocabulary import CHECKPOINT_SUFFIXES, MANIFEST

_BESIDE_WORDS = frozenset(
    [
        "scaler", "scheduler", "optimizer", "optim", "criterion", "vocab", "tokenizer", "config", "transform",
        "transformation", "preprocessing", "rng", "args", "trainer",
    ]
)  # fmt: skip
_INDEX = "*.index.json"
_ARTIFACTS = "artifacts"  # the folder in a model for what `mlflow.pyfunc.log_model(artifacts=…)` is given
_REMNANTS = ("*.tmp", "._*")  # what an interrupted writer left, and what macOS keeps of a file's attributes
_WEIGHTS_WORDS = frozenset(["model", "weights", "checkpoint", "ckpt"])
_OF_ANYTHING = (".joblib", ".pickle", ".pkl")  # people save whatever they have so
_OF_MODELS = (Holds.OBJECT, Holds.TENSORS)
_BESIDE_FORMATS = ("tensorflow_graph", "tensorflow_state")  # they name where the weights lie


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file that holds a run's weights. ``path`` names it within the run: a file of a model begins with its name."""

    path: str
    artifact: Artifact

    @property
    def content(self) -> str | None:
        """The hash of what training changes; None if the file was not read whole, or is not intact."""
        file = self.artifact
        is_whole = file.problem is None and file.unread is None and file.size != 0
        return (file.content or file.sha256) if is_whole else None


def matching(run: Run, paths: Iterable[str]) -> list[Artifact]:
    """Return the files of a run that the policy means, without the manifest."""
    return [
        file
        for file in run.checkpoints
        if file.path != MANIFEST and any(path_matches(file.path, pattern) for pattern in paths)
    ]


def weights_of(run: Run, paths: Sequence[str], named: Sequence[str]) -> tuple[WeightsFile, ...]:
    """Return the weights of a run, in order of path: among the files that ``paths`` match, and of its models.

    Args:
        run: The run.
        paths: The policy's patterns of checkpoints.
        named: The policy's patterns of files that are weights, whatever their names say.

    """
    own = [
        WeightsFile(file.path, file) for file in matching(run, paths) if is_weights(file, file.path, named)
    ]
    for model in run.models:
        own += weights_of_model(model, named)
    is_sure = any(file.artifact.holds in _OF_MODELS for file in own)
    meant = [file for file in own if not (is_sure and _is_data_beside(file, named))]
    return tuple(sorted(meant, key=lambda file: file.path))


def _is_data_beside(file: WeightsFile, named: Iterable[str]) -> bool:
    """Return whether a pickle holds no model and lies beside one that does, as a list of columns in ``columns.pkl``.

    Its suffix alone does not make it weights then; a name such as ``model.pkl`` does.
    """
    name = PurePosixPath(file.path)
    return (
        name.suffix.lower() in _OF_ANYTHING
        and file.artifact.holds in (Holds.NOTHING, Holds.DATA)
        and _WEIGHTS_WORDS.isdisjoint(words_of(name.stem))
        and not _is_named(file.path, named)
    )


def contents_of(files: Iterable[WeightsFile]) -> Mapping[str, str]:
    """Return the hashes of files by path, without those that have none.

    Two models of one name have files of one path, and nothing but chance orders them: their hashes are one text.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for file in files:
        if file.content is not None:
            found[file.path].append(file.content)
    return {path: " ".join(sorted(contents)) for path, contents in found.items()}


def weights_of_model(model: LoggedModel, named: Sequence[str]) -> list[WeightsFile]:
    """Return the weights of a model: what the policy names, and what its ``MLmodel`` names as the model's data.

    Where it names no data, the names and the bytes decide as elsewhere. So they do in a folder of data, such as that
    of a tokenizer and its network, and among the artifacts that a model of one's own code was logged with.
    """
    files = [WeightsFile(f"{model.name}/{file.path}", file) for file in model.artifacts]
    if not model.data:
        return [file for file in files if is_weights(file.artifact, file.path, named)]
    return [
        file
        for file in files
        if file.artifact.path in model.data
        or _is_named(file.path, named)
        or (
            _is_below(file.artifact.path, (*model.data, _ARTIFACTS))
            and is_weights(file.artifact, file.path, named)
        )
    ]


def is_weights(file: Artifact, path: str, named: Iterable[str]) -> bool:
    """Return whether a file holds weights: by the policy, then by its name, then by its bytes, then by its suffix."""
    if _is_named(path, named):
        return True
    if is_beside(path) or file.format in _BESIDE_FORMATS:
        return False
    name = PurePosixPath(path)
    return (
        file.holds in _OF_MODELS
        or name.suffix.lower() in CHECKPOINT_SUFFIXES
        or not _WEIGHTS_WORDS.isdisjoint(words_of(name.stem))
    )


def is_beside(path: str) -> bool:
    """Return whether a file's name says that it is something else than weights."""
    name = PurePosixPath(path)
    words = {word.strip("0123456789") for word in words_of(name.stem)}
    return is_remnant(path) or is_index(path) or not _BESIDE_WORDS.isdisjoint(words)


def is_index(path: str) -> bool:
    """Return whether a file names the shards of a model: without it they cannot be loaded."""
    return fnmatchcase(PurePosixPath(path).name, _INDEX)


def is_remnant(path: str) -> bool:
    """Return whether a file is what an interrupted writer left, or what macOS keeps of a file's attributes."""
    return any(fnmatchcase(PurePosixPath(path).name, pattern) for pattern in _REMNANTS)


def _is_named(path: str, named: Iterable[str]) -> bool:
    return any(path_matches(path, pattern) for pattern in named)


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)
