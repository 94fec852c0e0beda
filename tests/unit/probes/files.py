"""Checkpoints that the probes' tests make: as real writers make them, and as no honest one does."""

import io
import pickle
import struct
import sys
import zipfile
from pathlib import Path
from types import ModuleType

from smoke_gate.evidence import Artifact, Globals
from smoke_gate.probes.checkpoint import probe_checkpoint
from smoke_gate.probes.contents import Content, examine
from smoke_gate.probes.inspection import BrokenError, Inspection
from smoke_gate.probes.pickle.files import scan_pickles

SHELL = b"cos\nsystem\n(S'true'\ntR."  # protocol 0: os.system('true')
TORCH_MAGIC = 0x1950A86A20F9469CFC6C


def probed(folder: Path, data: bytes, name: str) -> Artifact:
    """Probe bytes as an artifact of this name."""
    path = folder / "artifact"
    path.write_bytes(data)
    return probe_checkpoint(path, name, lambda _: True)


def inspected(data: bytes, name: str) -> tuple[str | None, str | None, Inspection]:
    """Examine bytes as a file of this name: its format, what is wrong with it, and what else was found."""
    inspection = Inspection.of_size(len(data))
    content = Content(io.BufferedReader(io.BytesIO(data)), len(data), name)
    found, problem = examine(content, inspection)
    return found, None if problem is None else str(problem), inspection


def problem_of(data: bytes, name: str) -> str:
    """Return what is wrong with bytes as a file of this name, an empty text where nothing is."""
    return inspected(data, name)[1] or ""


def scanned(data: bytes) -> tuple[Globals, str | None]:
    """Scan a pickle file's bytes: what it would import, and what is wrong with it."""
    inspection, problem = followed(data)
    return inspection.imports.as_evidence(), problem


def followed(data: bytes) -> tuple[Inspection, str | None]:
    """Scan a pickle file's bytes: all that is found, and what is wrong with it."""
    inspection = Inspection.of_size(len(data))
    problem = None
    try:
        scan_pickles(io.BufferedReader(io.BytesIO(data)), inspection)
    except BrokenError as error:
        problem = str(error)
    return inspection, problem


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Write an archive as Python does."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    """torch's: storages stay outside of the pickle."""

    def persistent_id(self, obj: object) -> tuple[object, ...] | None:
        return obj.identity if isinstance(obj, _StoredTensor) else None


class _StoredTensor:
    def __init__(self, identity: tuple[object, ...]) -> None:
        self.identity = identity


def torch_pickle(monkeypatch, *, old: bool = False) -> bytes:
    """Pickle a state dict of one float tensor of six elements, as torch does, without torch."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    storage = type("FloatStorage", (), {"__module__": "torch"})
    vars(torch)["FloatStorage"] = storage
    identity = ("storage", storage, "0", "cpu", 6) + ((None,) if old else ())

    def _rebuild_tensor_v2(*_):
        raise AssertionError("nothing is ever unpickled")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    vars(utils)["_rebuild_tensor_v2"] = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Tensor:
        def __reduce__(self):
            return _rebuild_tensor_v2, (_StoredTensor(identity), 0, (2, 3), (3, 1), False, {})

    buffer = io.BytesIO()
    _Pickler(buffer, protocol=2).dump({"weight": Tensor(), "epoch": 3})
    return buffer.getvalue()


def torch_zip(monkeypatch) -> bytes:
    """Lay out a checkpoint as torch does since 1.6."""
    return zipped(
        {
            "archive/data.pkl": torch_pickle(monkeypatch),
            "archive/byteorder": b"little",
            "archive/data/0": struct.pack("<6f", *range(6)),
            "archive/version": b"3\n",
        }
    )


def torch_legacy(monkeypatch) -> bytes:
    """Lay out a checkpoint as torch did before 1.6."""
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    head = [pickle.dumps(value, protocol=2) for value in (TORCH_MAGIC, 1001, system)]
    body = [torch_pickle(monkeypatch, old=True), pickle.dumps(["0"], protocol=2)]
    return b"".join([*head, *body, struct.pack("<q6f", 6, *range(6))])
