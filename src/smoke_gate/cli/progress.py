"""How far reading is: a bar for somebody who watches a terminal, lines for somebody who asks for them."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from smoke_gate.collect.progress import Progress

_STAGES = {
    "runs": "reading the runs",
    "facts": "reading params, metrics and artifacts",
    "figures": "drawing figures",
}


@contextmanager
def progress_bar(*, shown: bool) -> Iterator["Progress"]:
    """Show a progress bar on stderr if that is a terminal; a log gets none."""
    from smoke_gate.collect.progress import silent

    if not (shown and sys.stderr.isatty()):
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    with Bar(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def update(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(_STAGES.get(stage, stage), total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield update


@contextmanager
def told(*, shown: bool) -> Iterator[None]:
    """Print warnings on stderr, a line each, and also what is read, if that is asked for."""
    log, lines = logging.getLogger("smoke_gate"), _Lines()
    level = log.level
    log.addHandler(lines)
    log.setLevel(logging.INFO if shown else logging.WARNING)
    try:
        yield
    finally:
        log.removeHandler(lines)
        log.setLevel(level)


class _Lines(logging.Handler):
    """Prints each record as a line, in which foreign text can do nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        from smoke_gate.text import log_line

        click.echo(log_line(record.getMessage()), err=True)
