"""Which globals a pickle may import: a short list of harmless ones, a long one of dangerous ones, the rest unknown.

Harmless is what checkpoints need and what cannot reach anything else: rebuilding arrays, tensors and containers.
Dangerous is what runs code, reaches attributes by name, loads further pickles, or touches files, processes and the
network; after the lists and published bypasses of picklescan, modelscan and fickling. Cloudpickle and dill carry the
user's own code: unknown, so that a person decides.
"""

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Mapping
from enum import Enum
from typing import Final


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

# Modules as a whole, everything below them included, and single names.
DANGEROUS: Final = _words("""
    os posix nt posixpath ntpath subprocess _posixsubprocess _winapi popen2 sys pty pipes signal _signal
    shutil tempfile fileinput glob tarfile zipfile mmap sqlite3 _sqlite3 dbm distutils setuptools
    importlib _frozen_importlib _frozen_importlib_external imp _imp zipimport pkgutil runpy site sitecustomize
    code.InteractiveConsole code.InteractiveInterpreter code.compile_command code.interact codeop marshal
    commands.getoutput commands.getstatusoutput _interpreters _xxsubinterpreters _testcapi _testinternalcapi
    ctypes _ctypes cffi _cffi_backend gc inspect atexit
    pickle _pickle cPickle shelve
    pdb bdb cProfile _lsprof profile.Profile profile.run profile.runctx trace.Trace timeit doctest unittest
    test.libregrtest test.support idlelib lib2to3 pydoc pip ensurepip venv pexpect paramiko
    multiprocessing asyncio concurrent threading _thread
    socket _socket socketserver ssl _ssl select selectors http httplib urllib urllib2 urllib3 requests aiohttp httpx
    ftplib smtplib imaplib poplib telnetlib nntplib xmlrpc webbrowser antigravity
    builtins.__import__ builtins.__build_class__ builtins.__loader__ builtins.__spec__ builtins.breakpoint
    builtins.compile builtins.delattr builtins.eval builtins.exec builtins.getattr builtins.globals builtins.help
    builtins.input builtins.locals builtins.open builtins.setattr builtins.vars builtins.exit builtins.quit
    __builtin__.apply __builtin__.execfile __builtin__.file __builtin__.raw_input __builtin__.reload
    __builtins__
    operator.attrgetter operator.methodcaller _operator.attrgetter _operator.methodcaller
    types.CodeType types.FunctionType types.LambdaType types.coroutine
    io.open io.open_code io.FileIO _io.open _io.open_code _io.FileIO _pyio codecs.open
    copyreg.add_extension copyreg.pickle linecache.updatecache logging.config platform.popen
    _aix_support _osx_support uuid._get_command_stdout uuid._popen xml.sax.saxutils.prepare_input_source
    cloudpickle.load cloudpickle.loads cloudpickle.cloudpickle.load cloudpickle.cloudpickle.loads
    dill.load dill.loads dill._dill.load dill._dill.loads joblib.load joblib.numpy_pickle.load
    joblib.numpy_pickle.load_temporary_memmap
    numpy.load numpy.lib.npyio numpy.lib._npyio_impl numpy.memmap numpy.core.memmap numpy._core.memmap numpy.f2py
    numpy.testing numpy.distutils numpy.ctypeslib numpy.fromfile numpy.core.multiarray.fromfile
    numpy._core.multiarray.fromfile
    pandas.read_pickle pandas.eval pandas.io pandas.core.computation
    torch.load torch.save torch.hub torch.package torch.ops torch.classes torch.compile torch.multiprocessing
    torch.serialization.load torch.serialization.save torch.storage._load_from_bytes torch.jit.load
    torch.jit.unsupported_tensor_ops torch.utils.cpp_extension torch.utils._config_module torch.utils.bottleneck
    torch.utils.collect_env torch.utils.data.datapipes torch.utils.model_zoo torch._inductor torch._dynamo
    torch.fx.experimental torch.distributed.rpc torch._utils._import_dotted_name
    torch.fx.graph_module._exec_with_source torch.fx.graph_module._forward_from_src
    torch.fx.graph_module._method_from_src torch.fx.graph_module.reduce_graph_module
    torch.fx.graph_module.reduce_package_graph_module torch.fx._lazy_graph_module
    torch.jit._script.load torch.jit._serialization
    statsmodels.api.load statsmodels.api.load_pickle statsmodels.iolib.api.load_pickle
    statsmodels.iolib.smpickle.load_pickle skops.io.load skops.io.loads skops.io._persist.load skops.io._persist.loads
    mlflow.pyfunc.load_pyfunc
    tensorflow.load_library tensorflow.load_op_library tensorflow.python.framework.load_library
    yaml.load yaml.load_all yaml.full_load yaml.full_load_all yaml.unsafe_load yaml.unsafe_load_all
    jsonpickle.decode jsonpickle.loads jsonpickle.unpickler
    numexpr.evaluate numexpr.necompiler.evaluate git.Repo.clone_from git.repo.base.Repo.clone_from
    IPython.embed IPython.terminal.embed IPython.start_ipython
""")

# Packages in many of whose modules a function of this name loads a model, with the code in it.
_MODEL_PACKAGES = frozenset({"keras", "keras_core", "mlflow", "tensorflow", "tf_keras"})
_MODEL_LOADER = "load_model"

# Attributes of any function or class that lead to everything else.
_ESCAPES = _words(
    "__builtins__ __closure__ __code__ __dict__ __getattribute__ __globals__ __import__ __loader__ __mro__ "
    "__self__ __subclasses__"
)


class Danger(Enum):
    """What importing a global can do."""

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
    spellings = {(module, name), _renamed(module, name)}
    if any(_is_dangerous(*spelling, follows_dots=follows_dots) for spelling in spellings):
        return Danger.DANGEROUS
    if any(_is_harmless(*spelling) for spelling in spellings):
        return Danger.HARMLESS
    return Danger.UNKNOWN


def _renamed(module: str, name: str) -> tuple[str, str]:
    """Return what the unpickler imports for a global of a protocol below 3."""
    return NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))


def _is_harmless(module: str, name: str) -> bool:
    full = f"{module}.{name}"
    of_archive = full.startswith(_TORCHSCRIPT) and not full.startswith(_TORCHSCRIPT_NATIVE)
    return of_archive or name in HARMLESS.get(module, ())


def _is_dangerous(module: str, name: str, *, follows_dots: bool) -> bool:
    """Return whether the global, a module above it, or a module that its dotted name passes through is dangerous."""
    if name in HARMLESS.get(module, ()):
        return False
    parts = f"{module}.{name}".split(".")
    if any(".".join(parts[:end]) in DANGEROUS for end in range(1, len(parts) + 1)):
        return True
    steps = name.split(".") if follows_dots else [name]
    if parts[0] in _MODEL_PACKAGES and _MODEL_LOADER in steps:
        return True
    return not _ESCAPES.isdisjoint(steps) or any(step in DANGEROUS for step in steps[:-1])
