"""The parts that the sections of the Markdown report are made of."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from smoke_gate.gates.base import Status
from smoke_gate.message import Message, cut
from smoke_gate.report.escape import prose
from smoke_gate.text import log_line

STATUS_SYMBOLS = {Status.PASS: "✅", Status.WARNING: "⚠️", Status.FAIL: "❌", Status.SKIPPED: "➖"}
ALL = "the verdict file has them all"  # where the rest of a list is that is cut
ELSEWHERE = f"{ALL[0].upper()}{ALL[1:]}."  # in place of a list
LONGEST_SENTENCE = 800


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A part of the report that can be shortened, and left out whole.

    ``shorter`` are other bodies, each shorter than the one before, for where there is no space. ``folded``: it is
    closed until a reader opens it; then ``note`` says beside its title what is in it.
    """

    title: str
    body: str
    level: int = 3
    folded: bool = False
    note: str = ""
    shorter: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Its Markdown."""
        return self.texts[0]

    @property
    def texts(self) -> tuple[str, ...]:
        """Its Markdown, and shorter and shorter ones."""
        return tuple(map(self._with, (self.body, *self.shorter)))

    def _with(self, body: str) -> str:
        if self.folded:
            return details(f"<strong>{self.title}</strong>" + (f" · {self.note}" if self.note else ""), body)
        return f"{'#' * self.level} {self.title}\n\n{body}".rstrip()


def sentence(message: Message, longest: int = LONGEST_SENTENCE) -> str:
    """Return Markdown of a message, cut where it is very long."""
    return prose(cut(message, longest))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; ``head`` begins with a colon where a column stands to the right or in the middle.

    ``":name"`` is centred, ``"name:"`` right-aligned, ``"name"`` left-aligned.
    """
    rules = [":-:" if title.startswith(":") else "--:" if title.endswith(":") else "---" for title in head]
    lines = [[title.strip(":") for title in head], rules, *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def alert(kind: Literal["NOTE", "WARNING", "CAUTION"], text: str) -> str:
    """Return a coloured box of GitHub's."""
    return f"> [!{kind}]\n> {text}"


def details(summary: str, body: str) -> str:
    """Return a part that is folded away; ``summary`` is HTML."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def block(lines: Iterable[str], language: str) -> str:
    """Return a code block that nothing in its lines can end, and that is not a command where it gets into a log."""
    shown = [log_line(line) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *shown, fence])
