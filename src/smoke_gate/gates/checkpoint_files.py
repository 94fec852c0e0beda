"""The findings about one file among the checkpoints, by what was read of it."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from smoke_gate.evidence import Artifact, Globals, Holds
from smoke_gate.gates.base import Status
from smoke_gate.gates.checkpoint_settings import CheckpointsSettings
from smoke_gate.gates.weights import is_index, is_remnant
from smoke_gate.message import Message, say

_HELD = {
    Holds.NOTHING: "It is empty inside.",
    Holds.DATA: "It holds no arrays, no object and fewer than two numbers.",
}
_STREAMS_OF_CODE = (
    "pickle",
    "joblib",
    "zip",
    None,
)  # whose loader runs what it meets, also beyond what was read


class Finding(NamedTuple):
    """One thing that is to be said of a file. ``kind`` is the kind of its check."""

    kind: str
    status: Status
    message: Message
    waivable: bool = True


def findings(section: CheckpointsSettings, file: Artifact, *, is_weights: bool) -> Iterator[Finding]:
    """Yield what is wrong with a file, or worth a note. Of what lies beside the weights less is asked."""
    if (
        not is_remnant(file.path) or file.unread is not None
    ):  # a remnant is cut off, and who loads it runs its code
        yield from _content(section, file, is_weights=is_weights)
        yield from _absent(file)
        if is_weights and is_whole(file):
            yield from _held(file)
    yield from _globals(section, file)


def unknown_format(file: Artifact) -> Iterator[Finding]:
    """Yield that weights are of no known format, so that nothing but their presence is known."""
    if file.format is None and is_whole(file):
        said = say("It is of no known format, so it was not checked. Save it in one, or narrow `paths`.")
        yield Finding("format", Status.WARNING, said)


def not_read(section: CheckpointsSettings, file: Artifact) -> Finding:
    """Judge a file whose bytes were not all read: they may hold code that runs when the file is loaded."""
    if file.size is None or file.size <= section.max_bytes:
        unknown = say("Its bytes were not read, so nothing is known of it. Check that it can be downloaded.")
        return Finding("content", Status.FAIL, unknown)
    if file.structure_only:
        structure = say(
            "{size} bytes are more than `max_bytes` ({bound}): its structure and all that can carry code were read, "
            "and they are sound. The numbers in it were not read.",
            size=file.size,
            bound=int(section.max_bytes),
        )
        return Finding("structure", Status.PASS, structure)
    said = say(
        "{size} bytes are more than `max_bytes` ({bound}): only name and size were read. Raise `max_bytes`.",
        size=file.size,
        bound=int(section.max_bytes),
    )
    return Finding("unread", Status.WARNING, said, waivable=False)


def is_whole(file: Artifact) -> bool:
    """Return whether a file was read to its end and nothing is wrong with its bytes."""
    sound = file.problem is None and file.unread is None
    return file.sha256 is not None and sound and file.size != 0


class Unknown(NamedTuple):
    """The unknown names of files, in order: those that may be the user's, and those of Python's own library."""

    own: Sequence[str]
    of_python: Sequence[str]


def unknown_names(section: CheckpointsSettings, files: Iterable[Artifact]) -> Unknown:
    """Return the unknown names that no entry of ``allow_globals`` takes."""
    names = sorted({name for file in files for name in _unknown(section, file.globals)})
    of_python = [name for name in names if name.partition(".")[0] in sys.stdlib_module_names]
    return Unknown(own=[name for name in names if name not in of_python], of_python=of_python)


def _content(section: CheckpointsSettings, file: Artifact, *, is_weights: bool) -> Iterator[Finding]:
    if file.problem is not None:
        broken = say("Not intact: {problem}. Restore it, or save the checkpoint again.", problem=file.problem)
        # Who reads what lies beside the weights, and how strictly, is not known: a person must look.
        must_be_intact = is_weights or is_index(file.path)
        yield Finding("content", Status.FAIL if must_be_intact else Status.WARNING, broken)
    elif file.unread is not None and not file.structure_only:
        long = say(
            "Too long to be scanned whole: {unread}. Save tensors as safetensors; save another object, such as an "
            "estimator, uncompressed, since the bounds grow with the file.",
            unread=file.unread,
        )
        runs_code = file.format in _STREAMS_OF_CODE
        yield Finding("unread", Status.FAIL if runs_code else Status.WARNING, long, waivable=False)
    elif file.size == 0:
        if is_weights:
            yield Finding("content", Status.FAIL, say("The file is empty. Save the checkpoint again."))
    elif file.sha256 is None:
        finding = not_read(section, file)
        if finding.status is not Status.PASS:
            yield finding


def _absent(file: Artifact) -> Iterator[Finding]:
    if file.absent:
        lost = say(
            "It names {names}, which the run does not have. Restore what was logged, or save the checkpoint again.",
            names=", ".join(file.absent),
        )
        yield Finding("content", Status.FAIL, lost)


def _held(file: Artifact) -> Iterator[Finding]:
    """Yield that weights hold none, or numbers that mean nothing. A format that is not parsed says neither."""
    if file.format is not None and file.holds in _HELD:
        empty = say(
            "{held} Weights hold arrays, a trained object or numbers. Save the model in it. If it lies beside the "
            "weights, such as a list of columns, log it outside of `paths`, or with the word `config` in its name.",
            held=say(_HELD[file.holds]),
        )
        yield Finding("content", Status.FAIL, empty)
    if file.all_nan:
        diverged = say("All its numbers are NaN. Find out why training diverged, and run it again.")
        yield Finding("nan", Status.WARNING, diverged)


def _globals(section: CheckpointsSettings, file: Artifact) -> Iterator[Finding]:
    if file.globals.dangerous:
        danger = say(
            "Loading it would run {names}. Do not load it: find out who wrote it, save weights only.",
            names=", ".join(file.globals.dangerous),
        )
        yield Finding("globals", Status.FAIL, danger, waivable=False)
    unknown = _unknown(section, file.globals)
    if unknown:
        strange = say(
            "Loading it would import {names}, which this gate does not know. Check who wrote it; if these names are "
            "yours, `allow_globals` takes them.",
            names=", ".join(unknown),
        )
        yield Finding("globals", Status.WARNING, strange)


def _unknown(section: CheckpointsSettings, found: Globals) -> list[str]:
    allowed = section.allow_globals
    return [name for name in found.unknown if not any(fnmatchcase(name, pattern) for pattern in allowed)]
