"""The command line: wires commands to the rooms below, and turns errors into messages and exit codes.

Everything heavy is imported by the command that needs it, so that ``--help`` and a wrong policy cost no MLflow import.
"""

import atexit
import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from time import monotonic
from types import FrameType
from typing import Any

import click

from smoke_gate import __version__
from smoke_gate.cli.bite import bite
from smoke_gate.cli.check import check, demo
from smoke_gate.cli.explain import explain, policy
from smoke_gate.cli.init import init
from smoke_gate.cli.options import VARIABLE_PREFIX
from smoke_gate.cli.preregister import hash_files, preregister
from smoke_gate.cli.publish import action, publish
from smoke_gate.cli.reproduce import compare, golden, reproduce
from smoke_gate.cli.streams import SteadyStream
from smoke_gate.credentials import trimmed
from smoke_gate.errors import ExitCode, NoVerdictError, SmokeGateError, UnexpectedError, UsageError
from smoke_gate.extras import MissingExtraError, need_check, to_install
from smoke_gate.redaction import process_secrets

_NEW_OBJECTS = 1_000_000  # between two looks for dead cycles: some 100 MB
_CLEAN_UP_SECONDS = 5.0
_OUR_VARIABLES = (VARIABLE_PREFIX, "MLFLOW_TRACKING_URI")


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # Python looks for dead cycles every few hundred new objects; importing MLflow makes half a million that all live.
    gc.set_threshold(_NEW_OBJECTS)
    # As the first process of a container it would ignore SIGTERM otherwise; it ends as after Ctrl-C.
    interrupt = interrupting()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as in the background of a script
            signal.signal(number, interrupt)
            atexit.register(signal.signal, number, signal.SIG_IGN)  # the exit code is settled then
    for name in [name for name, value in os.environ.items() if not value]:
        del os.environ[
            name
        ]  # a workflow sets a secret that is not there to nothing, and libraries stumble over that
    padded = trimmed(os.environ)
    os.environ.update(padded)
    secrets = process_secrets()
    output = sys.stdout = SteadyStream(sys.stdout, secrets)
    sys.stderr = SteadyStream(sys.stderr, secrets)
    for name in sorted(padded):
        _tell(
            f"smoke-gate: {name} begins or ends with white space, which is not used. Store the value without it"
        )
    code = run(sys.argv[1:])
    if output.problem:
        _tell(f"smoke-gate: standard output is not complete: {output.problem.strerror}")
    gc.freeze()  # or the end would look for dead cycles among all that MLflow left, for half a second
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run the command line; every error ends in a message on stderr and an exit code, none in a traceback."""
    try:
        _refuse_bytes(arguments)
        code = commands.main(args=list(arguments), prog_name="smoke-gate", standalone_mode=False)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        _tell(shown.getvalue())
        return int(ExitCode.USAGE)
    except SmokeGateError as error:
        return _ended_by(error)
    except ImportError as error:
        advice = to_install(error)
        return _ended_by(MissingExtraError(advice) if advice else UnexpectedError(error))
    except (click.Abort, KeyboardInterrupt):
        return _ended_by(NoVerdictError("interrupted: no verdict"))
    except BaseException as error:  # noqa: BLE001 - the last line of defence: a bug must neither show a traceback nor pass
        return _ended_by(UnexpectedError(error))
    return int(code or 0)


def _ended_by(error: SmokeGateError) -> int:
    """Say why the command ends, and return its exit code."""
    _tell(f"smoke-gate: {error}")
    return int(error.exit_code)


def interrupting() -> Callable[[int, FrameType | None], None]:
    """Return a signal handler that interrupts once, and lets clean-up end: whoever cancels a job signals twice."""
    deaf_until = 0.0

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal deaf_until
        if monotonic() >= deaf_until:
            deaf_until = monotonic() + _CLEAN_UP_SECONDS
            raise KeyboardInterrupt

    return interrupt


def _refuse_bytes(arguments: Sequence[str]) -> None:
    """Refuse what is not a text: reports, which are UTF-8, could not name it. It is not quoted: it may be a secret."""
    given = {f"argument {position}": text for position, text in enumerate(arguments, 1)}
    given |= {name: text for name, text in os.environ.items() if name.startswith(_OUR_VARIABLES)}
    for name, text in given.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{name} is not UTF-8") from None


def _tell(message: str) -> None:
    """Print a message to stderr, without secrets; terminals and GitHub runners take the foreign text in it as text."""
    from smoke_gate.text import log_line

    for line in process_secrets().removed_from_error(message).splitlines():
        click.echo(log_line(line), err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="smoke-gate")
def commands() -> None:
    """Decide whether a matrix of machine-learning runs can be trusted before the expensive stage starts."""


def _with_check(command: click.Command) -> click.Command:
    """Let a command look for the extra ``check`` before it starts, and not after minutes."""
    callback = command.callback

    @wraps(callback or command.invoke)
    def after_a_look(*arguments: Any, **options: Any) -> Any:
        need_check()
        return callback(*arguments, **options) if callback else None

    command.callback = after_a_look
    return command


for command in (check, demo, init, action, publish):
    commands.add_command(_with_check(command))
for command in (explain, policy, preregister, hash_files, reproduce, compare, bite, golden):
    commands.add_command(command)
