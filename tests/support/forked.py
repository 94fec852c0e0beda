"""``python -m MODULE …`` as a process of its own, forked from one that has imported MLflow: 0.1 s of CPU, not 2.

Standard streams, folder, variables and exit code are its own, as at a shell. Only what a library reads from variables
while it is imported is not: a test of such a variable starts Python itself.
"""

import atexit
import importlib
import json
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_ROOT = Path(__file__).parents[2]
_IMPORTED = ("mlflow", "mlflow.store.tracking.sqlalchemy_store", "smoke_gate.pipeline", "smoke_gate.collect")


def python_m(
    module: str, *arguments: str, cwd: Path, env: Mapping[str, str] = os.environ
) -> "subprocess.CompletedProcess[bytes]":
    """Run a module with arguments in a folder, with these variables, and return how it ended."""
    with TemporaryDirectory() as folder:
        streams = [str(Path(folder, name)) for name in ("stdout", "stderr")]
        asked = {
            "module": module,
            "arguments": arguments,
            "cwd": str(cwd),
            "env": dict(env),
            "streams": streams,
        }
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        stdout, stderr = (Path(stream).read_bytes() for stream in streams)
    return subprocess.CompletedProcess([module, *arguments], code, stdout, stderr)


@cache
def _server() -> "subprocess.Popen[str]":
    """Start the process that forks, once for all tests of this one; it ends when its standard input does."""
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}  # which would start a thread
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.forked"],
        cwd=_ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(server.communicate)
    return server


def _serve() -> None:
    """Fork a process for each line of standard input; say its exit code."""
    for name in _IMPORTED:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a process with threads must not be forked"
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201 - that is the answer


def _become(asked: Mapping[str, Any]) -> None:
    """Be the process that was asked for. It ends as any other does, with all that is to do at exit."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, stream in enumerate(asked["streams"], start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.path[0] = asked["cwd"]
    sys.argv = [asked["module"], *asked["arguments"]]
    runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
