"""The places where runs may say which cell and which seed they are, and what can never be one. Pure.

People call such places alike, so a table of usual names says where to look first. What is made anew for each run, or
is known only after it, is refused whatever it is called: ``docs/init.md`` lists both.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from smoke_gate.gates.proposal import RunShape
from smoke_gate.gates.twins import is_meter, is_result
from smoke_gate.policy.terms import EXPERIMENT, Template, normal_seed
from smoke_gate.text import words_of
from smoke_gate.vocabulary import COMMIT_TAG, DIRTY_TAG, ENVIRONMENT_PREFIX

SEEDS = ("seed", "random_seed", "seed_everything", "rng_seed", "session_id", "random_state", "fold", "repeat")
"""What people call a seed, the likeliest first. The last part of a key counts: ``trainer/seed``."""
CELLS = (
    "cell", "variant", "arm", "condition", "method", "ablation",
    "model", "model_name", "_name_or_path", "model_type", "name", "architecture", "arch", "backbone", "network", "net",
    "algorithm", "algo", "estimator", "estimator_name", "classifier", "regressor", "encoder", "booster",
    "boosting_type", "config", "config_name", "dataset", EXPERIMENT,
)  # fmt: skip
"""What people call a cell, the likeliest first."""
OF_NAME = "run_name:"
NAMES = (
    r"run_name:(?P<cell>.+?)[-_./ ]+(?:seed|s)[-_=]?(?P<seed>\d+)",
    r"run_name:(?:seed|s)[-_=]?(?P<seed>\d+)[-_./ ]+(?P<cell>.+)",
    r"run_name:(?P<cell>.+?)[-_./ ]+(?P<seed>\d+)",
)
"""How people put both into a run's name."""
WHOLE_NAME = "run_name:(?P<cell>.+)"
PARENTS_NAME = "parent.tags.mlflow.runName"

_LONGEST_NAME = 60
_MOST_OTHERS = 8  # settings that are tried as a cell
_REFUSED = frozenset([
    "id", "uuid", "guid", "usi", "uri", "url", "hash", "sha", "sha256", "digest", "signature", "commit", "revision",
    "user", "host", "hostname", "node", "pid", "port", "device", "date", "datetime", "now", "started", "ended",
    "created",
])  # fmt: skip
_REFUSED_AT_THE_END = frozenset([
    "status", "state", "stage", "result", "number", "num", "index", "idx", "path", "dir", "directory", "folder", "file",
    "filename", "logdir",
])  # fmt: skip
_MADE_UP = re.compile(
    r".*\bat 0x[0-9a-f]+.*"  # an address
    r"|(?:0x)?(?=.*\d)(?=.*[a-f])[0-9a-f]{8,}|[0-9a-f]{8}-[0-9a-f-]{27}"  # a hash, a UUID
    r"|[a-z][a-z0-9+.-]*://.*|/.*|[a-z]:[\\/].*|\\\\.*|(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?"  # a URI, a path, a host
    r"|(?:19|20)\d\d-?[01]\d-?[0-3]\d(?:\D.*)?|\d{1,2}:\d\d(?::\d\d)?.*"  # a date, a time
    r"|1[4-9]\d{8}(?:\d{3})?(?:\.\d+)?",  # a Unix time
    re.DOTALL | re.IGNORECASE,
)
_UNIX_TIME = re.compile(r"1[4-9]\d{8}(?:\d{3})?")

Column = tuple[str | None, ...]
"""What each run says in one place."""


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
class Places:
    """The values that the runs of a matrix state, by how a policy names the place; the likeliest places first.

    ``seeds`` hold integers and have a seed's name. ``usual`` and ``constant`` have a cell's name: the first tell runs
    apart, the others are the same everywhere. ``others`` tell runs apart, too, and have neither's name.
    """

    shape: Shape
    runs: Sequence[RunShape]
    columns: Mapping[str, Column]
    seeds: Sequence[str]
    usual: Sequence[str]
    constant: Sequence[str]
    others: Sequence[str]

    def read(self, text: str, group: str) -> Column:
        """Return what runs say by a template of the policy; made-up names, and those that are a time, say nothing."""
        column = self.columns.get(text) or read(self.shape, self.runs, text, group)
        if not text.startswith(OF_NAME):
            return column
        named = zip(self.runs, column, strict=True)
        return tuple(
            None if run.has_random_name or _is_made_up(value or "") else value for run, value in named
        )


def places_of(shape: Shape, runs: Sequence[RunShape]) -> Places:
    """Return the places where half of the runs or more say what can be the name of a cell, or a seed."""
    columns = {}
    for place in dict.fromkeys(chain.from_iterable(_places(shape, run) for run in runs)):
        column = read(shape, runs, place, "cell")
        if place == PARENTS_NAME:
            above = (shape.parents.get(run.parent or "", run) for run in runs)
            column = tuple(
                None if one.has_random_name else said for one, said in zip(above, column, strict=True)
            )
        if _may_say_it(place, column, len(runs)):
            columns[place] = column
    likely = sorted(columns, key=lambda place: (*_rank(place), not holds_names(columns[place]), place))
    apart = {place for place, column in columns.items() if len(set(column)) > 1}
    cells = [place for place in likely if is_usual_cell(place)]
    others = [
        place for place in likely if place in apart and not is_usual_cell(place) and not _is_usual_seed(place)
    ]
    seeds = [place for place in likely if _is_usual_seed(place)]
    return Places(
        shape=shape,
        runs=runs,
        columns=columns,
        seeds=sorted(seeds, key=lambda place: place not in apart),
        usual=[place for place in cells if place in apart],
        constant=[place for place in cells if place not in apart],
        others=others[:_MOST_OTHERS],
    )


def read(shape: Shape, runs: Iterable[RunShape], text: str, group: str) -> Column:
    """Return what runs say by a template of the policy, read as `check` reads it."""
    template, nobody = Template.parse(text), RunShape(run_id="")
    found = []
    for run in runs:
        above = shape.parents.get(run.parent or "", nobody)
        part: Literal["cell", "seed"] = "cell" if group == "cell" else "seed"
        said = template.read(run.params, run.tags, above.params, above.tags, run.name, part, run.experiment)
        found.append(said)
    return tuple(found)


def is_usual_cell(place: str) -> bool:
    """Return whether a place is called as people call a cell."""
    return _last_part(place) in CELLS


def holds_names(column: Column) -> bool:
    """Return whether the values in a place are names: texts that begin with a letter."""
    return all(value is None or re.match(r"[^\W\d_]", value) for value in column)


# --- what is refused --------------------------------------------------------------------------------------------------


def _places(shape: Shape, run: RunShape) -> Iterator[str]:
    parent = shape.parents.get(run.parent or "")
    own = [("params.", run.params), ("tags.", run.tags)]
    above = [("parent.params.", parent.params), ("parent.tags.", parent.tags)] if parent else []
    for prefix, values in (*own, *above):
        for key in values:
            ours = key in (COMMIT_TAG, DIRTY_TAG) or key.startswith(("mlflow.", ENVIRONMENT_PREFIX))
            if not set(key) & set("{}") and (not ours or prefix + key == PARENTS_NAME):
                yield prefix + key
    if len(shape.experiments) > 1:
        yield EXPERIMENT


def _may_say_it(place: str, column: Column, runs: int) -> bool:
    said = [value for value in column if value is not None]
    if 2 * sum(len(value) <= _LONGEST_NAME for value in said) < runs:
        return False
    if _is_usual_seed(place):
        integers = all(normal_seed(value).lstrip("-").isdigit() for value in said)
        return integers and not all(map(_UNIX_TIME.fullmatch, said))
    return not any(map(_is_made_up, said)) and not _is_refused(place, said)


def _is_refused(place: str, said: Sequence[str]) -> bool:
    """Return whether a place has a name as outcomes, clocks, states, ids, addresses and paths have.

    The part of its name that is usual for a cell does not count.
    """
    key = re.sub(r"^(?:parent\.)?(?:params|tags)\.", "", place)
    key = key[: -len(_last_part(place))] if is_usual_cell(place) else key
    words = words_of(key)
    outcome = words[:1] == ["best"] or is_meter(key) or (is_result(key) and all(map(_is_number, said)))
    refused = not _REFUSED.isdisjoint(words) or not _REFUSED_AT_THE_END.isdisjoint(words[-1:])
    return outcome or refused or key.startswith("_")


def _is_made_up(value: str) -> bool:
    """Return whether a value is an address, an id, a path, a host or a time."""
    return _MADE_UP.fullmatch(value) is not None


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


# --- order ------------------------------------------------------------------------------------------------------------


def _is_usual_seed(place: str) -> bool:
    return _last_part(place) in SEEDS


def _last_part(place: str) -> str:
    """Return the last part of a key, which says what it is: ``seed`` of ``params.trainer/seed``, ``clf__seed``."""
    key = re.split(r"[./:]|(?<=[^_.])__", place)[-1].lower()
    return re.sub(r"\s+", "_", key)


def _rank(place: str) -> tuple[int, bool, bool]:
    """Return where a place stands: by its name in the tables, the run's own before its parent's, params before tags."""
    known, name = (*SEEDS, *CELLS), _last_part(place)
    return known.index(name) if name in known else len(known), place.startswith("parent."), "tags." in place
