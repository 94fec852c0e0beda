"""Globals that run code, reach attributes by name, load more code or pickles, or touch files, processes, the network.

After the lists and published bypasses of picklescan, fickling, modelscan and modelaudit, and the aliases that the
standard library's own modules have for each other. Cloudpickle and dill carry the user's own code, and a module of
torch.fx carries its own: what makes these again is unknown, so that a person decides.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STANDARD: Final = _words("""
    os posix nt posixpath ntpath subprocess _posixsubprocess _winapi popen2 sys pty pipes signal syslog fcntl
    shutil tempfile fileinput filecmp glob tarfile zipfile zipapp mmap sqlite3 dbm distutils setuptools
    importlib _frozen_importlib _frozen_importlib_external imp zipimport pkgutil runpy site sitecustomize
    modulefinder compileall py_compile rlcompleter readline optparse.Values.read_file
    optparse.Values.read_module code.InteractiveConsole code.InteractiveInterpreter code.CommandCompiler
    code.compile_command code.interact codeop marshal commands.getstatus _interpreters _xxsubinterpreters
    _testcapi _testinternalcapi _testlimitedcapi ctypes cffi _cffi_backend gc inspect atexit faulthandler
    resource.setrlimit resource.prlimit pickle cPickle shelve pdb bdb cProfile _lsprof profile.Profile
    profile.run profile.runctx trace.Trace timeit doctest unittest test.libregrtest test.regrtest test.support
    idlelib lib2to3 pydoc pip ensurepip venv _pyrepl turtle turtledemo tkinter wsgiref cgitb mailcap
    mailbox.Mailbox mailbox.mbox mailbox.Maildir mailbox.MH mailbox.Babyl mailbox.MMDF
    mailbox._singlefileMailbox mailbox._mboxMMDF multiprocessing asyncio concurrent threading _thread
    dummy_threading _dummy_thread socket socketserver ssl select selectors http httplib urllib urllib2 ftplib
    smtplib imaplib poplib telnetlib nntplib xmlrpc webbrowser antigravity builtins.apply builtins.__import__
    builtins.__build_class__ builtins.__loader__ builtins.__spec__ builtins.breakpoint builtins.compile
    builtins.delattr builtins.eval builtins.exec builtins.getattr builtins.globals builtins.help builtins.input
    builtins.locals builtins.open builtins.setattr builtins.vars builtins.exit builtins.quit __builtin__.apply
    __builtin__.file __builtin__.raw_input __builtin__.reload __builtins__ _sitebuiltins
    dataclasses._FuncBuilder traceback._compute_suggestion_error string.Formatter.get_field
    string.Formatter.vformat typing.get_type_hints typing._eval_type typing.ForwardRef._evaluate annotationlib
    dataclasses._create_fn types.coroutine io.open io.open_code io.FileIO _pyio codecs.open bz2.open bz2.BZ2File
    gzip.open gzip.GzipFile lzma.open lzma.LZMAFile compression.bz2 compression.gzip compression.lzma
    compression.zstd tokenize.open aifc.open wave.open sunau.open netrc.netrc configparser.RawConfigParser.read
    configparser.ConfigParser.read argparse.FileType xml.etree.ElementTree.parse xml.etree.ElementTree.iterparse
    xml.etree.ElementTree.ElementTree.write xml.etree.ElementTree.ElementTree.parse
    xml.sax.saxutils.prepare_input_source xml.sax.parse xml.dom.minidom.parse xml.dom.pulldom.parse
    plistlib.load xml.dom.domreg xml.sax._create_parser xml.sax.make_parser gettext.c2py warnings._getcategory
    warnings._setoption encodings.search_function copyreg.add_extension copyreg.pickle linecache logging.config
    logging.handlers logging.FileHandler logging.basicConfig platform._syscmd_file platform._syscmd_uname
    platform._syscmd_ver _aix_support _osx_support sysconfig._init_posix uuid._get_command_stdout uuid._popen
    uuid._arp_getnode uuid._ifconfig_getnode uuid._ip_getnode uuid._lanscan_getnode uuid._netstat_getnode
    uuid.getnode
""")

_PACKAGES: Final = _words("""
    pexpect ptyprocess paramiko plumbum sh sarge delegator.run envoy.run envoy.connect execnet rpyc Pyro4 Pyro5
    fabric.Connection fabric.api fabric.operations fabric.connection fire.Fire fire.core psutil.Process
    invoke.run invoke.sudo invoke.Context invoke.context invoke.runners invoke.tasks invoke.program urllib3
    requests aiohttp httpx boto3 huggingface_hub gevent eventlet billiard multiprocess loky celery pytest
    _pytest nose py.process py.test pkg_resources importlib_metadata importlib_resources pluggy stevedore
    IPython ipykernel jupyter_client nbconvert papermill ipdb pudb pyximport Cython.Build Cython.Compiler
    Cython.Shadow.inline weave.inline weave.inline_tools scipy.weave js2py execjs rpy2 jpype oct2py asteval
    simpleeval cloudpickle.load cloudpickle.loads cloudpickle.cloudpickle.load cloudpickle.cloudpickle.loads
    dill.load dill.loads dill.load_module dill.load_session dill._dill.load dill._dill.loads
    dill._dill._get_attr dill.session dill.source dill.temp dill.detect dill._dill._eval_repr
    dill._dill._getattr dill._dill._unmarshal dill._dill._create_capsule dill._dill.check joblib.load
    joblib.numpy_pickle.load joblib.numpy_pickle.load_temporary_memmap joblib.numpy_pickle_compat.load
    joblib.numpy_pickle_compat.load_compatibility joblib.numpy_pickle_utils numpy.load numpy.lib.npyio
    numpy.lib._npyio_impl numpy.memmap numpy.core.memmap numpy._core.memmap numpy.f2py numpy.testing
    numpy.distutils numpy.ctypeslib numpy.fromfile numpy.core.multiarray.fromfile
    numpy._core.multiarray.fromfile numpy.save numpy.savez numpy.savez_compressed numpy.savetxt numpy.loadtxt
    numpy.genfromtxt numpy.fromregex numpy.DataSource numpy.lib.format numpy.lib._format_impl
    numpy.lib._datasource numpy.ndarray.tofile numpy.ndarray.dump numpy.compat.npy_load_module
    numpy.compat.py3k.npy_load_module numpy.core._ufunc_reconstruct numpy._core._ufunc_reconstruct
    pandas.read_pickle pandas.io pandas.core.computation pandas.compat.pickle_compat pandas.HDFStore
    pandas.ExcelFile pandas.ExcelWriter pandas._testing pandas.util._tester pandas.test scipy.io.loadmat
    scipy.io.savemat scipy.io.mmread scipy.io.mmwrite scipy.io.netcdf_file scipy.io.wavfile
    scipy._lib._testutils scipy.sparse.load_npz scipy.sparse.save_npz
    scipy._lib._uarray._backend.unpickle_function scipy.optimize._nonlin._nonlin_wrapper sklearn.utils._testing
    sklearn.utils.testing sklearn._build_utils sklearn.conftest sklearn.datasets._openml
    sklearn.datasets._svmlight_format_io sklearn.utils.estimator_checks
    sklearn.feature_selection._base._get_feature_importances joblib.testing statsmodels.tsa.x13.run_spec
    statsmodels.tsa.x13._find_x12 statsmodels.tsa.x13._run_x12 xgboost.collective.broadcast
    xgboost.spark.core._SparkXGBSharedReadWrite h5py.ipy_completer torch.load torch.save torch.hub torch.package
    torch.ops torch.classes torch.compile torch.multiprocessing torch.serialization.load
    torch.serialization.save torch.storage._load_from_bytes torch.jit.load torch.jit.annotations
    torch.jit.unsupported_tensor_ops torch.utils.cpp_extension torch.utils._config_module torch.utils.bottleneck
    torch.utils.benchmark.Timer torch.utils.benchmark.utils.timer torch.utils.collect_env
    torch.utils.data.datapipes torch.utils.model_zoo torch.utils.hipify torch.utils.show_pickle torch._inductor
    torch._dynamo torch.fx.experimental torch.distributed.rpc torch.distributed.nn torch.distributed.run
    torch.distributed.launch torch.distributed.launcher torch.distributed.elastic
    torch._utils._import_dotted_name torch.testing._internal torch.export.load torch.export.save
    torch.onnx.export torch.utils.tensorboard torch._C.import_ir_module torch._C.import_ir_module_from_buffer
    torch._C._import_ir_module_from_package torch._C.PyTorchFileReader torch._C.PyTorchFileWriter
    torch.fx.graph_module._exec_with_source torch.fx.graph_module._forward_from_src
    torch.fx.graph_module._method_from_src torch.fx.graph_module.reduce_package_graph_module
    torch.fx._lazy_graph_module torch.jit._script.load torch.jit._serialization torch._export.serde
    torch._functorch._aot_autograd torch._guards torch._higher_order_ops.invoke_leaf_function
    torch._higher_order_ops.triton_kernel_wrap torch._library.infer_schema torch._strobelight
    torch.utils._strobelight torch.cuda._memory_viz torch.distributed.flight_recorder
    torch.distributed.checkpoint.format_utils torch.fx._graph_pickler torch.jit.frontend torch.onnx._internal
    torch.fx.operator_schemas._torchscript_type_to_python_type torch.utils._content_store
    torch.utils._pytree._defaultdict_deserialize torch.utils._pytree.enum_object_hook
    torch.nn.utils._deprecation_utils statsmodels.api.load statsmodels.api.load_pickle
    statsmodels.iolib.api.load_pickle statsmodels.iolib.smpickle.load_pickle skops.io.load skops.io.loads
    skops.io._persist.load skops.io._persist.loads mlflow.pyfunc.load_pyfunc mlflow.projects
    mlflow.utils.process tensorflow.load_library tensorflow.load_op_library
    tensorflow.python.framework.load_library tensorflow.io.gfile tensorflow.python.lib.io
    tensorflow.python.platform.gfile tensorflow.io.write_file tensorflow.io.read_file
    tensorflow.raw_ops.WriteFile tensorflow.raw_ops.ReadFile tensorflow.saved_model.load yaml.load yaml.load_all
    yaml.full_load yaml.full_load_all yaml.unsafe_load yaml.unsafe_load_all yaml.Loader yaml.UnsafeLoader
    yaml.CLoader yaml.CUnsafeLoader yaml.loader.Loader yaml.loader.UnsafeLoader yaml.cyaml.CLoader
    yaml.cyaml.CUnsafeLoader yaml.constructor ruamel.yaml.load ruamel.yaml.YAML jsonpickle.decode
    jsonpickle.loads jsonpickle.unpickler numexpr.evaluate numexpr.necompiler.evaluate git.Repo.clone_from
    git.repo.base.Repo.clone_from git.cmd jax._src.pickle_util jax._src.debugger
    jax.experimental.colocated_python stable_baselines3.common.save_util networkx.read_gpickle
    networkx.utils.decorators.argmap.compile accelerate.utils.other.load
    accelerate.utils.modeling.load_state_dict fsspec.open fsspec.registry hydra.utils.instantiate
    hydra.utils.call hydra.utils.get_class hydra.utils.get_method hydra.utils.get_object
    hydra.utils.get_static_method hydra._internal detectron2.config.instantiate sympy.sympify sympy.parse_expr
    sympy.lambdify sympy.preview sympy.core.sympify sympy.parsing sympy.testing sympy.utilities.lambdify
    sympy.utilities.autowrap sympy.utilities.runtests sympy.utilities._compilation sympy.utilities.source
    sympy.utilities.matchpy_connector sympy.core.cache.lazy_function sympy.printing.preview
    sympy.plotting.experimental_lambdify sympy.plotting.pygletplot sympy.polys.ring_series._rs_series
    sympy.external.importtools transformers.pipeline transformers.pipelines.pipeline
    transformers.dynamic_module_utils transformers.utils.hub transformers.commands transformers.cli
    transformers.modeling_utils.load_state_dict accelerate.commands accelerate.launchers datasets.load_dataset
    datasets.load.load_dataset spacy.load spacy.cli spacy.util.load_model spacy.util.run_command
    spacy.util.load_model_from_package spacy.util.load_model_from_path spacy.util.load_model_from_init_py
    nltk.download nltk.downloader nltk.data.load gensim.utils.unpickle fastai.learner.load_learner
    cupy.RawKernel cupy.RawModule cupy.load pycuda.compiler jinja2.Template jinja2.environment
    jinja2.nativetypes jinja2.bccache jinja2.debug jinja2.loaders mako.template click.launch click.edit
    dotenv.set_key dotenv.main dotenv.cli
""")

_PATHS: Final = ("pathlib", "pathlib._local", "pathlib._abc"), ("Path", "PosixPath", "WindowsPath")
_PATH_METHODS: Final = _words("""
    write_text write_bytes read_text read_bytes open unlink rename replace rmdir mkdir touch chmod lchmod symlink_to
    hardlink_to link_to copy copy_into move move_into
""")


def _path_methods() -> Iterator[str]:
    for module, kind in product(*_PATHS):
        yield from (f"{module}.{kind}.{method}" for method in _PATH_METHODS)


# Modules as a whole, everything below them included, and single names.
DANGEROUS: Final = _STANDARD | _PACKAGES | frozenset(_path_methods())

# Modules that no honest function or class is called like: a name may not even end in one.
UNMISTAKABLE: Final = _words("builtins cPickle ctypes importlib os posix runpy shutil subprocess sys")

# Packages that hold copies of others, under names of their own.
CARRIERS: Final = _words("_vendor extern externals moves vendored")

# What modules call others that they import.
ALIASES: Final = {"np": "numpy", "pd": "pandas", "tf": "tensorflow", "sp": "subprocess", "pkl": "pickle"}

# Of these names, in whatever module, are what reaches a thing by its name, makes or runs code, or loads a model.
LOADERS: Final = _words("""
    import_module import_string import_item import_object import_from_string symbol_by_name load_entry_point
    resolve_name exec_module load_source run_path run_module runcode runsource execfile getoutput
    getstatusoutput check_output check_call popen Popen get_class_from_dynamic_module from_pretrained
    load_from_checkpoint attrgetter methodcaller _builtin_open hf_hub_download snapshot_download
    load_state_dict_from_url download_url_to_file CodeType FunctionType LambdaType import_optional_dependency
    import_dotted_path import_or_raise import_class _import_class _import_obj _load_backend load_env_creator
    clone_module CloudpickleWrapper
""")

# Functions of these names do so in any module of these packages, and are somebody's own elsewhere.
LOADERS_IN: Final = {
    **dict.fromkeys(
        ("keras", "keras_core", "mlflow", "tensorflow", "tf_keras"),
        _words("load_model get_file deserialize_keras_object func_load _retrieve_class_or_fn"),
    ),
    "pandas": _words("""
        read_clipboard read_csv read_excel read_feather read_fwf read_gbq read_hdf read_html read_json read_orc
        read_parquet read_sas read_spss read_sql read_sql_query read_sql_table read_stata read_table read_xml
        to_clipboard to_csv to_excel to_feather to_gbq to_hdf to_html to_json to_latex to_markdown to_orc to_parquet
        to_pickle to_sql to_stata to_xml eval query
    """),
    "torch": frozenset({"from_file"}),
    "triton": frozenset({"compile"}),
}

# Attributes of any function, class or frame that lead to everything else.
ESCAPES: Final = _words("""
    __base__ __bases__ __builtins__ __class__ __closure__ __code__ __delattr__ __dict__ __func__ __get__
    __getattr__ __getattribute__ __globals__ __import__ __init_subclass__ __loader__ __mro__ __reduce__
    __reduce_ex__ __self__ __set__ __setattr__ __spec__ __subclasses__ __wrapped__ ag_frame cr_frame f_back
    f_builtins f_globals f_locals gi_frame tb_frame
""")
