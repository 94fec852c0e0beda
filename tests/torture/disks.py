"""Disks that take no more: files that may not grow beyond a size, wherever they are written."""

import contextlib
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


def disks(seed: int, count: int, folder: Path) -> Tally:
    """Check the matrices so many times, through a server and from its database, with a limit on each file's size."""
    tally = Tally("files that may not grow")
    (folder / "smoke-gate.yml").write_text(POLICY)
    with server_with_matrices(folder) as proxy, contextlib.chdir(folder), impatient():
        truths = [Truth(name, check(proxy.address, name, folder / "true")[0]) for name in matrices()]
        for number in range(count):
            chance, truth = random.Random(f"{seed} {number}"), truths[number % len(truths)]
            most = chance.choice((chance.randint(0, 1000), chance.randint(1000, _LARGEST), _LARGEST))
            with _files_of_at_most(most):
                code, printed = check(proxy.address, truth.experiment, folder / "case")
            tally.faults += 1
            look(tally, f"{truth.experiment}, {most} bytes", truth, code, printed, folder / "case")
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
