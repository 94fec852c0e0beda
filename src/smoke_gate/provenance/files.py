"""PNG files whose text is read, and written."""

import io
import os
import tempfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from smoke_gate.provenance.chunks import SIGNATURE, TEXT, read_chunks
from smoke_gate.provenance.image import ProvenanceError
from smoke_gate.provenance.text import Text, keyword_of, text_chunk, text_of


def read_text(path: str | PathLike[str]) -> Text:
    """Verify that a file is a whole PNG and return what its tEXt, zTXt and iTXt chunks say.

    Raises:
        ProvenanceError: the file is not a whole PNG, or a text chunk has no keyword.
        OSError: the file cannot be read.

    """
    with Path(path).open("rb") as stream:
        return text_of(read_chunks(stream))


def read_provenance(path: str | PathLike[str]) -> dict[str, str]:
    """Verify that a file is a whole PNG and return the text of its tEXt, zTXt and iTXt chunks by keyword.

    A keyword whose text cannot be read, or that stands for two different texts, is left out.

    Raises:
        ProvenanceError: the file is not a whole PNG, or a text chunk has no keyword.
        OSError: the file cannot be read.

    """
    return dict(read_text(path).by_keyword)


def embed_provenance(image: bytes | str | PathLike[str], text: Mapping[str, str]) -> bytes:
    """Write text into a PNG and return its bytes; pixels and other chunks stay as they are.

    Text that Latin-1 can hold becomes a tEXt chunk, any other an iTXt chunk. What the image already says under one
    of the keywords is replaced.

    Args:
        image: a PNG's bytes, or the path of one, which is then replaced as a whole or not at all.
        text: keyword (1 to 79 printable Latin-1 characters) to text.

    Raises:
        ProvenanceError: the image is not a whole PNG, or a keyword or text cannot be stored.
        OSError: the file cannot be read or written.

    """
    if isinstance(image, bytes):
        return _embedded(image, text)
    path = Path(image).resolve()
    embedded = _embedded(path.read_bytes(), text)
    _replace(path, embedded)
    return embedded


def _embedded(image: bytes, text: Mapping[str, str]) -> bytes:
    written = [text_chunk(keyword, value) for keyword, value in text.items()]
    chunks = list(read_chunks(io.BytesIO(image)))
    kept = [
        image[chunk.start : chunk.end]
        for chunk in chunks
        if chunk.kind not in TEXT or keyword_of(chunk)[0] not in text
    ]
    embedded = b"".join([SIGNATURE, kept[0], *written, *kept[1:]])
    found = text_of(read_chunks(io.BytesIO(embedded)))
    for keyword in text:  # what could not be read back must not be written
        if problem := found.unread.get(keyword):
            raise ProvenanceError(f"the text of {keyword!r} cannot be stored: {problem}")
    return embedded


def _replace(path: Path, content: bytes) -> None:
    """Replace a file's content whole or not at all, keeping its permissions."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(path.stat().st_mode & 0o7777)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
