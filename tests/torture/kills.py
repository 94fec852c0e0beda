"""Kills: a check that is killed at any moment leaves no half file, and no report without its verdict file.

Every check is a process of its own, forked from one that has imported all it needs, so that many moments of the work
itself are hit. It runs in a process of its own:
one with threads must not be forked.
"""

import contextlib
import io
import json
import os
import random
import shutil
import signal
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from smoke_gate.cli import run
from tests.support.recorded import record
from tests.support.stores import sqlite_store
from tests.torture.server_faults import POLICY, matrices
from tests.torture.tally import Tally

_LONGEST_SECONDS = 60
_FILES = 6  # of a check, its folder of figures among them


def kills(seed: int, count: int, folder: Path) -> Tally:
    """Start so many checks and kill each: half of them at any moment, half while files are written."""
    tally = Tally("kills", faults=count)
    with _store(folder) as uri:
        outputs = folder / "outputs"
        begun = time.monotonic()
        os.waitpid(_forked(uri, outputs), 0)
        seconds = time.monotonic() - begun
        for number in range(count):
            shutil.rmtree(outputs, ignore_errors=True)
            chance = random.Random(f"{seed} {number}")
            _kill(_forked(uri, outputs), outputs, chance.uniform(0, seconds) if number % 2 else None, chance)
            tally.end(_left(outputs, tally.wrong, f"case {number}"))
    return tally


def together(seed: int, count: int, folder: Path) -> Tally:
    """Start two to four checks at once that write into one folder, so many times."""
    tally = Tally("checks in one folder")
    with _store(folder) as uri:
        outputs = folder / "outputs"
        for number in range(count):
            shutil.rmtree(outputs, ignore_errors=True)
            checks = random.Random(f"{seed} {number}").randint(2, 4)
            started = [_forked(uri, outputs) for _ in range(checks)]
            codes = [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in started]
            tally.end(_left(outputs, tally.wrong, f"case {number}"))
            if any(codes) or not any("verdict" in name for name in _names(outputs)):
                tally.wrong.append(
                    f"case {number}: {checks} checks ended with {codes} and left {_names(outputs)}"
                )
            if half := [name for name in _names(outputs) if name.startswith(".") and name != ".gitignore"]:
                tally.wrong.append(f"case {number}: {half} were left")
    return tally


@contextlib.contextmanager
def _store(folder: Path) -> Iterator[str]:
    """Have a store with a matrix that passes, and all imported that a check of it needs; give its address."""
    with contextlib.chdir(folder):
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        (folder / "smoke-gate.yml").write_text(POLICY)
        with contextlib.redirect_stdout(io.StringIO()):
            record(sqlite_store(folder / "mlflow.db"), matrices()["good"], "good")
            _check(uri, folder / "whole")  # what is imported on the way is there for all that follow
        yield uri


def _check(uri: str, outputs: Path) -> None:
    arguments = [
        "check",
        "--tracking-uri",
        uri,
        "--experiment",
        "good",
        "--output-dir",
        str(outputs),
        "--quiet",
    ]
    if code := run(arguments):
        raise AssertionError(f"the check ended with {code}")


def _forked(uri: str, outputs: Path) -> int:
    """Start a check as a process of its own and return its id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            _check(uri, outputs)
            code = 0
        finally:
            os._exit(code)
    return child


def _kill(child: int, outputs: Path, moment: float | None, chance: random.Random) -> None:
    """Kill after ``moment`` seconds, or where it is None after so many changes of the folder that is written."""
    end = time.monotonic() + (_LONGEST_SECONDS if moment is None else moment)
    changes, seen, wanted = 0, None, chance.randint(1, 16)
    while time.monotonic() < end and changes < wanted:
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        if moment is None:
            there = _names(outputs)
            changes, seen = changes + (there != seen), there
        else:
            time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []


def _left(outputs: Path, wrong: list[str], case: str) -> str:
    """Look at what a killed check left: note what is half or alone, and say how far it came."""
    names = [name for name in _names(outputs) if not name.startswith(".")]
    for name in names:
        if problem := _half(outputs / name):
            wrong.append(f"{case}: {name} is not whole: {problem}")
    verdicts = {name.removeprefix("smoke_verdict_").split(".")[0] for name in names if "verdict" in name}
    for name in names:
        if name.startswith("smoke_") and "_".join(Path(name).stem.split("_")[2:]) not in verdicts:
            wrong.append(f"{case}: {name} has no verdict file")
    whole = len(names) == _FILES * len(verdicts)
    return "before any file" if not names else "after all files" if whole else "between two files"


def _half(path: Path) -> str | None:
    """Return why a file is not whole, None where it is."""
    if path.is_dir():
        broken = [one for one in path.glob("[!.]*.png") if not one.read_bytes().endswith(b"IEND\xaeB`\x82")]
        return f"{broken} end early" if broken else None
    text = path.read_text(encoding="utf-8")
    try:
        if path.suffix == ".json":
            json.loads(text)
        elif path.suffix == ".xml":
            ElementTree.fromstring(text)
        elif not text.rstrip().endswith("</html>") if path.suffix == ".html" else not text.endswith("\n"):
            return "it ends early"
    except (ValueError, ElementTree.ParseError) as error:
        return str(error)
    return None
