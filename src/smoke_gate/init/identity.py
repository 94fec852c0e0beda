"""Chooses where runs say which cell and which seed they are, or asks. Pure; ``docs/init.md`` explains the steps.

The usual places are tried in order, and the first answer that is good enough is taken. Settings that differ between
the runs of a pair are put into the cell. Where no answer is good enough, the best ones become a question.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from smoke_gate.gates.proposal import RunShape
from smoke_gate.init.places import (
    NAMES,
    WHOLE_NAME,
    Column,
    Places,
    Shape,
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
    3  # at a pair, on average: more of them are not reruns, but runs that something else tells apart
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
    apart. ``others`` are then the ways that were not good enough. ``repeated_with`` are the settings that differ
    between the runs of a pair.
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
    def fullness(self) -> float:
        """The share of the matrix that has a run."""
        places = len(self.cells) * max(len(self.seeds), 1)
        return len(self.selected) / places if places else 0.0

    @property
    def fit(self) -> float:
        """How much is stated, and of how full a matrix: 1 where every run states both, and every pair has a run."""
        return self.stated / self.asked * self.fullness if self.asked else 0.0

    @property
    def is_good(self) -> bool:
        """Whether it is good enough to be an answer: most runs state it, and it makes a matrix of them."""
        few = self.stated <= _MOST_TRIES * len(self.selected) and len(self.cells) <= MOST_CELLS
        return self.fit > _ENOUGH and few


def identity_of(shape: Shape) -> Identity:
    """Return the way to read cell and seed, with the next best ones; where none is good enough, the runs' names."""
    runs = members(shape)
    places = places_of(shape, runs)
    tried = list(dict.fromkeys(_ways(places)))
    found = [_identity(places, cell, seed) for cell, seed in tried]
    answer = next((one for one in found if one.is_good and _is_sure(places, one)), None)
    rest = [one for one in found if one is not answer and _may_be_meant(one)]
    rest.sort(key=lambda one: (-round(one.fit * _uniqueness(one), 2), one.cell.count("{")))
    others = tuple(islice(rest, _MOST_OTHERS))
    return replace(answer or _by_name(shape, runs), others=others)


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
    usual = [place for place in places.cells if places.differs(place)]
    constant = [place for place in places.cells if not places.differs(place)]
    seeds = places.seeds
    for seed in seeds:
        for cell in usual:
            yield _completed(places, cell, seed), seed
            yield cell, seed
        yield from ((cell, seed) for cell in (*NAMES, WHOLE_NAME))
        for cell in places.settings:
            yield _completed(places, cell, seed), seed
        yield from ((cell, seed) for cell in constant)
    yield from ((cell, name) for cell in usual for name in NAMES)
    yield from ((name, name) for name in NAMES)
    for cell in (*usual, *places.settings):
        yield _completed(places, cell, NO_SEED), NO_SEED
        yield cell, NO_SEED
    yield from ((cell, NO_SEED) for cell in constant)


def _completed(places: Places, cell: str, seed: str) -> str:
    """Return the cell with the settings that differ between the runs of a pair, where that makes a full matrix."""
    parts = [cell]
    while len(parts) < _MOST_PARTS:
        differing = _differing(places, _template(parts), seed)
        if not differing:
            break
        parts.append(differing[0])
        now = _identity(places, _template(parts), seed)
        if now.fit >= _FULL and now.stated == len(now.selected):
            return now.cell
    return cell


def _template(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else "/".join(f"{{{part}}}" for part in parts)


def _differing(places: Places, cell: str, seed: str) -> tuple[str, ...]:
    """Return the settings in which runs of one pair differ: those that tell the most apart first."""
    groups: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
    for index, pair in enumerate(zip(places.read(cell, "cell"), places.read(seed, "seed"), strict=True)):
        groups[pair].append(index)
    repeated = [indices for (stated, _), indices in groups.items() if stated is not None and len(indices) > 1]
    apart = {
        place: sum(len({places.columns[place][index] for index in indices}) - 1 for indices in repeated)
        for place in places.settings
        if f"{{{place}}}" not in cell
    }
    found = [place for place, number in apart.items() if number]
    return tuple(sorted(found, key=lambda place: (not is_usual_cell(place), -apart[place])))


# --- what is good enough ----------------------------------------------------------------------------------------------


def _is_sure(places: Places, one: Identity) -> bool:
    """Whether an answer that makes a matrix is not a coincidence."""
    if one.seed == NO_SEED:
        named = all(map(places.holds_names, Template.parse(one.cell).references))
        apart = one.stated == len(one.selected) or not one.repeated_with
        usual = any(map(is_usual_cell, Template.parse(one.cell).references))
        return named and apart and (usual or one.stated > len(one.selected))
    if one.cell == NAMES[-1] and one.seed == NAMES[-1]:  # `resnet-18`, `resnet-50` are not two seeds
        return len(one.cells) > 1 and len(one.seeds) > 1
    if one.cell.startswith("run_name:") and len(one.cells) == 1 and places.cells:
        return False
    if one.cell == WHOLE_NAME and len(one.seeds) == 1:
        return False
    return len(one.cells) > 1 or not _differing(places, one.cell, one.seed)


def _may_be_meant(one: Identity) -> bool:
    """Whether a way to read them is worth a question: it tells some runs apart, and not each from all others."""
    return one.fit > 0 and 1 < len(one.cells) <= MOST_CELLS and len(one.cells) < one.stated


def _uniqueness(one: Identity) -> float:
    return len(one.selected) / one.stated if one.stated else 0.0


def _identity(places: Places, cell: str, seed: str) -> Identity:
    found = _selected(places.runs, cell, places.read(cell, "cell"), seed, places.read(seed, "seed"))
    return (
        found
        if found.stated == len(found.selected)
        else replace(found, repeated_with=_differing(places, cell, seed))
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
