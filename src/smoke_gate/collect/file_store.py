"""A private folder of links to a file store: MLflow makes ``.trash`` there and nowhere else.

A run folder that lacks ``artifacts/`` or another folder, as git leaves it, is one that MLflow lists but does not
read; in the private folder it has them. What a broken disk or checkout left of a file stops MLflow at once, whoever
asked for it; in the private folder it is left out. A run whose ``meta.yaml`` is damaged has one here that says nothing
of it. A run that MLflow passes over without a word is an error.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from smoke_gate.collect.errors import StoreError

META = "meta.yaml"
_RUN_FOLDERS = ("artifacts", "metrics", "params", "tags")
_NOT_RUNS = ("datasets", "models", "tags", "traces")
_REGISTRY = "models"
_OF_AN_EXPERIMENT = ("experiment_id", "name")
_OF_A_RUN = ("experiment_id", "start_time", "status")  # a file that was cut off lacks the last of them
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Lines of time stamp, value, step (not in old stores), data set and its digest (seldom). A last line without its end
# and its step was cut off.
_VALUE = rb"-?\d+ (?:[-+]?[0-9.]+(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf|NaN|Infinity|infinity))"
_VALUES = re.compile(rb"(?:" + _VALUE + rb"(?: -?\d+(?: \S+ \S+)?)?\r?\n)*(?:" + _VALUE + rb" -?\d+)?")
_IDS = re.compile(r"[a-zA-Z0-9][\w-]{0,255}", re.ASCII)  # of runs that MLflow reads
_RUN_ID = re.compile(r"^run_(?:id|uuid): *'?(\w+)", re.MULTILINE)


Damaged = dict[str, tuple[str, ...]]
"""Run id to what MLflow cannot read: references (``metrics.KEY``, ``params.KEY``, ``tags.KEY``), or ``meta.yaml``."""


def private_links(store: Path, folder: Path) -> Damaged:
    """Fill ``folder`` with links to the experiments of a file store, without damaged files, which it returns.

    An experiment whose ``meta.yaml`` is damaged is left out.

    Raises:
        StoreError: There is no experiment, or the folder cannot be read, or a run holds a link that leads out of it.
    """
    try:
        experiments = [
            path
            for path in _folders(store)
            if path.name != _REGISTRY and _read(path / META, _OF_AN_EXPERIMENT)
        ]
        deleted = [path for path in _folders(store / ".trash") if _read(path / META, _OF_AN_EXPERIMENT)]
        if not experiments and not deleted:
            raise StoreError(_no_experiments(store))
        (folder / ".trash").mkdir()
        damaged: Damaged = {}
        for experiment in experiments:
            damaged |= _link_experiment(experiment, folder / experiment.name)
        for experiment in deleted:
            damaged |= _link_experiment(experiment, folder / ".trash" / experiment.name)
    except OSError as error:
        raise StoreError(f"the file store {store} cannot be read: {error}") from error
    return damaged


def refuse_lost_runs(store: Path, experiments: Sequence[str], found: Collection[str]) -> None:
    """Refuse experiments with a run that MLflow did not find: an older one would stand for its pair.

    Args:
        store: The folder of links.
        experiments: Their ids.
        found: The ids of all runs that MLflow found there.

    Raises:
        StoreError: A run folder has no ``meta.yaml``, or one that names another experiment. (A copy of a run that was
            found is not a lost run.) Or a folder cannot be read.
    """
    try:
        lost = [
            f"{folder.name} of the file store (experiment {experiment})"
            for experiment in experiments
            for folder in _folders(store / experiment)
            if folder.name not in found and folder.name not in _NOT_RUNS and _is_lost(folder, found)
        ]
    except OSError as error:
        raise StoreError(f"the file store cannot be read: {error.strerror or error}") from error
    if lost:
        raise StoreError(
            f"run {lost[0]} is not read by MLflow: its {META} is missing, damaged, or names another experiment. "
            "Restore it, or remove the folder"
        )


def _is_lost(folder: Path, found: Collection[str]) -> bool:
    """Return whether a folder holds what only runs have, and is not a second one of a run that was found."""
    try:
        stated = set(_RUN_ID.findall((folder / META).read_text(errors="replace")))
    except FileNotFoundError:
        return any((folder / name).is_dir() for name in ("metrics", "params", "tags"))
    return stated.isdisjoint(found)


def _link_experiment(experiment: Path, target: Path) -> Damaged:
    target.mkdir()
    damaged: Damaged = {}
    with os.scandir(experiment) as found:
        entries = [(entry.name, Path(entry.path)) for entry in found]
    folders = [path for name, path in entries if name not in _NOT_RUNS and path.is_dir()]
    metas = {path: meta for path in folders if (meta := _read(path / META, _OF_A_RUN))}
    runs = {path for path, meta in metas.items() if str(meta["experiment_id"]) == experiment.name}
    found_ids = {str(metas[path].get("run_id", path.name)) for path in runs}
    lost = {
        path
        for path in folders
        if path not in runs and _IDS.fullmatch(path.name) and _is_lost(path, found_ids)
    }
    for name, path in entries:
        if path in runs or path in lost:
            stand_in = _meta_of(path, experiment.name) if path in lost else None
            if names := _link_run(path, target / name, stand_in):
                damaged[name] = names
        else:
            (target / name).symlink_to(os.path.realpath(path))
    return damaged


def _meta_of(run: Path, experiment: str) -> str:
    """Return a ``meta.yaml`` for a run of which only the folder is known."""
    known = {
        "artifact_uri": (run.resolve() / "artifacts").as_uri(), "end_time": None, "experiment_id": experiment,
        "lifecycle_stage": "active", "run_id": run.name, "run_name": "", "run_uuid": run.name, "start_time": 0,
        "status": 4, "user_id": "",
    }  # fmt: skip
    return yaml.safe_dump(known)


def _link_run(run: Path, target: Path, meta: str | None) -> tuple[str, ...]:
    """Link a run folder, through a folder of its own where something is missing or damaged; return what is damaged.

    ``meta`` is what stands for its ``meta.yaml`` if that is damaged.
    """
    run = run.resolve()
    for path in _links(run):
        # A committed run must not show this machine's files, such as another process's environment, as its params.
        if not path.exists() or not Path(os.path.realpath(path)).is_relative_to(run):
            raise StoreError(
                f"run {run.name} of the file store holds a link that leads out or nowhere: {path.relative_to(run)}"
            )
    missing = [name for name in _RUN_FOLDERS if not (run / name).is_dir()]
    damaged = [file for name, is_whole in _FILES.items() for file in _files(run / name) if not is_whole(file)]
    if meta is None and not missing and not damaged:
        target.symlink_to(run)
        return ()
    target.mkdir()
    with_damage = {file.relative_to(run).parts[0] for file in damaged}
    for entry in run.iterdir():
        if entry.name not in with_damage and (entry.name != META or meta is None):
            (target / entry.name).symlink_to(entry)
    if meta is not None:
        (target / META).write_text(meta)
    for name in missing:
        (target / name).mkdir()
    for name in with_damage:
        _link_files(run, target, [file for file in _files(run / name) if file not in damaged])
        (target / name).mkdir(exist_ok=True)
    names = (file.relative_to(run) for file in damaged if not file.name.startswith("."))
    references = (f"{name.parts[0]}.{Path(*name.parts[1:]).as_posix()}" for name in names)
    return tuple(sorted([*references, *([META] if meta is not None else [])]))


def _link_files(run: Path, target: Path, files: Iterable[Path]) -> None:
    for file in files:
        link = target / file.relative_to(run)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)


def _files(folder: Path) -> list[Path]:
    return [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]


def _is_metric(file: Path) -> bool:
    """Return whether MLflow can read a metric's file: it has values, and no line is cut. A hidden file is not one."""
    if file.name.startswith("."):
        return False
    content = file.read_bytes()
    return bool(content) and _VALUES.fullmatch(content) is not None


def _is_text(file: Path) -> bool:
    """Return whether MLflow can read a file of a param or a tag; an empty one is an empty text."""
    try:
        file.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True


_FILES: Mapping[str, Callable[[Path], bool]] = {"metrics": _is_metric, "params": _is_text, "tags": _is_text}


def _read(meta: Path, needed: Collection[str]) -> dict[str, Any]:
    """Return what a ``meta.yaml`` says; nothing if it is not there, or lacks a key that MLflow needs."""
    try:
        found = yaml.load(meta.read_bytes(), Loader=_LOADER)  # noqa: S506 - a safe one
    except (FileNotFoundError, NotADirectoryError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) and found.keys() >= {*needed} else {}


def _links(run: Path) -> Iterator[Path]:
    """Yield the symbolic links among what MLflow reads of a run, which is everything but its artifacts."""
    pending = [run]
    while pending:
        with os.scandir(pending.pop()) as found:
            entries = list(found)
        for entry in entries:
            if entry.is_symlink():
                if entry.name != "artifacts":
                    yield Path(entry.path)
            elif entry.is_dir() and entry.name != "artifacts":
                pending.append(Path(entry.path))


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _no_experiments(store: Path) -> str:
    message = f"{store} holds no MLflow experiments"
    if (store / "mlruns").is_dir():
        return f"{message}; did you mean {store / 'mlruns'}?"
    for folder in (store, store.parent):
        if (folder / "mlflow.db").is_file():
            return f"{message}; did you mean sqlite:///{folder / 'mlflow.db'}?"
    return f"{message}: check the path"
