"""`reproduce`, `compare` and `golden`: a verdict or a metric, once more."""

from pathlib import Path

import click

from smoke_gate.errors import ExitCode

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=_FILE, metavar="VERDICT.json")
def reproduce(file: Path) -> int:
    """Make a verdict again from the evidence in its file; no store and no network is needed.

    Exit codes: 0 reproduced, 1 differs or tampered with, 2 no verdict file.
    """
    from smoke_gate.reproduce import Outcome, read_document, replay
    from smoke_gate.reproduce.words import replay_text

    repeated = replay(read_document(file), file)
    click.echo(replay_text(repeated), nl=False)
    return ExitCode.OK if repeated.outcome is Outcome.REPRODUCED else ExitCode.FAIL
