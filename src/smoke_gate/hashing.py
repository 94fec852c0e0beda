"""Hashes that mean the same on every machine: of bytes, of definitions (RFC 8785) and of data arrays.

The schemes and their test vectors are published in ``docs/hashing.md``.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import rfc8785

from smoke_gate.errors import ContractError
from smoke_gate.strict_json import JsonError, parse_json

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, Any]

Definition: TypeAlias = Mapping[str, object] | Sequence[object] | str | bytes

_BLOCK_BYTES = 1 << 21  # what hashing an array that is not contiguous holds at a time
_TILE = 512  # values of the last axis that are copied at a time
_DATA_HASH_LENGTH = 16
_PLAIN = frozenset([str, bool, type(None)])


class HashError(ContractError):
    """A value that has no hash; the message says what was found and what to hash instead."""


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: str | PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes as 64 lower-case hex digits, read in blocks.

    Raises:
        OSError: the file cannot be read.

    """
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return the one JSON text of ``value`` that RFC 8785 (JSON Canonicalization Scheme) allows, as UTF-8.

    Args:
        value: what JSON can say: dicts with text keys, lists, tuples, text, finite numbers, booleans, None.

    Raises:
        HashError: anything else; NaN, an infinity, an integer beyond ±(2**53 - 1), a lone surrogate, endless
            nesting.

    """
    try:
        return _plain_json(value) if _is_plain(value) else rfc8785.dumps(value)
    except RecursionError:
        raise HashError("canonical JSON: the value is nested too deeply, or holds itself") from None
    except ValueError as error:
        raise HashError(f"canonical JSON: {error}; only what JSON can say has one") from None


def _is_plain(value: Any) -> bool:
    """Return whether the standard encoder, which takes a tenth of the time, writes the canonical form of a value.

    That is so if it holds no floats, no large integers and only ASCII keys, which have one order in every encoding.
    """
    kind = type(value)
    if kind is dict:
        if not all(type(key) is str for key in value) or not "".join(value).isascii():
            return False
        parts = value.values()
    elif kind is list or kind is tuple:
        parts = value
    elif kind is int:
        return bool(abs(value) < 2**53)
    else:
        return kind in _PLAIN
    return _PLAIN.issuperset(map(type, parts)) or all(
        _is_plain(part) for part in parts if type(part) not in _PLAIN
    )


def _plain_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def canonical_definition(payload: Definition) -> bytes:
    """Return the RFC 8785 form of a metric definition, given as a dict or list, or as JSON text.

    Raises:
        HashError: no JSON object or array; NaN, an infinity or a key that occurs twice.

    """
    value = _parsed(payload) if isinstance(payload, str | bytes) else payload
    if not isinstance(value, dict | list):
        raise HashError(f"a definition is a JSON object or array; found {type(value).__name__}")
    return canonical_json(value)


def definition_hash(payload: Definition) -> str:
    """Return the hash of a metric definition: SHA-256 over its RFC 8785 form, 64 lower-case hex digits.

    Text and the value that it parses to give the same hash.

    Raises:
        HashError: the payload is not a JSON object or array, or cannot be written in the RFC 8785 form.

    """
    return sha256_hex(canonical_definition(payload))


def _parsed(text: str | bytes) -> Any:
    try:
        decoded = text.decode(json.detect_encoding(text)) if isinstance(text, bytes) else text
        return parse_json(decoded, integer=_integer)
    except (JsonError, UnicodeDecodeError) as error:
        raise HashError(f"a definition must be JSON, and not the name of a file: {error}") from None


def _integer(text: str) -> int | float:
    """Read an integer; one beyond 2**53 as the double whose RFC 8785 form it is: that form must be readable again."""
    value = int(text)
    if abs(value) < 2**53:
        return value
    try:
        double = float(value)
    except OverflowError:  # beyond any double, which the canonical form then refuses
        return value
    return double if canonical_json(double) == text.encode() else value


def data_hash(arrays: "Array | list[Array] | tuple[Array, ...]") -> str:
    """Return the hash of data: the first 16 hex digits of a SHA-256 over each array in order.

    An array contributes its bytes in C order, then ``str(shape)``, then ``str(dtype)`` as UTF-8. The bytes of
    a contiguous array are hashed in place; any other is read in blocks of two mebibytes.

    Args:
        arrays: one NumPy array, or a list or tuple of several, whose order matters.

    Raises:
        HashError: no array at all; something that is not a NumPy array, or a masked one; values that are Python
            objects (their bytes are addresses).

    """
    digest = hashlib.sha256()
    several = arrays if isinstance(arrays, list | tuple) else [arrays]
    if not several:
        raise HashError("a data hash needs at least one array; found none")
    for array in several:
        _check_hashable(array)
        for block in _blocks(array):
            digest.update(block)
        digest.update(str(array.shape).encode())
        digest.update(str(array.dtype).encode())
    return digest.hexdigest()[:_DATA_HASH_LENGTH]


def _check_hashable(array: object) -> None:
    import numpy as np

    if not isinstance(array, np.ndarray):
        raise HashError(
            f"a data hash is of NumPy arrays; found {type(array).__name__}: "
            "pass numpy.asarray(…) or frame.to_numpy()"
        )
    if isinstance(array, np.ma.MaskedArray):
        raise HashError("a data hash would not see the mask of a masked array: pass array.filled(…)")
    if array.dtype.hasobject:
        raise HashError(
            f"an array of dtype {array.dtype} holds Python objects, whose bytes are addresses: "
            "convert it first, for example array.astype('float64') or array.astype('U')"
        )


def _blocks(array: "Array") -> Iterator[memoryview]:
    """Yield the array's bytes in C order, without a copy where it is contiguous; a copy lasts until the next one.

    All copies are in the same memory: to get new memory takes as long as to copy.
    """
    import numpy as np

    if array.nbytes == 0:
        return
    if array.flags.c_contiguous:
        yield np.asarray(array).reshape(-1).view(np.uint8).data
        return
    buffer = np.empty(min(array.size, max(1, _BLOCK_BYTES // array.itemsize)), array.dtype)
    for block in _whole_rows(array):
        copy = buffer[: block.size].reshape(block.shape)
        _copy(block, copy)
        yield copy.reshape(-1).view(np.uint8).data


def _whole_rows(array: "Array") -> Iterator["Array"]:
    """Yield parts of an array in C order, each of a block's size at most."""
    if array.nbytes <= _BLOCK_BYTES or array.ndim == 0:
        yield array
        return
    rows = _BLOCK_BYTES // (array.nbytes // len(array))
    if rows == 0:
        for row in array:
            yield from _whole_rows(row)
    else:
        yield from (array[at : at + rows] for at in range(0, len(array), rows))


def _copy(array: "Array", copy: "Array") -> None:
    """Copy an array tile by tile: a transposed array's values lie on as many pages of memory."""
    if array.ndim < 2 or array.strides[-1] == array.itemsize:
        copy[...] = array
    else:
        for at in range(0, array.shape[-1], _TILE):
            copy[..., at : at + _TILE] = array[..., at : at + _TILE]
