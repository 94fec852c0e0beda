"""Printing never undoes a result: asked of real processes, whose output goes where nothing can be written."""

import fcntl
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from smoke_gate.cli.streams import SteadyStream
from smoke_gate.redaction import Secrets, unfiltered

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


@pytest.fixture
def many_files():
    """The limit of open files is at least 2,048."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("lowest", [3, 1500], ids=["few files open", "more than 1,024 files open"])
def test_a_slow_reader_gets_all_of_it(lowest):
    reader, first = os.pipe()
    writer = fcntl.fcntl(first, fcntl.F_DUPFD_CLOEXEC, lowest)
    os.close(first)
    os.set_blocking(writer, False)
    with os.fdopen(reader, "rb") as source, os.fdopen(writer, "w") as target, ThreadPoolExecutor() as pool:
        stream = SteadyStream(target)
        writing = pool.submit(print, "x" * 1_000_000, end="", file=stream, flush=True)
        assert source.read(1_000_000) == b"x" * 1_000_000
        writing.result()
        assert stream.problem is None


# --- secrets ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path):
    """A stream that removes a secret, and what it has written so far."""
    with (tmp_path / "out").open("w") as target:
        stream = SteadyStream(target, Secrets.of(["tok-CANARY-1"]))
        yield stream, (tmp_path / "out").read_text
        stream.flush()


def test_a_secret_is_removed_however_a_line_is_put_together(written):
    stream, content = written
    print("tok", "CANARY", "1", sep="-", file=stream)
    for part in ("tok-C", "ANARY-1 and ", "more\n"):
        stream.write(part)
    stream.writelines(["tok-CANARY", "-1\n"])
    assert content() == "***\n*** and more\n***\n"


def test_what_has_no_line_end_is_written_when_it_is_asked_for(written):
    stream, content = written
    stream.write("one\ntok-CANARY")
    assert content() == "one\n"
    stream.write("-1 %")
    stream.flush()
    assert content() == "one\n*** %"


def test_the_runner_is_told_what_to_hide(written):
    stream, content = written
    stream.write("before: ")
    print("::add-mask::tok-CANARY-1", file=unfiltered(stream))
    print("tok-CANARY-1", file=stream)
    assert content() == "before: ::add-mask::tok-CANARY-1\n***\n"


def test_the_end_of_the_process_writes_the_rest():
    script = """
import sys
from smoke_gate.cli.streams import SteadyStream
from smoke_gate.redaction import Secrets
sys.stdout = SteadyStream(sys.stdout, Secrets.of(["tok-CANARY-1"]))
sys.stdout.write("the end: tok-CANARY-1")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"the end: ***"
