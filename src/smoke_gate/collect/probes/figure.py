"""A figure's facts: its hash and the text chunks of the PNG."""

from pathlib import Path

from smoke_gate.evidence import Figure
from smoke_gate.hashing import file_sha256
from smoke_gate.provenance import ProvenanceError, read_text


def probe_figure(path: Path, artifact_path: str) -> Figure:
    """Verify that a file is a whole PNG, without decoding its pixels, and return its hash and text.

    Args:
        path: the local file.
        artifact_path: its path in the run or in the checkout.

    Raises:
        OSError: the file cannot be read.

    """
    digest = file_sha256(path)
    try:
        text = read_text(path)
        return Figure(path=artifact_path, sha256=digest, text=text.by_keyword, unread=text.unread)
    except ProvenanceError as error:
        return Figure(path=artifact_path, sha256=digest, problem=str(error))
