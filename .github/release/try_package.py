"""Installs a version as a stranger does, into an empty environment: `python .github/release/try_package.py VERSION`.

The installed command must say this version, and `smoke_gate.contract` must be importable. pip's own variables say from
where: none, from its usual index; `PIP_FIND_LINKS=dist`, a package that is not published yet. An index may show a new
version late: the version is asked for again for as many seconds as the variable PATIENCE says (0).
"""

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from github_api import stop

_PAUSE = 15  # seconds between two questions
_NOT_THERE = ("No matching distribution found", "Could not find a version")


def main(version: str) -> None:
    """Install the version and run it."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        install(python, version, time.monotonic() + float(os.environ.get("PATIENCE", "0")))
        said = output([python.with_name("smoke-gate"), "--version"])
        if said.split()[-1:] != [version]:
            stop(f"The installed command must have the version {version}. It says {said.strip()!r}.")
        output([python, "-c", "import smoke_gate.contract"])
    print(f"smoke-gate {version} was installed into an empty environment, and runs")


def install(python: Path, version: str, until: float) -> None:
    """Install the version; ask again while the index does not show it."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-cache-dir", f"smoke-gate=={version}"]
    while True:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        late = any(words in done.stderr for words in _NOT_THERE)
        if not late or time.monotonic() + _PAUSE > until:
            stop(f"smoke-gate {version} cannot be installed:\n{done.stderr}")
        time.sleep(_PAUSE)


def output(command: list[str | Path]) -> str:
    """Return what a command prints. It must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        stop(f"{command[0]} fails:\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(*sys.argv[1:])
