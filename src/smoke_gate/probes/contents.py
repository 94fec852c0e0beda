"""The way from the bytes of a file, or of a member of an archive, to the probe that says whether it is intact."""

import io
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from smoke_gate.evidence import Holds, sayable
from smoke_gate.probes.archives import probe_members, unpacked
from smoke_gate.probes.compressed import COMPRESSIONS, decompressed
from smoke_gate.probes.distcp import METADATA, SUFFIX, note_named_files, probe_each_archive
from smoke_gate.probes.documents import check_size, is_document, read_document
from smoke_gate.probes.formats import HEAD_BYTES, NAMES, PROBES, known_as, promised_formats, sniff
from smoke_gate.probes.inspection import BrokenError, Inspection
from smoke_gate.probes.keras import judge_unparsed, may_hold_config
from smoke_gate.probes.layout import Layout
from smoke_gate.probes.nan import watch
from smoke_gate.probes.native import machine_code
from smoke_gate.probes.pickle.files import scan_disguised, scan_one_pickle, scan_pickles
from smoke_gate.probes.streams import BLOCK_BYTES, drain
from smoke_gate.probes.windows import window
from smoke_gate.probes.zip_directory import Member, read_directory

_SEEKING: Final = frozenset({"hdf5"})
_MAX_DEPTH = 2  # archives within archives
_MAX_MESSAGE = 300
FAILURES: Final = (  # what probes raise: one error that they mean, and those of odd bytes that nobody foresaw
    BrokenError,
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

    ``depth`` is in how many archives it lies; ``seekable`` is the same content as a seekable stream, None where
    having one costs a copy.
    """

    stream: io.BufferedReader
    size: int
    name: str
    depth: int = 0
    seekable: io.BufferedReader | None = None

    @contextmanager
    def sought(self) -> Iterator[io.BufferedReader]:
        """Give the content as a seekable stream, from its first byte on."""
        if self.seekable is not None or not self.depth:
            yield self.seekable or self.stream
            return
        with tempfile.TemporaryFile() as file:
            shutil.copyfileobj(self.stream, file, BLOCK_BYTES)
            yield window(file, 0, self.size)

    @property
    def promised(self) -> frozenset[str]:
        """The formats that the name promises."""
        return promised_formats(self.name)

    def sniffed(self) -> str | None:
        """Return the format that the first bytes show, with the help of the name where they are not a proof."""
        head = self.stream.peek(HEAD_BYTES)[:HEAD_BYTES]
        return sniff(head, self.size, self.name, inside=self.depth > 0)


def examine(content: Content, inspection: Inspection) -> tuple[str | None, BrokenError | None]:
    """Return the format, None where it is not a known one, and the problem, None where the content is intact.

    The globals of pickles go to ``inspection``.
    """
    known: str | None = None
    problem: BrokenError | None = None
    inspection.name = "" if content.depth else content.name
    try:
        found = content.sniffed()
        known = found and known_as(found)
        if (machine := machine_code(content.stream.peek(HEAD_BYTES)[:HEAD_BYTES])) is not None:
            inspection.imports.unknown.add(f"machine code ({machine}) in {content.name}")
        if not content.depth and may_hold_config(content.name):
            judge_unparsed(content.stream, inspection.imports)
            content.stream.seek(0)
        if content.promised and known not in content.promised:
            _scan_disguised(content, found, inspection)
            promised = " or ".join(sorted(content.promised))
            raise BrokenError(
                f"it promises {promised} by its name, but its bytes are {found or 'of no known format'}"
            )
        known = _probe(content, found, inspection)
    except FAILURES as error:
        problem = problem_of(error)
    return known if known in NAMES else None, problem


def problem_of(error: Exception) -> BrokenError:
    """Return what is wrong with a content in few words, given one of ``FAILURES``."""
    if isinstance(error, BrokenError):
        return type(error)(sayable(str(error))[:_MAX_MESSAGE])
    what = f"it cannot be understood ({type(error).__name__}: {error})"
    return BrokenError(sayable(what)[:_MAX_MESSAGE])


def _probe(content: Content, found: str | None, inspection: Inspection) -> str | None:
    """Probe content that looks like ``found`` and return the format that it turns out to have."""
    if found == "zip":
        _probe_zip(content, inspection)
        return found
    if simple := PROBES.get(found or ""):
        if not content.promised and not content.depth:
            # Its header leaves room for a pickle, and the name does not say who loads the file.
            scan_disguised(content.stream, inspection)
            content.stream.seek(0)
        if found in _SEEKING:
            with content.sought() as file:
                simple(file, content.size, inspection)
        else:
            simple(content.stream, content.size, inspection)
        return found
    if content.size:
        inspection.came_upon(Holds.DATA)
    if found == "pickle":
        alone = content.depth and not content.name.endswith(".joblib")
        (scan_one_pickle if alone else scan_pickles)(content.stream, inspection)
        if not content.depth and PurePosixPath(content.name).name == METADATA:
            content.stream.seek(0)
            note_named_files(content.stream, content.size, inspection)
        return found
    if found in COMPRESSIONS and content.promised:
        pickles = decompressed(content.stream, found, inspection)
        scan_pickles(pickles, inspection)
        drain(pickles)
        return "joblib"
    found = _scan_disguised(content, found, inspection)
    if found is None and content.size and not content.depth:
        inspection.unparsed = True
    return found


def _probe_zip(content: Content, inspection: Inspection) -> None:
    if content.depth > _MAX_DEPTH:
        raise BrokenError(f"it is a zip archive more than {_MAX_DEPTH} archives deep")
    probe = partial(_probe_archive, inspection, content.depth)
    with content.sought() as file:
        if content.name.endswith(SUFFIX):
            probe_each_archive(file, content.size, probe)
            return
        layout = probe(file, content.size)
        if not content.depth:
            inspection.content = layout.content


def _probe_archive(inspection: Inspection, depth: int, file: BinaryIO, size: int) -> Layout:
    layout = Layout.of(read_directory(file, size))
    inspection.imports.unknown |= layout.packages
    probe_members(
        file, layout.members, inspection, partial(probe_member, Archive(file, layout, depth), inspection)
    )
    return layout


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive whose members are looked at; ``depth`` is in how many others it lies."""

    file: BinaryIO
    layout: Layout
    depth: int


def probe_member(archive: Archive, inspection: Inspection, stream: io.BufferedReader, member: Member) -> None:
    """Look at one member of an archive.

    Raises:
        BrokenError: it is not intact.

    """
    layout, file = archive.layout, archive.file
    stored = window(file, member.start, member.size) if member.method == zipfile.ZIP_STORED else None
    content = Content(stream, member.size, member.name, archive.depth + 1, stored)
    before = inspection.holds
    data = b""
    if is_document(member.name):
        check_size(member.size)
        data = stream.read()
        content = replace(content, stream=io.BufferedReader(io.BytesIO(data)))
    key = layout.storage(member)
    if key is not None and member.size:
        inspection.came_upon(Holds.TENSORS)
        watch(inspection.storages.get(key, ""), unpacked(file, member), inspection)
    found, problem = examine(content, inspection)
    if layout.is_beside(member):
        inspection.holds = before
        inspection.came_upon(Holds.DATA if member.size else Holds.NOTHING)
    elif found is None and key is None and member.size:
        inspection.unparsed = True
    if is_document(member.name):
        read_document(member.name, data, inspection)
    if problem:
        raise problem


def _scan_disguised(content: Content, found: str | None, inspection: Inspection) -> str | None:
    """Look for pickles where none are promised; return their format if there is nothing else."""
    if found in COMPRESSIONS:
        pickles = decompressed(content.stream, found, inspection)
        return "joblib" if scan_disguised(pickles, inspection) else None
    return "pickle" if scan_disguised(content.stream, inspection) else None
