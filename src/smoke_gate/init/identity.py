"""Chooses where runs say which cell and which seed they are, or asks. Pure; ``docs/init.md`` explains the steps.

The usual places are tried in order, and the first answer that is good enough is taken. Settings that differ between
the runs of a pair are put into the cell. Where no answer is good enough, the best ones become a question.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
from smoke_gate.policy.terms import Part, Template, normal_seed, seed_order

NO_SEED = "none"
MOST_CELLS = 100
MOST_FALLBACK_CELLS = 20
_MOST_RUNS = 2000  # that a guess is made from: the newest
_MOST_TRIES = 3  # at a pair, on average: with more, something else tells the runs apart
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
    def is_repeated(self) -> bool:
        """True if some pair has several runs."""
        return self.stated > len(self.selected)

    @property
    def fit(self) -> float:
        """How much is stated, and of how full a matrix: 1 where every run states both, and every pair has a run."""
        places = len(self.cells) * max(len(self.seeds), 1)
        return self.stated / self.asked * len(self.selected) / places if self.selected else 0.0


def identity_of(shape: Shape) -> Identity:
    """Return the way to read cell and seed, with the next best ones; where none is good enough, the runs' names."""
    places = places_of(shape, members(shape))
    found = [
        one for cell, seed in _ways(places) for one in _with_parts(places, _identity(places, cell, seed))
    ]
    answer = next((one for one in found if _is_good(places, one)), None)
    rest = {(one.cell, one.seed): one for one in found if one != answer and 1 < len(one.cells) <= MOST_CELLS}
    best = sorted(rest.values(), key=_unlikeliness)
    return replace(answer or _by_name(shape), others=tuple(best[:_MOST_OTHERS]))


def identity_at(shape: Shape, cell: str, seed: str) -> Identity:
    """Return what a way to read cell and seed finds, which is the user's.

    Raises:
        ValueError: One of them is not such a way; the text says what is.
    """
    runs = members(shape)
    return _selected(runs, cell, seed, partial(read, shape, runs))


def members(shape: Shape) -> Sequence[RunShape]:
    """Return the runs of the matrix, the newest.

    Of a search, these are its trials, unless only the parents hold models: then its trials are steps on the way.
    """
    parents = [run for run in shape.runs if run.run_id in shape.parents]
    others = [run for run in shape.runs if run.run_id not in shape.parents]
    trials_hold = any(run.has_model for run in others if run.parent in shape.parents)
    if any(run.has_model for run in parents) and not trials_hold:
        others = [run for run in shape.runs if run.parent not in shape.parents]
    return others[-_MOST_RUNS:]


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


def _with_parts(places: Places, one: Identity) -> Iterator[Identity]:
    """Yield it with the settings that differ within pairs in its cell, where that fills a matrix, and as it is."""
    more, parts = one, [one.cell]
    while more.repeated_with and len(parts) < _MOST_PARTS and not one.cell.startswith(OF_NAME):
        parts.append(more.repeated_with[0])
        more = _identity(places, "/".join(f"{{{part}}}" for part in parts), one.seed)
    if more != one and more.fit >= _FULL and more.stated == len(more.selected):
        yield more
    yield one


def _is_good(places: Places, one: Identity) -> bool:
    """Return whether most runs state it, it makes a matrix of them, and that is not a coincidence."""
    if one.fit <= _ENOUGH or one.stated > _MOST_TRIES * len(one.selected) or len(one.cells) > MOST_CELLS:
        return False
    several_cells, several_seeds = len(one.cells) > 1, len(one.seeds) > 1
    if one.cell == one.seed == NAMES[-1]:  # `resnet-18`, `resnet-50` are not two seeds
        return several_cells and several_seeds
    if one.cell.startswith(OF_NAME):
        is_told_elsewhere = any((places.usual, places.others, places.constant))
        return (several_cells or not is_told_elsewhere) and (several_seeds or one.cell != WHOLE_NAME)
    if several_seeds:
        return several_cells or not one.repeated_with
    # A number, or what each run has for itself, may be any setting of a search.
    parts = Template.parse(one.cell).references
    unusual = [part for part in parts if not is_usual_cell(part)]
    is_told = len(unusual) < len(parts) or one.is_repeated
    return is_told and not one.repeated_with and all(holds_names(places.columns[part]) for part in unusual)


def _unlikeliness(one: Identity) -> tuple[bool, float]:
    """Sort key of what is asked: what tells each run from all others comes last, then what makes a fuller matrix."""
    return len(one.cells) == one.stated, -round(one.fit * len(one.selected) / one.stated, 2)


# --- what is found ----------------------------------------------------------------------------------------------------


def _identity(places: Places, cell: str, seed: str) -> Identity:
    found = _selected(places.runs, cell, seed, places.read)
    return replace(found, repeated_with=_differing(places, found)) if found.is_repeated else found


def _differing(places: Places, one: Identity) -> tuple[str, ...]:
    """Return the settings in which runs of one pair differ: usual cells first, then those that tell the most apart."""
    groups = defaultdict[tuple[str | None, ...], list[int]](list)
    for index, pair in enumerate(
        zip(places.read("cell", one.cell), places.read("seed", one.seed), strict=True)
    ):
        groups[pair].append(index)
    known = {*Template.parse(one.cell).references, *Template.parse(one.seed).references}
    apart = {
        place: sum(len({places.columns[place][index] for index in same}) - 1 for same in groups.values())
        for place in (*places.usual, *places.others, *places.seeds)
        if place not in known
    }
    differing = [place for place, number in apart.items() if number]
    return tuple(sorted(differing, key=lambda place: (not is_usual_cell(place), -apart[place])))


def _selected(
    runs: Sequence[RunShape], cell: str, seed: str, column: Callable[[Part, str], Column]
) -> Identity:
    selected: dict[tuple[str, str], RunShape] = {}
    stated = 0
    for run, own_cell, own_seed in zip(runs, column("cell", cell), column("seed", seed), strict=True):
        if own_cell and (own_seed or seed == NO_SEED):
            stated += 1
            selected[own_cell, normal_seed(own_seed or "")] = run  # the newest is last
    return Identity(cell=cell, seed=seed, selected=selected, stated=stated, asked=len(runs))


def _by_name(shape: Shape) -> Identity:
    """Return the newest runs, each a cell of its own by its name."""
    runs = members(shape)
    newest = runs[-MOST_FALLBACK_CELLS:]
    found = _selected(newest, WHOLE_NAME, NO_SEED, partial(read, shape, newest))
    return replace(found, asked=len(runs), is_found=False)
