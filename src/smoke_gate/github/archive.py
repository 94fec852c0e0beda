"""Verdict files in the archive of an artifact. An artifact is read as a stranger's file: within bounds."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from fnmatch import fnmatch
from io import BytesIO
from pathlib import PurePosixPath

from smoke_gate.errors import UsageError
from smoke_gate.verdict_file.read import LARGEST_OF_OTHERS

NAMES = ("smoke_verdict_*.json", "smoke-gate-verdict.json")
"""What a verdict file in an artifact is called: as `check` names it, or as judge.yml renames it."""
_MOST_FILES = 3  # that are read of one artifact
_LARGEST_DIRECTORY = 4 << 20  # bytes; a member takes some hundred
_END = b"PK\5\6"
_LONGEST_END = 22 + 0xFFFF  # bytes: the end record with its comment


def verdict_files(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the names and the contents of the verdict files in an archive, the newest first.

    Raises:
        UsageError: it is not an archive, or is larger than the bounds allow.

    """
    end = archive.rfind(_END, max(0, len(archive) - _LONGEST_END))
    if end < 0 or len(archive) - end < 16:
        raise UsageError("it is not a zip archive")
    if struct.unpack_from("<L", archive, end + 12)[0] > _LARGEST_DIRECTORY:
        raise UsageError("it holds more files than are looked at")
    try:
        with zipfile.ZipFile(BytesIO(archive)) as opened:
            # The name begins with the time at which the runs were read.
            members = sorted(filter(_is_named_so, opened.infolist()), key=_name, reverse=True)
            for member in members[:_MOST_FILES]:
                with opened.open(member) as stream:
                    content = stream.read(LARGEST_OF_OTHERS + 1)
                if len(content) > LARGEST_OF_OTHERS:
                    raise UsageError(f"{_name(member)} is larger than {LARGEST_OF_OTHERS >> 20} MiB")
                yield _name(member), content
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
        struct.error,
    ) as error:
        # RuntimeError: it is encrypted, or compressed in a way that is not known here.
        raise UsageError(f"its archive cannot be read: {error}") from None


def _name(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).name


def _is_named_so(member: zipfile.ZipInfo) -> bool:
    return any(fnmatch(_name(member), name) for name in NAMES)
