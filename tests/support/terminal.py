"""A real terminal: what a command sends to it."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[2]
TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}


def on_terminal(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return what Python with these arguments sends to a terminal, which must end with exit code 0."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "VIRTUAL_ENV") if key in os.environ}
    paths = os.pathsep.join(map(str, (_ROOT, _ROOT / "src")))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=theirs,
        stdin=theirs,
        env={**kept, "PYTHONPATH": paths, **environment},
    ) as process:
        os.close(theirs)
        found = b""
        while part := _read(ours):
            found += part
        assert process.wait() == 0
    os.close(ours)
    return found.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    """Return the next bytes; none where the other end has closed, which Linux reports as an error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
