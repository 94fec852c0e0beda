"""Calls that run code, reach code by its name, load more of it, or touch files, processes and the network.

After the published bypasses of picklescan, fickling, modelscan and modelaudit, and the alias names of what they block.
"""

from tests.corpus.writer import ECHO, PRINT, WORD, Call, Entry, Expected, Ref, call, pickled

PATH = f"/nowhere/{WORD}"
LOCAL = f"file://{PATH}"
INNER = pickled(call("os:system", ECHO))

_RUN_COMMANDS = [
    *[call(f"{module}:system", ECHO) for module in ("os", "posix", "nt")],
    *[call(f"os:{name}", ECHO) for name in ("popen", "startfile")],
    *[call(f"os:{name}", "/bin/echo", ["echo", WORD]) for name in ("execv", "posix_spawn", "spawnv")],
    *[
        call(f"subprocess:{name}", ["echo", WORD])
        for name in ("run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput")
    ],
    call("_posixsubprocess:fork_exec", ["echo", WORD]),
    call("commands:getoutput", ECHO),
    call("popen2:popen3", ECHO),
    call("platform:popen", ECHO),
    call("pty:spawn", ["echo", WORD]),
    call("pipes:Template.open_w", PATH),
    call("pydoc:pipepager", WORD, "cat"),
    call("_pyrepl.pager:pipe_pager", WORD, "cat"),
    call("_pyrepl.pager:tempfile_pager", WORD, "cat"),
    call("uuid:_get_command_stdout", "echo", WORD),
    call("_osx_support:_read_output", ECHO),
    call("_osx_support:_find_build_tool", "echo"),
    call("_aix_support:_read_cmd_output", ECHO),
    call("imaplib:IMAP4_stream", ECHO),
    call("mailcap:findmatch", {"a/b": [{"view": "cat", "test": "true"}]}, "a/b"),
    call("test.support.script_helper:assert_python_ok", "-c", PRINT),
    call("multiprocessing.util:spawnv_passfds", b"/bin/echo", [WORD], []),
    call("asyncio.unix_events:_UnixSubprocessTransport._start", None, ECHO, True, None, None, None, 0),
    call("distutils.spawn:spawn", ["echo", WORD]),
    call("setuptools._distutils.spawn:spawn", ["echo", WORD]),
    call("webbrowser:open", LOCAL),
    call("IPython.utils.process:system", ECHO),
    call("IPython.utils.process:getoutput", ECHO),
    call("psutil:Popen", ["echo", WORD]),
    call("invoke:run", ECHO),
    call("sh:echo", WORD),
    call("fabric:Connection.local", ECHO),
    call("plumbum.machines.local:LocalCommand.run", ECHO),
    call("pexpect:spawn", ECHO),
    call("numpy.distutils.exec_command:exec_command", ECHO),
    call("torch.utils.collect_env:run", ECHO),
    call("torch._inductor.codecache:compile_file", "", "", ["echo", WORD]),
    call("sklearn.utils._testing:assert_run_python_script_without_output", PRINT),
    call("gevent.subprocess:run", ["echo", WORD]),
]

_RUN_CODE = [
    *[call(f"{module}:{name}", PRINT) for module in ("builtins", "__builtin__") for name in ("eval", "exec")],
    call("builtins:compile", PRINT, "a", "exec"),
    call("__builtin__:execfile", PATH),
    call("builtins:breakpoint"),
    call("builtins:help", WORD),
    call("six.moves.builtins:eval", PRINT),
    *[call(f"runpy:{name}", PATH) for name in ("run_path", "run_module", "_run_code")],
    *[
        call(f"{module}:{name}", PRINT)
        for module in ("cProfile", "profile", "pdb")
        for name in ("run", "runctx")
    ],
    *[call(f"profile:Profile.{name}", None, PRINT) for name in ("run", "runctx")],
    *[call(f"trace:Trace.{name}", None, PRINT) for name in ("run", "runctx")],
    call("bdb:Bdb.run", None, PRINT),
    *[call(f"timeit:{name}", PRINT) for name in ("timeit", "repeat", "main")],
    call("doctest:debug_script", PRINT),
    call("code:InteractiveInterpreter.runcode", None, PRINT),
    call("code:interact", WORD),
    call("codeop:compile_command", PRINT),
    *[call(f"{module}:run_string", 0, PRINT) for module in ("_interpreters", "_xxsubinterpreters")],
    call("idlelib.run:Executive.runcode", None, PRINT),
    *[call(f"idlelib.pyshell:ModifiedInterpreter.{name}", None, PRINT) for name in ("runcode", "runcommand")],
    *[
        call(f"idlelib.autocomplete:AutoComplete.{name}", None, PRINT)
        for name in ("get_entity", "fetch_completions")
    ],
    call("idlelib.calltip:get_entity", PRINT),
    call("idlelib.calltip:Calltip.fetch_tip", None, PRINT),
    call("idlelib.debugobj:ObjectTreeItem.SetText", None, PRINT),
    call("lib2to3.pgen2.pgen:ParserGenerator.make_label", None, PRINT),
    call("rlcompleter:Completer.attr_matches", None, PRINT),
    call("typing:get_type_hints", PRINT),
    call("optparse:Values.read_file", None, PATH),
    call("numpy.testing._private.utils:runstring", PRINT, {}),
    *[
        call(f"numpy.f2py.crackfortran:{name}", PRINT)
        for name in ("getlincoef", "_eval_length", "_eval_scalar")
    ],
    call("torch.jit.unsupported_tensor_ops:execWrapper", PRINT, {}, {}),
    call("torch._dynamo.guards:GuardBuilder.get", None, PRINT),
    call("torch.fx.experimental.symbolic_shapes:ShapeEnv.evaluate_guards_expression", None, PRINT, []),
    call("torch.fx.graph_module:_exec_with_source", PRINT, {}),
    call("torch.fx.graph_module:_forward_from_src", PRINT, {}),
    *[
        call(f"torch.utils.bottleneck.__main__:{name}", PRINT, {})
        for name in ("run_cprofile", "run_autograd_prof")
    ],
    call("torch.utils.benchmark:Timer", PRINT),
    call("torch.jit.annotations:parse_type_line", PRINT),
    call("torch.distributed.rpc:rpc_sync", WORD),
    call("torch.distributed.nn.jit.instantiator:_do_instantiate_remote_module_template", WORD),
    call("pandas:eval", PRINT),
    call("pandas.core.frame:DataFrame.query", None, PRINT),
    call("pandas.core.computation.eval:eval", PRINT),
    call("numexpr:evaluate", PRINT),
    call("sympy:sympify", PRINT),
    call("sympy.parsing.sympy_parser:parse_expr", PRINT),
    call("sympy.utilities.lambdify:lambdify", "x", PRINT),
    call("pytest:main", [PATH]),
    call("_pytest.config:console_main"),
    call("unittest.main:main", WORD),
    call("js2py:eval_js", "1"),
    call("IPython.core.interactiveshell:InteractiveShell.run_cell", None, PRINT),
]

_REACH_BY_NAME = [
    call("builtins:__import__", "os"),
    *[call(f"{module}:getattr", Ref("math", "pi"), "__class__") for module in ("builtins", "__builtin__")],
    call("builtins:setattr", Ref("json", "loads"), "a", 1),
    *[call(f"{module}:attrgetter", "system") for module in ("operator", "_operator")],
    *[call(f"{module}:methodcaller", "system", ECHO) for module in ("operator", "_operator")],
    call("importlib:import_module", "os"),
    call("importlib._bootstrap:_gcd_import", "os"),
    call("pkgutil:resolve_name", "os:system"),
    call("pydoc:locate", "os.system"),
    call("inspect:getattr_static", Ref("math", "pi"), "real"),
    call("gc:get_objects"),
    call("sys:_getframe"),
    call("string:Formatter.get_field", None, "0.a", [], {}),
    call("types:FrameType.f_globals.__get__", None),
    call("builtins:object.__subclasses__"),
    call("builtins:type.__getattribute__", Ref("math", "pi"), "real"),
    call("collections:OrderedDict.__init__.__globals__.get", "sys"),
    call("hydra.utils:instantiate", {"_target_": "builtins.print", "_args_": [WORD]}),
    call("hydra._internal.utils:_locate", "os.system"),
    call("dill._dill:_get_attr", Ref("math", "pi"), "real"),
    call("torch._utils:_import_dotted_name", "os.system"),
    call("werkzeug.utils:import_string", "os:system"),
    call("traitlets.utils.importstring:import_item", "os.system"),
    call("types:CodeType", 0),
    call("types:FunctionType", None, {}),
]

_THROUGH_OTHERS = [
    call(f"{module}:{name}", ECHO)
    for module, name in (
        ("random", "_os.system"),
        ("site", "os.system"),
        ("tempfile", "_os.system"),
        ("linecache", "os.system"),
        ("logging", "os.system"),
        ("torch", "os.system"),
        ("torch.serialization", "os.system"),
        ("torch._utils", "torch.os.system"),
        ("argparse", "_sys.modules.get"),
        ("collections", "_sys.modules.__getitem__"),
        ("json", "codecs.builtins.eval"),
        ("codecs", "builtins.exec"),
        ("statistics", "operator.attrgetter"),
        ("sysconfig", "os.popen"),
        ("numpy", "sys.exit"),
        ("numpy.core", "os.system"),
        ("pathlib", "os.system"),
        ("joblib.externals.cloudpickle.cloudpickle", "loads"),
        ("joblib.externals.cloudpickle.cloudpickle", "pickle.loads"),
        ("pip._vendor.requests", "get"),
        ("botocore.vendored.requests", "get"),
        ("bz2", "_builtin_open"),
    )
]

_LOAD_MORE = [
    *[
        call(f"{module}:loads", INNER)
        for module in ("pickle", "_pickle", "cPickle", "cloudpickle", "dill", "marshal")
    ],
    call("pickle:Unpickler", None),
    call("torch.storage:_load_from_bytes", INNER),
    *[
        call(f"{path}", PATH)
        for path in ("torch:load", "torch.serialization:load", "torch.jit:load", "torch.hub:load")
    ],
    *[
        call(f"{path}", PATH)
        for path in ("joblib:load", "numpy:load", "pandas:read_pickle", "shelve:open", "dill:load")
    ],
    call("torch.utils._config_module:ConfigModule.load_config", None, INNER),
    call("torch.utils.data.datapipes.utils.decoder:basichandlers", "pkl", INNER),
    call("lib2to3.pgen2.grammar:Grammar.loads", None, INNER),
    call("statsmodels.iolib.smpickle:load_pickle", PATH),
    call("keras.models:load_model", PATH),
    call("mlflow.pyfunc:load_model", PATH),
    call("transformers:AutoModel.from_pretrained", PATH),
    call("yaml:unsafe_load", WORD),
    call("jsonpickle:decode", "{}"),
    call("ctypes:CDLL", PATH),
    call("_ctypes:dlopen", PATH),
    call("zipimport:zipimporter", PATH),
    call("imp:load_source", WORD, PATH),
    *[
        call(path, ["install", WORD])
        for path in ("pip:main", "pip._internal:main", "pip._internal.cli.main:main")
    ],
    call("ensurepip:_run_pip", ["install", WORD]),
    call("venv:create", PATH),
]

_FILES_AND_NETWORK = [
    *[
        call(path, PATH)
        for path in ("builtins:open", "io:open", "_io:open", "io:FileIO", "_io:FileIO", "codecs:open")
    ],
    *[
        call(path, PATH)
        for path in ("bz2:open", "gzip:open", "lzma:open", "tokenize:open", "os:remove", "glob:glob")
    ],
    *[
        call(f"pathlib:{kind}.write_text", Call(Ref("pathlib", kind), (PATH,)), WORD)
        for kind in ("Path", "PosixPath")
    ],
    call("pathlib:Path.unlink", Call(Ref("pathlib", "Path"), (PATH,))),
    call("shutil:rmtree", PATH),
    call("tempfile:mktemp"),
    call("distutils.file_util:write_file", PATH, [WORD]),
    call("logging:FileHandler", PATH),
    call("logging.handlers:RotatingFileHandler", PATH),
    call("logging.config:listen", 1),
    call("linecache:getline", PATH, 1),
    call("fileinput:input", PATH),
    call("sqlite3:connect", PATH),
    call("tarfile:open", PATH),
    call("zipfile:ZipFile", PATH),
    call("mmap:mmap", -1, 1),
    call("numpy:savetxt", PATH, []),
    call("numpy:memmap", PATH),
    call("pandas.core.frame:DataFrame.to_pickle", None, PATH),
    call("pandas:read_csv", LOCAL),
    call("torch:UntypedStorage.from_file", PATH, True, 1),
    call("tensorflow:io.write_file", PATH, WORD),
    call("socket:create_connection", ("127.0.0.1", 1)),
    call("ssl:get_server_certificate", ("127.0.0.1", 1)),
    call("urllib.request:urlopen", LOCAL),
    call("http.client:HTTPSConnection", "127.0.0.1"),
    call("httplib:HTTPSConnection", "127.0.0.1"),
    call("requests.api:get", LOCAL),
    call("aiohttp.client:ClientSession"),
    *[
        call(f"{path}", "127.0.0.1")
        for path in ("smtplib:SMTP", "ftplib:FTP", "imaplib:IMAP4", "poplib:POP3")
    ],
    *[
        call(f"{path}", "127.0.0.1")
        for path in ("telnetlib:Telnet", "nntplib:NNTP", "xmlrpc.client:ServerProxy")
    ],
    call("socketserver:TCPServer", ("127.0.0.1", 0), None),
    call("_thread:start_new_thread", Ref("builtins", "print"), (WORD,)),
    call("threading:Thread"),
    call("signal:alarm", 1),
    call("atexit:register", Ref("builtins", "print")),
    call("sys:exit"),
    call("faulthandler:_sigsegv"),
    call("resource:setrlimit", 1, (1, 1)),
]

_FOR_A_PERSON = [
    call("functools:partial", Ref("builtins", "print"), WORD),
    call("functools:reduce", Ref("builtins", "print"), [WORD, WORD]),
    call("itertools:starmap", Ref("builtins", "print"), [(WORD,)]),
    call("builtins:map", Ref("builtins", "print"), [WORD]),
    call("operator:itemgetter", 1),
    call("cloudpickle.cloudpickle:subimport", "os"),
    call("cloudpickle.cloudpickle:_builtin_type", "CodeType"),
    call("dill._dill:_import_module", "os"),
    call("dill._dill:_create_code", b""),
    call("torch.fx.graph_module:reduce_graph_module", {"_code": PRINT}, ""),
    call("my.module:Net"),
    call("fickling:always_check_safety"),
    call("picklescan.scanner:scan_file_path", PATH),
]

_GROUPS: dict[str, tuple[list[Call], Expected]] = {
    "runs a command": (_RUN_COMMANDS, "dangerous"),
    "runs code": (_RUN_CODE, "dangerous"),
    "reaches by name": (_REACH_BY_NAME, "dangerous"),
    "through another module": (_THROUGH_OTHERS, "dangerous"),
    "loads more": (_LOAD_MORE, "dangerous"),
    "files and network": (_FILES_AND_NETWORK, "dangerous"),
    "for a person to judge": (_FOR_A_PERSON, "unknown"),
}


def _name(made: Call) -> str:
    return f"{made.what.module}.{made.what.name}" if isinstance(made.what, Ref) else "a call"


GADGETS = [
    Entry(f"{group}: {_name(made)}", pickled(made), "model.pkl", expected)
    for group, (calls, expected) in _GROUPS.items()
    for made in calls
]
