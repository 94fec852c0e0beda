"""Whole processes, and what each of them costs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST_SECONDS = 1200
KILOBYTES_OF_A_GIGABYTE = 1_000_000

# A process counts the peak memory of the one that started it as its own: so a small one starts it.
LAUNCH = """
import os, signal, sys

process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
signal.signal(signal.SIGALRM, lambda *_: os.kill(process, signal.SIGKILL))
signal.alarm(int(sys.argv[1]))
_, status, used = os.wait4(process, 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


class ProcessError(Exception):
    """A process that failed; the message has the last line that it wrote."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a process: CPU and wall seconds, and its peak memory in the unit of the system."""

    cpu: float
    wall: float
    memory: float


Pair = tuple[Cost, Cost]


def smoke_gate(*arguments: str) -> list[str]:
    """Return a command."""
    return [sys.executable, "-m", "smoke_gate", *arguments]


def check(policy: str, uri: str, *options: str) -> list[str]:
    """Return a `check`."""
    return smoke_gate("check", "--quiet", "--policy", policy, "--tracking-uri", uri, *options)


def script(code: str, *arguments: str) -> list[str]:
    """Return the command that runs a script in the environment of smoke-gate."""
    return [sys.executable, "-c", code, *arguments]


def cost(folder: Path, command: Sequence[str]) -> Cost:
    """Run a command in a folder, and return what it took.

    Raises:
        ProcessError: it failed, or it was ended after twenty minutes.

    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    launched = [sys.executable, "-S", "-c", LAUNCH, str(LONGEST_SECONDS), *command]
    start = time.perf_counter()
    ran = subprocess.run(launched, cwd=folder, capture_output=True, env=environment, check=True, text=True)
    wall = time.perf_counter() - start
    status, cpu_seconds, peak = ran.stdout.split()[-3:]
    if status != "0":
        lines = ran.stderr.strip().splitlines() or ["it wrote no message"]
        raise ProcessError(f"a process ended with {status}: {lines[-1]}")
    return Cost(float(cpu_seconds), wall, float(peak))


def pairs(folder: Path, ours: Sequence[str], theirs: Sequence[str], repeats: int) -> list[Pair]:
    """Run two commands in turn, as often as ``repeats`` says."""
    return [(cost(folder, ours), cost(folder, theirs)) for _ in range(repeats)]


def cpu(costs: Iterable[Pair]) -> list[float]:
    """Return the ratios of CPU times."""
    return [one.cpu / other.cpu for one, other in costs]


def wall(costs: Iterable[Pair]) -> list[float]:
    """Return the ratios of wall times."""
    return [one.wall / other.wall for one, other in costs]


def memory(costs: Iterable[Pair]) -> list[float]:
    """Return the ratios of peak memory."""
    return [one.memory / other.memory for one, other in costs]
