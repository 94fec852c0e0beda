"""Chooses where runs say which cell and which seed they are, or asks. Pure; ``docs/init.md`` explains the steps.

The usual places are tried in order, and the first answer that is good enough is taken. Settings that differ between
the runs of a pair are put into the cell. Where no answer is good enough, the best ones become a question.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from smoke_gate.gates.proposal import RunShape
from smoke_gate.init.places import (
    NAMES,
    OF_NAME,
    WHOLE_NAME,
    Column,
    Places,
    Shape,
    holds_names,
    is_usual_cell,
    places_of,
    read,
)
from smoke_gate.policy.terms import Template, normal_seed, seed_order

NO_SEED = "none"
MOST_CELLS = 100
MOST_FALLBACK_CELLS = 20
_MOST_RUNS = 2000  # that a guess is made from: the newest
_MOST_TRIES = (
    3  # at a pair, on average: with more, something else tells the runs apart, and they are not reruns
)
_MOST_PARTS = 3  # of a cell
_MOST_OTHERS = 3  # answers that a question names
_ENOUGH = 0.5  # of the runs state it, and of the matrix is full: more than this
_FULL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A way to read cell and seed off runs, as ``runs.cell`` and ``runs.seed`` of the policy say it.

    ``selected`` holds, for each pair found, its newest run; ``stated`` counts the runs that state both, ``asked`` those
    that were looked at. ``is_found``: the runs say it, or the user does; otherwise nothing but names tells the runs
    apart. ``others`` are the next best ways. ``repeated_with`` are the settings that differ between the runs of a pair.
    """

    cell: str
    seed: str
    selected: Mapping[tuple[str, str], RunShape]
    stated: int
    asked: int
    is_found: bool = True
    repeated_with: tuple[str, ...] = ()
    others: "tuple[Identity, ...]" = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells, in the order in which they were first run."""
        return tuple(dict.fromkeys(cell for cell, _ in self.selected))

    @property
    def seeds(self) -> tuple[str, ...]:
        """The seeds, integers by value; none where the cells have none."""
        return tuple(sorted({seed for _, seed in self.selected if seed}, key=seed_order))

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """The pairs of a full matrix that have no finished run."""
        pairs = product(self.cells, self.seeds) if self.seeds else ()
        return tuple(pair for pair in pairs if pair not in self.selected)

    @property
    def fit(self) -> float:
        """How much is stated, and of how full a matrix: 1 where every run states both, and every pair has a run."""
        places = len(self.cells) * max(len(self.seeds), 1)
        return self.stated / self.asked * len(self.selected) / places if self.selected else 0.0


def identity_of(shape: Shape) -> Identity:
    """Return the way to read cell and seed, with the next best ones; where none is good enough, the runs' names."""
    runs = members(shape)
    places = places_of(shape, runs)
    plain = [_identity(places, cell, seed) for cell, seed in _ways(places)]
    found = [one for first in plain for one in (_completed(places, first), first)]
    answer = next((one for one in found if _is_good(places, one)), None)
    rest = {(one.cell, one.seed): one for one in found if one != answer and _is_worth_a_question(one)}
    best = sorted(rest.values(), key=_unlikeliness)
    return replace(answer or _by_name(shape, runs), others=tuple(best[:_MOST_OTHERS]))


def identity_at(shape: Shape, cell: str, seed: str) -> Identity:
    """Return what a way to read cell and seed finds, which is the user's.

    Raises:
        ValueError: One of them is not such a way; the text says what is.
    """
    cell_template, seed_template = Template.parse(cell), Template.parse(seed)
    if cell_template.is_none or (cell_template.pattern and "cell" not in cell_template.groups):
        raise ValueError(
            "the cell needs params.KEY, tags.KEY, a template, or run_name:REGEX with (?P<cell>…)"
        )
    if seed_template.pattern and "seed" not in seed_template.groups:
        raise ValueError("the regular expression needs a group (?P<seed>…)")
    runs = members(shape)
    return _selected(runs, cell, read(shape, runs, cell, "cell"), seed, read(shape, runs, seed, "seed"))


def members(shape: Shape) -> tuple[RunShape, ...]:
    """Return the runs of the matrix, the newest.

    Of a search, these are its trials, unless only the parents hold models: then its trials are steps on the way.
    """
    parents = [run for run in shape.runs if run.run_id in shape.parents]
    others = [run for run in shape.runs if run.run_id not in shape.parents]
    children = [run for run in others if run.parent in shape.parents]
    if any(run.has_model for run in parents) and not any(run.has_model for run in children):
        others = [run for run in shape.runs if run.parent not in shape.parents]
    return tuple(others[-_MOST_RUNS:])


# --- what is tried, in order ------------------------------------------------------------------------------------------


def _ways(places: Places) -> Iterator[tuple[str, str]]:
    """Yield ways to read cell and seed, the likeliest first.

    A usual place that differs comes first, then names of runs, then other settings, then what is the same everywhere.
    """
    usual, others, constant = places.usual, places.others, places.constant
    for seed in places.seeds:
        yield from ((cell, seed) for cell in (*usual, *NAMES, WHOLE_NAME, *others, *constant))
    for name in NAMES:
        yield from ((cell, name) for cell in (*usual, name))
    yield from ((cell, NO_SEED) for cell in (*usual, *others, *constant))


def _completed(places: Places, first: Identity) -> Identity:
    """Put the settings that differ between the runs of a pair into the cell, where that fills a matrix."""
    one, parts = first, [first.cell]
    while one.repeated_with and len(parts) < _MOST_PARTS and not first.cell.startswith(OF_NAME):
        parts.append(one.repeated_with[0])
        one = _identity(places, "/".join(f"{{{part}}}" for part in parts), first.seed)
    return one if one.fit >= _FULL and one.stated == len(one.selected) else first


def _is_good(places: Places, one: Identity) -> bool:
    """Return whether most runs state it, it makes a matrix of them, and that is not a coincidence."""
    if one.fit <= _ENOUGH or one.stated > _MOST_TRIES * len(one.selected) or len(one.cells) > MOST_CELLS:
        return False
    if one.cell == one.seed == NAMES[-1]:  # `resnet-18`, `resnet-50` are not two seeds
        return len(one.cells) > 1 and len(one.seeds) > 1
    if one.cell.startswith(OF_NAME):
        is_alone = len(one.cells) == 1 and bool(places.usual or places.others or places.constant)
        return not is_alone and (len(one.seeds) > 1 or one.cell != WHOLE_NAME)
    parts = Template.parse(one.cell).references
    if len(one.seeds) < 2:  # a number, or what each run has for itself, may be any setting of a search
        is_named = any(map(is_usual_cell, parts)) or one.stated > len(one.selected)
        return (
            is_named
            and not one.repeated_with
            and all(is_usual_cell(part) or holds_names(places.columns[part]) for part in parts)
        )
    return len(one.cells) > 1 or not one.repeated_with


def _is_worth_a_question(one: Identity) -> bool:
    """Return whether it tells runs apart, and makes no more cells than a matrix may have."""
    return 1 < len(one.cells) <= MOST_CELLS


def _unlikeliness(one: Identity) -> tuple[bool, float]:
    """Sort key of what is asked: what tells each run from all others comes last, then what makes a fuller matrix."""
    return len(one.cells) == one.stated, -round(one.fit * len(one.selected) / one.stated, 2)


# --- what is found ----------------------------------------------------------------------------------------------------


def _identity(places: Places, cell: str, seed: str) -> Identity:
    cells, seeds = places.read(cell, "cell"), places.read(seed, "seed")
    found = _selected(places.runs, cell, cells, seed, seeds)
    if found.stated == len(found.selected):
        return found
    differing = _differing(places, (cell, seed), zip(cells, seeds, strict=True))
    return replace(found, repeated_with=differing)


def _differing(
    places: Places, known: tuple[str, str], pairs: Iterable[tuple[str | None, str | None]]
) -> tuple[str, ...]:
    """Return the settings in which runs of one pair differ: usual cells first, then those that tell the most apart."""
    groups: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        groups[pair].append(index)
    apart = {
        place: sum(len({places.columns[place][index] for index in same}) - 1 for same in groups.values())
        for place in (*places.usual, *places.others, *places.seeds)
        if not any(place in Template.parse(text).references for text in known)
    }
    return tuple(
        sorted(filter(apart.get, apart), key=lambda place: (not is_usual_cell(place), -apart[place]))
    )


def _selected(runs: Sequence[RunShape], cell: str, cells: Column, seed: str, seeds: Column) -> Identity:
    seedless = seed == NO_SEED
    selected: dict[tuple[str, str], RunShape] = {}
    stated = 0
    for run, own_cell, own_seed in zip(runs, cells, seeds, strict=True):
        if own_cell and (own_seed or seedless):
            stated += 1
            selected[own_cell, normal_seed(own_seed) if own_seed and not seedless else ""] = (
                run  # the newest is last
            )
    return Identity(cell=cell, seed=seed, selected=selected, stated=stated, asked=len(runs))


def _by_name(shape: Shape, runs: Sequence[RunShape]) -> Identity:
    """Return the newest runs, each a cell of its own by its name."""
    newest = runs[-MOST_FALLBACK_CELLS:]
    names = read(shape, newest, WHOLE_NAME, "cell")
    found = _selected(newest, WHOLE_NAME, names, NO_SEED, (None,) * len(newest))
    return replace(found, asked=len(runs), is_found=False)
