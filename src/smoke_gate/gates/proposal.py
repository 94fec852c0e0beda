"""The view of a store that ``init`` has, and the proposal of a gate for the policy."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShape:
    """A finished run. ``parent`` is the run id of its parent, ``metrics`` the values at the highest step.

    ``has_random_name``: MLflow made its name up, since nobody else gave it one. ``experiment`` is the name of its
    experiment. ``has_model``: it logged an MLflow model.
    """

    run_id: str
    name: str = ""
    has_random_name: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    parent: str | None = None
    start_time: int = 0
    experiment: str = ""
    has_model: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The paths of the artifacts that a run left behind, and the number of its LoggedModels.

    ``own_modules`` are patterns of the user's modules that its pickles would import; only some runs are asked.
    ``unread`` says why the artifacts could not be listed; it is empty where they were.
    """

    paths: tuple[str, ...] = ()
    models: int = 0
    own_modules: tuple[str, ...] = ()
    unread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The runs that stand for the pairs of a matrix, and the files of each, in the same order.

    ``pairs`` are the cell and the seed of each run, an empty seed where there are none.
    ``registered`` says whether there is a preregistration. ``stated`` says whether the runs name their cell and seed.
    ``metric`` is the metric that the matrix seems to be about.
    """

    runs: Sequence[RunShape]
    files: Sequence[Files]
    registered: bool
    stated: bool
    pairs: Sequence[tuple[str, str]] = ()
    metric: str | None = None

    @property
    def by_cell(self) -> Mapping[str, Sequence[RunShape]]:
        """The runs of each cell; all are of one cell where no pairs are known."""
        cells: dict[str, list[RunShape]] = {}
        for run, (cell, _) in zip(self.runs, self.pairs or [("", "")] * len(self.runs), strict=True):
            cells.setdefault(cell, []).append(run)
        return cells

    @property
    def is_unread(self) -> bool:
        """True if the artifacts of some runs could not be read, so that nobody knows which files they have."""
        return any(files.unread for files in self.files)

    def in_most(self, keys_of: Callable[[RunShape], Iterable[str]]) -> list[str]:
        """Return the keys that more than half of the runs have, in order."""
        count = Counter(key for run in self.runs for key in keys_of(run))
        return sorted(key for key, number in count.items() if 2 * number > len(self.runs))

    def how_many_log(self, logs: Callable[[RunShape], bool], what: str) -> str:
        """Say how many runs log something."""
        return f"{sum(map(logs, self.runs))} of {len(self.runs)} runs log {what}"

    def how_many_have(self, has: Callable[[Files], object], what: str) -> str:
        """Say how many runs have some kind of file, and of how many that is not known."""
        unread = [files.unread for files in self.files if files.unread]
        read = [files for files in self.files if not files.unread or has(files)]
        why = f"the artifacts of {len(unread)} of {len(self.files)} runs could not be read: {min(unread, default='')}"
        if not read:
            return why
        said = f"{sum(1 for files in read if has(files))} of {len(read)} runs have {what}"
        return f"{said}; {why}" if unread else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A gate's part of a proposed policy.

    ``found`` says how much of what the gate judges the runs log. ``settings`` are the gate's keys in the policy, where
    the defaults will not do. ``to_log`` are the lines of training code without which the gate has nothing to judge.
    """

    found: str
    settings: Mapping[str, object] = field(default_factory=dict)
    to_log: tuple[str, ...] = ()

    @property
    def is_logged(self) -> bool:
        """True if the runs log what the gate judges. ``check`` then says whether it is good."""
        return not self.to_log
