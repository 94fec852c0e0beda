"""Provenance in figures: the text chunks of a PNG, written and read without decoding a pixel.

Reading also verifies that the file is a whole PNG: signature, IHDR first and sane, the CRC of every chunk, image
data, IEND, and nothing after it. Format: W3C, Portable Network Graphics (PNG) Specification, third edition.

Memory and time are bounded: large chunks are read in blocks, the file is read once, and the text of all chunks
together, inflated, has a limit.
"""

import io
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_BIT_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # by colour type
_HEADER_BYTES = 13
_MAX_LENGTH = 2**31 - 1  # of a chunk, a width and a height, as the specification says
_MAX_CHUNKS = 100_000  # a figure of 100 MB has 13,000
_MAX_TEXT_BYTES = 4 << 20  # of all text chunks together, as stored and as inflated
_MAX_KEYWORD = 79
_BLOCK_BYTES = 1 << 16


class ProvenanceError(ValueError):
    """A file that is no whole, readable PNG, or text that a PNG cannot hold; the message says which and why."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A verified chunk: its type, its place in the file, and its data where that is text or the header."""

    kind: bytes
    start: int
    length: int
    data: bytes

    @property
    def end(self) -> int:
        """Where the next chunk begins: behind length, type, data and CRC."""
        return self.start + self.length + 12


def read_provenance(path: str | PathLike[str]) -> dict[str, str]:
    """Verify that a file is a whole PNG and return the text of its tEXt, zTXt and iTXt chunks by keyword.

    Raises:
        ProvenanceError: the file is not a whole PNG, a text chunk is malformed or too large, or one keyword stands
            for two different texts.
        OSError: the file cannot be read.

    """
    with Path(path).open("rb") as stream:
        return _text_of(_chunks(stream))


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
    written = [_text_chunk(keyword, value) for keyword, value in text.items()]
    chunks = list(_chunks(io.BytesIO(image)))
    kept = [
        image[chunk.start : chunk.end]
        for chunk in chunks
        if chunk.kind not in _TEXT or _keyword(chunk)[0] not in text
    ]
    embedded = b"".join([_SIGNATURE, kept[0], *written, *kept[1:]])
    _text_of(_chunks(io.BytesIO(embedded)))  # what could not be read back must not be written
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


# --- chunks -----------------------------------------------------------------------------------------------------


def _chunks(stream: BinaryIO) -> Iterator[_Chunk]:
    """Yield the chunks of a PNG in order, each verified; raise where the file as a whole is not one."""
    if stream.read(len(_SIGNATURE)) != _SIGNATURE:
        raise ProvenanceError("not a PNG: the signature is missing")
    seen: set[bytes] = set()
    text_bytes = image_bytes = 0
    for _ in range(_MAX_CHUNKS):
        chunk = _read_chunk(stream, text_left=_MAX_TEXT_BYTES - text_bytes)
        _check_order(chunk, seen)
        seen.add(chunk.kind)
        text_bytes += chunk.length if chunk.kind in _TEXT else 0
        image_bytes += chunk.length if chunk.kind == b"IDAT" else 0
        yield chunk
        if chunk.kind == b"IEND":
            break
    else:
        raise ProvenanceError(f"PNG with more than {_MAX_CHUNKS} chunks")
    if image_bytes == 0:
        raise ProvenanceError("PNG without image data (IDAT)")
    if stream.read(1):
        raise ProvenanceError("data after the end of the PNG (IEND): written over a longer file, or joined")


def _read_chunk(stream: BinaryIO, *, text_left: int) -> _Chunk:
    start = stream.tell()
    header = stream.read(8)
    if not header:
        raise ProvenanceError("truncated PNG: the end (IEND) is missing")
    if len(header) < 8:
        raise ProvenanceError(f"truncated PNG: the file ends within a chunk's header at byte {start}")
    length, kind = struct.unpack(">I4s", header)
    if not kind.isalpha():
        raise ProvenanceError(f"damaged PNG: no chunk begins at byte {start}")
    name = kind.decode("ascii")
    if length > _MAX_LENGTH:
        raise ProvenanceError(f"damaged PNG: chunk {name} at byte {start} claims {length} bytes")
    if kind in _TEXT and length > text_left:
        raise ProvenanceError(f"the PNG's text chunks are larger than {_MAX_TEXT_BYTES} bytes")
    keep = kind in _TEXT or (kind == b"IHDR" and length == _HEADER_BYTES)
    data, crc = _read_data(stream, length, zlib.crc32(kind), keep=keep)
    stored = stream.read(4)
    if len(stored) < 4:
        raise ProvenanceError(
            f"truncated PNG: the file ends within chunk {name}, which begins at byte {start}"
        )
    if stored != crc.to_bytes(4):
        raise ProvenanceError(
            f"damaged PNG: the checksum of chunk {name} at byte {start} does not match its data"
        )
    return _Chunk(kind, start, length, data)


def _read_data(stream: BinaryIO, length: int, crc: int, *, keep: bool) -> tuple[bytes, int]:
    """Read a chunk's data in blocks; return it if it is to be kept, and the CRC with it."""
    kept = []
    while length > 0:
        block = stream.read(min(length, _BLOCK_BYTES))
        if not block:
            break
        length -= len(block)
        crc = zlib.crc32(block, crc)
        if keep:
            kept.append(block)
    return b"".join(kept), crc


def _check_order(chunk: _Chunk, seen: set[bytes]) -> None:
    name = chunk.kind.decode("ascii")
    if (chunk.kind == b"IHDR") == bool(seen):
        raise ProvenanceError(
            f"damaged PNG: found {name} where {'another chunk' if seen else 'IHDR'} is expected"
        )
    if chunk.kind[:1].isupper() and chunk.kind not in _CRITICAL:
        raise ProvenanceError(f"damaged PNG: the critical chunk {name} is unknown")
    if chunk.kind == b"IHDR":
        _check_header(chunk)
    if chunk.kind == b"IEND" and chunk.length:
        raise ProvenanceError("damaged PNG: IEND holds data")


def _check_header(chunk: _Chunk) -> None:
    """Check IHDR: size, bit depth by colour type, and the only compression, filter and interlace methods there are."""
    if chunk.length != _HEADER_BYTES:
        raise ProvenanceError(f"damaged PNG: IHDR holds {chunk.length} bytes, not {_HEADER_BYTES}")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", chunk.data)
    if not (0 < width <= _MAX_LENGTH and 0 < height <= _MAX_LENGTH):
        raise ProvenanceError(f"damaged PNG: IHDR says {width} x {height} pixels")
    if depth not in _BIT_DEPTHS.get(colour, ()):
        raise ProvenanceError(f"damaged PNG: IHDR says colour type {colour} with {depth} bits")
    if compression or filtering or interlace > 1:
        raise ProvenanceError("damaged PNG: IHDR names an unknown compression, filter or interlace method")


# --- text -------------------------------------------------------------------------------------------------------


def _text_of(chunks: Iterator[_Chunk]) -> dict[str, str]:
    text: dict[str, str] = {}
    left = _MAX_TEXT_BYTES
    for chunk in chunks:
        if chunk.kind not in _TEXT:
            continue
        keyword, rest = _keyword(chunk)
        raw = _raw_text(chunk.kind, keyword, rest, left)
        left -= len(raw)
        value = _decoded(raw, keyword, "utf-8" if chunk.kind == b"iTXt" else "latin-1")
        if text.setdefault(keyword, value) != value:
            raise ProvenanceError(f"the PNG says two different things under {keyword!r}: write it once")
    return text


def _keyword(chunk: _Chunk) -> tuple[str, bytes]:
    """Return a text chunk's keyword and what follows its zero byte."""
    keyword, zero, rest = chunk.data.partition(b"\0")
    if not zero or not 1 <= len(keyword) <= _MAX_KEYWORD:
        raise ProvenanceError(
            f"malformed {chunk.kind.decode('ascii')} chunk at byte {chunk.start}: no keyword"
        )
    return keyword.decode("latin-1"), rest


def _raw_text(kind: bytes, keyword: str, rest: bytes, limit: int) -> bytes:
    """Return a text chunk's text as bytes, inflated where it is compressed, at most ``limit`` of them."""
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        compressed, method, body = 1, rest[:1], rest[1:]
    else:
        head, parts = (
            rest[:2],
            rest[2:].split(b"\0", 2),
        )  # flag and method; language, translated keyword, text
        if len(head) < 2 or len(parts) < 3:
            raise ProvenanceError(f"malformed iTXt chunk {keyword!r}")
        compressed, method, body = head[0], head[1:], parts[2]
    if compressed not in (0, 1) or (compressed and method != b"\0"):
        raise ProvenanceError(f"text chunk {keyword!r} names an unknown compression")
    return _inflated(body, keyword, limit) if compressed else body


def _inflated(data: bytes, keyword: str, limit: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, limit + 1)
    except zlib.error as error:
        raise ProvenanceError(f"text chunk {keyword!r} cannot be decompressed: {error}") from None
    if len(text) > limit:
        raise ProvenanceError(f"the PNG's text chunks inflate to more than {_MAX_TEXT_BYTES} bytes")
    if not inflater.eof:
        raise ProvenanceError(f"text chunk {keyword!r} is cut off")
    return text


def _decoded(raw: bytes, keyword: str, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise ProvenanceError(f"text chunk {keyword!r} is not {encoding} text") from None


def _text_chunk(keyword: str, text: str) -> bytes:
    """Return a tEXt chunk, or an iTXt one (not compressed, no language) where Latin-1 cannot hold the text."""
    try:
        name = keyword.encode("latin-1")
        utf8 = text.encode("utf-8")
    except UnicodeEncodeError:
        raise ProvenanceError(f"keyword {keyword!r} or its text has no place in a PNG") from None
    words = keyword.split(" ")
    if not 1 <= len(name) <= _MAX_KEYWORD or not all(word.isprintable() and word for word in words):
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
