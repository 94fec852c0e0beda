"""The places where runs may say which cell and which seed they are, and what can never be one. Pure.

People call such places alike, so a table of usual names says where to look first. What is made anew for each run, or
is known only after it, is refused whatever it is called: ``docs/init.md`` lists both.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from smoke_gate.gates.proposal import RunShape
from smoke_gate.gates.twins import is_meter, is_result
from smoke_gate.policy.terms import EXPERIMENT, Part, Template, normal_seed
from smoke_gate.text import words_of
from smoke_gate.vocabulary import COMMIT_TAG, DIRTY_TAG, ENVIRONMENT_PREFIX, NAME_TAG

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

_NOBODY = RunShape(run_id="")
_LONGEST_NAME = 60
_MOST_OTHERS = 8  # settings that are tried as a cell
_OURS = re.compile(rf"{COMMIT_TAG}|{DIRTY_TAG}|(?:mlflow\.|{re.escape(ENVIRONMENT_PREFIX)}).*")
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

    def read(self, part: Part, text: str) -> Column:
        """Return what runs say by a template of the policy; a time or an id in a run's name says nothing."""
        column = self.columns.get(text) or read(self.shape, self.runs, part, text)
        if not text.startswith(OF_NAME):
            return column
        return tuple(None if _is_made_up(value or "") else value for value in column)


def places_of(shape: Shape, runs: Sequence[RunShape]) -> Places:
    """Return the places where half of the runs or more say what can be the name of a cell, or a seed."""
    said = replace(shape, parents={run_id: _as_said(run) for run_id, run in shape.parents.items()})
    own = tuple(map(_as_said, runs))
    found = {
        place: read(said, own, "cell", place)
        for place in dict.fromkeys(chain.from_iterable(_places(said, run) for run in own))
    }
    columns = {place: column for place, column in found.items() if _may_say_it(place, column)}
    kinds = defaultdict[tuple[str, bool], list[str]](list)
    for place in sorted(columns, key=lambda place: (*_rank(place), not holds_names(columns[place]), place)):
        kinds[_kind(place), len(set(columns[place])) > 1].append(place)
    return Places(
        shape=said,
        runs=own,
        columns=columns,
        seeds=kinds["seed", True] + kinds["seed", False],
        usual=kinds["cell", True],
        constant=kinds["cell", False],
        others=kinds["setting", True][:_MOST_OTHERS],
    )


def read(shape: Shape, runs: Sequence[RunShape], part: Part, text: str) -> Column:
    """Return what runs say by a template of the policy, read as `check` reads it.

    Raises:
        ValueError: It is not a template that can say it; the text says what is.
    """
    template = Template.naming(part, text)
    above = [shape.parents.get(run.parent or "", _NOBODY) for run in runs]
    return tuple(
        template.read(run.params, run.tags, parent.params, parent.tags, run.name, part, run.experiment)
        for run, parent in zip(runs, above, strict=True)
    )


def is_usual_cell(place: str) -> bool:
    """Return whether a place is called as people call a cell."""
    return _kind(place) == "cell"


def holds_names(column: Column) -> bool:
    """Return whether the values in a place are names: texts that begin with a letter."""
    return all(value is None or re.match(r"[^\W\d_]", value) for value in column)


def _as_said(run: RunShape) -> RunShape:
    """Return a run without the name that MLflow made up for it."""
    return replace(run, name="", tags={**run.tags, NAME_TAG: ""}) if run.has_random_name else run


def _places(shape: Shape, run: RunShape) -> Iterator[str]:
    """Yield where a run says something of its own; of what MLflow says, only the parent's name may be meant."""
    parent = shape.parents.get(run.parent or "", _NOBODY)
    for above, one in (("", run), ("parent.", parent)):
        for kind, keys in (("params", one.params), ("tags", one.tags)):
            own = (key for key in keys if not _OURS.fullmatch(key) or (above and key == NAME_TAG))
            yield from (f"{above}{kind}.{key}" for key in own if not set(key) & set("{}"))
    if len(shape.experiments) > 1:
        yield EXPERIMENT


# --- what is refused --------------------------------------------------------------------------------------------------


def _may_say_it(place: str, column: Column) -> bool:
    said = [value for value in column if value is not None]
    if 2 * sum(len(value) <= _LONGEST_NAME for value in said) < len(column):
        return False
    if _kind(place) == "seed":
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


def _kind(place: str) -> str:
    name = _last_part(place)
    return "seed" if name in SEEDS else "cell" if name in CELLS else "setting"


def _last_part(place: str) -> str:
    """Return the last part of a key, which says what it is: ``seed`` of ``params.trainer/seed``, ``clf__seed``."""
    key = re.split(r"[./:]|(?<=[^_.])__", place)[-1].lower()
    return re.sub(r"\s+", "_", key)


def _rank(place: str) -> tuple[int, bool, bool]:
    """Return where a place stands: by its name in the tables, the run's own before its parent's, params before tags."""
    known, name = (*SEEDS, *CELLS), _last_part(place)
    return known.index(name) if name in known else len(known), place.startswith("parent."), "tags." in place
