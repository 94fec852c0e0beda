"""How reading tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Called whenever a step of the work is done, from the thread that reads."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Take note that ``done`` of ``total`` steps of a stage are done (total None: nobody knows yet)."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""
