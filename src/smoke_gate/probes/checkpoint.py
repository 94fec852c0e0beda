"""A checkpoint's facts: size, hash, format by its bytes, whether it is intact, and what unpickling it would import."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from smoke_gate.evidence import Artifact, sayable
from smoke_gate.hashing import file_sha256
from smoke_gate.probes.contents import Content, examine
from smoke_gate.probes.formats import WITHOUT_CODE
from smoke_gate.probes.inspection import BrokenError, Inspection, LimitError


def probe_checkpoint(path: Path, artifact_path: str, is_there: Callable[[str], bool]) -> Artifact:
    """Read a checkpoint, without ever loading it, and return its facts.

    Args:
        path: the local file.
        artifact_path: its path in the run, whose suffix may promise a format.
        is_there: whether the run has a file of such a path from the folder of this one: an index names its shards.

    Returns:
        The facts. ``format`` is one of ``formats.NAMES``: ``joblib`` is a compressed pickle.

    Raises:
        OSError: the file cannot be read.

    """
    size = path.stat().st_size
    inspection = Inspection.of_size(size)
    with path.open("rb") as stream, ThreadPoolExecutor(max_workers=1) as beside:
        hashing = beside.submit(file_sha256, path)  # which takes as long as all the rest
        content = Content(stream, size, artifact_path)
        found, problem = examine(content, inspection) if size else (None, _emptiness(content))
    limited = isinstance(problem, LimitError)
    return Artifact(
        path=artifact_path,
        size=size,
        sha256=hashing.result(),
        format=found,
        problem=None if problem is None or limited else str(problem),
        unread=str(problem) if limited else None,
        globals=inspection.imports.as_evidence(),
        holds=None if found is None else inspection.known_content,
        all_nan=inspection.all_nan is True,
        content=inspection.content,
        structure_only=limited and found in WITHOUT_CODE,
        absent=tuple(sorted(sayable(name) for name in inspection.companions if not is_there(name))),
    )


def _emptiness(content: Content) -> BrokenError | None:
    """Return what is wrong with an empty file: it breaks its name's promise, or nothing (an ``__init__.py``)."""
    return BrokenError("it is empty") if content.promised else None
