"""Disks that take no more: a small file system that fills up, or files that may not grow beyond a size.

A file system is mounted where that is allowed, and every second case is on one.
"""

import contextlib
import os
import random
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest import mock

from tests.torture.server_faults import (
    POLICY,
    Truth,
    check,
    impatient,
    look,
    matrices,
    server_with_matrices,
)
from tests.torture.tally import Tally

_LARGEST = 250_000  # bytes; the largest file of a check is its report page
_ALL = 600_000  # bytes; what a check writes, and what it keeps for a moment
_LOST_AND_FOUND = 4096  # bytes: no file system is smaller than a page


def disks(seed: int, count: int, folder: Path) -> Tally:
    """Check the matrices so many times, through a server and from its database, with a bound on what may be written."""
    full, mounts = folder / "full", _may_mount(folder)
    tally = Tally("full disks" if mounts else "files that may not grow")
    (folder / "smoke-gate.yml").write_text(POLICY)
    with server_with_matrices(folder) as proxy, contextlib.chdir(folder), impatient():
        truths = [Truth(name, check(proxy.address, name, folder / "true")[0]) for name in matrices()]
        for number in range(count):
            chance, truth = random.Random(f"{seed} {number}"), truths[number % len(truths)]
            bound: AbstractContextManager[None]
            if mounts and number % 2:
                most = chance.randint(_LOST_AND_FOUND, _ALL)
                bound, outputs = _file_system_of(most, full, temporary=chance.random() < 0.5), full / "case"
            else:
                most = chance.choice((chance.randint(0, 1000), chance.randint(1000, _LARGEST), _LARGEST))
                bound, outputs = _files_of_at_most(most), folder / "case"
            with bound:
                code, printed = check(proxy.address, truth.experiment, outputs)
                tally.faults += 1
                # A full file system lets nothing be written, but what was is looked at while it is there.
                look(tally, f"{truth.experiment}, {most} bytes", truth, code, printed, outputs)
    return tally


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """Refuse to write beyond a size (bytes) to any file of this process, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def _file_system_of(size: int, folder: Path, *, temporary: bool) -> Iterator[None]:
    """Have a file system of so many bytes; with ``temporary``, temporary files are on it too."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    place = {"TMPDIR": str(folder)} if temporary else {}
    try:
        with mock.patch.dict(os.environ, place), mock.patch.object(tempfile, "tempdir", None):
            yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def _may_mount(folder: Path) -> bool:
    try:
        with _file_system_of(_LOST_AND_FOUND, folder / "tried", temporary=False):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
