"""Each place of the matrix in every report: whether its run is good, if not in which gates, and what was attempted."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, takewhile

from smoke_gate.evidence import Attempt
from smoke_gate.gates.base import Check, Status
from smoke_gate.policy.model import Policy
from smoke_gate.policy.terms import normal_seed
from smoke_gate.selection import Matrix, Place
from smoke_gate.text import counted
from smoke_gate.verdict import Verdict


class PlaceState(StrEnum):
    """Of a pair of cell and seed; the words are for people."""

    PASS = "all checks pass"  # noqa: S105
    WARNING = "a warning, and in which gate"
    FAIL = "a failing check, and in which gate"
    UNFINISHED = "not finished yet"
    LOST = "its last attempt failed, was deleted or does not count"
    NO_ATTEMPT = "no attempt"
    EXCLUDED = "excluded from the plan"
    NOT_PLANNED = "not planned"


FAILURES = frozenset({PlaceState.FAIL, PlaceState.LOST, PlaceState.NO_ATTEMPT})
FINDINGS = FAILURES | {PlaceState.WARNING, PlaceState.UNFINISHED}
"""States that a reader must see; the others are good, or not planned."""


_LARGE = 100  # runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place of the matrix: its state, the gates that are behind it, and the attempt that a reader may look at."""

    state: PlaceState
    gates: tuple[str, ...] = ()
    attempt: Attempt | None = None


def seeds_of(places: Sequence[Place]) -> dict[str, str]:
    """Return the seeds in plan order, by value, as the plan first spells them; one empty one where there are none."""
    seeds: dict[str, str] = {}
    for place in places:
        seeds.setdefault(_key(place), place.pair.seed or "")
    return seeds


def rows_of(verdict: Verdict, policy: Policy) -> dict[str, list[Mark]]:
    """Return, for each cell in plan order, a mark for each of the seeds."""
    places = verdict.matrix.places
    marks = _marks(verdict)
    seeds = seeds_of(places)
    return {
        cell: [marks.get((cell, seed)) or _unplanned(policy, cell, seed) for seed in seeds]
        for cell in dict.fromkeys(place.pair.cell for place in places)
    }


def is_large(matrix: Matrix) -> bool:
    """Return whether a matrix is so large that its good rows are counted rather than shown."""
    return len(matrix.places) > _LARGE


def with_and_without_findings(
    rows: Mapping[str, Sequence[Mark]],
) -> tuple[dict[str, Sequence[Mark]], dict[str, Sequence[Mark]]]:
    """Return the rows that a reader must see, and those that are good throughout."""
    found = {cell: row for cell, row in rows.items() if any(mark.state in FINDINGS for mark in row)}
    return found, {cell: row for cell, row in rows.items() if cell not in found}


def _marks(verdict: Verdict) -> dict[tuple[str, str], Mark]:
    by_run: Mapping[str | None, list[Check]] = defaultdict(list)
    for check in verdict.checks:
        by_run[check.run_id].append(check)
    marks = {}
    for place in verdict.matrix.places:
        run = place.selected
        marks[place.pair.cell, _key(place)] = (
            _missing(place) if run is None else _judged(run, by_run[run.run_id])
        )
    return marks


def _key(place: Place) -> str:
    return "" if place.pair.seed is None else normal_seed(place.pair.seed)


def _judged(run: Attempt, checks: Sequence[Check]) -> Mark:
    """Return the worst of the run's statuses, and the gates that found it."""
    for status, state in ((Status.FAIL, PlaceState.FAIL), (Status.WARNING, PlaceState.WARNING)):
        gates = sorted({check.gate for check in checks if check.status is status})
        if gates:
            return Mark(state=state, gates=tuple(gates), attempt=run)
    return Mark(state=PlaceState.PASS, attempt=run)


def _missing(place: Place) -> Mark:
    if not place.attempts:
        return Mark(state=PlaceState.NO_ATTEMPT)
    newest = place.attempts[0]
    waiting = newest.status in ("RUNNING", "SCHEDULED") and newest.lifecycle_stage == "active"
    return Mark(state=PlaceState.UNFINISHED if waiting else PlaceState.LOST, attempt=newest)


def _unplanned(policy: Policy, cell: str, seed: str) -> Mark:
    excluded = any(
        entry.cell == cell and seed in map(normal_seed, entry.seeds) for entry in policy.plan.exclude
    )
    return Mark(state=PlaceState.EXCLUDED if excluded else PlaceState.NOT_PLANNED)


# --- every attempt ----------------------------------------------------------------------------------------------------


def ledger_words(matrix: Matrix, state_words: Callable[[str], str] = str) -> str:
    """Return how many attempts there are in which state, and which came after the run that stands for their pair.

    Args:
        matrix: the planned pairs and their attempts.
        state_words: shows a state; the store may give it any name.

    """
    places = matrix.places
    every = _states(chain.from_iterable(place.attempts for place in places))
    words = f"{counted(every.total(), 'attempt')} at {counted(len(places), 'planned pair')}"
    if every:
        words += f": {_listed(every, state_words)}"
    newer = _states(chain.from_iterable(map(_newer, places)))
    if newer:
        words += f"; newer than the run that stands for its pair: {_listed(newer, state_words)}"
    return words


def commit_note(attempt: Attempt) -> str:
    """Return what is to be said behind an attempt's commit: that the commit is not all that ran."""
    return ", uncommitted changes" if attempt.dirty else ""


def _newer(place: Place) -> Iterable[Attempt]:
    if place.selected is None:
        return ()
    return takewhile(lambda attempt: attempt != place.selected, place.attempts)


def _states(attempts: Iterable[Attempt]) -> Counter[str]:
    return Counter(map(_state, attempts))


def _state(attempt: Attempt) -> str:
    if attempt.lifecycle_stage != "active":
        return attempt.lifecycle_stage
    return attempt.status if attempt.in_scope else f"{attempt.status} outside runs.where"


def _listed(states: Counter[str], state_words: Callable[[str], str]) -> str:
    return ", ".join(f"{number} {state_words(state)}" for state, number in sorted(states.items()))
