"""A checkpoint's facts: size, hash, format by its bytes, whether it is intact, and what unpickling it would import."""

from pathlib import Path

from smoke_gate.collect.probes.contents import Content, examine
from smoke_gate.collect.probes.inspection import BrokenError, Inspection, LimitError
from smoke_gate.evidence import Artifact
from smoke_gate.hashing import file_sha256


def probe_checkpoint(path: Path, artifact_path: str) -> Artifact:
    """Read a checkpoint, without ever loading it, and return its facts.

    Args:
        path: the local file.
        artifact_path: its path in the run, whose suffix may promise a format.

    Returns:
        The facts. ``format`` is one of ``contents.FORMATS``: ``joblib`` is a compressed pickle.

    Raises:
        OSError: the file cannot be read.

    """
    size = path.stat().st_size
    digest = file_sha256(path)
    inspection = Inspection.of_size(size)
    with path.open("rb") as stream:
        content = Content(stream, size, artifact_path)
        found, problem = examine(content, inspection) if size else (None, _emptiness(content))
    limited = isinstance(problem, LimitError)
    return Artifact(
        path=artifact_path,
        size=size,
        sha256=digest,
        format=found,
        problem=None if problem is None or limited else str(problem),
        unread=str(problem) if limited else None,
        globals=inspection.imports.as_evidence(),
    )


def _emptiness(content: Content) -> BrokenError | None:
    """Return what is wrong with an empty file: it breaks its name's promise, or nothing (an ``__init__.py``)."""
    return BrokenError("it is empty") if content.promised else None
