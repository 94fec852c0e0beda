import pytest

from smoke_gate.collect.probes.pickle_globals import DANGEROUS, HARMLESS, Danger, judge


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
        ("cloudpickle.cloudpickle", "_make_function"),
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
        ("collections", "OrderedDict.__init__.__globals__"),
        ("numpy", "dtype.__subclasses__"),
        ("torch.fx.graph_module", "reduce_graph_module"),
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
