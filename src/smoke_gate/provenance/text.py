"""The text chunks of a PNG: reading and writing."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from smoke_gate.provenance.chunks import MAX_KEYWORD, MAX_TEXT_BYTES, TEXT, Chunk
from smoke_gate.provenance.image import ProvenanceError

_TOO_LARGE = f"the PNG's text chunks are larger than {MAX_TEXT_BYTES} bytes"


@dataclass(frozen=True, slots=True)
class Text:
    """The texts of a PNG by keyword; and ``unread``: the keywords whose text cannot be told, and why."""

    by_keyword: Mapping[str, str]
    unread: Mapping[str, str]


class _UnreadableError(Exception):
    """One text chunk cannot be read; the message says why."""


def text_of(chunks: Iterable[Chunk]) -> Text:
    """Return the texts of a PNG's text chunks.

    Raises:
        ProvenanceError: A text chunk has no keyword.

    """
    text: dict[str, str] = {}
    unread: dict[str, str] = {}
    left = MAX_TEXT_BYTES
    for chunk in chunks:
        if chunk.kind not in TEXT:
            continue
        keyword, rest = keyword_of(chunk)
        try:
            raw = _raw_text(chunk, rest, left)
            left -= len(raw)
            value = raw.decode("utf-8" if chunk.kind == b"iTXt" else "latin-1")
        except UnicodeDecodeError:
            unread[keyword] = "it is not utf-8 text"
        except _UnreadableError as error:
            unread[keyword] = str(error)
            left //= 2  # inflating it may have taken that much work for nothing
        else:
            if text.setdefault(keyword, value) != value:
                unread[keyword] = "the PNG says two different things under it"
    return Text({keyword: value for keyword, value in text.items() if keyword not in unread}, unread)


def keyword_of(chunk: Chunk) -> tuple[str, bytes]:
    """Return a text chunk's keyword and what follows its zero byte.

    Raises:
        ProvenanceError: It has none.

    """
    keyword, zero, rest = chunk.data.partition(b"\0")
    if not zero or not 1 <= len(keyword) <= MAX_KEYWORD:
        raise ProvenanceError(
            f"malformed {chunk.kind.decode('ascii')} chunk at byte {chunk.start}: no keyword"
        )
    return keyword.decode("latin-1"), rest


def _raw_text(chunk: Chunk, rest: bytes, limit: int) -> bytes:
    """Return a text chunk's text as bytes, inflated where it is compressed, at most ``limit`` of them."""
    if len(chunk.data) < chunk.length:
        raise _UnreadableError(_TOO_LARGE)
    if chunk.kind == b"tEXt":
        compressed, method, body = 0, b"", rest
    elif chunk.kind == b"zTXt":
        compressed, method, body = 1, rest[:1], rest[1:]
    else:
        # flag and method; then language, translated keyword, text
        head, parts = rest[:2], rest[2:].split(b"\0", 2)
        if len(head) < 2 or len(parts) < 3:
            raise _UnreadableError("its iTXt chunk is malformed")
        compressed, method, body = head[0], head[1:], parts[2]
    if compressed not in (0, 1) or (compressed and method != b"\0"):
        raise _UnreadableError("it names an unknown compression")
    text = _inflated(body, limit) if compressed else body
    if len(text) > limit:
        raise _UnreadableError(_TOO_LARGE)
    return text


def _inflated(data: bytes, limit: int) -> bytes:
    """Return what data inflate to; only the beginning, if that is more than ``limit`` bytes."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, limit + 1)
    except zlib.error as error:
        raise _UnreadableError(f"it cannot be decompressed: {error}") from None
    if len(text) <= limit and not inflater.eof:
        raise _UnreadableError("it is cut off")
    return text


def text_chunk(keyword: str, text: str) -> bytes:
    """Return a tEXt chunk, or an iTXt one (not compressed, no language) where Latin-1 cannot hold the text.

    Raises:
        ProvenanceError: Keyword or text cannot be stored.

    """
    try:
        name = keyword.encode("latin-1")
        utf8 = text.encode("utf-8")
    except UnicodeEncodeError:
        raise ProvenanceError(f"keyword {keyword!r} or its text has no place in a PNG") from None
    words = keyword.split(" ")
    if not 1 <= len(name) <= MAX_KEYWORD or not all(word.isprintable() and word for word in words):
        raise ProvenanceError(
            f"keyword {keyword!r}: expected 1 to 79 printable Latin-1 characters, single blanks only within"
        )
    if "\0" in text:
        raise ProvenanceError(f"the text of {keyword!r} holds a zero byte, which a PNG cannot")
    try:
        kind, data = b"tEXt", name + b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        kind, data = b"iTXt", name + b"\0\0\0\0\0" + utf8
    return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4)
