"""A figure's facts: its hashes and the text chunks of the PNG."""

import hashlib
from pathlib import Path

from smoke_gate.evidence import Figure
from smoke_gate.hashing import file_sha256
from smoke_gate.provenance import ProvenanceError, read_text


def probe_figure(path: Path, artifact_path: str) -> Figure:
    """Verify that a file is a whole PNG and return its hashes and text.

    Args:
        path: the local file.
        artifact_path: its path in the run or in the checkout.

    Raises:
        OSError: the file cannot be read.

    """
    digest = file_sha256(path)
    try:
        text = read_text(path)
        return Figure(
            path=artifact_path,
            sha256=digest,
            pixels=_pixels(path),
            text=text.by_keyword,
            unread=text.unread,
        )
    except ProvenanceError as error:
        return Figure(path=artifact_path, sha256=digest, problem=str(error))


_MOST_PIXELS = 50_000_000


def _pixels(path: Path) -> str | None:
    """Return the hash of an image's size and pixels, however they are packed; None where it has too many."""
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.width * image.height > _MOST_PIXELS:
                return None
            decoded = image.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return hashlib.sha256(f"{decoded.size}".encode() + decoded.tobytes()).hexdigest()
