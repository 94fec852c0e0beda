"""Printing never undoes a result: asked of real processes, whose output goes where nothing can be written."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from smoke_gate.cli.streams import SteadyStream

MAIN = """
import sys
import click
import smoke_gate.cli as cli
@cli.commands.command("tell")
def tell():
    click.echo("\\u00b5 \\u2192 \\ud55c")
    print("more" * 50_000)
    return 4
sys.argv = ["smoke-gate", "tell"]
cli.main()
"""


def told(redirection: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command that prints and ends with 4; a shell knows all the ways in which its output can go wrong."""
    return subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {redirection}', sys.executable, MAIN],
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    "redirection",
    ["", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", "| true; exit ${PIPESTATUS[0]}"],
)
def test_the_code_is_the_commands(redirection):
    assert told(redirection).returncode == 4


def test_what_a_full_disk_did_not_take_is_said():
    assert (
        told(">/dev/full").stderr == b"smoke-gate: standard output is not complete: No space left on device\n"
    )
    assert told("| true; exit ${PIPESTATUS[0]}").stderr == b""


def test_what_cannot_be_encoded_is_escaped():
    done = told(PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stdout.splitlines()[0]) == (4, b"\xb5 \\u2192 \\ud55c")


def test_a_slow_reader_gets_all_of_it():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with os.fdopen(reader, "rb") as source, os.fdopen(writer, "w") as target, ThreadPoolExecutor() as pool:
        stream = SteadyStream(target)
        writing = pool.submit(print, "x" * 1_000_000, end="", file=stream, flush=True)
        assert source.read(1_000_000) == b"x" * 1_000_000
        writing.result()
        assert stream.problem is None
