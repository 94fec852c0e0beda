"""Proposes G3's section of the policy for ``init``: the patterns by which it finds the weights of the runs."""

import posixpath
from collections.abc import Mapping

from smoke_gate.gates.checkpoint_settings import DEFAULT_CHECKPOINTS
from smoke_gate.gates.patterns import patterns_of
from smoke_gate.gates.proposal import Files, Proposal, Seen
from smoke_gate.gates.weights import is_beside
from smoke_gate.policy.terms import path_matches
from smoke_gate.vocabulary import CHECKPOINT_SUFFIXES, MANIFEST

_DESCRIPTION = "MLmodel"  # lies in each folder of a model that MLflow logged


def propose_checkpoints(seen: Seen) -> Proposal:
    """Return the section of the policy that finds the weights of the runs that are there."""
    elsewhere = patterns_of([*map(_elsewhere, seen.files)])
    usual = DEFAULT_CHECKPOINTS if any(map(_has_usual, seen.files)) else ()
    having = any(map(_has_some, seen.files))
    # In `basic` the usual paths are not required, and a lost folder looks like one that never was.
    required: Mapping[str, object] = {"required": "true"} if having else {}
    own = tuple(sorted({pattern for files in seen.files for pattern in files.own_modules}))
    paths: Mapping[str, object] = {"paths": (*usual, *elsewhere)} if elsewhere else required
    return Proposal(
        found=seen.how_many_have(_has_some, "checkpoints or MLflow models"),
        settings={**paths, "allow_globals": own} if own else paths,
        to_log=() if having or seen.is_unread else ('contract.log_checkpoint("model.safetensors")',),
    )


def _has_some(files: Files) -> bool:
    return bool(files.models or _model_folders(files) or _has_usual(files) or _elsewhere(files))


def _model_folders(files: Files) -> set[str]:
    """Return the folders of models that are looked at whatever ``paths`` say: those below the root."""
    folders = (posixpath.split(path) for path in files.paths)
    return {folder for folder, name in folders if name == _DESCRIPTION and folder and "/" not in folder}


def _has_usual(files: Files) -> bool:
    """Return whether a run has a file where the policy's defaults look for checkpoints, and that may be weights."""
    return any(_is_usual(path) and path != MANIFEST and not is_beside(path) for path in files.paths)


def _elsewhere(files: Files) -> list[str]:
    models = _model_folders(files)
    return [
        path
        for path in files.paths
        if path.endswith(CHECKPOINT_SUFFIXES)
        and not _is_usual(path)
        and not is_beside(path)
        and path.partition("/")[0] not in models
    ]


def _is_usual(path: str) -> bool:
    return path_matches(path, DEFAULT_CHECKPOINTS[0])
