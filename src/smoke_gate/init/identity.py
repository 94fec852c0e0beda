"""Guesses where runs say which cell and which seed they are. Pure; ``docs/init.md`` explains the score.

A way to read cell and seed *fits* as far as it is stated by every run, makes a full matrix, and tells the runs apart.
Among those that fit alike, names that people give such things, and values that look like names, decide.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, combinations, product

from smoke_gate.gates.proposal import RunShape
from smoke_gate.policy.terms import Template, normal_seed, seed_order
from smoke_gate.vocabulary import COMMIT_TAG, DIRTY_TAG

WHOLE_NAME = "run_name:(?P<cell>.+)"
NO_SEED = "none"
_PARENTS_NAME = "parent.tags.mlflow.runName"
MOST_CELLS = 100
MOST_FALLBACK_CELLS = 20
_MOST_RUNS = 2000  # that a guess is made from: the newest
_GOOD_FIT = 0.95  # with which, and with seeds, no template is tried
_POOR_FIT = 0.5  # up to which nothing was found
_MOST_TRIES = (
    3  # at a pair, on average: more of them are not reruns, but runs that something else tells apart
)
_MOST_TEMPLATE_PARTS = 3
_MOST_COMBINED = 8
_LONGEST_NAME = 60

_NAME_PATTERNS = (
    r"(?P<cell>.+?)[-_./ ]+(?:seed|s)[-_=]?(?P<seed>\d+)",
    r"(?:seed|s)[-_=]?(?P<seed>\d+)[-_./ ]+(?P<cell>.+)",
    r"(?P<cell>.+?)[-_./ ]+(?P<seed>\d+)",
)
_STRONG_CELL = {"cell", "variant", "arm", "condition", "method", "ablation"}
_WEAK_CELL = {
    "model", "model_name", "name", "estimator", "estimator_name", "architecture", "arch", "backbone", "network", "net",
    "algorithm", "algo", "config", "classifier", "regressor", "encoder",
}  # fmt: skip
_COMMIT_TAGS = {COMMIT_TAG, DIRTY_TAG}  # of contract.log_plan; a rerun on newer code is not another cell
_SEEDS = {"seed": 0.3, "random_seed": 0.25, "seed_everything": 0.25, "rng_seed": 0.25, "random_state": 0.2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An experiment, or several.

    ``runs`` are the finished, active runs in the order in which they started, ``parents`` their parents by run id,
    ``unfinished`` counts the other active ones. ``registered`` says whether there is a preregistration.
    """

    experiments: tuple[str, ...]
    runs: tuple[RunShape, ...]
    parents: Mapping[str, RunShape] = field(default_factory=dict)
    unfinished: int = 0
    registered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A way to read cell and seed off runs, as ``runs.cell`` and ``runs.seed`` of the policy say it.

    ``fit`` is between 0 and 1, ``score`` adds what speaks for the names. ``selected`` holds, for each pair found, its
    newest run; ``stated`` counts the runs that state both, ``asked`` those that were looked at. ``is_found``: the runs
    say it, or the user does; otherwise nothing but names tells the runs apart.
    """

    cell: str
    seed: str
    fit: float
    score: float
    selected: Mapping[tuple[str, str], RunShape]
    stated: int
    asked: int
    is_found: bool

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


def identities(shape: Shape) -> list[Identity]:
    """Return the ways to read cell and seed, the likeliest first; there always is one, if only the runs' names."""
    runs = leaves(shape)
    columns = _columns(shape, runs)
    found = _combined(shape, runs, _single_cells(columns), columns)
    if max((one.fit for one in found if one.seed != NO_SEED), default=0.0) < _GOOD_FIT:
        found += _combined(shape, runs, _templates(columns), columns)
    found = [one for one in found if one.is_found and len(one.cells) <= MOST_CELLS]
    return sorted(found, key=_likeliest) or [_by_name(shape, runs)]


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
    runs = leaves(shape)
    cells, seeds = _read(shape, runs, cell, "cell"), _read(shape, runs, seed, "seed")
    return replace(_identity(runs, (cell, cells), (seed, seeds)), is_found=True)


def leaves(shape: Shape) -> tuple[RunShape, ...]:
    """Return the runs that are not parents, the newest: parents of a sweep are not members of the matrix."""
    runs = tuple(run for run in shape.runs if run.run_id not in shape.parents)
    return runs[-_MOST_RUNS:]


# --- what runs say ----------------------------------------------------------------------------------------------------

Column = tuple[str | None, ...]
"""What each run says in one place."""


def _columns(shape: Shape, runs: Sequence[RunShape]) -> dict[str, Column]:
    """Return, by how a policy names the place, what runs say where half of them or more say what can be a name."""
    places = dict.fromkeys(chain.from_iterable(_places(shape, run) for run in runs))
    columns = {place: _guessed(shape, runs, place, "cell") for place in places}
    return {
        place: column
        for place, column in columns.items()
        if sum(value is not None and len(value) <= _LONGEST_NAME for value in column) * 2 >= len(runs)
    }


def _places(shape: Shape, run: RunShape) -> Iterator[str]:
    parent = shape.parents.get(run.parent or "")
    own = [("params.", run.params), ("tags.", run.tags)]
    above = [("parent.params.", parent.params), ("parent.tags.", parent.tags)] if parent else []
    for prefix, values in (*own, *above):
        for key in values:
            ours = key in _COMMIT_TAGS or (key.startswith("mlflow.") and prefix + key != _PARENTS_NAME)
            if not ours and not set(key) & set("{}"):
                yield prefix + key


def _read(shape: Shape, runs: Sequence[RunShape], text: str, group: str) -> Column:
    """Return what runs say at a place, read as `check` reads it."""
    template = Template.parse(text)
    found = []
    for run in runs:
        parent = shape.parents.get(run.parent or "") or RunShape(run_id="")
        found.append(
            template.read(
                run.params,
                run.tags,
                parent.params,
                parent.tags,
                run.name,
                "cell" if group == "cell" else "seed",
            )
        )
    return tuple(found)


def _guessed(shape: Shape, runs: Sequence[RunShape], text: str, group: str) -> Column:
    """Return what runs say at a place, without names that nobody gave."""
    column = _read(shape, runs, text, group)
    if text == _PARENTS_NAME:
        named = tuple(shape.parents.get(run.parent or "", run) for run in runs)
    elif text.startswith("run_name:"):
        named = tuple(runs)
    else:
        return column
    return tuple(None if one.has_random_name else value for one, value in zip(named, column, strict=True))


# --- ways to read -----------------------------------------------------------------------------------------------------


def _single_cells(columns: Mapping[str, Column]) -> list[str]:
    return [*columns, *(f"run_name:{pattern}" for pattern in _NAME_PATTERNS), WHOLE_NAME]


def _templates(columns: Mapping[str, Column]) -> list[str]:
    """Return templates of two and three places that differ between runs, of the likeliest places."""
    varying = [
        place for place, column in columns.items() if len(set(column)) > 1 and not _seed_likeness(place)
    ]
    likely = sorted(varying, key=lambda place: (-_cell_likeness(place, columns[place]), place))[
        :_MOST_COMBINED
    ]
    return [
        "/".join(f"{{{place}}}" for place in places)
        for parts in range(2, _MOST_TEMPLATE_PARTS + 1)
        for places in combinations(likely, parts)
    ]


def _seeds(columns: Mapping[str, Column]) -> list[str]:
    stated = [
        place
        for place, column in columns.items()
        if _seed_likeness(place)
        and all(value is None or normal_seed(value).lstrip("-").isdigit() for value in column)
    ]
    return [*stated, *(f"run_name:{pattern}" for pattern in _NAME_PATTERNS), NO_SEED]


def _combined(
    shape: Shape, runs: Sequence[RunShape], cells: Sequence[str], columns: Mapping[str, Column]
) -> list[Identity]:
    seeds = [(seed, _guessed(shape, runs, seed, "seed")) for seed in _seeds(columns)]
    read = [(cell, columns.get(cell) or _guessed(shape, runs, cell, "cell")) for cell in cells]
    return [
        _identity(runs, cell, seed)
        for cell, seed in product(read, seeds)
        if _may_go_together(cell[0], seed[0])
    ]


def _may_go_together(cell: str, seed: str) -> bool:
    """Whether two places can say two things: one place says one, and a name without a seed is only a name."""
    if cell.startswith("run_name:"):
        return seed != NO_SEED
    return cell != seed


def _identity(runs: Sequence[RunShape], cell: tuple[str, Column], seed: tuple[str, Column]) -> Identity:
    seedless = seed[0] == NO_SEED
    selected: dict[tuple[str, str], RunShape] = {}
    stated = 0
    for run, own_cell, own_seed in zip(runs, cell[1], seed[1], strict=True):
        if own_cell and (own_seed or seedless):
            stated += 1
            selected[own_cell, normal_seed(own_seed) if own_seed and not seedless else ""] = (
                run  # the newest is last
            )
    full = _fullness(selected, stated, len(runs))
    fit = full * len(selected) / stated if stated else 0.0
    may_be_reruns = _seed_likeness(seed[0]) > 0 and stated <= _MOST_TRIES * len(selected)
    return Identity(
        cell=cell[0],
        seed=seed[0],
        fit=fit,
        score=fit + _cell_likeness(*cell) + (-0.2 if seedless else _seed_likeness(seed[0])),
        selected=selected,
        stated=stated,
        asked=len(runs),
        is_found=(full if may_be_reruns else fit) > _POOR_FIT,
    )


def _fullness(selected: Mapping[tuple[str, str], RunShape], stated: int, asked: int) -> float:
    """Return how many of the runs state it, times how full the matrix is."""
    if not selected:
        return 0.0
    cells, seeds = {cell for cell, _ in selected}, {seed for _, seed in selected}
    return stated / asked * len(selected) / (len(cells) * len(seeds))


def _by_name(shape: Shape, runs: Sequence[RunShape]) -> Identity:
    """Return the newest runs, each a cell of its own by its name."""
    newest = runs[-MOST_FALLBACK_CELLS:]
    nameless = (NO_SEED, (None,) * len(newest))
    found = _identity(newest, (WHOLE_NAME, _read(shape, newest, WHOLE_NAME, "cell")), nameless)
    return replace(found, fit=0.0, score=0.0, asked=len(runs), is_found=False)


# --- what speaks for a name -------------------------------------------------------------------------------------------


def _likeliest(identity: Identity) -> tuple[object, ...]:
    """Sort key: the score; then fewer parts, the run before its parent, and params before tags."""
    origin = next(
        (rank for rank, word in enumerate(("params.", "tags.", "parent.")) if word in identity.cell), 3
    )
    parent = "parent." in identity.cell
    return -round(identity.score, 6), identity.cell.count("{"), parent, origin, identity.cell, identity.seed


def _cell_likeness(text: str, column: Column) -> float:
    """Return what speaks for a place of cells: what it is called, what stands there, how simply it is said."""
    if text.startswith("run_name:"):
        return -0.1 if text != WHOLE_NAME else -0.2
    words = [_last_word(place) for place in re.findall(r"\{([^{}]*)\}", text) or [text]]
    called = 0.3 if set(words) & _STRONG_CELL else 0.2 if set(words) & _WEAK_CELL else 0.0
    values = {value for value in column if value}
    named = 0.1 if values and all(map(_looks_like_a_name, values)) else 0.0
    constant = -0.3 if len(values) == 1 else 0.0
    return called + named + constant - 0.15 * (len(words) - 1) - 0.05 * ("parent." in text)


def _looks_like_a_name(value: str) -> bool:
    return bool(re.match(r"[^\W\d_]", value)) and "://" not in value and value.isprintable()


def _seed_likeness(text: str) -> float:
    if text.startswith("run_name:"):
        return 0.1 if "seed|s" in text else 0.0
    return _SEEDS.get(_last_word(text), 0.0)


def _last_word(place: str) -> str:
    """Return the last part of a key, which says what it is: ``seed`` of ``params.trainer/seed``, ``clf__seed``."""
    return re.split(r"[./: ]|__", place)[-1].lower()
