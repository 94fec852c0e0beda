"""Which globals a pickle may import: some are harmless, some are dangerous, the rest is unknown.

Harmless is what checkpoints need and what cannot reach anything else: rebuilding arrays, tensors and containers.
Dangerous is what ``dangerous`` lists; it wins where a global is both.
"""

import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

from smoke_gate.probes.pickle.dangerous import (
    ALIASES,
    CARRIERS,
    DANGEROUS,
    ESCAPES,
    LOADERS,
    LOADERS_IN,
    UNMISTAKABLE,
)
from smoke_gate.probes.pickle.known import Use, may_be


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STORAGES = _words(
    "Byte Char Short Int Long Half Float Double Bool BFloat16 ComplexHalf ComplexFloat ComplexDouble "
    "QInt8 QUInt8 QInt32 QUInt4x2 QUInt2x4"
)
_TENSORS = frozenset(f"{kind}{what}" for kind in _STORAGES for what in ("Storage", "Tensor"))
_NUMPY_CORE = {
    "multiarray": frozenset({"_reconstruct", "scalar"}),
    "numeric": frozenset({"_frombuffer"}),
}

HARMLESS: Final[Mapping[str, frozenset[str]]] = {
    "builtins": _words(
        "Ellipsis NotImplemented bool bytearray bytes complex dict float frozenset int list object range set slice str "
        "tuple"
    ),
    "collections": frozenset({"ChainMap", "Counter", "OrderedDict", "UserDict", "defaultdict", "deque"}),
    "_codecs": frozenset({"encode"}),
    "copyreg": frozenset({"_reconstructor", "__newobj__", "__newobj_ex__"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone"}),
    "decimal": frozenset({"Decimal"}),
    "random": frozenset({"Random"}),
    "re": frozenset({"_compile"}),
    "fractions": frozenset({"Fraction"}),
    "uuid": frozenset({"UUID"}),
    "zoneinfo": frozenset({"ZoneInfo", "ZoneInfo._unpickle"}),
    "argparse": frozenset({"Namespace"}),
    "types": frozenset({"SimpleNamespace"}),
    "pathlib": frozenset({"PosixPath", "PurePosixPath", "PureWindowsPath", "WindowsPath"}),
    "numpy": _words(
        "dtype ndarray record bool bool_ bytes_ str_ void int8 int16 int32 int64 intc uint8 uint16 uint32 uint64 "
        "float16 float32 float64 longdouble complex64 complex128 datetime64 timedelta64 matrix poly1d recarray"
    ),
    "numpy.lib.polynomial": frozenset({"poly1d"}),
    "numpy.matrixlib.defmatrix": frozenset({"matrix"}),
    "numpy.rec": frozenset({"recarray"}),
    "ml_dtypes": frozenset({"bfloat16"}),
    **{f"numpy.core.{module}": names for module, names in _NUMPY_CORE.items()},
    **{f"numpy._core.{module}": names for module, names in _NUMPY_CORE.items()},
    "numpy.ma": frozenset({"MaskedArray"}),
    "numpy.ma.core": frozenset({"MaskedArray", "_mareconstruct"}),
    "numpy.random": frozenset({"__RandomState_ctor"}),
    "numpy.random._pickle": frozenset({"__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"}),
    "numpy.random.bit_generator": frozenset({"SeedSequence", "__pyx_unpickle_SeedSequence"}),
    "numpy.random._mt19937": frozenset({"MT19937"}),
    "numpy.random._pcg64": frozenset({"PCG64", "PCG64DXSM"}),
    "numpy.random._philox": frozenset({"Philox"}),
    "numpy.random._sfc64": frozenset({"SFC64"}),
    "joblib.numpy_pickle": frozenset({"NumpyArrayWrapper"}),
    "torch": _TENSORS
    | _words(
        "Size Tensor device strided sparse_coo per_tensor_affine per_channel_affine "
        "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 "
        "complex32 complex64 complex128 qint8 quint8 qint32 quint4x2 "
        "float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e8m0fnu"
    ),
    "torch.cuda": _TENSORS,
    "torch.storage": frozenset({"TypedStorage", "UntypedStorage", "_TypedStorage", "_UntypedStorage"}),
    "torch._utils": _words(
        "_rebuild_device_tensor_from_cpu_tensor _rebuild_device_tensor_from_numpy "
        "_rebuild_meta_tensor_no_storage _rebuild_nested_tensor _rebuild_parameter _rebuild_parameter_with_state "
        "_rebuild_qtensor "
        "_rebuild_sparse_tensor _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 "
        "_rebuild_wrapper_subclass"
    ),
    "torch._tensor": frozenset({"_rebuild_from_type_v2"}),
    "torch.nn.parameter": frozenset({"Buffer", "Parameter"}),
    "torch.serialization": frozenset({"_get_layout"}),
    "torch.jit._pickle": frozenset(
        {"build_boollist", "build_doublelist", "build_intlist", "build_tensorlist", "restore_type_tag"}
    ),
    "__torch__.torch.classes.quantized": _words(
        "Conv2dPackedParamsBase Conv3dPackedParamsBase EmbeddingPackedParamsBase LinearPackedParamsBase"
    ),
}

# TorchScript's names of classes whose code lies in the same archive, which no Python module has.
_TORCHSCRIPT = "__torch__."
_TORCHSCRIPT_NATIVE = "__torch__.torch.classes."  # but these, which C++ code registers

# Modules of Pythons other than this one, too: what is found must not depend on the Python that looks.
_STANDARD_LIBRARY = (
    sys.stdlib_module_names
    | {name.partition(".")[0] for name in IMPORT_MAPPING}
    | _words("""
        BaseHTTPServer Bastion CGIHTTPServer HTMLParser MimeWriter SimpleHTTPServer StringIO UserString
        _compression _interpchannels _interpqueues _interpreters _sitebuiltins _xxsubinterpreters aifc
        annotationlib anydbm asynchat asyncore audioop binhex cPickle cStringIO cgi cgitb chunk commands
        compiler compression crypt dbhash distutils dumbdbm dummy_thread dummy_threading exceptions
        formatter gdbm htmlentitydefs htmllib imghdr imp imputil lib2to3 macpath mailcap markupbase md5
        mhlib mimetools mimify msilib multifile mutex new nis nntplib ossaudiodev parser pipes popen2 repr
        rexec rfc822 robotparser sets sgmllib sha smtpd sndhdr spwd statvfs sunau symbol telnetlib urllib2
        urlparse user uu whichdb xdrlib xmlrpclib
    """)
)


_STARTS: Final = frozenset(entry.partition(".")[0] for entry in DANGEROUS)
_DEEPEST: Final = max(entry.count(".") for entry in DANGEROUS) + 1
_TELLING_STEPS: Final = ESCAPES | LOADERS
_NONE: Final[frozenset[str]] = frozenset()


class Danger(Enum):
    """The danger of importing a global."""

    HARMLESS = "harmless"
    UNKNOWN = "unknown"
    DANGEROUS = "dangerous"


def judge(module: str, name: str, *, follows_dots: bool = True) -> Danger:
    """Judge one global, under the name that is written and under the one that Python 3 makes of Python 2's.

    Args:
        module: the module's name.
        name: the global's name in it.
        follows_dots: whether the unpickler goes from attribute to attribute along the name, as it does from protocol 4
            on. Below that, a name with dots is that of one attribute, which nothing has, and reaches nothing.

    """
    spellings = {(module, name), python3_name(module, name)}
    if any(_is_dangerous(*spelling, follows_dots=follows_dots) for spelling in spellings):
        return Danger.DANGEROUS
    if any(_is_harmless(*spelling) for spelling in spellings):
        return Danger.HARMLESS
    return Danger.UNKNOWN


def is_standard_library(module: str) -> bool:
    """Return whether a module, or a global by its whole name, is of the standard library of any Python since 2."""
    return module.partition(".")[0] in _STANDARD_LIBRARY


def python3_name(module: str, name: str) -> tuple[str, str]:
    """Return what the unpickler imports for a global of a protocol below 3."""
    return NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))


def _is_harmless(module: str, name: str) -> bool:
    full = f"{module}.{name}"
    of_archive = full.startswith(_TORCHSCRIPT) and not full.startswith(_TORCHSCRIPT_NATIVE)
    return of_archive or name in HARMLESS.get(module, ()) or may_be(Use.CALLED, module, name)


def _is_dangerous(module: str, name: str, *, follows_dots: bool) -> bool:
    """Return whether the global, a module above it, or a module that its name passes through is dangerous."""
    steps = name.split(".") if follows_dots else [name]
    if any(map(_leads_to_danger, _routes(module, name, steps))):
        return True
    package = module.partition(".")[0]
    return not (_TELLING_STEPS.isdisjoint(steps) and LOADERS_IN.get(package, _NONE).isdisjoint(steps))


def _leads_to_danger(route: list[str]) -> bool:
    return route[0] in _STARTS and any(".".join(route[:end]) in DANGEROUS for end in range(1, _DEEPEST + 1))


def _routes(module: str, name: str, steps: list[str]) -> Iterator[list[str]]:
    """Yield the paths, from a module on, that lead to a global: its own, and those of modules that lie on it."""
    path = f"{module}.{name}".split(".")
    yield path
    if path[0].startswith("_") and is_standard_library(path[0]):
        yield [path[0].lstrip("_"), *path[1:]]  # C code defines for it what the module without the dash has
    for at, part in enumerate(path[:-1]):
        if part in CARRIERS:
            yield path[at + 1 : at + 1 + _DEEPEST]
    of_archive = path[0] == _TORCHSCRIPT.removesuffix(".")
    for at, step in enumerate(steps):
        plain = step.lstrip("_")
        if at + 1 == len(steps) and plain not in UNMISTAKABLE:
            return
        rest = [] if of_archive else steps[at + 1 : at + _DEEPEST]
        for spelling in {step, plain, ALIASES.get(plain, plain)}:
            yield [spelling, *rest]
