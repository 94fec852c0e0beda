"""How far reading is, for somebody who watches a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smoke_gate.collect.progress import Progress

_STAGES = {
    "runs": "reading the runs",
    "facts": "reading params, metrics and artifacts",
    "figures": "drawing figures",
}


@contextmanager
def progress_bar(*, shown: bool) -> Iterator["Progress"]:
    """Show a progress bar on stderr where that is a terminal; nothing of the kind in a log."""
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
