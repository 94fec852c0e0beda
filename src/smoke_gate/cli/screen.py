"""Where the summary goes: in colours to a terminal, as plain text to anything else."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from smoke_gate.report.judgement import Judgement


def show(judgement: "Judgement", files: Mapping[str, Path], *, quiet: bool) -> None:
    """Print the summary on stdout."""
    if not _is_screen():
        from smoke_gate.report.terminal import summary

        text = summary(judgement.verdict, judgement.document["headline"], files, quiet=quiet)
        click.echo(text, nl=False)
        return
    from rich.console import Console

    from smoke_gate.report.screen import screen

    Console(highlight=False, emoji=False, markup=False).print(screen(judgement, files, quiet=quiet))


def _is_screen() -> bool:
    """Whether somebody watches who wants colours, on a terminal that knows the symbols; a CI's log is none."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "", "dumb") or os.environ.get("CI")
    return sys.stdout.isatty() and not plain and sys.stdout.encoding.lower().startswith("utf")
