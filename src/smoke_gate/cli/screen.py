"""Where the overview goes: in colours to a terminal, as plain text to anything else."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from smoke_gate.report.judgement import Judgement


def show(judgement: "Judgement", files: Mapping[str, Path], *, quiet: bool) -> None:
    """Print the overview on stdout."""
    if not _has_colours():
        from smoke_gate.report.terminal import summary

        headline = judgement.document.headline
        click.echo(summary(judgement.verdict, headline, files, quiet=quiet, width=terminal_width()), nl=False)
        return
    from rich.console import Console

    from smoke_gate.report.screen import screen

    Console(highlight=False, emoji=False, markup=False).print(screen(judgement, files, quiet=quiet))


def terminal_width() -> int | None:
    """Return how wide the terminal is that shows stdout; None where a file or a pipe takes it."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _has_colours() -> bool:
    """Return whether stdout is a terminal that knows the symbols. A CI's log is not, nor what NO_COLOR asks for."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "", "dumb") or os.environ.get("CI")
    return sys.stdout.isatty() and not plain and sys.stdout.encoding.lower().startswith("utf")
