"""Params and tags of the selected runs by key, without those that differ for a reason of their own."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from smoke_gate.evidence import Column, Ledger
from smoke_gate.gates.base import Judged
from smoke_gate.policy.terms import normal_seed
from smoke_gate.text import words_of

_OF_THE_MACHINE = frozenset(["device", "host", "hostname", "rank", "port"])
_ADDRESS = "at 0x"
_MANY_DIGITS = 8  # of an id, a time stamp or a random number
_LEAST_SEEDS = 3  # from which on values that go with the seed are not a coincidence


@dataclass(frozen=True, slots=True)
class Fact:
    """A param or tag, and its value in each run that has it, by run id."""

    key: str
    values: Mapping[str, str]

    def of(self, judged: Judged) -> str | None:
        """Return the value of a run, None where it does not have the key."""
        return self.values.get(judged.run.run_id)

    @property
    def distinct(self) -> tuple[str, ...]:
        """The values, each once, in order."""
        return tuple(sorted(set(self.values.values())))


def facts_of(ledger: Ledger, columns: Mapping[str, Column], judged: Sequence[Judged]) -> list[Fact]:
    """Return what the judged runs say, by key."""
    ids = {one.run.run_id for one in judged}
    found = []
    for key, column in columns.items():
        values = {
            run_id: column.values[place]
            for run_id, place in zip(ledger.runs, column.of_runs, strict=True)
            if place is not None and run_id in ids
        }
        if values:
            found.append(Fact(key, values))
    return found


def by_cell(judged: Sequence[Judged]) -> Mapping[str, Sequence[Judged]]:
    """Return the runs of each cell."""
    cells: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        cells[one.pair.cell].append(one)
    return cells


def comparable(facts: Iterable[Fact], judged: Sequence[Judged], elsewhere: Collection[str]) -> list[Fact]:
    """Return the facts that are compared between runs.

    Args:
        facts: What the runs say.
        judged: The runs.
        elsewhere: The keys that another gate judges, or that say which cell and seed a run has.

    """
    return [
        _with_ends_of_paths(fact)
        for fact in facts
        if fact.key not in elsewhere and not _differs_for_its_own_reason(fact, judged)
    ]


def _differs_for_its_own_reason(fact: Fact, judged: Sequence[Judged]) -> bool:
    """Return whether a fact follows the run, the seed or the machine, or is made up anew for each run."""
    if not _OF_THE_MACHINE.isdisjoint(words_of(fact.key)):
        return True
    runs = [one for one in judged if fact.of(one) is not None]
    texts = [fact.values[one.run.run_id] for one in runs]
    if len(set(texts)) == 1:
        return False
    return (
        len(set(texts)) == len(runs)
        or any(_ADDRESS in text for text in texts)
        or 2 * sum(_digits(text) >= _MANY_DIGITS for text in texts) > len(texts)
        or _each(runs, fact, lambda one: one.attempt.run_name)
        or _each(runs, fact, lambda one: one.pair.seed or "")
        or _goes_with_the_seed(runs, fact)
        or all(_is_path(text) and _names_its_run(text, one) for text, one in zip(texts, runs, strict=True))
    )


def _each(runs: Sequence[Judged], fact: Fact, what: Callable[[Judged], str]) -> bool:
    return all(normal_seed(fact.values[one.run.run_id]) == normal_seed(what(one)) for one in runs)


def _goes_with_the_seed(runs: Sequence[Judged], fact: Fact) -> bool:
    """Return whether there is one value for a seed, the same in all cells."""
    by_seed: dict[str | None, set[str]] = {}
    for one in runs:
        by_seed.setdefault(one.pair.key[1], set()).add(fact.values[one.run.run_id])
    cells = {one.pair.cell for one in runs}
    return (
        len(cells) > 1
        and len(by_seed) >= _LEAST_SEEDS
        and all(len(values) == 1 for values in by_seed.values())
    )


def _digits(text: str) -> int:
    return len(re.sub(r"\D", "", text))


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text


def _names_its_run(path: str, one: Judged) -> bool:
    seed = one.pair.seed
    named = seed is not None and re.search(rf"(?<![0-9]){re.escape(seed)}(?![0-9])", path) is not None
    return named or one.run.run_id in path


def _with_ends_of_paths(fact: Fact) -> Fact:
    """Return a fact in which paths are their last two segments: where a folder lies differs between machines."""
    if not any(map(_is_path, fact.values.values())):
        return fact
    return Fact(fact.key, {run_id: _end(text) for run_id, text in fact.values.items()})


def _end(text: str) -> str:
    if not _is_path(text):
        return text
    return "/".join(PurePosixPath(text.replace("\\", "/")).parts[-2:])
