"""What an experiment looks like: the facts that the guesses are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShape:
    """A finished run. ``parent`` is the run id of its parent, ``metrics`` the values at the highest step.

    ``has_random_name``: MLflow made its name up, since nobody else gave it one.
    """

    run_id: str
    name: str = ""
    has_random_name: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    parent: str | None = None
    start_time: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a run left behind: the paths of its artifacts, and how many LoggedModels."""

    paths: tuple[str, ...] = ()
    models: int = 0


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
