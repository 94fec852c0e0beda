"""Runs that state no cell or no seed: counted and listed, not judged.

Most are parents of sweeps, so nothing here is an alarm; those that state one of the two come first, since they may be
runs of the matrix whose script forgot the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from smoke_gate.evidence import Attempt
from smoke_gate.message import Message, say
from smoke_gate.selection import Matrix
from smoke_gate.text import counted, listed


@dataclass(frozen=True, slots=True)
class Unidentified:
    """The active runs that lack the same: ``lacks`` says what, and which key of the policy says where it should be."""

    lacks: str
    attempts: tuple[Attempt, ...]

    @property
    def words(self) -> Message:
        """How many they are and what they lack: ``2 runs without seed (`runs.seed`)``."""
        return say(f"{counted(len(self.attempts), 'run')} without {self.lacks}")


def unidentified(matrix: Matrix) -> Sequence[Unidentified]:
    """Return the runs by what they lack."""
    seeds = any(place.pair.seed is not None for place in matrix.places)
    by_lack: dict[tuple[str, ...], list[Attempt]] = {}
    for attempt in matrix.unidentified:
        stated = {"cell": attempt.cell, "seed": attempt.seed or not seeds}
        lacking = tuple(name for name, value in stated.items() if not value)
        by_lack.setdefault(lacking, []).append(attempt)
    return [
        Unidentified(_lacks(lacking), tuple(attempts))
        for lacking, attempts in sorted(by_lack.items(), key=lambda one: (len(one[0]), one[0]))
    ]


def run_words(attempt: Attempt) -> str:
    """Return the run's name with its id."""
    return f"{attempt.run_name} ({attempt.run_id})" if attempt.run_name else attempt.run_id


def _lacks(names: Sequence[str]) -> str:
    return f"{listed(names)} ({', '.join(f'`runs.{name}`' for name in names)})"
