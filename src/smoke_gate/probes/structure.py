"""The structure of a file that is too large to be read whole: its header or directory, and each part that holds code.

Of weights themselves nothing is read, so that neither their hash nor their checksums are known.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from smoke_gate.evidence import Artifact, Holds
from smoke_gate.probes.archives import in_member, probe_members, unpacked
from smoke_gate.probes.contents import FAILURES, Archive, Content, probe_member, problem_of
from smoke_gate.probes.distcp import SUFFIX as MANY_ARCHIVES
from smoke_gate.probes.formats import WITHOUT_CODE
from smoke_gate.probes.gguf import probe_gguf
from smoke_gate.probes.inspection import BrokenError, CodeError, Inspection, LimitError
from smoke_gate.probes.layout import Layout, torch_storages
from smoke_gate.probes.npy import probe_npy_header
from smoke_gate.probes.pickle.files import scan_disguised
from smoke_gate.probes.ranges import Fetch, RangeError, ranged
from smoke_gate.probes.safetensors import probe_safetensors_header
from smoke_gate.probes.streams import stream_of
from smoke_gate.probes.windows import window
from smoke_gate.probes.zip_directory import Member, read_directory

MAX_CODE_BYTES: Final = 16 << 20  # of all members of an archive that may hold code
_ARRAY = ".npy"
_ARRAYS = ".npz"


def probe_structure(fetch: Fetch, size: int, artifact_path: str) -> Artifact | None:
    """Read the structure of a file, and every part of it that can carry code.

    Args:
        fetch: reads a part of the file; what it raises comes out.
        size: the file's bytes.
        artifact_path: its path in the run, whose suffix may promise a format.

    Returns:
        The facts, without a hash of the bytes. None where the format can carry code anywhere, where it is not known, or
        where more would have to be read than is.

    """
    inspection = Inspection.of_size(size)
    found: str | None = None
    problem: BrokenError | None = None
    if artifact_path.endswith(MANY_ARCHIVES):
        return None
    with ranged(fetch, size) as stream:
        content = Content(stream, size, artifact_path)
        try:
            found = content.sniffed()
            probe = STRUCTURES.get(found or "")
            if found is None or probe is None or (content.promised and found not in content.promised):
                return None
            if not content.promised and found != "zip" and scan_disguised(stream, inspection):
                return None
            stream.seek(0)
            inspection.name = artifact_path
            probe(stream, size, inspection)
        except (CodeError, RangeError):
            return None
        except FAILURES as error:
            problem = problem_of(error)
    limited = isinstance(problem, LimitError)
    return Artifact(
        path=artifact_path,
        size=size,
        format=found,
        problem=None if problem is None or limited else str(problem),
        unread=str(problem) if limited else None,
        globals=inspection.imports.as_evidence(),
        holds=inspection.known_content,
        content=inspection.content,
        structure_only=not limited or found in WITHOUT_CODE,
    )


def _probe_zip(stream: io.BufferedReader, size: int, inspection: Inspection) -> None:
    """Verify an archive's directory, its arrays' headers, and whole all members but torch's storages and arrays.

    Raises:
        BrokenError: something is wrong.
        CodeError: what may hold code is too large.

    """
    layout = Layout.of(read_directory(stream, size, torch_storages))
    if inspection.name.lower().endswith(_ARRAYS) and any(map(layout.storage, layout.members)):
        raise CodeError("NumPy unpickles an array of objects from a member of whatever name")
    inspection.content = layout.content
    inspection.imports.unknown |= layout.packages
    whole: list[Member] = []
    arrays: list[Member] = []
    for member in layout.members:
        if layout.storage(member) is None:
            (arrays if member.name.endswith(_ARRAY) else whole).append(member)
        elif member.size:
            inspection.came_upon(Holds.TENSORS)
    if sum(member.size for member in whole) > MAX_CODE_BYTES:
        raise CodeError(f"more than {MAX_CODE_BYTES >> 20} MiB of its members may hold code")
    archive = Archive(stream, layout, depth=0)
    probe_members(stream, whole, inspection, partial(probe_member, archive, inspection))
    _probe_arrays(stream, arrays, inspection)


def _probe_arrays(file: io.BufferedReader, arrays: Sequence[Member], inspection: Inspection) -> None:
    for member in arrays:
        try:
            is_stored = member.method == zipfile.ZIP_STORED
            stream = (
                window(file, member.start, member.size) if is_stored else stream_of(unpacked(file, member))
            )
            probe_npy_header(stream, member.size, inspection)
        except BrokenError as error:
            raise in_member(member, error) from None


STRUCTURES: Final[Mapping[str, Callable[[io.BufferedReader, int, Inspection], object]]] = {
    "gguf": probe_gguf,
    "npy": probe_npy_header,
    "safetensors": probe_safetensors_header,
    "zip": _probe_zip,
}
"""By format: reads as little of a file as its structure needs. What is not here can carry code anywhere."""
