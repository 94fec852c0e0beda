"""What a file or a member of an archive is, and whether it is intact: the way from its bytes to the right probe."""

import io
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from smoke_gate.collect.probes.archives import probe_zip
from smoke_gate.collect.probes.compressed import COMPRESSIONS, decompressed
from smoke_gate.collect.probes.formats import HEAD_BYTES, may_be_old_pickle, promised_formats, sniff
from smoke_gate.collect.probes.hdf5 import probe_hdf5
from smoke_gate.collect.probes.inspection import BrokenError, Inspection
from smoke_gate.collect.probes.npy import probe_npy
from smoke_gate.collect.probes.pickles import scan_disguised, scan_one_pickle, scan_pickles
from smoke_gate.collect.probes.safetensors import probe_safetensors
from smoke_gate.collect.probes.streams import BLOCK_BYTES, drain
from smoke_gate.collect.probes.zip_directory import Member
from smoke_gate.evidence import sayable

FORMATS: Final = frozenset({"zip", "safetensors", "hdf5", "npy", "pickle", "joblib"})
_SIMPLE: Final[Mapping[str, Callable[[io.BufferedReader, int, Inspection], bool]]] = {
    "safetensors": probe_safetensors,
    "hdf5": probe_hdf5,
    "npy": probe_npy,
}
_UNMISTAKABLE: Final = frozenset({"zip", "hdf5", "npy"})  # long signatures: no tensor begins so by chance
_MAX_DEPTH = 2  # archives within archives
_MAX_MESSAGE = 300
_UNEXPECTED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Content:
    """A file or a member of an archive: its bytes (seekable at depth 0), their number, a name that may promise.

    ``depth`` is in how many archives it lies.
    """

    stream: io.BufferedReader
    size: int
    name: str
    depth: int = 0

    @property
    def promised(self) -> frozenset[str]:
        """The formats that the name promises."""
        return promised_formats(self.name)

    def sniffed(self) -> str | None:
        """Return the format that the first bytes show, or else the one that the name promises and bytes cannot show."""
        head = self.stream.peek(HEAD_BYTES)[:HEAD_BYTES]
        found = sniff(head, self.size)
        if found is None and "pickle" in self.promised and may_be_old_pickle(head):
            return "pickle"
        return found if not self.depth or self.promised or found in _UNMISTAKABLE else None


def examine(content: Content, inspection: Inspection) -> tuple[str | None, BrokenError | None]:
    """Return the format, None where it is not a known one, and the problem, None where the content is intact.

    The globals of pickles go to ``inspection``.
    """
    known: str | None = None
    problem: BrokenError | None = None
    try:
        found = content.sniffed()
        known = "joblib" if found in COMPRESSIONS else found
        if content.promised and known not in content.promised:
            _scan_disguised(content, found, inspection)
            promised = " or ".join(sorted(content.promised))
            raise BrokenError(
                f"it promises {promised} by its name, but its bytes are {found or 'of no known format'}"
            )
        known = _probe(content, found, inspection)
        if not content.depth and not inspection.holds_something:
            raise BrokenError("it holds nothing")
    except BrokenError as error:
        problem = type(error)(sayable(str(error))[:_MAX_MESSAGE])
    except _UNEXPECTED as error:
        what = f"it cannot be understood ({type(error).__name__}: {error})"
        problem = BrokenError(sayable(what)[:_MAX_MESSAGE])
    return known if known in FORMATS else None, problem


def _probe(content: Content, found: str | None, inspection: Inspection) -> str | None:
    """Probe content that looks like ``found`` and return the format that it turns out to have."""
    if found == "zip":
        _probe_zip(content, inspection)
        return found
    if simple := _SIMPLE.get(found or ""):
        if not content.promised and not content.depth:
            # Its header leaves room for a pickle, and the name does not say who loads the file.
            scan_disguised(content.stream, inspection)
            content.stream.seek(0)
        inspection.holds_something |= simple(content.stream, content.size, inspection)
        return found
    inspection.holds_something |= content.size > 0
    if found == "pickle":
        alone = content.depth and not content.name.endswith(".joblib")
        (scan_one_pickle if alone else scan_pickles)(content.stream, inspection)
        return found
    if found in COMPRESSIONS and content.promised:
        pickles = decompressed(content.stream, found, inspection)
        scan_pickles(pickles, inspection)
        drain(pickles)
        return "joblib"
    return _scan_disguised(content, found, inspection)


def _probe_zip(content: Content, inspection: Inspection) -> None:
    def probe_member(stream: io.BufferedReader, member: Member) -> None:
        _, problem = examine(Content(stream, member.size, member.name, content.depth + 1), inspection)
        if problem:
            raise problem

    if content.depth > _MAX_DEPTH:
        raise BrokenError(f"it is a zip archive more than {_MAX_DEPTH} archives deep")
    if not content.depth:
        probe_zip(content.stream, content.size, inspection, probe_member)
        return
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(content.stream, file, BLOCK_BYTES)
        probe_zip(file, content.size, inspection, probe_member)


def _scan_disguised(content: Content, found: str | None, inspection: Inspection) -> str | None:
    """Look for pickles where none are promised; return their format if there is nothing else."""
    if found in COMPRESSIONS:
        pickles = decompressed(content.stream, found, inspection)
        return "joblib" if scan_disguised(pickles, inspection) else None
    return "pickle" if scan_disguised(content.stream, inspection) else None
