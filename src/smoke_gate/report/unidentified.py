"""Runs that state no cell or no seed: counted and listed, not judged.

Most are parents of sweeps, so nothing here is an alarm; those that state one of the two come first, since they may be
runs of the matrix whose script forgot the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from smoke_gate.evidence import Attempt, Lack
from smoke_gate.message import Message, say
from smoke_gate.selection import Matrix
from smoke_gate.text import counted

_KEYS: dict[Lack, str] = {
    "cell": "`runs.cell`",
    "seed": "`runs.seed`",
    "cell and seed": "`runs.cell`, `runs.seed`",
}


@dataclass(frozen=True, slots=True)
class Unidentified:
    """The active runs that lack the same: ``number`` of them, of which ``attempts`` are the newest."""

    lack: Lack
    attempts: tuple[Attempt, ...]
    number: int

    @property
    def words(self) -> Message:
        """How many they are and what they lack: ``2 runs without seed (`runs.seed`)``."""
        return say(f"{counted(self.number, 'run')} without {self.lack} ({_KEYS[self.lack]})")


def unidentified(matrix: Matrix) -> Sequence[Unidentified]:
    """Return the runs by what they lack."""
    seeds = any(place.pair.seed is not None for place in matrix.places)
    by_lack: dict[Lack, list[Attempt]] = {}
    for attempt in matrix.unidentified:
        lack: Lack = "seed" if attempt.cell else "cell and seed" if seeds and not attempt.seed else "cell"
        by_lack.setdefault(lack, []).append(attempt)
    more = matrix.others.unidentified
    return [
        Unidentified(lack, tuple(by_lack[lack]), len(by_lack[lack]) + more.get(lack, 0))
        for lack in _KEYS
        if lack in by_lack
    ]


def other_runs(matrix: Matrix) -> str:
    """Count the runs outside the plan, if most of them are only counted; return nothing if each of them is listed."""
    if not matrix.others.looked_for:
        return "Other runs were not looked for."
    if not (matrix.others.unexpected or matrix.others.unidentified):
        return ""
    statuses = matrix.others.statuses
    listed = ", ".join(f"{number} {status}" for status, number in statuses.items())
    return f"{counted(sum(statuses.values()), 'run')} outside the plan: {listed}."


def run_words(attempt: Attempt) -> str:
    """Return the run's name with its id."""
    return f"{attempt.run_name} ({attempt.run_id})" if attempt.run_name else attempt.run_id
