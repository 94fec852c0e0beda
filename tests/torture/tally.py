"""Counts of a sequence of faults: how many cases there were, how each ended, and what was wrong."""

from collections import Counter
from dataclasses import dataclass, field

CRASH = ("This is a bug", "Traceback (most recent call last)", "unexpected ")


@dataclass
class Tally:
    """The count of one sequence. ``wrong`` holds a sentence for each case that ended as none may end."""

    name: str
    cases: int = 0
    faults: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def end(self, how: str) -> None:
        """Count a case by how it ended."""
        self.cases += 1
        self.ends[how] += 1

    def look_for_a_crash(self, case: str, printed: str) -> None:
        """Note a case that printed the words of a crash."""
        for words in CRASH:
            if words in printed:
                self.wrong.append(f"{case}: printed {words!r}: {printed[-600:]}")

    @property
    def line(self) -> str:
        """The tally as a line."""
        ends = ", ".join(f"{number} {how}" for how, number in sorted(self.ends.items()))
        return f"{self.name}: {self.cases} cases, {self.faults} faults: {ends}; wrong: {len(self.wrong)}"
