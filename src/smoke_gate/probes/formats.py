"""The formats: how a file's first bytes show each, which names promise it, and which probe reads it.

``ALL`` is the one place that knows them. Each probe is code of this package, which reads lengths and skips contents.
The libraries of the formats were looked at. onnx, py-ubjson, msgpack, flatbuffers' and gguf's readers build the object
in memory and trust the counts in it; xgboost, lightgbm, catboost and tensorflow load the model by native code, which
hostile bytes can crash; lz4 is native code for one small part. None says what follows the end. None is smaller than
the probe that it would replace.
"""

import pickletools
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from io import BufferedReader
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from smoke_gate.probes import catboost, distcp, gguf, hdf5, lz4, npy, tensor_data
from smoke_gate.probes.compressed import COMPRESSIONS
from smoke_gate.probes.inspection import Inspection
from smoke_gate.probes.json_text import begins_json, probe_json
from smoke_gate.probes.lightgbm import begins_lightgbm, probe_lightgbm
from smoke_gate.probes.msgpack import begins_msgpack, probe_msgpack
from smoke_gate.probes.onnx import begins_onnx, probe_onnx
from smoke_gate.probes.safetensors import header_length, probe_safetensors
from smoke_gate.probes.savedmodel import begins_graph, begins_savedmodel, probe_graph, probe_savedmodel
from smoke_gate.probes.tensor_data import probe_tensor_data
from smoke_gate.probes.tensorflow_checkpoint import begins_index, begins_state, probe_index, probe_state
from smoke_gate.probes.tflite import begins_tflite, probe_tflite
from smoke_gate.probes.ubjson import begins_ubjson, may_be_ubjson, probe_ubjson

HEAD_BYTES: Final = 4096  # enough for every signature below
Probe: TypeAlias = Callable[[BufferedReader, int, Inspection], None]
Shows: TypeAlias = Callable[[bytes, int], bool]


class Sign(Enum):
    """How much the first bytes of a format tell."""

    PROOF = "proof"
    """A long signature: no tensor begins so by chance."""
    SHORT = "short"
    """It counts, but not in an archive under a name that promises nothing: tensors lie there."""
    WEAK = "weak"
    """Much else begins so: it counts where the name speaks of the format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of files.

    ``shows`` says by a file's first ``HEAD_BYTES`` and its size whether it may have the format, ``sign`` how much that
    tells. ``promised_by`` are the ends of names, from a dot on, or whole names, of files that are this or are broken;
    ``hinted_by`` are patterns of names of files that may well be something else. ``probe`` raises BrokenError where a
    file of the format is not intact. It is None where ``contents`` goes on into what the file ``nests``, and where the
    format is only known by name. ``carries_code``: a loader may run or import what a file of the format says.
    """

    name: str
    shows: Shows
    sign: Sign = Sign.SHORT
    promised_by: tuple[str, ...] = ()
    hinted_by: tuple[str, ...] = ()
    probe: Probe | None = None
    nests: bool = False
    carries_code: bool = True


def _magic(*beginnings: bytes) -> Shows:
    return lambda head, _: head.startswith(beginnings)


def _is_zlib(head: bytes, _: int) -> bool:
    return head[:1] == b"\x78" and int.from_bytes(head[:2], "big") % 31 == 0


def _is_pickle(head: bytes, _: int) -> bool:
    return head[:1] == b"\x80" and b"\x00" <= head[1:2] <= b"\x05"


def _may_be_old_pickle(head: bytes, _: int) -> bool:
    """Return whether a pickle of protocol 0 or 1, which has no signature, may begin so."""
    return head[:1] in _OLD_OPCODES


def _is_tar(head: bytes, _: int) -> bool:
    """Return whether a tar header comes first; old ones have no signature, only a checksum."""
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


_OLD_OPCODES: Final = frozenset(
    opcode.code.encode("latin-1") for opcode in pickletools.opcodes if opcode.proto < 2
)
_TORCH: Final = (".pt", ".pth", ".ckpt")  # zip since 1.6, pickles before; people call them .pkl as well
_PICKLE: Final = (".pkl", ".pickle", ".joblib")
_PICKLED: Final = (*_PICKLE, ".lgb")  # which LightGBM's own text is called, too
_PACKED: Final = tuple(
    name + end for name in _PICKLE for end in (".gz", ".z", ".bz2", ".xz", ".lzma", ".lz4")
)


def _compression(name: str, shows: Shows) -> Format:
    return Format(name=name, shows=shows, nests=True, promised_by=_PICKLED + _PACKED)


ALL: Final = (
    Format(  # first: its length may begin like anything short below
        name="safetensors",
        shows=lambda head, size: header_length(head, size) is not None,
        promised_by=(".safetensors",),
        probe=probe_safetensors,
        carries_code=False,
    ),
    Format(
        name="zip",
        shows=_magic(b"PK\x03\x04", b"PK\x05\x06"),
        sign=Sign.PROOF,
        promised_by=(*_TORCH, *_PICKLE, ".npz", ".keras", ".skops", distcp.SUFFIX),
        nests=True,
    ),
    Format(
        name="npy",
        shows=_magic(npy.MAGIC),
        sign=Sign.PROOF,
        promised_by=(".npy",),
        probe=npy.probe_npy,
    ),
    _compression("gzip", _magic(b"\x1f\x8b")),
    _compression("bzip2", _magic(b"BZh")),
    _compression("xz", _magic(b"\xfd7zXZ\x00")),
    _compression("lzma", _magic(b"\x5d\x00\x00")),
    _compression("lz4", _magic(lz4.MAGIC)),
    Format(name="xgboost_binary", shows=_magic(b"binf", b"bs64")),  # before 3.1; its form was never said
    Format(name="7z", shows=_magic(b"7z\xbc\xaf\x27\x1c")),
    Format(name="gguf", shows=_magic(gguf.MAGIC), promised_by=(".gguf",), probe=gguf.probe_gguf),
    Format(
        name="catboost",
        shows=_magic(catboost.MAGIC),
        promised_by=(".cbm",),
        probe=catboost.probe_catboost,
        carries_code=False,
    ),
    Format(
        name="lightgbm",
        shows=begins_lightgbm,
        promised_by=(".lgb",),
        probe=probe_lightgbm,
        carries_code=False,
    ),
    Format(name="tensorflow_state", shows=begins_state, probe=probe_state),
    Format(name="ubjson", shows=begins_ubjson, promised_by=(".ubj",), probe=probe_ubjson, carries_code=False),
    Format(
        name="ubjson",
        shows=may_be_ubjson,
        sign=Sign.WEAK,
        promised_by=(".ubj",),
        probe=probe_ubjson,
        carries_code=False,
    ),
    Format(
        name="tflite", shows=begins_tflite, promised_by=(".tflite",), probe=probe_tflite, carries_code=False
    ),
    Format(
        name="hdf5",
        shows=lambda head, _: hdf5.superblock_offset(head) is not None,
        sign=Sign.PROOF,
        promised_by=(".h5", ".hdf5"),
        probe=hdf5.probe_hdf5,
    ),
    # Before pickle: torch looks for a tar file first, and one may begin like a pickle.
    Format(name="tar", shows=_is_tar),
    _compression("zlib", _is_zlib),
    Format(name="pickle", shows=_is_pickle, promised_by=_TORCH + _PICKLED, nests=True),
    Format(
        name="onnx",
        shows=begins_onnx,
        sign=Sign.WEAK,
        promised_by=(".onnx",),
        probe=probe_onnx,
        carries_code=False,
    ),
    Format(
        name="msgpack",
        shows=begins_msgpack,
        sign=Sign.WEAK,
        promised_by=(".msgpack",),
        probe=probe_msgpack,
        carries_code=False,
    ),
    Format(
        name="json",
        shows=begins_json,
        sign=Sign.WEAK,
        promised_by=(".index.json",),
        hinted_by=("*.json",),
        probe=probe_json,
    ),
    Format(
        name="savedmodel",
        shows=begins_savedmodel,
        sign=Sign.WEAK,
        promised_by=("saved_model.pb",),
        hinted_by=("*.pb",),
        probe=probe_savedmodel,
    ),
    Format(
        name="tensorflow_index",
        shows=begins_index,
        sign=Sign.WEAK,
        promised_by=("variables.index",),
        hinted_by=("*.index",),
        probe=probe_index,
        carries_code=False,
    ),
    Format(
        name="tensorflow_graph",
        shows=begins_graph,
        sign=Sign.WEAK,
        hinted_by=("*.meta",),
        probe=probe_graph,
    ),
    Format(
        name="tensor_data",
        shows=lambda _head, _size: True,
        sign=Sign.WEAK,
        hinted_by=tensor_data.NAMES,
        probe=probe_tensor_data,
        carries_code=False,
    ),
    Format(
        name="pickle", shows=_may_be_old_pickle, sign=Sign.WEAK, promised_by=_TORCH + _PICKLED, nests=True
    ),
)


def known_as(name: str) -> str:
    """Return the name of a format in evidence: what is compressed is joblib's."""
    return "joblib" if name in COMPRESSIONS else name


NAMES: Final = frozenset(known_as(each.name) for each in ALL if each.probe or each.nests)
"""The formats that evidence may name: those that are read."""
WITHOUT_CODE: Final = frozenset(each.name for each in ALL if not each.carries_code)
"""The formats of files that hold nothing that a loader would run or import."""
PROBES: Final[Mapping[str, Probe]] = {each.name: each.probe for each in ALL if each.probe}


def _promises() -> Mapping[str, frozenset[str]]:
    ends = {end for each in ALL for end in each.promised_by}
    return {
        end: frozenset(known_as(each.name) for each in ALL if end in each.promised_by) for end in sorted(ends)
    }


_PROMISES: Final = _promises()


def promised_formats(name: str) -> frozenset[str]:
    """Return the formats that a file's name promises, any of which will do; none where it promises nothing."""
    path = PurePosixPath(name.lower())
    ends = (path.suffix and path.name, "".join(path.suffixes[-2:]), path.suffix)
    return next((_PROMISES[end] for end in ends if end in _PROMISES), frozenset())


def sniff(head: bytes, size: int, name: str = "", *, inside: bool = False) -> str | None:
    """Return the format of a file of ``size`` bytes by its first ``HEAD_BYTES``, None where they tell nothing.

    A weak sign needs a name that speaks of the format. ``inside`` says that the file lies in an archive.
    """
    return next((each.name for each in _candidates(name, inside=inside) if each.shows(head, size)), None)


def _candidates(name: str, *, inside: bool) -> Iterator[Format]:
    """Yield the formats that a file of this name may show, in order."""
    promised = promised_formats(name)
    for each in ALL:
        if (
            each.sign is Sign.PROOF
            or (each.sign is Sign.SHORT and (promised or not inside))
            or (each.sign is Sign.WEAK and known_as(each.name) in promised)
            or (not inside and _hints(name, each))
        ):
            yield each


def _hints(name: str, format_: Format) -> bool:
    return any(fnmatchcase(PurePosixPath(name.lower()).name, pattern) for pattern in format_.hinted_by)
