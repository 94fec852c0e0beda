import json
import subprocess
import sys
from typing import cast

import pytest

from smoke_gate.probes.pickle.dangerous import DANGEROUS, ESCAPES, LOADERS
from smoke_gate.probes.pickle.globals import HARMLESS, Danger, is_standard_library, judge


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "set"),
        ("__builtin__", "set"),  # Python 2's name of it
        ("__builtin__", "unicode"),
        ("copy_reg", "_reconstructor"),
        ("collections", "OrderedDict"),
        ("numpy", "dtype"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch", "BFloat16Storage"),
        ("torch", "bfloat16"),
        ("torch", "float8_e4m3fnuz"),
        ("torch", "float8_e8m0fnu"),
        ("torch._utils", "_rebuild_nested_tensor"),
        ("ml_dtypes", "bfloat16"),
        ("numpy", "recarray"),  # as numpy 1 calls them
        ("numpy.lib.polynomial", "poly1d"),
        ("numpy.matrixlib.defmatrix", "matrix"),
        ("torch.nn.parameter", "Parameter"),
        ("argparse", "Namespace"),
        ("_codecs", "encode"),
        ("__torch__", "Net"),  # TorchScript's own code in the same archive
        ("__torch__.torch.nn.modules.linear.___torch_mangle_7", "Linear"),
        ("__torch__.os", "Net"),
        ("__torch__.torch.classes.quantized", "LinearPackedParamsBase"),
    ],
)
def test_harmless(module, name):
    assert judge(module, name) is Danger.HARMLESS


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.linear_model._base", "LinearRegression"),
        ("__main__", "Net"),
        ("code.model", "Net"),  # a user's package may be called like a module of the standard library
        # one's own class or function as dill and cloudpickle keep it, and a module of torch.fx: honest, but code
        ("cloudpickle.cloudpickle", "_make_function"),
        ("cloudpickle.cloudpickle", "_make_skeleton_class"),
        ("cloudpickle.cloudpickle", "_builtin_type"),
        ("cloudpickle.cloudpickle", "subimport"),
        ("dill._dill", "_create_function"),
        ("dill._dill", "_create_code"),
        ("dill._dill", "_create_type"),
        ("dill._dill", "_import_module"),
        ("torch.fx.graph_module", "reduce_graph_module"),
        # names that honest code has, and that modules of the standard library have too
        ("my.layers", "signal"),
        ("my.ode", "system"),
        ("my.agents", "select"),
        ("my.signal.layers", "Filter"),
        ("my.train", "eval"),
        ("my.packages.resource", "Pool"),
        ("scipy.signal._ltisys", "TransferFunction"),
        ("torch.utils.benchmark.utils.common", "Measurement"),
        ("psutil._common", "svmem"),
        ("weave.trace.op", "Op"),
        ("pandas.core.tools.numeric", "to_numeric"),
        ("datasets.load", "MyDataset"),
        ("logging", "getLogger"),
        ("optparse", "Values"),
        ("operator", "itemgetter"),
        ("functools", "partial"),
        ("numpy.matrixlib.defmatrix", "bmat"),
        ("random", "SystemRandom"),
        ("re", "compile"),
        ("keras.src.models.functional", "Functional"),
        ("mlflow.pyfunc.model", "_FunctionPythonModel"),
        ("my.models", "load_model"),
        ("statsmodels.regression.linear_model", "OLS"),
        ("torch.fx._symbolic_trace", "Tracer"),
        ("builtins", "type"),
        (
            "collections",
            "OrderedDict.fromkeys",
        ),  # reached through a harmless name, but not itself on the list
        ("collections.OrderedDict", "fromkeys"),
        ("__torch__.torch.classes.tensorrt", "Engine"),  # what C++ code registers, by whichever split
        ("__torch__", "torch.classes.tensorrt.Engine"),
        ("__torch__x", "Net"),
        ("my.__torch__", "Net"),
        ("os\r", "system"),  # no module of that name
        ("", ""),
    ],
)
def test_unknown(module, name):
    assert judge(module, name) is Danger.UNKNOWN


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("os.path", "join"),
        ("posix", "system"),
        ("nt", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("builtins", "__import__"),
        ("__builtin__", "eval"),
        ("__builtin__", "execfile"),
        ("commands", "getoutput"),
        ("cPickle", "loads"),
        ("subprocess", "Popen"),
        ("importlib", "import_module"),
        ("pkgutil", "resolve_name"),
        ("runpy", "run_path"),
        ("operator", "attrgetter"),
        ("_operator", "methodcaller"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy.f2py.crackfortran", "getlincoef"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torch.serialization", "load"),
        ("torch.jit.unsupported_tensor_ops", "execWrapper"),
        ("pip", "main"),
        ("pip._internal", "main"),
        ("asyncio.unix_events", "_UnixSubprocessTransport._start"),
        ("idlelib.run", "Executive.runcode"),
        ("ctypes", "CDLL"),
        ("marshal", "loads"),
        ("types", "CodeType"),
        ("code", "InteractiveInterpreter.runcode"),
        ("_io", "FileIO"),
        ("_interpreters", "run_string"),
        ("torch", "os.system"),  # through a module that another imported
        ("torch.serialization", "sys.modules"),
        ("random", "_os.system"),
        ("random", "_os"),
        ("collections", "_sys.modules"),
        ("argparse", "_sys"),
        ("site", "os.system"),
        ("torch._utils", "torch.os.system"),
        ("my.utils", "_io.open"),
        ("my.utils", "np.load"),
        ("my.utils", "pd.read_pickle"),
        ("my.utils", "cpp_extension.torch.utils.cpp_extension.load"),
        ("linecache", "tokenize.open"),
        ("statistics", "operator.attrgetter"),
        ("pathlib", "attrgetter"),
        ("bz2", "_builtin_open"),
        ("joblib.externals.cloudpickle.cloudpickle", "loads"),
        ("joblib.externals.loky.backend", "x.os.system"),
        ("six.moves.builtins", "eval"),
        ("pip._vendor.requests", "get"),
        ("sklearn.externals.joblib", "load"),
        ("_pyrepl.pager", "pipe_pager"),
        ("_pyrepl.pager", "tempfile_pager"),
        ("pathlib", "Path.write_text"),
        ("pathlib", "PosixPath.write_bytes"),
        ("pathlib._local", "Path.open"),
        ("pathlib", "WindowsPath.unlink"),
        ("logging", "FileHandler"),
        ("logging.handlers", "RotatingFileHandler"),
        ("logging.config", "listen"),
        ("hydra.utils", "instantiate"),
        ("hydra._internal.utils", "_locate"),
        ("pytest", "main"),
        ("_pytest.config", "main"),
        ("sympy", "sympify"),
        ("sympy.core.sympify", "sympify"),
        ("sympy.parsing.sympy_parser", "eval_expr"),
        ("sympy.utilities.lambdify", "lambdify"),
        ("IPython.utils.process", "system"),
        ("IPython.utils._process_posix", "ProcessHandler.system"),
        ("psutil", "Popen"),
        ("invoke", "run"),
        ("sh", "bash"),
        ("fabric", "Connection.local"),
        ("plumbum.machines.local", "LocalCommand.run"),
        ("dill._dill", "_get_attr"),
        ("my.tools", "import_string"),
        ("transformers", "AutoModel.from_pretrained"),
        ("pandas.core.frame", "DataFrame.to_pickle"),
        ("pandas", "read_csv"),
        ("numpy", "ndarray.tofile"),
        ("numpy.lib._npyio_impl", "savetxt"),
        ("torch", "UntypedStorage.from_file"),
        ("torch.distributed.nn.jit.instantiator", "instantiate_non_scriptable_remote_module_template"),
        ("mailcap", "findmatch"),
        ("optparse", "Values.read_file"),
        ("typing", "get_type_hints"),
        ("uuid", "_get_command_stdout"),
        ("uuid", "getnode"),
        ("string", "Formatter.get_field"),
        ("setuptools._distutils.spawn", "spawn"),
        ("collections", "OrderedDict.__init__.__globals__"),
        ("types", "FrameType.f_globals"),
        ("builtins", "property.__get__"),
        ("numpy", "dtype.__subclasses__"),
        ("torch.fx.graph_module", "reduce_package_graph_module"),
        ("torch.fx.graph_module", "_exec_with_source"),
        ("torch.fx.graph_module", "_forward_from_src"),
        ("torch.fx._lazy_graph_module", "_make_graph_module"),
        ("torch.jit._script", "load"),
        ("torch.jit._serialization", "load"),
        ("statsmodels.iolib.smpickle", "load_pickle"),
        ("mlflow", "pyfunc.load_model"),
        ("mlflow.sklearn", "load_model"),
        ("mlflow.pyfunc", "load_pyfunc"),
        ("skops.io", "load"),
        ("skops.io", "loads"),
        ("skops.io._persist", "loads"),
        ("keras.models", "load_model"),
        ("keras.src.saving.saving_api", "load_model"),
        ("tf_keras.src.saving.saving_api", "load_model"),
        ("tensorflow.keras.models", "load_model"),
        ("tensorflow", "load_op_library"),
        ("tensorflow", "load_library"),
        ("yaml", "load"),
        ("yaml", "full_load"),
        ("yaml", "unsafe_load"),
        ("jsonpickle", "decode"),
        ("jsonpickle.unpickler", "decode"),
        ("numexpr", "evaluate"),
        ("git", "Repo.clone_from"),
        ("IPython", "embed"),
        ("__torch__", "os.system"),
        ("__torch__", "Net.__init__.__globals__"),
    ],
)
def test_dangerous(module, name):
    assert judge(module, name) is Danger.DANGEROUS


@pytest.mark.parametrize(
    ("module", "name", "danger"),
    [
        ("torch", "os.system", Danger.UNKNOWN),
        ("fg = load()", 'sys.path.append("..")', Danger.UNKNOWN),  # a source file that begins like a pickle
        ("torch", "__builtins__", Danger.DANGEROUS),
        ("os", "path.join", Danger.DANGEROUS),  # it is imported, whatever becomes of the name
    ],
)
def test_below_protocol_4_a_name_with_dots_reaches_nothing(module, name, danger):
    assert judge(module, name, follows_dots=False) is danger


def test_the_lists_do_not_contradict_each_other():
    harmless = {f"{module}.{name}" for module, names in HARMLESS.items() for name in names}
    assert not harmless & DANGEROUS
    assert all(judge(module, name) is Danger.HARMLESS for module, names in HARMLESS.items() for name in names)


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("os.path", "join"), ("my", "os.system"), ("my", "from_pretrained")],
)
def test_dangerous_wins_over_harmless(monkeypatch, module, name):
    monkeypatch.setitem(cast(dict[str, frozenset[str]], HARMLESS), module, frozenset({name}))
    assert judge(module, name) is Danger.DANGEROUS


@pytest.mark.parametrize("step", ["a", "os", "_os", "torch", "_vendor", "vendored"])
def test_a_name_of_many_steps_is_judged_soon(step):
    name = ".".join([step] * 400)
    for _ in range(1000):
        judge(f"my.{name}", name)


STANDARD_LIBRARY = """
import importlib, json, operator, os, pickle, runpy, subprocess, sys, types, warnings

warnings.simplefilter("ignore")
strongest = [
    eval, exec, open, compile, getattr, __import__, importlib.import_module, pickle.loads,
    os.system, os.popen, os.execv, os.posix_spawn, operator.attrgetter, operator.methodcaller,
    subprocess.run, subprocess.Popen, subprocess.check_output, subprocess.getoutput,
    runpy.run_path, runpy.run_module, types.CodeType, types.FunctionType,
]
odd = {"__phello__", "antigravity", "idlelib", "this", "tkinter", "turtle", "turtledemo"}
names = sys.stdlib_module_names - odd
for name in sorted(names):
    try:
        importlib.import_module(name)
    except ImportError:  # of another system
        pass
found = {"modules": [], "functions": []}
for module in [module for name, module in sorted(sys.modules.items()) if name.partition(".")[0] in names]:
    for name, value in vars(module).copy().items():
        if isinstance(value, types.ModuleType):
            found["modules"].append([module.__name__, name, value.__name__])
        elif any(value is function for function in strongest):
            found["functions"].append([module.__name__, name])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def standard_library() -> dict[str, list[list[str]]]:
    """The modules and the strongest functions of the standard library, by the names that its modules give them.

    A process of its own imports them: in this one, others may have changed them.
    """
    printed = subprocess.run(
        [sys.executable, "-I", "-c", STANDARD_LIBRARY],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    found: dict[str, list[list[str]]] = json.loads(printed.splitlines()[-1])
    return found


def test_what_a_module_of_the_standard_library_calls_another_hides_nothing(standard_library):
    """Each module is reached through those that import it, under the names that they give it."""
    routes = [
        (module, name)
        for module, name, other in standard_library["modules"]
        if judge(other, "f") is Danger.DANGEROUS
    ]
    assert len(routes) > 100
    assert [route for route in routes if judge(route[0], f"{route[1]}.f") is not Danger.DANGEROUS] == []


def test_what_a_module_of_the_standard_library_calls_a_dangerous_function_hides_it_neither(standard_library):
    routes = [(module, name) for module, name in standard_library["functions"]]
    assert len(routes) > 30
    assert [route for route in routes if judge(*route) is not Danger.DANGEROUS] == []


@pytest.mark.parametrize("step", sorted(ESCAPES | LOADERS))
def test_some_names_are_dangerous_wherever_they_are(step):
    assert judge("my.module", step) is Danger.DANGEROUS
    assert judge("my.module", f"Net.{step}") is Danger.DANGEROUS
    assert judge("my.module", f"Net.{step}.more") is Danger.DANGEROUS


@pytest.mark.parametrize(
    "name",
    [
        "functools",
        "functools.partial",
        "os.path",
        "__builtin__",
        "commands",
        "distutils.x",
        "tomllib",
        "telnetlib",
    ],
)
def test_the_standard_library(name):
    assert is_standard_library(name)


@pytest.mark.parametrize("name", ["", "__main__", "my.os", "numpy", "torch.os", "osx", "six.moves", ".os"])
def test_not_the_standard_library(name):
    assert not is_standard_library(name)
