"""The table of docs/performance.md: its targets, its lines, and how they get into the page."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HEAD = """\
# Performance

`make bench` measures this table anew. A number without a unit is a ratio of two processes that run in turn on one
machine. The median stands first, then the range. A bare script lists the same runs with `MlflowClient.search_runs` and
does nothing else. The stores are SQLite files, also behind the servers. Runs have ten params, five tags and three
metrics. G7 is the gate `comparison`, which reads all params: with it a target is 1.4 times as large.

| what | target | measured |
|---|---|---|
"""
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Target:
    """The first half of a line: what is measured, and the bound that it is to keep; None where there is none."""

    what: str
    bound: float | None
    unit: str = ""
    at_least: bool = False

    def measured(self, values: Sequence[float]) -> str:
        """Return the line with what was measured."""
        ordered, median = sorted(values), statistics.median(values)
        spread = f"{_number(ordered[0])} to {_number(ordered[-1])}" if len(ordered) > 1 else "once"
        keeps = self.bound is None or (median >= self.bound if self.at_least else median <= self.bound)
        return self._line(f"{_number(median)}{self._unit} ({spread}){'' if keeps else ', **missed**'}")

    def not_measured(self, reason: str) -> str:
        """Return the line with the reason why there is no number."""
        text = " ".join(reason.split()).replace("|", "\\|").replace("<", "&lt;")
        return self._line(f"not measured: {text[:_LONGEST_REASON]}")

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""

    def _line(self, measured: str) -> str:
        sign = "≥" if self.at_least else "≤"
        bound = "none" if self.bound is None else f"{sign} {self.bound:g}{self._unit}"
        return f"| {self.what} | {bound} | {measured} |"


def write(page: Path, targets: Iterable[Target], lines: Mapping[str, str]) -> None:
    """Write the page up to its second heading. A line that was not measured now is kept as it is there."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    written, heading, rest = text.partition("\n## ")
    kept = {line.split(" | ")[0].removeprefix("| "): line for line in written.splitlines() if " | " in line}
    table = [line for target in targets if (line := lines.get(target.what, kept.get(target.what)))]
    page.write_text(HEAD + "\n".join(table) + "\n" + heading + rest, encoding="utf-8")


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"
