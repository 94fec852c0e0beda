"""The places where runs may say which cell and which seed they are, and what can never be one. Pure.

People call such places alike, so a table of usual names says where to look first. What is made anew for each run, or
is known only after it, is refused whatever it is called: ``docs/init.md`` lists both.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

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


@dataclass(frozen=True, slots=True)
class Places:
    """What can be said of the runs of the matrix: by how a policy names a place, what each run says there."""

    shape: Shape
    runs: Sequence[RunShape]
    columns: Mapping[str, Column]

    @property
    def seeds(self) -> list[str]:
        """The places that have a seed's name and hold integers, the likeliest first: those that differ."""
        found = [place for place in self.columns if is_usual_seed(place) and self._holds_seeds(place)]
        return sorted(found, key=lambda place: (not self.differs(place), _rank(SEEDS, place), *_order(place)))

    @property
    def usual(self) -> list[str]:
        """The places that tell runs apart and have a cell's name, the likeliest first."""
        return [place for place in self._named if self.differs(place)]

    @property
    def constant(self) -> list[str]:
        """The places that have a cell's name and are the same everywhere, the likeliest first."""
        return [place for place in self._named if not self.differs(place)]

    @property
    def others(self) -> list[str]:
        """Other places that tell runs apart and are not seeds: names before numbers, at most so many."""
        found = [
            place
            for place in self.columns
            if self.differs(place) and not is_usual_cell(place) and not is_usual_seed(place)
        ]
        return sorted(found, key=lambda place: (not self.holds_names(place), *_order(place)))[:_MOST_OTHERS]

    @property
    def _named(self) -> list[str]:
        return sorted(
            filter(is_usual_cell, self.columns), key=lambda place: (_rank(CELLS, place), *_order(place))
        )

    def differs(self, place: str) -> bool:
        """Whether runs say different things in a place."""
        return len(set(self.columns[place])) > 1

    def holds_names(self, place: str) -> bool:
        """Whether a place holds names: what is said there begins with a letter."""
        return all(value is None or re.match(r"[^\W\d_]", value) for value in self.columns[place])

    def read(self, text: str, group: str) -> Column:
        """Return what runs say by a template of the policy, read as `check` reads it; made-up names say nothing."""
        if text in self.columns:
            return self.columns[text]
        column = read(self.shape, self.runs, text, group)
        if not text.startswith(OF_NAME):
            return column
        named = zip(self.runs, column, strict=True)
        return tuple(
            None if run.has_random_name or value is None or _is_made_up(value) else value
            for run, value in named
        )

    def _holds_seeds(self, place: str) -> bool:
        return all(value is None or normal_seed(value).lstrip("-").isdigit() for value in self.columns[place])


def places_of(shape: Shape, runs: Sequence[RunShape]) -> Places:
    """Return the places where half of the runs or more say what can be the name of a cell, or a seed."""
    texts = dict.fromkeys(chain.from_iterable(_places(shape, run) for run in runs))
    columns = {text: read(shape, runs, text, "cell") for text in texts}
    if PARENTS_NAME in columns:
        above = [shape.parents.get(run.parent or "", run) for run in runs]
        named = zip(above, columns[PARENTS_NAME], strict=True)
        columns[PARENTS_NAME] = tuple(None if one.has_random_name else value for one, value in named)
    return Places(
        shape,
        runs,
        {text: column for text, column in columns.items() if _may_say_it(text, column, len(runs))},
    )


def read(shape: Shape, runs: Iterable[RunShape], text: str, group: str) -> Column:
    """Return what runs say by a template of the policy, read as `check` reads it."""
    template = Template.parse(text)
    nobody = RunShape(run_id="")
    found = []
    for run in runs:
        parent = shape.parents.get(run.parent or "", nobody)
        found.append(
            template.read(
                run.params, run.tags, parent.params, parent.tags, run.name, "cell" if group == "cell" else "seed",
                run.experiment,
            )
        )  # fmt: skip
    return tuple(found)


def is_usual_seed(place: str) -> bool:
    """Whether a place is called as people call a seed."""
    return _last_part(place) in SEEDS


def is_usual_cell(place: str) -> bool:
    """Whether a place is called as people call a cell."""
    return _last_part(place) in CELLS


# --- what is refused --------------------------------------------------------------------------------------------------


def _places(shape: Shape, run: RunShape) -> Iterator[str]:
    parent = shape.parents.get(run.parent or "")
    own = [("params.", run.params), ("tags.", run.tags)]
    above = [("parent.params.", parent.params), ("parent.tags.", parent.tags)] if parent else []
    for prefix, values in (*own, *above):
        yield from (prefix + key for key in values if not set(key) & set("{}"))
    if len(shape.experiments) > 1:
        yield EXPERIMENT


def _may_say_it(place: str, column: Column, runs: int) -> bool:
    said = [value for value in column if value is not None]
    short = [value for value in said if len(value) <= _LONGEST_NAME]
    if 2 * len(short) < runs:
        return False
    if is_usual_seed(place):
        return not all(map(_UNIX_TIME.fullmatch, said))
    return not any(map(_is_made_up, said)) and (is_usual_cell(place) or not _is_refused(place, said))


def _is_refused(place: str, said: Sequence[str]) -> bool:
    """Whether a place is called as outcomes, clocks, states, ids, addresses and paths are; a usual name is not."""
    key = re.sub(r"^(?:parent\.)?(?:params|tags)\.", "", place)
    ours = key in (COMMIT_TAG, DIRTY_TAG) or key.startswith((ENVIRONMENT_PREFIX, "_"))
    if ours or (key.startswith("mlflow.") and place != PARENTS_NAME):
        return True
    words = words_of(key)
    numbers = all(map(_is_number, said))
    outcome = words[:1] == ["best"] or (numbers and is_result(key)) or is_meter(key)
    return outcome or not _REFUSED.isdisjoint(words) or not _REFUSED_AT_THE_END.isdisjoint(words[-1:])


def _is_made_up(value: str) -> bool:
    """Whether a value is an address, an id, a path, a host or a time."""
    return _MADE_UP.fullmatch(value) is not None


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


# --- order ------------------------------------------------------------------------------------------------------------


def _last_part(place: str) -> str:
    """Return the last part of a key, which says what it is: ``seed`` of ``params.trainer/seed``, ``clf__seed``."""
    key = re.split(r"[./:]|(?<=[^_.])__", place)[-1].lower()
    return re.sub(r"\s+", "_", key)


def _rank(table: Sequence[str], place: str) -> int:
    return table.index(_last_part(place))


def _order(place: str) -> tuple[bool, bool, str]:
    return place.startswith("parent."), "tags." in place, place
