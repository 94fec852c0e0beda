"""The attempt ledger in words: what became of all attempts at planned pairs, so that a re-roll is seen unopened."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain, takewhile

from smoke_gate.evidence import Attempt
from smoke_gate.report.headline import counted
from smoke_gate.selection import Matrix, Place


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
