"""What changed between two readings of the same store, run by run, and what can be known of it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from smoke_gate.evidence import Attempt, Evidence
from smoke_gate.report.times import iso
from smoke_gate.reproduce.facts import (
    METRIC,
    Facts,
    attempt_facts,
    checkout_facts,
    registration_facts,
    run_facts,
)

Clocks = Mapping[tuple[str, str], int]
"""By run id and metric: when the last value was logged by its client's clock, UTC milliseconds."""

LIMITS = """\
What can be known: metrics carry the time of their client's clock, which anybody may set. Params, tags and artifacts
carry none: of those it is known that they changed after this verdict, not when. Of params and tags the file has only
those that the policy names, of runs that stood for no pair only name, status, times and commit: nothing else is seen.
"""


class _Identified(Protocol):
    @property
    def run_id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact, then and now; None where it was not, or is not there."""

    name: str
    then: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed of one thing: a run (named by its pair and id), a preregistration, the checkout."""

    title: str
    lines: tuple[str, ...]


def changed_metrics(then: Evidence, now: Evidence) -> tuple[tuple[str, str], ...]:
    """Return run id and name of the metrics that were added or have another value: those whose clock is of interest."""
    before, after = _by_id(then.runs), _by_id(now.runs)
    return tuple(
        (run_id, fact.name.removeprefix(METRIC))
        for run_id in before.keys() & after.keys()
        for fact in _compared(run_facts(before[run_id]), run_facts(after[run_id]))
        if fact.name.startswith(METRIC) and fact.now is not None
    )


def changes(then: Evidence, now: Evidence, clocks: Clocks) -> tuple[Changed, ...]:
    """Return what changed, the runs in order of their pairs.

    Args:
        then: the evidence of a verdict.
        now: the evidence that the store gives now, with the facts of all runs whose facts ``then`` has.
        clocks: of :func:`changed_metrics`.

    """
    found = [*_runs(then, now, clocks), *_registrations(then, now), *_checkout(then, now)]
    return tuple(changed for changed in found if changed.lines)


def _runs(then: Evidence, now: Evidence, clocks: Clocks) -> Iterator[Changed]:
    before, after = _by_id(then.attempts), _by_id(now.attempts)
    old, new = _by_id(then.runs), _by_id(now.runs)
    for run_id in [*before, *(run_id for run_id in after if run_id not in before)]:
        lines = [*_attempt(before.get(run_id), after.get(run_id))]
        if run_id in old and run_id in new:
            ended = before[run_id].end_time
            for fact in _compared(run_facts(old[run_id]), run_facts(new[run_id])):
                clock = clocks.get((run_id, fact.name.removeprefix(METRIC)))
                lines.append(_line(fact) + _when(clock, ended))
        yield Changed(_title(before.get(run_id) or after[run_id]), tuple(lines))


def _attempt(then: Attempt | None, now: Attempt | None) -> Iterator[str]:
    if then is None and now is not None:
        started = iso(now.start_time) or "at an unknown time"
        yield f"new attempt: {now.status}, {now.lifecycle_stage}, started {started}"
    elif then is not None and now is None:
        yield "gone from the experiment: erased, or deleted and of no planned pair"
    elif then is not None and now is not None:
        yield from map(_line, _compared(attempt_facts(then), attempt_facts(now)))


def _registrations(then: Evidence, now: Evidence) -> Iterator[Changed]:
    before, after = _by_id(then.registrations), _by_id(now.registrations)
    for run_id in [*before, *(run_id for run_id in after if run_id not in before)]:
        if run_id not in before:
            lines: tuple[str, ...] = ("new",)
        elif run_id not in after:
            lines = ("gone: erased, or no preregistration any more",)
        else:
            compared = _compared(registration_facts(before[run_id]), registration_facts(after[run_id]))
            lines = tuple(map(_line, compared))
        yield Changed(f"preregistration {run_id}", lines)


def _checkout(then: Evidence, now: Evidence) -> Iterator[Changed]:
    facts = _compared(checkout_facts(then), checkout_facts(now))
    yield Changed("checkout (not the store)", tuple(map(_line, facts)))


def _compared(then: Facts, now: Facts) -> Iterator[Fact]:
    for name in {**then, **now}:
        if then.get(name) != now.get(name):
            yield Fact(name, then.get(name), now.get(name))


def _line(fact: Fact) -> str:
    if fact.then is None:
        return f"{fact.name}: added, {fact.now}"
    if fact.now is None:
        return f"{fact.name}: gone, was {fact.then}"
    return f"{fact.name}: was {fact.then}, is {fact.now}"


def _when(clock: int | None, ended: int | None) -> str:
    if clock is None:
        return ""
    late = ", after the run had ended" if ended is not None and clock > ended else ""
    return f" (logged {iso(clock) or 'at no real time'} by its client's clock{late})"


def _title(attempt: Attempt) -> str:
    place = "/".join(text for text in (attempt.cell, attempt.seed) if text) or "no cell"
    return f"{place}, run {attempt.run_id}"


def _by_id(things: Iterable[T]) -> dict[str, T]:
    return {thing.run_id: thing for thing in things}
