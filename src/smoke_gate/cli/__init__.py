"""The command line: wires commands to the rooms below, and turns errors into messages and exit codes.

Everything heavy is imported by the command that needs it, so that ``--help`` and a wrong policy cost no MLflow import.
"""

import gc
import signal
import sys
import traceback
from collections.abc import Sequence

import click

from smoke_gate import __version__
from smoke_gate.cli.check import check, demo
from smoke_gate.cli.inform import explain, policy
from smoke_gate.cli.init import init
from smoke_gate.cli.produce import hash_files, preregister
from smoke_gate.cli.publish import action, publish
from smoke_gate.cli.repeat import compare, golden, reproduce
from smoke_gate.errors import ExitCode, SmokeGateError

_NEW_OBJECTS = 1_000_000  # between two looks for dead cycles: some 100 MB


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # Python looks for dead cycles every few hundred new objects; importing MLflow makes half a million that all live.
    gc.set_threshold(_NEW_OBJECTS)
    # As the first process of a container it would ignore SIGTERM otherwise; it ends as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; every error ends in a message on stderr and an exit code, none in a traceback."""
    try:
        code = commands.main(args=list(arguments), prog_name="smoke-gate", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return int(ExitCode.USAGE)
    except SmokeGateError as error:
        _tell(f"smoke-gate: {error}")
        return int(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _tell("smoke-gate: interrupted: no verdict")
        return int(ExitCode.NO_VERDICT)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug must neither show a traceback nor pass
        _tell(_bug(error))
        return int(ExitCode.NO_VERDICT)
    return int(code or 0)


def _tell(message: str) -> None:
    """Print a message to stderr; the foreign text in it is nothing but text, to a terminal and to a GitHub runner."""
    from smoke_gate.report.escape import log_line

    for line in message.splitlines():
        click.echo(log_line(line), err=True)


def _bug(error: Exception) -> str:
    """Name the place, so that a report of the bug is of use, and not the values, which may be secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename.rpartition('smoke_gate/')[2]}:{frame.lineno}"
    return f"smoke-gate: unexpected {type(error).__name__} at {place}: no verdict. This is a bug; please report it."


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="smoke-gate")
def commands() -> None:
    """Decide whether a matrix of machine-learning runs can be trusted before the expensive stage starts."""


for command in (
    check,
    demo,
    init,
    explain,
    policy,
    preregister,
    hash_files,
    reproduce,
    compare,
    golden,
    action,
    publish,
):
    commands.add_command(command)
